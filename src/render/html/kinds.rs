//! The kinds of failures as a chart shows them, in the order of the phases: each has a colour and a
//! weave of its own, so that neighbours can be told apart without colours.

use crate::model::ClassGroup;
use crate::model::FailureClass;
use crate::model::Phase;

use super::markup::Page;

/// A kind of failure, or the phase it breaks in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Resolve,
    Connect,
    Tls,
    Reset,
    Processing,
    Transfer,
    Status,
    Answer,
}

impl Kind {
    pub(super) const ALL: [Kind; 8] = [
        Kind::Resolve,
        Kind::Connect,
        Kind::Tls,
        Kind::Reset,
        Kind::Processing,
        Kind::Transfer,
        Kind::Status,
        Kind::Answer,
    ];

    /// The kind of a class; none where the prober is at fault.
    pub(super) const fn of(class: FailureClass) -> Option<Kind> {
        Some(match class.group() {
            ClassGroup::Resolve => Kind::Resolve,
            ClassGroup::Connect => Kind::Connect,
            ClassGroup::Tls => Kind::Tls,
            ClassGroup::AnyConnected => Kind::Reset,
            ClassGroup::Processing => Kind::Processing,
            ClassGroup::Transfer => Kind::Transfer,
            ClassGroup::Answer => match class {
                FailureClass::Status => Kind::Status,
                _ => Kind::Answer,
            },
            ClassGroup::Ours => return None,
        })
    }

    pub(super) const fn of_phase(phase: Phase) -> Kind {
        match phase {
            Phase::Resolve => Kind::Resolve,
            Phase::Connect => Kind::Connect,
            Phase::Tls => Kind::Tls,
            Phase::Processing => Kind::Processing,
            Phase::Transfer => Kind::Transfer,
        }
    }

    /// What it is called in a legend.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::Resolve => "resolve (DNS)",
            Kind::Connect => "connect (TCP)",
            Kind::Tls => "TLS",
            Kind::Reset => "connection reset",
            Kind::Processing => "processing (no answer)",
            Kind::Transfer => "transfer (body)",
            Kind::Status => "status code",
            Kind::Answer => "wrong answer",
        }
    }

    /// The class of its colour.
    pub(super) const fn colour(self) -> &'static str {
        match self {
            Kind::Resolve => "k-resolve",
            Kind::Connect => "k-connect",
            Kind::Tls => "k-tls",
            Kind::Reset => "k-reset",
            Kind::Processing => "k-processing",
            Kind::Transfer => "k-transfer",
            Kind::Status => "k-status",
            Kind::Answer => "k-answer",
        }
    }

    /// The weave drawn over its colour; neighbours never share one.
    pub(super) const fn weave(self) -> Option<&'static str> {
        match self {
            Kind::Resolve | Kind::Answer => Some("url(#w-dots)"),
            Kind::Connect | Kind::Processing => None,
            Kind::Tls | Kind::Status => Some("url(#w-rising)"),
            Kind::Reset => Some("url(#w-level)"),
            Kind::Transfer => Some("url(#w-falling)"),
        }
    }

    /// Draws a shape in its colour and its weave.
    pub(super) fn fill(self, path: &str, says: &str, page: &mut Page) {
        page.pointed("path", &[("class", self.colour()), ("d", path)], says);
        if let Some(weave) = self.weave() {
            page.leaf("path", &[("d", path), ("fill", weave), ("pointer-events", "none")]);
        }
    }
}

/// The patterns that shapes refer to. One hidden drawing holds them for the whole page.
pub(super) fn patterns(page: &mut Page) {
    page.raw(concat!(
        "<svg aria-hidden=\"true\" style=\"position:absolute;width:0;height:0\"><defs>",
        "<pattern id=\"gap\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
        "<path class=\"gapline\" d=\"M0 0v6\"/></pattern>",
        "<pattern id=\"unsure\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">",
        "<circle class=\"gapdot\" cx=\"2\" cy=\"2\" r=\"1.2\"/></pattern>",
        "<pattern id=\"w-rising\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
        "<path class=\"weave\" d=\"M0 0v5\"/></pattern>",
        "<pattern id=\"w-falling\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">",
        "<path class=\"weave\" d=\"M0 0v5\"/></pattern>",
        "<pattern id=\"w-level\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">",
        "<path class=\"weave\" d=\"M0 1h5\"/></pattern>",
        "<pattern id=\"w-dots\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">",
        "<circle class=\"dot\" cx=\"2\" cy=\"2\" r=\"1.1\"/></pattern>",
        "</defs></svg>\n",
    ));
}

/// A list of kinds with a swatch each.
pub(super) fn legend(kinds: &[Kind], page: &mut Page) {
    page.open("ul", &[("class", "legend")]);
    for kind in kinds {
        page.open("li", &[]);
        page.open("svg", &[("viewBox", "0 0 22 12"), ("aria-hidden", "true")]);
        page.leaf("path", &[("class", kind.colour()), ("d", "M0 0h22v12H0z")]);
        if let Some(weave) = kind.weave() {
            page.leaf("path", &[("fill", weave), ("d", "M0 0h22v12H0z")]);
        }
        page.close("svg");
        page.text(kind.name());
        page.close("li");
    }
    page.close("ul");
}
