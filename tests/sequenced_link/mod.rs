//! A simulated link with a way back: frames go in on the sequenced wire, datagrams of either direction are lost,
//! doubled, delayed and damaged, what is asked for again is sent again, and what comes out of a `Reassembler` is held
//! against what was sent. Time is simulated; nothing waits.
//!
//! The property tests make scenarios at random; the fuzz target reads them from the fuzzer's bytes.

use segment::wire::control::Control;
use segment::wire::sequenced::{Header, Kind};
use segment::wire::tag::Tag;
use segment::{Label, Reassembler, Repair, Repeater, Segmenter, Sequencer, WireFrame};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What happens to one datagram on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Harm {
    /// It does not arrive.
    Lose,
    /// It arrives a second time, so much later.
    Double { after_us: u32 },
    /// It arrives so much later than it should.
    Delay { by_us: u32 },
    /// One of its bits is wrong.
    Flip { bit: u16 },
}

/// A stream and what its link does to it.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) datagram_len: usize,
    /// From one frame to the next.
    pub(crate) interval_us: u32,
    /// From one datagram of a frame to the next.
    pub(crate) spacing_us: u32,
    /// From one end to the other.
    pub(crate) way_us: u32,
    pub(crate) latency_ms: u32,
    /// Parity segments for a hundred of data.
    pub(crate) parity_percent: usize,
    pub(crate) is_group: bool,
    /// Length of each frame, and whether it goes on the plain wire.
    pub(crate) frames: Vec<(u32, bool)>,
    /// What happens to which datagram of those that are sent, repeats included, and of those that are sent back.
    pub(crate) there: Vec<(u16, Harm)>,
    pub(crate) back: Vec<(u16, Harm)>,
}

/// What came of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The frames that were delivered, with the time from when the last datagram of each would have come by itself, in
    /// µs.
    pub(crate) delivered: Vec<(u32, i64)>,
    /// Frames of which k right segments and no wrong one came in time.
    pub(crate) due: BTreeSet<u32>,
    pub(crate) repeats: usize,
    pub(crate) nacks: usize,
    pub(crate) datagrams: usize,
}

enum Event {
    Frame(usize),
    Send(Vec<u8>, u32),
    There { datagram: Vec<u8>, of: Option<u32> },
    Back(Vec<u8>),
}

/// What happens next, and when.
enum Step {
    Event(u64, Event),
    Timeout(u64),
}

struct Simulation<'a> {
    scenario: &'a Scenario,
    jpegs: Vec<Vec<u8>>,
    start: Instant,
    events: BinaryHeap<Reverse<(u64, usize)>>,
    details: Vec<Option<Event>>,
    there: BTreeMap<usize, Vec<Harm>>,
    back: BTreeMap<usize, Vec<Harm>>,
    sequencer: Sequencer,
    repeater: Repeater,
    reassembler: Reassembler,
    /// For each frame: when it was shown first, the right segments that have come in time, k, and whether it was
    /// harmed.
    frames: Vec<Progress>,
    outcome: Outcome,
    /// Datagrams sent, repeats included.
    sent: usize,
    /// The lowest number that may be delivered next.
    next: u32,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    shown_at: Option<u64>,
    segments: BTreeSet<(bool, usize)>,
    k: usize,
    is_touched: bool,
    would_come_at: u64,
}

const STREAM_ID: u64 = 7;

fn source() -> SocketAddr {
    ([192, 0, 2, 1], 5000).into()
}

