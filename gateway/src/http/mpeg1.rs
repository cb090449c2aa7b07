//! MPEG-1 over a WebSocket: each message is whole packets of a transport stream, from a picture that can be begun with.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::socket::{MAX_MESSAGE_BYTES, has_gone};
use super::{Grant, Peer, Place, Problem, no_such_stream, origin};
use crate::mpeg1::Viewing;
use crate::site::Site;
use crate::viewers::{Admission, ViewerKind};

pub(super) async fn default(
    site: State<Arc<Site>>,
    peer: Extension<Peer>,
    stay: (Extension<Place>, Grant),
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    by_id(site, Path(String::new()), peer, stay, headers, upgrade).await
}

pub(super) async fn by_id(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Extension(peer): Extension<Peer>,
    (Extension(place), grant): (Extension<Place>, Grant),
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    origin::check(&site, &headers)?;
    let (stream, mpeg1) = site.mpeg1(&id).ok_or_else(no_such_stream)?;
    let unavailable = |error: &dyn std::error::Error| Problem::unavailable(error.to_string());
    let admission = site.admit(stream, peer.0.ip(), ViewerKind::Mpeg1).map_err(|error| unavailable(&error))?;
    let viewing = mpeg1.watch().map_err(|error| unavailable(&error))?;
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        show(socket, viewing, admission, grant).await;
        drop(place);
    }))
}

async fn show(mut socket: WebSocket, mut viewing: Viewing, admission: Admission, mut grant: Grant) {
    loop {
        let batch = tokio::select! {
            batch = viewing.next() => batch,
            () = grant.withdrawn() => break,
            // What it says is read and left: nothing from outside gets into the stream.
            said = socket.recv() => {
                if has_gone(&mut socket, said).await {
                    return;
                }
                continue;
            }
        };
        let Some(batch) = batch else { break };
        if socket.send(Message::Binary(batch.packets)).await.is_err() {
            return;
        }
        admission.delivered_all(batch.pictures, batch.captured_at, viewing.skipped());
    }
    // The stream is over, or the viewer is let in no more; whether the client hears of it is its own affair.
    let _ = socket.send(Message::Close(None)).await;
}
