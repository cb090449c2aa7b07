//! `sender doctor`: what is wrong with this network, as far as the sending side can tell, and what to do about it.

mod group;
mod probe;
mod remote;

use std::io::Write;
use std::time::{Duration, Instant};

use clap::{ArgGroup, Args};
use segment::seal::Key;
use segment::socket::inspect::Finding;
use terminal::{Check, Checkup, ExitStatus, Failure, HostPort, Interrupt, KeyFileArgs, Verdict, examine};

/// All checks together take at most five seconds; this is for asking, the rest for what comes before and after.
const PATIENCE: Duration = Duration::from_millis(4_700);

/// Where a subcommand's own exit statuses stand.
const AFTER_HELP: &str = "\
Exit status:
  0  nothing is wrong, or ended by the user
  1  something is
  2  the command line is wrong";

/// Tell what is wrong with this network and what to do about it, in at most five seconds
///
/// Looks at interface, route, MTU and neighbours. To a group it announces a stream, as a sender does that waits for
/// receivers, and lists who answers; to a group on which somebody streams, and to single machines, it sends nothing.
/// Receivers with a key answer only whoever has it too (--key-file). Run `receiver doctor` on the other side too.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("whom").args(["remotes", "multicast"]).required(true).multiple(true))]
#[command(after_help = AFTER_HELP, max_term_width = 100)]
pub struct Doctor {
    /// Where the sender is to send; repeat for more
    #[arg(long = "remote", value_name = "HOST:PORT", env = "SEGMENT_REMOTE", value_delimiter = ',')]
    #[arg(help_heading = "Output", value_parser = HostPort::remote)]
    pub remotes: Vec<HostPort>,

    /// The multicast group that it is to send to [default port: 10000]
    #[arg(long, value_name = "GROUP[:PORT]", env = "SEGMENT_MULTICAST", value_parser = crate::cli::group)]
    #[arg(help_heading = "Output")]
    pub multicast: Option<HostPort>,

    /// To the group through this interface, by name or address [default: the one that the route to the group names]
    #[arg(long, value_name = "NAME|ADDR", env = "SEGMENT_INTERFACE", help_heading = "Output", requires = "multicast")]
    pub interface: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub key: KeyFileArgs,
}

/// Looks at one thing after another and says what it finds.
///
/// # Errors
/// [`Failure`] where it cannot be said, or the key cannot be read.
pub fn run(doctor: &Doctor) -> Result<ExitStatus, Failure> {
    let doctor = doctor.clone();
    examine(&Interrupt::install()?, move |checkup, interrupt| look(&doctor, checkup, interrupt))
}

fn look<W: Write>(doctor: &Doctor, checkup: &mut Checkup<W>, interrupt: &Interrupt) -> Result<(), Failure> {
    // A passphrase takes its time.
    let key = doctor.key.read(Key::from_text)?;
    let end = Instant::now() + PATIENCE;
    remote::look_at_all(checkup, &doctor.remotes)?;
    if let Some(address) = &doctor.multicast {
        let asked = group::Asked { interface: doctor.interface.as_deref(), key, key_file: doctor.key.quoted() };
        group::look_at(checkup, address.resolve()?, &asked, end, interrupt)?;
    }
    Ok(())
}

/// What a finding says, with what can be done about it.
fn check(finding: &Finding) -> Check {
    let verdict = if finding.is_wrong() { Verdict::Wrong } else { Verdict::Note };
    let found = Check::new(verdict, finding.topic(), finding);
    finding.remedies().into_iter().fold(found, |check, remedy| check.remedy(remedy.advice, remedy.command))
}
