//! Badges: a name and a state in one small picture, and the same as JSON for shields.io, which
//! draws it in its own styles (<https://shields.io/badges/endpoint-badge>).

use std::io;
use std::io::Write;

use serde::Serialize;

use super::super::html::scale::coordinate;
use super::super::html::writer::HtmlWriter;
use super::page;
use crate::format;
use crate::report::{Report, State, SurfaceRow};

/// The height of a badge and the padding beside its texts, in units of its drawing.
const HEIGHT: f64 = 20.0;
const PADDING: f64 = 6.0;

/// How long a picture may be cached, in seconds; the minimum of shields.io.
const KEPT_S: u64 = 300;

/// Added if any certificate is accepted: then up does not mean that the right server answered.
const INSECURE: &str = ", insecure TLS";

/// The content of a badge.
pub(super) struct Badge<'b> {
    label: &'b str,
    message: String,
    state: State,
}

/// A badge in the format of shields.io's endpoint, which rejects unknown keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'b> {
    schema_version: u8,
    label: &'b str,
    message: &'b str,
    color: &'static str,
    cache_seconds: u64,
}

/// The badge of a report as a picture: of its surface if there is only one, otherwise of all.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    out.write_all(Badge::of_report(report).svg().as_bytes())
}

impl<'b> Badge<'b> {
    /// The badge of a surface: its state, and the share of checks that were up.
    pub(super) fn of_surface(row: &'b SurfaceRow, is_insecure: bool) -> Badge<'b> {
        let mut message = match row.figures.availability {
            Some(share) if row.state != State::Unknown => format!("{} {}", row.state, format::ratio_floor(share)),
            _ => row.state.to_string(),
        };
        if is_insecure {
            message.push_str(INSECURE);
        }
        Badge { label: row.label().as_str(), message, state: row.state }
    }

    /// The badge of all surfaces: the state of the verdict.
    pub(super) fn of_report(report: &'b Report) -> Badge<'b> {
        let mut surfaces = page::surfaces(report);
        if let (Some(only), None) = (surfaces.next(), surfaces.next()) {
            return Badge::of_surface(only, page::is_insecure(report, Some(&only.surface)));
        }
        let insecure = if page::is_insecure(report, None) { INSECURE } else { "" };
        let state = report.verdict.state;
        Badge { label: "status", message: format!("{state}{insecure}"), state }
    }

    pub(super) fn json(&self) -> String {
        let endpoint = Endpoint {
            schema_version: 1,
            label: self.label,
            message: &self.message,
            color: color(self.state),
            cache_seconds: KEPT_S,
        };
        let mut text = serde_json::to_string(&endpoint).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The picture. Each text is fitted to its computed width, whatever the font is.
    pub(super) fn svg(&self) -> String {
        let (label, message) = (super::super::text::clip(self.label, 60), self.message.as_str());
        let widths = [text_width(&label), text_width(message)];
        let [left, right] = widths.map(|width| width + 2.0 * PADDING);
        let whole = left + right;
        let says = format!("{label}: {message}");
        let mut svg = HtmlWriter::default();
        svg.open(
            "svg",
            &[
                ("xmlns", "http://www.w3.org/2000/svg"),
                ("width", &coordinate(whole)),
                ("height", &coordinate(HEIGHT)),
                ("viewBox", &format!("0 0 {} {}", coordinate(whole), coordinate(HEIGHT))),
                ("role", "img"),
                ("aria-label", &says),
            ],
        );
        svg.element("title", &[], &says);
        svg.raw("<clipPath id=\"round\">");
        svg.leaf("rect", &[("width", &coordinate(whole)), ("height", &coordinate(HEIGHT)), ("rx", "3")]);
        svg.raw("</clipPath><g clip-path=\"url(#round)\">");
        svg.leaf("rect", &[("width", &coordinate(left)), ("height", &coordinate(HEIGHT)), ("fill", "#3b4450")]);
        svg.leaf(
            "rect",
            &[
                ("x", &coordinate(left)),
                ("width", &coordinate(right)),
                ("height", &coordinate(HEIGHT)),
                ("fill", color(self.state)),
            ],
        );
        svg.raw("</g><g fill=\"#fff\" font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\" font-size=\"11\" aria-hidden=\"true\">");
        for (content, width, x) in [(label.as_str(), widths[0], PADDING), (message, widths[1], left + PADDING)] {
            svg.element("text", &[("x", &coordinate(x)), ("y", "14"), ("textLength", &coordinate(width))], content);
        }
        svg.raw("</g>");
        svg.close("svg");
        svg.line();
        svg.finish()
    }
}

/// The colour of a state, dark enough for white text.
const fn color(state: State) -> &'static str {
    match state {
        State::Up => "#1f7a52",
        State::Degraded | State::Flapping => "#946200",
        State::Down => "#b3261e",
        State::Unknown => "#667079",
    }
}

/// The approximate width of a text in 11 px Verdana.
fn text_width(text: &str) -> f64 {
    let of = |character: char| match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '(' | ')' | '[' | ']' => 4.2,
        'f' | 'r' | 't' | '-' | '/' => 4.9,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 10.6,
        'A'..='Z' => 7.8,
        ' '..='~' => 6.8,
        _ => 11.0,
    };
    text.chars().map(of).sum()
}
