//! What becomes of the options of curl commands.

use std::path::Path;

use crate::import::given;

#[test]
fn a_url_with_escaped_brackets_as_chrome_copies_it_is_one_url() {
    let imported =
        given("curl --url 'https://x.test/a?filter=\\[1,2\\]&name=\\{b\\}' \\\n  -H 'accept: */*'\n").unwrap();
    assert!(imported.text.contains("\nurl = \"https://x.test/a?filter=[1,2]&name={b}\"\n"), "{}", imported.text);
    let error = given("curl 'https://x.test/[1-3]'\n").unwrap_err();
    assert!(error.contains("the URL is a pattern of curl"), "{error}");
}

#[test]
fn what_curl_is_told_not_to_send_is_not_sent_or_told() {
    let command = "curl https://x.test/ -d a=b -H 'X-Empty;' -H 'Content-Type:' -H 'Accept:' -H 'Expect:' -A ''\n";
    let text = given(command).unwrap().text;
    assert!(text.contains("\nheaders.x-empty = \"\"\n") && text.contains("\nbody = \"a=b\"\n"), "{text}");
    assert!(!text.contains("headers.content-type"), "{text}");
    for said in [
        "\nheaders.accept = []\n",
        "# `-H Expect:` removes a header that curl adds and uptick does not send\n",
        "\nheaders.user-agent = []\n",
    ] {
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn an_upload_from_standard_input_is_a_body_where_the_command_has_it() {
    let text = given("curl -T - https://x.test/a <<END\nhi\nEND\n").unwrap().text;
    assert!(text.contains("\nmethod = \"PUT\"\n") && text.contains("\nbody = \"hi\\n\"\n"), "{text}");
    assert!(!text.contains("content-type"), "{text}");
    let text = given("make | curl -T - https://x.test/a\n").unwrap().text;
    assert!(text.contains("# not carried over: `-T -`: what curl reads from standard input"), "{text}");
}

#[test]
fn http_2_without_an_upgrade_is_asked_over_http_too() {
    let text = given("curl --http2-prior-knowledge http://x.test/\n").unwrap().text;
    assert!(text.contains("\nhttp-version = \"2\"\n"), "{text}");
}

#[test]
fn a_socket_that_cannot_be_named_leaves_its_probe_out() {
    let imported = given(
        "curl https://x.test/\ncurl --unix-socket run/a.sock http://a.test/\ncurl --abstract-unix-socket b http://b.test/\n",
    );
    let imported = imported.unwrap();
    assert_eq!((imported.probes, imported.left_out), (1, 2), "{}", imported.text);
    assert!(imported.text.contains("# left out: the path of `--unix-socket` is relative: write it from the root on"));
    assert!(imported.text.contains("# left out: `--abstract-unix-socket`"), "{}", imported.text);
}

#[test]
fn a_command_whose_url_is_elsewhere_is_told() {
    let text = given("curl https://x.test/\ncurl -K config.txt\nxargs curl < urls\ncurl -sS\n").unwrap().text;
    assert!(text.contains("# left out: its options are in the file of `-K`: write them out\n"), "{text}");
    assert_eq!(text.matches("# left out: it names no URL\n").count(), 1, "{text}");
}

#[test]
fn a_variable_may_be_the_beginning_of_a_url_whatever_its_name() {
    let text = given("curl $HOST/health\ncurl \"$1api\"\ncurl $x\ncurl $PROTO://x.test\ncurl http://h:$P_PORT\n")
        .unwrap()
        .text;
    for url in ["${HOST}/health", "${ARGUMENT_1}api", "${x}", "${PROTO}://x.test", "http://h:${P_PORT}"] {
        assert!(text.contains(&format!("\nurl = \"{url}\"\n")), "{url}: {text}");
    }
    for said in ["#   export HOST=https://…\n", "#   export PROTO=…\n", "#   export P_PORT=…\n"] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn what_only_the_shell_knows_is_a_variable_to_set_or_a_default() {
    let script = "BASE=${1:-http://localhost:3000}\ncurl $BASE/health\ncurl \"https://$2/${HOST%%.*}?n=$#\" $@\n";
    let text = given(script).unwrap().text;
    for written in [
        "\nname = \"{ARGUMENT_1}/health\"\nurl = \"${ARGUMENT_1:-http://localhost:3000}/health\"\n",
        "\nurl = \"https://${ARGUMENT_2}/${HOST_EXPANDED}?n=${ARGUMENT_COUNT}\"\n",
        "\n# not carried over: `${HOST%%…}`: set HOST_EXPANDED to what the shell makes of it\n",
        "\nurl = \"${ARGUMENTS}\"\n",
        "\n#   export ARGUMENT_2=…\n",
    ] {
        assert!(text.contains(written), "{written}: {text}");
    }
}

#[test]
fn the_cookies_of_a_command_are_one_header() {
    let text = given("curl -b a=1 -b 'b=2; c=3' https://x.test/1\ncurl -H 'Cookie: d=4' -b a=1 https://x.test/2\n");
    let text = text.unwrap().text;
    assert_eq!(text.matches("\nheaders.cookie = \"").count(), 2, "{text}");
    assert_eq!(text.matches("headers.").count(), 2, "{text}");
}

#[test]
fn a_default_without_a_scheme_is_a_host_as_to_curl() {
    let text = given("curl ${HOST:-h.test:8080}/a\nBASE=${1:-https://b.test}\ncurl $BASE/b\n").unwrap().text;
    for url in ["http://${HOST:-h.test:8080}/a", "${ARGUMENT_1:-https://b.test}/b"] {
        assert!(text.contains(&format!("\nurl = \"{url}\"\n")), "{url}: {text}");
    }
    let read = uptick::config::load_text(Path::new("probes.toml"), &text, &|_| None);
    assert_eq!(read.map(|config| config.probes.len()).map_err(|error| error.to_string()), Ok(2));
}

#[test]
fn a_command_that_runs_elsewhere_is_a_comment_with_where() {
    let text = given("ssh host curl https://a.test/\nkubectl exec pod -- curl https://b.test/\ncurl https://c.test/\n");
    let text = text.unwrap().text;
    for (program, line, host) in [("ssh", 1, "a.test"), ("kubectl", 2, "b.test")] {
        let told = format!("# left out: `{program}` in line {line} runs it elsewhere: probe it where it is reached");
        assert!(text.contains(&told) && text.contains(&format!("# url = \"https://{host}/\"")), "{text}");
    }
    assert!(text.contains("\nurl = \"https://c.test/\"\n"), "{text}");
}

#[test]
fn http_2_by_an_upgrade_is_told() {
    let text = given("curl --http2 http://a.test/\ncurl --http2 https://b.test/\n").unwrap().text;
    assert_eq!(
        text.matches("not carried over: `--http2`: over http, curl asks the server to upgrade").count(),
        1,
        "{text}"
    );
}

#[test]
fn more_commands_than_one_import_takes_are_refused_before_they_are_read() {
    let script = "curl https://x.test/\n".repeat(100_000);
    assert_eq!(given(&script).unwrap_err(), "given (curl) contains more than 5000 probes: import it in parts");
}

#[test]
fn what_is_no_document_yet_is_told_so() {
    let told = |text: &str| given(text).unwrap_err();
    let template = told("endpoints:\n- {{ range .Values.hosts }}\n- name: a\n");
    assert!(template.contains("it is a template with `{{ … }}`: give what it is rendered to"), "{template}");
    let cut = told("{\"log\": {\"entries\": [");
    assert!(cut.ends_with("this is not JSON: it ends before it is complete"), "{cut}");
}

#[test]
fn what_a_text_processor_made_of_a_command_is_refused() {
    for (text, told) in [
        ("curl –X POST https://x.test/\n", "given:1:1: `–X` begins with a dash or a quote of typography"),
        ("true\ncurl “https://x.test/”\n", "given:2:1: `“https://x.test/”` begins with a dash or a quote"),
        (
            "curl https://x.test/ \\ \n  -H 'a: b'\n",
            "given:1:24: a backslash continues a line only as its last character",
        ),
    ] {
        let error = given(text).unwrap_err();
        assert!(error.starts_with(told), "{error}");
    }
    assert!(given("curl https://x.test/a\\ b\ncurl https://y.test/ -d '“x”'\n").is_ok());
}

#[test]
fn a_table_of_cron_has_commands_and_times() {
    let imported = given("# m h\nMAILTO=ops\n*/5 * * * * curl -fsS -m 10 https://x.test/ping > /dev/null\n").unwrap();
    let told = "# not carried over: `*/5 * * * *` of cron: `interval`, or `schedule` with a time zone behind it";
    assert!(imported.probes == 1 && imported.text.contains(told), "{}", imported.text);
}

#[test]
fn the_exec_form_of_a_dockerfile_is_a_command() {
    let text = "FROM nginx\nHEALTHCHECK --timeout=3s CMD [\"curl\", \"-f\", \"-H\", \"x-a: b, c\", \"http://localhost:81/\"]\n";
    let imported = given(text).unwrap();
    assert!(imported.text.contains("\nurl = \"http://localhost:81/\"\nheaders.x-a = \"b, c\"\n"), "{}", imported.text);
}
