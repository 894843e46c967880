//! The layering of the crate: a module imports only lower ones, and every dependency is used only
//! by its own modules.

mod imports;
mod language;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use imports::{ImportGraph, rust_files};

/// The imports of the library, read once for all tests.
static GRAPH: LazyLock<ImportGraph> = LazyLock::new(|| ImportGraph::read(Path::new("src")));

/// Each module with the modules it may import. A new dependency between modules must be added here.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("format", &["model"]),
    ("config", &["model"]),
    ("import", &["model", "config"]),
    ("plan", &["model"]),
    ("engine", &["model"]),
    ("window", &["model"]),
    ("metric", &["model", "window"]),
    ("object_storage", &["model"]),
    ("journal", &["model", "window", "object_storage"]),
    ("runner", &["model", "plan"]),
    ("report", &["model", "format", "window", "journal"]),
    ("check_report", &["model", "format", "window", "report"]),
    ("render", &["model", "format", "window", "metric", "report", "check_report", "config"]),
    ("export", &["model", "format", "window", "metric", "object_storage", "journal"]),
    ("alert", &["model", "format", "journal", "report", "export"]),
    ("progress", &["model", "format", "plan"]),
    ("demo", &["model"]),
    ("cli", &["model", "format", "config", "report", "check_report", "render", "export"]),
    (
        "commands",
        &[
            "model",
            "format",
            "config",
            "import",
            "plan",
            "engine",
            "window",
            "object_storage",
            "journal",
            "runner",
            "report",
            "check_report",
            "render",
            "export",
            "alert",
            "progress",
            "demo",
            "cli",
        ],
    ),
];

/// The layers inside the modules with most files, from the bottom up: a file or folder imports only
/// those before it.
const FLOORS: &[(&str, &str)] = &[
    ("config", "advice syntax table_schema missing pending loaded reader value probe keys explain ad_hoc saved file"),
    (
        "engine",
        "error limits fault host transport tls connect resolve http classify expectation host_facts evidence exchange \
         protocol check",
    ),
    ("report", "parallel time_span statistics document fold series context incident open_incidents answer"),
    ("render", "text grouped formats exposition evidence escape terminal phrases check html site report"),
    (
        "commands",
        "process input run schema completions version validate compact report import init export check watch demo",
    ),
];

/// Each crate with the modules that may use it.
const HOMES: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    // The signature table is data in the repository, parsed with the same parser.
    ("toml", &["config", "report"]),
    ("annotate_snippets", &["config"]),
    ("serde_saphyr", &["import"]),
    // Exporters send through `export/endpoint.rs`, the only file there that uses reqwest.
    ("reqwest", &["export"]),
    ("prost", &["export"]),
    ("parquet", &["export"]),
    ("snap", &["export"]),
    ("opentelemetry_proto", &["export"]),
    ("hickory_proto", &["engine"]),
    ("futures_util", &["engine"]),
    ("boon", &["model"]),
    ("ring", &["engine"]),
    ("quinn", &["engine"]),
    ("quinn_proto", &["engine"]),
    ("h3", &["engine"]),
    ("h3_quinn", &["engine"]),
    ("x509_parser", &["engine"]),
    ("webpki", &["engine"]),
    ("p256", &["engine"]),
    ("p384", &["engine"]),
    ("p521", &["engine"]),
    ("hdrhistogram", &["window"]),
    // Windows compress histograms; OTLP compresses requests with gzip; the binary contains its
    // schemas compressed.
    ("flate2", &["window", "export", "commands", "engine"]),
    ("rustix", &["model", "journal", "engine", "commands"]),
    ("object_store", &["object_storage", "journal"]),
    ("quick_junit", &["render"]),
    ("csv", &["render", "export"]),
    ("rcgen", &["demo"]),
    ("tokio_rustls", &["demo", "engine"]),
    ("socket2", &["demo", "engine"]),
    ("croner", &["model"]),
    ("scraper", &["model", "engine"]),
    ("regex", &["model"]),
    ("serde_json_path", &["model"]),
    ("aho_corasick", &["model"]),
];

