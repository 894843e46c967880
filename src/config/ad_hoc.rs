//! What a command line adds to a probe file, or gives in its place: targets, and options for their requests.

mod expectation;
pub(crate) mod options;
pub(crate) mod overlay;
pub(crate) mod reading;
mod set;
pub(crate) mod target;

use crate::config::ad_hoc::options::GivenOption;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table, TableEntry};

#[derive(Clone, Debug, Default)]
pub(crate) struct AdHoc {
    /// The URLs, in the order given.
    pub targets: Vec<AdHocTarget>,
    /// The options, in the order given.
    pub options: Vec<GivenOption>,
    /// The probes of the file that the options apply to; all of them if neither a target nor a probe is named.
    pub names: Vec<String>,
}

/// A URL to check.
#[derive(Clone, Debug)]
pub(crate) struct AdHocTarget {
    /// The URL.
    pub url: String,
    /// Whether it is on the command line, where others can read it.
    pub is_visible: bool,
}

impl AdHocTarget {
    /// A URL that stands in the command line.
    #[must_use]
    pub(crate) fn of(url: &str) -> AdHocTarget {
        AdHocTarget { url: url.to_owned(), is_visible: true }
    }
}

/// Adds a probe for each target to those of a file.
pub(crate) fn add_targets(reader: &mut ConfigReader, root: &mut Table, targets: &[AdHocTarget]) {
    for target in targets {
        let span = reader.target(&target.url, target.is_visible);
        let escape = if target.is_visible { reading::escaped } else { reading::literal };
        let table = Table::of(&span, "url", Item::Text(escape(&target.url)));
        let probe = Node { span: span.clone(), item: Item::Table(table) };
        match root.entries.iter_mut().find(|entry| entry.key == "probe") {
            Some(TableEntry { node: Node { item: Item::List(list), .. }, .. }) => list.push(probe),
            Some(_) => {}
            None => root.entries.extend(Table::of(&span, "probe", Item::List(vec![probe])).entries),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{AdHoc, AdHocTarget, Config, ConfigError, GivenOption, RequestOption, load_for};

    fn given(name: &str, value: &str) -> GivenOption {
        let option = RequestOption::ALL.iter().find(|option| option.long == name).unwrap();
        GivenOption { option, value: value.to_owned() }
    }

    fn asked(urls: &[&str], options: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let targets = urls.iter().map(|url| AdHocTarget::of(url)).collect();
        let options = options.iter().map(|(name, value)| given(name, value));
        let env = |name: &str| (name == "TOKEN").then(|| "hunter2hunter2".to_owned());
        load_for(None, &AdHoc { targets, options: options.collect(), names: Vec::new() }, &env)
    }

    fn explained(options: &[(&str, &str)]) -> String {
        let config = asked(&["https://x.test"], options).unwrap();
        crate::config::explain(&config, &config.probes[0])
    }

    #[test]
    fn a_url_is_its_own_name_and_is_asked_in_its_plain_form() {
        let config = asked(&["https://Example.com", "http://0x7f000001:8080/a", "https://example.com/"], &[]).unwrap();
        let names: Vec<&str> = config.probes.iter().map(|probe| probe.name.as_str()).collect();
        assert_eq!(names, ["https://example.com/", "http://127.0.0.1:8080/a", "https://example.com/ (2)"]);
        assert!(config.probes.iter().all(|probe| probe.surface == "web" && probe.file.is_none()));
    }

    #[test]
    fn a_secret_in_a_url_is_not_in_its_name_and_is_warned_of() {
        let config = asked(&["https://me:hunter22@x.test/?token=abcdef&a=1"], &[]).unwrap();
        assert_eq!(config.probes[0].name, "https://x.test/?token=${TOKEN}&a=1");
        let shown = config.redactor.redact("hunter22 abcdef me:hunter22");
        assert_eq!(shown, "[redacted] [redacted] [redacted]");
        assert!(config.probes[0].steps[0].request.auth.is_some());
        assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    }

    #[test]
    fn every_text_that_is_not_a_url_is_named() {
        let error = asked(&["example.com", "https://ok.test", "ftp://x.test"], &[]).unwrap_err().to_string();
        assert!(
            error.contains("has no scheme") && error.contains("not http, https, ws, wss, grpc, grpcs, tls, tcp or dns"),
            "{error}"
        );
    }

    #[test]
    fn each_option_sets_its_key() {
        for (name, value, line) in [
            ("header", "X-A: b: c", "headers = { x-a = \"b: c\" }"),
            ("header", "x-empty;", "headers = { x-empty = \"\" }"),
            ("header", "Accept:", "headers = { accept = [] }"),
            ("user-agent", "", "headers = { user-agent = [] }"),
            ("request", "PUT", "method = \"PUT\""),
            ("data", "a=1", "method = \"POST\""),
            ("data", "a=${b}", "body = \"a=$${b}\""),
            ("data", "a=1", "content-type = \"application/x-www-form-urlencoded\""),
            ("json", "{\"a\":{\"b\":1}}", "accept = \"application/json\""),
            ("user", "me:secret-word", "user = \"me\""),
            ("user-agent", "probe/1", "user-agent = \"probe/1\""),
            ("head", "", "method = \"HEAD\""),
            ("insecure", "", "tls.insecure = true"),
            ("proxy", "127.0.0.1:3128", "proxy = \"http://127.0.0.1:3128/\""),
            ("resolve", "x.test:443:127.0.0.1", "address = \"127.0.0.1:443\""),
            ("resolve", "*:443:[::1]", "address = \"[::1]:443\""),
            ("connect-to", "::127.0.0.1:8443", "address = \"127.0.0.1:8443\""),
            ("connect-to", "x.test:443:127.0.0.1:", "address = \"127.0.0.1:443\""),
            ("connect-to", "::origin.test:8443", "address = \"origin.test:8443\""),
            ("connect-to", "::[::1]:8443", "address = \"[::1]:8443\""),
            ("ipv6", "", "ip = \"v6\""),
            ("http2", "", "http-version = \"2\""),
            ("max-time", "5", "timeout = \"5s\""),
            ("max-time", "45", "interval = \"45s\""),
            ("no-follow", "", "redirects = \"none\""),
            ("max-redirs", "3", "redirects = 3"),
            ("set", "retries=2", "retries = { attempts = 2"),
            ("set", "tls.min-version=1.3", "tls.min-version = \"1.3\""),
            ("set", "surface=app", "surface = \"app\""),
            ("set", "tags=[\"a\", \"b\"]", "tags = [\"a\", \"b\"]"),
            ("set", "expect.max-bytes=64KiB", "max-bytes = \"64KiB\""),
            ("set", "body=123", "body = \"123\""),
            ("expect-status", "204,3xx", "status = [204, \"3xx\"]"),
            ("expect-body", "ok", "body-contains = [\"ok\"]"),
            ("expect-body-matches", "o+k", "body-matches = [\"o+k\"]"),
            ("expect-json", "$.a == 1", "equals = 1"),
            ("expect-header", "content-type: json", "content-type"),
            ("expect-latency", "total < 800ms", "latency.total = \"800ms\""),
            ("expect-certificate-days", "14", "certificate-days = 14"),
        ] {
            let shown = explained(&[(name, value)]);
            assert!(shown.contains(line), "--{name} {value}:\n{shown}");
        }
    }

    #[test]
    fn options_that_are_given_again_add_up_or_the_last_counts() {
        let shown = explained(&[("header", "a: 1"), ("header", "A: 2"), ("data", "x=1"), ("data", "y=2")]);
        assert!(shown.contains("a = [\"1\", \"2\"]") && shown.contains("body = \"x=1&y=2\""), "{shown}");
        let shown = explained(&[("max-time", "1"), ("max-time", "2s"), ("request", "PUT"), ("data", "x")]);
        assert!(shown.contains("timeout = \"2s\"") && shown.contains("method = \"PUT\""), "{shown}");
    }

    #[test]
    fn a_secret_is_kept_and_may_come_from_the_environment() {
        let config = asked(&["https://x.test"], &[("header", "Authorization: Bearer abcdefgh")]).unwrap();
        assert_eq!(config.redactor.redact("abcdefgh"), "[redacted]");
        assert!(config.warnings[0].starts_with("-H: `authorization` is a secret"), "{:?}", config.warnings);
        let config = asked(&["https://x.test"], &[("user", "me:${secret:TOKEN}")]).unwrap();
        assert_eq!(config.redactor.redact("hunter2hunter2"), "[redacted]");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn a_secret_that_is_part_of_our_words_leaves_no_gap_in_them() {
        for password in ["pass", "word", "secret", "read", "everyone"] {
            let config = asked(&["https://x.test"], &[("user", &format!("u:{password}"))]).unwrap();
            let told = "-u: `password` is a secret, and everyone on this machine can read a command line";
            assert!(config.warnings[0].starts_with(told), "{:?}", config.warnings);
            let error = asked(&["https://x.test"], &[("user", &format!("u:{password}")), ("user", "u")]).unwrap_err();
            let told = "the password is missing\n |\n = help: write it as user:password; '${secret:NAME}' in";
            assert!(error.to_string().contains(told), "{error}");
        }
    }

    #[test]
    fn a_short_secret_is_shown_as_a_variable_and_its_pair_is_redacted_as_it_is_sent() {
        let config = asked(&["https://x.test"], &[("user", "a:a")]).unwrap();
        let shown = crate::config::explain(&config, &config.probes[0]);
        assert!(shown.contains("password = \"${secret:PASSWORD}\""), "{shown}");
        assert_eq!(config.redactor.redact("Basic YTph"), "Basic [redacted]");
        for (name, value) in [("header", "x-api-key: abc"), ("header", "Authorization: a"), ("header", "cookie: a=b")] {
            let config = asked(&["https://x.test"], &[(name, value)]).unwrap();
            let shown = crate::config::explain(&config, &config.probes[0]);
            assert!(shown.contains("${secret:") && !config.warnings.is_empty(), "{value}: {shown}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_option_is_told_by_its_name() {
        for (name, value, told) in [
            ("expect-status", "9xx", "error: --expect-status: `status` is not a status code, a class or a range"),
            ("request", "post", "did you mean \"POST\"?"),
            ("header", "no colon", "error: -H: this is not a header"),
            ("header", "https://x.test/", "error: -H: this is a URL, not a header"),
            ("max-time", "soon", "error: -m: `timeout` is not a duration"),
            ("json", "{a:1}", "error: --json: this is not JSON"),
            ("user", "me", "error: -u: the password is missing"),
            ("resolve", "x.test:127.0.0.1", "error: --resolve: this is not HOST:PORT:ADDRESS"),
            ("resolve", "y.test:443:127.0.0.1", "no target has the host y.test and port 443"),
            ("connect-to", ":::443", "there is no host to connect to"),
            ("connect-to", "::origin test:443", "`address` is not an address with a port"),
            ("cacert", "/absent.pem", "error: --cacert: `ca-file`: the file /absent.pem does not exist"),
            ("expect-body-matches", "(", "error: --expect-body-matches: "),
            ("expect-json", "status == 1", "$.status"),
            ("expect-json", "$.a < 1", "write `<=`"),
            ("expect-latency", "ttfb < 1s", "`ttfb` is not a phase"),
            ("expect-latency", "fast", "is not a duration"),
            ("expect-certificate-days", "soon", "error: --expect-certificate-days: `soon` is not a whole number"),
            ("set", "timout=1s", "did you mean `timeout`?"),
            ("set", "retries", "error: --set: this is not KEY=VALUE"),
            ("set", "name=x", "error: --set: `name` cannot be set here"),
            ("set", "matrix.a=[1]", "error: --set: `matrix` cannot be set here"),
            ("set", "step=3", "error: --set: `step` cannot be set here"),
            ("set", "url=https://y.test", "error: --set: `url` is the target itself"),
            ("header", "Host:", "error: -H: the header host cannot be left out"),
            ("expect-json", "$.a =~ /x/g", "`g` is not a flag of a pattern"),
            ("cookie", "jar.txt", "no file of cookies is read"),
            ("expect-json", "$.a ~ x", "write `=~` before a pattern"),
            ("set", "retries=many", "error: --set: `retries` must be"),
            ("data", "@/absent", "error: -d: the file /absent does not exist"),
        ] {
            let error = asked(&["https://x.test"], &[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(told), "--{name} {value}: {error}");
            assert!(!error.contains("-->"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_told_once() {
        for options in [&[("cert", "/absent.pem")][..], &[("cert", "/absent.pem"), ("key", "/absent.pem")]] {
            let error = asked(&["https://x.test"], options).unwrap_err().to_string();
            assert_eq!(error, "error: -E: `client-cert`: the file /absent.pem does not exist");
        }
    }

    #[test]
    fn an_empty_proxy_is_none_whatever_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("probes.toml");
        std::fs::write(
            &file,
            "defaults.proxy = \"http://proxy.test:3128\"\n[[probe]]\nname = \"a\"\nurl = \"http://a/\"\n",
        )
        .unwrap();
        for options in [vec![given("proxy", "")], vec![given("proxy", "none")], vec![given("set", "proxy=none")]] {
            let ad_hoc = AdHoc { options, ..AdHoc::default() };
            let config = load_for(Some(&file), &ad_hoc, &|_| None).unwrap();
            let shown = crate::config::explain(&config, &config.probes[0]);
            assert!(!shown.contains("proxy"), "{shown}");
        }
    }

    #[test]
    fn cookies_are_one_header_and_a_header_takes_their_place() {
        let cookie_of = |given: &[(&str, &str)]| {
            let config = asked(&["https://x.test"], given).unwrap();
            let headers = &config.probes[0].steps[0].request.headers;
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.fill(&crate::model::Captures::new()).unwrap()))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(cookie_of(&[("cookie", "a=1"), ("cookie", "b=2")]), "cookie: a=1; b=2");
        assert_eq!(cookie_of(&[("header", "Cookie: c=3"), ("cookie", "a=1")]), "cookie: c=3");
    }

    #[test]
    fn what_is_a_secret_in_data_by_its_name_is_kept_out_of_outputs() {
        for (option, data) in [("data", "user=a&password=hunter22"), ("json", "{\"password\": \"hunter22\"}")] {
            let config = asked(&["https://x.test"], &[(option, data)]).unwrap();
            let shown = crate::config::explain(&config, &config.probes[0]);
            assert!(!shown.contains("hunter22") && shown.contains("password"), "{shown}");
            assert!(!config.redactor.redact("hunter22").contains("hunter22"));
        }
    }

    #[test]
    fn two_options_for_one_key_contradict() {
        for (first, second) in [("ipv4", "ipv6"), ("http1.1", "http2")] {
            let error = asked(&["https://x.test"], &[(first, ""), (second, "")]).unwrap_err().to_string();
            assert!(error.contains("cannot be used with"), "{error}");
        }
        let follows = [("no-follow", ""), ("location", "")];
        assert!(
            asked(&["https://x.test"], &follows).unwrap_err().to_string().contains("cannot be used with --no-follow")
        );
        assert!(asked(&["https://x.test"], &[("location", ""), ("max-redirs", "3")]).is_ok());
        let both = [("data", "a"), ("json", "{}")];
        assert!(asked(&["https://x.test"], &both).unwrap_err().to_string().contains("cannot be used with -d"));
    }

    #[test]
    fn options_are_laid_over_the_probes_of_a_file_that_are_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("probes.toml");
        let text = "settings.vantage = \"x\"\n[defaults]\ntimeout = \"3s\"\nheaders = { a = \"1\" }\n\
                    [[probe]]\nname = \"one\"\nurl = \"https://one.test\"\njson = {}\nmethod = \"POST\"\n\
                    [[probe]]\nname = \"two\"\nurl = \"https://two.test\"\n\
                    [[probe]]\nname = \"way\"\n[[probe.step]]\nurl = \"https://way.test\"\n\
                    [[probe.step]]\nurl = \"https://way.test\"\nexpect.status = 200\n";
        std::fs::write(&file, text).unwrap();
        let load = |names: &[&str], options: Vec<GivenOption>| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let ad_hoc = AdHoc { targets: vec![AdHocTarget::of("https://x.test")], options, names };
            load_for(Some(&file), &ad_hoc, &|_| None).unwrap()
        };
        let shown = |config: &Config, at: usize| crate::config::explain(config, &config.probes[at]);
        let config = load(&["one"], vec![given("data", "x"), given("max-time", "7")]);
        assert!(shown(&config, 0).contains("body = \"x\"") && !shown(&config, 0).contains("json ="));
        assert!(shown(&config, 1).contains("timeout = \"3s\""), "{}", shown(&config, 1));
        assert!(shown(&config, 3).contains("timeout = \"7s\"") && shown(&config, 3).contains("a = \"1\""));
        let config = load(&["way"], vec![given("expect-status", "404"), given("header", "b: 2")]);
        let way = shown(&config, 2);
        assert_eq!((way.matches("b = \"2\"").count(), way.matches("404").count()), (2, 1), "{way}");
    }
}
