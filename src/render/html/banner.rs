//! The head of the page: the first line of the answer, how confident each claim is and why, and the
//! facts that people ask for next.

use super::table;
use super::writer::HtmlWriter;
use crate::format;
use crate::render::phrases;
use crate::render::phrases::instants;
use crate::report::{Answer, Confidence, Extent, Report, State};

pub(super) fn write(report: &Report, page: &mut HtmlWriter) {
    let verdict = &report.verdict;
    page.raw("<header id=\"top\"><a class=\"skip\" href=\"#main\">Skip to what happened</a>\n");
    page.open("div", &[("class", "over")]);
    page.raw("<strong>uptick report</strong>");
    page.element("span", &[], &phrases::span(report));
    page.element("span", &[], &format!("made {} UTC", format::date_time(report.generated_at)));
    page.close("div");
    page.open("div", &[("class", banner_class(verdict.state))]);
    page.open("div", &[("class", "chips")]);
    state(verdict.state, page);
    confidence(verdict.confidence, page);
    page.close("div");
    page.element("h1", &[], headline(verdict));
    if let Some(sentence) = phrases::insecure_sentence(report) {
        page.open("p", &[("class", "rest")]);
        page.element("strong", &[], &sentence);
        page.close("p");
    }
    for met in phrases::conditions_met(report) {
        page.open("p", &[("class", "rest")]);
        page.element("strong", &[], &format!("Fails on {met}"));
        page.close("p");
    }
    if let Some(passes) = phrases::let_pass(report) {
        page.element("p", &[("class", "rest")], &format!("Passes: {passes}"));
    }
    facts(report, page);
    page.open("ul", &[("class", "reasons"), ("aria-label", "How sure each claim is")]);
    for claim in &verdict.claims {
        page.element("li", &[], &format!("{} {}: {}", claim.claim.name(), claim.confidence, claim.reason));
    }
    page.close("ul");
    table::details("In full, with intervals", page, |page| page.element("p", &[("class", "rest")], &verdict.sentence));
    page.close("div");
    contents(report, page);
    page.raw("</header>\n");
}

/// The first line without the word for the state, which is beside it as a chip.
fn headline(verdict: &Answer) -> &str {
    let word = phrases::word(verdict.state);
    verdict.headline.strip_prefix(word).unwrap_or(&verdict.headline).trim_start()
}

const fn banner_class(state: State) -> &'static str {
    match state {
        State::Up => "banner up",
        State::Degraded => "banner degraded",
        State::Flapping => "banner flapping",
        State::Down => "banner down",
        State::Unknown => "banner unknown",
    }
}

/// A state as a chip: a word, a shape and a colour.
pub(crate) fn state(state: State, page: &mut HtmlWriter) {
    let (class, shape) = match state {
        State::Up => ("chip up", "M5.2 11.6 1.4 7.8l1.7-1.7 2.1 2.1 5.7-5.7 1.7 1.7z"),
        State::Degraded => ("chip degraded", "M7 1.5 13 12.5H1z"),
        State::Flapping => ("chip flapping", "M1 9.5l3-5 3 5 3-5 3 5h-2l-1-1.8-3 5-3-5-1 1.8z"),
        State::Down => ("chip down", "M3 1.2 7 5.2l4-4L12.8 3l-4 4 4 4-1.8 1.8-4-4-4 4L1.2 11l4-4-4-4z"),
        State::Unknown => (
            "chip unknown",
            "M5.9 9.2V8.1c0-1.4 2.3-1.9 2.3-3.2 0-.7-.5-1.2-1.3-1.2-.9 0-1.4.6-1.4 1.5H3.4C3.4 3 4.9 1.6 7 1.6c2 0 3.5 1.2 3.5 3.1 0 2.2-2.5 2.5-2.5 3.7v.8zm0 3.2v-2h2.1v2z",
        ),
    };
    page.open("span", &[("class", class)]);
    page.open("svg", &[("viewBox", "0 0 14 14"), ("aria-hidden", "true")]);
    page.leaf("path", &[("d", shape)]);
    page.close("svg");
    page.element("small", &[], "now");
    page.text(&format!(" {}", phrases::word(state)));
    page.close("span");
}

