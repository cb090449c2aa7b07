//! The program ffmpeg as an encoder: frames go to its standard input, a transport stream comes from its standard
//! output. It opens nothing else, so nobody else can put pictures into it.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use media::jpeg::{Headers, JpegError, Orientation};
use media::{Picture, PixelFormat};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

use super::rate::PictureRate;
use super::transport::{PMT_PID, VIDEO_PID};
use crate::frame::Frame;

/// The widest and highest that an MPEG-1 picture can be, its header having 12 bits for each (ISO 11172-2, 2.4.2.3), and that is
/// even: to other sizes ffmpeg pads no picture whose chroma has half the samples. Larger ones are scaled down to it.
const MAX_SIDE: u32 = 4094;

/// Between two JPEGs on the encoder's standard input.
const BOUNDARY: &[u8] = b"\r\n--segment\r\n";

/// How much of what the encoder complains about is kept: the end of it says why it ended.
const MAX_COMPLAINT_BYTES: usize = 2048;

/// What a killed program has said is there at once, unless it has left a child behind that holds on to the pipe.
const COMPLAINT_PATIENCE: Duration = Duration::from_millis(200);

/// The most that is asked of the kernel for a pipe, which is what everybody gets (pipe(7), pipe-max-size): a raw
/// picture through the usual 64 KB takes a hundred turns of both programs.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// What form frames have. An encoder takes frames of one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    width: u32,
    height: u32,
    /// None for JPEG.
    pixels: Option<PixelFormat>,
    /// How it is turned before it is encoded.
    orientation: Orientation,
}

impl Form {
    /// That of pictures which were [brought to](super::fit::Fitting) a size.
    pub(super) fn fitted(size: Size) -> Self {
        Self::raw(size.width, size.height, PixelFormat::Bgr)
    }

    fn raw(width: u32, height: u32, pixels: PixelFormat) -> Self {
        Self { width, height, pixels: Some(pixels), orientation: Orientation::default() }
    }

    /// That of a frame.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn of_frame(frame: &Frame) -> Result<Self, String> {
        let picture = frame.picture().ok_or("what comes holds no picture")?;
        Self::of(&picture).map_err(|error| format!("what comes is no JPEG that can be shown: {error}"))
    }

    /// # Errors
    /// It is no JPEG.
    fn of(picture: &Picture) -> Result<Self, JpegError> {
        Ok(match picture {
            Picture::Raw(image) => Self::raw(image.width(), image.height(), image.format()),
            Picture::Jpeg(jpeg) => {
                let Headers { width, height, orientation, .. } = Headers::read(jpeg)?;
                Self { width: width.into(), height: height.into(), pixels: None, orientation }
            }
        })
    }

    /// Width and height of the pictures that frames of this form show.
    fn shown(self) -> (u32, u32) {
        self.orientation.shown(self.width, self.height)
    }
}

/// Width and height in pixels of what is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Size {
    /// The size of frames of this form, or as close to it as MPEG-1 comes.
    pub(super) fn for_frames(form: Form) -> Self {
        let (width, height) = form.shown();
        let longer = width.max(height);
        if longer <= MAX_SIDE {
            return Self { width, height };
        }
        let fit = |side: u32| (u64::from(side) * u64::from(MAX_SIDE) / u64::from(longer)).max(2) as u32 & !1;
        Self { width: fit(width), height: fit(height) }
    }

    /// Whether chroma of half the width and height does not come out even.
    pub(super) fn is_odd(self) -> bool {
        !(self.width.is_multiple_of(2) && self.height.is_multiple_of(2))
    }
}

/// What an encoder is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// What goes in.
    pub(super) form: Form,
    /// How many a second go in and come out.
    pub(super) rate: PictureRate,
    /// What comes out.
    pub(super) size: Size,
    /// That of `-q:v`: 1 (best) to 31.
    pub(super) quality: u8,
}

/// An encoder that runs. It is killed when this is dropped, and nothing is left of it then.
#[derive(Debug)]
pub(super) struct Encoder {
    child: Child,
    /// Reads what it complains about, as it comes: an encoder whose complaints nobody reads stops.
    complaints: Option<JoinHandle<String>>,
}

/// Where frames go.
#[derive(Debug)]
pub(super) struct Inlet(pipe::Sender);

impl Encoder {
    /// Starts `program`.
    ///
    /// # Errors
    /// There is no such program, or the system starts none.
    pub(super) fn start(program: &Path, job: Job) -> io::Result<(Self, Inlet, pipe::Receiver)> {
        let mut child = Command::new(program)
            .args(arguments(job))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on it is ended whatever happens.
        let mut encoder = Self { child, complaints: None };
        let missing = || io::Error::other("the system gave no pipe");
        let stdin = OwnedFd::from(stdin.ok_or_else(missing)?);
        let stdout = OwnedFd::from(stdout.ok_or_else(missing)?);
        encoder.complaints = Some(tokio::spawn(last_line(pipe_of(stderr.ok_or_else(missing)?)?)));
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::pipe::fcntl_setpipe_size(&stdin, PIPE_BYTES) {
            tracing::debug!(%error, "the pipe to the encoder stays as it is");
        }
        Ok((encoder, Inlet(pipe::Sender::from_owned_fd(stdin)?), pipe::Receiver::from_owned_fd(stdout)?))
    }

