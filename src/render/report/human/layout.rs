//! Titles, labels and styles of a report on a terminal.

use anstyle::Style;

use crate::render::terminal::{BAD, BOLD, GOOD, StyledText, WARN};
use crate::render::text;
use crate::report::State;

/// The columns of a label.
const LABEL: usize = 13;
/// The columns before a labelled text.
const LABELLED: usize = LABEL + 3;

/// The style of a state.
pub(super) fn state_style(state: State) -> Style {
    match state {
        State::Up => GOOD,
        State::Degraded | State::Flapping | State::Unknown => WARN,
        State::Down => BAD,
    }
}

/// A text with a label before it and a hanging indent.
pub(super) fn labelled(style: Style, name: &str, content: &str, screen: &mut StyledText) {
    let room = screen.width().saturating_sub(LABELLED);
    for (at, line) in text::wrap(content, room).iter().enumerate() {
        screen.plain("  ");
        screen.put(style, &text::left(if at == 0 { name } else { "" }, LABEL));
        screen.plain(" ");
        screen.plain(line);
        screen.end();
    }
}

/// The title of a section.
pub(super) fn title(name: &str, screen: &mut StyledText) {
    screen.put(BOLD, name);
    screen.end();
}
