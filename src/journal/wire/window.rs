//! The `window` line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Counts, FailureClass, timestamp};
use crate::window::{HdrText, Histogram, Latency, LatencyDetail, Remotes, Strip, Window};

use super::count::read_count;
use super::error::LineError;
use super::failure_kind::{KindName, class_named, codes_by_name, kinds_in_order, read_kinds};
use super::histogram::WireHistogram;
use super::json::Json;
use super::scratch::Scratch;
use super::{histogram, instant, remotes};

/// A summary of one probe's checks, as seen from one vantage, over a span of time.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Window")]
pub(super) struct WindowLine<'l> {
    /// The lowest version of the format whose readers understand the line.
    #[serde(skip)]
    pub(super) version: u32,
    /// The vantage that made the checks.
    vantage: &'l str,
    /// The probe's name.
    probe: &'l str,
    /// The probe's surface.
    surface: &'l str,
    /// Whether the probe is a control target; omitted if false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    control: bool,
    /// Whether its checks were due within a maintenance window; omitted if false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    maintenance: bool,
    /// Whether any of its checks accepted any certificate (`tls.insecure`); omitted if false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insecure: bool,
    /// Start of the span. A check belongs to the span in which it was due.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    from: Timestamp,
    /// End of the span, exclusive.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    to: Timestamp,
    #[serde(flatten)]
    counts: Counts,
    /// How many of the checks that were up failed at first; omitted if 0.
    #[serde(skip_serializing_if = "is_zero")]
    flaky: u64,
    /// How many checks did not meet a `warn.*` of their probe; omitted if 0.
    #[serde(skip_serializing_if = "is_zero")]
    warnings: u64,
    /// How many checks failed with each class, `down` and `unknown` alike; omitted if none failed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failures: &'l BTreeMap<FailureClass, u64>,
    /// How many of them failed with each code, as `CLASS:CODE`; omitted if no failure has a code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    codes: BTreeMap<KindName, u64>,
    /// What the checks themselves found that `failures` counts as `control_failed`, as `CLASS` or
    /// `CLASS:CODE`; omitted if there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set_aside: BTreeMap<KindName, u64>,
    /// The verdicts in order; `docs/journal.md` has the grammar. Omitted if there was no check.
    #[serde(skip_serializing_if = "String::is_empty")]
    strip: String,
    /// How many checks were up and how many were down at each remote address: at most sixteen
    /// addresses, the others as `other_v4` and `other_v6`. Omitted if no judged check reached an
    /// address.
    #[serde(skip_serializing_if = "Remotes::is_empty", serialize_with = "remotes::write")]
    #[schemars(with = "BTreeMap<String, [u64; 2]>")]
    remotes: &'l Remotes,
    /// How long the checks that were up took; omitted if none was up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LatencyLine")]
    latency: Option<LatencyLine<'l>>,
    /// How long it took to fail: the total of the checks that were down; omitted if none was down.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    failed_latency: Option<WireHistogram<'l>>,
    /// How late the checks started; omitted if none was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    lag: Option<WireHistogram<'l>>,
}

