//! What all charts share: a figure with its caption and text alternative, one axis of time, and the
//! shading of incidents.

use jiff::Timestamp;

use super::scale::{TimeScale, coordinate};
use super::writer::HtmlWriter;
use crate::model::SafeText;
use crate::render::phrases::{instants, time_zone};
use crate::report::Report;

/// The width of a chart in its own units.
pub(super) const WIDTH: f64 = 1000.0;
/// Left edge of the time axis: labels stand on its left.
pub(super) const LEFT: f64 = 120.0;
/// Right edge of the time axis.
pub(super) const RIGHT: f64 = 988.0;
/// The height of the axis of time.
pub(super) const AXIS: f64 = 26.0;

/// A figure: where it is, what it shows, and how to read it.
pub(super) struct Figure<'f> {
    /// Unique on the page.
    pub(super) id: &'f str,
    /// What it shows, in a few words.
    pub(super) title: &'f str,
    /// What is to be seen, for those who cannot see it.
    pub(super) description: &'f str,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Figure<'_> {
    /// Writes the figure with what `draw` puts into it.
    pub(super) fn write(&self, page: &mut HtmlWriter, draw: impl FnOnce(&mut HtmlWriter)) {
        self.open(if self.width < WIDTH { "scroll half" } else { "scroll" }, page);
        self.drawing(page, draw);
        page.close("div");
        page.line();
    }

    /// The same with names above its rows, which are the group of the id `names` among its definitions: they stay in
    /// sight, too, and may be wider than what stands left of the time.
    pub(super) fn over_time_named(&self, names: &str, page: &mut HtmlWriter, draw: impl FnOnce(&mut HtmlWriter)) {
        self.scrolled(Some(names), page, draw);
    }

    /// The same for a chart over time. Where it is wider than the screen it opens at its end, which is what
    /// people look for, and what stands left of the time stays in sight: drawn again, over the chart.
    pub(super) fn over_time(&self, page: &mut HtmlWriter, draw: impl FnOnce(&mut HtmlWriter)) {
        self.scrolled(None, page, draw);
    }

    fn scrolled(&self, names: Option<&str>, page: &mut HtmlWriter, draw: impl FnOnce(&mut HtmlWriter)) {
        self.open("scroll time", page);
        let chart = format!("{}-chart", self.id);
        self.drawing(page, |page| {
            page.open("g", &[("id", &chart)]);
            draw(page);
            page.close("g");
        });
        let view = format!("0 0 {} {}", coordinate(LEFT - 1.0), coordinate(self.height));
        page.open("svg", &[("class", "left"), ("viewBox", &view), ("aria-hidden", "true")]);
        page.leaf("use", &[("href", &format!("#{chart}"))]);
        page.close("svg");
        if let Some(names) = names {
            page.open("svg", &[("class", "left names"), ("viewBox", &view), ("aria-hidden", "true")]);
            page.leaf("use", &[("href", &format!("#{names}"))]);
            page.close("svg");
        }
        page.close("div");
        page.line();
    }

    fn open(&self, class: &str, page: &mut HtmlWriter) {
        page.open("div", &[("class", class), ("tabindex", "0"), ("role", "region"), ("aria-label", self.title)]);
    }

    fn drawing(&self, page: &mut HtmlWriter, draw: impl FnOnce(&mut HtmlWriter)) {
        let (title, description) = (format!("{}-title", self.id), format!("{}-text", self.id));
        let view = format!("0 0 {} {}", coordinate(self.width), coordinate(self.height));
        let labelled = format!("{title} {description}");
        page.open("svg", &[("viewBox", &view), ("role", "img"), ("aria-labelledby", &labelled)]);
        page.element("title", &[("id", &title)], self.title);
        page.element("desc", &[("id", &description)], self.description);
        draw(page);
        page.close("svg");
    }
}

/// The scale of time of a report's charts.
pub(super) fn time_scale(report: &Report) -> TimeScale {
    TimeScale::new(drawn_from(report), report.window.to, LEFT, RIGHT)
}

/// Where charts begin: with the window, or where data begins, where that is later by more than a tenth of it.
pub(super) fn drawn_from(report: &Report) -> Timestamp {
    let window = &report.window;
    let first = report.series.iter().map(|point| point.t).min().unwrap_or(window.from).max(window.from);
    let (empty, all) = (first.duration_since(window.from), window.to.duration_since(window.from));
    if empty * 10 > all { first } else { window.from }
}

/// Start and end of a bucket, within the window.
pub(super) fn bucket(report: &Report, begin: Timestamp) -> (Timestamp, Timestamp) {
    let length = jiff::SignedDuration::from_secs(i64::try_from(report.window.bucket_s).unwrap_or(i64::MAX));
    let end = begin.saturating_add(length).unwrap_or(Timestamp::MAX);
    (begin.max(report.window.from), end.min(report.window.to))
}

/// Vertical lines at named instants, and their names below `bottom`.
pub(super) fn time_axis(report: &Report, top: f64, bottom: f64, page: &mut HtmlWriter) {
    let times = time_scale(report);
    let (top_at, bottom_at, name_at) = (coordinate(top), coordinate(bottom), coordinate(bottom + 17.0));
    page.open("g", &[("class", "axis")]);
    for (instant, name) in times.ticks(9, &time_zone(report)) {
        let x = times.at(instant);
        let at = coordinate(x);
        page.leaf("line", &[("x1", &at), ("x2", &at), ("y1", &top_at), ("y2", &bottom_at)]);
        let anchor = if x < LEFT + 20.0 {
            "start"
        } else if x > RIGHT - 24.0 {
            "end"
        } else {
            "middle"
        };
        page.element("text", &[("x", &at), ("y", &name_at), ("text-anchor", anchor)], &name);
    }
    page.close("g");
}

/// A horizontal line at a value of the left axis, and its name.
pub(super) fn level(y: f64, right: f64, name: &str, page: &mut HtmlWriter) {
    let at = coordinate(y);
    page.open("g", &[("class", "axis")]);
    page.leaf("line", &[("x1", &coordinate(LEFT)), ("x2", &coordinate(right)), ("y1", &at), ("y2", &at)]);
    page.element("text", &[("x", &coordinate(LEFT - 8.0)), ("y", &coordinate(y + 4.0)), ("text-anchor", "end")], name);
    page.close("g");
}

/// Shades the waves of the incidents of one surface, or of all.
pub(super) fn shade(report: &Report, surface: Option<&SafeText>, top: f64, bottom: f64, page: &mut HtmlWriter) {
    let times = time_scale(report);
    let clock = instants(report);
    for (number, incident) in report.incidents.iter().enumerate() {
        if surface.is_some_and(|surface| !incident.surfaces.contains(surface)) {
            continue;
        }
        for (wave_number, wave) in incident.waves.iter().enumerate() {
            let start = times.at(wave.start.after.unwrap_or(wave.start.by));
            let end = times.at(wave.end.map_or(report.window.to, |end| end.by));
            let says = format!(
                "incident {}, wave {}: {}",
                number + 1,
                wave_number + 1,
                clock.stretch(&wave.start, wave.end.as_ref())
            );
            let width = (end - start).max(1.5);
            page.pointed(
                "rect",
                &[
                    ("class", "incident"),
                    ("x", &coordinate(start)),
                    ("y", &coordinate(top)),
                    ("width", &coordinate(width)),
                    ("height", &coordinate(bottom - top)),
                ],
                &says,
            );
        }
    }
}
