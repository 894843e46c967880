//! Colours and marks of a terminal. Colour is never the only sign: every mark differs in shape too.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::text;
use crate::format;
use crate::format::StripCell;
use crate::model::Verdict;
use crate::report::State;

/// The style of a text for people.
#[derive(Clone, Copy, Debug)]
pub struct TerminalStyle {
    /// The width of the terminal, in columns.
    pub width: usize,
    /// Whether colours may be used.
    pub colour: bool,
    /// Whether only ASCII may be used.
    pub ascii: bool,
    /// Whether times of day are in UTC, not in the zone of this machine.
    pub utc: bool,
    /// The level of detail: 0 is only the answer. 1 adds intervals, tests, names of rules and
    /// details of checks that were up; 2 adds the headers of requests and responses.
    pub detail: u8,
}

impl Default for TerminalStyle {
    /// The style for a file or a pipe: no colour, 100 columns.
    fn default() -> Self {
        TerminalStyle { width: 100, colour: false, ascii: false, utc: false, detail: 0 }
    }
}

/// Something good.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Something bad.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something that needs attention.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();
/// Details.
pub(super) const DIM: Style = Style::new().dimmed();
/// Emphasis.
pub(super) const BOLD: Style = Style::new().bold();

/// Text under construction, laid out for a terminal.
#[derive(Debug)]
pub(super) struct StyledText {
    style: TerminalStyle,
    text: String,
}

impl StyledText {
    pub(super) fn new(style: TerminalStyle) -> StyledText {
        StyledText { style, text: String::new() }
    }

    /// The width in columns, clamped to a range that can be laid out.
    pub(super) fn width(&self) -> usize {
        self.style.width.clamp(40, 200)
    }

    /// Whether all details are shown.
    pub(super) const fn has_detail(&self) -> bool {
        self.style.detail > 0
    }

    /// Whether requests and responses are shown in full.
    pub(super) const fn has_headers(&self) -> bool {
        self.style.detail > 1
    }

    /// Adds text in a style.
    pub(super) fn put(&mut self, style: Style, text: &str) {
        let text = text::visible(text);
        let plain = if self.style.ascii { format::ascii(&text) } else { text };
        if self.style.colour && !plain.trim().is_empty() {
            let _ = write!(self.text, "{style}{plain}{style:#}");
        } else {
            self.text.push_str(&plain);
        }
    }

    /// Adds text without a style.
    pub(super) fn plain(&mut self, text: &str) {
        self.put(Style::new(), text);
    }

    /// Ends the line, without trailing blanks.
    pub(super) fn end(&mut self) {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }

    /// The text, made harmless for GitHub's runner: in a build log it treats a line as a command if
    /// it starts with `::`, even after blanks, or contains `##[`. Text from servers must not become
    /// a command.
    pub(super) fn finish(self) -> String {
        let mut text = String::with_capacity(self.text.len());
        for line in self.text.split_inclusive('\n') {
            let content = line.trim_start();
            let (blanks, content) = match content.strip_prefix("::") {
                Some(rest) => (&line[..line.len() - content.len()], format!(": :{rest}")),
                None => ("", line.to_owned()),
            };
            text.push_str(blanks);
            text.push_str(&content.replace("##[", "# #["));
        }
        text
    }
}

/// The style of a cell of a strip.
pub(super) const fn strip_style(cell: StripCell) -> Style {
    match cell {
        StripCell::Up => GOOD,
        StripCell::FewFailed | StripCell::Unknown => WARN,
        StripCell::SomeFailed | StripCell::MostFailed => BAD,
        StripCell::NoData => DIM,
    }
}

/// The mark of a verdict.
pub(super) const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Up => "✓",
        Verdict::Down => "✗",
        Verdict::Unknown => "?",
        Verdict::Missed => "–",
    }
}

/// The style of a verdict.
pub(super) const fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Up => GOOD,
        Verdict::Down => BAD,
        Verdict::Unknown => WARN,
        Verdict::Missed => DIM,
    }
}

/// The word for a verdict, or for the state that makes it down.
pub(super) fn word_of(verdict: Verdict, state: State) -> &'static str {
    match state {
        State::Degraded if verdict == Verdict::Down => "DEGRADED",
        _ => word(verdict),
    }
}

/// A verdict in capitals, so that it stands out.
pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Up => "UP",
        Verdict::Down => "DOWN",
        Verdict::Unknown => "UNKNOWN",
        Verdict::Missed => "MISSED",
    }
}
