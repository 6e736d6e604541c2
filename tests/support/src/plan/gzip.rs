//! Compression: <https://www.rfc-editor.org/rfc/rfc1952>.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};

use super::Pieces;
use super::faults::Piece;

/// One gzip member, flushed after each event so that the peer can inflate it at once; the trailer
/// comes as a piece of its own.
pub(super) fn compress(pieces: Pieces) -> Pieces {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut compressed: Pieces = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Data(bytes) => Piece::Data(compress_event(&mut encoder, &bytes)),
            step => step,
        })
        .collect();
    compressed.push(Piece::Data(encoder.finish().unwrap_or_default()));
    compressed
}

/// Writing to memory does not fail.
fn compress_event(encoder: &mut GzEncoder<Vec<u8>>, bytes: &[u8]) -> Vec<u8> {
    let flushed = encoder.write_all(bytes).and_then(|()| encoder.flush());
    debug_assert!(flushed.is_ok());
    std::mem::take(encoder.get_mut())
}

/// So many MiB of zeros in one member. One MiB is compressed once and repeated: after a full flush
/// a block depends on nothing before it.
pub(super) fn bomb(mib: usize) -> Vec<u8> {
    const EMPTY_LAST_BLOCK: [u8; 2] = [3, 0];
    let zeros = vec![0; 1 << 20];
    let mut block = Vec::with_capacity(1 << 16);
    let mut compress = Compress::new(Compression::best(), false);
    let compressed = compress.compress_vec(&zeros, &mut block, FlushCompress::Full);
    debug_assert!(compressed.is_ok());

    let mut crc_of_one = Crc::new();
    crc_of_one.update(&zeros);
    let mut crc = Crc::new();
    (0..mib).for_each(|_| crc.combine(&crc_of_one));

    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    member.extend(block.repeat(mib));
    member.extend(EMPTY_LAST_BLOCK);
    member.extend(crc.sum().to_le_bytes());
    member.extend(((mib << 20) as u32).to_le_bytes());
    member
}
