use std::sync::atomic::AtomicUsize;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use media::Picture;
use media::codec::CodecError;
use media::mailbox::{Reader, Taken};

use super::*;
use crate::demand::Demand;
use crate::error::{FrameError, UpstreamError};

/// More threads than CI has cores: these conversions sleep.
const MOST: usize = 4;

/// Takes as long as the picture, which is its number, says.
#[derive(Debug, Clone)]
struct Slow {
    pause: fn(u32) -> Duration,
    now: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
}

/// Pictures with these numbers cannot be encoded, or bring the thread down.
const BROKEN: u32 = 1_000_000;
const FATAL: u32 = 2_000_000;

impl Slow {
    fn new(pause: fn(u32) -> Duration) -> Self {
        Self { pause, now: Arc::default(), peak: Arc::default(), made: Arc::new(AtomicUsize::new(1)) }
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Convert for Slow {
    fn convert(&mut self, picture: Picture, _demand: Demand) -> Result<Converted, FrameError> {
        let Picture::Jpeg(bytes) = picture else { panic!("not a numbered picture") };
        let number = number(&bytes);
        assert!(number != FATAL, "as this test wants it");
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        thread::sleep((self.pause)(number));
        self.now.fetch_sub(1, Ordering::Relaxed);
        if number >= BROKEN {
            Err(FrameError::Decode(CodecError::Quality(0)))
        } else {
            Ok(Converted { jpeg: Some(bytes), bgr: None, took_work: true, is_damaged: false })
        }
    }

    fn another(&self) -> Result<Self, UpstreamError> {
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(self.clone())
    }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().unwrap())
}

fn picture(number: u32) -> Captured {
    let picture = Picture::Jpeg(Bytes::copy_from_slice(&number.to_be_bytes()));
    Captured { picture, captured_at: SystemTime::UNIX_EPOCH + Duration::from_secs(number.into()) }
}

/// A running encoder, and what comes out of it.
struct Scene {
    inlet: EncoderInlet,
    frames: Reader<Outgoing>,
    progress: Arc<Progress>,
    thread: JoinHandle<()>,
}

fn start(conversion: &Slow, live: bool) -> Scene {
    let (writer, frames) = mailbox();
    let progress = Arc::new(Progress::new(Instant::now()));
    let (outgoing, demands) = (Arc::new(writer), Arc::new(Demands::jpeg_only()));
    let (inlet, encode) = with_workers(MOST, conversion.clone(), outgoing, live, demands, Arc::clone(&progress));
    Scene { inlet, frames, progress, thread: thread::spawn(move || encode.run()) }
}

/// All that comes out until nothing more will.
fn collect(frames: Reader<Outgoing>) -> JoinHandle<Vec<u32>> {
    thread::spawn(move || {
        let mut numbers = Vec::new();
        while let Taken::Value(Outgoing { jpeg, captured_at, .. }) = frames.take(Duration::MAX) {
            let number = number(&jpeg.unwrap());
            assert_eq!(captured_at, SystemTime::UNIX_EPOCH + Duration::from_secs(number.into()));
            numbers.push(number);
        }
        numbers
    })
}

/// Between 1 and 6 ms, later ones often shorter than earlier ones.
fn uneven(number: u32) -> Duration {
    Duration::from_micros(1000 + u64::from(number.wrapping_mul(2_654_435_761) >> 16) % 5000)
}

#[test]
fn a_source_too_fast_for_one_thread_gets_through_in_order_on_several() {
    let conversion = Slow::new(uneven);
    let Scene { inlet, frames, progress, thread } = start(&conversion, false);
    let collected = collect(frames);
    for n in 0..400 {
        assert_eq!(inlet.put(picture(n)), Put::Stored);
    }
    drop(inlet);
    thread.join().unwrap();
    assert_eq!(collected.join().unwrap(), (0..400).collect::<Vec<_>>());
    assert_eq!(progress.tally().encoded, 400);
    assert!((2..=MOST).contains(&conversion.peak()), "{} at once", conversion.peak());
}

#[test]
fn a_live_source_too_fast_for_one_thread_gets_several_and_its_last_picture_through() {
    let conversion = Slow::new(|_| Duration::from_millis(6));
    let Scene { inlet, frames, thread, .. } = start(&conversion, true);
    let collected = collect(frames);
    for n in 0..300 {
        inlet.put(picture(n));
        thread::sleep(Duration::from_millis(2));
    }
    drop(inlet);
    thread.join().unwrap();
    let numbers = collected.join().unwrap();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert_eq!(numbers.last(), Some(&299));
    assert!((2..=MOST).contains(&conversion.peak()), "{} at once", conversion.peak());
}

#[test]
fn a_source_that_one_thread_keeps_up_with_has_one_and_an_idle_encoder_has_handed_everything_on() {
    let conversion = Slow::new(|_| Duration::ZERO);
    let Scene { inlet, frames, thread, .. } = start(&conversion, false);
    for n in 0..300 {
        inlet.put(picture(n));
        while !inlet.is_idle() {
            thread::yield_now();
        }
        assert_eq!(number(&frames.try_take().expect("it was handed on").jpeg.unwrap()), n);
    }
    drop(inlet);
    thread.join().unwrap();
    assert_eq!(conversion.made.load(Ordering::Relaxed), 1);
}

#[test]
fn an_encoder_of_several_threads_is_idle_only_when_the_last_has_handed_on() {
    let conversion = Slow::new(uneven);
    let Scene { inlet, frames, thread, .. } = start(&conversion, false);
    let newest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&newest);
    let collected = thread::spawn(move || {
        while let Taken::Value(frame) = frames.take(Duration::MAX) {
            seen.store(number(frame.jpeg.as_ref().unwrap()) as usize, Ordering::SeqCst);
        }
    });
    for n in 1..=300 {
        inlet.put(picture(n));
        if n % 60 == 0 {
            while !inlet.is_idle() {
                thread::yield_now();
            }
            // It may still lie in the mailbox; what is put there next comes after it.
            let handed_on = newest.load(Ordering::SeqCst) as u32;
            assert!(handed_on + 1 >= n, "picture {n} is in, {handed_on} is out");
        }
    }
    assert!(conversion.peak() >= 2);
    drop(inlet);
    thread.join().unwrap();
    collected.join().unwrap();
}

