//! Small bodies that decode to a gigabyte. None is ever held decoded: in each format a piece can be
//! repeated.

use std::io::Write;

use flate2::{Compression, FlushCompress};

/// The size of one repeated piece after decoding.
const PIECE: usize = 1 << 20;

/// A gzip body that decodes to this many mebibytes of zeros, with the correct checksum.
pub fn gzip(mebibytes: usize) -> Vec<u8> {
    let piece = deflate_piece();
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut sum = crc32fast::Hasher::new();
    let mut one = crc32fast::Hasher::new();
    one.update(&vec![0; PIECE]);
    for _ in 0..mebibytes {
        body.extend_from_slice(&piece);
        sum.combine(&one);
    }
    // An empty last block ends the stream.
    body.extend_from_slice(&[0x03, 0x00]);
    body.extend_from_slice(&sum.finalize().to_le_bytes());
    body.extend_from_slice(&u32::try_from((mebibytes * PIECE) % (1 << 32)).unwrap().to_le_bytes());
    body
}

/// One mebibyte of zeros as deflate blocks that end at a byte boundary and refer to nothing before
/// them.
fn deflate_piece() -> Vec<u8> {
    let mut deflate = flate2::Compress::new(Compression::best(), false);
    let mut piece = Vec::with_capacity(1 << 16);
    deflate.compress_vec(&vec![0; PIECE], &mut piece, FlushCompress::Full).unwrap();
    piece
}

/// A zstd body that decodes to this many mebibytes of zeros: frame after frame.
pub fn zstd(mebibytes: usize) -> Vec<u8> {
    zstd::bulk::compress(&vec![0; PIECE], 3).unwrap().repeat(mebibytes)
}

/// A brotli body that decodes to this many mebibytes of zeros.
pub fn brotli(mebibytes: usize) -> Vec<u8> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 5, 22);
    let mut ends = Vec::new();
    // The first piece has the stream's header, the second depends on the first. From the third on,
    // every piece starts in the same state and consists of the same bytes.
    for _ in 0..4 {
        writer.write_all(&vec![0; PIECE]).unwrap();
        writer.flush().unwrap();
        ends.push(writer.get_ref().len());
    }
    let bytes = writer.get_ref().clone();
    let mut body = bytes[..ends[2]].to_vec();
    for _ in 3..mebibytes {
        body.extend_from_slice(&bytes[ends[2]..ends[3]]);
    }
    // An empty last metablock.
    body.push(0x03);
    body
}

/// A body compressed with gzip.
pub fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(body).unwrap();
    writer.finish().unwrap()
}

/// A body compressed with deflate, without the zlib wrapper.
pub fn deflated(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(body).unwrap();
    writer.finish().unwrap()
}

/// A body compressed with brotli.
pub fn brotlied(body: &[u8]) -> Vec<u8> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 12, 5, 22);
    writer.write_all(body).unwrap();
    writer.into_inner()
}

/// A body compressed with zstd.
pub fn zstded(body: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(body, 3).unwrap()
}
