//! A whole probe file: its tables in the order in which they need each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Config;
use super::ConfigError;
use super::keys;
use super::layers::Layers;
use super::probe;
use super::reader::Reader;
use super::settings;
use super::shape;
use super::tree::Item;
use super::tree::Node;
use super::tree::Table;
use crate::model::Probe;
use crate::model::Redactor;
use crate::model::Surfaces;

/// Reads the configuration out of a file's tree.
pub(super) fn config(reader: &mut Reader, root: &Table, path: &Path) -> Result<Config, ConfigError> {
    shape::check(reader, root, &keys::ROOT);
    let settings = settings::settings(reader, root);
    let mut surfaces = settings::surfaces(reader, root);
    let incident = settings::incident(reader, root);
    let probes = probes(reader, root);
    if !root.entries.iter().any(|entry| entry.key == "probe") {
        reader.problem_at_large("has no probes", Some("add a [[probe]]; `uptick init` writes a file to begin with"));
    }
    complete_surfaces(reader, &mut surfaces, &probes);
    reader.finish()?;
    assert!(!probes.is_empty(), "a probe without problems is read");
    Ok(Config {
        path: Some(path.to_owned()),
        settings,
        surfaces,
        incident,
        probes,
        redactor: Redactor::new(std::mem::take(&mut reader.secrets)),
        warnings: std::mem::take(&mut reader.warnings),
    })
}

/// The controls and the probes, in the order of the file.
fn probes(reader: &mut Reader, root: &Table) -> Vec<Arc<Probe>> {
    let defaults = root.get("defaults").and_then(Node::as_table);
    if let Some(defaults) = defaults {
        probe::defaults(reader, defaults);
    }
    let mut tables: Vec<(&Table, bool)> = Vec::new();
    for (key, control) in [("control", true), ("probe", false)] {
        if let Some(Node { item: Item::List(list), .. }) = root.get(key) {
            tables.extend(list.iter().filter_map(Node::as_table).map(|table| (table, control)));
        }
    }
    tables.sort_by_key(|(table, _)| table.place.clone());
    let mut probes: Vec<Arc<Probe>> = Vec::with_capacity(tables.len());
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for (table, control) in tables {
        let (name, probe) = probe::probe(reader, table, defaults, control);
        if let Some(name) = name {
            match lines.get(&name) {
                Some(line) => duplicate(reader, table, &name, *line),
                None => {
                    lines.insert(name, reader.line_of(&table.place));
                }
            }
        }
        probes.extend(probe.map(Arc::new));
    }
    probes
}

fn duplicate(reader: &mut Reader, table: &Table, name: &str, line: usize) {
    if let Some(node) = Layers::new([table]).get("name") {
        reader.problem(&node.place, format!("the name \"{name}\" is taken by the probe in line {line}"));
    }
}

/// Adds the surfaces that probes name and the file does not describe.
fn complete_surfaces(reader: &mut Reader, surfaces: &mut Surfaces, probes: &[Arc<Probe>]) {
    let described: Vec<String> = surfaces.keys().cloned().collect();
    for probe in probes.iter().filter(|probe| !probe.control) {
        if !surfaces.contains_key(&probe.surface)
            && let Some(near) = shape::nearest(&probe.surface, described.iter().map(String::as_str))
        {
            let (name, surface) = (&probe.name, &probe.surface);
            reader.warn(&format!(
                "probe \"{name}\": no [surface.{surface}] describes its surface; did you mean \"{near}\"?"
            ));
        }
        surfaces.entry(probe.surface.clone()).or_default();
    }
    for name in &described {
        if !probes.iter().any(|probe| probe.surface == *name) {
            reader.warn(&format!("no probe belongs to the surface \"{name}\""));
        }
    }
}
