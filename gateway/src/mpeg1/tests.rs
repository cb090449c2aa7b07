use super::*;
use crate::input::{End, Input, InputError, Outlet};
use crate::stream::StreamSettings;
use bytes::Bytes;
use media::{Image, Picture, PixelFormat};
use std::time::{Duration, Instant, SystemTime};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Brings the same picture again and again.
struct Steady(Picture);

impl Input for Steady {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        while outlet.is_wanted() {
            outlet.put(self.0.clone(), SystemTime::now());
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(End::Unwanted)
    }
}

fn mpeg1(picture: Picture, program: &str) -> Mpeg1 {
    let stream = Stream::new(StreamSettings::new("a", "steady"), Box::new(Steady(picture)));
    Mpeg1::new(Arc::new(stream), Mpeg1Settings { program: program.into(), quality: 4 })
}

fn raw() -> Picture {
    Picture::Raw(Image::zeroed(16, 16, PixelFormat::Bgr).unwrap())
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoder_that_always_fails_is_put_to_rest_when_nobody_looks() {
    let mpeg1 = mpeg1(raw(), "/bin/false");
    let viewing = mpeg1.watch().unwrap();
    assert_eq!(mpeg1.figures().because, None);
    wait_until("it fails", || mpeg1.figures().failed > 0).await;
    assert_eq!(mpeg1.figures().because.as_deref(), Some("the encoder has ended"));
    drop(viewing);
    wait_until("it rests", || !mpeg1.figures().running).await;
    assert_eq!(mpeg1.figures().because, None, "whoever looks next has not seen it fail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_which_nothing_can_be_encoded_is_put_to_rest_when_nobody_looks() {
    let mpeg1 = mpeg1(Picture::Jpeg(Bytes::from_static(b"\xFF\xD8\xFF\xD9")), "/bin/true");
    let viewing = mpeg1.watch().unwrap();
    wait_until("pictures come", || mpeg1.figures().broken > 0).await;
    wait_until("it is said why there are none", || {
        mpeg1.figures().because.is_some_and(|because| because.starts_with("what comes is no JPEG that can be shown: "))
    })
    .await;
    drop(viewing);
    wait_until("it rests", || !mpeg1.figures().running).await;
}
