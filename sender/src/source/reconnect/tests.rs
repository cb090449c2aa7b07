use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread;

use media::{Image, Picture, PixelFormat};

use super::*;
use crate::source::live::Live;
use crate::source::{Next, Source};

/// A camera that does what the test says: each entry is one time that it is opened, with the number of pictures it
/// gives before it vanishes; `None` is a failure to open.
#[derive(Debug, Default, Clone)]
struct Plan {
    openings: Arc<Mutex<VecDeque<Option<u32>>>>,
    /// For a file: whether it begins anew after its last picture.
    repeats: Option<bool>,
}

struct Fake {
    pictures: u32,
    broken: u64,
    is_file: bool,
}

impl Plan {
    fn new(openings: impl IntoIterator<Item = Option<u32>>) -> Self {
        Self { openings: Arc::new(Mutex::new(openings.into_iter().collect())), repeats: None }
    }
}

impl Open for Plan {
    type Device = Fake;

    fn open(&mut self) -> Result<Fake, SourceError> {
        match self.openings.lock().unwrap().pop_front().flatten() {
            Some(pictures) => Ok(Fake { pictures, broken: 1, is_file: self.repeats.is_some() }),
            None => Err(SourceError::NoCamera { number: 0, there_are: String::new() }),
        }
    }

    fn name(&self) -> String {
        "fake camera".to_owned()
    }

    fn is_repeated(&self) -> bool {
        self.repeats == Some(true)
    }
}

impl Device for Fake {
    fn read(&mut self) -> Result<Option<Captured>, Lost> {
        if self.pictures == 0 {
            self.broken = 2;
            if self.is_file {
                return Ok(None);
            }
            return Err(Lost { reason: "unplugged".to_owned() });
        }
        self.pictures -= 1;
        let image = Image::zeroed(4, 4, PixelFormat::Gray).map_err(|error| Lost { reason: error.to_string() })?;
        Ok(Some(Captured::now(Picture::Raw(image))))
    }

    fn format(&self) -> Format {
        Format { size: Some((4, 4)), fps: Some(30.0) }
    }

    fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken)
    }
}

/// Steps until a picture comes, in a time that passes only by the waits; gives these.
fn waits(reconnect: &mut Reconnect<Plan>, now: &mut Instant, most: usize) -> Vec<Duration> {
    let mut waits = Vec::new();
    while waits.len() < most {
        match reconnect.step(|| *now) {
            Step::Picture(_) => break,
            Step::Wait(wait) if wait.is_zero() => {}
            Step::Ended => break,
            Step::Wait(wait) => {
                *now += wait;
                waits.push(wait);
            }
        }
    }
    waits
}

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn a_camera_that_is_not_there_at_first_is_an_error() {
    assert!(matches!(Reconnect::new(Plan::new([None])), Err(SourceError::NoCamera { .. })));
}

#[test]
fn pauses_grow_to_a_second_and_begin_anew_after_a_second_of_pictures() {
    let away = std::iter::repeat_n(None, 7);
    let openings = [Some(2)].into_iter().chain(away).chain([Some(3), Some(1)]);
    let mut reconnect = Reconnect::new(Plan::new(openings)).unwrap();
    let mut now = Instant::now();
    assert_eq!(waits(&mut reconnect, &mut now, 100), []);
    assert_eq!(waits(&mut reconnect, &mut now, 100), []);
    let grown = [50, 100, 200, 400, 800, 1000, 1000, 1000].map(MS);
    assert_eq!(waits(&mut reconnect, &mut now, 100), grown);
    for _ in 0..2 {
        now += STEADY / 2;
        assert_eq!(waits(&mut reconnect, &mut now, 100), []);
    }
    assert_eq!(waits(&mut reconnect, &mut now, 100), [MS(50)]);
}

#[test]
fn what_gives_one_picture_at_each_opening_is_asked_once_a_second() {
    let mut reconnect = Reconnect::new(Plan::new([Some(1); 20])).unwrap();
    let mut now = Instant::now();
    let waits: Vec<_> = (0..10).map(|_| waits(&mut reconnect, &mut now, 100)).collect();
    assert_eq!(waits[0], []);
    let grown = [50, 100, 200, 400, 800, 1000, 1000, 1000, 1000].map(|ms| vec![MS(ms)]);
    assert_eq!(waits[1..], grown);
}

