//! A histogram inside a line: the values themselves if they are few, otherwise the text of an
//! `HdrHistogram` with exact key figures.

use std::borrow::Cow;

use serde::Serialize;

use crate::window::{HdrText, Histogram};

use super::error::LineError;
use super::json::Json;
use super::scratch::Scratch;

/// A distribution of durations.
#[derive(Serialize, schemars::JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Histogram")]
pub(super) enum WireHistogram<'l> {
    /// At most sixteen durations, each in microseconds, sorted. Most windows have this form, which
    /// halves the size of a journal.
    Values(#[schemars(length(min = 1, max = 16))] &'l [u32]),
    /// More than sixteen durations, or one of more than an hour.
    Hdr {
        /// The number of durations.
        count: u64,
        /// The shortest duration, exactly.
        min_us: u64,
        /// The longest duration, exactly.
        max_us: u64,
        /// The sum of all durations, exactly.
        sum_us: u64,
        /// `HdrHistogram` V2, compressed, in base64: 1 µs to an hour at three significant digits.
        /// Longer durations count as one hour.
        #[schemars(regex(pattern = "^HISTFA"))]
        hdr: Cow<'l, str>,
    },
}

impl<'l> WireHistogram<'l> {
    /// The histogram in the form of a line; `None` if it is empty.
    pub(super) fn new(histogram: &'l Histogram, hdr: &mut HdrText) -> Option<WireHistogram<'l>> {
        let (min, max) = (histogram.min_micros()?, histogram.max_micros()?);
        if let Some(values_us) = histogram.exact_micros() {
            return Some(WireHistogram::Values(values_us));
        }
        let mut text = String::new();
        hdr.write(histogram, &mut text);
        Some(WireHistogram::Hdr {
            count: histogram.count(),
            min_us: min,
            max_us: max,
            sum_us: histogram.sum_micros(),
            hdr: Cow::Owned(text),
        })
    }
}

/// Decodes what [`WireHistogram`] encodes.
pub(super) fn read(json: &mut Json<'_>, scratch: &mut Scratch) -> Result<Histogram, LineError> {
    if json.is_array() {
        let mut histogram = Histogram::default();
        json.numbers(|value| {
            histogram.record_micros(value);
            Ok(())
        })?;
        return Ok(histogram);
    }
    let (mut count, mut min, mut max, mut sum) = (0, 0, 0, 0);
    let mut hdr = None;
    json.object(|json, name| {
        match name {
            "count" => count = json.number()?,
            "min_us" => min = json.number()?,
            "max_us" => max = json.number()?,
            "sum_us" => sum = json.number()?,
            "hdr" => hdr = Some(json.string()?),
            _ => json.skip()?,
        }
        Ok(())
    })?;
    let hdr = hdr.ok_or(LineError::Corrupt)?;
    let histogram = scratch.hdr().read(&hdr, min, max, sum).map_err(|_| LineError::Corrupt)?;
    if histogram.count() == count { Ok(histogram) } else { Err(LineError::Corrupt) }
}
