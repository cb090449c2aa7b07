//! What waiting costs: next to nothing, or with `--busy-poll` a core.

use crate::scene::{Clip, Peer, Program, Spent};
use std::time::{Duration, Instant};

/// For so long CPU time is compared with the clock.
const WATCHED: Duration = Duration::from_secs(2);

/// Share of the time in which the receiver's threads of this name, or all, are as `seconds` counts it.
fn share(receiver: &Program, thread: Option<&str>, seconds: impl Fn(Spent) -> Duration) -> f64 {
    let spent = || receiver.spent(thread).into_iter().map(&seconds).sum::<Duration>();
    let (start, before) = (Instant::now(), spent());
    std::thread::sleep(WATCHED);
    (spent() - before).as_secs_f64() / start.elapsed().as_secs_f64()
}

fn frames_arrive(receiver: Program) {
    let clip = Clip::of(25);
    Peer::tagged(&clip, receiver.address(), &["--fps", "25"]).finish();
    receiver.has_frames(25);
    receiver.signal("INT");
    let ended = receiver.end();
    ended.expect(0, &[]);
    assert_eq!(ended.totals()["frames_lost"], 0, "{}", ended.totals());
}

#[test]
fn an_idle_receiver_costs_next_to_nothing() {
    let receiver = Program::start(["--stats", "json"]);
    receiver.says("listening on ");
    let load = share(&receiver, None, |spent| spent.running);
    assert!(load < 0.1, "{load} of a core");
    frames_arrive(receiver);
}

#[test]
fn with_busy_poll_the_receiving_thread_never_sleeps() {
    let receiver = Program::start(["--busy-poll", "--stats", "json"]);
    receiver.says("listening on ");
    // It takes a core where it gets one, and waits its turn where others want it too.
    let awake = share(&receiver, Some("receive"), |spent| spent.running + spent.queued);
    assert!(awake > 0.8, "awake for {awake} of the time");
    assert!(receiver.spent(Some("receive")).iter().any(|spent| !spent.running.is_zero()));
    frames_arrive(receiver);
}