#[test]
fn pictures_that_cannot_be_encoded_are_counted_and_hold_nobody_up() {
    let conversion = Slow::new(uneven);
    let Scene { inlet, frames, progress, thread } = start(&conversion, false);
    let collected = collect(frames);
    for n in 0..200 {
        inlet.put(picture(if n % 10 == 3 { BROKEN + n } else { n }));
    }
    drop(inlet);
    thread.join().unwrap();
    assert_eq!(collected.join().unwrap(), (0..200).filter(|n| n % 10 != 3).collect::<Vec<_>>());
    assert_eq!(progress.dropped()["undecodable"], 20);
    assert_eq!(progress.tally().encoded, 180);
}

#[test]
fn a_thread_that_panics_ends_all_of_them_and_keeps_nobody_waiting() {
    for fatal in [0, 150] {
        let Scene { inlet, frames, thread, .. } = start(&Slow::new(uneven), false);
        let collected = collect(frames);
        let put = |n| inlet.put(picture(if n == fatal { FATAL } else { n }));
        let closed = (0..).find(|&n| put(n) == Put::Closed).unwrap();
        assert!(closed > fatal);
        drop(inlet);
        assert!(thread.join().is_err());
        assert_eq!(collected.join().unwrap(), (0..fatal).collect::<Vec<_>>(), "those before it have gone out");
    }
}

#[test]
fn all_of_them_end_when_nobody_takes_frames_any_more() {
    for live in [true, false] {
        let conversion = Slow::new(uneven);
        let Scene { inlet, frames, thread, .. } = start(&conversion, live);
        for n in 0..200 {
            inlet.put(picture(n));
            let _ = frames.take(if live { Duration::ZERO } else { Duration::MAX });
        }
        drop(frames);
        assert!((200..).any(|n| inlet.put(picture(n)) == Put::Closed));
        drop(inlet);
        thread.join().unwrap();
    }
}