/// The top-level module a file belongs to: `src/engine/http/body.rs` → `engine`.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").expect("a file under src");
    let first = inside.components().next().expect("a component").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file without comments and without its unit tests.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn every_source() -> Vec<(PathBuf, String, String)> {
    rust_files(Path::new("src")).into_iter().map(|file| (file.clone(), module_of(&file), code_of(&file))).collect()
}

#[test]
fn a_module_imports_only_what_stands_below_it() {
    let mut wrong = Vec::new();
    for (importer, target) in GRAPH.imports() {
        let (module, imported) = (&importer[0], &target[0]);
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| name == module)
            .unwrap_or_else(|| panic!("{} belongs to no known module", importer.join("::")));
        if imported != module && !allowed.contains(&imported.as_str()) {
            wrong.push(format!("{} imports {}", importer.join("::"), target.join("::")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_has_no_cycle() {
    for (at, (module, allowed)) in MAY_IMPORT.iter().enumerate() {
        let below: BTreeSet<&str> = MAY_IMPORT[..at].iter().map(|(name, _)| *name).collect();
        for imported in *allowed {
            assert!(below.contains(imported), "{module} may import {imported}, which does not stand below it");
        }
    }
}

#[test]
fn no_import_runs_back_up_inside_a_module() {
    let mut wrong = Vec::new();
    for (module, floors) in FLOORS {
        let floor = |name: &String| {
            floors
                .split_whitespace()
                .position(|floor| floor == name)
                .unwrap_or_else(|| panic!("{module}::{name} has no floor"))
        };
        for (importer, target) in GRAPH.imports() {
            let is_inside = |path: &Vec<String>| path[0] == *module && path.len() > 1;
            if is_inside(importer) && is_inside(target) && floor(&importer[1]) < floor(&target[1]) {
                wrong.push(format!("{} imports {}", importer.join("::"), target.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_imports_a_file_that_imports_it() {
    let cycles = GRAPH.cycles();
    assert!(cycles.is_empty(), "{} ways round:\n{}", cycles.len(), cycles.join("\n"));
}

/// Whether the code contains this path, not as the end of a longer word: `ring::` is not part of
/// `String::`, and a module of another crate is not the crate of that name.
fn names(code: &str, path: &str) -> bool {
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    code.match_indices(path).any(|(at, _)| !code[..at].ends_with(is_of_word))
}

#[test]
fn every_dependency_has_one_home() {
    let mut wrong = Vec::new();
    for (file, module, code) in every_source() {
        for (dependency, homes) in HOMES {
            let used = names(&code, &format!("{dependency}::")) || code.contains(&format!("use {dependency};"));
            if used && !homes.contains(&module.as_str()) {
                wrong.push(format!("{} uses {dependency}, whose home is {homes:?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The harness for libFuzzer is a package of its own, which no other test builds: it lists the modules of the test
/// servers that its targets use.
#[test]
fn the_fuzz_harness_has_every_module_that_its_modules_use() {
    let harness = fs::read_to_string("fuzz/harness.rs").unwrap();
    let listed: BTreeSet<&str> =
        harness.lines().filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let stem = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let all: BTreeSet<String> = rust_files(Path::new("tests/support")).iter().map(|path| stem(path)).collect();
    assert!(listed.contains("server"), "{listed:?}");
    for module in &listed {
        let text = fs::read_to_string(format!("tests/support/{module}.rs")).unwrap();
        let uses =
            |used: &&String| ["super", "support"].iter().any(|parent| text.contains(&format!("{parent}::{used}")));
        for used in all.iter().filter(uses) {
            assert!(listed.contains(used.as_str()), "fuzz/harness.rs lacks {used}, which {module} uses");
        }
    }
}
