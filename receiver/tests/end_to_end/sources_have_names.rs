//! What senders call themselves reaches whoever shows them all, by unicast too, and so does their end.

// Where this crate is tested without default features, so is the sender, which then may lack what is asked for here.
#![cfg(feature = "window")]

use crate::programs;
use crate::scene::{Program, wait_for};
use receiver::{Downstream, Latest, NewestOfEach};
use std::time::Duration;

/// Waits until the sources are such that `found` finds something among them.
fn find<T>(what: &str, sources: &NewestOfEach, found: impl Fn(&[Latest]) -> Option<T>) -> T {
    wait_for(what, || found(&sources.take(Duration::from_millis(100)).unwrap()))
}

#[test]
fn each_has_its_own_until_it_ends() {
    let downstream = Downstream::builder().bind("127.0.0.1:0".parse().unwrap()).start().unwrap();
    let sources = downstream.newest_of_each("test");
    let start = |name: &[&str]| {
        let remote = downstream.origin().to_owned();
        let arguments = ["--source", "test", "--size", "320x240", "--remote", &remote];
        let arguments = [&arguments[..], name].concat();
        Program::spawn(&mut programs::beside(env!("CARGO_BIN_EXE_receiver"), "sender", &arguments))
    };
    let _nameless = start(&[]);
    find("the first", &sources, |sources| (sources.len() == 1).then_some(()));
    let door = start(&["--name", "front door"]);
    find("the second", &sources, |sources| (sources.len() == 2).then_some(()));
    let _garden = start(&["--name", "Gärtchen"]);

    let names = |sources: &[Latest]| sources.iter().map(|source| source.name.clone()).collect::<Vec<_>>();
    let expected = [None, Some("front door".to_owned()), Some("Gärtchen".to_owned())];
    find("the names", &sources, |sources| (names(sources) == expected).then_some(()));

    door.signal("INT");
    let ended = |sources: &[Latest]| sources.iter().map(|source| source.has_ended).collect::<Vec<_>>();
    let the_others = find("the end", &sources, |sources| {
        (ended(sources) == [false, true, false]).then(|| (sources[0].frames, sources[2].frames))
    });
    door.end().expect(0, &[]);
    find("frames of the others", &sources, |sources| {
        let other = |number: u64| sources.iter().find(|source| source.number == number);
        let has_more = |number, before| other(number).is_some_and(|source| source.frames > before);
        (has_more(0, the_others.0) && has_more(2, the_others.1)).then_some(())
    });
    // All else went on with the one that is selected.
    assert!(downstream.progress().0 > 0);
    assert!(downstream.take_interval().replaced.contains_key("test"));
}
