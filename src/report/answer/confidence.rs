//! The confidence of the verdict, with the reasons.

use crate::format;
use crate::report::answer::surface_status::SurfaceStatus;
use crate::report::answer::verdict_input::VerdictInput;
use crate::report::document::answer::{Confidence, Extent, Scope, State};
use crate::report::statistics::wilson;

/// The largest half width of an interval that counts as narrow: ten points.
pub(super) const NARROW: f64 = 0.1;

/// The least coverage for high confidence.
pub(super) const COVERED: f64 = 0.9;

/// High if all four conditions are met, medium if three are, low otherwise:
///
/// - at least two vantages are judged, and they show how widely it is seen;
/// - control targets answer;
/// - the 95 % interval of the failed ratio is at most ten points wide to either side;
/// - at least 90 % of the due checks were made.
pub(crate) fn confidence(
    input: &VerdictInput<'_, '_>,
    state: State,
    scope: &Scope,
    worst: &[&SurfaceStatus],
) -> (Confidence, Vec<String>) {
    let agree = agreement(state, scope);
    let control = match input.context.control_ok() {
        Some(true) => (true, "control ok".to_owned()),
        Some(false) => (false, "control targets fail".to_owned()),
        None if input.context.control_surfaces().len() > 0 => (false, "no control target that answers".to_owned()),
        None => (false, "no control target".to_owned()),
    };
    let (failed, judged) = if worst.is_empty() {
        input.failed_of_judged()
    } else {
        worst.iter().fold((0, 0), |sum, status| (sum.0 + status.failed, sum.1 + status.judged))
    };
    let half_width = wilson(failed, judged).map(|[low, high]| (high - low) / 2.0);
    let narrow = match half_width {
        Some(half) => (half <= NARROW, format!("interval ±{} points", format::percentage(half))),
        None => (false, "nothing judged".to_owned()),
    };
    let covered = match input.coverage.ratio {
        Some(ratio) => (ratio >= COVERED, format!("coverage {}", format::ratio(ratio))),
        None => (false, "nothing was due".to_owned()),
    };
    let rules = [agree, control, narrow, covered];
    let unmet = rules.iter().filter(|(met, _)| !met).count();
    let confidence = match unmet {
        0 => Confidence::High,
        1 => Confidence::Medium,
        _ => Confidence::Low,
    };
    (confidence, rules.into_iter().map(|(_, reason)| reason).collect())
}

/// Whether enough vantages agree, and why.
fn agreement(state: State, scope: &Scope) -> (bool, String) {
    let vantages = scope.vantages_judged;
    match (state, scope.extent) {
        (State::Unknown, _) => (false, format!("{} can be judged", format::counted(vantages, "vantage"))),
        (_, Extent::SingleVantage) => (false, "one vantage".to_owned()),
        (_, Extent::None) if vantages < 2 => (false, "one vantage".to_owned()),
        (_, Extent::None) => (true, format!("{vantages} vantages agree")),
        (_, Extent::Global) => (true, format!("{} of {vantages} vantages agree", scope.vantages.len())),
        (_, Extent::Unclear) if scope.vantages.is_empty() => (false, "it cannot be told yet from where".to_owned()),
        (_, Extent::Unclear) => {
            (false, format!("{} of {vantages} vantages, for the others it cannot be told", scope.vantages.len()))
        }
        (_, Extent::Local) => (true, format!("{} of {vantages} vantages, the others see it up", scope.vantages.len())),
    }
}
