//! `receiver doctor`: what is wrong with this network, as far as the receiving side can tell, and what to do about it.

mod listen;
mod mtu;
mod place;
mod sealed;
mod tally;

use crate::cli::group;
use clap::{ArgGroup, Args};
use segment::seal::Key;
use segment::socket::inspect::Finding;
use std::io::Write;
use std::time::{Duration, Instant};
use terminal::{Check, Checkup, ExitStatus, Failure, HostPort, Interrupt, KeyFileArgs, Verdict, examine};

/// All checks together take at most five seconds; this is for listening, the rest for what comes before and after.
const PATIENCE: Duration = Duration::from_millis(4_700);

const AFTER_HELP: &str = "\
Exit status:
  0  nothing is wrong, or ended by the user
  1  something is
  2  the command line is wrong";

/// Tell what is wrong with this network and what to do about it, in at most five seconds
///
/// Looks at interface, route, group, port and buffer, then listens for what comes. Run it where the receiver is to run,
/// with its --bind, or --multicast and --interface, and its --key-file, while the sender sends; and `sender doctor` on the
/// other side.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("place"), after_help = AFTER_HELP, max_term_width = 100)]
pub struct Doctor {
    /// Where the receiver is to listen, for unicast
    #[arg(long, value_name = "HOST:PORT", env = "SEGMENT_BIND", default_value = "0.0.0.0:12345")]
    #[arg(help_heading = "Input", group = "place", value_parser = HostPort::local)]
    pub bind: HostPort,

    /// The multicast group that it is to join instead [default port: 10000]
    #[arg(long, value_name = "GROUP[:PORT]", env = "SEGMENT_MULTICAST", value_parser = group)]
    #[arg(help_heading = "Input", group = "place")]
    pub multicast: Option<HostPort>,

    /// On this interface, by name or address [default: the one that the route to the group names]
    #[arg(long, value_name = "NAME|ADDR", env = "SEGMENT_INTERFACE", help_heading = "Input", requires = "multicast")]
    #[arg(conflicts_with = "bind")]
    pub interface: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub key: KeyFileArgs,
}

/// Looks at one thing after another and says what it finds.
///
/// # Errors
/// [`Failure`] where it cannot be said, the key cannot be read, or the system does not even list its interfaces.
pub fn run(doctor: &Doctor) -> Result<ExitStatus, Failure> {
    let doctor = doctor.clone();
    examine(&Interrupt::install()?, move |checkup, interrupt| look(&doctor, checkup, interrupt))
}

fn look<W: Write>(doctor: &Doctor, checkup: &mut Checkup<W>, interrupt: &Interrupt) -> Result<(), Failure> {
    // A passphrase takes its time.
    let key = doctor.key.read(Key::from_text)?;
    let end = Instant::now() + PATIENCE;
    let place = match &doctor.multicast {
        Some(group) => place::look_at_group(checkup, group.resolve()?, doctor.interface.as_deref())?,
        None => place::look_at_address(checkup, doctor.bind.resolve()?)?,
    };
    let Some(mut place) = place else { return Ok(()) };
    place::look_at_buffer(checkup, &place.socket)?;
    if checkup.is_anything_wrong() {
        let why = "not listened for: what is wrong above comes first";
        return Ok(checkup.add(&Check::new(Verdict::Note, "stream", why))?);
    }
    place.key_file = doctor.key.quoted();
    Ok(listen::listen(checkup, &mut place, key, end, interrupt)?)
}

/// What a finding says, with what can be done about it.
fn check(finding: &Finding) -> Check {
    let verdict = if finding.is_wrong() { Verdict::Wrong } else { Verdict::Note };
    let found = Check::new(verdict, finding.topic(), finding);
    finding.remedies().into_iter().fold(found, |check, remedy| check.remedy(remedy.advice, remedy.command))
}
