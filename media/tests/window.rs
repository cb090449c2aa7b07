//! The window on a real X server, of which there is one without a screen: what it shows, and the keys pressed in it.
//!
//! Each window is opened by this program run once more as a process of its own, with DISPLAY set for it.

#![cfg(all(feature = "window", target_os = "linux"))]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use media::window::{Key, Window};
use media::{Image, PixelFormat};

const SCREEN: (usize, usize) = (800, 600);
const PATIENCE: Duration = Duration::from_secs(20);
const RED: [u8; 3] = [250, 10, 20];
const GREEN: [u8; 3] = [30, 240, 40];
const BLUE: [u8; 3] = [50, 60, 230];
const WHITE: [u8; 3] = [255, 255, 255];
const BLACK: [u8; 3] = [0, 0, 0];

/// An X server without a screen. It ends with this value.
struct Server {
    process: Child,
    display: String,
}

impl Server {
    /// Starts one, or says why not where nobody asked for it: it is a system package, which CI must have.
    fn start() -> Option<Self> {
        let size = format!("{}x{}x24", SCREEN.0, SCREEN.1);
        // It chooses a display that is free and says which.
        let arguments = ["-displayfd", "1", "-screen", "0", &size, "-nolisten", "tcp", "-ac", "-noreset"];
        let started = Command::new("Xvfb").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = match started {
            Ok(process) => process,
            Err(error) if std::env::var_os("CI").is_none() => {
                println!("not tested, since Xvfb does not run: {error}; script/bootstrap installs it");
                return None;
            }
            Err(error) => panic!("Xvfb does not run: {error}; script/bootstrap installs it"),
        };
        let mut display = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut display).unwrap();
        Some(Self { process, display: format!(":{}", display.trim()) })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let ran = Command::new(program).args(arguments).env("DISPLAY", &self.display).output();
        let ran = ran.unwrap_or_else(|error| panic!("{program} does not run: {error}; script/bootstrap installs it"));
        assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        ran.stdout
    }

    /// Waits for the window that shows the picture. (With --sync, xdotool would wait for ever.)
    fn window(&self) -> String {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let search = ["search", "--name", "^picture"];
            let found = Command::new("xdotool").args(search).env("DISPLAY", &self.display).output();
            let found =
                found.unwrap_or_else(|error| panic!("xdotool does not run: {error}; script/bootstrap installs it"));
            let window = String::from_utf8_lossy(&found.stdout).trim().to_owned();
            if !window.is_empty() {
                return window;
            }
        }
        panic!("there is no window with the title that was set");
    }

    /// Waits until the screen shows these colours at these places, which each stand for themselves with what is around
    /// them.
    fn expect(&self, what: &str, expected: &[((usize, usize), [u8; 3])]) {
        let start = Instant::now();
        loop {
            let screen = self.run("import", &["-window", "root", "-depth", "8", "rgb:-"]);
            assert_eq!(screen.len(), SCREEN.0 * SCREEN.1 * 3);
            let at = |(x, y): (usize, usize)| &screen[(y * SCREEN.0 + x) * 3..][..3];
            let wrong: Vec<_> = expected.iter().filter(|(place, color)| at(*place) != color).collect();
            if wrong.is_empty() {
                return;
            }
            let got: Vec<_> = wrong.iter().map(|(place, _)| at(*place)).collect();
            assert!(start.elapsed() < PATIENCE, "{what}: expected {wrong:?}, the screen shows {got:?}");
        }
    }

    /// Asks a window to close as a window manager does: ICCCM 4.2.8, by the X protocol, since no installed program does
    /// that without a window manager.
    fn close(&self, window: u32) {
        let mut x = UnixStream::connect(format!("/tmp/.X11-unix/X{}", &self.display[1..])).unwrap();
        // Little-endian, protocol 11.0, no authorization; the answer begins with its length in units of four bytes.
        x.write_all(&[b'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let mut head = [0; 8];
        x.read_exact(&mut head).unwrap();
        assert_eq!(head[0], 1, "the X server refuses");
        x.read_exact(&mut vec![0; usize::from(u16::from_le_bytes([head[6], head[7]])) * 4]).unwrap();
        let mut atom = |name: &str| {
            let words = 2 + name.len().div_ceil(4);
            let mut request = vec![16, 0, words as u8, 0, name.len() as u8, 0, 0, 0];
            request.extend_from_slice(name.as_bytes());
            request.resize(words * 4, 0);
            x.write_all(&request).unwrap();
            let mut reply = [0; 32];
            x.read_exact(&mut reply).unwrap();
            <[u8; 4]>::try_from(&reply[8..12]).unwrap()
        };
        let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
        let window = window.to_le_bytes();
        // SendEvent, no propagation, no mask; a ClientMessage of format 32.
        let event = [&[33, 32, 0, 0][..], &window, &protocols, &delete, &[0; 16]].concat();
        x.write_all(&[&[25, 0, 11, 0][..], &window, &[0; 4], &event].concat()).unwrap();
        // The answer to any request shows that the ones before it have been heard.
        x.write_all(&[43, 0, 1, 0]).unwrap();
        x.read_exact(&mut [0; 32]).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A process with a window, and what it prints.
struct Shown {
    process: Child,
    lines: Receiver<String>,
}

impl Shown {
    fn start(display: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "child_with_a_window"]).env(CHILD, "1");
        command.env_remove("DISPLAY").envs(display.map(|display| ("DISPLAY", display)));
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let output: BufReader<ChildStdout> = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in
                output.lines().map_while(Result::ok).filter_map(|line| Some(line.strip_prefix("> ")?.to_owned()))
            {
                let _ = sender.send(line);
            }
        });
        Self { process, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("the window says nothing: {error}"))
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_window_shows_the_picture_at_any_size_and_takes_keys() {
    let Some(server) = Server::start() else { return };
    let shown = Shown::start(Some(&server.display));
    assert_eq!(shown.line(), "size 320x240");
    let window = server.window();
    assert_eq!(server.run("xdotool", &["getwindowname", &window]), "picture 160x120 – 25 fps\n".as_bytes());

    // 320 x 240 in the middle of the screen, each quarter in its colour up to the corners.
    let quarters = |x: usize, y: usize, width: usize, height: usize| {
        let (right, bottom) = (x + width - 1, y + height - 1);
        [((x, y), RED), ((right, y), GREEN), ((x, bottom), BLUE), ((right, bottom), WHITE)]
    };
    server.expect("at first", &quarters(240, 180, 320, 240));
    server.expect("around it", &[((239, 180), BLACK), ((560, 419), BLACK), ((240, 179), BLACK)]);

    // Wider: bars of 40 pixels, without another picture coming.
    server.run("xdotool", &["windowsize", &window, "400", "240"]);
    assert_eq!(shown.line(), "size 400x240");
    server.expect("wider", &quarters(280, 180, 320, 240));
    server.expect("bars", &[((279, 180), BLACK), ((600, 300), BLACK), ((639, 419), BLACK)]);

    // What X11 forgot comes back by itself.
    server.run("xdotool", &["windowunmap", &window]);
    server.expect("unmapped", &[((300, 200), BLACK), ((500, 400), BLACK)]);
    server.run("xdotool", &["windowmap", &window]);
    server.expect("mapped again", &quarters(280, 180, 320, 240));

    // Keys sent to the window, and keys of the keyboard with the pointer over it: there is no window manager to give
    // focus.
    server.run("xdotool", &["key", "--window", &window, "s"]);
    assert_eq!(shown.line(), "key Snapshot");
    server.run("xdotool", &["mousemove", "400", "300", "key", "i", "x", "i"]);
    assert_eq!(shown.line(), "key Figures");
    assert_eq!(shown.line(), "key Figures");
    server.run("xdotool", &["windowfocus", &window, "key", "shift+s"]);
    assert_eq!(shown.line(), "key Snapshot");
    // Only down: when it goes up again there is no window any more.
    server.run("xdotool", &["keydown", "--window", &window, "Escape"]);
    assert_eq!(shown.line(), "key Quit");
    ends(shown);
}

#[test]
fn closing_the_window_and_q_end_it() {
    let Some(server) = Server::start() else { return };
    for close in [true, false] {
        let shown = Shown::start(Some(&server.display));
        assert_eq!(shown.line(), "size 320x240");
        let window = server.window();
        if close {
            server.close(window.parse().unwrap());
        } else {
            server.run("xdotool", &["keydown", "--window", &window, "q"]);
        }
        assert_eq!(shown.line(), "key Quit");
        ends(shown);
    }
}

#[test]
fn without_a_display_there_is_an_error_that_says_what_to_do() {
    let shown = Shown::start(None);
    let line = shown.line();
    assert!(line.starts_with("error no window, since there is no display: DISPLAY is not set"), "{line}");
    ends(shown);
    let shown = Shown::start(Some(":65000"));
    let line = shown.line();
    assert!(line.starts_with("error no window on display :65000: ") && line.contains("DISPLAY is right"), "{line}");
    ends(shown);
}

/// The process goes on after whatever happened to its window, and ends by itself.
fn ends(mut shown: Shown) {
    assert_eq!(shown.line(), "end");
    assert!(shown.process.wait().unwrap().success());
}

/// Tells [`child_with_a_window`] that one of the tests above runs it. Run by anybody else it has nothing to do.
const CHILD: &str = "SEGMENT_TEST_WINDOW";

#[test]
#[ignore = "run by the tests above"]
fn child_with_a_window() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    match Window::open("a title\0that changes", 320, 240) {
        Ok(window) => show(window),
        Err(error) => println!("\n> error {error}"),
    }
    println!("\n> end");
}

/// Shows one picture and says what happens to the window, until it is to be closed.
fn show(mut window: Window) {
    let picture: Vec<u8> = (0..120)
        .flat_map(|y| (0..160).map(move |x| (x >= 80, y >= 60)))
        .flat_map(|quarter| {
            match quarter {
                (false, false) => RED,
                (true, false) => GREEN,
                (false, true) => BLUE,
                (true, true) => WHITE,
            }
            .into_iter()
            .rev()
            .chain([0])
        })
        .collect();
    assert!(window.show(&Image::zeroed(2, 2, PixelFormat::Rgb).unwrap()).is_err());
    window.show(&Image::new(160, 120, PixelFormat::Bgrx, picture).unwrap()).unwrap();
    window.set_title("picture 160x120 – 25 fps");
    let mut size = (0, 0);
    loop {
        let keys = window.poll().unwrap();
        if window.size() != size {
            size = window.size();
            println!("\n> size {}x{}", size.0, size.1);
        }
        for key in &keys {
            println!("\n> key {key:?}");
        }
        if keys.contains(&Key::Quit) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
