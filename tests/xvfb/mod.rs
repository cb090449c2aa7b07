//! An X server without a screen, for tests of windows: what it shows, keys pressed on it, and windows closed.
//!
//! Of the workspace, not of one crate; a test includes it by `#[path]`. `script/bootstrap` installs what it runs.

#![allow(dead_code, reason = "each crate's tests use a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Output, Stdio};

/// The server. It ends with this value.
pub(crate) struct Xvfb {
    process: Child,
    display: String,
}

/// The inside of a window as it is on the screen.
pub(crate) struct Screenshot {
    width: usize,
    height: usize,
    /// Rows of red, green, blue.
    pixels: Vec<u8>,
}

impl Xvfb {
    /// Starts one with a screen of so many pixels. `None`, with a word why, where there is none and nobody asked for
    /// all tests to be run (CI=true): it is a system package.
    pub(crate) fn start(width: usize, height: usize) -> Option<Self> {
        let screen = format!("{width}x{height}x24");
        // It chooses a display that is free, and says which once it takes clients.
        let arguments = ["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-ac", "-noreset"];
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

    /// Has the server hang, as one behind a connection that is gone, or go on.
    pub(crate) fn hang(&self, hangs: bool) {
        let signal = if hangs { "STOP" } else { "CONT" };
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// What DISPLAY is to say for a program that shows its windows here.
    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    /// Waits for the window whose title this regular expression finds.
    pub(crate) fn window(&self, title: &str) -> String {
        let found = self.run("xdotool", &["search", "--sync", "--onlyvisible", "--name", title]);
        String::from_utf8(found).unwrap().trim().to_owned()
    }

    /// Presses a key in a window, and lets it go.
    pub(crate) fn press(&self, window: &str, key: &str) {
        self.run("xdotool", &["keydown", "--window", window, key]);
        // Where the key has closed the window, there is none any more.
        let _ = self.output("xdotool", &["keyup", "--window", window, key]);
    }

    /// Makes a window another size.
    pub(crate) fn resize(&self, window: &str, width: u32, height: u32) {
        self.run("xdotool", &["windowsize", "--sync", window, &width.to_string(), &height.to_string()]);
    }

    /// What a window shows.
    pub(crate) fn screenshot(&self, window: &str) -> Screenshot {
        let ppm = self.run("import", &["-window", window, "-depth", "8", "ppm:-"]);
        // "P6", width, height, the greatest value, each ended by one white space (PPM specification of Netpbm).
        let mut fields = ppm.splitn(4, u8::is_ascii_whitespace).map(<[u8]>::to_vec);
        let mut field = || String::from_utf8(fields.next().unwrap()).unwrap();
        assert_eq!(field(), "P6");
        let (width, height) = (field().parse().unwrap(), field().parse().unwrap());
        let pixels = ppm[ppm.len() - width * height * 3..].to_vec();
        Screenshot { width, height, pixels }
    }

    /// Asks a window to close, as a window manager does when somebody clicks there (ICCCM, section 4.2.8). By the X
    /// protocol itself, since no program that is installed does that without a window manager.
    pub(crate) fn close(&self, window: &str) {
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
        let window = window.parse::<u32>().unwrap().to_le_bytes();
        // SendEvent, no propagation, no mask; a ClientMessage of format 32.
        let event = [&[33, 32, 0, 0][..], &window, &protocols, &delete, &[0; 16]].concat();
        x.write_all(&[&[25, 0, 11, 0][..], &window, &[0; 4], &event].concat()).unwrap();
        // The answer to any request shows that the ones before it have been heard.
        x.write_all(&[43, 0, 1, 0]).unwrap();
        x.read_exact(&mut [0; 32]).unwrap();
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let ran = self.output(program, arguments);
        assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        ran.stdout
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Output {
        let ran = Command::new(program).args(arguments).env("DISPLAY", &self.display).output();
        ran.unwrap_or_else(|error| panic!("{program} does not run: {error}; script/bootstrap installs it"))
    }
}

impl Screenshot {
    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Red, green and blue of each pixel, row by row from the top left.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Red, green and blue at a place counted from the top left.
    pub(crate) fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[(y * self.width + x) * 3..][..3].try_into().unwrap()
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
