//! The `window` line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Counts, FailureClass, timestamp};
use crate::window::{HdrText, Histogram, Latency, Strip, Window};

use super::histogram::WireHistogram;
use super::json::Json;
use super::{LineError, Names, class_version, histogram, instant};

/// No count of a line is larger than this: a million million checks is 30,000 years of one a
/// second, and millions of such lines still add up in 64 bits.
const COUNT_LIMIT: u64 = 1_000_000_000_000;

/// A summary of one probe's checks, as seen from one vantage, over a span of time.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Window")]
pub(super) struct WindowLine<'l> {
    /// Where we asked from.
    vantage: &'l str,
    /// The probe's name.
    probe: &'l str,
    /// The probe's surface.
    surface: &'l str,
    /// Whether the probe is a control target; absent: no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    control: bool,
    /// Whether its checks were due within a maintenance window; absent: no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    maintenance: bool,
    /// Whether any of its checks accepted any certificate (`tls.insecure`); absent: no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insecure: bool,
    /// The span begins here. A check belongs to the span in which it was due.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    from: Timestamp,
    /// The span ends before this.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    to: Timestamp,
    #[serde(flatten)]
    counts: Counts,
    /// How many of those that were up failed at first; absent: none.
    #[serde(skip_serializing_if = "is_zero")]
    flaky: u64,
    /// How many checks failed with each class, `down` and `unknown` alike; absent: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failures: &'l BTreeMap<FailureClass, u64>,
    /// The verdicts in order; `docs/journal.md` has the grammar. Absent: no check.
    #[serde(skip_serializing_if = "String::is_empty")]
    strip: String,
    /// How long the checks took that were up; absent: none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LatencyLine")]
    latency: Option<LatencyLine<'l>>,
    /// How long it took to fail: the total of the checks that were down; absent: none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    failed_latency: Option<WireHistogram<'l>>,
    /// How late the checks began that were run; absent: none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    lag: Option<WireHistogram<'l>>,
}

/// The total and each phase; a phase that never happened is absent.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Latency")]
struct LatencyLine<'l> {
    /// From the start of a check to its verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    total: Option<WireHistogram<'l>>,
    /// Looking names up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    resolve: Option<WireHistogram<'l>>,
    /// TCP handshakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    connect: Option<WireHistogram<'l>>,
    /// TLS handshakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    tls: Option<WireHistogram<'l>>,
    /// From connection to complete response head.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    processing: Option<WireHistogram<'l>>,
    /// Reading bodies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    transfer: Option<WireHistogram<'l>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl<'l> WindowLine<'l> {
    /// The window as it is written.
    pub(super) fn new(window: &'l Window, hdr: &mut HdrText) -> WindowLine<'l> {
        let mut strip = String::new();
        window.strip.write_text(window.from, &classes_by_name(&window.failures), &mut strip);
        WindowLine {
            vantage: &window.vantage,
            probe: &window.probe,
            surface: &window.surface,
            control: window.control,
            maintenance: window.maintenance,
            insecure: window.insecure,
            from: window.from,
            to: window.to,
            counts: window.counts,
            flaky: window.flaky,
            failures: &window.failures,
            strip,
            latency: LatencyLine::new(&window.latency, hdr),
            failed_latency: WireHistogram::new(&window.failed_latency, hdr),
            lag: WireHistogram::new(&window.lag, hdr),
        }
    }
}

impl WindowLine<'_> {
    /// The lowest version of the format whose readers understand the line.
    pub(super) fn version(&self) -> u32 {
        self.failures.keys().map(|class| class_version(*class)).max().unwrap_or(1)
    }
}

