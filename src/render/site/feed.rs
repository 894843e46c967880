//! The incidents as an Atom feed (RFC 4287): one entry per incident, updated when the incident
//! changes.

use jiff::Timestamp;

use super::super::html::writer::HtmlWriter;
use super::settings::SiteSettings;
use super::{incidents, names, page};
use crate::format;
use crate::model::timestamp;
use crate::render::phrases;
use crate::report::{Incident, Report};

/// The most entries: the last ones.
const ENTRIES: usize = 50;

pub(super) fn feed(report: &Report, settings: &SiteSettings) -> String {
    let base = settings.base_url.as_ref();
    let link = |file: &str| match base.and_then(|base| base.join(file).ok()) {
        Some(url) => url.to_string(),
        None => file.to_owned(),
    };
    let shown: Vec<&Incident> = report.incidents.iter().rev().take(ENTRIES).collect();
    let changed = shown.iter().map(|incident| changed(incident)).max().unwrap_or(report.window.to);
    let mut xml = HtmlWriter::default();
    xml.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
    element("id", &feed_id(report, settings), &mut xml);
    element("title", "Incidents", &mut xml);
    element("updated", &timestamp::text(changed), &mut xml);
    xml.raw("<author><name>uptick</name></author>\n");
    xml.leaf("link", &[("rel", "self"), ("type", "application/atom+xml"), ("href", &link("feed.xml"))]);
    xml.leaf("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &link("incidents.html"))]);
    xml.line();
    for incident in shown {
        xml.raw("<entry>\n");
        element("id", &names::urn(&format!("incident {}", incident.id)), &mut xml);
        element("title", &incidents::title(report, incident), &mut xml);
        element("published", &timestamp::text(incident.detected_at), &mut xml);
        element("updated", &timestamp::text(self::changed(incident)), &mut xml);
        let href = link(&format!("incidents.html#{}", incidents::anchor(incident)));
        xml.leaf("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &href)]);
        element("summary", &summary(report, incident), &mut xml);
        xml.raw("</entry>\n");
    }
    xml.raw("</feed>\n");
    xml.finish()
}

fn element(name: &'static str, content: &str, xml: &mut HtmlWriter) {
    xml.element(name, &[], content);
    xml.line();
}

/// The id of the feed: its URL if that is known, otherwise derived from the surfaces.
fn feed_id(report: &Report, settings: &SiteSettings) -> String {
    if let Some(url) = settings.base_url.as_ref().and_then(|base| base.join("feed.xml").ok()) {
        return url.to_string();
    }
    let surfaces: Vec<&str> = page::surfaces(report).map(|row| row.surface.as_str()).collect();
    names::urn(&format!("feed {}", surfaces.join("\n")))
}

/// When an incident last changed in a way that matters: it ended, or a new wave started.
fn changed(incident: &Incident) -> Timestamp {
    let began_anew = incident.waves.last().map_or(incident.detected_at, |wave| wave.start.by);
    let end = incident.end.as_ref().map(|end| end.by);
    end.or(incident.last_seen).unwrap_or(began_anew).max(incident.detected_at)
}

fn summary(report: &Report, incident: &Incident) -> String {
    let clock = format::InstantFormat::of_range(Timestamp::MIN, Timestamp::MAX, phrases::time_zone(report));
    let when = incidents::when(incident, &clock);
    let failed =
        format!("{} of {} failed", format::count(incident.actual_failures), format::counted(incident.judged, "check"));
    let kind = incident.kind.as_ref().map(|kind| format!(", {}", kind.phrase())).unwrap_or_default();
    format!("{when}: {failed}{kind}.")
}
