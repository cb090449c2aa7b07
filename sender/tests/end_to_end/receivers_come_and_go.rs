//! Receivers come late, leave and are killed, senders too: nobody has to restart the other side, in any order.

#![cfg(unix)]

use std::time::{Duration, Instant};

use crate::scene::{address_in, free_group, join, send_to};

const JSON: [&str; 2] = ["--stats", "json"];

#[test]
fn the_sender_may_be_first() {
    let group = free_group();
    let sender = send_to(&group, &["--ack-timeout", "30", "--stats", "json"]);
    sender.says("waiting for 1 receiver");
    let receiver = join(&group, &JSON);
    receiver.goes_on_for(10);
    sender.interrupt().expect(0, &["has joined: 1 of 1"]);
    receiver.says("has ended the stream");
}

#[test]
fn a_receiver_may_come_late_and_leave_early() {
    let group = free_group();
    let first = join(&group, &JSON);
    let sender = send_to(&group, &JSON);
    first.goes_on_for(10);
    let late = join(&group, &JSON);
    late.goes_on_for(5);
    sender.figures("two receivers", |figures| figures["receivers"].as_array().unwrap().len() == 2);
    late.interrupt().expect(0, &[]);
    sender.says("has left");
    sender.figures("one receiver", |figures| figures["receivers"].as_array().unwrap().len() == 1);
    first.goes_on_for(10);
    let ended = sender.interrupt();
    assert_eq!(ended.stderr.matches("has joined").count(), 2, "{ended:?}");
    assert_eq!(ended.stderr.matches("has left").count(), 1, "{ended:?}");
}

#[test]
fn a_receiver_that_is_killed_is_missed_after_5_s_and_may_come_back() {
    let group = free_group();
    let receiver = join(&group, &JSON);
    let sender = send_to(&group, &JSON);
    receiver.goes_on_for(10);
    let lost = address_in(&sender.says("has joined"));
    receiver.signal("KILL");
    let killed = Instant::now();
    let (said, line) = sender.says_at("has not been heard for 5 s");
    assert_eq!(address_in(&line), lost);
    let silent = said.saturating_duration_since(killed);
    assert!((Duration::from_secs(4)..Duration::from_secs(7)).contains(&silent), "{silent:?}");
    assert!(sender.figures("no receiver", |figures| figures["receivers"] == serde_json::json!([]))["frames"].is_u64());
    drop(receiver);
    join(&group, &JSON).goes_on_for(10);
    let ended = sender.interrupt();
    assert_eq!(ended.stderr.matches("has joined").count(), 2, "{ended:?}");
}

#[test]
fn a_sender_that_is_killed_is_followed_by_the_next() {
    let group = free_group();
    let receivers = [(); 2].map(|()| join(&group, &JSON));
    let first = send_to(&group, &["--receivers", "2", "--stats", "json"]);
    receivers.iter().for_each(|receiver| receiver.goes_on_for(10));
    first.signal("KILL");
    drop(first);
    let second = send_to(&group, &["--receivers", "2", "--stats", "json"]);
    receivers.iter().for_each(|receiver| receiver.goes_on_for(10));
    second.interrupt().expect(0, &["has joined: 2 of 2"]);
    for receiver in receivers {
        receiver.says("has ended the stream");
        receiver.interrupt().expect(0, &[]);
    }
}
