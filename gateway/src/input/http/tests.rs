use super::error::MAX_QUOTED;
use super::*;
use crate::stream::{Shared, StreamSettings};
use std::io::{Read, Write};
use std::sync::Arc;
use tokio::runtime::Handle;

#[tokio::test]
async fn broken_pictures_and_those_that_a_newer_one_replaces_are_counted() {
    let image = media::Image::zeroed(16, 16, media::PixelFormat::Bgr).unwrap();
    let jpeg = media::codec::Encoder::new().unwrap().encode(&image, 80).unwrap();
    let shared = Arc::new(Shared::new(&StreamSettings::new("a", "camera"), false));
    let outlet = Outlet::new(Arc::clone(&shared), Handle::current());
    let (newest, arrived) = mailbox();
    // The last one is cut short.
    let stream = [&jpeg[..], &[0xFF, 0xD8, 0, 0], &jpeg[..], &jpeg[..100]].concat();
    let response = Response::from(axum::http::Response::new(stream));
    let mut frames = 0;
    read(response, &outlet, &newest, PATIENCE, &mut frames).await.unwrap();
    assert_eq!(frames, 2);
    assert_eq!((shared.figures().broken, shared.figures().lost), (2, 1));
    drop(newest);
    show(&arrived, &outlet);
    assert_eq!(shared.frames(), 1);
}

#[test]
fn a_password_in_the_address_is_taken_out_of_it() {
    let input = HttpInput::new("http://ann:p%40ss%zz@camera/a?b=1".parse().unwrap(), None);
    let credentials = input.camera.credentials.unwrap();
    assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("ann", "p@ss%zz"));
    assert_eq!(input.camera.url.as_str(), "http://camera/a?b=1");
    assert!(!format!("{credentials:?}").contains("p@ss"));
}

#[test]
fn a_password_in_the_address_comes_before_one_that_is_for_all() {
    let basic = || Some(Credentials { scheme: Scheme::Basic, ..ann().unwrap() });
    let of = |url: &str| HttpInput::new(url.parse().unwrap(), basic()).camera.credentials.unwrap();
    let (own, common) = (of("http://bob:hers@camera/"), of("http://camera/"));
    assert_eq!((own.user.as_str(), own.password.as_str(), own.scheme), ("bob", "hers", Scheme::Basic));
    assert_eq!((common.user.as_str(), common.password.as_str()), ("ann", "secret"));
}

/// A camera that answers each request with this head; where it is.
fn camera(head: String) -> Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes());
        }
    });
    url
}

#[tokio::test]
async fn a_camera_whose_first_picture_takes_longer_than_it_is_waited_for_is_waited_for_longer_each_time() {
    let image = media::Image::zeroed(16, 16, media::PixelFormat::Bgr).unwrap();
    let jpeg = media::codec::Encoder::new().unwrap().encode(&image, 80).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, jpeg) = (connection.unwrap(), jpeg.clone());
            thread::spawn(move || {
                let _ = connection.read(&mut [0; 4096]);
                let _ = connection.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n");
                thread::sleep(Duration::from_millis(200));
                let _ = connection.write_all(&jpeg);
            });
        }
    });
    let shared = Arc::new(Shared::new(&StreamSettings::new("a", "camera"), false));
    let outlet = Outlet::new(shared, Handle::current());
    let (newest, arrived) = mailbox();
    let mut input = HttpInput { patience: Duration::from_millis(50), ..HttpInput::new(url, None) };
    for _ in 0..20 {
        if !matches!(input.play(&outlet, &newest).await, Err(HttpError::Silent(_))) {
            break;
        }
    }
    assert!(matches!(arrived.take(Duration::ZERO), Taken::Value(_)), "{:?}", input.patience);
    // And no longer than a minute.
    assert!(input.patience > Duration::from_millis(50) && input.patience <= LONGEST_PATIENCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_brings_no_picture_though_something_comes_is_away() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let _ = connection.read(&mut [0; 4096]);
        let mut sent = connection.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n");
        while sent.is_ok() {
            thread::sleep(Duration::from_millis(100));
            sent = connection.write_all(b"--part\r\nContent-Type: image/png\r\n\r\n\x89PNG");
        }
    });
    let shared = Arc::new(Shared::new(&StreamSettings::new("a", "camera"), false));
    shared.begin();
    let outlet = Outlet::new(Arc::clone(&shared), Handle::current());
    let (newest, _arrived) = mailbox();
    let mut input = HttpInput::new(url, None);
    let is_told = async {
        while !shared.is_lost() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        end = input.play(&outlet, &newest) => panic!("{end:?}"),
        () = is_told => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("nobody is told"),
    }
}

