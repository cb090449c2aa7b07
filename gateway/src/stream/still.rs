//! The newest frame in another shape, for those to whom the next one takes too long to come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

use crate::frame::Frame;
use crate::shape::{Shape, Shaper};

/// How many are made at a time, of all streams: one of 8K UHD takes more than a hundred megabytes, and anybody who may
/// look can ask for it again and again.
const AT_A_TIME: usize = 2;

static PLACES: Semaphore = Semaphore::const_new(AT_A_TIME);

/// The newest frame of a slow source in one shape. It is made once for all who hold it, and forgotten with the last one
/// who does.
#[derive(Debug)]
pub(crate) struct Still {
    shape: Shape,
    default_quality: u8,
    made: Arc<tokio::sync::Mutex<Option<Made>>>,
}

/// What came of making it of the frame `of`.
#[derive(Debug)]
struct Made {
    of: Weak<Frame>,
    outcome: Result<Arc<Frame>, StillError>,
}

/// Why a picture is not to be had in a shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StillError(String);

impl Still {
    /// `newest` in the shape.
    ///
    /// # Errors
    /// [`StillError`] where it cannot be decoded, scaled or encoded.
    pub(crate) async fn of(&self, newest: Arc<Frame>) -> Result<Arc<Frame>, StillError> {
        // Both go into the thread: it works on where whoever waits for it has gone, and has its place as long as that.
        let mut made = Arc::clone(&self.made).lock_owned().await;
        if let Some(made) = made.as_ref().filter(|made| made.of.ptr_eq(&Arc::downgrade(&newest))) {
            return made.outcome.clone();
        }
        let place = PLACES.acquire().await.map_err(|error| StillError(error.to_string()))?;
        let shaper = Shaper::new(self.shape, self.default_quality);
        let making = tokio::task::spawn_blocking(move || {
            let outcome = make(shaper, &newest);
            *made = Some(Made { of: Arc::downgrade(&newest), outcome: outcome.clone() });
            drop(place);
            outcome
        });
        making.await.unwrap_or_else(|error| Err(StillError(format!("by a fault of this program: {error}"))))
    }
}

fn make(mut shaper: Shaper, newest: &Frame) -> Result<Arc<Frame>, StillError> {
    let missing = || StillError("there is no picture".to_owned());
    let picture = newest.picture().ok_or_else(missing)?;
    let jpeg = shaper.shape(picture, true).map_err(|error| StillError(error.to_string()))?.jpeg;
    Ok(Arc::new(newest.rendered(jpeg.ok_or_else(missing)?, newest.number)))
}

/// The stills of a stream that somebody holds.
#[derive(Debug, Default)]
pub(super) struct Stills(Mutex<HashMap<Shape, Weak<Still>>>);

impl Stills {
    /// That of `shape`.
    pub(super) fn still(&self, shape: Shape, default_quality: u8) -> Arc<Still> {
        let mut stills = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(still) = stills.get(&shape).and_then(Weak::upgrade) {
            return still;
        }
        stills.retain(|_, still| still.strong_count() > 0);
        let still = Arc::new(Still { shape, default_quality, made: Arc::default() });
        stills.insert(shape, Arc::downgrade(&still));
        still
    }
}
