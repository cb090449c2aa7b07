//! What stands between a browser and the gateway, and cuts connections off, or is slow.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The connections that there are, each with what was asked for on it last.
type Connections = Arc<Mutex<Vec<(String, TcpStream)>>>;

/// Passes on what comes. Its threads end with their connections.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Connections,
    refusal: Arc<Mutex<Refusal>>,
    slowness: Arc<Mutex<Slowness>>,
}

/// What is not passed on.
#[derive(Default)]
struct Refusal {
    request: Option<String>,
    count: usize,
}

/// What is passed on slowly.
#[derive(Default)]
struct Slowness {
    /// What was asked for, and bytes a second of the answer.
    request: Option<(String, usize)>,
    /// The newest connection over which that was passed on, and its bytes so far.
    newest: Option<SocketAddr>,
    passed: usize,
}

/// Bytes that are passed on at a time.
const PIECE: usize = 1024;

impl Proxy {
    pub(crate) fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Connections::default();
        let refusal = Arc::new(Mutex::new(Refusal::default()));
        let slowness = Arc::new(Mutex::new(Slowness::default()));
        let (seen, refused, slow) = (Arc::clone(&connections), Arc::clone(&refusal), Arc::clone(&slowness));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (seen, refused, slow) = (Arc::clone(&seen), Arc::clone(&refused), Arc::clone(&slow));
                thread::spawn(move || pass_on(client, to, &seen, &refused, slow));
            }
        });
        Self { address, connections, refusal, slowness }
    }

    /// Passes on the answer to whoever asks for this at so many bytes a second.
    pub(crate) fn slow_down(&self, request: &str, bytes_per_s: usize) {
        self.slowness.lock().unwrap().request = Some((request.to_owned(), bytes_per_s));
    }

    /// Bytes of such an answer that have come over the newest connection.
    pub(crate) fn passed_on(&self) -> usize {
        self.slowness.lock().unwrap().passed
    }

    /// Cuts off whoever asks for this from now on, or nobody any more.
    pub(crate) fn refuse(&self, request: Option<&str>) {
        self.refusal.lock().unwrap().request = request.map(str::to_owned);
    }

    /// How often somebody was cut off for what he asked for.
    pub(crate) fn refused(&self) -> usize {
        self.refusal.lock().unwrap().count
    }

    /// Cuts off those on which this was asked for, and gives how many they were.
    pub(crate) fn cut(&self, request: &str) -> usize {
        let mut connections = self.connections.lock().unwrap();
        let before = connections.len();
        connections.retain(|(asked, client)| {
            let stays = !asked.starts_with(request);
            if !stays {
                let _ = client.shutdown(Shutdown::Both);
            }
            stays
        });
        before - connections.len()
    }
}

/// Passes on an answer, slowly where it is to be.
fn answer(mut from: TcpStream, mut to: TcpStream, seen: &Connections, slowness: &Mutex<Slowness>) {
    let (number, mut is_known, mut piece) = (to.peer_addr().ok(), false, [0; PIECE]);
    let asked = |request: &str| {
        let is_this = |other: &TcpStream| other.peer_addr().ok() == number;
        seen.lock().unwrap().iter().any(|(asked, other)| asked.starts_with(request) && is_this(other))
    };
    while let Ok(len @ 1..) = from.read(&mut piece) {
        let slow = slowness.lock().unwrap().request.clone().filter(|(request, _)| asked(request));
        if let Some((_, bytes_per_s)) = &slow {
            thread::sleep(Duration::from_secs_f64(len as f64 / *bytes_per_s as f64));
        }
        if to.write_all(&piece[..len]).is_err() {
            break;
        }
        if slow.is_some() {
            let mut slowness = slowness.lock().unwrap();
            if !std::mem::replace(&mut is_known, true) {
                (slowness.newest, slowness.passed) = (number, 0);
            }
            if slowness.newest == number {
                slowness.passed += len;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn pass_on(
    client: TcpStream,
    to: SocketAddr,
    seen: &Connections,
    refusal: &Mutex<Refusal>,
    slowness: Arc<Mutex<Slowness>>,
) {
    let server = TcpStream::connect(to).unwrap();
    let (mut from, back, answered) = (client.try_clone().unwrap(), server.try_clone().unwrap(), client);
    let number = from.peer_addr().unwrap();
    let asked = Arc::clone(seen);
    thread::spawn(move || answer(back, answered, &asked, &slowness));
    let (mut server, mut request) = (server, [0; 4096]);
    while let Ok(len @ 1..) = from.read(&mut request) {
        let asked = String::from_utf8_lossy(&request[..len]).into_owned();
        let mut refusal = refusal.lock().unwrap();
        if refusal.request.as_ref().is_some_and(|request| asked.starts_with(request)) {
            refusal.count += 1;
            break;
        }
        drop(refusal);
        let mut connections = seen.lock().unwrap();
        connections.retain(|(_, other)| other.peer_addr().is_ok_and(|other| other != number));
        connections.push((asked, from.try_clone().unwrap()));
        drop(connections);
        if server.write_all(&request[..len]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}
