//! A certificate, and who may look, is changed while people look: nothing is started again.

use crate::scene::programs::are_there;
use crate::scene::{Gateway, PATIENCE, Viewer, certificate, credential, get, request_with, wait_until};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Has `link` lead to `target`, at one stroke, as certbot does.
fn lead(link: &Path, target: &str) {
    let beside = link.with_extension("new");
    symlink(target, &beside).unwrap();
    fs::rename(beside, link).unwrap();
}

/// Whether whoever connects now is shown the certificate of this file.
fn is_shown(address: SocketAddr, certificate: &str) -> bool {
    let ask = "import ssl, sys\n\
               shown = ssl.get_server_certificate((sys.argv[1], int(sys.argv[2])), timeout=30)\n\
               print(ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(open(sys.argv[3]).read()))\n";
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let asked = Command::new("python3").args(["-c", ask, &ip, &port, certificate]).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    asked.stdout == b"True\n"
}

/// Somebody who looks over https: says so once there is a picture, and after a line on its standard input takes as much
/// again as a hundred pictures have.
fn viewer(address: SocketAddr) -> Child {
    let look = "import ssl, sys, urllib.request\n\
                context = ssl._create_unverified_context()\n\
                stream = urllib.request.urlopen(sys.argv[1], context=context, timeout=30)\n\
                first = stream.read(20000)\n\
                assert b'\\xff\\xd8' in first\n\
                print('looks', flush=True)\n\
                sys.stdin.readline()\n\
                assert len(stream.read(5000000)) == 5000000\n";
    let url = format!("https://{address}/video/");
    let mut command = Command::new("python3");
    command.args(["-c", look, &url]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_renewed_certificate_is_shown_to_whoever_connects_and_nobody_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (certificate(directory.path(), "first"), certificate(directory.path(), "second"));
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    lead(&cert, &first.0);
    lead(&key, &first.1);
    let arguments = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let gateway = Gateway::start(&[&["-uri", "test", "--bind", "127.0.0.1:0"], &arguments[..]].concat(), 1);
    let address = gateway.addresses[0];
    assert!(is_shown(address, &first.0));
    let mut viewer = viewer(address);
    let mut said = String::new();
    BufReader::new(viewer.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "looks\n");

    lead(&cert, &second.0);
    let warning = gateway.wait_for_line("goes on with the certificate of before");
    assert!(warning.contains("key.pem is not that of the certificate in "), "{warning}");
    assert!(is_shown(address, &first.0));
    lead(&key, &second.1);
    gateway.wait_for_line("the certificate was renewed");
    wait_until("the new one is shown", || is_shown(address, &second.0));
    viewer.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(viewer.wait().unwrap().success(), "who looked goes on looking");

    fs::write(directory.path().join("nothing"), "").unwrap();
    lead(&cert, "nothing");
    gateway.wait_for_line("there is no certificate in ");
    assert!(is_shown(address, &second.0));
}

/// Somebody who looks over a WebSocket; what comes is everything that is sent.
fn socket(address: SocketAddr, path: &str) -> BufReader<TcpStream> {
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut socket = BufReader::new(request_with(address, path, "Upgrade", upgrade));
    let mut line = String::new();
    socket.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 101"), "{line}");
    socket
}

#[test]
fn a_token_that_was_taken_out_of_the_file_ends_what_it_shows_and_one_that_was_added_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access");
    let line = |token: &str| credential(&[], token);
    let (stays, goes, comes) = (line("stays"), line("goes"), line("comes"));
    fs::write(&file, stays.clone() + &goes).unwrap();
    let access = ["--access", file.to_str().unwrap()];
    let gateway = Gateway::start(&[&["-uri", "test", "--bind", "127.0.0.1:0"], &access[..]].concat(), 1);
    let address = gateway.addresses[0];
    let status = |token: &str| get(address, &format!("/snapshot?token={token}"), "").0;
    assert_eq!([status("stays"), status("goes"), status("comes")], [200, 200, 401]);
    let (mut remaining, mut ended) =
        (Viewer::of(address, "/video/?token=stays"), Viewer::of(address, "/video/?token=goes"));
    remaining.next().unwrap();
    ended.next().unwrap();
    let mut sockets = vec![socket(address, "/jpeg/?token=goes")];
    if are_there(&["ffmpeg"]) {
        sockets.push(socket(address, "/ws/?token=goes"));
    }

    let beside = file.with_extension("new");
    fs::write(&beside, stays.clone() + &comes).unwrap();
    fs::rename(&beside, &file).unwrap();
    gateway.wait_for_line("the file of --access has changed");
    assert_eq!([status("stays"), status("goes"), status("comes")], [200, 401, 200]);
    while ended.next().is_some() {}
    for mut socket in sockets {
        let (deadline, mut piece) = (Instant::now() + PATIENCE, [0; 65536]);
        while socket.read(&mut piece).unwrap() > 0 {
            assert!(Instant::now() < deadline, "it goes on");
        }
    }
    for _ in 0..10 {
        remaining.next().expect("who may look goes on looking");
    }

    fs::write(&file, "ann").unwrap();
    let warning = gateway.wait_for_line("whom it named before is let in");
    assert!(warning.contains("access: line 1 is no credential"), "{warning}");
    assert_eq!([status("stays"), status("goes"), status("comes")], [200, 401, 200]);
}