fn confidence(confidence: Confidence, page: &mut HtmlWriter) {
    let class = match confidence {
        Confidence::High => "chip high",
        Confidence::Medium => "chip medium",
        Confidence::Low => "chip low",
    };
    page.open("span", &[("class", class)]);
    // Three bars, filled according to the confidence.
    page.open("svg", &[("viewBox", "0 0 14 14"), ("aria-hidden", "true")]);
    for (at, bar) in ["M1 9h3v4H1z", "M5.5 5.5h3V13h-3z", "M10 2h3v11h-3z"].into_iter().enumerate() {
        let full = at <= confidence as usize;
        page.leaf("path", &[("d", bar), ("fill-opacity", if full { "1" } else { ".25" })]);
    }
    page.close("svg");
    page.text(&format!("confidence {confidence}"));
    page.close("span");
}

fn facts(report: &Report, page: &mut HtmlWriter) {
    let clock = instants(report);
    let verdict = &report.verdict;
    page.open("dl", &[("class", "facts")]);
    if let Some(wave) = &verdict.since {
        // As in the headline: the start of the incident, and of its current wave if that is a later
        // one.
        let incident = verdict.incident_since.as_ref().filter(|since| since.by < wave.by);
        let more = match (incident, &verdict.until) {
            (Some(_), _) => format!("this wave since {}", clock.bracket(wave)),
            (None, Some(until)) => format!("until {}", clock.bracket(until)),
            (None, None) => "ongoing".to_owned(),
        };
        fact(&format!("since ({})", phrases::zone(report)), &clock.bracket(incident.unwrap_or(wave)), &more, page);
    }
    if let Some(incident) = report.incident_told().or(report.incidents.last()) {
        let waves = phrases::incidents_phrase(report);
        let over = incident.end.is_some();
        let name = if over { "the last incident lasted" } else { "lasting" };
        fact(name, &phrases::length(incident), &waves, page);
        let impact: Vec<String> = incident
            .impact_minutes
            .iter()
            .map(|impact| format!("{} {}", phrases::label(report, &impact.surface), phrases::minutes(impact.minutes)))
            .collect();
        fact("its impact", &impact.join(" · "), "equivalent minutes of full outage", page);
    }
    if let Some(kind) = &verdict.kind {
        let phase = kind.phase.map(|phase| format!(" in {phase}")).unwrap_or_default();
        let name = phrases::class_name(kind.class, kind.status);
        let share = format!("{name} {} of {}{phase}", format::ratio(kind.share), format::counted(kind.of, "failure"));
        fact("what", &kind.phrase(), &share, page);
    }
    let extent = match verdict.scope.extent {
        Extent::Global => "seen from most vantages",
        Extent::Local => "seen from few vantages",
        Extent::Unclear => "cannot tell yet from how many places",
        Extent::SingleVantage => "probed from one vantage only",
        Extent::None => "nothing fails",
    };
    let seen =
        format!("{} of {}", verdict.scope.vantages.len(), format::counted(verdict.scope.vantages_judged, "vantage"));
    match verdict.state {
        State::Up => fact("where", "everywhere asked", extent, page),
        State::Unknown => {}
        _ => fact("where", &seen, extent, page),
    }
    if let Some(coverage) = report.coverage.ratio {
        let (observed, expected) = (format::count(report.coverage.observed), format::count(report.coverage.expected));
        fact("coverage", &format::ratio(coverage), &format!("{observed} of {expected} checks made"), page);
    }
    page.close("dl");
}

/// A tile: its name, its value, and a remark below.
pub(crate) fn fact(name: &str, value: &str, more: &str, page: &mut HtmlWriter) {
    page.open("div", &[]);
    page.element("dt", &[], name);
    page.open("dd", &[]);
    page.breakable(value);
    if !more.is_empty() {
        page.element("small", &[], more);
    }
    page.close("dd");
    page.close("div");
}

fn contents(report: &Report, page: &mut HtmlWriter) {
    page.raw("<nav aria-label=\"Contents\"><ul>");
    if !report.incidents.is_empty() {
        page.raw("<li><a href=\"#incidents\">Incidents</a></li>");
    }
    if !report.series.is_empty() {
        page.raw("<li><a href=\"#over-time\">Over time</a></li><li><a href=\"#usual\">Against usual</a></li>");
        page.raw("<li><a href=\"#kinds\">Failure classes</a></li><li><a href=\"#surfaces\">Surfaces</a></li>");
        page.raw("<li><a href=\"#latency\">Latency</a></li><li><a href=\"#breakdowns\">Breakdowns</a></li>");
    }
    if report.surfaces.iter().any(|row| row.slo.is_some()) {
        page.raw("<li><a href=\"#objectives\">Objectives</a></li>");
    }
    page.raw("<li><a href=\"#method\">Method and limits</a></li><li><a href=\"#data\">Data</a></li></ul></nav>\n");
}
