//! Somebody who receives, and drops nothing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use segment::socket::ReceiveSocket;
use segment::{Frame, Reassembler};

/// Nothing that is waited for takes so long, even where a compiler has the machine to itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing must come before it counts as nothing more.
const SILENCE: Duration = Duration::from_millis(200);

/// Puts together what comes, on a thread of its own, so that the kernel never has to keep much.
pub(crate) struct Receiver {
    address: SocketAddr,
    frames: mpsc::Receiver<Frame>,
    largest: Arc<Mutex<usize>>,
    datagrams: Arc<AtomicU64>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        let mut socket = ReceiveSocket::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let (out, frames) = mpsc::channel();
        let mut receiver = Self {
            address: socket.local_addr().unwrap(),
            frames,
            largest: Arc::default(),
            datagrams: Arc::default(),
            end: Arc::default(),
            thread: None,
        };
        let (largest, datagrams) = (Arc::clone(&receiver.largest), Arc::clone(&receiver.datagrams));
        let end = Arc::clone(&receiver.end);
        receiver.thread = Some(std::thread::spawn(move || {
            let mut reassembler = Reassembler::new();
            while !end.load(Ordering::Relaxed) {
                let Some(received) = socket.recv(Duration::from_millis(20)).unwrap() else { continue };
                for datagram in received.datagrams() {
                    datagrams.fetch_add(1, Ordering::Relaxed);
                    let mut largest = largest.lock().unwrap();
                    *largest = datagram.len().max(*largest);
                    reassembler.push(Instant::now(), received.source, datagram).unwrap();
                }
                while let Some(frame) = reassembler.poll_frame() {
                    let _ = out.send(frame);
                }
            }
        }));
        receiver
    }

    /// As it is written after `--remote`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The next frame. Fails where none comes.
    pub(crate) fn frame(&self) -> Frame {
        self.frames.recv_timeout(PATIENCE).expect("a frame comes")
    }

    /// So many frames, after which there must not be another.
    pub(crate) fn exactly(&self, count: usize) -> Vec<Frame> {
        let frames = (0..count).map(|_| self.frame()).collect();
        std::thread::sleep(SILENCE);
        assert_eq!(self.frames.try_recv().unwrap_err(), TryRecvError::Empty, "more than {count} frames came");
        frames
    }

    /// Datagrams that have come, and bytes of the largest.
    pub(crate) fn datagrams(&self) -> (u64, usize) {
        (self.datagrams.load(Ordering::Relaxed), *self.largest.lock().unwrap())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
