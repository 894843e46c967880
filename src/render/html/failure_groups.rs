//! A failure group is what a chart draws as one: the failure classes of a phase. Each has its own
//! colour and pattern, so that neighbours differ even without colours.

use crate::model::{ClassGroup, FailureClass, Phase};

use super::writer::HtmlWriter;

/// In the order of the phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FailureGroup {
    Resolve,
    Connect,
    Tls,
    Reset,
    Processing,
    Transfer,
    Status,
    Answer,
}

impl FailureGroup {
    pub(super) const ALL: [FailureGroup; 8] = [
        FailureGroup::Resolve,
        FailureGroup::Connect,
        FailureGroup::Tls,
        FailureGroup::Reset,
        FailureGroup::Processing,
        FailureGroup::Transfer,
        FailureGroup::Status,
        FailureGroup::Answer,
    ];

    /// The group of a class; `None` if the prober is at fault.
    pub(super) const fn of(class: FailureClass) -> Option<FailureGroup> {
        Some(match class.group() {
            ClassGroup::Resolve => FailureGroup::Resolve,
            ClassGroup::Connect => FailureGroup::Connect,
            ClassGroup::Tls => FailureGroup::Tls,
            ClassGroup::AnyConnected => FailureGroup::Reset,
            ClassGroup::Processing => FailureGroup::Processing,
            ClassGroup::Transfer => FailureGroup::Transfer,
            ClassGroup::Answer => match class {
                FailureClass::Status => FailureGroup::Status,
                _ => FailureGroup::Answer,
            },
            ClassGroup::Ours => return None,
        })
    }

    pub(super) const fn of_phase(phase: Phase) -> FailureGroup {
        match phase {
            Phase::Resolve => FailureGroup::Resolve,
            Phase::Connect => FailureGroup::Connect,
            Phase::Tls => FailureGroup::Tls,
            Phase::Processing => FailureGroup::Processing,
            Phase::Transfer => FailureGroup::Transfer,
        }
    }

    /// Its name in a legend.
    pub(super) const fn name(self) -> &'static str {
        match self {
            FailureGroup::Resolve => "resolve (DNS)",
            FailureGroup::Connect => "connect (TCP)",
            FailureGroup::Tls => "TLS",
            FailureGroup::Reset => "connection reset",
            FailureGroup::Processing => "processing (no answer)",
            FailureGroup::Transfer => "transfer (body)",
            FailureGroup::Status => "status code",
            FailureGroup::Answer => "wrong answer",
        }
    }

    /// How its shapes are filled: with its colour, or its pattern if it has one.
    pub(super) const fn fill(self) -> &'static str {
        match self {
            FailureGroup::Resolve => "url(#k-resolve)",
            FailureGroup::Connect => "var(--connect)",
            FailureGroup::Tls => "url(#k-tls)",
            FailureGroup::Reset => "url(#k-reset)",
            FailureGroup::Processing => "var(--processing)",
            FailureGroup::Transfer => "url(#k-transfer)",
            FailureGroup::Status => "url(#k-status)",
            FailureGroup::Answer => "url(#k-answer)",
        }
    }
}

/// The patterns that shapes refer to. One hidden drawing holds them for the whole page.
pub(super) fn patterns(page: &mut HtmlWriter) {
    page.raw(concat!(
        "<svg aria-hidden=\"true\" style=\"position:absolute;width:0;height:0\"><defs>",
        "<pattern id=\"gap\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
        "<path class=\"gapline\" d=\"M0 0v6\"/></pattern>",
        "<pattern id=\"unsure\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">",
        "<circle class=\"gapdot\" cx=\"2\" cy=\"2\" r=\"1.2\"/></pattern>",
        "<pattern id=\"k-resolve\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">",
        "<path class=\"k-resolve\" d=\"M0 0h5v5H0z\"/><circle class=\"dot\" cx=\"2\" cy=\"2\" r=\"1.1\"/></pattern>",
        "<pattern id=\"k-tls\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
        "<path class=\"k-tls\" d=\"M0 0h5v5H0z\"/><path class=\"weave\" d=\"M0 0v5\"/></pattern>",
        "<pattern id=\"k-reset\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">",
        "<path class=\"k-reset\" d=\"M0 0h5v5H0z\"/><path class=\"weave\" d=\"M0 1h5\"/></pattern>",
        "<pattern id=\"k-transfer\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">",
        "<path class=\"k-transfer\" d=\"M0 0h5v5H0z\"/><path class=\"weave\" d=\"M0 0v5\"/></pattern>",
        "<pattern id=\"k-status\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
        "<path class=\"k-status\" d=\"M0 0h5v5H0z\"/><path class=\"weave\" d=\"M0 0v5\"/></pattern>",
        "<pattern id=\"k-answer\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">",
        "<path class=\"k-answer\" d=\"M0 0h5v5H0z\"/><circle class=\"dot\" cx=\"2\" cy=\"2\" r=\"1.1\"/></pattern>",
        "</defs></svg>\n",
    ));
}

/// A list of groups with a swatch each; `name` gives their labels.
pub(super) fn legend(kinds: &[FailureGroup], name: impl Fn(FailureGroup) -> &'static str, page: &mut HtmlWriter) {
    page.open("ul", &[("class", "legend")]);
    for kind in kinds {
        page.open("li", &[]);
        page.open("svg", &[("viewBox", "0 0 22 12"), ("aria-hidden", "true")]);
        page.leaf("path", &[("fill", kind.fill()), ("d", "M0 0h22v12H0z")]);
        page.close("svg");
        page.text(name(*kind));
        page.close("li");
    }
    page.close("ul");
}
