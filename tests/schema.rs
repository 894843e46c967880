//! What the binary writes is what its schemas say, and the schemas under `schemas/` are the
//! binary's own.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;

use boon::Compiler;
use boon::SchemaIndex;
use boon::Schemas;
use serde_json::Value;
use serde_json::json;
use support::run::Run;

const DOCUMENTS: [&str; 5] = ["probes", "outcome", "check", "journal", "report"];

fn printed(document: &str) -> String {
    let ran = Run::new(["schema", document]).run();
    ran.expect_code(0);
    ran.stdout
}

fn path(document: &str) -> String {
    format!("schemas/{document}.json")
}

#[test]
fn the_committed_schemas_are_the_ones_the_binary_prints() {
    for document in DOCUMENTS {
        let committed = fs::read_to_string(path(document)).unwrap();
        assert!(
            committed == printed(document),
            "{} is not current: cargo test --test schema -- --ignored",
            path(document)
        );
    }
}

#[test]
#[ignore = "writes schemas/"]
fn write_the_schemas() {
    for document in DOCUMENTS {
        fs::write(path(document), printed(document)).unwrap();
    }
}

/// A compiled schema.
struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judge {
    /// The schema as it is, which lets keys of later versions pass.
    fn new(document: &str) -> Judge {
        Judge::compile(serde_json::from_str(&printed(document)).unwrap())
    }

    fn compile(schema: Value) -> Judge {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("mem:///schema.json", schema).unwrap();
        let index = compiler.compile("mem:///schema.json", &mut schemas).unwrap();
        Judge { schemas, index }
    }

    #[track_caller]
    fn accepts(&self, document: &Value) {
        if let Err(error) = self.schemas.validate(document, self.index) {
            panic!("{error:#}\n{document:#}");
        }
    }

    fn refuses(&self, document: &Value) -> bool {
        self.schemas.validate(document, self.index).is_err()
    }
}

#[test]
fn every_probe_file_of_the_repository_is_described() {
    let judge = Judge::new("probes");
    let mut texts = vec![("template".to_owned(), uptick::config::TEMPLATE.to_owned())];
    for path in ["probes.toml"] {
        if Path::new(path).exists() {
            texts.push((path.to_owned(), fs::read_to_string(path).unwrap()));
        }
    }
    let manifest = fs::read_to_string("examples/kubernetes/deployment.yaml").unwrap();
    let (_, inner) = manifest.split_once("  probes.toml: |\n").unwrap();
    let lines = inner.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    texts.push(("deployment.yaml".to_owned(), lines.map(str::trim_start).collect::<Vec<_>>().join("\n")));
    for (name, text) in texts {
        let document: toml::Value = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        judge.accepts(&serde_json::to_value(document).unwrap());
    }
}

#[test]
fn a_probe_file_that_uptick_refuses_for_its_keys_is_refused_by_the_schema_too() {
    let judge = Judge::new("probes");
    for wrong in [
        json!({"probe": [{"name": "a", "url": "http://a/", "timout": "1s"}]}),
        json!({"probe": [{"url": "http://a/"}]}),
        json!({"settings": {"concurrency": 0}}),
        json!({"probes": []}),
    ] {
        assert!(judge.refuses(&wrong), "{wrong}");
    }
}
