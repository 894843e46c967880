//! Imported probes ask what their source asks, or say what they do not.

use serde_json::{Value, json};
use uptick::import::InputFile;

use crate::import::given;

/// Imports several files together.
fn given_all(files: &[(&str, &str)]) -> String {
    let files = files.iter().map(|(name, text)| InputFile { name: (*name).to_owned(), text: (*text).to_owned() });
    let files: Vec<InputFile> = files.collect();
    uptick::import::import(&files, std::path::Path::new("")).unwrap().text
}

#[test]
fn what_a_step_of_a_suite_stores_is_sent_where_it_is_used() {
    let suite = r#"
suites:
- name: account
  endpoints:
  - name: log in
    url: https://x.test/login
    method: POST
    body: '{"user": "probe", "password": "pw-of-probe"}'
    conditions: ["[STATUS] == 200"]
    store: {token: "[BODY].token", sid: "[BODY].sid"}
  - name: read
    url: "https://x.test/me?token=[CONTEXT].token"
    headers: {Authorization: "Bearer [CONTEXT].token", Cookie: "theme=dark; sid=[CONTEXT].sid"}
    body: '{"password": "pw-of-probe", "token": "[CONTEXT].token"}'
    conditions: ["[STATUS] == 200"]
"#;
    let imported = given(suite).unwrap();
    let text = &imported.text;
    assert!(!text.contains("pw-of-probe") && imported.left_out == 0, "{text}");
    for written in [
        "\nurl = \"https://x.test/me?token={{token}}\"\n",
        "\nheaders.authorization = \"Bearer {{token}}\"\n",
        "sid={{sid}}\"\n",
        "\nbody = \"${secret:READ_BODY}{{token}}",
    ] {
        assert!(text.contains(written), "{written}: {text}");
    }
}

#[test]
fn a_proxy_that_the_script_sets_is_the_proxy_of_its_probes() {
    let script = "https_proxy=http://me:pr0xy-w0rd@p.test:3128 curl https://a.test/\n\
                  curl https://b.test/\n\
                  export HTTPS_PROXY=q.test:8080 no_proxy=.local.test HTTP_PROXY=unread.test\n\
                  curl https://c.test/\ncurl http://d.test/\ncurl https://e.local.test/\n\
                  curl -x '' https://f.test/\ncurl -x r.test https://g.test/\nALL_PROXY=socks5://s.test:1 curl http://h.test/\n";
    let imported = given(script).unwrap();
    assert!(!imported.text.contains("pr0xy-w0rd") && !imported.text.contains("unread"), "{}", imported.text);
    let proxies: Vec<(&str, &str)> = imported
        .text
        .split("[[probe]]")
        .skip(1)
        .map(|probe| {
            let of = |key: &str| probe.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            (of("name = "), of("proxy = "))
        })
        .collect();
    let expected = [
        ("\"a.test\"", "\"http://me:${secret:A_TEST_PROXY_PASSWORD}@p.test:3128\""),
        ("\"b.test\"", ""),
        ("\"c.test\"", "\"http://q.test:8080\""),
        ("\"d.test\"", ""),
        ("\"e.local.test\"", ""),
        ("\"f.test\"", ""),
        ("\"g.test\"", "\"http://r.test\""),
        ("\"h.test\"", "\"socks5://s.test:1\""),
    ];
    assert_eq!(proxies, expected);
}

#[test]
fn the_output_of_a_command_is_named_after_it() {
    let script = "curl -H \"x-time: $(date +%s)\" https://x.test/$(/usr/bin/get-id -q)/$((1 + 2))\n";
    let text = given(script).unwrap().text;
    for written in [
        "headers.x-time = \"${DATE_OUTPUT}\"\n",
        "\nurl = \"https://x.test/${GET_ID_OUTPUT}/${COMMAND_OUTPUT}\"\n",
        "# not carried over: `$(date …)`: set DATE_OUTPUT to what the shell makes of it\n",
        "# not carried over: `$(get-id …)`: set GET_ID_OUTPUT to what the shell makes of it\n",
        "# not carried over: `$(…)`: set COMMAND_OUTPUT to what the shell makes of it\n",
    ] {
        assert!(text.contains(written), "{written}: {text}");
    }
}

#[test]
fn a_websocket_of_curl_is_a_probe() {
    let imported = given("curl wss://x.test/live -H 'Sec-WebSocket-Protocol: mqtt'\ncurl -L ws://y.test/\n").unwrap();
    assert_eq!((imported.probes, imported.left_out), (2, 0), "{}", imported.text);
    assert!(imported.text.contains("\nexpect.subprotocol = \"mqtt\"\n"), "{}", imported.text);
}

#[test]
fn the_commands_of_a_page_of_documentation_keep_their_options() {
    for page in [
        "# API\n\nIt's a call:\n\n```bash\ncurl https://x.test/charges \\\n  -u sk_probe: \\\n  -d amount=2000\n```\n",
        "[![CI](https://ci.test/badge.svg)](https://ci.test)\n\n```console\n$ curl https://x.test/charges -d amount=2000\n```\n",
        "#!/bin/sh\nout=`curl https://x.test/charges \\\n  -d amount=2000`\n",
    ] {
        let imported = given(page).unwrap();
        assert!(imported.text.contains("\nform = { amount = \"2000\" }\n"), "{page}\n{}", imported.text);
        assert_eq!(imported.probes, 1, "{}", imported.text);
    }
    let error = given("# API\n\n```sh\ncurl 'https://x.test\n```\n").unwrap_err();
    assert!(error.starts_with("given:5:") && error.ends_with("a single quote is not closed"), "{error}");
}

