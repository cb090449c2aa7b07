//! Publishes a stream on a channel of a Redis server, for programs, and for other gateways that share its viewers.
//!
//! The newest picture each: a slow server gets fewer pictures, and holds up nobody. While it is away pictures pass by,
//! and publishing goes on when it is back.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use terminal::HostPort;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::frame::Frame;
use crate::redis_frame::{WriteError, Writer};
use crate::stream::{Stream, Want, Watching};

/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// How long a picture may be on its way to the server. One of 4K takes a tenth of a second at a gigabit.
const SEND_PATIENCE: Duration = Duration::from_secs(5);

/// The pause before a server that is away is tried again; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause: a server that is back gets pictures within two seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is published of each picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum PublishFormat {
    /// Its pixels: red, green, blue, a byte each.
    #[default]
    Raw,
    /// The JPEG: a twentieth of the bytes, and nothing to decode.
    Jpeg,
}

/// A stream that is being published, until this is dropped.
#[derive(Debug)]
pub struct Publishing {
    task: JoinHandle<()>,
}

/// Why a picture was not published.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("cannot reach it: {0}")]
    Connect(RedisError),
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("it does not answer")]
    Silent,
}

impl Publishing {
    /// Publishes `stream` on `channel` of `server`. To be called within a tokio runtime. The stream counts as looked
    /// at.
    #[must_use]
    pub fn start(stream: &Stream, server: HostPort, channel: String, format: PublishFormat) -> Self {
        let want = match format {
            PublishFormat::Raw => Want::Picture,
            PublishFormat::Jpeg => Want::Jpeg,
        };
        let link = Link { server, channel, connection: None, is_away: false, pause: FIRST_PAUSE, next: Instant::now() };
        let task = tokio::spawn(publish(stream.watch(want), link, format, stream.name()));
        Self { task }
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn publish(mut watching: Watching, mut link: Link, format: PublishFormat, name: String) {
    let mut writer = None;
    let mut number = 0;
    while let Some(frame) = watching.next().await {
        if !link.is_due() {
            continue;
        }
        // Decoding takes milliseconds, in which others are to be served.
        let work = move || {
            let message = message(&mut writer, &frame, format, number);
            (message, writer)
        };
        let (message, kept) = match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => {
                tracing::error!("{name} is published no more, by a fault of this program: {error}");
                return;
            }
        };
        writer = kept;
        match message {
            Ok(message) => {
                if link.send(message).await {
                    number += 1;
                }
            }
            Err(error) => tracing::debug!(name, %error, "a picture is not published"),
        }
    }
}

fn message(
    writer: &mut Option<Writer>,
    frame: &Frame,
    format: PublishFormat,
    number: u64,
) -> Result<Vec<u8>, WriteError> {
    // From Redis to Redis: as it came.
    if let Some(published) = frame.published() {
        return Ok(published.to_vec());
    }
    let writer = match writer {
        Some(writer) => writer,
        None => writer.insert(Writer::new()?),
    };
    match (format, frame.jpeg()) {
        (PublishFormat::Jpeg, Some(jpeg)) => writer.jpeg(jpeg, frame.captured_at, number),
        _ => {
            let picture = frame.picture().unwrap_or_else(|| media::Picture::Jpeg(bytes::Bytes::new()));
            writer.raw(&picture, frame.captured_at, number)
        }
    }
}

/// The way to the server.
#[derive(Debug)]
struct Link {
    server: HostPort,
    channel: String,
    connection: Option<MultiplexedConnection>,
    /// Whether it is away, and that was said.
    is_away: bool,
    pause: Duration,
    next: Instant,
}

impl Link {
    /// Whether it is time for a picture: not while the server is away and was just tried.
    fn is_due(&self) -> bool {
        self.connection.is_some() || Instant::now() >= self.next
    }

    /// Whether it was published.
    async fn send(&mut self, message: Vec<u8>) -> bool {
        match self.try_send(message).await {
            Ok(()) => {
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("redis is back: {} gets pictures on {:?} again", self.server, self.channel);
                }
                self.pause = FIRST_PAUSE;
                true
            }
            Err(error) => {
                self.connection = None;
                self.next = Instant::now() + self.pause;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                if std::mem::replace(&mut self.is_away, true) {
                    tracing::debug!(server = %self.server, %error, "redis is still away");
                } else {
                    tracing::warn!(
                        "redis is away: {} gets nothing on {:?} until it is back, and viewers notice nothing: {error}",
                        self.server,
                        self.channel
                    );
                }
                false
            }
        }
    }

    async fn try_send(&mut self, message: Vec<u8>) -> Result<(), PublishError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(connect(&self.server).await?),
        };
        let mut command = redis::cmd("PUBLISH");
        command.arg(&self.channel).arg(message);
        let published = timeout(SEND_PATIENCE, command.query_async::<u64>(connection)).await;
        published.map_err(|_| PublishError::Silent)??;
        Ok(())
    }
}

async fn connect(server: &HostPort) -> Result<MultiplexedConnection, PublishError> {
    let client = Client::open((server.host(), server.port())).map_err(PublishError::Connect)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_PATIENCE))
        .set_response_timeout(Some(SEND_PATIENCE));
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(PublishError::Connect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_away_for_long_is_tried_every_second_at_least() {
        // Nobody listens there any more.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = HostPort::with_default_port("127.0.0.1", port).unwrap();
        let mut link = Link {
            server,
            channel: "a".into(),
            connection: None,
            is_away: false,
            pause: FIRST_PAUSE,
            next: Instant::now(),
        };
        for _ in 0..10 {
            assert!(!link.send(Vec::new()).await);
            assert!(link.next <= Instant::now() + Duration::from_secs(1));
        }
        assert!(!link.is_due());
    }
}