/// The total and each phase; a phase that never happened is omitted.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Latency")]
struct LatencyLine<'l> {
    /// From the start of a check to its verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WireHistogram")]
    total: Option<WireHistogram<'l>>,
    /// Name resolution.
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
    /// The window in the form of a line.
    pub(super) fn new(window: &'l Window, hdr: &mut HdrText) -> WindowLine<'l> {
        let mut strip = String::new();
        let codes = codes_by_name(&window.codes);
        let set_aside: BTreeMap<KindName, u64> =
            window.set_aside.iter().map(|((class, code), count)| (KindName::new(*class, *code), *count)).collect();
        let kinds = kinds_in_order(window.failures.keys().copied(), codes.keys(), set_aside.keys());
        window.strip.write_text(window.from, &kinds, &mut strip);
        let is_plain = codes.is_empty()
            && set_aside.is_empty()
            && window.warnings == 0
            && window.remotes.is_empty()
            && !window.strip.is_of_version_2();
        let classes = window.failures.keys().map(|class| class.since()).max().unwrap_or(1);
        WindowLine {
            version: if is_plain { classes } else { 2 },
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
            warnings: window.warnings,
            failures: &window.failures,
            codes,
            set_aside,
            strip,
            remotes: &window.remotes,
            latency: LatencyLine::new(&window.latency, hdr),
            failed_latency: WireHistogram::new(&window.failed_latency, hdr),
            lag: WireHistogram::new(&window.lag, hdr),
        }
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

/// Decodes what [`WindowLine`] encodes: the members of a line between its kind and its checksum.
pub(super) fn decode(members: &str, scratch: &mut Scratch) -> Result<Window, LineError> {
    let mut fields = Fields::default();
    Json::new(members).members(|json, name| fields.member(json, name, scratch))?;
    fields.window()
}

/// The members of a line that have been read so far.
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
    warnings: u64,
    failures: BTreeMap<FailureClass, u64>,
    codes: BTreeMap<KindName, u64>,
    set_aside: BTreeMap<KindName, u64>,
    strip: Cow<'l, str>,
    remotes: Remotes,
    latency: Latency,
    failed_latency: Histogram,
    lag: Histogram,
}

impl<'l> Fields<'l> {
    fn member(&mut self, json: &mut Json<'l>, name: &str, scratch: &mut Scratch) -> Result<(), LineError> {
        match name {
            "vantage" => self.vantage = Some(json.word(|name| scratch.names.get(name))?),
            "probe" => self.probe = Some(json.word(|name| scratch.names.get(name))?),
            "surface" => self.surface = Some(json.word(|name| scratch.names.get(name))?),
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
            "warnings" => self.warnings = read_count(json)?,
            "failures" => json.object(|json, name| {
                let class = class_named(name).ok_or(LineError::Corrupt)?;
                self.failures.insert(class, read_count(json)?);
                Ok(())
            })?,
            "codes" => read_kinds(json, &mut self.codes)?,
            "set_aside" => read_kinds(json, &mut self.set_aside)?,
            "remotes" => remotes::read(json, &mut self.remotes)?,
            "strip" => self.strip = json.string()?,
            "latency" => read_latency(json, &mut self.latency, scratch)?,
            "failed_latency" => self.failed_latency = histogram::read(json, scratch)?,
            "lag" => self.lag = histogram::read(json, scratch)?,
            _ => json.skip()?,
        }
        Ok(())
    }

    /// The window. An error if a required member is missing or if members contradict each other.
    fn window(self) -> Result<Window, LineError> {
        let (Some(vantage), Some(probe), Some(surface)) = (self.vantage, self.probe, self.surface) else {
            return Err(LineError::Corrupt);
        };
        let (Some(from), Some(to)) = (self.from, self.to) else { return Err(LineError::Corrupt) };
        let kinds = kinds_in_order(self.failures.keys().copied(), self.codes.keys(), self.set_aside.keys());
        let strip = Strip::from_text(&self.strip, from, &kinds).map_err(|_| LineError::Corrupt)?;
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
            warnings: self.warnings,
            failures: self.failures,
            codes: self
                .codes
                .iter()
                .filter_map(|(kind, count)| Some(((kind.class, kind.code?.get()), *count)))
                .collect(),
            set_aside: self
                .set_aside
                .iter()
                .map(|(kind, count)| ((kind.class, kind.code.map(NonZero::get)), *count))
                .collect(),
            strip,
            remotes: self.remotes,
            latency: self.latency,
            failed_latency: self.failed_latency,
            lag: self.lag,
        })
    }
}

fn read_latency(json: &mut Json<'_>, latency: &mut Latency, scratch: &mut Scratch) -> Result<(), LineError> {
    json.object(|json, name| {
        let slot = match name {
            "total" => &mut latency.total,
            // The line's checksum is right, so that what is passed over here is what was written.
            _ if scratch.detail == LatencyDetail::Total => return json.skip(),
            "resolve" => &mut latency.resolve,
            "connect" => &mut latency.connect,
            "tls" => &mut latency.tls,
            "processing" => &mut latency.processing,
            "transfer" => &mut latency.transfer,
            _ => return json.skip(),
        };
        *slot = histogram::read(json, scratch)?;
        Ok(())
    })
}
