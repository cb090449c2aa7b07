//! JPEGs that a source hands out ready-made.

use bytes::Bytes;
use media::jpeg::{whole_len, with_standard_huffman_tables};

/// Makes sure that every JPEG of a source can be shown by itself.
#[derive(Debug)]
pub(super) struct ReadyJpeg {
    source: String,
    tables_said: bool,
}

impl ReadyJpeg {
    /// For JPEGs of the source of this name.
    pub(super) fn of(source: impl Into<String>) -> Self {
        Self { source: source.into(), tables_said: false }
    }

    /// The JPEG at the start of `bytes`: without what follows its end, byte for byte if it has its Huffman tables, with
    /// the standard ones put in if not. `None` where it is not whole.
    pub(super) fn pass(&mut self, mut bytes: Bytes) -> Option<Bytes> {
        bytes.truncate(whole_len(&bytes)?);
        Some(self.complete(bytes))
    }

    /// The same bytes, whatever they are; only a JPEG without Huffman tables gets the standard ones.
    pub(super) fn complete(&mut self, bytes: Bytes) -> Bytes {
        let (before, jpeg) = (bytes.len(), with_standard_huffman_tables(bytes));
        if jpeg.len() != before && !self.tables_said {
            self.tables_said = true;
            let source = &self.source;
            tracing::info!("the JPEGs of {source} come without Huffman tables: the standard ones are put in");
        }
        jpeg
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::codec::{Decoder, Encoder, Scale};
    use media::jpeg::Headers;
    use media::{Image, PixelFormat};

    #[test]
    fn a_whole_jpeg_passes_untouched_and_loses_only_its_padding() {
        let image = Image::zeroed(32, 16, PixelFormat::I420).unwrap();
        let jpeg = Encoder::new().unwrap().encode(&image, 80).unwrap();
        let mut ready = ReadyJpeg::of("test");
        assert_eq!(ready.pass(jpeg.clone()).unwrap(), jpeg);
        let padded = Bytes::from([&jpeg[..], &[0; 500]].concat());
        assert_eq!(ready.pass(padded).unwrap(), jpeg);
        assert_eq!(ready.pass(jpeg.slice(..jpeg.len() - 1)), None);
        assert!(!ready.tables_said);
    }

    #[test]
    fn missing_tables_are_put_in_and_said_once() {
        let image = Image::zeroed(32, 16, PixelFormat::I420).unwrap();
        let jpeg = Encoder::new().unwrap().encode(&image, 80).unwrap();
        // As a camera would send it: every DHT segment cut out.
        let mut bare = jpeg.to_vec();
        while let Some(at) = bare.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
            let len = usize::from(u16::from_be_bytes([bare[at + 2], bare[at + 3]]));
            bare.drain(at..at + 2 + len);
        }
        let mut ready = ReadyJpeg::of("test");
        let mended = ready.pass(bare.into()).unwrap();
        assert!(ready.tables_said);
        assert!(Headers::read(&mended).unwrap().huffman_tables);
        Decoder::new().unwrap().decode(&mended, PixelFormat::Bgr, Scale::Full).unwrap();
    }
}
