//! Histograms as portable text: `HdrHistogram` V2, compressed, in base64 (`HISTFA…`), 1 µs to an hour at three
//! significant digits. The only file that knows hdrhistogram.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::ZlibDecoder;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use hdrhistogram::serialization::Deserializer;

use super::buckets::{self, Buckets, TOP};
use super::histogram::Histogram;
use super::short_number;

/// The significant decimal digits of a value.
const DIGITS: u8 = 3;

/// Why a text is not a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HdrError {
    /// It is not base64 of a compressed V2 histogram.
    #[error("not a compressed HdrHistogram V2 in base64")]
    Format,
    /// It, or its decompressed form, is larger than any that this program writes.
    #[error("the histogram is too large")]
    TooLarge,
    /// Its count, min, max or sum do not fit its buckets.
    #[error("the histogram's numbers contradict each other")]
    Numbers,
}

/// Writes histograms as text (V2, compressed, base64: `HISTFA…`). Use one for many histograms: it reuses its
/// compressor. Counts are written from the buckets that are not empty, since hdrhistogram goes through 188 KiB of
/// counters for a window of three checks.
pub struct HdrText {
    compressor: Compress,
    plain: Vec<u8>,
    compressed: Vec<u8>,
}

impl Default for HdrText {
    fn default() -> Self {
        HdrText { compressor: Compress::new(Compression::default(), true), plain: Vec::new(), compressed: Vec::new() }
    }
}

impl HdrText {
    /// Appends the histogram's text to `out`.
    #[expect(clippy::missing_panics_doc, reason = "memory takes every write, and all input is given at once")]
    pub fn write(&mut self, histogram: &Histogram, out: &mut String) {
        self.write_plain(histogram);
        self.compressor.reset();
        self.compressed.clear();
        self.compressed.extend(V2_COMPRESSED_COOKIE);
        self.compressed.extend([0; 4]);
        loop {
            self.compressed.reserve(self.plain.len() / 2 + 64);
            let taken = usize::try_from(self.compressor.total_in()).unwrap_or(usize::MAX).min(self.plain.len());
            let status =
                self.compressor.compress_vec(&self.plain[taken..], &mut self.compressed, FlushCompress::Finish);
            if status.expect("memory is written to") == Status::StreamEnd {
                break;
            }
        }
        let length = u32::try_from(self.compressed.len() - 8).unwrap_or(u32::MAX);
        self.compressed[4..8].copy_from_slice(&length.to_be_bytes());
        STANDARD.encode_string(&self.compressed, out);
    }

    /// The uncompressed histogram: a header, and the counts up to the last bucket that is not empty.
    fn write_plain(&mut self, histogram: &Histogram) {
        self.plain.clear();
        self.plain.extend(V2_COOKIE);
        self.plain.extend([0; 8]);
        self.plain.extend(u32::from(DIGITS).to_be_bytes());
        self.plain.extend(1_u64.to_be_bytes());
        self.plain.extend(u64::from(TOP).to_be_bytes());
        self.plain.extend(1.0_f64.to_be_bytes());
        let before_counts = self.plain.len();
        // The bucket whose count is not written yet, and the bucket after those already written.
        let (mut open, mut next) = ((0, 0_u64), 0);
        for (value, count) in histogram.values() {
            let bucket = buckets::number(value);
            if bucket == open.0 {
                open.1 = open.1.saturating_add(count);
            } else {
                next = write_count(&mut self.plain, open, next);
                open = (bucket, count);
            }
        }
        if open == (0, 0) {
            short_number::write(&mut self.plain, 0);
        } else {
            write_count(&mut self.plain, open, next);
        }
        let length = u32::try_from(self.plain.len() - before_counts).unwrap_or(u32::MAX);
        self.plain[4..8].copy_from_slice(&length.to_be_bytes());
    }
}

/// Writes the count of a bucket, and before it the number of empty buckets since the last. Returns the next bucket.
fn write_count(out: &mut Vec<u8>, (bucket, count): (usize, u64), next: usize) -> usize {
    if count == 0 {
        // The first bucket has no samples: it counts as one of the empty ones before the next.
        return next;
    }
    match i64::try_from(bucket - next).unwrap_or(i64::MAX) {
        0 => {}
        1 => short_number::write(out, 0),
        empty => short_number::write(out, -empty),
    }
    // The format's counts are signed.
    short_number::write(out, i64::try_from(count).unwrap_or(i64::MAX));
    bucket + 1
}

impl std::fmt::Debug for HdrText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HdrText").finish_non_exhaustive()
    }
}

/// Reads histograms from text. Use one for many: its decompressor and buffer take 100 KiB.
pub(crate) struct HdrReader {
    decompressor: Decompress,
    compressed: Vec<u8>,
    /// Its length never changes, so that it is zeroed only once.
    unfolded: Box<[u8]>,
}

