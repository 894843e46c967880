//! Imports of other tools' files: the result of each is a snapshot, and every imported file is
//! valid.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use uptick::config;
use uptick::import::{self, Imported, InputFile};

fn input(name: &str) -> InputFile {
    let text = fs::read_to_string(Path::new("tests/config/import").join(name)).unwrap();
    InputFile { name: name.to_owned(), text }
}

pub(super) fn given(text: &str) -> Result<Imported, String> {
    let file = InputFile { name: "given".to_owned(), text: text.to_owned() };
    import::import(&[file], Path::new("")).map_err(|error| error.to_string())
}

/// Imports files of tests/config/import, and reads the result as a probe file.
fn imported(names: &[&str]) -> Imported {
    let files: Vec<InputFile> = names.iter().map(|name| input(name)).collect();
    let imported = import::import(&files, Path::new("")).unwrap();
    let env = |name: &str| imported.variables.contains(&name.to_owned()).then(|| "stand-in".to_owned());
    let config = config::load_text(Path::new("probes.toml"), &imported.text, &env).unwrap();
    assert_eq!(config.probes.len(), imported.probes);
    imported
}

/// Asserts that the imported text contains none of these secrets.
fn assert_without(imported: &Imported, secrets: &[&str]) {
    for secret in secrets {
        assert!(!imported.text.contains(secret), "{secret} is in\n{}", imported.text);
    }
}

