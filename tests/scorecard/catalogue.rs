//! R1 to R3: checks of hostile and broken servers get the right class, end in time and use little
//! memory.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uptick::config;
use uptick::config::{Config, Settings};
use uptick::model::{DeniedNetworks, Phase};

use crate::faults;
use crate::faults::row::{Row, Wanted};
use crate::memory_bounds::{self, HUNDRED, ONE};
use crate::readings::{Measurement, Thoroughness, micros, ms};
use crate::support::run::Run;
use crate::support::server::{ScriptedConnection, Server};

/// How much longer than its limit a check may take.
const GRACE: Duration = Duration::from_millis(250);

/// How long the closing handshake of a WebSocket may take; it is not part of the total of a check.
const FAREWELL: Duration = Duration::from_secs(1);

/// The rows that do not need a machine of their own.
const SECTIONS: &[&[Row]] = &[
    faults::resolve::ROWS,
    faults::connect::ROWS,
    faults::tls::ROWS,
    faults::head::ROWS,
    faults::body::ROWS,
    faults::redirects::ROWS,
    faults::digest::ROWS,
    faults::http2::ROWS,
    #[cfg(feature = "http3")]
    faults::http3::ROWS,
    faults::proxy::ROWS,
    faults::connections::ROWS,
    faults::starttls::ROWS,
    faults::dns::ROWS,
    faults::websocket::ROWS,
    faults::websocket_http2::ROWS,
    faults::grpc::ROWS,
    faults::unix_socket::ROWS,
];

/// A row of the catalogue, as a probe in a file.
struct Probe {
    name: String,
    when: &'static str,
    wanted: Wanted,
    limit: Duration,
}

/// The results of the binary for all rows.
struct Catalogue {
    probes: Vec<Probe>,
    outcomes: Vec<Value>,
    /// How long after the end of the last check the process exited.
    left: Duration,
}

/// Lets the binary check all rows once; R1 and R2 share the results.
fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        // Two hundred servers, and a connection to each.
        let _ = rlimit::increase_nofile_limit(65_536);
        let mut probes = Vec::new();
        let mut kept: Vec<Box<dyn Any>> = Vec::new();
        let mut websockets = BTreeSet::new();
        let mut file = "[settings]\nconcurrency = 16\n".to_owned();
        let folder = tempfile::tempdir().unwrap();
        for (n, row) in SECTIONS.iter().copied().flatten().enumerate() {
            let case = (row.setup)();
            // Here every probe makes exactly one check.
            if !case.is_one_check() {
                continue;
            }
            let (mut probe, servers) = case.into_parts();
            // A probe in a file cannot set either: one is set once per file, the other in the
            // environment.
            if probe.transport.deny != DeniedNetworks::NOTHING || probe.transport.proxy_environment.is_some() {
                continue;
            }
            // In a file only named steps can capture.
            if !probe.steps[0].captures.is_empty() {
                probe.steps[0].name.get_or_insert_with(|| "page".to_owned());
            }
            probe.name = format!("row {} {n}", row.number);
            "default".clone_into(&mut probe.surface);
            let text = config::explain(&Config::of(Settings::default(), Vec::new()), &probe);
            let alone = folder.path().join("probes.toml");
            std::fs::write(&alone, &text).unwrap();
            // Some rows have a probe that no file can describe.
            if config::load(&alone, &|_| None).is_err() {
                continue;
            }
            let _ = writeln!(file, "{text}");
            if text.contains("url = \"ws") {
                websockets.insert(probe.name.clone());
            }
            probes.push(Probe { name: probe.name, when: row.when, wanted: row.wanted, limit: probe.timeout });
            kept.extend(servers);
        }
        let ran = Run::new(["check", "--format", "ndjson"]).config(&file).run();
        let ended = Timestamp::now();
        let mut outcomes = ran.json_lines();
        let left = left_after(&outcomes, &websockets, ended);
        again_where_overloaded(&file, &mut outcomes);
        drop(kept);
        Catalogue { probes, outcomes, left }
    })
}

