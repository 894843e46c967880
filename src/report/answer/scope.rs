//! The scope of the verdict: which surfaces, from which vantages, and how widely it is seen.

use std::collections::BTreeSet;

use crate::model::SafeText;
use crate::report::answer::surface_status::SurfaceStatus;
use crate::report::context::ReportContext;
use crate::report::document::answer::{Extent, Scope};
use crate::report::series::state;

/// The scope of the worst surfaces; if none is failing, of all surfaces.
pub(crate) fn scope(context: &ReportContext<'_>, worst: &[&SurfaceStatus], statuses: &[SurfaceStatus]) -> Scope {
    let judged = context.vantages_judged();
    let vantages: BTreeSet<&SafeText> = worst.iter().flat_map(|status| &status.vantages).collect();
    let unclear: BTreeSet<&SafeText> = worst.iter().flat_map(|status| &status.unclear).collect();
    let unclear = unclear.difference(&vantages).count();
    let surfaces = if worst.is_empty() {
        statuses.iter().map(|status| status.surface.clone()).collect()
    } else {
        worst.iter().map(|status| status.surface.clone()).collect()
    };
    let extent = if worst.is_empty() {
        Extent::None
    } else if judged <= 1 {
        Extent::SingleVantage
    } else if state::reaches_quorum(vantages.len(), judged) {
        Extent::Global
    } else if state::reaches_quorum(vantages.len() + unclear, judged) || vantages.is_empty() {
        Extent::Unclear
    } else {
        Extent::Local
    };
    Scope { surfaces, vantages: vantages.into_iter().cloned().collect(), vantages_judged: judged as u64, extent }
}
