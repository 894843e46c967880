//! Encodes a line as text and decodes it. This module accesses no files.
//!
//! A line is one JSON object that starts with `{"v":1,"kind":"…"` and ends with
//! `,"crc":"xxxxxxxx"}`: CRC-32 (IEEE 802.3) in lower-case hexadecimal of all bytes of the line
//! before its last eighteen, which are the crc member and the closing brace.

mod count;
mod error;
mod failure_kind;
mod histogram;
mod instant;
mod json;
mod names;
mod remotes;
mod scratch;
mod version;
mod window;

use std::io::Write as _;
use std::str;

use serde::Serialize;

use crate::model::{Gap, Outcome, RecordedPlan};
use crate::window::{HdrText, LatencyDetail};

use super::error::JournalError;
use super::line::Line;

use scratch::Scratch;
use version::failure_version;
use window::WindowLine;

pub use error::LineError;
pub use version::VERSION;

/// The longest line that is written or read, in bytes, without its line feed.
pub(crate) const LINE_LIMIT: usize = 1 << 20;

/// The bytes of `,"crc":"xxxxxxxx"}`.
const TAIL: usize = 18;

/// The bytes of `,"crc":""}`.
const EMPTY_TAIL: usize = TAIL - 8;

/// One line of a journal (`uptick-journal/YYYY-MM-DD.jsonl`).
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(title = "uptick journal line", rename = "JournalLine")]
struct WireLine<'l> {
    /// The lowest version of the format that the line needs. It is always the first member.
    #[schemars(range(min = 1, max = 2))]
    v: u32,
    #[serde(flatten)]
    kind: Kind<'l>,
    /// CRC-32 (IEEE 802.3), in lower-case hexadecimal, of the line's bytes except its last
    /// eighteen, which are this member and the closing brace. It is always the last member.
    #[schemars(regex(pattern = "^[0-9a-f]{8}$"))]
    crc: &'static str,
}