#[test]
fn commands_are_read_with_the_prompt_in_front_of_them() {
    for prompt in ["$ ", "% ", "❯ ", "me@host:~$ ", "[root@host ~]# ", "me@Mac ~ % ", "root@box:/# "] {
        let imported = given(&format!("{prompt}curl -s https://x.test/\n{{\"ok\": true}}\n"));
        assert!(imported.as_ref().is_ok_and(|imported| imported.probes == 1), "{prompt}: {imported:?}");
    }
    for text in [
        "PS C:\\Users\\me> curl.exe https://x.test/\n",
        "curl.exe https://x.test/ `\n  -H \"Accept: text/plain\"\n",
        "Write-Host a\ncurl.exe -X POST `\r\n  https://x.test/\r\n",
    ] {
        let error = given(text).unwrap_err();
        assert!(error.contains("this is PowerShell; copy it as cURL (bash)"), "{text}: {error}");
    }
    let error = given("C:\\Users\\me>curl https://x.test/\n").unwrap_err();
    assert!(error.contains("a command line of Windows' cmd; copy it as cURL (bash)"), "{error}");
}

#[test]
fn a_job_of_another_exporter_is_no_probe_of_http() {
    let modules = "modules: {api: {prober: http}}\n";
    let jobs = "scrape_config_files: [more/*.yml]\nscrape_configs:\n\
                - {job_name: a, metrics_path: /blackbox/probe, params: {module: [api]}, static_configs: [{targets: [a.test]}]}\n\
                - {job_name: snmp, metrics_path: /snmp, params: {module: [if_mib]}, static_configs: [{targets: [b.test]}]}\n\
                - {job_name: ssl, metrics_path: /probe, params: {module: [https]}, static_configs: [{targets: ['c.test:443']}]}\n\
                - {job_name: d, metrics_path: /probe, static_configs: [{targets: [d.test]}]}\n";
    let text = given_all(&[("blackbox.yml", modules), ("prometheus.yml", jobs)]);
    assert!(text.contains("\nurl = \"http://a.test\"\n") && text.contains("\nurl = \"http://d.test\"\n"), "{text}");
    assert!(text.contains("# jobs that scrape and do not probe were left out: snmp\n"), "{text}");
    assert!(
        text.contains("# left out: the module https is in none of the files: another exporter may have it\n"),
        "{text}"
    );
    assert!(text.contains("# not carried over: `scrape_config_files: more/*.yml`: it names more jobs"), "{text}");
    let alone = given_all(&[("prometheus.yml", jobs)]);
    assert!(alone.contains("# the module https is in none of the files: checked with GET, up with 2xx\n"), "{alone}");
}

#[test]
fn a_condition_that_a_probe_cannot_have_leaves_the_rest_of_it() {
    let endpoints = "endpoints:\n- name: zone\n  url: 192.0.2.53\n  dns: {query-name: x.test, query-type: A}\n  \
                     conditions: ['[DNS_RCODE] == NOERROR', 'len([BODY]) > 0', '[BODY].x == 1', '[BODY] == pat(*.*)']\n\
                     - name: api\n  url: https://x.test/\n  conditions: ['[STATUS] == $CODE', '[BODY].v == $V']\n";
    let imported = given(endpoints).unwrap();
    assert_eq!((imported.probes, imported.left_out), (2, 0), "{}", imported.text);
    for said in [
        "`len([BODY]) > 0`: see `expect.answer`",
        "`[BODY].x == 1`: see",
        "`[STATUS] == $CODE`: its value is a variable",
    ] {
        assert!(imported.text.contains(said), "{said}: {}", imported.text);
    }
    assert!(imported.text.contains("equals = \"${V}\""), "{}", imported.text);
}

#[test]
fn a_recorded_upgrade_is_a_websocket_and_a_recorded_body_is_decoded() {
    let entry = |url: &str, status: u16, extra: Value| {
        let mut entry = json!({ "request": { "method": "GET", "url": url }, "response": { "status": status } });
        entry.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        entry
    };
    let post = |text: &str| {
        let post = json!({ "text": text, "encoding": "base64", "mimeType": "text/plain" });
        json!({ "request": { "method": "PUT", "url": format!("https://x.test/{text}"), "postData": post } })
    };
    let messages = json!({ "_webSocketMessages": [{ "type": "send", "opcode": 1, "data": "hello" }] });
    let upgrade =
        json!({ "request": { "url": "http://x.test/b", "headers": [{ "name": "Upgrade", "value": "WebSocket" }] } });
    let entries = [
        entry("https://x.test/a", 101, messages),
        entry("http://x.test/b", 101, upgrade),
        entry("https://x.test/c", 200, post("aGVsbG8=")),
        entry("https://x.test/d", 200, post("AAEC/w==")),
    ];
    let text = given(&json!({ "log": { "entries": entries } }).to_string()).unwrap().text;
    for written in [
        "\nurl = \"wss://x.test/a\"\nsend = \"hello\"\n",
        "\nurl = \"ws://x.test/b\"\n",
        "\nbody = \"hello\"\n",
        "# not carried over: the body: it is binary",
    ] {
        assert!(text.contains(written), "{written}: {text}");
    }
    assert!(!text.contains("101") && !text.contains("AAEC/w==\"\nexpect"), "{text}");
}

#[test]
fn one_retry_of_a_monitor_is_told_as_one() {
    let monitor =
        json!({ "id": 1, "name": "a", "type": "http", "url": "https://x.test/", "maxretries": 1, "active": true });
    let text = given(&json!({ "version": "1.23.16", "monitorList": [monitor] }).to_string()).unwrap().text;
    assert!(text.contains("# not carried over: 1 retry, 1m apart: `[incident] open-after = 2`"), "{text}");
}
