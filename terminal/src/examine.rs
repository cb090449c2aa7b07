//! Makes a doctor's checks so that the user can end them.

use std::io::{self, Stdout, Write};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::{Checkup, ExitStatus, Failure, Interrupt, thread};

/// What has begun gets so long to end once the user asks for it: less than the second within which a program ends.
const GRACE: Duration = Duration::from_millis(600);

/// And what is printed last so long.
const PRINT: Duration = Duration::from_millis(100);

/// Makes `checks`, which print to standard output, until they are done or the user ends the program; gives the status
/// to end with.
///
/// They are made on a thread of their own, as some of them, such as looking up a name, cannot be called off. Those that
/// take their time by themselves look at the interrupt that they are given, and return early.
///
/// # Errors
/// [`Failure`] of the checks, or where they cannot be printed.
pub fn examine(
    interrupt: &Interrupt,
    checks: impl FnOnce(&mut Checkup<Stdout>, &Interrupt) -> Result<(), Failure> + Send + 'static,
) -> Result<ExitStatus, Failure> {
    let (says, said) = mpsc::channel();
    let says = Arc::new(says);
    interrupt.send_when_set(&says, None);
    let asked = interrupt.clone();
    thread::start("checks", move || {
        let mut checkup = Checkup::on_stdout();
        let outcome = checks(&mut checkup, &asked).map(|()| checkup);
        // Nobody listens any more where the program has ended without waiting for this.
        let _ = says.send(Some(outcome));
    })?;
    match said.recv() {
        Ok(Some(outcome)) if !interrupt.is_set() => return Ok(outcome?.finish()?),
        Ok(Some(_)) => {}
        Ok(None) => drop(said.recv_timeout(GRACE)),
        Err(mpsc::RecvError) => return Err(Failure::new("the thread that makes the checks is gone")),
    }
    // Whoever does not read it, or has closed the terminal, is not waited for either.
    let (says, said) = mpsc::channel();
    thread::start("last words", move || {
        let _ = says.send(writeln!(io::stdout(), "\nEnded before everything was looked at."));
    })?;
    let _ = said.recv_timeout(PRINT);
    Ok(ExitStatus::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Check, Verdict};

    #[test]
    fn what_is_found_is_the_status() {
        let wrong = |checkup: &mut Checkup<Stdout>, _: &Interrupt| {
            checkup.add(&Check::new(Verdict::Wrong, "route", "there is none"))?;
            Ok(())
        };
        assert_eq!(examine(&Interrupt::manual(), wrong).unwrap(), ExitStatus::Failed);
        assert_eq!(examine(&Interrupt::manual(), |_, _| Ok(())).unwrap(), ExitStatus::Done);
        let failure = examine(&Interrupt::manual(), |_, _| Err(Failure::usage("no group"))).unwrap_err();
        assert_eq!(failure.status(), ExitStatus::Usage);
    }

    #[test]
    fn the_user_ends_checks_that_look_out_for_it_and_those_that_do_not() {
        let interrupt = Interrupt::manual();
        let asked = interrupt.clone();
        let attentive = move |checkup: &mut Checkup<Stdout>, interrupt: &Interrupt| {
            checkup.add(&Check::new(Verdict::Wrong, "route", "there is none"))?;
            asked.set();
            assert!(interrupt.wait_timeout(Duration::MAX));
            Ok(())
        };
        assert_eq!(examine(&interrupt, attentive).unwrap(), ExitStatus::Done);

        let (_open, never) = mpsc::channel::<()>();
        let interrupt = Interrupt::manual();
        let asked = interrupt.clone();
        let stuck = move |_: &mut Checkup<Stdout>, _: &Interrupt| {
            asked.set();
            Ok(never.recv()?)
        };
        assert_eq!(examine(&interrupt, stuck).unwrap(), ExitStatus::Done);
    }
}