/// Runs a scenario, and panics where anything is delivered that was not sent, out of order, or twice, or where memory
/// grows beyond what the frames explain.
pub(crate) fn run(scenario: &Scenario) -> Outcome {
    let mut simulation = Simulation::new(scenario);
    for at in 0..scenario.frames.len() {
        simulation.at(at as u64 * u64::from(scenario.interval_us), Event::Frame(at));
    }
    while let Some(step) = simulation.next_step() {
        match step {
            Step::Event(time, event) => {
                simulation.handle(time, event);
                simulation.collect(time);
            }
            Step::Timeout(time) => {
                simulation.reassembler.handle_timeout(simulation.instant(time));
                simulation.collect(time);
            }
        }
    }
    assert_eq!(simulation.reassembler.memory(), 0, "all is forgotten in the end");
    let Simulation { mut outcome, frames, .. } = simulation;
    outcome.due.retain(|number| !frames[*number as usize].is_touched);
    outcome
}

impl Scenario {
    /// The datagrams that arrive of themselves, each with its time in µs: nothing is sent again.
    pub(crate) fn arrivals(&self) -> Vec<(u64, Vec<u8>)> {
        let mut simulation = Simulation::new(self);
        for at in 0..self.frames.len() {
            simulation.send_frame(at as u64 * u64::from(self.interval_us), at);
        }
        let mut arrivals = Vec::new();
        while let Some(Reverse((time, at))) = simulation.events.pop() {
            match simulation.details[at].take() {
                Some(Event::There { datagram, .. }) => arrivals.push((time, datagram)),
                Some(event) => simulation.handle(time, event),
                None => {}
            }
        }
        arrivals
    }
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut reassembler = Reassembler::new();
        reassembler.show(Some(source()));
        reassembler.set_latency(Duration::from_millis(scenario.latency_ms.into()));
        reassembler.repair(Repair { receiver_id: 5, is_group: scenario.is_group, seed: 1 });
        let harms = |list: &[(u16, Harm)]| {
            let mut harms: BTreeMap<usize, Vec<Harm>> = BTreeMap::new();
            list.iter().for_each(|(at, harm)| harms.entry(usize::from(*at)).or_default().push(*harm));
            harms
        };
        Self {
            scenario,
            jpegs: scenario.frames.iter().enumerate().map(|(seed, (len, _))| jpeg(*len, seed as u32)).collect(),
            start: Instant::now(),
            events: BinaryHeap::new(),
            details: Vec::new(),
            there: harms(&scenario.there),
            back: harms(&scenario.back),
            sequencer: Sequencer::new(),
            repeater: Repeater::new(),
            reassembler,
            frames: vec![Progress::default(); scenario.frames.len()],
            outcome: Outcome::default(),
            sent: 0,
            next: 0,
        }
    }

    fn at(&mut self, time: u64, event: Event) {
        self.events.push(Reverse((time, self.details.len())));
        self.details.push(Some(event));
    }

    fn instant(&self, time: u64) -> Instant {
        self.start + Duration::from_micros(time)
    }

    fn handle(&mut self, time: u64, event: Event) {
        match event {
            Event::Frame(at) => self.send_frame(time, at),
            Event::Send(datagram, number) => self.send(time, datagram, Some(number)),
            Event::There { datagram, of } => {
                self.note_arrival(time, &datagram, of);
                let now = self.instant(time);
                let _ = self.reassembler.push(now, source(), &datagram);
                let round_trip = Duration::from_micros(2 * u64::from(self.scenario.way_us));
                self.reassembler.set_round_trip(source(), Some(round_trip));
            }
            Event::Back(datagram) => {
                let Ok(Control::Nack(nack)) = Control::parse(&datagram) else { return };
                let round_trip = Duration::from_micros(2 * u64::from(self.scenario.way_us));
                self.repeater.handle_nack(self.instant(time), &nack, source(), Some(round_trip));
                while let Some(repeat) = self.repeater.poll_repeat() {
                    for segment in repeat.segments() {
                        self.outcome.repeats += 1;
                        self.send(time, segment.to_vec(), Some(nack.number));
                    }
                }
            }
        }
    }

    fn send_frame(&mut self, time: u64, at: usize) {
        let (number, is_plain) = (at as u32, self.scenario.frames[at].1);
        let jpeg = &self.jpegs[at];
        let datagrams: Vec<Vec<u8>> = if is_plain {
            let tag = Tag { flags: 0, stream_id: STREAM_ID, number, captured_at: 3 };
            let frame = WireFrame::tagged(jpeg, &tag).unwrap();
            let segmenter = Segmenter::new(self.scenario.datagram_len).unwrap();
            segmenter.segment(&frame).unwrap().map(|segment| segment.to_vec()).collect()
        } else {
            let label = Label { stream_id: STREAM_ID, number, captured_at: time };
            let parity = |k: usize| (k * self.scenario.parity_percent).div_ceil(100);
            let sequenced =
                self.sequencer.sequence(jpeg.clone().into(), label, self.scenario.datagram_len, parity).unwrap();
            self.frames[at].k = sequenced.data_segments();
            let datagrams = sequenced.segments(0..sequenced.len()).map(|segment| segment.to_vec()).collect();
            self.repeater.keep(self.instant(time), Arc::new(sequenced), vec![source()]);
            datagrams
        };
        self.outcome.datagrams += datagrams.len();
        let data_len = if is_plain { datagrams.len() } else { self.frames[at].k } as u64;
        let spacing = u64::from(self.scenario.spacing_us);
        self.frames[at].would_come_at = time + (data_len - 1) * spacing + u64::from(self.scenario.way_us);
        for (place, datagram) in datagrams.into_iter().enumerate() {
            self.at(time + place as u64 * spacing, Event::Send(datagram, number));
        }
    }

    fn send(&mut self, time: u64, mut datagram: Vec<u8>, mut of: Option<u32>) {
        let harms = self.there.remove(&self.sent).unwrap_or_default();
        self.sent += 1;
        let mut arrivals = vec![time + u64::from(self.scenario.way_us)];
        for harm in harms {
            match harm {
                Harm::Lose => arrivals.clear(),
                Harm::Double { after_us } => {
                    arrivals.push(time + u64::from(self.scenario.way_us) + u64::from(after_us));
                }
                Harm::Delay { by_us } => arrivals.iter_mut().for_each(|at| *at += u64::from(by_us)),
                Harm::Flip { bit } => {
                    of.into_iter().for_each(|number| self.touch(number));
                    flip(&mut datagram, bit);
                    if let Ok((header, _)) = Header::parse(&datagram) {
                        self.touch(header.number);
                    }
                    of = None;
                }
            }
        }
        for at in arrivals {
            self.at(at, Event::There { datagram: datagram.clone(), of });
        }
    }

    fn touch(&mut self, number: u32) {
        if let Some(frame) = self.frames.get_mut(number as usize) {
            frame.is_touched = true;
        }
    }

    /// Keeps the books: what has come of which frame in time.
    fn note_arrival(&mut self, time: u64, datagram: &[u8], of: Option<u32>) {
        // Whatever has a number, right or wrong, may show all frames before it.
        let shown = Header::parse(datagram).map_or(of, |(header, _)| Some(header.number));
        let last = shown.map_or(0, |number| (number as usize).saturating_add(1).min(self.frames.len()));
        self.frames[..last].iter_mut().for_each(|frame| {
            frame.shown_at.get_or_insert(time);
        });
        let (Some(number), Ok((header, _))) = (of, Header::parse(datagram)) else { return };
        let frame = &mut self.frames[number as usize];
        let latency = u64::from(self.scenario.latency_ms) * 1000;
        if frame.shown_at.is_some_and(|shown_at| time < shown_at + latency) {
            frame.segments.insert((header.kind == Kind::Parity, header.index()));
            if frame.segments.len() >= frame.k && number >= self.next {
                self.outcome.due.insert(number);
            }
        }
    }

    /// What happens next: a timeout, if nothing else does before.
    fn next_step(&mut self) -> Option<Step> {
        let timeout = self.reassembler.poll_timeout();
        let timeout = timeout.map(|at| at.duration_since(self.start).as_nanos().div_ceil(1000) as u64);
        let event = self.events.peek().map(|Reverse((time, _))| *time);
        if let Some(timeout) = timeout.filter(|timeout| event.is_none_or(|event| *timeout <= event)) {
            return Some(Step::Timeout(timeout));
        }
        let Reverse((time, at)) = self.events.pop()?;
        Some(Step::Event(time, self.details[at].take()?))
    }

    /// Takes what comes out of the reassembler.
    fn collect(&mut self, time: u64) {
        while let Some(nack) = self.reassembler.poll_transmit() {
            assert!(nack.to == source() && nack.contents.len() <= 1400);
            let ordinal = self.outcome.nacks;
            self.outcome.nacks += 1;
            let mut contents = nack.contents;
            let mut arrivals = vec![time + u64::from(self.scenario.way_us)];
            for harm in self.back.remove(&ordinal).unwrap_or_default() {
                match harm {
                    Harm::Lose => arrivals.clear(),
                    Harm::Double { after_us } => arrivals.push(arrivals.first().unwrap_or(&time) + u64::from(after_us)),
                    Harm::Delay { by_us } => arrivals.iter_mut().for_each(|at| *at += u64::from(by_us)),
                    Harm::Flip { bit } => flip(&mut contents, bit),
                }
            }
            for at in arrivals {
                self.at(at, Event::Back(contents.clone()));
            }
        }
        while let Some(frame) = self.reassembler.poll_frame() {
            let tag = frame.tag.expect("all have a number");
            let number = tag.number;
            assert_eq!(tag.stream_id, STREAM_ID);
            assert!(number >= self.next, "frame {number} after frame {}", self.next.wrapping_sub(1));
            assert!(frame.jpeg == self.jpegs[number as usize], "frame {number} is not the one that was sent");
            if self.outcome.delivered.is_empty() {
                // Whoever joins late has lost nothing.
                self.outcome.due.retain(|due| *due >= number);
            }
            let late = time as i64 - self.frames[number as usize].would_come_at as i64;
            self.outcome.delivered.push((number, late));
            self.next = number + 1;
        }
        let longest = self.jpegs.iter().map(Vec::len).max().unwrap_or(0);
        let frames = self.jpegs.len() + 8;
        assert!(self.reassembler.memory() <= frames * (3 * longest + 80_000));
    }
}

