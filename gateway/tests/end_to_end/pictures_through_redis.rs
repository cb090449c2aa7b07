//! Pictures to and from Redis, as cameras and old programs have them.

use std::fs;
use std::time::{Duration, Instant};

use crate::scene::programs::{Peer, Redis, are_there, card};
use crate::scene::{self, Gateway, Viewer, run_peer, wait_until};

fn publishing(redis: &Redis, more: &[&str]) -> Gateway {
    let port = redis.port.to_string();
    let line = ["-p", "0", "-id", "a", "-r", "-rhs", "127.0.0.1", "-rp", &port, "-rk", "out"];
    Gateway::start(&[&line, more].concat(), 1)
}

fn subscribing(redis: &Redis, channel: &str) -> Gateway {
    Gateway::start(&["-uri", &redis.url(), "-irc", channel, "-p", "0", "-id", "b"], 1)
}

#[test]
fn a_subscriber_gets_pixels_with_size_time_and_number() {
    if !are_there(&["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    // It is there before the first picture, to see its number.
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said.txt");
    let subscriber = Peer::start("redis_peer.py", &[&redis.port.to_string(), "subscribe", "out", "10"], &said);
    wait_until("it has subscribed", || fs::read_to_string(&said).unwrap().starts_with("subscribed"));
    let gateway = publishing(&redis, &["-uri", "test", "-s", "320,200"]);
    subscriber.finish();
    let said = fs::read_to_string(&said).unwrap();
    let expected: Vec<_> = (0..10).map(|number| format!("320x200 {} {number}", 320 * 200 * 3)).collect();
    let lines: Vec<_> = said.lines().skip(1).map(|line| line.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(lines, expected);
    assert_eq!(gateway.state()["viewers"]["present"], 0);
}

#[test]
fn a_channel_on_which_nothing_is_published_is_away() {
    if !are_there(&["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let gateway = subscribing(&redis, "in");
    let _viewer = scene::request(gateway.addresses[0], "/video/b", "");
    wait_until("it is said", || gateway.state()["streams"][0]["lost_because"] == "nothing comes");
}

#[test]
fn encoded_images_from_a_camera_are_shown_byte_for_byte() {
    if !are_there(&["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let port = redis.port.to_string();
    let folder = tempfile::tempdir().unwrap();
    let (path, jpeg) = card(folder.path(), 320, 200);
    let gateway = subscribing(&redis, "in");
    let camera = ["publish", "in", "2000", path.to_str().unwrap(), "200", "320"];
    let camera = || Peer::start("redis_peer.py", &[&[port.as_str()], &camera[..]].concat(), &folder.path().join("x"));
    let publishing = camera();
    let mut viewer = Viewer::of(gateway.addresses[0], "/video/b");
    for _ in 0..3 {
        assert_eq!(viewer.next().unwrap(), jpeg);
    }
    // What is no picture is counted and left out. Each comes alone: one that has been overtaken is counted as lost,
    // unread.
    drop(publishing);
    let broken = || gateway.state()["streams"][0]["broken"].as_u64();
    let texts = ["", "[]", "{\"data\": 1}", "{\"data\": \"AAAA\"}", "{\"data\": \"/9j/\", \"size\": [1, 1]}"];
    for (count, text) in (1..).zip(texts) {
        run_peer("redis_peer.py", &[&port, "send", "in", text]);
        wait_until(&format!("{text:?} is counted"), || broken() == Some(count));
    }
    let publishing = camera();
    assert_eq!(viewer.next().unwrap(), jpeg);
    drop(publishing);
}

#[test]
fn what_is_no_picture_does_not_cost_the_one_before_it() {
    if !are_there(&["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let port = redis.port.to_string();
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = card(folder.path(), 320, 200);
    let gateway = subscribing(&redis, "in");
    let _viewer = Viewer::of(gateway.addresses[0], "/video/b");
    run_peer("redis_peer.py", &[&port, "await", "in"]);
    let count = |name: &str| gateway.state()["streams"][0][name].as_u64().unwrap();
    for spoilt in 1..=20 {
        run_peer("redis_peer.py", &[&port, "spoil", "in", path.to_str().unwrap(), "200", "320", "[]"]);
        // What was overtaken is lost, and what is read is a picture or broken: the order of reading is not said.
        wait_until("both are counted", || count("broken") == spoilt && count("frames") + count("lost") == spoilt);
    }
    assert_eq!(count("lost"), 0);
}

#[test]
fn from_redis_to_redis_messages_are_passed_on_as_they_came() {
    if !are_there(&["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let port = redis.port.to_string();
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = card(folder.path(), 64, 48);
    let data = path.to_str().unwrap();
    let gateway = publishing(&redis, &["-uri", &redis.url(), "-irc", "in"]);
    let subscribe = |channel: &str| {
        let message = folder.path().join(channel);
        let arguments = [port.as_str(), "subscribe", channel, "3", message.to_str().unwrap()];
        (Peer::start("redis_peer.py", &arguments, &folder.path().join(format!("{channel}.txt"))), message)
    };
    let ((came, came_message), (went, went_message)) = (subscribe("in"), subscribe("out"));
    let camera =
        Peer::start("redis_peer.py", &[&port, "publish", "in", "2000", data, "48", "64"], &folder.path().join("x"));
    came.finish();
    went.finish();
    assert_eq!(fs::read(&came_message).unwrap(), fs::read(&went_message).unwrap());
    drop((camera, gateway));
}

#[test]
fn redis_may_go_and_come_back_while_viewers_look_and_other_gateways_follow() {
    if !are_there(&["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let port = redis.port;
    let origin = publishing(&redis, &["-uri", "test", "-s", "320,200", "--redis-format", "jpeg"]);
    let other = subscribing(&redis, "out");
    let mut near = Viewer::of(origin.addresses[0], "/video/a");
    let mut far = Viewer::of(other.addresses[0], "/video/b");
    assert!(near.next().is_some());
    let size = media::codec::Decoder::header(&far.next().unwrap()).unwrap();
    assert_eq!(size, (320, 200));
    drop(redis);
    origin.wait_for_line("redis is away");
    other.wait_for_line("not there");
    for _ in 0..10 {
        assert!(near.next().is_some());
    }
    let _redis = Redis::start_at(port);
    origin.wait_for_line("redis is back");
    // It waits on the same connection; what it had in its buffer is soon read.
    for _ in 0..60 {
        assert!(far.next().is_some());
    }
}

#[test]
fn a_redis_that_stalls_costs_neither_memory_nor_viewers_anything() {
    if !are_there(&["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    // Pixels: 80 MB a second and more that cannot be got rid of.
    let origin = publishing(&redis, &["-uri", "test"]);
    let other = subscribing(&redis, "out");
    let mut far = Viewer::of(other.addresses[0], "/video/b");
    let mut near = Viewer::of(origin.addresses[0], "/video/a");
    for _ in 0..10 {
        assert!(far.next().is_some() && near.next().is_some());
    }
    let held = |gateway: &Gateway| (gateway.resident(), gateway.handles(), gateway.state()["tasks"].as_u64().unwrap());
    let before = [&origin, &other].map(held);
    redis.stall(true);
    origin.wait_for_line("redis is away");
    other.wait_for_line("not there");
    // Long enough for several attempts to connect again.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(8) {
        assert!(near.next().is_some());
    }
    for (gateway, (resident, handles, tasks)) in [&origin, &other].into_iter().zip(before) {
        let now = held(gateway);
        // A second of pictures is more than that.
        assert!(now.0 < resident + 64 * 1024, "{resident} KB before, {} after", now.0);
        // One attempt may be under way.
        assert!(
            now.1 <= handles + 1 && now.2 <= tasks + 2,
            "{handles} and {tasks} before, {} and {} after",
            now.1,
            now.2
        );
    }
    redis.stall(false);
    origin.wait_for_line("redis is back");
    for _ in 0..30 {
        assert!(far.next().is_some());
    }
}
