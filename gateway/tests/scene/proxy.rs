//! What stands between a browser and the gateway, and cuts connections off.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The connections that there are, each with what was asked for on it last.
type Connections = Arc<Mutex<Vec<(String, TcpStream)>>>;

/// Passes on what comes. Its threads end with their connections.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Connections,
    refusal: Arc<Mutex<Refusal>>,
}

/// What is not passed on.
#[derive(Default)]
struct Refusal {
    request: Option<String>,
    count: usize,
}

impl Proxy {
    pub(crate) fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Connections::default();
        let refusal = Arc::new(Mutex::new(Refusal::default()));
        let (seen, refused) = (Arc::clone(&connections), Arc::clone(&refusal));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (seen, refused) = (Arc::clone(&seen), Arc::clone(&refused));
                thread::spawn(move || pass_on(client, to, &seen, &refused));
            }
        });
        Self { address, connections, refusal }
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

fn pass_on(client: TcpStream, to: SocketAddr, seen: &Connections, refusal: &Mutex<Refusal>) {
    let server = TcpStream::connect(to).unwrap();
    let (mut from, mut back, mut answered) = (client.try_clone().unwrap(), server.try_clone().unwrap(), client);
    thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut answered);
        let _ = answered.shutdown(Shutdown::Both);
    });
    let number = from.peer_addr().unwrap();
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
