//! Which data of a journal goes into which table. Columns are added at the end and never renamed.

use crate::model::{FailureClass, Outcome, Phase};
use crate::window::{Histogram, Window};

use super::table::CellValue::{Flag, Instant, Nothing, Number, Text};
use super::table::{CellValue, ColumnKind, Table, TableShape};

/// One row per window: its counts, and of each histogram the exact numbers that buckets lose.
pub(super) static WINDOWS: TableShape = TableShape {
    name: "windows",
    columns: &[
        ("probe", ColumnKind::Text),
        ("surface", ColumnKind::Text),
        ("control", ColumnKind::Flag),
        ("maintenance", ColumnKind::Flag),
        ("insecure", ColumnKind::Flag),
        ("starts_at", ColumnKind::Instant),
        ("ends_at", ColumnKind::Instant),
        ("scheduled", ColumnKind::Number),
        ("up", ColumnKind::Number),
        ("down", ColumnKind::Number),
        ("unknown", ColumnKind::Number),
        ("missed", ColumnKind::Number),
        ("flaky", ColumnKind::Number),
        ("warnings", ColumnKind::Number),
        ("total_count", ColumnKind::Number),
        ("total_min_us", ColumnKind::OptionalNumber),
        ("total_max_us", ColumnKind::OptionalNumber),
        ("total_sum_us", ColumnKind::Number),
        ("resolve_count", ColumnKind::Number),
        ("resolve_min_us", ColumnKind::OptionalNumber),
        ("resolve_max_us", ColumnKind::OptionalNumber),
        ("resolve_sum_us", ColumnKind::Number),
        ("connect_count", ColumnKind::Number),
        ("connect_min_us", ColumnKind::OptionalNumber),
        ("connect_max_us", ColumnKind::OptionalNumber),
        ("connect_sum_us", ColumnKind::Number),
        ("tls_count", ColumnKind::Number),
        ("tls_min_us", ColumnKind::OptionalNumber),
        ("tls_max_us", ColumnKind::OptionalNumber),
        ("tls_sum_us", ColumnKind::Number),
        ("processing_count", ColumnKind::Number),
        ("processing_min_us", ColumnKind::OptionalNumber),
        ("processing_max_us", ColumnKind::OptionalNumber),
        ("processing_sum_us", ColumnKind::Number),
        ("transfer_count", ColumnKind::Number),
        ("transfer_min_us", ColumnKind::OptionalNumber),
        ("transfer_max_us", ColumnKind::OptionalNumber),
        ("transfer_sum_us", ColumnKind::Number),
        ("failed_count", ColumnKind::Number),
        ("failed_min_us", ColumnKind::OptionalNumber),
        ("failed_max_us", ColumnKind::OptionalNumber),
        ("failed_sum_us", ColumnKind::Number),
        ("lag_count", ColumnKind::Number),
        ("lag_min_us", ColumnKind::OptionalNumber),
        ("lag_max_us", ColumnKind::OptionalNumber),
        ("lag_sum_us", ColumnKind::Number),
    ],
};

/// The buckets of the windows' histograms. Equal bounds are the same bucket in every window, so that adding counts
/// merges histograms; no bucket is wider than a thousandth of its bound.
pub(super) static BUCKETS: TableShape = TableShape {
    name: "buckets",
    columns: &[
        ("probe", ColumnKind::Text),
        ("surface", ColumnKind::Text),
        ("control", ColumnKind::Flag),
        ("maintenance", ColumnKind::Flag),
        ("starts_at", ColumnKind::Instant),
        ("phase", ColumnKind::Text),
        ("upper_us", ColumnKind::GrowingNumber),
        ("count", ColumnKind::Number),
    ],
};

/// The checks of the windows in order: each row is a number of equally spaced checks with the same result.
pub(super) static RUNS: TableShape = TableShape {
    name: "runs",
    columns: &[
        ("probe", ColumnKind::Text),
        ("surface", ColumnKind::Text),
        ("control", ColumnKind::Flag),
        ("maintenance", ColumnKind::Flag),
        ("first_at", ColumnKind::Instant),
        ("last_at", ColumnKind::Instant),
        ("verdict", ColumnKind::Text),
        ("class", ColumnKind::OptionalText),
        ("code", ColumnKind::OptionalNumber),
        ("own_class", ColumnKind::OptionalText),
        ("count", ColumnKind::Number),
    ],
};

