//! Layout helpers for a run on a terminal: names of surfaces, and lines with a hanging indent.

use crate::check_report::SurfaceSummary;
use crate::render::terminal::StyledText;
use crate::render::text;

/// The displayed name of a surface.
pub(super) fn title(surface: &SurfaceSummary) -> String {
    if surface.control { "control".to_owned() } else { surface.surface.clone() }
}

/// A text with a hanging indent. The first line keeps the leading blanks of `content`.
pub(super) fn indented(style: anstyle::Style, content: &str, indent: usize, screen: &mut StyledText) {
    let lead = content.len() - content.trim_start().len();
    let body = content.trim_start();
    let room = screen.width().saturating_sub(indent.max(lead));
    for (at, line) in text::wrap(body, room).iter().enumerate() {
        let blanks = if at == 0 { lead } else { indent };
        screen.plain(&" ".repeat(blanks));
        screen.put(style, line);
        screen.end();
    }
}
