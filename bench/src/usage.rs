//! What this process has cost so far.

use nix::sys::resource::{UsageWho, getrusage};
use std::time::Duration;

/// CPU time of this process, user and system together (getrusage(2)).
///
/// # Errors
/// What the system says.
pub fn cpu_time() -> nix::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = [usage.user_time(), usage.system_time()].map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Ok(Duration::from_micros(micros.iter().sum::<i64>().unsigned_abs()))
}