impl Default for HdrReader {
    fn default() -> Self {
        HdrReader {
            decompressor: Decompress::new(true),
            compressed: Vec::new(),
            unfolded: vec![0; USUAL_LIMIT].into_boxed_slice(),
        }
    }
}

impl std::fmt::Debug for HdrReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HdrReader").finish_non_exhaustive()
    }
}

impl HdrReader {
    /// Reads a histogram from its text and the exact numbers beside it, in microseconds.
    ///
    /// # Errors
    /// [`HdrError`], if the text is not such a histogram or the numbers cannot belong to it.
    pub(crate) fn read(&mut self, text: &str, min: u64, max: u64, sum: u64) -> Result<Histogram, HdrError> {
        Histogram::of_buckets(self.decode(text)?, [min, max, sum]).ok_or(HdrError::Numbers)
    }

    /// Reads the counts of a text. It limits decompression first: hdrhistogram's reader allocates what the header
    /// claims.
    fn decode(&mut self, text: &str) -> Result<Buckets, HdrError> {
        if text.len() > UNFOLDED_LIMIT {
            return Err(HdrError::TooLarge);
        }
        self.compressed.clear();
        STANDARD.decode_vec(text, &mut self.compressed).map_err(|_| HdrError::Format)?;
        let rest = self.compressed.strip_prefix(&V2_COMPRESSED_COOKIE).and_then(|rest| rest.get(4..));
        let rest = rest.ok_or(HdrError::Format)?;
        self.decompressor.reset(true);
        match self.decompressor.decompress(rest, &mut self.unfolded, FlushDecompress::Finish) {
            Ok(Status::StreamEnd) => {
                let length = usize::try_from(self.decompressor.total_out()).unwrap_or(0);
                counts(self.unfolded.get(..length).ok_or(HdrError::Format)?)
            }
            // It is longer than usual, or not zlib at all.
            _ => counts(&unfold(rest)?),
        }
    }
}

impl Histogram {
    /// Reads one histogram from its text and the exact numbers beside it, in microseconds; for many use a `HdrReader`.
    ///
    /// # Errors
    /// [`HdrError`], if the text is not such a histogram or the numbers cannot belong to it.
    pub fn from_hdr_text(text: &str, min: u64, max: u64, sum: u64) -> Result<Histogram, HdrError> {
        HdrReader::default().read(text, min, max, sum)
    }
}

/// The most bytes that one of our histograms can decompress to: 40 of header, and nine for each of the 23,552 counts
/// between 1 µs and an hour at three digits, with room for other writers' bounds.
const UNFOLDED_LIMIT: usize = 512 * 1024;
/// What nearly all of them decompress to at most.
const USUAL_LIMIT: usize = 64 * 1024;
/// The cookie of an uncompressed V2 histogram.
const V2_COOKIE: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();
/// The cookie of a compressed one: the text begins with `HISTFA`.
const V2_COMPRESSED_COOKIE: [u8; 4] = 0x1c84_9314_u32.to_be_bytes();

/// Where the counts begin, after the cookie: their length, offset, digits, two bounds and a ratio.
const HEADER: usize = 36;

/// Reads the counts of a decompressed histogram.
fn counts(unfolded: &[u8]) -> Result<Buckets, HdrError> {
    let rest = unfolded.strip_prefix(&V2_COOKIE).ok_or(HdrError::Format)?;
    let (length, digits) = (be_u32(rest, 0)?, be_u32(rest, 8)?);
    if length as usize > unfolded.len() || digits > u32::from(DIGITS) {
        return Err(HdrError::TooLarge);
    }
    let (offset, lowest, ratio) = (be_u32(rest, 4)?, be_u64(rest, 12)?, be_u64(rest, 28)?);
    if offset == 0 && digits == u32::from(DIGITS) && lowest == 1 && ratio == 1.0_f64.to_bits() {
        let counts = rest.get(HEADER..HEADER + length as usize).ok_or(HdrError::Format)?;
        return read_counts(counts);
    }
    let decoded: hdrhistogram::Histogram<u64> =
        Deserializer::new().deserialize(&mut &*unfolded).map_err(|_| HdrError::Format)?;
    let mut buckets = Buckets::default();
    for value in decoded.iter_recorded() {
        let micros = u32::try_from(value.value_iterated_to()).unwrap_or(TOP).min(TOP);
        buckets.add(micros, value.count_at_value());
    }
    Ok(buckets)
}