/// The failed checks whose evidence was kept: the first few of each class in a window.
pub(super) static FAILURES: TableShape = TableShape {
    name: "failures",
    columns: &[
        ("probe", ColumnKind::Text),
        ("surface", ColumnKind::Text),
        ("control", ColumnKind::Flag),
        ("maintenance", ColumnKind::Flag),
        ("due_at", ColumnKind::Instant),
        ("began_at", ColumnKind::Instant),
        ("verdict", ColumnKind::Text),
        ("class", ColumnKind::OptionalText),
        ("phase", ColumnKind::OptionalText),
        ("code", ColumnKind::OptionalNumber),
        ("message", ColumnKind::OptionalText),
        ("step", ColumnKind::OptionalText),
        ("url", ColumnKind::OptionalText),
        ("address", ColumnKind::OptionalText),
        ("total_us", ColumnKind::Number),
    ],
};

/// The histograms of a window with their names, in the order of the columns.
fn histograms(window: &Window) -> impl Iterator<Item = (&'static str, &Histogram)> {
    let phases = Phase::ALL.into_iter().map(|phase| (phase.name(), window.latency.phase(phase)));
    let others = [("failed", &window.failed_latency), ("lag", &window.lag)];
    std::iter::once(("total", &window.latency.total)).chain(phases).chain(others)
}

pub(super) fn window(window: &Window, table: &mut Table) {
    let counts = &window.counts;
    let of_window = [
        Text(&window.probe),
        Text(&window.surface),
        Flag(window.control),
        Flag(window.maintenance),
        Flag(window.insecure),
        Instant(window.from),
        Instant(window.to),
        Number(counts.scheduled()),
        Number(counts.up),
        Number(counts.down),
        Number(counts.unknown),
        Number(counts.missed),
        Number(window.flaky),
        Number(window.warnings),
    ];
    let of_histograms = histograms(window).flat_map(|(_, histogram)| {
        let [min, max] = [histogram.min_micros(), histogram.max_micros()].map(number);
        [Number(histogram.count()), min, max, Number(histogram.sum_micros())]
    });
    table.push(of_window.into_iter().chain(of_histograms));
}

pub(super) fn buckets(window: &Window, table: &mut Table) {
    for (phase, histogram) in histograms(window) {
        let mut buckets = histogram.bounds().peekable();
        while let Some((upper, mut count)) = buckets.next() {
            while let Some((_, more)) = buckets.next_if(|(next, _)| *next == upper) {
                count += more;
            }
            table.push([
                Text(&window.probe),
                Text(&window.surface),
                Flag(window.control),
                Flag(window.maintenance),
                Instant(window.from),
                Text(phase),
                Number(upper.unwrap_or(u64::MAX)),
                Number(count),
            ]);
        }
    }
}

pub(super) fn runs(window: &Window, table: &mut Table) {
    for run in window.strip.runs() {
        table.push([
            Text(&window.probe),
            Text(&window.surface),
            Flag(window.control),
            Flag(window.maintenance),
            Instant(run.from),
            Instant(run.to),
            Text(run.verdict.name()),
            text(run.class.map(FailureClass::name)),
            number(run.code.map(|code| u64::from(code.get()))),
            text(run.own_class.map(FailureClass::name)),
            Number(run.count),
        ]);
    }
}

pub(super) fn failure(outcome: &Outcome, table: &mut Table) {
    let failure = outcome.failure.as_ref();
    let address = outcome.remote.map(|remote| remote.to_string());
    table.push([
        Text(&outcome.probe),
        Text(&outcome.surface),
        Flag(outcome.control),
        Flag(outcome.maintenance),
        Instant(outcome.scheduled_at),
        Instant(outcome.started_at),
        Text(outcome.verdict.name()),
        text(failure.map(|failure| failure.class.name())),
        text(failure.and_then(|failure| failure.phase).map(Phase::name)),
        number(outcome.code().map(u64::from)),
        text(failure.map(|failure| failure.message.as_str())),
        text(failure.and_then(|failure| failure.step.as_deref())),
        text(outcome.evidence.as_ref().map(|evidence| evidence.url.as_str())),
        text(address.as_deref()),
        Number(crate::model::micros::of(outcome.timings.total)),
    ]);
}

fn text(text: Option<&str>) -> CellValue<'_> {
    text.map_or(Nothing, Text)
}

fn number(number: Option<u64>) -> CellValue<'static> {
    number.map_or(Nothing, Number)
}
