use super::*;
use crate::input::{End, InputError};
use bytes::Bytes;
use media::{Image, Picture, PixelFormat};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts how often it is run, and brings pictures of its own making.
struct Script<F> {
    runs: Arc<AtomicUsize>,
    bring: F,
}

impl<F: FnMut(usize, &Outlet) -> Result<End, InputError> + Send> Input for Script<F> {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        (self.bring)(run, outlet)
    }
}

fn stream(bring: impl FnMut(usize, &Outlet) -> Result<End, InputError> + Send + 'static) -> (Stream, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let input = Box::new(Script { runs: Arc::clone(&runs), bring });
    (Stream::new(StreamSettings::new("a", "script"), input), runs)
}

fn raw() -> Picture {
    Picture::Raw(Image::zeroed(16, 16, PixelFormat::Bgr).unwrap())
}

fn jpeg() -> Picture {
    let image = Image::zeroed(16, 16, PixelFormat::Bgr).unwrap();
    Picture::Jpeg(media::codec::Encoder::new().unwrap().encode(&image, 80).unwrap())
}

fn steadily(outlet: &Outlet, picture: &Picture) -> Result<End, InputError> {
    while outlet.is_wanted() {
        outlet.put(picture.clone(), SystemTime::now());
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(End::Unwanted)
}

async fn next(watching: &mut Watching) -> Arc<Frame> {
    tokio::time::timeout(PATIENCE, watching.next()).await.expect("a frame comes").expect("the stream goes on")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_capture_however_many_look_and_none_when_nobody_does() {
    let (stream, runs) = stream(|_, outlet| steadily(outlet, &jpeg()));
    assert_eq!(runs.load(Ordering::SeqCst), 0, "nobody looks yet");
    let mut viewers: Vec<_> = (0..20).map(|_| stream.watch(Want::Jpeg)).collect();
    for viewer in &mut viewers {
        next(viewer).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(stream.figures().converted, 0, "a JPEG passes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raw_picture_is_encoded_only_for_those_who_want_a_jpeg() {
    let (stream, _) = stream(|_, outlet| steadily(outlet, &raw()));
    let mut pixels = stream.watch(Want::Picture);
    assert!(next(&mut pixels).await.jpeg().is_none());
    assert_eq!(stream.figures().converted, 0);
    let mut jpegs = stream.watch(Want::Jpeg);
    assert!(next(&mut jpegs).await.jpeg().is_some());
    drop(jpegs);
    let deadline = Instant::now() + PATIENCE;
    while next(&mut pixels).await.jpeg().is_some() {
        assert!(Instant::now() < deadline, "still encodes for nobody");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_frame_is_handed_out_and_what_it_replaced_is_counted() {
    let (stream, _) = stream(|_, outlet| steadily(outlet, &jpeg()));
    let mut watching = stream.watch(Want::Jpeg);
    let first = next(&mut watching).await.number;
    let deadline = Instant::now() + PATIENCE;
    while stream.figures().frames < first + 10 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = next(&mut watching).await.number;
    assert!(second >= first + 8, "{first} {second}");
    assert_eq!(watching.replaced(), second - first - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_was_lost_is_run_again_and_nobody_who_looks_has_to_do_anything() {
    let (stream, runs) = stream(|run, outlet| {
        outlet.put(jpeg(), SystemTime::now());
        if run < 3 { Err("the cable was pulled".into()) } else { steadily(outlet, &jpeg()) }
    });
    let mut watching = stream.watch(Want::Jpeg);
    let deadline = Instant::now() + PATIENCE;
    while runs.load(Ordering::SeqCst) < 4 {
        assert!(Instant::now() < deadline);
        next(&mut watching).await;
    }
    next(&mut watching).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_decoded_counts_as_broken_and_not_as_replaced() {
    let (go, gone) = std::sync::mpsc::channel();
    let bring = move |_, outlet: &Outlet| {
        let broken = || Picture::Jpeg(Bytes::from_static(b"\xFF\xD8\xFF\xD9"));
        for picture in [jpeg(), broken(), broken(), jpeg()] {
            outlet.put(picture, SystemTime::now());
            gone.recv()?;
        }
        Ok(End::Finished)
    };
    let shape = Shape { quality: Some(20), ..Shape::default() };
    let settings = StreamSettings { shape, ..StreamSettings::new("a", "script") };
    let stream = Stream::new(settings, Box::new(Script { runs: Arc::default(), bring }));
    let mut watching = stream.watch(Want::Jpeg);
    next(&mut watching).await;
    (0..3).for_each(|_| go.send(()).unwrap());
    next(&mut watching).await;
    assert_eq!((stream.figures().frames, stream.figures().broken, watching.replaced()), (4, 2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_has_a_fault_is_run_again_as_one_that_was_lost() {
    let (stream, runs) = stream(|run, outlet| {
        assert!(run > 1, "a fault of the input's own");
        steadily(outlet, &jpeg())
    });
    next(&mut stream.watch(Want::Jpeg)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_look_are_told_when_there_is_nothing_more() {
    let (stream, _) = stream(|_, outlet| {
        outlet.put(jpeg(), SystemTime::now());
        Ok(End::Finished)
    });
    let mut watching = stream.watch(Want::Jpeg);
    let mut rendition = stream.watch_shaped(Shape { quality: Some(20), ..Shape::default() }).unwrap();
    let ended = tokio::time::timeout(PATIENCE, async {
        while watching.next().await.is_some() {}
        while rendition.next().await.is_some() {}
    });
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_size_is_made_once_and_forgotten_with_its_last_viewer() {
    let (stream, _) = stream(|_, outlet| steadily(outlet, &jpeg()));
    let shape = |width| Shape { size: Some((width, 8)), ..Shape::default() };
    let mut same: Vec<_> = (0..5).map(|_| stream.watch_shaped(shape(8)).unwrap()).collect();
    let mut pictures: Vec<Bytes> = Vec::new();
    for watching in &mut same {
        let frame = next(watching).await;
        assert_eq!(media::codec::Decoder::header(frame.jpeg().unwrap()).unwrap(), (8, 8));
        pictures.push(frame.jpeg().unwrap().clone());
    }
    assert_eq!(stream.renditions.lock().unwrap().len(), 1);
    let others: Vec<_> = (1..MAX_RENDITIONS as u32).map(|i| stream.watch_shaped(shape(8 + i)).unwrap()).collect();
    assert_eq!(stream.watch_shaped(shape(100)).unwrap_err(), TooManyRenditions);
    drop((same, others));
    let deadline = Instant::now() + PATIENCE;
    while !stream.renditions.lock().unwrap().is_empty() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_can_be_waited_for_until_the_input_has_left() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (stream, _) = stream(move |_, outlet| {
        let end = steadily(outlet, &jpeg());
        let _ = released.recv();
        end
    });
    next(&mut stream.watch(Want::Jpeg)).await;
    stream.close();
    assert!(!stream.has_left(Duration::from_millis(50)).await, "it is still there, and is not waited for any longer");
    drop(release);
    assert!(stream.has_left(PATIENCE).await);
}

/// A stream that steadily brings pictures, on a system that gives no thread at first, so many times; how often it was
/// asked for one.
fn without_threads(times: usize) -> (Stream, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, runs) = (Arc::clone(&asked), Arc::default());
    let spawn = move |work| {
        let has_thread = counted.fetch_add(1, Ordering::SeqCst) >= times;
        if has_thread { run::new_thread(work) } else { Err(std::io::ErrorKind::WouldBlock.into()) }
    };
    let input = Box::new(Script { runs, bring: |_, outlet: &Outlet| steadily(outlet, &jpeg()) });
    (Stream::with_threads(StreamSettings::new("a", "script"), input, Arc::new(spawn)), asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_for_which_there_is_no_thread_is_tried_again_as_one_that_was_lost() {
    let (stream, asked) = without_threads(3);
    next(&mut stream.watch(Want::Jpeg)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!(stream.figures().lost_because, None, "it is back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_for_which_there_is_no_thread_says_so_and_leaves_when_it_is_not_wanted() {
    let (stream, asked) = without_threads(usize::MAX);
    let _watching = stream.watch(Want::Jpeg);
    let deadline = Instant::now() + PATIENCE;
    while asked.load(Ordering::SeqCst) < 3 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reason = stream.figures().lost_because.unwrap();
    assert!(reason.starts_with("the system gives no thread for it: "), "{reason}");
    stream.close();
    assert!(stream.has_left(PATIENCE).await);
}
