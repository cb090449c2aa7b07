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
}

impl Proxy {
    pub(crate) fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Connections::default();
        let seen = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || pass_on(client, to, &seen));
            }
        });
        Self { address, connections }
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

fn pass_on(client: TcpStream, to: SocketAddr, seen: &Connections) {
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