impl Outcome {
    /// Frames that should have been delivered and were not.
    pub(crate) fn missing(&self) -> Vec<u32> {
        let delivered: BTreeSet<u32> = self.delivered.iter().map(|(number, _)| *number).collect();
        self.due.difference(&delivered).copied().collect()
    }

    /// The delay that so many in a hundred frames do not exceed, in µs.
    pub(crate) fn percentile(&self, percent: usize) -> i64 {
        let mut delays: Vec<i64> = self.delivered.iter().map(|(_, late)| *late).collect();
        delays.sort_unstable();
        delays[(delays.len() * percent / 100).min(delays.len() - 1)]
    }
}

/// So many bytes between SOI and EOI, which differ from frame to frame.
fn jpeg(len: u32, seed: u32) -> Vec<u8> {
    let inside = (0..len).map(|at| ((at + 1).wrapping_mul(2_654_435_761 ^ (seed << 20)) >> 24) as u8);
    [0xFF, 0xD8].into_iter().chain(inside).chain([0xFF, 0xD9]).collect()
}

/// Turns a bit. Of a frame with a single data segment, whose header nothing but itself vouches for, one of the payload.
fn flip(datagram: &mut [u8], bit: u16) {
    let is_alone = Header::parse(datagram).is_ok_and(|(header, _)| header.k == 1);
    let first = if is_alone { 8 * segment::wire::sequenced::HEADER_LEN } else { 0 };
    let bit = first + usize::from(bit) % (8 * datagram.len() - first);
    datagram[bit / 8] ^= 1 << (bit % 8);
}
