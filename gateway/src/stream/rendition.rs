//! JPEGs of another size or quality, made once for all who want the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{Slot, Watching};
use crate::frame::Frame;
use crate::shape::{Shape, ShapeError, Shaper};

/// Renders frames of `source` until nobody takes them any more, then removes itself from `renditions`.
pub(super) async fn render(
    mut source: Watching,
    sender: watch::Sender<Slot>,
    shape: Shape,
    default_quality: u8,
    renditions: Arc<Mutex<HashMap<Shape, watch::Sender<Slot>>>>,
) {
    let mut shaper = Shaper::new(shape, default_quality);
    let mut left_out = 0;
    loop {
        let frame = tokio::select! {
            frame = source.next() => frame,
            () = sender.closed() => {
                let mut renditions = renditions.lock().unwrap_or_else(PoisonError::into_inner);
                // Under the lock: somebody may have come since.
                if sender.receiver_count() == 0 {
                    renditions.remove(&shape);
                    return;
                }
                continue;
            }
        };
        let Some(frame) = frame else { break };
        // Encoding takes milliseconds, which no other viewer is to wait for.
        let rendered = tokio::task::spawn_blocking(move || {
            let rendered = render_one(&mut shaper, &frame, frame.number - left_out);
            (shaper, rendered)
        });
        match rendered.await {
            Ok((back, rendered)) => {
                shaper = back;
                match rendered {
                    Ok(rendered) => {
                        sender.send_replace(rendered.map(Arc::new));
                    }
                    Err(error) => {
                        left_out += 1;
                        tracing::debug!(%error, "a picture is left out");
                    }
                }
            }
            Err(error) => {
                tracing::error!(
                    "a picture could not be made in another size or quality; this is a fault of this program: {error}"
                );
                break;
            }
        }
    }
    renditions.lock().unwrap_or_else(PoisonError::into_inner).remove(&shape);
}

fn render_one(shaper: &mut Shaper, frame: &Frame, number: u64) -> Result<Option<Frame>, ShapeError> {
    let Some(picture) = frame.picture() else { return Ok(None) };
    Ok(shaper.shape(picture, true)?.jpeg.map(|jpeg| frame.rendered(jpeg, number)))
}
