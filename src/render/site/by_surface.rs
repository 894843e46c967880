//! Indexes a report by surface in one pass: a site has a page per surface, and none of them has to
//! search the whole report again.

use std::collections::HashMap;

use super::history::History;
use crate::model::SafeText;
use crate::render::grouped::grouped;
use crate::report::{Incident, ProbeRow, Report, SurfaceVantageRow};

/// The parts of a report by surface.
pub(super) struct BySurface<'r> {
    pub(super) history: History<'r>,
    places: HashMap<&'r SafeText, Vec<&'r SurfaceVantageRow>>,
    probes: HashMap<&'r SafeText, Vec<&'r ProbeRow>>,
    incidents: HashMap<&'r SafeText, Vec<&'r Incident>>,
}

impl<'r> BySurface<'r> {
    pub(super) fn of(report: &'r Report) -> BySurface<'r> {
        let of_incident = |incident: &'r Incident| incident.surfaces.iter().map(move |surface| (surface, incident));
        BySurface {
            history: History::of(report),
            places: grouped(report.places.iter().map(|place| (&place.surface, place))),
            probes: grouped(report.probes.iter().map(|probe| (&probe.surface, probe))),
            incidents: grouped(report.incidents.iter().flat_map(of_incident)),
        }
    }

    /// Whether any probe of a surface accepts any certificate.
    pub(super) fn is_insecure(&self, surface: &SafeText) -> bool {
        self.probes(surface).iter().any(|probe| probe.insecure)
    }

    /// A surface from each vantage.
    pub(super) fn places(&self, surface: &SafeText) -> &[&'r SurfaceVantageRow] {
        self.places.get(surface).map_or(&[], Vec::as_slice)
    }

    /// The probes of a surface, including control targets.
    pub(super) fn probes(&self, surface: &SafeText) -> &[&'r ProbeRow] {
        self.probes.get(surface).map_or(&[], Vec::as_slice)
    }

    /// The incidents of a surface, the oldest first.
    pub(super) fn incidents(&self, surface: &SafeText) -> &[&'r Incident] {
        self.incidents.get(surface).map_or(&[], Vec::as_slice)
    }
}
