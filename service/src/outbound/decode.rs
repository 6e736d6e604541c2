//! Compressed answers, inflated as they come.
//!
//! Upstreams are asked for `identity`; some compress all the same. What comes out at once is bounded,
//! so that a small bomb does not become a large buffer.
//! Source: <https://www.rfc-editor.org/rfc/rfc9110#name-content-codings>

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// The most bytes that one step gives.
const STEP_BYTES: usize = 32 * 1024;

/// Inflates one body.
pub enum Decoder {
    /// `gzip`, also of several members.
    Gzip(Box<MultiGzDecoder<Input>>),
    /// `deflate`, which is zlib's format.
    Deflate(Box<ZlibDecoder<Input>>),
}

/// A content coding that nobody asked for and that cannot be undone.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownCoding;

impl Decoder {
    /// The decoder for the value of `content-encoding`; `None` where the body is plain.
    ///
    /// # Errors
    /// The coding is not known.
    pub fn for_coding(coding: &str) -> Result<Option<Self>, UnknownCoding> {
        match coding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip(Box::new(MultiGzDecoder::new(Input::default()))))),
            "deflate" => Ok(Some(Self::Deflate(Box::new(ZlibDecoder::new(Input::default()))))),
            _ => Err(UnknownCoding),
        }
    }

    /// Takes the next compressed bytes. To be called when [`Decoder::step`] has given `None`.
    pub fn feed(&mut self, bytes: Bytes) {
        self.input().bytes = bytes;
    }

    /// Tells that no more compressed bytes will come.
    pub fn finish(&mut self) {
        self.input().finished = true;
    }

    /// The next plain bytes: `None` when more input is needed, empty at the end of a whole body.
    ///
    /// # Errors
    /// The input is not what its coding says, or ended too early.
    pub fn step(&mut self) -> io::Result<Option<Bytes>> {
        let mut plain = vec![0; STEP_BYTES];
        let read = match self {
            Self::Gzip(decoder) => decoder.read(&mut plain),
            Self::Deflate(decoder) => decoder.read(&mut plain),
        };
        match read {
            Ok(len) => {
                plain.truncate(len);
                Ok(Some(plain.into()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn input(&mut self) -> &mut Input {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
        }
    }
}

/// The compressed bytes at hand; empty means "would block" until the end is told.
#[derive(Default)]
pub struct Input {
    bytes: Bytes,
    finished: bool,
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() && !self.finished {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = buf.len().min(self.bytes.len());
        self.bytes.copy_to_slice(&mut buf[..len]);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn inflate(coding: &str, pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
        let mut decoder = Decoder::for_coding(coding).expect("known").expect("a coding");
        let mut plain = Vec::new();
        for piece in pieces {
            decoder.feed(Bytes::copy_from_slice(piece));
            while let Some(step) = decoder.step()? {
                assert!(step.len() <= STEP_BYTES);
                if step.is_empty() {
                    break;
                }
                plain.extend_from_slice(&step);
            }
        }
        decoder.finish();
        while let Some(step) = decoder.step()?.filter(|step| !step.is_empty()) {
            plain.extend_from_slice(&step);
        }
        Ok(plain)
    }

    #[test]
    fn gzip_is_the_same_wherever_it_is_split() {
        let packed = gzip(b"data: {\"a\":1}\n\ndata: [DONE]\n\n");
        for at in 0..=packed.len() {
            let plain = inflate("gzip", &[&packed[..at], &packed[at..]]).expect("whole");
            assert_eq!(plain, b"data: {\"a\":1}\n\ndata: [DONE]\n\n", "split at {at}");
        }
    }

    #[test]
    fn deflate_is_zlib() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"hello").expect("in memory");
        let packed = encoder.finish().expect("in memory");
        assert_eq!(inflate("deflate", &[&packed]).expect("whole"), b"hello");
    }

    #[test]
    fn a_cut_body_is_an_error_not_an_end() {
        let packed = gzip(&[b'x'; 1000]);
        assert!(inflate("gzip", &[&packed[..packed.len() - 4]]).is_err());
    }

    #[test]
    fn a_bomb_comes_out_in_bounded_steps() {
        let packed = gzip(&vec![0; 8 << 20]);
        assert_eq!(inflate("gzip", &[&packed]).expect("whole").len(), 8 << 20);
    }

    #[test]
    fn an_unknown_coding_is_refused() {
        assert_eq!(Decoder::for_coding("br").err(), Some(UnknownCoding));
    }
}
