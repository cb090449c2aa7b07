use std::time::{Duration, Instant};

use media::codec::{Decoder, Encoder, Scale};

use super::*;

fn card(width: u32, height: u32, fps: f64) -> TestCard {
    TestCard::new(&SourceOptions { size: Some((width, height)), fps: Some(fps), ..Default::default() }).unwrap()
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 3600)
}

/// The next picture, however long it takes, and when it came.
fn next(card: &mut TestCard) -> (Image, Instant) {
    loop {
        match card.next().unwrap() {
            Next::Picture(Captured { picture: Picture::Raw(image), .. }) => return (image, Instant::now()),
            Next::Waiting => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn there_is_a_card_of_every_size() {
    for (width, height) in
        [(1, 1), (1, 300), (300, 1), (16, 16), (63, 31), (65, 33), (119, 119), (121, 120), (320, 241), (5000, 130)]
    {
        let mut card = card(width, height, 30.0);
        let first = card.draw(0, noon());
        assert_eq!((first.width(), first.height(), first.format()), (width, height, PixelFormat::I420));
        if width >= 16 && height >= 16 {
            assert!(card.draw(30, noon()) != first, "nothing moves at {width}x{height}");
        }
    }
}

#[test]
fn a_size_or_rate_that_cannot_be_is_refused() {
    for (size, fps) in [
        ((0, 10), 30.0),
        ((10, 70_000), 30.0),
        ((65_501, 1), 30.0),
        ((10, 10), 0.0),
        ((10, 10), f64::NAN),
        ((10, 10), 1e9),
    ] {
        let options = SourceOptions { size: Some(size), fps: Some(fps), ..Default::default() };
        let error = TestCard::new(&options).unwrap_err().to_string();
        assert!(error.contains("to 65500") || error.contains("to 1000"), "{error}");
    }
}

#[test]
fn the_longest_card_that_there_is_can_be_encoded() {
    let mut encoder = Encoder::new().unwrap();
    for (width, height) in [(65_500, 1), (1, 65_500)] {
        let jpeg = encoder.encode(&card(width, height, 30.0).draw(0, noon()), 80).unwrap();
        assert_eq!(Decoder::header(&jpeg).unwrap(), (width, height));
    }
}

#[test]
fn the_clock_is_drawn_and_nothing_else_follows_it() {
    let mut card = card(640, 360, 30.0);
    let (one, other) = (card.draw(5, noon()), card.draw(5, noon() + Duration::from_millis(1)));
    let changed: Vec<usize> = (0..640 * 360).filter(|&at| one.pixels()[at] != other.pixels()[at]).collect();
    assert!(changed.len() > 20, "the milliseconds cannot be read");
    // One digit, in the middle band.
    assert!(changed.iter().all(|at| (360..480).contains(&(at % 640)) && (150..185).contains(&(at / 640))));
}

#[test]
fn the_frame_number_survives_quality_20_and_halving() {
    let (mut encoder, mut decoder) = (Encoder::new().unwrap(), Decoder::new().unwrap());
    for (width, height) in [(320, 240), (640, 480), (1280, 720), (720, 1280), (1920, 1080)] {
        let mut card = card(width, height, 30.0);
        for number in [0, 1, 2, 77, 12_345, 0x55_5555, 0xAA_AAAA, 0xFF_FFFF, (1 << 24) + 5] {
            let expected = Some((number % u64::from(MODULUS)) as u32);
            let drawn = card.draw(number, noon());
            assert_eq!(read_frame_number(&drawn), expected);
            let jpeg = encoder.encode(&drawn, 20).unwrap();
            for (format, scale) in [
                (PixelFormat::Bgr, Scale::Full),
                (PixelFormat::Gray, Scale::Full),
                (PixelFormat::Bgrx, Scale::Half),
                (PixelFormat::Gray, Scale::Half),
            ] {
                let decoded = decoder.decode(&jpeg, format, scale).unwrap();
                assert_eq!(read_frame_number(&decoded), expected, "{number} at {width}x{height} {format:?} {scale:?}");
            }
        }
    }
}

#[test]
fn frames_come_at_their_rate_and_are_numbered() {
    let mut card = card(64, 32, 100.0);
    let (first, started) = next(&mut card);
    assert_eq!(read_frame_number(&first), Some(0));
    for number in 1..=20 {
        assert_eq!(read_frame_number(&next(&mut card).0), Some(number));
    }
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(195), "20 frames at 100 a second came in {took:?}");
}

#[test]
fn a_reader_that_was_away_gets_no_burst() {
    let mut card = card(64, 32, 20.0);
    let _ = next(&mut card);
    std::thread::sleep(Duration::from_millis(330));
    let (_, late) = next(&mut card);
    let (_, second) = next(&mut card);
    let (_, third) = next(&mut card);
    // 50 ms or more, but for how long this thread took to look at its clock; in a burst it would be none.
    assert!(third - late >= Duration::from_millis(25), "{:?} {:?}", second - late, third - second);
}

#[test]
fn a_slow_card_gives_control_back() {
    let mut card = card(64, 32, 0.1);
    let _ = next(&mut card);
    let asked = Instant::now();
    assert!(matches!(card.next().unwrap(), Next::Waiting));
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn without_its_own_rate_it_draws_as_fast_as_it_is_asked() {
    let options = SourceOptions { size: Some((64, 32)), fps: Some(1.0), realtime: false, ..Default::default() };
    let mut card = TestCard::new(&options).unwrap();
    assert!(!card.is_live());
    for _ in 0..100 {
        assert!(matches!(card.next().unwrap(), Next::Picture(_)));
    }
}