/// How long after the end of the last check the process exited; [`Duration::MAX`] if no check
/// ended.
fn left_after(outcomes: &[Value], websockets: &BTreeSet<String>, ended: Timestamp) -> Duration {
    let ends = outcomes.iter().filter_map(|outcome| {
        let farewell = if websockets.contains(outcome["probe"].as_str()?) { FAREWELL } else { Duration::ZERO };
        let started: Timestamp = outcome["started_at"].as_str()?.parse().ok()?;
        Some(started + Duration::from_micros(outcome["timings_us"]["total"].as_u64()?) + farewell)
    });
    ends.max().map_or(Duration::MAX, |last| Duration::try_from(ended.duration_since(last)).unwrap_or_default())
}

/// Repeats each check that ended as `prober_overloaded`, alone and up to five times.
fn again_where_overloaded(file: &str, outcomes: &mut [Value]) {
    for outcome in outcomes {
        let name = outcome["probe"].as_str().unwrap_or_default().to_owned();
        for _ in 0..5 {
            if outcome["failure"]["class"] != "prober_overloaded" {
                break;
            }
            let again = Run::new(["check", "--format", "ndjson", &name]).config(file).run().json_lines();
            *outcome = again.into_iter().next().unwrap_or_default();
        }
    }
}

/// R1.
pub(crate) fn classes(_: Thoroughness) -> Measurement {
    let catalogue = catalogue();
    let mut wrong = Vec::new();
    for probe in &catalogue.probes {
        let outcome = catalogue.outcomes.iter().find(|outcome| outcome["probe"] == probe.name.as_str());
        let found = outcome.map(|outcome| (outcome["failure"]["class"].as_str(), outcome["failure"]["phase"].as_str()));
        let wanted = match probe.wanted {
            Wanted::Up => (None, None),
            Wanted::Fails(class, phase) => (Some(class.name()), phase.map(Phase::name)),
        };
        if found != Some(wanted) {
            let said = outcome.and_then(|outcome| outcome["failure"]["message"].as_str()).unwrap_or_default();
            eprintln!("R1 {}, when {}: {wanted:?} is wanted, found {found:?}: {said}", probe.name, probe.when);
            wrong.push(probe.name.clone());
        }
    }
    let rows = catalogue.probes.len();
    let figure = format!("{} of {rows} rows that stand in a probe file", rows - wrong.len());
    Measurement::judged(wrong.is_empty() && rows >= 110, figure)
}

/// R2.
pub(crate) fn deadlines(_: Thoroughness) -> Measurement {
    let catalogue = catalogue();
    let mut most = (0, String::new());
    for probe in &catalogue.probes {
        let outcome = catalogue.outcomes.iter().find(|outcome| outcome["probe"] == probe.name.as_str());
        let took = outcome.and_then(|outcome| outcome["timings_us"]["total"].as_u64()).unwrap_or(u64::MAX);
        most = most.max((took.saturating_sub(micros(probe.limit)), format!("{}, when {}", probe.name, probe.when)));
    }
    let (most, at) = most;
    if most > micros(GRACE) {
        eprintln!("R2 {at}: {}", ms(most));
    }
    let left = catalogue.left;
    let figure = format!("{} beyond a limit at most, gone {left:.0?} after the last record", ms(most));
    Measurement::judged(most <= micros(GRACE) && left <= Duration::from_millis(500), figure)
}

/// R3.
pub(crate) fn memory(_: Thoroughness) -> Measurement {
    let waits = Server::start(ScriptedConnection::stall);
    let floods = memory_bounds::floods();
    let mut worst = (0, "");
    for flood in &floods {
        worst = worst.max((memory_bounds::most_memory(&flood.probe("flooded"), &waits), flood.name));
    }
    #[cfg(feature = "http3")]
    for flood in memory_bounds::quic_floods() {
        worst = worst.max((memory_bounds::most_memory(&flood.probe("flooded"), &waits), flood.name));
    }
    let many: String = (0..100).map(|n| floods[n % floods.len()].probe(&format!("flooded {n}")) + "\n").collect();
    let hundred = memory_bounds::most_memory(&many, &waits);
    let (one, name) = worst;
    let figure = format!("{} MiB for one ({name}), {} MiB for a hundred", one.div_ceil(1024), hundred.div_ceil(1024));
    Measurement::judged(one <= ONE && hundred <= HUNDRED, figure)
}
