//! `-v`, `-vv`, `-i` and `--body`: details of a check for experts, even if it was up.

use crate::origin::probe;
use crate::support::run::{Ran, Run};
use crate::support::server;
use crate::support::server::Server;

const TOKEN: &str = "tok-4711-abcdef";

fn moved() -> Server {
    Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        conn.send(if request.starts_with("GET /old") {
            server::answer(302, &[("location", "/new")], "")
        } else {
            let headers = [("content-type", "application/json"), ("server", "shop/1")];
            server::answer(200, &headers, format!("{{\"status\": \"ok\",\n \"echo\": \"{TOKEN}\"}}"))
        });
    })
}

#[track_caller]
fn asked(server: &Server, options: &[&str]) -> Ran {
    let url = server.url("/old");
    let header = "authorization: Bearer ${secret:SHOP_TOKEN}";
    let ran = Run::new([&["check", &url, "-H", header], options].concat()).env("SHOP_TOKEN", TOKEN).run();
    ran.expect_code(0);
    assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{}", ran.stdout);
    ran
}

#[test]
fn a_check_that_was_up_says_nothing_of_its_hops_unless_it_is_asked() {
    let ran = asked(&moved(), &[]);
    for word in ["redirect", "asked", "content-type", "status"] {
        assert!(!ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
}

#[test]
fn once_verbose_names_hops_final_url_address_size_and_times() {
    let server = moved();
    let text = asked(&server, &["-v"]).stdout;
    assert!(text.contains("redirect    302 GET "), "{text}");
    assert!(text.contains(&format!("asked       {}\n", server.url("/new"))), "{text}");
    assert!(text.contains(&format!("address     {}\n", server.address())), "{text}");
    assert!(text.contains("answer      HTTP/1.1 200, ") && text.contains(", application/json\n"), "{text}");
    assert!(text.contains("time        ") && text.contains("processing "), "{text}");
    assert!(!text.contains("server: shop/1"), "{text}");
}

#[test]
fn twice_verbose_shows_the_headers_of_every_exchange_both_ways() {
    let text = asked(&moved(), &["-vv"]).stdout;
    assert_eq!(text.matches("> authorization: [redacted]\n").count(), 2, "{text}");
    assert!(text.contains("< HTTP/1.1 302\n") && text.contains("< HTTP/1.1 200\n"), "{text}");
    assert!(text.contains("< server: shop/1\n"), "{text}");
}

#[test]
fn the_answer_is_printed_with_its_head_or_alone() {
    let server = moved();
    let body = "    {\"status\": \"ok\",\n     \"echo\": \"[redacted]\"}\n";
    let with_head = asked(&server, &["-i"]).stdout;
    assert!(with_head.contains("    HTTP/1.1 200\n    content-"), "{with_head}");
    assert!(with_head.contains("    server: shop/1\n"), "{with_head}");
    assert!(with_head.contains(&format!("\n\n{body}")), "{with_head}");
    let alone = asked(&server, &["--body"]).stdout;
    assert!(alone.contains(body) && !alone.contains("content-type"), "{alone}");
}

#[test]
fn documents_have_what_was_asked_for_and_the_journal_has_not() {
    let ran = asked(&moved(), &["-vv", "--body", "--format", "json", "--record"]);
    let document = ran.json();
    let exchanges = document["outcomes"][0]["exchanges"].as_array().unwrap();
    assert_eq!(exchanges.len(), 2);
    assert_eq!(exchanges[1]["body"], "{\"status\": \"ok\",\n \"echo\": \"[redacted]\"}");
    for (path, bytes) in ran.files() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("exchanges"), "{}: {text}", path.display());
    }
}

#[test]
fn a_failure_in_the_journal_has_its_evidence_and_not_the_exchanges() {
    let server = Server::answers(server::answer(500, &[], "no"));
    let ran = Run::new(["check", "-vv", "--record"]).config(&probe("home", &server.url("/"), &[])).run();
    ran.expect_code(1);
    let journal: String = ran.files().iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert!(journal.contains("\"kind\":\"failure\"") && !journal.contains("exchanges"), "{journal}");
}

#[test]
fn bodies_are_shown_of_one_pass_over_a_few_probes() {
    let server = moved();
    for option in [["--count", "2"], ["--every", "1s"], ["--for", "1s"]] {
        let ran = Run::new([&["check", &server.url("/new"), "--body"], &option[..]].concat()).run();
        ran.expect_code(2);
        assert!(ran.stderr.contains(option[0]), "{}", ran.stderr);
    }
    let many: String = (0..21).map(|n| probe(&format!("p{n}"), &server.url("/new"), &[])).collect();
    let ran = Run::new(["check", "-i"]).config(&many).run();
    ran.expect_code(2);
    assert!(ran.stderr.contains("at most 20 answers, not 21"), "{}", ran.stderr);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_password_that_is_one_of_our_words_leaves_no_gap_in_a_message() {
    let closed = format!("http://127.0.0.1:{}/", server::refusing_port());
    let json = Server::answers(server::answer(200, &[("content-type", "application/json")], "{\"a\": \"nodes\"}"));
    for (url, word, rule, said) in [
        (&*closed, "refused", "", "refused the connection"),
        (&*closed, "connection", "", "refused the connection"),
        (&*json.url("/"), "expected", "$.a == 1", "expected $.a equals 1, got \"nodes\""),
        (&*json.url("/"), "equals", "$.a == 1", "expected $.a equals 1, got \"nodes\""),
        (&*json.url("/"), "nodes", "$.a == 1", "expected $.a equals 1, got \"[redacted]\""),
        (&*json.url("/"), "nothing", "$.b == 1", "expected $.b equals 1, got nothing"),
    ] {
        let mut arguments = vec!["check".to_owned(), url.to_owned(), "-u".to_owned(), format!("x:{word}")];
        arguments.extend((!rule.is_empty()).then(|| format!("--expect-json={rule}")));
        let ran = Run::new(&arguments).run();
        ran.expect_code(1);
        assert!(ran.stdout.contains(said), "{word}: {}", ran.stdout);
    }
    let file = Run::new(["validate", "https://x.test/", "-u", "x:not a status", "--expect-status", "77"]).run();
    file.expect_code(2);
    assert!(!file.stderr.contains("[redacted]"), "{}", file.stderr);
}
