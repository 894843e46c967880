//! The objectives, how much of the error budget is used, and how fast it burns.

use std::time::Duration;

use super::table;
use super::writer::HtmlWriter;
use crate::format;
use crate::render::phrases;
use crate::report::Report;
use crate::report::document::slo::{AvailabilitySlo, Burn, LatencySlo};

pub(super) fn write(report: &Report, page: &mut HtmlWriter) {
    for row in &report.surfaces {
        let Some(slo) = &row.slo else { continue };
        page.open("article", &[("class", "card")]);
        page.element("h3", &[], row.label().as_str());
        if let Some(availability) = &slo.availability {
            promised(availability, page);
        }
        if let Some(latency) = &slo.latency {
            fast_enough(latency, page);
        }
        page.close("article");
    }
}

fn promised(slo: &AvailabilitySlo, page: &mut HtmlWriter) {
    let over = format::duration(Duration::from_secs(slo.over_s));
    let used = format::budget(slo.budget_used);
    let bound = if slo.span_seen < 0.995 { "at least " } else { "" };
    let mut sentence = format!(
        "{} of checks over {over} were promised. {} of {} failed: the error budget of the whole span is used {bound}{used}.",
        format::ratio(slo.objective),
        format::count(slo.failed),
        format::count(slo.judged)
    );
    if slo.span_seen < 0.995 {
        sentence.push_str(&format!(" There is data for {} of the span.", format::ratio(slo.span_seen)));
    }
    if !slo.provable {
        sentence.push_str(&format!(
            " So few checks cannot show this objective, even had all been up: that takes {}.",
            format::count(slo.checks_needed)
        ));
    }
    page.element("p", &[], &sentence);
    let headings = ["windows", "fires above", "long", "failed", "short", "failed", "verdict"].map(str::to_owned);
    let numeric = [false, true, true, true, true, true, false];
    table::columns("Burn rates: 1 spends the budget in exactly the promised span", &headings, &numeric, page, |rows| {
        for burn in &slo.burn {
            let length = |seconds| format::duration(Duration::from_secs(seconds));
            let rate = |rate: Option<f64>| rate.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.0}×"));
            rows.row([
                format!("{} and {}", length(burn.long_s), length(burn.short_s)),
                format!("{}×", burn.threshold),
                rate(burn.long_burn),
                format!("{} of {}", format::count(burn.long_failed), format::count(burn.long_judged)),
                rate(burn.short_burn),
                format!("{} of {}", format::count(burn.short_failed), format::count(burn.short_judged)),
                verdict(burn),
            ]);
        }
    });
}

fn verdict(burn: &Burn) -> String {
    match burn.why_unjudged() {
        Some(why) => format!("not judged: {why}"),
        None if burn.firing => burn.severity.to_owned(),
        None => "fine".to_owned(),
    }
}

fn fast_enough(slo: &LatencySlo, page: &mut HtmlWriter) {
    let under = format::duration(Duration::from_micros(slo.under_us));
    let found = match slo.ratio {
        Some(ratio) => format!(
            "{} of {} were ({})",
            format::ratio(ratio),
            format::counted(slo.checks, "up check"),
            phrases::interval(slo.ci95)
        ),
        None => "no up check was measured".to_owned(),
    };
    let verdict = if slo.missed { "Missed" } else { "Not missed for certain" };
    page.element(
        "p",
        &[],
        &format!("{} of checks under {under} were promised; {found}. {verdict}.", format::ratio(slo.objective)),
    );
}
