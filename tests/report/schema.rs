//! The binary's output conforms to its schemas, and the schemas under `schemas/` are those of the
//! binary.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

use crate::support::run::Run;
use crate::support::server::Server;
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use uptick::cli::SchemaDocument;

const DOCUMENTS: [&str; 5] = ["probes", "outcome", "check", "journal", "report"];

fn printed(document: &str) -> String {
    let ran = Run::new(["schema", document]).run();
    ran.expect_code(0);
    ran.stdout
}

fn path(document: &str) -> String {
    format!("schemas/{document}.json")
}

/// The content of a schema file, derived from the types of the documents.
fn derived(document: &str) -> String {
    let document = match document {
        "probes" => SchemaDocument::Probes,
        "outcome" => SchemaDocument::Outcome,
        "check" => SchemaDocument::Check,
        "journal" => SchemaDocument::Journal,
        "report" => SchemaDocument::Report,
        other => panic!("{other}"),
    };
    serde_json::to_string_pretty(&uptick::commands::derived_schema(document)).unwrap() + "\n"
}

#[test]
fn the_committed_schemas_are_what_the_types_say_and_the_binary_prints_them() {
    for document in DOCUMENTS {
        let (committed, path) = (fs::read_to_string(path(document)).unwrap(), path(document));
        assert!(
            committed == derived(document),
            "{path} is not current: cargo test --test report -- --ignored write_the_schemas"
        );
        assert!(committed == printed(document), "{path} is not the one in the binary");
    }
}

#[test]
#[ignore = "writes schemas/"]
fn write_the_schemas() {
    for document in DOCUMENTS {
        fs::write(path(document), derived(document)).unwrap();
    }
}

/// A compiled schema.
struct CompiledSchema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl CompiledSchema {
    /// The schema as it is, which allows keys of later versions.
    fn new(document: &str) -> CompiledSchema {
        CompiledSchema::compile(serde_json::from_str(&printed(document)).unwrap())
    }

    /// The schema with every object closed, so that an unknown key is an error: everything that is
    /// written today must be described today.
    fn strict(document: &str) -> CompiledSchema {
        let mut schema: Value = serde_json::from_str(&printed(document)).unwrap();
        let closed = close(&mut schema);
        assert!(closed > 3, "{document} has objects to close");
        CompiledSchema::compile(schema)
    }

    fn compile(schema: Value) -> CompiledSchema {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("mem:///schema.json", schema).unwrap();
        let index = compiler.compile("mem:///schema.json", &mut schemas).unwrap();
        CompiledSchema { schemas, index }
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

/// Closes the objects that do not allow additional keys otherwise, and returns how many.
fn close(schema: &mut Value) -> usize {
    match schema {
        Value::Object(fields) => {
            let mut closed = fields.values_mut().map(close).sum();
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), json!(false));
                closed += 1;
            }
            closed
        }
        Value::Array(elements) => elements.iter_mut().map(close).sum(),
        _ => 0,
    }
}

/// A probe file with probes that are up, down by status and by an expectation, refused, and
/// redirected.
fn config(server: &Server) -> String {
    let url = |path: &str| server.url(path);
    format!(
        r#"
        [surface.web]
        objective = "99.9% over 30d"
        [[control]]
        name = "control"
        url = "{good}"
        [[probe]]
        name = "good"
        surface = "web"
        url = "{good}"
        [[probe]]
        name = "moved"
        surface = "web"
        url = "{moved}"
        [[probe]]
        name = "wrong"
        surface = "app"
        url = "{good}"
        expect.status = 404
        expect.body-contains = "absent"
        expect.json = [{{ path = "$.status", equals = "gone" }}]
        [[probe]]
        name = "refused"
        surface = "app"
        url = "http://127.0.0.1:9/"
        retries = {{ attempts = 1, delay = "10ms" }}
        "#,
        good = url("/good"),
        moved = url("/moved"),
    )
}

fn origin() -> Server {
    Server::start(|conn| {
        let request = conn.request();
        if request.starts_with(b"GET /moved") {
            conn.send(b"HTTP/1.1 302 Found\r\nlocation: /good\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        } else {
            conn.send(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nserver: test\r\ncontent-length: 15\r\n\
                  connection: close\r\n\r\n{\"status\":\"ok\"}",
            );
        }
    })
}

#[test]
fn the_document_of_a_check_is_described() {
    let server = origin();
    let ran = Run::new(["check", "--count", "3", "--format", "json"]).config(&config(&server)).run();
    ran.expect_code(1);
    let document = ran.json();
    assert_eq!(document["counts"], json!({"scheduled": 12, "up": 6, "down": 6, "unknown": 0, "missed": 0}));
    CompiledSchema::strict("check").accepts(&document);
}

#[test]
fn the_lines_of_a_check_are_described() {
    let server = origin();
    let ran = Run::new(["check", "--format", "ndjson"]).config(&config(&server)).run();
    ran.expect_code(1);
    let judge = CompiledSchema::strict("outcome");
    let lines = ran.json_lines();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        judge.accepts(line);
    }
}

#[test]
fn the_lines_of_a_journal_are_described() {
    let server = origin();
    let ran = Run::new(["check", "--count", "2", "--record", "-q"]).config(&config(&server)).run();
    ran.expect_code(1);
    let judge = CompiledSchema::new("journal");
    let (mut windows, mut failures) = (0, 0);
    for (path, bytes) in ran.files().iter().filter(|(path, _)| path.extension().is_some_and(|it| it == "jsonl")) {
        for line in String::from_utf8_lossy(bytes).lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            judge.accepts(&line);
            match line["kind"].as_str() {
                Some("window") => windows += 1,
                Some("failure") => failures += 1,
                other => panic!("an unexpected kind {other:?}"),
            }
        }
    }
    assert!(windows >= 5 && failures >= 2, "{windows} windows, {failures} failures");
}