impl<'l> LatencyLine<'l> {
    fn new(latency: &'l Latency, hdr: &mut HdrText) -> Option<LatencyLine<'l>> {
        if latency.is_empty() {
            return None;
        }
        Some(LatencyLine {
            total: WireHistogram::new(&latency.total, hdr),
            resolve: WireHistogram::new(&latency.resolve, hdr),
            connect: WireHistogram::new(&latency.connect, hdr),
            tls: WireHistogram::new(&latency.tls, hdr),
            processing: WireHistogram::new(&latency.processing, hdr),
            transfer: WireHistogram::new(&latency.transfer, hdr),
        })
    }
}

/// The classes of a window in the order in which a strip numbers them.
fn classes_by_name(failures: &BTreeMap<FailureClass, u64>) -> Vec<FailureClass> {
    let mut classes: Vec<FailureClass> = failures.keys().copied().collect();
    classes.sort_unstable_by_key(|class| class.name());
    classes
}

/// Reads what [`WindowLine`] writes: the members of a line between its kind and its checksum.
pub(super) fn decode(members: &str, names: &mut Names) -> Result<Window, LineError> {
    let mut fields = Fields::default();
    Json::new(members).members(|json, name| fields.member(json, name, names))?;
    fields.window()
}

/// What has been read of a line so far.
#[derive(Default)]
struct Fields<'l> {
    vantage: Option<Arc<str>>,
    probe: Option<Arc<str>>,
    surface: Option<Arc<str>>,
    control: bool,
    maintenance: bool,
    insecure: bool,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    scheduled: u64,
    counts: Counts,
    flaky: u64,
    failures: BTreeMap<FailureClass, u64>,
    strip: Cow<'l, str>,
    latency: Latency,
    failed_latency: Histogram,
    lag: Histogram,
}

impl<'l> Fields<'l> {
    fn member(&mut self, json: &mut Json<'l>, name: &str, names: &mut Names) -> Result<(), LineError> {
        match name {
            "vantage" => self.vantage = Some(json.word(|name| names.get(name))?),
            "probe" => self.probe = Some(json.word(|name| names.get(name))?),
            "surface" => self.surface = Some(json.word(|name| names.get(name))?),
            "control" => self.control = json.boolean()?,
            "maintenance" => self.maintenance = json.boolean()?,
            "insecure" => self.insecure = json.boolean()?,
            "from" => self.from = Some(json.word(instant::read)??),
            "to" => self.to = Some(json.word(instant::read)??),
            "scheduled" => self.scheduled = read_count(json)?,
            "up" => self.counts.up = read_count(json)?,
            "down" => self.counts.down = read_count(json)?,
            "unknown" => self.counts.unknown = read_count(json)?,
            "missed" => self.counts.missed = read_count(json)?,
            "flaky" => self.flaky = read_count(json)?,
            "failures" => json.object(|json, name| {
                let class = class_named(name).ok_or(LineError::Corrupt)?;
                self.failures.insert(class, read_count(json)?);
                Ok(())
            })?,
            "strip" => self.strip = json.string()?,
            "latency" => read_latency(json, &mut self.latency)?,
            "failed_latency" => self.failed_latency = histogram::read(json)?,
            "lag" => self.lag = histogram::read(json)?,
            _ => json.skip()?,
        }
        Ok(())
    }

    /// The window, where what it says is whole and agrees with itself.
    fn window(self) -> Result<Window, LineError> {
        let (Some(vantage), Some(probe), Some(surface)) = (self.vantage, self.probe, self.surface) else {
            return Err(LineError::Corrupt);
        };
        let (Some(from), Some(to)) = (self.from, self.to) else { return Err(LineError::Corrupt) };
        let classes = classes_by_name(&self.failures);
        let strip = Strip::from_text(&self.strip, from, &classes).map_err(|_| LineError::Corrupt)?;
        if from > to || self.scheduled != self.counts.scheduled() || strip.counts() != self.counts {
            return Err(LineError::Corrupt);
        }
        Ok(Window {
            vantage,
            probe,
            surface,
            control: self.control,
            maintenance: self.maintenance,
            insecure: self.insecure,
            from,
            to,
            counts: self.counts,
            flaky: self.flaky,
            failures: self.failures,
            strip,
            latency: self.latency,
            failed_latency: self.failed_latency,
            lag: self.lag,
        })
    }
}

fn read_count(json: &mut Json<'_>) -> Result<u64, LineError> {
    json.number().and_then(|count| if count <= COUNT_LIMIT { Ok(count) } else { Err(LineError::Corrupt) })
}

fn read_latency(json: &mut Json<'_>, latency: &mut Latency) -> Result<(), LineError> {
    json.object(|json, name| {
        let slot = match name {
            "total" => &mut latency.total,
            "resolve" => &mut latency.resolve,
            "connect" => &mut latency.connect,
            "tls" => &mut latency.tls,
            "processing" => &mut latency.processing,
            "transfer" => &mut latency.transfer,
            _ => return json.skip(),
        };
        *slot = histogram::read(json)?;
        Ok(())
    })
}

fn class_named(name: &str) -> Option<FailureClass> {
    FailureClass::ALL.iter().copied().find(|class| class.name() == name)
}
