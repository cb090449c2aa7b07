//! Started as the beamline software does, seen by clients as old as it.

use crate::scene::{Gateway, PATIENCE, Viewer, get, run_peer};

/// But for the port, which the system is to choose.
fn as_the_beamline_does() -> Gateway {
    let line = "-uri test -hs localhost -p 0 -q 4 -s 600,400 -of MPEG1 -id abc123";
    Gateway::start(&line.split(' ').collect::<Vec<_>>(), 1)
}

#[test]
fn a_client_that_searches_for_the_boundary_gets_each_picture_whole() {
    let gateway = as_the_beamline_does();
    let port = gateway.port().to_string();
    for path in ["/video/abc123", "/video/", "/stream", "/?action=stream"] {
        let sizes = run_peer("boundary_client.py", &[&port, path, "5"]);
        assert_eq!(sizes.lines().collect::<Vec<_>>(), ["600x400"; 5], "{path}");
    }
}

#[test]
fn a_client_that_looks_for_the_markers_of_jpeg_sees_nothing_else() {
    let gateway = as_the_beamline_does();
    let lengths = run_peer("marker_client.py", &[&gateway.port().to_string(), "/video/abc123", "10"]);
    assert_eq!(lengths.lines().count(), 10);
    assert!(lengths.lines().all(|len| len.parse::<usize>().unwrap() > 5_000), "{lengths}");
}

#[test]
fn each_message_of_the_websocket_is_one_picture() {
    let gateway = as_the_beamline_does();
    for path in ["/jpeg/abc123", "/jpeg/?quality=30"] {
        let lengths = run_peer("jpeg_socket_client.py", &[&gateway.port().to_string(), path, "5"]);
        assert_eq!(lengths.lines().count(), 5);
    }
}

#[test]
fn other_programs_find_their_spellings_of_a_snapshot() {
    let gateway = as_the_beamline_does();
    for path in ["/snapshot", "/snapshot/abc123", "/?action=snapshot"] {
        let (status, jpeg) = gateway.get(path);
        assert_eq!(
            (status, &jpeg[..2], &jpeg[jpeg.len() - 2..]),
            (200, &[0xFF, 0xD8][..], &[0xFF, 0xD9][..]),
            "{path}"
        );
    }
}

#[test]
fn each_viewer_gets_the_size_quality_and_rate_that_it_asks_for() {
    let gateway = as_the_beamline_does();
    let address = gateway.addresses[0];
    let picture = |query: &str| Viewer::of(address, &format!("/video/abc123{query}")).next().unwrap();
    let size = |jpeg: &[u8]| media::codec::Decoder::header(jpeg).unwrap();
    assert_eq!(size(&picture("?size=320x200")), (320, 200));
    assert!(picture("?quality=10").len() < picture("?quality=90").len() / 2);
    for query in ["?fps=0", "?size=1", "?quality=x", "?fps=nan"] {
        let (status, body) = get(address, &format!("/video/abc123{query}"), "");
        assert_eq!(status, 400, "{query}");
        assert!(String::from_utf8(body).unwrap().contains("?"), "says what to write");
    }
    assert_eq!(gateway.get("/video/another").0, 404);
    // Ten frames at five a second take about two seconds, and thirty a second would take a third of one.
    let begin = std::time::Instant::now();
    let mut slow = Viewer::of(address, "/video/abc123?fps=5");
    for _ in 0..10 {
        slow.next().unwrap();
    }
    assert!(begin.elapsed() > std::time::Duration::from_secs(1));
}

#[test]
fn it_ends_promptly_while_somebody_looks_and_tells_them() {
    let gateway = as_the_beamline_does();
    let mut viewer = Viewer::of(gateway.addresses[0], "/video/");
    viewer.next().unwrap();
    let reader = std::thread::spawn(move || while viewer.next().is_some() {});
    let (took, status) = gateway.end();
    assert_eq!(status, Some(0));
    assert!(took < PATIENCE / 3, "{took:?}");
    reader.join().unwrap();
}
