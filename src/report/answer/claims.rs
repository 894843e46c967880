//! How sure we are of each claim of the answer: the state, the scope, the start, and the cause.

use crate::format;
use crate::report::answer::confidence::{COVERED, NARROW};
use crate::report::answer::surface_status::SurfaceStatus;
use crate::report::context::ReportContext;
use crate::report::document::answer::{Answer, Claim, ClaimKind, Confidence, Extent, State};
use crate::report::document::coverage::Coverage;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::statistics::wilson;

/// The shares of failures from which the confidence in a signature is medium and high.
const HALF: f64 = 0.5;
const NEARLY_ALL: f64 = 0.9;

/// The claims of an answer, each with its confidence.
pub(super) fn claims(
    context: &ReportContext<'_>,
    answer: &Answer,
    worst: &[&SurfaceStatus],
    coverage: Coverage,
) -> Vec<Claim> {
    let mut claims = vec![of_state(answer, worst, coverage), of_scope(context, answer)];
    claims.extend(of_since(context, answer));
    claims.extend(of_cause(answer));
    claims
}

fn claim(claim: ClaimKind, confidence: Confidence, reason: String) -> Claim {
    Claim { claim, confidence, reason }
}

fn of_state(answer: &Answer, worst: &[&SurfaceStatus], coverage: Coverage) -> Claim {
    let (failed, judged) = worst.iter().fold((0, 0), |sum, one| (sum.0 + one.failed, sum.1 + one.judged));
    let is_narrow = wilson(failed, judged).is_some_and(|[low, high]| (high - low) / 2.0 <= NARROW);
    let is_covered = coverage.ratio.is_some_and(|ratio| ratio >= COVERED);
    let seen = coverage.ratio.map_or_else(
        || "nothing was due".to_owned(),
        |ratio| format!("{} of the due checks were made", format::ratio(ratio)),
    );
    if answer.state == State::Unknown {
        return claim(ClaimKind::State, Confidence::Low, seen);
    }
    let failing = (judged > 0).then(|| {
        let few = if is_narrow { "" } else { ", too few to tell the share" };
        format!("{} of {} failed{few}", format::count(failed), format::counted(judged, "check"))
    });
    let confidence = match (failing.is_none() || is_narrow, is_covered) {
        (true, true) => Confidence::High,
        (false, false) => Confidence::Low,
        _ => Confidence::Medium,
    };
    claim(ClaimKind::State, confidence, failing.into_iter().chain([seen]).collect::<Vec<_>>().join("; "))
}

fn of_scope(context: &ReportContext<'_>, answer: &Answer) -> Claim {
    let scope = &answer.scope;
    let all = scope.vantages_judged;
    let control = context.control_ok();
    let proved = match control {
        Some(true) => "control targets answer",
        Some(false) => "control targets fail",
        None if context.control_surfaces().len() > 0 => "no control target that answers",
        None => "no control target to compare with",
    };
    let (is_agreed, seen) = match scope.extent {
        _ if answer.state == State::Unknown => {
            return claim(
                ClaimKind::Scope,
                Confidence::Low,
                format!("{} can be judged", format::counted(all, "vantage")),
            );
        }
        Extent::None if all > 1 => (true, format!("{all} vantages agree")),
        Extent::Global => (true, format!("{} of {all} vantages agree", scope.vantages.len())),
        Extent::Local => (
            true,
            format!(
                "the other {} see it up",
                format::counted(all.saturating_sub(scope.vantages.len() as u64), "vantage")
            ),
        ),
        Extent::Unclear if scope.vantages.is_empty() => {
            (false, "from no vantage alone do enough checks fail".to_owned())
        }
        Extent::Unclear => (false, "for the other vantages it cannot be told yet".to_owned()),
        Extent::SingleVantage | Extent::None => {
            return claim(
                ClaimKind::Scope,
                Confidence::Low,
                format!("one vantage: nothing is known about other places; {proved}"),
            );
        }
    };
    let confidence = match (is_agreed, control == Some(true)) {
        (true, true) => Confidence::High,
        (false, false) => Confidence::Low,
        _ => Confidence::Medium,
    };
    claim(ClaimKind::Scope, confidence, format!("{seen}; {proved}"))
}

fn of_since(context: &ReportContext<'_>, answer: &Answer) -> Option<Claim> {
    let since = answer.incident_since.or(answer.since)?;
    let Some(width) = since.width() else {
        return Some(claim(
            ClaimKind::Since,
            Confidence::Low,
            "no good check before it: it may have begun earlier".to_owned(),
        ));
    };
    let cadence = context.of_targets().filter_map(SeriesAnalysis::interval).max().unwrap_or_default();
    let width = i64::try_from(width.as_millis()).unwrap_or(i64::MAX);
    let confidence = if width <= cadence.saturating_mul(2) { Confidence::High } else { Confidence::Medium };
    Some(claim(ClaimKind::Since, confidence, format!("known to {}", format::milliseconds(width))))
}

fn of_cause(answer: &Answer) -> Option<Claim> {
    let reading = &answer.signature;
    let Some(best) = reading.matched.first() else {
        let is_failing = answer.state.is_failing();
        return is_failing
            .then(|| claim(ClaimKind::Cause, Confidence::Low, "the evidence fits no known pattern".to_owned()));
    };
    let share = best.share.unwrap_or_default();
    let confidence = if share >= NEARLY_ALL && reading.cannot_distinguish.is_empty() {
        Confidence::High
    } else if share >= HALF {
        Confidence::Medium
    } else {
        Confidence::Low
    };
    let of = best.share.map(|share| format!(" in {} of the failures", format::ratio(share))).unwrap_or_default();
    Some(claim(ClaimKind::Cause, confidence, format!("{}{of}", best.signature)))
}
