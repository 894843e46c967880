//! How the page was made, what must not be concluded from it, and the data itself.

use std::time::Duration;

use super::table;
use super::writer::HtmlWriter;
use crate::format;
use crate::render::phrases::instants;
use crate::report::Report;

/// The most bytes of data in the page, so that it can be mailed; the command line has the rest.
const DATA_LIMIT: usize = 120_000;

pub(super) fn write(report: &Report, page: &mut HtmlWriter) {
    asked(report, page);
    not_seen(report, page);
    page.raw("<h3>What must not be concluded</h3><ul class=\"plain\">");
    for limit in &report.limits {
        page.element("li", &[], limit);
    }
    page.raw("<li>From outside, many causes look alike. Nothing here says who, or why.</li></ul>\n");
    formulae(page);
}

/// How often the probes ran, and what this many checks can show.
fn asked(report: &Report, page: &mut HtmlWriter) {
    let mut cadences: Vec<u64> = report.probes.iter().filter_map(|row| row.cadence_ms).collect();
    cadences.sort_unstable();
    cadences.dedup();
    let every = match (cadences.first(), cadences.last()) {
        (Some(first), Some(last)) if first != last => {
            format!(
                "every {} to {}",
                format::duration(Duration::from_millis(*first)),
                format::duration(Duration::from_millis(*last))
            )
        }
        (Some(only), _) => format!("every {}", format::duration(Duration::from_millis(*only))),
        _ => "at no regular interval".to_owned(),
    };
    let probes = format::counted(report.probes.len() as u64, "probe");
    let vantages = format::counted(report.vantages.len() as u64, "vantage");
    page.element(
        "p",
        &[],
        &format!(
            "{probes} ran {every} from {vantages}. A change of state happened between two checks; both are given."
        ),
    );
    if let Some(shown) = report.proof.at_least {
        let mut sentence = format!(
            "{} of {} failed, which shows an availability of at least {} for the moments asked about (95% confidence)",
            format::count(report.proof.down),
            format::counted(report.proof.checks, "check"),
            format::ratio_floor(shown)
        );
        if let (Some(promise), Some(needs)) = (report.proof.not_shown, report.proof.not_shown_needs) {
            sentence.push_str(&format!(
                "; showing {} takes {} checks without a failure",
                format::ratio(promise),
                format::count(needs)
            ));
        }
        page.element("p", &[], &format!("{sentence}."));
    }
}

fn not_seen(report: &Report, page: &mut HtmlWriter) {
    let clock = instants(report);
    let lag = &report.lag_us;
    let time = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), format::duration);
    page.element(
        "p",
        &[],
        &format!(
            "Checks started late by p50 {}, p99 {}, at most {}. That is the prober's own delay; no latency here contains it.",
            time(lag.p50),
            time(lag.p99),
            time(lag.max)
        ),
    );
    if report.no_data.is_empty() {
        if let Some(ratio) = report.coverage.ratio {
            let made = if ratio < 1.0 {
                format!("No gap in the data; {} of the checks that were due were made.", format::ratio(ratio))
            } else {
                "Data is complete: every check that was due was made.".to_owned()
            };
            page.element("p", &[], &made);
        }
        return;
    }
    let headings = ["vantage", "no data from", "to", "because"].map(str::to_owned);
    table::columns("Gaps in the data: neither up nor down", &headings, &[false; 4], page, |rows| {
        for gap in report.no_data.iter().take(100) {
            let why = if gap.clock_jump { "the machine slept or its clock was set" } else { "not known" };
            rows.row([gap.vantage.to_string(), clock.at(gap.from), clock.at(gap.to), why.to_owned()]);
        }
    });
}

fn formulae(page: &mut HtmlWriter) {
    page.raw(concat!(
        "<details><summary>Rules and formulae</summary><ul class=\"plain\">",
        "<li>Failed ratio = down / (up + down). Checks that were missed or could not be judged count as neither.</li>",
        "<li>Intervals are Wilson's score intervals at 95%. They take checks as independent, which failures are not: read them as the narrowest they can be.</li>",
        "<li>A surface is called worse than another where Fisher's exact test, two-sided, gives p ≤ 0.05.</li>",
        "<li>Percentiles are of merged HdrHistograms, never means of percentiles, and absent where the samples are too few to bound them: p50 needs 5, p90 29, p95 59, p99 299.</li>",
        "<li>Latency is that of up checks. The time to fail and the prober's own delay are kept apart.</li>",
        "<li>An incident opens on failures in a row or on a share of the last checks; each incident names its rule. It closes after good checks in a row on every surface that opened it. An outage soon after another is a wave of the same incident.</li>",
        "<li>Impact is the failed ratio integrated over time: equivalent minutes of full outage.</li>",
        "<li>Usual is the same hour of the day on earlier days of the journal, median; failures are unusual beyond the 99.9th percentile of a Poisson distribution around it.</li>",
        "<li>Flapping is Nagios' weighted percentage of state changes over the last 21 checks.</li>",
        "<li>A vantage whose control targets all fail is set aside: the vantage itself was offline.</li>",
        "<li>Confidence is high where at least two vantages agree, control targets answer, the interval is at most ±10 points and coverage is at least 90%; one of these missing makes it medium, more make it low.</li>",
        "</ul></details>\n",
    ));
}

/// The data: in full if it fits, otherwise without the longest parts, which are named.
pub(super) fn data(report: &Report, page: &mut HtmlWriter) {
    let whole = serde_json::to_value(report).unwrap_or_default();
    let (document, left_out) = fitting(whole);
    let note = match left_out.len() {
        0 => "The whole answer is in this page as JSON, in the script element with the id uptick-report".to_owned(),
        _ => format!(
            "The answer is in this page as JSON, in the script element with the id uptick-report, without {} to keep the page small",
            left_out.join(", ")
        ),
    };
    page.element(
        "p",
        &[],
        &format!("{note}. The same document comes from uptick report --format json, as CSV from --format csv."),
    );
    let integrity = &report.integrity;
    let read = format!(
        "Read: {}, {} and {} before, {} of evidence, {} corrupt, {} of a newer version, {}.",
        format::counted(integrity.journals, "journal"),
        format::counted(integrity.windows, "window"),
        format::count(integrity.history_windows),
        format::counted(integrity.failures, "line"),
        format::counted(integrity.corrupt_lines, "line"),
        format::count(integrity.newer_lines),
        format::counted(integrity.torn_tails, "torn end"),
    );
    page.element("p", &[], &read);
    page.raw("<script type=\"application/json\" id=\"uptick-report\">");
    page.json(&document);
    page.raw("</script>\n");
}

/// The document as text, within the limit: long and dispensable parts are removed first. Also
/// returns their names.
fn fitting(mut document: serde_json::Value) -> (String, Vec<&'static str>) {
    const DISPENSABLE: [&str; 4] = ["series", "expectations", "places", "probes"];
    let mut left_out = Vec::new();
    let mut text = document.to_string();
    for name in DISPENSABLE {
        if text.len() <= DATA_LIMIT {
            break;
        }
        if let Some(object) = document.as_object_mut() {
            object.remove(name);
            left_out.push(name);
        }
        text = document.to_string();
    }
    (text, left_out)
}
