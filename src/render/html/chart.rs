//! Parts that all charts share: a figure with its caption and text alternative, a time axis, and
//! the shading of incidents.

use jiff::{SignedDuration, Timestamp};

use super::scale::{TimeScale, coordinate};
use super::writer::HtmlWriter;
use crate::model::SafeText;
use crate::render::phrases::{instants, time_zone};
use crate::report::{Incident, Report, Wave};

/// The width of a chart in its own units.
pub(super) const WIDTH: f64 = 1000.0;
/// The left edge of the time axis; labels are to its left.
pub(super) const LEFT: f64 = 120.0;
/// Right edge of the time axis.
pub(super) const RIGHT: f64 = 988.0;
/// The height of the time axis.
pub(super) const AXIS: f64 = 26.0;

/// A figure: its id, title, description and size.
pub(super) struct Figure<'f> {
    /// Unique on the page.
    pub(super) id: &'f str,
    /// What it shows, in a few words.
    pub(super) title: &'f str,
    /// What can be seen in it, for those who cannot see it.
    pub(super) description: &'f str,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Figure<'_> {
    /// Writes the figure with the content that `draw` adds.
    pub(super) fn write(&self, page: &mut HtmlWriter, draw: impl FnOnce(&mut HtmlWriter)) {
        self.open(if self.width < WIDTH { "scroll half" } else { "scroll" }, page);
        self.drawing(page, draw);
        page.close("div");
        page.line();
    }

    /// Like [`Figure::over_time`], with the names of the rows above them. They are the group with
    /// the id `names` in the chart; they stay visible too, and may be wider than the area left of
    /// the time axis.
    pub(super) fn over_time_named(&self, names: &str, page: &mut HtmlWriter, draw: impl FnOnce(&mut HtmlWriter)) {
        self.scrolled(Some(names), page, draw);
    }

    /// Writes a chart over time. If it is wider than the screen, it is scrolled to its end, which
    /// is what people look for; the area left of the time axis stays visible, because it is drawn
    /// again over the chart.
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

/// A report, and the part of its range that charts show.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChartView<'r> {
    pub(super) report: &'r Report,
    from: Timestamp,
    to: Timestamp,
}

impl<'r> ChartView<'r> {
    /// The whole range. If more than a tenth of it is empty at its start, the view starts at the
    /// first data.
    pub(super) fn whole(report: &'r Report) -> ChartView<'r> {
        let window = &report.window;
        let first = report.series.iter().map(|point| point.t).min().unwrap_or(window.from).max(window.from);
        let (empty, all) = (first.duration_since(window.from), window.to.duration_since(window.from));
        let from = if empty * 10 > all { first } else { window.from };
        ChartView { report, from, to: window.to }
    }

    /// The initial view of a page: the period that the first line is about, with enough around it
    /// to show what is usual. The whole range if that is only a little more.
    pub(super) fn opening(report: &'r Report) -> ChartView<'r> {
        /// A chart with fewer buckets is hard to read.
        const BUCKETS: u64 = 32;
        let whole = ChartView::whole(report);
        let Some((from, to)) = headline_period(report) else { return whole };
        let (from, to) = (from.clamp(whole.from, whole.to), to.clamp(whole.from, whole.to));
        let length = to.duration_since(from);
        let readable = seconds(report.window.bucket_s.saturating_mul(BUCKETS));
        let around = (length / 2).max((readable - length) / 2);
        // A period that lasts until now has nothing after it, so all the room goes before it.
        let before = if to < whole.to { around } else { around.max(readable - length) };
        let view = ChartView {
            from: from.saturating_sub(before).unwrap_or(whole.from).max(whole.from),
            to: to.saturating_add(around).unwrap_or(whole.to).min(whole.to),
            ..whole
        };
        let is_near = view.length() * 3 > whole.length() * 2;
        if is_near { whole } else { view }
    }

    /// Whether the view is only a part of the range.
    pub(super) fn is_zoomed(&self) -> bool {
        self.length() < ChartView::whole(self.report).length()
    }

    /// The range of the view, in the format of the report's range.
    pub(super) fn span(&self) -> String {
        instants(self.report).range(self.from, self.to)
    }

    fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    /// The scale of time.
    pub(super) fn times(&self) -> TimeScale {
        TimeScale::new(self.from, self.to, LEFT, RIGHT)
    }

    /// Start and end of a bucket, clipped to the view; `None` if it is outside.
    pub(super) fn bucket(&self, begin: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let end = begin.saturating_add(seconds(self.report.window.bucket_s)).unwrap_or(Timestamp::MAX);
        self.drawn(begin, end)
    }

    /// Start and end of a wave, clipped to the view; `None` if it is outside.
    pub(super) fn wave(&self, wave: &Wave) -> Option<(Timestamp, Timestamp)> {
        let end = wave.end.map_or(self.report.window.to, |end| end.by);
        self.drawn(wave.start.after.unwrap_or(wave.start.by), end)
    }

    fn drawn(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        (from < self.to && to > self.from).then(|| (from.max(self.from), to.min(self.to)))
    }

    /// Vertical lines at labelled instants, with the labels below `bottom`.
    pub(super) fn time_axis(&self, top: f64, bottom: f64, page: &mut HtmlWriter) {
        let times = self.times();
        let (top_at, bottom_at, name_at) = (coordinate(top), coordinate(bottom), coordinate(bottom + 17.0));
        page.open("g", &[("class", "axis")]);
        for (instant, name) in times.ticks(9, &time_zone(self.report)) {
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

    /// Shades the waves of the incidents of one surface; of all if `surface` is `None`.
    pub(super) fn shade(&self, surface: Option<&SafeText>, top: f64, bottom: f64, page: &mut HtmlWriter) {
        let times = self.times();
        let clock = instants(self.report);
        for (number, incident) in self.report.incidents.iter().enumerate() {
            if surface.is_some_and(|surface| !incident.surfaces.contains(surface)) {
                continue;
            }
            for (wave_number, wave) in incident.waves.iter().enumerate() {
                let Some((from, to)) = self.wave(wave) else { continue };
                let (start, end) = (times.at(from), times.at(to));
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
}

/// The period that the first line is about: the current failure, or the worst incident that is
/// over. `None` if there is neither.
fn headline_period(report: &Report) -> Option<(Timestamp, Timestamp)> {
    let verdict = &report.verdict;
    let to = report.window.to;
    if verdict.state.is_failing() {
        return Some((verdict.incident_since.or(verdict.since)?.by, to));
    }
    let unseen = Incident::unseen(&report.incidents).map(|(incident, _)| incident);
    let worst = unseen.or_else(|| Incident::worst(&report.incidents))?;
    Some((worst.start.by, worst.end.map_or(to, |end| end.by)))
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// A horizontal line at a value of the left axis, with its label.
pub(super) fn level(y: f64, right: f64, name: &str, page: &mut HtmlWriter) {
    let at = coordinate(y);
    page.open("g", &[("class", "axis")]);
    page.leaf("line", &[("x1", &coordinate(LEFT)), ("x2", &coordinate(right)), ("y1", &at), ("y2", &at)]);
    page.element("text", &[("x", &coordinate(LEFT - 8.0)), ("y", &coordinate(y + 4.0)), ("text-anchor", "end")], name);
    page.close("g");
}
