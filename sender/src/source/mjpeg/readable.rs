//! Byte streams that can be waited for, for no longer than one wants to.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Standard input, as a file.
#[cfg(unix)]
pub(super) fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Opens a file or a named pipe. For the writer of a pipe it does not wait: reading does.
#[cfg(unix)]
pub(in crate::source) fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).open(path)
}

/// Waits at most `timeout`, in milliseconds, until there is something to read, or the end.
#[cfg(unix)]
pub(super) fn wait(file: &File, timeout: Duration) -> io::Result<bool> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    // Rounded up: a wait of no time would be repeated until the time is over.
    let timeout = PollTimeout::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLIN)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Asks a pipe to hold so many bytes. What is no pipe stays as it is.
#[cfg(target_os = "linux")]
pub(super) fn widen(pipe: &File, bytes: usize) {
    if let Err(error) = rustix::pipe::fcntl_setpipe_size(pipe, bytes) {
        tracing::debug!(%error, "what is read is no pipe, or keeps its size");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn widen(_pipe: &File, _bytes: usize) {}

#[cfg(not(unix))]
pub(super) fn stdin() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(in crate::source) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Where files cannot be waited for, reading waits.
#[cfg(not(unix))]
pub(super) fn wait(_file: &File, _timeout: Duration) -> io::Result<bool> {
    Ok(true)
}