#[test]
fn the_document_of_a_report_is_described() {
    let server = origin();
    let ran = Run::new(["check", "--count", "12", "--record", "-q"]).config(&config(&server)).run();
    ran.expect_code(1);
    let journal = ran.folder.path().join("uptick-journal").display().to_string();
    let report = Run::new(["report", &journal, "--since", "1h", "--format", "json"]).config(&config(&server)).run();
    let document = report.json();
    assert_eq!(document["schema"], "uptick.report/1");
    assert!(document["incidents"].as_array().is_some_and(|incidents| !incidents.is_empty()), "{document:#}");
    CompiledSchema::strict("report").accepts(&document);
    let empty = Run::new(["report", "--since", "1h", "--format", "json"]).config(&config(&server));
    std::fs::create_dir(empty.folder().join("uptick-journal")).unwrap();
    CompiledSchema::strict("report").accepts(&empty.run().json());
}

#[test]
fn a_document_that_is_not_as_described_is_refused() {
    let server = origin();
    let ran = Run::new(["check", "--format", "ndjson"]).config(&config(&server)).run();
    let judge = CompiledSchema::new("outcome");
    let line = ran.json_lines().remove(0);
    judge.accepts(&line);
    for (key, wrong) in [("verdict", json!("broken")), ("lag_us", json!("12")), ("failure", json!({"class": "odd"}))] {
        let mut other = line.clone();
        other[key] = wrong;
        assert!(judge.refuses(&other), "{key}");
    }
    let mut other = line;
    other.as_object_mut().unwrap().remove("probe");
    assert!(judge.refuses(&other));
}

#[test]
fn every_probe_file_of_the_repository_is_described() {
    let judge = CompiledSchema::new("probes");
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
    let judge = CompiledSchema::new("probes");
    for wrong in [
        json!({"probe": [{"name": "a", "url": "http://a/", "timout": "1s"}]}),
        json!({"probe": [{"url": "http://a/"}]}),
        json!({"settings": {"concurrency": 0}}),
        json!({"probes": []}),
        json!({"defaults": {"interval": "30"}}),
        json!({"defaults": {"timeout": "soon"}}),
        json!({"defaults": {"method": "GET /"}}),
        json!({"defaults": {"expect": {"status": "20x"}}}),
        json!({"defaults": {"expect": {"status": ["2xx", "200-"]}}}),
        json!({"defaults": {"body-limit": "1 megabyte"}}),
        json!({"defaults": {"expect": {"json": {"path": "status"}}}}),
        json!({"defaults": {"resolver": "1.1.1.1"}}),
        json!({"probe": [{"name": "a", "url": "example.com"}]}),
        json!({"surface": {"web": {"objective": "99.9"}}}),
        json!({"incident": {"open-ratio": "4/10"}}),
    ] {
        assert!(judge.refuses(&wrong), "{wrong}");
    }
}

#[test]
fn the_schema_of_the_probe_file_passes_every_way_to_write_a_value() {
    let judge = CompiledSchema::new("probes");
    let durations =
        ["30s", "500ms", "1m 30s", "1m30s", "1.5h", "7d", "30 minutes", "PT30S", "2 weeks", " 5s ", "${T:-5s}"];
    for duration in durations {
        judge.accepts(&json!({"defaults": {"interval": duration}}));
    }
    for size in [json!(512), json!("512"), json!("1MiB"), json!("20 kB"), json!("${SIZE}")] {
        judge.accepts(&json!({"defaults": {"body-limit": size}}));
    }
    for status in [json!(204), json!("2xx"), json!("200-299"), json!(["2XX", 304, "401 - 403"]), json!("${CODE}")] {
        judge.accepts(&json!({"defaults": {"expect": {"status": status}}}));
    }
    let urls =
        ["http://a/", "HTTPS://a:8443", "https://${HOST}/", "${BASE}/x", "{{location}}", "https://[::1]/", "wss://a/"];
    for url in urls {
        judge.accepts(&json!({"probe": [{"name": "a", "url": url}]}));
    }
    for schedule in ["*/5 * * * * Europe/Berlin", "0 */5 * * * *", "@hourly", "@daily UTC"] {
        judge.accepts(&json!({"defaults": {"schedule": schedule}}));
    }
}

#[test]
fn the_schema_of_the_probe_file_says_what_an_editor_shows() {
    let schema: Value = serde_json::from_str(&printed("probes")).unwrap();
    assert_eq!(schema["$id"], "urn:uptick:schema:probes");
    let probe = &schema["$defs"]["[[probe]]"]["properties"];
    assert_eq!(probe["interval"]["default"], "30s");
    assert_eq!(probe["redirects"]["default"], 10);
    assert_eq!(probe["interval"]["examples"][0], "30s");
    assert_eq!(schema["$defs"]["expect"]["properties"]["status"]["default"], json!(["2xx"]));
    assert!(probe["method"]["pattern"].is_string() && probe["url"]["pattern"].is_string());
}
