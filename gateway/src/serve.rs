//! Connections: one task each, which reads requests and writes what the router answers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::http::{Carried, Peer};
use crate::tls::too_slow;

mod answer;

use answer::Answer;

/// The most bytes of a request's head, and about the most that waits in memory for a connection beyond the frame that
/// is being written: hyper asks for more of an answer only while less than this is waiting.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How long a client may take for the head of a request, and be silent between two.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long the network may take nothing of what was sent before the viewer counts as gone (TCP_USER_TIMEOUT in
/// tcp(7)). A viewer that reads nothing holds a frame and its socket's buffer for so long.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

/// How much may wait in the kernel that has not been sent yet (TCP_NOTSENT_LOWAT in tcp(7)): what lies there is older
/// than the newest frame. The buffer itself may grow as the network needs it.
const MAX_UNSENT_BYTES: u32 = 128 * 1024;

/// How many connections there may be beyond the viewers: pages, snapshots, figures, and those that say nothing.
pub const EXTRA_CONNECTIONS: usize = 256;

/// Answers that have begun get so long to end when the program does.
const GRACE: Duration = Duration::from_millis(300);

/// The pause after the system has refused a connection, for want of file handles for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A site that is being served, until it is [stopped](Self::stop).
#[derive(Debug)]
pub struct Serving {
    local_addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Serving {
    /// Serves `router` to whoever connects to `listener`, at most `max_connections` at a time; with `tls` as https.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn start(
        listener: TcpListener,
        router: Router,
        max_connections: usize,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Self> {
        let local_addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, router, max_connections, tls, stopped));
        Ok(Self { local_addr, stop, task })
    }

    /// Where it listens, with the port that the system chose if it was to choose one.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Listens no more, and gives what has begun a moment to end.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "serving has failed; this is a fault of this program");
        }
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    tls: Option<TlsAcceptor>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let mut connections = JoinSet::new();
    let mut is_full = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let (connection, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was refused");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            if !std::mem::replace(&mut is_full, true) {
                tracing::warn!(max_connections, "there are as many connections as may be; others are closed at once");
            }
            continue;
        };
        is_full = false;
        if let Err(error) = set_up(&connection) {
            tracing::debug!(%peer, %error, "a connection keeps the system's settings");
        }
        let (router, tls, mut stopped) = (router.clone(), tls.clone(), stopped.clone());
        connections.spawn(async move {
            match tls {
                None => serve(connection, peer, router, stopped).await,
                Some(tls) => {
                    let secured = tokio::select! {
                        secured = tokio::time::timeout(HEAD_PATIENCE, tls.accept(connection)) => secured,
                        _ = stopped.wait_for(|stopped| *stopped) => return,
                    };
                    match secured.unwrap_or_else(|_| Err(too_slow())) {
                        Ok(connection) => serve(connection, peer, router, stopped).await,
                        Err(error) => tracing::debug!(%peer, %error, "no TLS"),
                    }
                }
            }
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn set_up(connection: &TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let socket = SockRef::from(connection);
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(Some(SEND_PATIENCE))?;
        socket.set_tcp_notsent_lowat(MAX_UNSENT_BYTES)?;
    }
    socket.set_keepalive(true)
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let mut router = router.clone();
        async move {
            let is_head = request.method() == Method::HEAD;
            let response = router.call(request.map(Body::new)).await?;
            Ok::<_, Infallible>(answer(response, is_head))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(MAX_HEAD_BYTES);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        // Without what it gives, which must not be held while others are waited for.
        () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke off");
    }
}

fn answer(mut response: Response<Body>, is_head: bool) -> Response<Answer> {
    let multipart = response.extensions_mut().remove::<Carried>().and_then(|carried| carried.take());
    match multipart {
        Some(multipart) if !is_head => {
            // Of the empty body that axum knows of.
            response.headers_mut().remove(CONTENT_LENGTH);
            response.map(|_| Answer::Multipart(multipart))
        }
        _ => response.map(Answer::Plain),
    }
}