#[test]
fn broken_frames_are_counted_over_a_loss() {
    let mut reconnect = Reconnect::new(Plan::new([Some(1), Some(1)])).unwrap();
    let mut now = Instant::now();
    waits(&mut reconnect, &mut now, 100);
    assert_eq!((reconnect.take_broken(), reconnect.take_broken()), (1, 0));
    // Two of the one that is lost, one of the next.
    waits(&mut reconnect, &mut now, 100);
    assert_eq!(reconnect.take_broken(), 3);
}

#[test]
fn a_camera_that_opens_and_gives_no_picture_is_not_back() {
    let mut reconnect = Reconnect::new(Plan::new([Some(0), Some(0), Some(0), Some(1)])).unwrap();
    assert_eq!(waits(&mut reconnect, &mut Instant::now(), 100), [50, 100, 200].map(MS));
}

#[test]
fn a_camera_that_never_comes_back_is_tried_for_ever() {
    let mut reconnect = Reconnect::new(Plan::new([Some(0)])).unwrap();
    let mut now = Instant::now();
    let waits = waits(&mut reconnect, &mut now, 5000);
    assert_eq!(waits.len(), 5000);
    assert!(waits[10..].iter().all(|&wait| wait == LONGEST_PAUSE));
}

#[test]
fn before_its_time_nothing_is_tried() {
    let plan = Plan::new([Some(0), Some(1)]);
    let mut reconnect = Reconnect::new(plan.clone()).unwrap();
    let start = Instant::now();
    assert!(matches!(reconnect.step(|| start), Step::Wait(FIRST_PAUSE)));
    assert!(matches!(reconnect.step(|| start + MS(20)), Step::Wait(wait) if wait == MS(30)));
    assert_eq!(plan.openings.lock().unwrap().len(), 1);
}

#[test]
fn a_file_ends_or_begins_anew_and_only_where_it_is_away_is_lost() {
    let plan = |repeats| Plan { repeats: Some(repeats), ..Plan::new([Some(1), Some(1), None, Some(1)]) };
    let mut now = Instant::now();
    let mut once = Reconnect::new(plan(false)).unwrap();
    assert_eq!(waits(&mut once, &mut now, 100), []);
    assert!(matches!(once.step(|| now), Step::Ended));
    let mut again = Reconnect::new(plan(true)).unwrap();
    let turns: Vec<_> = (0..3).map(|_| (waits(&mut again, &mut now, 100), again.lost.is_some())).collect();
    assert_eq!(turns, [(vec![], false), (vec![], false), (vec![FIRST_PAUSE], true)]);
    let mut live = Live::start(plan(false), None).unwrap();
    let ended =
        std::iter::repeat_with(|| live.next().unwrap()).find(|next| !matches!(next, Next::Waiting | Next::Picture(_)));
    assert!(matches!(ended, Some(Next::Ended)));
}

#[test]
fn the_source_goes_on_over_a_loss_and_its_thread_ends_with_it() {
    // More losses than are counted: a picture that this thread is late for is replaced by the next.
    let plan = Plan::new([Some(1), None].into_iter().cycle().take(1000));
    let mut live = Live::start(plan.clone(), None).unwrap();
    assert!(live.is_live());
    assert_eq!(live.describe(), "fake camera 4x4 at 30 fps");
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut pictures = 0;
    while pictures < 2 {
        assert!(Instant::now() < deadline, "{pictures} pictures");
        let asked = Instant::now();
        match live.next().unwrap() {
            Next::Picture(_) => pictures += 1,
            Next::Waiting => assert!(asked.elapsed() < Duration::from_secs(2)),
            Next::Ended => panic!("ended"),
        }
    }
    drop(live);
    // The thread holds the plan as well, until it ends.
    while Arc::strong_count(&plan.openings) > 1 {
        assert!(Instant::now() < deadline, "the thread goes on");
        thread::sleep(MS(10));
    }
}
