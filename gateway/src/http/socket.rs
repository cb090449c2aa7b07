//! JPEGs over a WebSocket: each message one picture, the newest. The lowest delay that a page can have without anything
//! being encoded.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use futures_util::SinkExt;

use super::snapshot::timestamp;
use super::{Grant, Peer, PictureQuery, Place, Problem, find, origin};
use crate::rate::Thinning;
use crate::site::Site;
use crate::stream::Watching;
use crate::viewers::{Admission, ViewerKind};

/// The most bytes of a message that a client may send; nothing is expected of it.
pub(super) const MAX_MESSAGE_BYTES: usize = 4096;

pub(super) async fn default(
    site: State<Arc<Site>>,
    peer: Extension<Peer>,
    stay: (Extension<Place>, Grant),
    headers: HeaderMap,
    asked: PictureQuery,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    by_id(site, Path(String::new()), peer, stay, headers, asked, upgrade).await
}

pub(super) async fn by_id(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Extension(peer): Extension<Peer>,
    (Extension(place), grant): (Extension<Place>, Grant),
    headers: HeaderMap,
    asked: PictureQuery,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    origin::check(&site, &headers)?;
    let stream = find(&site, &id)?;
    let unavailable = |error: &dyn std::error::Error| Problem::unavailable(error.to_string());
    let admission = site.admit(stream, peer.0.ip(), ViewerKind::Jpeg).map_err(|error| unavailable(&error))?;
    let watching = stream.watch_shaped(asked.shape).map_err(|error| unavailable(&error))?;
    let thinning = asked.fps.map(Thinning::to);
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        show(socket, watching, admission, grant, thinning, asked.times).await;
        drop(place);
    }))
}

/// Whether the client has gone, by what it said last. A close is answered (RFC 6455 section 5.5.1).
pub(super) async fn has_gone(socket: &mut WebSocket, said: Option<Result<Message, axum::Error>>) -> bool {
    match said {
        Some(Ok(Message::Close(_))) => {
            // Whether it still hears of it is its own affair.
            let _ = socket.flush().await;
            true
        }
        Some(Err(_)) | None => true,
        Some(Ok(_)) => false,
    }
}

async fn show(
    mut socket: WebSocket,
    mut watching: Watching,
    admission: Admission,
    mut grant: Grant,
    mut thinning: Option<Thinning>,
    times: bool,
) {
    loop {
        let frame = tokio::select! {
            frame = watching.next() => frame,
            () = grant.withdrawn() => break,
            // What it says is read and left, so that pings are answered and a close is noticed.
            said = socket.recv() => {
                if has_gone(&mut socket, said).await {
                    return;
                }
                continue;
            }
        };
        let Some(frame) = frame else { break };
        if !thinning.as_mut().is_none_or(|thinning| thinning.keeps(std::time::Instant::now())) {
            continue;
        }
        let Some(jpeg) = frame.jpeg() else { continue };
        // Together they go out in one write.
        if times && socket.feed(Message::Text(timestamp(&frame).into())).await.is_err() {
            return;
        }
        if socket.send(Message::Binary(jpeg.clone())).await.is_err() {
            return;
        }
        admission.delivered(&frame, watching.replaced());
    }
    // The stream is over, or the viewer is let in no more; whether the client hears of it is its own affair.
    let _ = socket.send(Message::Close(None)).await;
}
