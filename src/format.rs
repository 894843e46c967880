//! How numbers and times are written for people: one form for each, in every sentence, table and page.
//!
//! | what | form |
//! |---|---|
//! | instant | `15:04:00`, `2025-03-10 15:04:00` |
//! | an instant known up to two checks | `15:03:30–15:04:00` |
//! | a span of time from one instant to another | `15:03:30 to 18:00:00` |
//! | ratio | `31.5%`; `0%` and `100%` only if exact |
//! | interval of a ratio | `30.1–32.4%` |
//! | count | `12,345`, `1 check`, `12 checks` |
//! | duration | three digits: `4.2 ms`, `1.31 s`, `2 min 05 s`, `57 min`, `3 h 20 min` |

mod ascii;
mod duration;
mod failure;
mod instant;
mod number;
mod spreadsheet;
mod strip;

pub(crate) use ascii::ascii;
pub(crate) use duration::{duration, duration_cell, lasting, milliseconds};
pub(crate) use failure::failures;
pub(crate) use instant::{InstantFormat, date, date_time, named_zone, unknown_zone, zone};
pub(crate) use number::{
    alternatives, budget, count, counted, in_waves, interval, list, percentage, plain_list, ratio, ratio_cell,
    ratio_floor,
};
pub(crate) use spreadsheet::spreadsheet_text;
pub(crate) use strip::{CHECK_LEGEND, STRIP_LEGEND, StripCell};