#[test]
fn a_script_of_curl_commands() {
    let imported = imported(&["smoke.sh"]);
    assert_without(&imported, &["hunter22", "s3cret-word", "0a1b2c3d4e5f", "aB3dE5fG7hI9jK1lM3nO5pQ7", "pw123456"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn commands_copied_from_a_browser() {
    let imported = imported(&["copied-as-curl.txt"]);
    assert_without(&imported, &["abc123def456", "9f8e7d6c5b"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn a_har() {
    let imported = imported(&["recorded.har"]);
    assert_without(&imported, &["swordfish", "c3dvcmRmaXNo", "f00dfeed", "0123456789abcdef"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn modules_of_blackbox_exporter_and_the_targets_of_prometheus() {
    let imported = imported(&["blackbox.yml", "prometheus.yml", "api-1.json"]);
    assert_without(&imported, &["mysecret", "abcdef123"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn modules_and_a_list_of_targets_need_no_scrape_configuration() {
    let imported = imported(&["api-1.json", "blackbox.yml"]);
    assert!(imported.text.contains("\n# no job names its module: asked as api\n"), "{}", imported.text);
}

#[test]
fn gatus() {
    let imported = imported(&["gatus.yaml"]);
    assert_without(&imported, &["not-for-everyone", "XXX"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn uptime_kuma() {
    let imported = imported(&["uptime-kuma.json"]);
    assert_without(&imported, &["k3y-k3y-k3y", "pa55word", "s3cr3t-s3cr3t"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn every_prober_of_blackbox_exporter_and_every_way_to_name_a_target() {
    let imported = imported(&["blackbox-all.yml", "relabel.yml"]);
    let secrets = ["tr4ce", "pr0xy-w0rd", "pr0xy-t0ken", "cl1ent-s3cret", "t0ken-t0ken", "gr9c-t0ken", "w5-p4ssword"];
    assert_without(&imported, &secrets);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn resources_of_kubernetes_and_the_values_of_a_chart() {
    insta::assert_snapshot!(imported(&["kubernetes.yaml"]).text);
}

#[test]
fn several_files_of_gatus_with_suites() {
    let imported = imported(&["gatus-global.yaml", "gatus-all.yaml"]);
    assert_without(&imported, &["p0tat0", "ssh-p4ssword", "BEGIN"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn uptime_kuma_of_version_2() {
    let imported = imported(&["uptime-kuma-2.json"]);
    assert_without(&imported, &["b0t-t0ken", "pr0xy-w0rd", "qu3ue-w0rd", "BEGIN"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn a_har_of_firefox_with_a_byte_order_mark() {
    let imported = imported(&["firefox.har"]);
    assert_without(&imported, &["f1refox", "s0cket", "c00kie"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn commands_of_api_references() {
    let imported = imported(&["api-docs.sh"]);
    assert_without(&imported, &["sk_probe", "aB3dE5fG7hI9", "d1gest-w0rd"]);
    insta::assert_snapshot!(imported.text);
}

#[test]
fn a_file_of_another_tool_is_told_by_its_name() {
    let cases = [
        (
            "curl ^\"https://x.test/^\" ^\n  -H ^\"accept: a^\"\n",
            "a command line of Windows' cmd; copy it as cURL (bash)",
        ),
        ("curl \"https://x.test/\" ^\n  -H \"accept: a\"\n", "a command line of Windows' cmd; copy it as cURL (bash)"),
        ("Invoke-WebRequest -Uri \"https://x.test/\" `\n-Method \"GET\"\n", "PowerShell; copy it as cURL (bash)"),
        ("$session = New-Object WebRequestSession\n$session.UserAgent = \"a\"\n", "PowerShell; copy it as cURL (bash)"),
        ("await fetch(\"https://x.test/\", {\n  \"method\": \"GET\"\n});\n", "JavaScript (fetch); copy it as cURL"),
        ("https://x.test/\nhttps://y.test/\n", "a list of URLs; `uptick check @FILE` asks them"),
        ("# a check\nwget -q https://x.test/\n", "a command line of wget, which is not imported"),
        ("http GET x.test a:b\n", "a command line of HTTPie"),
        ("GET https://x.test/\nHTTP 200\n", "a file of Hurl"),
        ("POST https://x.test/ HTTP/1.1\nAccept: a\n", "a file of an editor's HTTP client"),
        ("import http from \"k6/http\";\n", "a script of k6"),
        ("meta {\n  name: x\n}\n", "a request of Bruno"),
        ("<jmeterTestPlan version=\"1.2\"/>", "a test plan of JMeter"),
        ("{\"info\": {\"_postman_id\": \"1\"}, \"item\": []}", "a file of Postman"),
        ("{\"_type\": \"export\", \"__export_format\": 4}", "an export of Insomnia"),
        ("type: collection.insomnia.rest/5.0\n", "an export of Insomnia"),
        ("openapi: 3.1.0\npaths: {}\n", "a description of OpenAPI"),
        ("config: {target: x}\nscenarios: []\n", "a scenario of Artillery"),
        ("heartbeat.monitors:\n- type: http\n", "a configuration of Elastic Heartbeat"),
    ];
    for (text, told) in cases {
        let error = given(text).unwrap_err();
        assert!(error.starts_with(&format!("given:1:1: this is {told}")) || error.contains(told), "{text}\n{error}");
        assert!(error.contains("; import takes curl command lines"), "{error}");
    }
}

#[test]
fn a_header_that_http_cannot_send_is_left_out_of_its_probe() {
    let header = r#"{"name": "a b", "value": "x"}, {"name": "", "value": "x"}, {"name": "c", "value": "d\ne"}, {"name": "f", "value": "g"}"#;
    let har = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "https://x.test/", "headers": [HEADERS]}, "response": {"status": 200}}]}}"#;
    let imported = given(&har.replace("HEADERS", header)).unwrap();
    assert_eq!((imported.probes, imported.not_carried), (1, 3), "{}", imported.text);
    assert!(imported.text.contains("\nheaders.f = \"g\"\n"), "{}", imported.text);
    assert!(imported.text.contains("# not carried over: the header `a b`: HTTP has no header of such a name\n"));
    assert!(
        imported.text.contains("# not carried over: the header c: its value has a line break"),
        "{}",
        imported.text
    );
}

#[test]
fn what_a_har_recorded_of_a_failing_server_is_not_expected_and_a_subprotocol_is_offered() {
    let entry = |url: &str, headers: &str, status: u16| {
        format!(
            r#"{{"request": {{"method": "GET", "url": "{url}", "headers": [{headers}]}}, "response": {{"status": {status}}}}}"#
        )
    };
    let header = |value| format!(r#"{{"name": "Sec-WebSocket-Protocol", "value": "{value}"}}"#);
    let entries = [
        entry("https://x.test/a", "", 503),
        entry("https://x.test/b", "", 404),
        entry("wss://x.test/c", &header("graphql-ws"), 101),
        entry("wss://x.test/d", &header("a, b"), 101),
    ];
    let text = given(&format!(r#"{{"log": {{"entries": [{}]}}}}"#, entries.join(","))).unwrap().text;
    assert!(!text.contains("expect.status = 503") && text.contains("expect.status = 404"), "{text}");
    assert!(text.contains("# 503 was the answer when it was recorded: a failure of the server"), "{text}");
    assert!(text.contains("\nexpect.subprotocol = \"graphql-ws\"\n"), "{text}");
    assert!(text.contains("# not carried over: the subprotocols a, b: `expect.subprotocol` offers one\n"), "{text}");
}

#[test]
fn a_credential_is_taken_out_wherever_it_stands() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnop";
    let key = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let hook = "https://hooks.example.com/services/T0/B0/aB3dE5fG7hI9jK1lM3nO5pQ7";
    let gatus = format!(
        "endpoints:\n- name: a\n  url: https://x.test/?q={key}\n  method: POST\n  body: '{{\"note\": \"{key}\"}}'\n  headers:\n    \
         content-type: application/json\n    x-custom: Bearer {jwt}\n    x-plain: {key}\n  conditions: ['[STATUS] == 200']\n  \
         alerts:\n  - type: slack\n    provider-override: {{webhook-url: '{hook}'}}\n"
    );
    let curl = format!("curl 'https://x.test/?q={key}' -H 'x-custom: Bearer {jwt}' -d 'note={key}'\n");
    for text in [gatus, curl] {
        let imported = given(&text).unwrap();
        assert_without(&imported, &[jwt, key, "aB3dE5fG7hI9jK1lM3nO5pQ7"]);
        assert!(imported.text.contains("headers.x-custom = \"Bearer ${secret:"), "{}", imported.text);
    }
}

#[test]
fn a_monitor_of_a_port_expects_no_certificate() {
    let backup = r#"{"version": "1.23.16", "monitorList": [{"type": "port", "name": "db", "url": "https://",
        "hostname": "db.test", "port": 5432, "expiryNotification": true, "active": true}]}"#;
    let text = given(backup).unwrap().text;
    assert!(text.contains("\nurl = \"tcp://db.test:5432\"\n") && !text.contains("certificate-days"), "{text}");
}

#[test]
fn what_is_of_no_tool_is_refused_with_its_place_and_what_is_taken() {
    let cases = [
        ("", "given is empty; import takes"),
        ("\n\n{\"a\": 1", "given:3:7: this is not JSON: it ends before it is complete"),
        ("{\"a\": 1}", "given:1:1: this JSON is not of a known tool; import takes"),
        ("a: 1\n", "given:1:1: this YAML is not of a known tool; import takes"),
        ("endpoints:\n  - name: x\n url: [\n", "given:3:"),
        ("endpoints:\n  - name: x\n    name: y\n", "given:3:5: this YAML cannot be read: the key `name` occurs twice"),
        (
            "endpoints:\n- name: x\n  conditions:\n  - [STATUS] == 200\n",
            "given:4:14: this YAML cannot be read: a text that begins with `[` needs quotes",
        ),
        ("endpoints:\n- name: @x\n", "given:2:9: this YAML cannot be read: a text that begins with `@` needs quotes"),
        ("endpoints:\n\t- name: x\n", "given:2:2: this YAML cannot be read: it is indented with a tab: write spaces"),
        ("endpoints:\n- name: a: b\n", "given:2:10: this YAML cannot be read: a text with `: ` in it needs quotes"),
        ("endpoints:\n- name: \"x\n", "given:2:9: this YAML cannot be read: unclosed quote"),
        ("endpoints: *e\n", "given:1:12: this YAML cannot be read: alias references unknown anchor"),
        ("endpoints: &e\n  - *e\n", "given:2:5: this YAML cannot be read: an alias refers to what it is part of"),
        (
            &"a: [".repeat(100),
            "given:1:129: this YAML cannot be read: it is nested too deep, or holds or repeats too much",
        ),
        ("echo hi\n", "given:1:1: no curl command is found; import takes"),
        ("curl 'https://x.test\n", "given:2:1: a single quote is not closed"),
        ("#!/bin/sh\ncurl -H\n", "given:2:1: curl's `-H` has no value"),
        ("[[probe]]\nname = \"x\"\n", "given:1:1: this is TOML: a probe file needs no import"),
        ("<!doctype html>", "given:1:1: this is HTML or XML"),
        ("modules:\n  http_2xx: {prober: http}\n", "blackbox_exporter's configuration has modules and no targets"),
        ("metrics: true\nui: {title: x}\n", "given contains no endpoint of Gatus: give all files"),
        ("services:\n  web: {image: nginx}\n", "given:1:1: this YAML is not of a known tool"),
        ("{\"monitorList\": []}", "given contains nothing that a probe can check"),
        (
            "{\"monitorList\": [{\"name\": \"x\", \"type\": \"ping\"}]}",
            "given (Uptime Kuma) holds nothing that can be checked: probe \"",
        ),
        ("a\0b", "given is binary"),
        ("\u{7f}ELF\u{2}", "given is binary"),
    ];
    for (text, expected) in cases {
        let error = given(text).unwrap_err();
        assert!(error.starts_with(expected), "{text:?}\n{error}\n{expected}");
    }
}

#[test]
fn what_an_option_of_curl_takes_is_no_target_and_what_it_means_is_kept_or_said() {
    let cases = [
        ("--tlsauthtype SRP", "not carried over: `--tlsauthtype`"),
        ("-P - -t TTYPE=vt100 --proxy-cacert ca.pem --request-target '*'", "not carried over: `--request-target`"),
        ("--rate 2/s --trace-config ids --create-file-mode 0777", "url = \"https://x.test/\"\n"),
        ("--hsts cache.txt --alt-svc cache.txt --curves X25519", "not carried over: `--curves`"),
        (
            "--url-query '=a b' --url-query 'name=c d' --url-query +e=%20f",
            "url = \"https://x.test/?a%20b&name=c%20d&e=%20f\"",
        ),
        ("--url-query name@file", "not carried over: `--url-query name@file`: it is encoded from a file"),
        ("--data-urlencode name@file", "not carried over: `--data-urlencode name@file`: it is encoded from a file"),
        ("--data-urlencode 'a@b=c d'", "form = { \"a@b\" = \"c d\" }"),
        ("-F 'colors=\"red; green\";type=text/x-myapp'", "multipart = { colors = \"red; green\" }"),
        ("-X POST --follow", "method = \"POST\"\nurl = \"https://x.test/\"\n"),
        ("--proxy1.0 proxy:3128", "proxy = \"http://proxy:3128\""),
        ("-L --no-location", "redirects = \"none\""),
        ("-E client.pem:hunter22", "not carried over: the password of `--cert`"),
        ("--url @list.txt", "left out: its URLs are in a file"),
        ("--variable name=smith --expand-data '{{name}}'", "left out: it uses variables of curl"),
    ];
    for (options, expected) in cases {
        let imported = given(&format!("curl {options} https://x.test/\ncurl https://y.test/\n")).unwrap();
        assert!(imported.text.contains(expected), "{options}: {expected}\n{}", imported.text);
        assert!(!imported.text.contains("hunter22"), "{options}\n{}", imported.text);
        let targets = imported.text.lines().filter(|line| line.trim_start_matches("# ").starts_with("url = "));
        let of_both = targets.filter(|line| line.contains("://x.test") || line.contains("://y.test")).count();
        let extra = imported.text.matches("url = ").count() - of_both;
        assert_eq!((of_both, extra), (2, usize::from(options.starts_with("--url @"))), "{options}\n{}", imported.text);
    }
}

#[test]
fn a_har_that_has_a_query_or_fields_apart_from_the_text_keeps_them() {
    let request = |request: serde_json::Value| {
        let har = serde_json::json!({ "log": { "entries": [{ "request": request, "response": { "status": 200 } }] } });
        given(&har.to_string()).unwrap().text
    };
    let pairs = serde_json::json!([{ "name": "q", "value": "a b" }, { "name": "", "value": "" }]);
    let text = request(serde_json::json!({ "method": "GET", "url": "https://x.test/s", "queryString": pairs }));
    assert!(text.contains("url = \"https://x.test/s?q=a+b\""), "{text}");
    let text = request(serde_json::json!({ "method": "GET", "url": "https://x.test/s?q=1", "queryString": pairs }));
    assert!(text.contains("url = \"https://x.test/s?q=1\""), "{text}");

    let fields = serde_json::json!([
        { "name": "user", "value": "ann" }, { "name": "user", "value": "bob" }, { "name": "password", "value": "swordfish" },
        { "name": "photo", "fileName": "me.jpg", "value": "data:image/jpeg;base64,AAAA" },
    ]);
    let post = serde_json::json!({ "mimeType": "multipart/form-data; boundary=xyz", "text": "", "params": fields });
    let headers = serde_json::json!([{ "name": "Content-Type", "value": "multipart/form-data; boundary=xyz" }]);
    let text = request(serde_json::json!({
        "method": "POST", "url": "https://x.test/s", "headers": headers, "postData": post,
    }));
    assert!(text.contains("multipart = { user = \"ann\", password = \"${secret:X_TEST_S_PASSWORD}\" }"), "{text}");
    assert!(
        text.contains("not carried over: another field user") && text.contains("the file of the field photo"),
        "{text}"
    );
    assert!(!text.contains("swordfish") && !text.contains("boundary"), "{text}");
}

#[test]
fn an_alias_bomb_ends_at_the_bound_of_the_parser() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let one = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [one.as_str(); 10].join(", ")));
    }
    bomb.push_str("endpoints: *a11\n");
    let error = given(&bomb).unwrap_err();
    assert!(error.contains("this YAML cannot be read"), "{error}");
}

#[test]
fn a_secret_in_a_body_of_any_form_is_taken_out() {
    for body in [
        "-d 'user=ann&password=swordfish'",
        "-d 'password=swordfish&password=swordfish'",
        "-H 'content-type: application/json' -d '{\"password\": \"swordfish\", \"n\": null}'",
        "-H 'content-type: application/json' -d '{\"a\": [{\"token\": \"swordfish\"}]}'",
        "-d \"{\"user\":\"ann\",\"password\":\"swordfish\"}\"",
        "-H 'content-type: text/xml' -d '<login><password>swordfish</password></login>'",
        "-F user=ann -F password=swordfish",
        "-G --data-urlencode api_key=swordfish",
        "--json '{\"session\": \"swordfish\"}'",
    ] {
        let imported = given(&format!("curl https://x.test/ {body}")).unwrap();
        assert!(!imported.text.contains("swordfish"), "{body}\n{}", imported.text);
        assert_eq!(imported.variables.len(), 1, "{body}\n{}", imported.text);
    }
}

/// A value of a variable: for one that begins a proxy a URL, as the file says.
fn stand_in(variable: &str, file: &str) -> &'static str {
    if file.contains(&format!("proxy = \"${{{variable}}}")) { "https://stand-in.test" } else { "stand-in" }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a command line contains, the imported text can be loaded.
    #[test]
    fn whatever_is_imported_is_valid(
        url in "https?://[a-z]{1,8}\\.test(/[ -~]{0,12})?",
        header in "[a-zA-Z-]{1,10}: ?[ -~]{0,20}",
        body in "[ -~\\n]{0,30}",
        option in prop_oneof!["-X [A-Z]{1,6}", "-m [0-9.]{1,4}", "-u [a-z]{1,3}:[ -&(-~]{1,6}", "-x [ -&(-~]{1,10}", "-F [ -&(-~]{1,12}", "--resolve [ -&(-~]{1,20}"],
    ) {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let (name, value) = option.split_once(' ').unwrap();
        let command = format!("curl {} -H {} -d {} {name} {}", quoted(&url), quoted(&header), quoted(&body), quoted(value));
        if let Ok(imported) = given(&command) {
            let env = |name: &str| Some(stand_in(name, &imported.text).to_owned());
            let read = config::load_text(Path::new("probes.toml"), &imported.text, &env);
            prop_assert!(read.is_ok(), "{command}\n{}\n{}", imported.text, read.unwrap_err());
        }
    }

    /// Conditions, names and other texts with any content are imported or noted, and never abort
    /// the import.
    #[test]
    fn whatever_a_document_says_is_valid(text in "[ -~]{0,24}", number in any::<i32>()) {
        let document = serde_json::json!({ "endpoints": [{
            "name": text, "group": text, "url": "https://x.test/", "interval": text, "headers": { "x": text },
            "body": text, "conditions": [format!("[BODY].a == {text}"), format!("[STATUS] == {number}"), text],
            "client": { "timeout": text, "proxy-url": text, "dns-resolver": text },
        }] });
        if let Ok(imported) = given(&document.to_string()) {
            let env = |name: &str| Some(stand_in(name, &imported.text).to_owned());
            prop_assert!(config::load_text(Path::new("probes.toml"), &imported.text, &env).is_ok(), "{}", imported.text);
        }
    }
}

#[test]
fn a_secret_that_gatus_compares_with_is_named_and_not_shown() {
    let text = given(
        "endpoints:\n- name: a\n  url: https://x.test/\n  conditions:\n  - \"[BODY].token == hush-1\"\n  \
         - \"[BODY].data.access_token == pat(hush-2*)\"\n  - \"[BODY].session != hush-3\"\n  - \"[BODY].token != 7\"\n  \
         alerts: [{type: custom, provider-override: {webhook-url: \"https://h.test/hush-4\"}}]\n",
    )
    .unwrap()
    .text;
    assert!(!text.contains("hush"), "{text}");
    for said in ["`[BODY].token == …`", "`[BODY].data.access_token == …`", "`[BODY].session != …`", "not-equals = 7"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn the_metadata_of_grpc_is_never_shown() {
    let text = given(
        r#"{"monitorList":[{"name":"a","type":"grpc-keyword","grpcMetadata":"{\"x-tenant\":\"hush-1\"}"},
        {"name":"b","type":"http","url":"https://b.test","grpcMetadata":"{\"x\":\"hush-2\"}"}]}"#,
    )
    .unwrap()
    .text;
    assert!(!text.contains("hush") && text.matches("`grpcMetadata: …`").count() == 2, "{text}");
}

#[test]
fn a_name_of_joined_emoji_has_no_escapes() {
    let text = given(
        "endpoints:\n- name: \"\u{1f469}\u{200d}\u{1f4bb} dev\"\n  group: \"\u{2764}\u{fe0f}\"\n  url: https://x.test/\n",
    )
    .unwrap()
    .text;
    assert!(text.contains("\nname = \"\u{1f469}\u{1f4bb} dev\"\n"), "{text}");
    assert!(text.contains("\nsurface = \"\u{2764}\"\n"), "{text}");
}

#[test]
fn a_target_with_a_variable_of_another_program_is_left_out_with_why() {
    let config = "scrape_configs:\n- job_name: j\n  metrics_path: /probe\n  static_configs: [{targets: [\"https://x.test\", \
                  \"https://${REGION}.x.test\", \"https://x.test/${PATH}\", \"$HOST\"]}]\n";
    let imported = given(config).unwrap();
    assert_eq!((imported.probes, imported.left_out), (1, 3), "{}", imported.text);
    let told = "# left out: `${` in a target is text to Prometheus: give the file with its variables filled in\n";
    assert_eq!(imported.text.matches(told).count(), 2, "{}", imported.text);
    assert!(imported.text.contains("# left out: `url` has a host with `$`, which no name has: "), "{}", imported.text);
}

#[test]
fn what_a_job_says_of_the_scrape_is_named() {
    let text = given(
        "kind: Probe\nmetadata: {name: p}\nspec:\n  interval: 30s\n  basicAuth: {username: {name: s, key: u}}\n  \
         sampleLimit: 9\n  targets: {staticConfig: {static: [\"https://x.test\"]}}\n",
    )
    .unwrap()
    .text;
    for said in ["# not carried over: `basicAuth: ", "# not carried over: `sampleLimit: 9`: it is about the scrape"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let text = given(
        "scrape_configs:\n- job_name: j\n  metrics_path: /probe\n  params: {module: [m], debug: [\"true\"]}\n  \
         basic_auth: {username: u, password: hush}\n  http_sd_configs: [{url: \"http://sd.test/\"}]\n  \
         static_configs: [{targets: [\"https://x.test\"]}]\n",
    )
    .unwrap()
    .text;
    for said in ["`params.debug: [true]`", "`basic_auth: …`", "what its URL answers is a file that can be given too"]
    {
        assert!(text.contains(said) && !text.contains("hush"), "{said}: {text}");
    }
}

#[test]
fn a_variable_called_like_a_url_is_a_part_of_a_name_where_it_stands_in_one() {
    let error = given("curl \"https://a$BASE_URL!.x.test/\"\n").unwrap_err();
    assert!(error.contains("not allowed in a name") || error.contains("host"), "{error}");
    let text = given("curl \"$BASE_URL/health\" -x \"$PROXY_URL\"\n").unwrap().text;
    assert!(
        text.contains("\nurl = \"${BASE_URL}/health\"\n") && text.contains("\nproxy = \"${PROXY_URL}\"\n"),
        "{text}"
    );
}
