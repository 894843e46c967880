//! Colours and marks of a terminal. A colour is never the only sign: every mark differs in shape too.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::text;
use crate::format;
use crate::format::StripCell;
use crate::model::Verdict;
use crate::report::State;

/// How a text for people may look.
#[derive(Clone, Copy, Debug)]
pub struct TerminalStyle {
    /// The columns of the terminal.
    pub width: usize,
    /// Whether colours may be used.
    pub colour: bool,
    /// Whether nothing but ASCII may be used.
    pub ascii: bool,
    /// Whether times of the day are in UTC and not in the zone of this machine.
    pub utc: bool,
    /// How much more is to be said than what answers the question: with 1 intervals, tests, names of rules
    /// and what is known of a check that was up, with 2 the headers both ways.
    pub detail: u8,
}

impl Default for TerminalStyle {
    /// What a file or a pipe gets: no colour, 100 columns.
    fn default() -> Self {
        TerminalStyle { width: 100, colour: false, ascii: false, utc: false, detail: 0 }
    }
}

/// Good news.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Bad news.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// News that calls for attention.
pub(super) const ODD: Style = AnsiColor::Yellow.on_default();
/// What is there for completeness.
pub(super) const DIM: Style = Style::new().dimmed();
/// What leads the eye.
pub(super) const BOLD: Style = Style::new().bold();

/// Text being laid out for a terminal.
#[derive(Debug)]
pub(super) struct StyledText {
    style: TerminalStyle,
    text: String,
}

impl StyledText {
    pub(super) fn new(style: TerminalStyle) -> StyledText {
        StyledText { style, text: String::new() }
    }

    /// The columns there are, in bounds that can be laid out.
    pub(super) fn width(&self) -> usize {
        self.style.width.clamp(40, 200)
    }

    /// Whether everything is to be said.
    pub(super) const fn has_detail(&self) -> bool {
        self.style.detail > 0
    }

    /// Whether what was sent and what came is to be shown in full.
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

    /// Adds text as it is.
    pub(super) fn plain(&mut self, text: &str) {
        self.put(Style::new(), text);
    }

    /// Ends the line, without blanks at its end.
    pub(super) fn end(&mut self) {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }

    /// The text. To GitHub's runner a line of a build log is a command if it begins with `::`,
    /// after blanks too, or has `##[` in it, wherever: servers must not be able to say one.
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
        StripCell::FewFailed | StripCell::Unknown => ODD,
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
        Verdict::Unknown => ODD,
        Verdict::Missed => DIM,
    }
}

/// The word of a verdict, or of the state that makes it down.
pub(super) fn word_of(verdict: Verdict, state: State) -> &'static str {
    match state {
        State::Degraded if verdict == Verdict::Down => "DEGRADED",
        _ => word(verdict),
    }
}

/// The word of a verdict if it must not be overlooked.
pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Up => "UP",
        Verdict::Down => "DOWN",
        Verdict::Unknown => "UNKNOWN",
        Verdict::Missed => "MISSED",
    }
}