    /// Ends it, waits until it is gone, and tells what it complained about last.
    pub(super) async fn end(mut self) -> Option<String> {
        let complaints = self.complaints.take()?;
        drop(self);
        let complaints = tokio::time::timeout(COMPLAINT_PATIENCE, complaints).await;
        complaints.ok()?.ok().filter(|line| !line.is_empty())
    }
}

impl Drop for Encoder {
    /// A process that is killed is gone within about a millisecond, so it is waited for right here: a child that nobody
    /// waits for stays in the system's table.
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        if let Err(error) = self.child.wait() {
            tracing::warn!("an encoder of MPEG-1 may be left behind, as the system does not tell of its end: {error}");
        }
    }
}

fn pipe_of(stderr: ChildStderr) -> io::Result<pipe::Receiver> {
    pipe::Receiver::from_owned_fd(OwnedFd::from(stderr))
}

/// The last line of `stderr`, once it has ended.
async fn last_line(mut stderr: pipe::Receiver) -> String {
    let (mut end, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(len @ 1..) = stderr.read(&mut piece).await {
        end.extend_from_slice(&piece[..len]);
        end.drain(..end.len().saturating_sub(MAX_COMPLAINT_BYTES));
    }
    let end = String::from_utf8_lossy(&end);
    end.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

impl Inlet {
    /// Writes a frame of the form that the encoder was started for. Waits while the encoder is busy.
    ///
    /// # Errors
    /// The encoder is gone.
    pub(super) async fn write(&mut self, picture: &Picture) -> io::Result<()> {
        match picture {
            Picture::Raw(image) => self.0.write_all(image.pixels()).await,
            Picture::Jpeg(jpeg) => {
                self.0.write_all(&part_head(jpeg)).await?;
                self.0.write_all(jpeg).await
            }
        }
    }
}

/// The length stands before each JPEG: an encoder that looks for the end of one finds it only when the next one begins.
fn part_head(jpeg: &Bytes) -> Vec<u8> {
    let fields = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    [BOUNDARY, fields.as_bytes()].concat()
}

fn arguments(job: Job) -> Vec<OsString> {
    let Job { form, rate, size, quality } = job;
    let mut arguments = Vec::new();
    let mut add = |words: &str| arguments.extend(words.split_whitespace().map(OsString::from));
    // It reads and writes what it is given here and opens nothing, whatever stands in a picture.
    add("-hide_banner -loglevel error -nostdin -protocol_whitelist pipe");
    // One thread: with several the decoder holds back as many frames.
    add("-threads 1");
    // Pictures are turned below. Some versions would do so, too.
    add("-noautorotate");
    match form.pixels {
        None => add(&format!("-r {rate} -f mpjpeg")),
        Some(pixels) => {
            let Form { width, height, .. } = form;
            let pixels = pixel_format(pixels);
            add(&format!("-framerate {rate} -f rawvideo -pixel_format {pixels} -video_size {width}x{height}"));
            // Luma and chroma are full range everywhere in this program, as in a JPEG.
            add("-color_range pc");
        }
    }
    add("-i pipe:0 -map 0:v:0");
    let filters = filters(form, size);
    if !filters.is_empty() {
        add(&format!("-vf {}", filters.join(",")));
    }
    let group = rate.in_half_a_second();
    add(&format!("-c:v mpeg1video -threads 1 -pix_fmt yuv420p -q:v {quality} -bf 0 -g {group}"));
    // Otherwise it holds back a frame in case that it should become a B frame.
    add("-flags +low_delay -strict unofficial");
    // The length in each picture's header says when it is whole without waiting for the next.
    add("-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 -omit_video_pes_length 0");
    add(&format!("-mpegts_start_pid {VIDEO_PID} -mpegts_pmt_start_pid {PMT_PID} pipe:1"));
    arguments
}

/// What makes a picture of `size` of a frame of `form`.
fn filters(form: Form, size: Size) -> Vec<String> {
    let Orientation { swaps_axes, mirrors_columns, mirrors_rows } = form.orientation;
    let turns = [(mirrors_columns, "hflip"), (mirrors_rows, "vflip"), (swaps_axes, "transpose=cclock_flip")];
    let mut filters: Vec<_> =
        turns.into_iter().filter(|(is_due, _)| *is_due).map(|(_, name)| name.to_owned()).collect();
    let Size { width, height } = size;
    if form.shown() != (width, height) {
        // Its shape is kept, with black beside or above it.
        filters.push(format!("scale={width}:{height}:force_original_aspect_ratio=decrease"));
        filters.push(format!("pad={width}:{height}:-1:-1"));
        filters.push("setsar=1".to_owned());
    }
    filters
}

/// What ffmpeg calls a layout.
fn pixel_format(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Gray => "gray",
        PixelFormat::Bgr => "bgr24",
        PixelFormat::Rgb => "rgb24",
        PixelFormat::Bgrx => "bgr0",
        PixelFormat::I420 => "yuv420p",
        PixelFormat::Nv12 => "nv12",
        PixelFormat::Yuyv => "yuyv422",
    }
}

/// Where a program is, as the shell would find it. None where it is not.
pub(super) fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
