//! Connections: one task each, which reads requests and writes what the router answers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use segment::socket::MAX_UNSENT_BYTES;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::http::{Carried, Peer, Place};
use crate::tls::too_slow;

mod answer;
mod refusals;

use answer::Answer;
use refusals::Refusals;

/// The most bytes of a request's head, and about the most that waits in memory for a connection beyond the frame that
/// is being written: hyper asks for more of an answer only while less than this is waiting.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How long a client may take for the head of a request, and be silent between two.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long the network may take nothing of what was sent before the viewer counts as gone (TCP_USER_TIMEOUT in
/// tcp(7)). A viewer that reads nothing holds a frame and its socket's buffer for so long.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

/// So often a viewer to whom nothing is sent is asked whether he is still there (TCP_KEEPIDLE and TCP_KEEPINTVL in
/// tcp(7)): one who vanished without a word is found out as soon as one to whom something is sent.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

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
            tracing::error!("{} is served no more; this is a fault of this program: {error}", self.local_addr);
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
    let places = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    // Whether that was said.
    let mut is_full = false;
    let mut refusals = Refusals::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let (connection, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if let Some(line) = refusals.line(&error, Instant::now()) {
                    tracing::warn!("{line}");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            if !std::mem::replace(&mut is_full, true) {
                tracing::warn!(
                    "there are {max_connections} connections, which is as many as may be; others are closed at once \
                     (--max-viewers allows more)"
                );
            }
            continue;
        };
        let place: Place = Arc::new(place);
        // Said again only when there was room: one who comes and goes is not to fill anybody's log.
        is_full &= places.available_permits() <= max_connections / 10;
        if let Err(error) = set_up(&connection) {
            tracing::debug!(%peer, %error, "a connection keeps the system's settings");
        }
        let (router, tls, mut stopped) = (router.clone(), tls.clone(), stopped.clone());
        connections.spawn(async move {
            match tls {
                None => serve(connection, peer, place, router, stopped).await,
                Some(tls) => {
                    let secured = tokio::select! {
                        secured = tokio::time::timeout(HEAD_PATIENCE, tls.accept(connection)) => secured,
                        _ = stopped.wait_for(|stopped| *stopped) => return,
                    };
                    match secured.unwrap_or_else(|_| Err(too_slow())) {
                        Ok(connection) => serve(connection, peer, place, router, stopped).await,
                        Err(error) => tracing::debug!(%peer, %error, "no TLS"),
                    }
                }
            }
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
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_INTERVAL).with_interval(KEEPALIVE_INTERVAL))
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    place: Place,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        // A WebSocket goes on when what is served here has ended.
        request.extensions_mut().insert(Arc::clone(&place));
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
    let Some(multipart) = multipart else { return response.map(Answer::Plain) };
    // Of the empty body that axum knows of; HEAD is answered with the headers of GET (RFC 9110 section 9.3.2).
    response.headers_mut().remove(CONTENT_LENGTH);
    if is_head { response.map(Answer::Plain) } else { response.map(|_| Answer::Multipart(multipart)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::router;
    use crate::input::{End, Input, InputError, Outlet};
    use crate::site::{Site, SiteSettings};
    use crate::stream::{Stream, StreamSettings};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// How long a test waits for what must come.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Brings no pictures.
    struct Nothing;

    impl Input for Nothing {
        fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
            while outlet.is_wanted() {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(End::Unwanted)
        }
    }

    /// The connection, and the beginning of the answer; nothing where it was closed at once.
    async fn ask(address: SocketAddr, path: &str, headers: &str) -> (TcpStream, String) {
        ask_with(address, "GET", path, headers).await
    }

    async fn ask_with(address: SocketAddr, method: &str, path: &str, headers: &str) -> (TcpStream, String) {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
        let _ = connection.write_all(request.as_bytes()).await;
        let mut head = vec![0; 1000];
        let len = connection.read(&mut head).await.unwrap_or(0);
        (connection, String::from_utf8_lossy(&head[..len]).into_owned())
    }

    #[tokio::test]
    async fn a_viewer_to_whom_nothing_is_sent_is_looked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connection = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        set_up(&connection).unwrap();
        let socket = SockRef::from(&connection);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_INTERVAL);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE_INTERVAL);
    }

    #[tokio::test]
    async fn a_websocket_keeps_its_place_among_the_connections() {
        let stream = Arc::new(Stream::new(StreamSettings::new("a", "nothing"), Box::new(Nothing)));
        let site = Arc::new(Site::new(vec![stream], SiteSettings::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = Serving::start(listener, router(site, None), 1, None).unwrap();
        let address = serving.local_addr();
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let (viewer, answer) = ask(address, "/jpeg/", upgrade).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        // By then what answered has ended.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(ask(address, "/healthz", "").await.1, "", "there is room for one");
        drop(viewer);
        let again = async {
            while !ask(address, "/healthz", "").await.1.starts_with("HTTP/1.1 ") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, again).await.expect("there is room when it has gone");
    }

    #[tokio::test]
    async fn head_is_answered_with_the_headers_that_get_has() {
        let stream = Arc::new(Stream::new(StreamSettings::new("a", "nothing"), Box::new(Nothing)));
        let site = Arc::new(Site::new(vec![stream], SiteSettings::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = Serving::start(listener, router(site, None), 10, None).unwrap();
        let names = |head: &str| {
            let names = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            names.map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>()
        };
        for path in ["/video/a", "/healthz"] {
            let [head, get] = ["HEAD", "GET"].map(|method| ask_with(serving.local_addr(), method, path, ""));
            let (head, get) = (head.await.1, get.await.1);
            assert!(head.starts_with("HTTP/1.") && head.ends_with("\r\n\r\n"), "{head}");
            assert_eq!(names(&head), names(&get), "{path}");
        }
    }

    #[tokio::test]
    async fn any_number_of_connections_can_be_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = Serving::start(listener, Router::new(), usize::MAX, None).unwrap();
        assert!(ask(serving.local_addr(), "/", "").await.1.starts_with("HTTP/1.1 404"));
    }
}
