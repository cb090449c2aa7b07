//! What each framing brings to whom.

use super::*;

#[test]
fn jpegs_reach_all_receivers_byte_for_byte_and_in_order() {
    let (mut upstream, listening) = start(Upstream::builder().live(false), &[Framing::Upstream; 2]);
    let clients = [0, 1, 0].map(|at| Client::connect(listening[at]));
    wait_for_receivers(&upstream.monitor(), 3);
    let clients = clients.map(|client| thread::spawn(|| client.all()));
    let jpegs: Vec<_> = (0..300).map(|number| numbered(number, number * 700)).collect();
    for jpeg in &jpegs {
        assert_eq!(upstream.send_jpeg(jpeg.clone()).unwrap(), Accepted::Alone);
    }
    let figures = upstream.close().unwrap();
    for client in clients {
        assert!(client.join().unwrap() == jpegs);
    }
    assert_eq!((figures.frames, figures.datagrams, figures.receivers_dropped), (300, 0, 0));
    assert_eq!(figures.receivers.iter().map(|receiver| receiver.frames_delivered).collect::<Vec<_>>(), [300; 3]);
    let bytes: usize = jpegs.iter().map(|jpeg| jpeg.len() + 8).sum();
    assert_eq!(figures.bytes, 3 * bytes as u64);
    assert!(figures.encode_ms.is_none());
}

#[test]
fn raw_pictures_reach_receivers_of_pickles_without_having_been_a_jpeg() {
    let (mut upstream, listening) = start(Upstream::builder().live(false), &[Framing::Pickle]);
    let clients = [(); 2].map(|()| Client::connect(listening[0]));
    wait_for_receivers(&upstream.monitor(), 2);
    let clients = clients.map(|client| thread::spawn(|| client.all()));
    let images: Vec<_> = (0..300).map(|number| image(64 + number % 3, 48, number + 1)).collect();
    for image in &images {
        upstream.send_frame(image.clone()).unwrap();
    }
    let figures = upstream.close().unwrap();
    for client in clients {
        let received = client.join().unwrap();
        assert_eq!(received.len(), images.len());
        for (frame, image) in received.iter().zip(&images) {
            let picture = pickle::Picture::read(frame).unwrap();
            assert_eq!((picture.width, picture.height), (image.width(), image.height()));
            assert!(picture.pixels == image.pixels());
        }
    }
    assert_eq!((figures.frames, figures.encode_ms), (300, None), "nothing was converted");
}

#[test]
fn each_gets_what_its_framing_takes_of_jpegs_and_of_raw_pictures() {
    let builder = Upstream::builder().live(false).size((32, 24));
    let (mut upstream, listening) = start(builder, &[Framing::Upstream, Framing::Pickle]);
    let clients = [0, 1].map(|at| Client::connect(listening[at]));
    wait_for_receivers(&upstream.monitor(), 2);
    let clients = clients.map(|client| thread::spawn(|| client.all()));
    let jpeg = Encoder::new().unwrap().encode(&image(32, 24, 5), 90).unwrap();
    let raw = image(32, 24, 9);
    upstream.send_jpeg(jpeg.clone()).unwrap();
    upstream.send_frame(raw.clone()).unwrap();
    upstream.send_frame(image(64, 48, 3)).unwrap();
    upstream.close().unwrap();
    let [jpegs, pickles] = clients.map(|client| client.join().unwrap());
    assert_eq!((jpegs.len(), pickles.len()), (3, 3));
    assert_eq!(jpegs[0], jpeg, "passed through");
    assert!(jpegs.iter().all(|jpeg| Decoder::header(jpeg).unwrap() == (32, 24)));
    let pictures: Vec<_> = pickles.iter().map(|frame| pickle::Picture::read(frame).unwrap()).collect();
    assert!(pictures.iter().all(|picture| (picture.width, picture.height) == (32, 24)));
    let decoded = Decoder::new().unwrap().decode(&jpeg, PixelFormat::Bgr, media::codec::Scale::Full).unwrap();
    assert!(pictures[0].pixels == decoded.pixels() && pictures[1].pixels == raw.pixels());
}

#[test]
fn a_broken_picture_is_not_to_blame_where_nobody_was_there_for_the_good_ones() {
    for (broken_first, good) in [(true, 5), (false, 5), (true, 0)] {
        let (mut upstream, _) = start(Upstream::builder(), &[Framing::Upstream]);
        let mut broken = 0;
        let mut send_broken = |upstream: &mut Upstream| {
            broken += 1;
            assert!(matches!(upstream.send_jpeg(&b"cut off"[..]), Err(UpstreamError::Refused(_))));
        };
        if broken_first {
            send_broken(&mut upstream);
        }
        for number in 0..good {
            upstream.send_jpeg(jpeg(64, number + 1)).unwrap();
        }
        if !broken_first {
            send_broken(&mut upstream);
        }
        match upstream.close() {
            Ok(totals) => assert_eq!((totals.frames, totals.dropped["not_jpeg"], good), (0, broken, 5)),
            Err(error) => assert!(matches!(error, UpstreamError::Failed(_)) && good == 0, "{error}"),
        }
    }
}
