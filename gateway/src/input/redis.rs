//! Pictures that somebody publishes on a channel of a Redis server.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use redis::aio::PubSub;
use redis::{Client, ConnectionAddr, ErrorKind, RedisError};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{End, Input, InputError, Outlet};
use crate::redis_frame::{self, FrameError};

mod bounded;

use bounded::{Bounded, Refused};

/// How long connecting may take, and an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// After so long without a picture the server is asked whether it is still there: a cable that was pulled says nothing.
const SILENCE: Duration = Duration::from_secs(5);

/// Of messages that came at once, so many are kept until one of them is a picture, newest first: pictures may be large.
const KEPT: usize = 4;

/// Subscribes to a channel.
#[derive(Debug)]
pub struct RedisInput {
    url: String,
    channel: String,
    /// Whether a message was no picture, and that was said.
    has_complained: bool,
}

/// Why no pictures come from Redis.
#[derive(Debug, thiserror::Error)]
enum RedisInputError {
    #[error("redis: {0}")]
    Redis(#[from] RedisError),
    #[error("redis: the server does not answer")]
    Silent,
    #[error("redis: the server has closed the connection")]
    Closed,
    #[error("redis: {0}")]
    Refused(#[from] Refused),
}

impl RedisInput {
    /// What is published on `channel` at `url`: `redis://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER]`.
    #[must_use]
    pub fn new(url: impl Into<String>, channel: impl Into<String>) -> Self {
        Self { url: url.into(), channel: channel.into(), has_complained: false }
    }

    async fn play(&mut self, outlet: &Outlet) -> Result<End, RedisInputError> {
        let refused = Arc::default();
        let end = self.subscribe(outlet, &refused).await;
        match refused.get() {
            Some(refused) => Err((*refused).into()),
            None => end,
        }
    }

    async fn subscribe(&mut self, outlet: &Outlet, refused: &Arc<OnceLock<Refused>>) -> Result<End, RedisInputError> {
        let client = Client::open(self.url.as_str())?;
        let connecting = connect(&client, Arc::clone(refused));
        let connection = timeout(PATIENCE, connecting).await.map_err(|_| RedisInputError::Silent)??;
        let (mut sink, mut messages) = connection.split();
        timeout(PATIENCE, sink.subscribe(&self.channel)).await.map_err(|_| RedisInputError::Silent)??;
        // Whether what came since the last picture was none.
        let mut is_broken = false;
        loop {
            outlet.check_silence(is_broken);
            let message = match timeout(SILENCE, messages.next()).await {
                Ok(Some(message)) => message,
                Ok(None) => return Err(RedisInputError::Closed),
                Err(_) => {
                    timeout(PATIENCE, sink.ping::<redis::Value>()).await.map_err(|_| RedisInputError::Silent)??;
                    continue;
                }
            };
            // Those that came meanwhile are newer. They are taken off here, so that they do not pile up.
            let mut newest = VecDeque::from([message]);
            while let Some(Some(newer)) = messages.next().now_or_never() {
                newest.push_back(newer);
                if newest.len() > KEPT {
                    newest.pop_front();
                    outlet.lost(1);
                }
            }
            is_broken = true;
            while let Some(message) = newest.pop_back() {
                if self.show(message.get_payload_bytes(), outlet) {
                    is_broken = false;
                    break;
                }
            }
            outlet.lost(newest.len() as u64);
        }
    }

    /// Shows a message, if it is a picture.
    fn show(&mut self, payload: &[u8], outlet: &Outlet) -> bool {
        match redis_frame::read(payload, SystemTime::now()) {
            Ok((picture, captured_at)) => {
                outlet.put_published(picture, captured_at, Bytes::copy_from_slice(payload));
                true
            }
            Err(error) => {
                self.complain(&error, outlet);
                false
            }
        }
    }

    fn complain(&mut self, error: &FrameError, outlet: &Outlet) {
        outlet.broken(1);
        if std::mem::replace(&mut self.has_complained, true) {
            tracing::debug!(channel = self.channel, %error, "a message is left out");
        } else {
            tracing::warn!(
                "{}: what came on {:?} is left out, and further messages like it are only counted: {error}",
                outlet.name(),
                self.channel
            );
        }
    }
}

/// As the library connects, with a bound on what it keeps.
async fn connect(client: &Client, refused: Arc<OnceLock<Refused>>) -> Result<PubSub, RedisError> {
    let place = client.get_connection_info();
    let ConnectionAddr::Tcp(host, port) = place.addr() else {
        return Err((ErrorKind::InvalidClientConfig, "the address is to begin with redis://").into());
    };
    let stream = TcpStream::connect((host.as_str(), *port)).await?;
    PubSub::new(place.redis_settings(), Bounded::new(stream, refused)).await
}

impl Input for RedisInput {
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError> {
        outlet.runtime().block_on(async {
            tokio::select! {
                end = self.play(outlet) => Ok(end?),
                () = outlet.unwanted() => Ok(End::Unwanted),
            }
        })
    }
}

#[cfg(test)]
mod tests;
