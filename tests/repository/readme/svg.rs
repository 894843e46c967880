//! Renders coloured terminal text as an SVG picture. It accepts only escape sequences of colour and
//! weight.

use std::fmt::Write as _;

const CELL: (f64, f64) = (8.4, 18.0);
const MARGIN: (f64, f64) = (18.0, 46.0);
const GROUND: &str = "#0d1117";
const INK: &str = "#d8dee9";
/// The sixteen colours of a terminal, dark ones first.
const COLOURS: [&str; 16] = [
    "#4b5263", "#f2777a", "#99cc99", "#ffcc66", "#6699cc", "#cc99cc", "#66cccc", "#d3d0c8", "#7f8796", "#ff8f92",
    "#b5e3b5", "#ffdd99", "#8fb8e6", "#e0b8e0", "#8fe0e0", "#ffffff",
];

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Style {
    colour: Option<usize>,
    bold: bool,
    dim: bool,
}

/// An SVG picture of the text, below a title bar with the command.
pub(crate) fn picture(command: &str, text: &str, columns: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let width = 2.0 * MARGIN.0 + CELL.0 * f64::from(u32::try_from(columns).unwrap());
    let rows = f64::from(u32::try_from(lines.len()).unwrap());
    let height = MARGIN.1 + CELL.1 * rows + 10.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace\" \
         font-size=\"14\" fill=\"{INK}\">\n\
         <title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n\
         <text x=\"{x}\" y=\"24\" fill=\"{dim}\">$ <tspan fill=\"{INK}\" font-weight=\"bold\">{title}</tspan></text>\n",
        title = escaped(command),
        x = MARGIN.0,
        dim = COLOURS[8],
    );
    let mut style = Style::default();
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN.1 + CELL.1 * (f64::from(u32::try_from(row).unwrap()) + 0.8);
        let mut column = 0;
        for (run_style, run) in runs(line, &mut style) {
            let run = cut(run, columns.saturating_sub(column));
            let x = MARGIN.0 + CELL.0 * f64::from(u32::try_from(column).unwrap());
            column += run.chars().count();
            if !run.trim().is_empty() {
                let _ = writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\"{}>{}</text>",
                    attributes(run_style, &run),
                    escaped(&run)
                );
            }
        }
    }
    out + "</svg>\n"
}

/// Cuts a text to this many columns; an ellipsis marks the cut.
fn cut(run: String, columns: usize) -> String {
    if run.chars().count() <= columns {
        return run;
    }
    let kept: String = run.chars().take(columns.saturating_sub(1)).collect();
    if columns == 0 { kept } else { kept + "…" }
}

/// The attributes of a run of text. They fix its length, so that columns align in any font.
fn attributes(style: Style, run: &str) -> String {
    let length = CELL.0 * f64::from(u32::try_from(run.chars().count()).unwrap());
    let mut out = format!(" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"");
    if let Some(colour) = style.colour {
        let _ = write!(out, " fill=\"{}\"", COLOURS[colour]);
    }
    if style.bold {
        out.push_str(" font-weight=\"bold\"");
    }
    if style.dim {
        out.push_str(" opacity=\"0.65\"");
    }
    out
}

/// Splits a line where its style changes. Panics at an escape sequence other than a style.
fn runs(line: &str, style: &mut Style) -> Vec<(Style, String)> {
    let mut runs = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        runs.push((*style, before.to_owned()));
        let end = after.find(|c: char| c.is_ascii_alphabetic()).expect("an escape sequence ends");
        assert_eq!(&after[end..=end], "m", "only colours are expected");
        after[..end].split(';').for_each(|code| apply(style, code));
        rest = &after[end + 1..];
    }
    runs.push((*style, rest.to_owned()));
    runs.retain(|(_, run)| !run.is_empty());
    runs
}

fn apply(style: &mut Style, code: &str) {
    match code.parse::<usize>().unwrap_or(0) {
        0 => *style = Style::default(),
        1 => style.bold = true,
        2 => style.dim = true,
        22 => (style.bold, style.dim) = (false, false),
        code @ 30..=37 => style.colour = Some(code - 30),
        39 => style.colour = None,
        code @ 90..=97 => style.colour = Some(code - 90 + 8),
        _ => {}
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn styles_go_on_until_they_are_ended() {
    let mut style = Style::default();
    let runs = runs("a\u{1b}[1;31mb\u{1b}[22mc\u{1b}[0md", &mut style);
    let texts: Vec<&str> = runs.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["a", "b", "c", "d"]);
    assert_eq!(runs[1].0, Style { colour: Some(1), bold: true, dim: false });
    assert_eq!(runs[2].0, Style { colour: Some(1), bold: false, dim: false });
    assert_eq!(runs[3].0, Style::default());
}