/// Decompresses to any length up to [`UNFOLDED_LIMIT`].
fn unfold(compressed: &[u8]) -> Result<Vec<u8>, HdrError> {
    let mut unfolded = Vec::new();
    ZlibDecoder::new(compressed)
        .take(UNFOLDED_LIMIT as u64 + 1)
        .read_to_end(&mut unfolded)
        .map_err(|_| HdrError::Format)?;
    if unfolded.len() > UNFOLDED_LIMIT { Err(HdrError::TooLarge) } else { Ok(unfolded) }
}

/// Reads counts in the order of the buckets, as they are written: a positive number is a count, a negative one that
/// many empty buckets. The buckets are numbered like ours, which saves the 188 KiB that hdrhistogram would lay out: a
/// report over a year reads a million of them.
fn read_counts(mut bytes: &[u8]) -> Result<Buckets, HdrError> {
    // Most counts take a byte, and so does the gap between two of them.
    let mut list = Vec::with_capacity(bytes.len() / 2 + 1);
    let mut number = 0_usize;
    while !bytes.is_empty() {
        let (count, rest) = short_number::read(bytes).ok_or(HdrError::Format)?;
        bytes = rest;
        if count > 0 {
            Buckets::push(&mut list, number, count.unsigned_abs());
        }
        let passed = if count < 0 { usize::try_from(count.unsigned_abs()).ok() } else { Some(1) };
        number = passed.and_then(|passed| number.checked_add(passed)).ok_or(HdrError::Format)?;
    }
    Ok(Buckets::List(list))
}

fn be_u32(bytes: &[u8], at: usize) -> Result<u32, HdrError> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map(u32::from_be_bytes).ok_or(HdrError::Format)
}

fn be_u64(bytes: &[u8], at: usize) -> Result<u64, HdrError> {
    let eight = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
    eight.map(u64::from_be_bytes).ok_or(HdrError::Format)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
    use proptest::prelude::*;

    use super::*;

    /// What hdrhistogram itself reads from a text.
    fn by_the_library(text: &str) -> Vec<(u64, u64)> {
        let bytes = STANDARD.decode(text).expect("base64");
        let read: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
        let lowest = |value| read.lowest_equivalent(value);
        read.iter_recorded().map(|value| (lowest(value.value_iterated_to()), value.count_at_value())).collect()
    }

    /// What hdrhistogram itself writes.
    fn written_by_the_library(histogram: &Histogram) -> String {
        let mut counted = hdrhistogram::Histogram::<u64>::new_with_bounds(1, u64::from(TOP), DIGITS).expect("bounds");
        for (value, count) in histogram.values() {
            counted.saturating_record_n(u64::from(value), count);
        }
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&counted, &mut bytes).expect("it is written");
        STANDARD.encode(bytes)
    }

    #[test]
    fn a_histogram_without_samples_and_one_of_the_least_time_are_written_as_by_the_library() {
        for times in [&[][..], &[0], &[0, 1], &[1], &[2], &[0, 2], &[3_600_000_000, u64::MAX]] {
            let mut histogram = Histogram::default();
            times.iter().for_each(|time| histogram.record_micros(*time));
            let mut text = String::new();
            HdrText::default().write(&histogram, &mut text);
            assert_eq!(text, written_by_the_library(&histogram), "{times:?}");
        }
    }

    fn ours(text: &str) -> Vec<(u64, u64)> {
        HdrReader::default()
            .decode(text)
            .expect("a histogram")
            .iter()
            .map(|(value, count)| (u64::from(value), count))
            .collect()
    }

    proptest! {
        #[test]
        fn the_library_reads_the_same_counts(
            times in prop::collection::vec(prop_oneof![0_u64..5_000, 0_u64..4_000_000_000], 0..300),
            often in 1_usize..200,
        ) {
            let mut histogram = Histogram::default();
            for time in &times {
                histogram.record_micros(*time);
            }
            (0..often).for_each(|_| histogram.record_micros(77));
            let mut text = String::new();
            HdrText::default().write(&histogram, &mut text);
            prop_assert!(text.starts_with("HISTFA"));
            prop_assert_eq!(ours(&text), by_the_library(&text));
            prop_assert_eq!(text, written_by_the_library(&histogram));
        }

        #[test]
        fn bytes_that_are_no_counts_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_counts(&bytes);
        }
    }

    #[test]
    fn a_histogram_with_other_buckets_is_read_too() {
        let mut coarse = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 10_000_000_000, 2).expect("legal bounds");
        coarse.record_n(1_000, 3).expect("within bounds");
        coarse.record(9_000_000_000).expect("within bounds");
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&coarse, &mut bytes).expect("it is written");
        let counts = ours(&STANDARD.encode(bytes));
        assert_eq!(counts.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(counts[1].0, u64::from(super::super::buckets::lowest(TOP)));
    }
}
