//! A whole probe file and the files it includes: their tables, in the order in which they depend on each other.

mod alert;
mod include;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::ad_hoc::overlay::{Overlay, merge};
use crate::config::keys::{tables, type_check};
use crate::config::loaded::Config;
use crate::config::probe;
use crate::config::probe::journey::Sessions;
use crate::config::probe::{ProbeContext, journey, matrix};
use crate::config::reader::ConfigReader;
use crate::config::syntax::diagnostic::ConfigError;
use crate::config::syntax::tree::{Item, Node, Table};
use crate::config::value::layers;
use crate::config::value::layers::Layers;
use crate::model::{DeniedNetworks, NetworkRules, Probe, Redactor, Surfaces, message, suggest};

/// Reads the configuration from a file's tree.
pub(crate) fn config(
    reader: &mut ConfigReader,
    root: &Table,
    path: Option<&Path>,
    overlay: &Overlay,
) -> Result<Config, ConfigError> {
    type_check::check(reader, &overlay.probe, &tables::PROBE);
    let root = &merge(root, &overlay.root);
    type_check::mask_secrets(reader, root);
    type_check::check(reader, root, &tables::ROOT);
    let included = include::files(reader, root);
    let files: Vec<&Table> = std::iter::once(root).chain(&included).collect();
    let settings = settings::settings(reader, root);
    let incident = settings::incident(reader, root);
    let heartbeat = alert::heartbeat(reader, root);
    let mut surfaces = Surfaces::new();
    for file in &files {
        settings::surfaces(reader, file, &mut surfaces);
    }
    let sessions = files.iter().filter_map(|file| file.get("session")?.as_table());
    let declared = sessions.flat_map(|table| table.entries.iter().map(|entry| entry.key.clone())).collect();
    let network = network(reader, root);
    let mut shared = ProbeContext { sessions: Sessions::new(), declared, deny: network.denied };
    for file in &files {
        journey::sessions(reader, file, &defaults(root, file), shared.deny, &mut shared.sessions);
    }
    let probes = probes(reader, &files, &shared, overlay);
    if !files.iter().any(|file| file.get("probe").is_some()) {
        reader.lack_of_probes();
    }
    complete_surfaces(reader, &mut surfaces, &probes);
    let alerts = alert::alerts(reader, root, &surfaces);
    reader.finish()?;
    assert!(!probes.is_empty(), "a probe without problems is read");
    let missing = reader.take_missing();
    let redactor = Redactor::new(std::mem::take(&mut reader.secrets));
    warn_of_named_secrets(reader, &redactor, &probes);
    Ok(Config {
        path: path.map(Path::to_owned),
        settings,
        surfaces,
        incident,
        sessions: shared.sessions,
        alerts,
        heartbeat,
        network,
        probes,
        warnings: reader.take_warnings(&redactor),
        redactor,
        missing,
    })
}

/// Warns of names that contain a secret: outputs show names unredacted.
fn warn_of_named_secrets(reader: &mut ConfigReader, redactor: &Redactor, probes: &[Arc<Probe>]) {
    for probe in probes {
        let names = [&probe.name, &probe.surface].into_iter().chain(&probe.tags);
        if names.into_iter().any(|name| redactor.redact(name) != *name) {
            let message = match probe.line {
                0 => "a target of the command line contains a secret in its URL, which is shown".to_owned(),
                line => {
                    format!("the probe in line {line} contains a secret in its name, surface or tags, which are shown")
                }
            };
            reader.warn(&message);
        }
    }
}

/// The defaults of a file: its own over those of the first.
fn defaults<'t>(root: &'t Table, file: &'t Table) -> Layers<'t> {
    let of = |file: &'t Table| file.get("defaults").and_then(Node::as_table);
    let first = of(root).filter(|_| !std::ptr::eq(root, file));
    Layers::new(of(file).into_iter().chain(first))
}

/// Reads `[network]`.
pub(crate) fn network(reader: &mut ConfigReader, root: &Table) -> NetworkRules {
    let mut rules = NetworkRules::default();
    let Some(table) = root.get("network").and_then(Node::as_table) else { return rules };
    rules.denied = deny(reader, table);
    if let Some(node) = table.get("proxy") {
        rules.uses_proxy = layers::word(reader, "proxy", node, &["none", "environment"]) == Some("environment");
        if rules.uses_proxy && rules.denied != DeniedNetworks::NOTHING {
            reader.problem(&node.span, "`deny` does not work with a proxy, which resolves names itself");
        }
    }
    rules
}