/// The kind of a line and its content. The member `kind` is the second one of a line, after `v`.
#[derive(Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind<'l> {
    /// A summary of one probe's checks over a span of time.
    Window(Box<WindowLine<'l>>),
    /// The evidence of one failed check: an outcome.
    Failure(&'l Outcome),
    /// A span of time in which the prober did not run, or its clock was set.
    Gap(&'l Gap),
    /// Which probes a vantage, or a shard of it, checks from an instant on.
    Plan(&'l RecordedPlan),
}

impl Kind<'_> {
    /// The lowest version of the format whose readers understand the line.
    fn version(&self) -> u32 {
        match self {
            Kind::Window(window) => window.version,
            Kind::Failure(outcome) => failure_version(outcome),
            Kind::Gap(_) => 1,
            Kind::Plan(_) => 2,
        }
    }
}

/// Encodes lines. It reuses the buffers in which histograms are built.
#[derive(Debug, Default)]
pub struct Writer {
    hdr: HdrText,
}

impl Writer {
    /// Appends a line and its line feed to `out`.
    ///
    /// # Errors
    /// [`JournalError::LineTooLong`] if readers would reject the line; then nothing is appended.
    pub fn write(&mut self, line: &Line, out: &mut Vec<u8>) -> Result<(), JournalError> {
        let start = out.len();
        match line {
            Line::Window(window) => put(Kind::Window(Box::new(WindowLine::new(window, &mut self.hdr))), out),
            Line::Gap(gap) => put(Kind::Gap(gap), out),
            Line::Plan(plan) => put(Kind::Plan(plan), out),
            Line::Failure(outcome) => {
                put(Kind::Failure(outcome), out);
                if out.len() - start > LINE_LIMIT {
                    // The evidence is the part that can be long, and the most dispensable one.
                    out.truncate(start);
                    let bare = Outcome {
                        evidence: None,
                        redirects: Vec::new(),
                        earlier_attempts: Vec::new(),
                        steps: Vec::new(),
                        assets: Vec::new(),
                        addresses: Vec::new(),
                        ..Outcome::clone(outcome)
                    };
                    put(Kind::Failure(&bare), out);
                }
            }
        }
        let bytes = out.len() - start;
        if bytes > LINE_LIMIT {
            out.truncate(start);
            return Err(JournalError::LineTooLong { bytes });
        }
        out.push(b'\n');
        Ok(())
    }
}

/// Appends a line without its line feed.
fn put(kind: Kind<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    serde_json::to_writer(&mut *out, &WireLine { v: kind.version(), kind, crc: "" })
        .expect("a line is plain data, and memory takes every write");
    // The checksum covers everything before it, so it is written last.
    out.truncate(out.len() - EMPTY_TAIL);
    seal(out, start);
}

/// Ends an object that begins at `start` and lacks its closing brace with its checksum.
pub(super) fn seal(out: &mut Vec<u8>, start: usize) {
    let crc = crc32fast::hash(&out[start..]);
    write!(out, ",\"crc\":\"{crc:08x}\"}}").expect("memory takes every write");
}

/// Decodes lines. It keeps one copy of each name, because every line repeats them.
#[derive(Debug, Default)]
pub struct Decoder {
    scratch: Scratch,
}

impl Decoder {
    /// A decoder that reads of the latency what `detail` says.
    #[must_use]
    pub(super) fn new(detail: LatencyDetail) -> Decoder {
        Decoder { scratch: Scratch::new(detail) }
    }

    /// Decodes one line, without its line feed. It allocates in proportion to the line and never
    /// panics, whatever the bytes.
    ///
    /// # Errors
    /// [`LineError`] if the line cannot be used.
    pub fn decode(&mut self, line: &[u8]) -> Result<Line, LineError> {
        let text = checked(line)?;
        let (kind, members) = kind(&text[..text.len() - TAIL])?;
        match kind {
            "window" => window::decode(members, &mut self.scratch).map(Line::from),
            "failure" => {
                let outcome: Outcome = serde_json::from_str(text).map_err(|_| LineError::Corrupt)?;
                Ok(Line::from(outcome))
            }
            "gap" => {
                let gap: Gap = serde_json::from_str(text).map_err(|_| LineError::Corrupt)?;
                Ok(Line::from(gap))
            }
            "plan" => {
                let plan: RecordedPlan = serde_json::from_str(text).map_err(|_| LineError::Corrupt)?;
                Ok(Line::from(plan))
            }
            _ => Err(LineError::Newer),
        }
    }
}

/// Whether the checksum of a line is right.
#[cfg(feature = "object-store")]
pub(super) fn is_intact(line: &[u8]) -> bool {
    checked(line).is_ok()
}

/// The text of a line. An error if it is too long or its checksum is wrong.
#[inline]
fn checked(line: &[u8]) -> Result<&str, LineError> {
    if line.len() > LINE_LIMIT {
        return Err(LineError::Corrupt);
    }
    let body = line.len().checked_sub(TAIL).ok_or(LineError::Corrupt)?;
    let (body, tail) = line.split_at(body);
    let hex = tail.strip_prefix(b",\"crc\":\"").and_then(|rest| rest.strip_suffix(b"\"}"));
    if hex != Some(&hexadecimal(crc32fast::hash(body))) {
        return Err(LineError::Corrupt);
    }
    str::from_utf8(line).map_err(|_| LineError::Corrupt)
}

/// A number as eight lower-case hexadecimal digits.
#[inline]
fn hexadecimal(number: u32) -> [u8; 8] {
    std::array::from_fn(|at| b"0123456789abcdef"[(number >> (28 - 4 * at)) as usize & 15])
}

/// The kind of a line, and the members that follow it. `body` is the line without its checksum. An
/// error if its version is newer than [`VERSION`].
#[inline]
fn kind(body: &str) -> Result<(&str, &str), LineError> {
    let rest = body.strip_prefix("{\"v\":").ok_or(LineError::Corrupt)?;
    let (version, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
    let version: u32 = version.parse().map_err(|_| LineError::Corrupt)?;
    if version > VERSION {
        return Err(LineError::Newer);
    }
    let rest = rest.strip_prefix(",\"kind\":\"").ok_or(LineError::Corrupt)?;
    rest.split_once('"').ok_or(LineError::Corrupt)
}

/// The JSON Schema of a journal line.
#[must_use]
pub fn schema() -> schemars::Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<WireLine<'static>>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    use crate::model::{GapReason, Verdict};
    use crate::window::{CheckResult, RemoteCounts, Window, test_windows};

    fn written(line: &Line) -> Vec<u8> {
        let mut out = Vec::new();
        Writer::default().write(line, &mut out).expect("the line is short");
        assert_eq!(out.pop(), Some(b'\n'));
        out
    }

    fn gap() -> Line {
        Line::Gap(Gap {
            vantage: "here".to_owned(),
            from: "2025-03-10T09:31:00.250Z".parse().expect("an instant"),
            to: "2025-03-10T10:31:00Z".parse().expect("an instant"),
            reason: GapReason::Suspended,
        })
    }

    #[test]
    fn a_line_starts_and_ends_as_the_page_says() {
        let line = written(&gap());
        let text = str::from_utf8(&line).expect("text");
        assert_eq!(
            text,
            "{\"v\":1,\"kind\":\"gap\",\"vantage\":\"here\",\"from\":\"2025-03-10T09:31:00.250Z\",\
             \"to\":\"2025-03-10T10:31:00.000Z\",\"reason\":\"suspended\",\"crc\":\"b4822745\"}"
        );
    }

    #[test]
    fn a_plan_is_written_and_read_back() {
        let probe = crate::model::Probe::plain("home", "web", "http://x.test/", std::time::Duration::from_secs(30));
        let from = "2025-03-10T09:31:00Z".parse().expect("an instant");
        let shard = Some(crate::model::Shard { index: 1, of: 4 });
        let line = Line::from(RecordedPlan::parts("iad", shard, from, [&probe]).remove(0));
        let bytes = written(&line);
        let text = str::from_utf8(&bytes).expect("text");
        let start = "{\"v\":2,\"kind\":\"plan\",\"vantage\":\"iad\",\"shard\":{\"index\":1,\"of\":4},\
                     \"from\":\"2025-03-10T09:31:00.000Z\",\"probes\":[{\"probe\":\"home\",\"surface\":\"web\",\"interval_ms\":30000}]";
        assert!(text.starts_with(start), "{text}");
        assert_eq!(Decoder::default().decode(&bytes), Ok(line));
    }

    #[test]
    fn a_line_has_the_lowest_version_that_it_needs() {
        let version = |line: &Line| written(line)[5];
        assert_eq!(version(&gap()), b'1');
        let mut window = Window::empty(&"here".into(), &"home".into(), &"web".into(), false);
        (window.from, window.to) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + std::time::Duration::from_mins(1));
        window.counts.up = 1;
        window.strip.push(window.from, CheckResult::new(Verdict::Up, None));
        assert_eq!(version(&Line::from(window.clone())), b'1');
        window.remotes.add([192, 0, 2, 1].into(), RemoteCounts { up: 1, down: 0 });
        assert_eq!(version(&Line::from(window)), b'2');
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is() {
        let line = written(&gap());
        for at in 0..line.len() {
            let mut changed = line.clone();
            changed[at] ^= 0x01;
            assert_eq!(Decoder::default().decode(&changed), Err(LineError::Corrupt), "byte {at}");
        }
    }

    #[test]
    fn a_newer_version_and_a_newer_kind_are_told_from_damage() {
        for (old, new) in [("\"v\":1", "\"v\":3"), ("\"gap\"", "\"eclipse\"")] {
            let line = String::from_utf8(written(&gap())).expect("text").replace(old, new);
            assert_eq!(Decoder::default().decode(line.as_bytes()), Err(LineError::Corrupt));
            let body = &line[..line.len() - TAIL];
            let line = format!("{body},\"crc\":\"{:08x}\"}}", crc32fast::hash(body.as_bytes()));
            assert_eq!(Decoder::default().decode(line.as_bytes()), Err(LineError::Newer));
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

        #[test]
        fn what_is_written_is_read_back(window in test_windows::window()) {
            let line = Line::from(window);
            let bytes = written(&line);
            proptest::prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
            proptest::prop_assert_eq!(Decoder::default().decode(&bytes), Ok(line));
        }

        #[test]
        fn no_body_with_a_right_checksum_makes_it_panic(body: Vec<u8>, begin in 0usize..3) {
            let begin = ["", "{\"v\":1,\"kind\":\"window\",", "{\"v\":1,\"kind\":\"failure\","][begin];
            let mut line = [begin.as_bytes(), &body].concat();
            let crc = crc32fast::hash(&line);
            line.extend_from_slice(format!(",\"crc\":\"{crc:08x}\"}}").as_bytes());
            proptest::prop_assert!(Decoder::default().decode(&line).is_err());
        }
    }
}