#[tokio::test]
async fn what_a_camera_says_of_itself_is_quoted_in_short_and_in_letters() {
    let outlet = Outlet::new(Arc::new(Shared::new(&StreamSettings::new("a", "camera"), false)), Handle::current());
    // What turns the direction of the text (U+202E) and what begins sequences of terminals (U+009B), and very much.
    let much = format!("text/\u{202e}\u{9b}31m{}", "x".repeat(10_000));
    for (head, begins) in [
        (format!("HTTP/1.1 200 OK\r\nContent-Type: {much}\r\n"), r#"it sends "text/\u{202e}\u{9b}31mxxx"#),
        (format!("HTTP/1.1 401 No\r\nWWW-Authenticate: {much}\r\n"), "it wants a password in a way that"),
        (
            format!("HTTP/1.1 401 No\r\nWWW-Authenticate: {}\r\n", "x\"y,=".repeat(2_000)),
            "it wants a password in a way that",
        ),
        (
            format!("HTTP/1.1 401 No\r\nWWW-Authenticate: {} a=b\r\n", "x".repeat(10_000)),
            "it wants a password in a way that",
        ),
    ] {
        let credentials = Credentials { user: "ann".to_owned(), password: "secret".to_owned(), scheme: Scheme::Asked };
        let (newest, _arrived) = mailbox();
        let said =
            HttpInput::new(camera(head), Some(credentials)).play(&outlet, &newest).await.unwrap_err().to_string();
        assert!(said.starts_with(begins), "{said}");
        assert!(said.chars().count() < 220 && !said.contains(['\u{202e}', '\u{9b}']), "{said}");
    }
}

#[test]
fn what_is_short_is_quoted_as_it_is() {
    assert_eq!(quoted("text/html; größe=\"1\""), "text/html; größe=\"1\"");
    assert_eq!(quoted(&"ä".repeat(MAX_QUOTED)), "ä".repeat(MAX_QUOTED));
    assert_eq!(quoted(&"ä".repeat(MAX_QUOTED + 1)), "ä".repeat(MAX_QUOTED) + "…");
}

/// A camera that answers what is asked for, in this request, by this. Where it is, and what it was asked.
fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> (Url, std::sync::mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/first", listener.local_addr().unwrap()).parse().unwrap();
    let (tell, asked) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, mut request) = (connection.unwrap(), [0; 4096]);
            let len = connection.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..len]).into_owned();
            let answer = answer(&request);
            // Whoever has the answer can look what was asked.
            let _ = tell.send(request);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    (url, asked)
}

fn ann() -> Option<Credentials> {
    Some(Credentials { user: "ann".to_owned(), password: "secret".to_owned(), scheme: Scheme::Asked })
}

const WANTS_DIGEST: &str = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=\"auth\"\r\n\
     Content-Length: 0\r\nConnection: close\r\n\r\n";

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn an_address_that_leads_to_another_is_answered_there_with_a_password() {
    let (url, _asked) = answering(|request| match request {
        first if first.starts_with("GET /first ") => moved("/second?a=1"),
        right if right.contains("uri=\"/second?a=1\"") => {
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
        }
        _ => WANTS_DIGEST.to_owned(),
    });
    let response = HttpInput::new(url, ann()).camera.request(PATIENCE).await.unwrap();
    assert_eq!(response.url().path(), "/second");
}

#[tokio::test]
async fn no_password_goes_to_another_host_or_port() {
    let (other, asked) = answering(|_| WANTS_DIGEST.to_owned());
    let place = other.origin().ascii_serialization();
    let there = other.to_string();
    // It knows of the password by then.
    let (url, _asked) = answering(move |request| match request {
        right if right.contains("uri=\"/first\"") => moved(&there.replace("http://", "http://bob:hers@")),
        _ => WANTS_DIGEST.to_owned(),
    });
    let said = HttpInput::new(url, ann()).camera.request(PATIENCE).await.unwrap_err().to_string();
    assert!(said.starts_with(&format!("it leads to {place}, which wants a user's name")), "{said}");
    let asked = asked.try_recv().unwrap().to_ascii_lowercase();
    assert!(!asked.contains("authorization"), "{asked}");
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_said_to() {
    for (to, begins) in [("/first", "it leads from one address to the next"), ("http://[", "it leads to \"http://[\"")]
    {
        let (url, _asked) = answering(move |_| moved(to));
        let said = HttpInput::new(url, None).camera.request(PATIENCE).await.unwrap_err().to_string();
        assert!(said.starts_with(begins), "{said}");
    }
}

#[tokio::test]
async fn a_camera_that_breaks_off_was_reached() {
    let outlet = Outlet::new(Arc::new(Shared::new(&StreamSettings::new("a", "camera"), false)), Handle::current());
    let (url, _asked) = answering(|_| {
        "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\nContent-Length: 1000\r\n\r\n--a".to_owned()
    });
    let (newest, _arrived) = mailbox();
    let said = HttpInput::new(url, None).play(&outlet, &newest).await.unwrap_err().to_string();
    assert!(said.starts_with("it broke off: "), "{said}");
}