/// The networks that must not be connected to.
fn deny(reader: &mut ConfigReader, table: &Table) -> DeniedNetworks {
    let mut deny = DeniedNetworks::NOTHING;
    let denied = table.get("deny");
    for node in denied.map(Node::one_or_more).unwrap_or_default() {
        match layers::word(reader, "deny", node, &["private", "link-local", "metadata"]) {
            Some("private") => deny.private = true,
            Some("link-local") => deny.link_local = true,
            Some(_) => deny.metadata = true,
            None => {}
        }
    }
    deny
}

/// The controls and the probes, in the order of the files.
fn probes(reader: &mut ConfigReader, files: &[&Table], shared: &ProbeContext, overlay: &Overlay) -> Vec<Arc<Probe>> {
    let mut probes = Vec::new();
    let mut lines = BTreeMap::new();
    let tables = files.iter().filter_map(|file| file.get("probe")).flat_map(Node::one_or_more);
    overlay.check_routes(reader, &tables.filter_map(Node::as_table));
    for file in files {
        let defaults = defaults(files[0], file);
        if file.get("defaults").is_some() {
            probe::defaults(reader, &defaults, shared);
        }
        let mut tables: Vec<(&Table, bool)> = Vec::new();
        for (key, control) in [("control", true), ("probe", false)] {
            if let Some(Node { item: Item::List(list), .. }) = file.get(key) {
                tables.extend(list.iter().filter_map(Node::as_table).map(|table| (table, control)));
            }
        }
        tables.sort_by_key(|(table, _)| table.span.clone());
        for (table, control) in tables {
            let laid = if control { table.clone() } else { overlay.over(table) };
            let table = &laid;
            if table.span.is_argument() {
                probes.extend(ad_hoc_probe(reader, table, &defaults, shared, &probes).map(Arc::new));
                continue;
            }
            for combination in matrix::combinations(reader, table) {
                reader.matrix = combination;
                let (name, probe) = probe::probe(reader, table, &defaults, shared, control);
                note_name(reader, table, name, &mut lines);
                probes.extend(probe.map(Arc::new));
            }
            reader.matrix.clear();
        }
    }
    probes
}

/// A probe of the command line, named by its URL.
fn ad_hoc_probe(
    reader: &mut ConfigReader,
    table: &Table,
    defaults: &Layers,
    shared: &ProbeContext,
    before: &[Arc<Probe>],
) -> Option<Probe> {
    let mut probe = probe::of_url(reader, table, defaults, shared)?;
    probe.name = unique(&probe.shown_url(), before);
    Some(probe)
}

/// The URL as a unique name: the second use of a URL is `https://example.com/ (2)`.
fn unique(url: &str, before: &[Arc<Probe>]) -> String {
    let is_taken = |name: &str| before.iter().any(|probe| probe.name == name);
    let url = crate::model::SafeText::clean(url, 190).as_str().to_owned();
    let numbered = (2..).map(|number| format!("{url} ({number})"));
    std::iter::once(url.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(url)
}

/// Reserves a name for the first probe that has it.
fn note_name(
    reader: &mut ConfigReader,
    table: &Table,
    name: Option<String>,
    lines: &mut BTreeMap<String, (usize, usize)>,
) {
    let (Some(name), Some(node)) = (name, table.get("name")) else { return };
    let here = (table.span.file, reader.line_of(&table.span));
    match lines.get(&name) {
        // Probes of one matrix that share a name have been reported already.
        Some(taken) if *taken == here => {}
        Some((file, line)) if *file == here.0 => {
            reader.problem(&node.span, message!("the name \"{name}\" is already used by the probe in line {line}"));
        }
        Some((file, line)) => {
            let path = reader.sources.get(*file).map(|source| source.path.display().to_string()).unwrap_or_default();
            reader.problem(
                &node.span,
                message!("the name \"{name}\" is already used by the probe in {path}, line {line}"),
            );
        }
        None => {
            lines.insert(name, here);
        }
    }
}

/// Adds the surfaces that probes name and the file does not describe.
fn complete_surfaces(reader: &mut ConfigReader, surfaces: &mut Surfaces, probes: &[Arc<Probe>]) {
    let described: Vec<String> = surfaces.keys().cloned().collect();
    for probe in probes.iter().filter(|probe| !probe.control) {
        if !surfaces.contains_key(&probe.surface)
            && let Some(near) = suggest::nearest(&probe.surface, described.iter().map(String::as_str))
        {
            let (name, surface) = (&probe.name, &probe.surface);
            let message = message!("no [surface.{surface}] describes its surface; did you mean \"{near}\"?");
            reader.warn(&format!("probe \"{name}\": {message}"));
        }
        surfaces.entry(probe.surface.clone()).or_default();
    }
    for name in &described {
        if !probes.iter().any(|probe| probe.surface == *name) {
            reader.warn(&format!("no probe belongs to the surface \"{name}\""));
        }
    }
}
