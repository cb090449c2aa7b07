//! Whether anybody is there: what begins with the first receiver, and what goes on without any.

use super::*;

#[test]
fn a_stream_to_tcp_alone_begins_with_the_first_receiver_and_rests_without_any() {
    for live in [true, false] {
        let (mut upstream, listening) = start(Upstream::builder().live(live).max_frames(10), &[Framing::Upstream]);
        let monitor = upstream.monitor();
        assert!(!upstream.wait_until_begun(Duration::from_millis(20)).unwrap());
        let mut client = Client::connect(listening[0]);
        assert!(upstream.wait_until_begun(HANGS).unwrap());
        for number in 0..4 {
            upstream.send_jpeg(numbered(number, 100)).unwrap();
            assert_eq!(client.next().unwrap(), numbered(number, 100));
            client.answer();
        }
        wait_until("it has got the answer", || monitor.figures().receivers[0].frames_delivered == 4);
        drop(client);
        wait_for_receivers(&monitor, 0);
        assert_eq!(monitor.totals().receivers[0].frames_delivered, 4, "it has gone with these");
        if live {
            // Nobody is there to take them, and they do not count.
            for number in 0..20 {
                upstream.send_jpeg(numbered(100 + number, 100)).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        } else {
            upstream.send_jpeg(numbered(4, 100)).unwrap();
        }
        wait_until("all is taken up", || !live || monitor.figures().frames == 4);
        let mut client = Client::connect(listening[0]);
        wait_for_receivers(&monitor, 1);
        let rest = if live { 4..10 } else { 5..10 };
        let mut received = Vec::new();
        for number in rest {
            upstream.send_jpeg(numbered(number, 100)).unwrap();
            received.push(client.next().unwrap());
            client.answer();
        }
        received.extend(client.all());
        assert!(received == (4..10).map(|number| numbered(number, 100)).collect::<Vec<_>>(), "live: {live}");
        wait_until("it has ended", || monitor.has_ended());
        assert_eq!(upstream.close().unwrap().frames, 10);
    }
}

#[test]
fn datagrams_do_not_wait_for_receivers_over_tcp() {
    let mut receiver = Receiver::new();
    let builder = Upstream::builder().live(false).remote(receiver.address());
    let (mut upstream, listening) = start(builder, &[Framing::Upstream, Framing::Pickle]);
    assert!(upstream.wait_until_begun(Duration::ZERO).unwrap());
    let raw = image(64, 48, 2);
    upstream.send_frame(raw.clone()).unwrap();
    receiver.frame();
    let client = Client::connect(listening[1]);
    wait_for_receivers(&upstream.monitor(), 1);
    let client = thread::spawn(|| client.all());
    upstream.send_frame(raw.clone()).unwrap();
    receiver.frame();
    upstream.close().unwrap();
    let pictures = client.join().unwrap();
    assert_eq!(pictures.len(), 1);
    assert!(pickle::Picture::read(&pictures[0]).unwrap().pixels == raw.pixels());
}

#[test]
fn datagrams_do_not_wait_for_a_receiver_over_tcp_that_does_not_answer() {
    let mut receiver = Receiver::new();
    let builder = Upstream::builder().live(false).remote(receiver.address()).tcp_patience(HANGS * 10);
    let (mut upstream, listening) = start(builder, &[Framing::Upstream]);
    let _stuck = Client::connect(listening[0]);
    wait_for_receivers(&upstream.monitor(), 1);
    for number in 0..10 {
        upstream.send_jpeg(jpeg(64, number)).unwrap();
        receiver.frame();
    }
    upstream.shut_down().unwrap();
}

#[test]
fn whoever_waits_for_a_receiver_that_never_comes_or_has_gone_is_released_from_another_thread() {
    let (upstream, _) = start(Upstream::builder().live(false), &[Framing::Upstream]);
    assert_eq!(send_until_stopped(upstream).unwrap().frames, 0);

    let (upstream, listening) = start(Upstream::builder().live(false), &[Framing::Upstream]);
    let client = Client::connect(listening[0]);
    wait_for_receivers(&upstream.monitor(), 1);
    drop(client);
    wait_for_receivers(&upstream.monitor(), 0);
    send_until_stopped(upstream).unwrap();
}

#[test]
fn there_are_only_so_many_receivers_and_a_place_that_is_left_is_free_again() {
    let (upstream, listening) = start(Upstream::builder(), &[Framing::Upstream]);
    let monitor = upstream.monitor();
    let mut clients: Vec<_> = (0..MAX_TCP_RECEIVERS).map(|_| Client::connect(listening[0])).collect();
    wait_for_receivers(&monitor, MAX_TCP_RECEIVERS);
    let refused = TcpStream::connect(listening[0].address).unwrap();
    refused.set_read_timeout(Some(HANGS)).unwrap();
    assert_eq!((&refused).read(&mut [0]).unwrap(), 0, "it is told at once");
    clients.pop();
    wait_for_receivers(&monitor, MAX_TCP_RECEIVERS - 1);
    clients.push(Client::connect(listening[0]));
    wait_for_receivers(&monitor, MAX_TCP_RECEIVERS);
    assert_eq!(upstream.close().unwrap().receivers_dropped, 0);
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_goes_on_behind_it() {
    let (upstream, listening) = start(Upstream::builder(), &[Framing::Upstream]);
    let again = Upstream::builder().listen(listening[0].address, Framing::Pickle).start().unwrap_err();
    assert!(matches!(&again, UpstreamError::Listen(error) if error.address() == listening[0].address), "{again}");
    drop(upstream);
    start(Upstream::builder(), &[Framing::Upstream]);
}
