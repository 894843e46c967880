//! The options of a command line that shape a request and say what must hold of its answer: one table for the command
//! line, its help, the documentation and the tests. Names and meanings are those of curl and xh. An option sets a key
//! of the probe file, so that whatever the file rejects is rejected here, with the same message.

/// An option that stands for a key of the probe file.
#[derive(Debug)]
pub struct RequestOption {
    /// The long name.
    pub long: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// The long name that curl has for it, if that differs.
    pub alias: Option<&'static str>,
    /// The placeholder for its value in the help; empty for a switch.
    pub value_name: &'static str,
    /// The key of a probe that it sets.
    pub key: &'static str,
    /// What it means, in a few words.
    pub meaning: &'static str,
    /// The group of the help it belongs to.
    pub group: OptionGroup,
    /// Whether the short help leaves it out.
    pub is_rare: bool,
    pub(crate) form: OptionForm,
}

/// A group of options in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionGroup {
    /// What is sent, and how.
    Request,
    /// What must hold of the answer.
    Expectation,
}

/// What the value of an option looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionForm {
    /// A switch: sets the key to this text.
    Word(&'static str),
    /// A switch: sets the key to true.
    True,
    /// A switch that asks for the default.
    Nothing,
    /// A text, taken literally.
    Text,
    /// Texts: each use adds one.
    Texts,
    /// An integer.
    Integer,
    /// A duration, or a number of seconds.
    Seconds,
    /// `name: value`, or `@FILE` of such lines.
    Header,
    /// The value of the header that the key names.
    HeaderValue,
    /// A cookie: each use adds one to the header.
    Cookie,
    /// A body; with `@`, the file to take it from.
    Data { file: bool, lines: bool },
    /// A body that is JSON.
    Json,
    /// `user:password`.
    User,
    /// A proxy; without a scheme, http.
    Proxy,
    /// A certificate file, which may have the key in it.
    Certificate,
    /// The path of a Unix socket.
    UnixSocket,
    /// `HOST:PORT:ADDRESS`
    Resolve,
    /// `HOST:PORT:ADDRESS:PORT`
    ConnectTo,
    /// Statuses, separated by commas.
    Statuses,
    /// A JSON path with a comparison.
    JsonRule,
    /// `name: text`, or a name.
    HeaderRule,
    /// `total < 800ms`
    Latency,
    /// `KEY=VALUE`
    Set,
}

/// An option as it was given.
#[derive(Clone, Debug)]
pub struct GivenOption {
    /// The row of the table of request options that it was given as.
    pub option: &'static RequestOption,
    /// Its value; empty for a switch.
    pub value: String,
}

impl GivenOption {
    /// Whether its value is read from the standard input.
    #[must_use]
    pub(crate) fn reads_stdin(&self) -> bool {
        let reads_files =
            matches!(self.option.form, OptionForm::Data { file: true, .. } | OptionForm::Json | OptionForm::Header);
        reads_files && matches!(self.value.as_str(), "@-" | "@/dev/stdin")
    }
}

impl RequestOption {
    /// Every option, in the order of the help.
    pub const ALL: &'static [RequestOption] = OPTIONS;

    /// The option as it is typed: `-H`, `--expect-status`.
    #[must_use]
    pub fn typed(&self) -> String {
        match self.short {
            Some(short) => format!("-{short}"),
            None => format!("--{}", self.long),
        }
    }

    /// Whether it has no value.
    #[must_use]
    pub(crate) fn is_switch(&self) -> bool {
        self.value_name.is_empty()
    }

    const fn rare(mut self) -> RequestOption {
        self.is_rare = true;
        self
    }

    const fn short(mut self, short: char) -> RequestOption {
        self.short = Some(short);
        self
    }

    const fn alias(mut self, alias: &'static str) -> RequestOption {
        self.alias = Some(alias);
        self
    }
}

const fn request(
    long: &'static str,
    value_name: &'static str,
    key: &'static str,
    form: OptionForm,
    meaning: &'static str,
) -> RequestOption {
    RequestOption {
        long,
        short: None,
        alias: None,
        value_name,
        key,
        meaning,
        group: OptionGroup::Request,
        is_rare: false,
        form,
    }
}

const fn expectation(
    long: &'static str,
    value_name: &'static str,
    key: &'static str,
    form: OptionForm,
    meaning: &'static str,
) -> RequestOption {
    RequestOption { group: OptionGroup::Expectation, ..request(long, value_name, key, form, meaning) }
}

const OPTIONS: &[RequestOption] = &[
    request("header", "NAME: VALUE", "headers", OptionForm::Header, "Send a header; @FILE has one per line").short('H'),
    request("request", "METHOD", "method", OptionForm::Text, "The method [default: GET, or POST with a body]")
        .short('X')
        .alias("method"),
    request("data", "DATA", "body", OptionForm::Data { file: true, lines: false }, "Send a body; @FILE or @- reads it")
        .short('d')
        .alias("data-ascii"),
    request(
        "data-binary",
        "DATA",
        "body",
        OptionForm::Data { file: true, lines: true },
        "The same, keeping the line breaks of the file",
    )
    .rare(),
    request(
        "data-raw",
        "DATA",
        "body",
        OptionForm::Data { file: false, lines: true },
        "The same, but @ has no special meaning",
    )
    .rare(),
    request("json", "JSON", "body", OptionForm::Json, "Send JSON, with the headers for it; @FILE or @- reads it"),
    request("user", "USER:PASSWORD", "auth.basic", OptionForm::User, "Credentials").short('u'),
    request("user-agent", "NAME", "headers.user-agent", OptionForm::HeaderValue, "The header user-agent")
        .short('A')
        .rare(),
    request("cookie", "NAME=VALUE", "headers.cookie", OptionForm::Cookie, "The header cookie").short('b').rare(),
    request("referer", "URL", "headers.referer", OptionForm::HeaderValue, "The header referer").short('e').rare(),
    request("head", "", "method", OptionForm::Word("HEAD"), "Request only the headers").short('I').rare(),
    request("send", "TEXT", "send", OptionForm::Text, "Send this text over tcp://, tls://, ws:// or wss://").rare(),
    request("starttls", "PROTOCOL", "starttls", OptionForm::Text, "Ask for TLS by smtp, imap or postgres, with tls://")
        .rare(),
    request("insecure", "", "tls.insecure", OptionForm::True, "Accept any certificate").short('k'),
    request("cacert", "FILE", "tls.ca-file", OptionForm::Text, "Trust these certificates (PEM) and no others"),
    request("cert", "FILE", "tls.client-cert", OptionForm::Certificate, "The client certificate (PEM)")
        .short('E')
        .rare(),
    request("key", "FILE", "tls.client-key", OptionForm::Text, "The key of the client certificate (PEM)").rare(),
    request("proxy", "URL", "proxy", OptionForm::Proxy, "The proxy: http, https, socks5 or socks5h").short('x'),
    request(
        "resolve",
        "HOST:PORT:ADDRESS",
        "address",
        OptionForm::Resolve,
        "Connect to this address for this host and port",
    ),
    request(
        "connect-to",
        "HOST:PORT:ADDRESS:PORT",
        "address",
        OptionForm::ConnectTo,
        "The same, with a port; an empty HOST or PORT is any",
    )
    .rare(),
    request("unix-socket", "PATH", "address", OptionForm::UnixSocket, "Connect to this Unix socket").rare(),
    request("ipv4", "", "ip", OptionForm::Word("v4"), "Use only IPv4").short('4'),
    request("ipv6", "", "ip", OptionForm::Word("v6"), "Use only IPv6").short('6'),
    request("http1.1", "", "http-version", OptionForm::Word("1.1"), "Speak HTTP/1.1").rare(),
    request("http2", "", "http-version", OptionForm::Word("2"), "Speak HTTP/2").rare(),
    request("http3", "", "http-version", OptionForm::Word("3"), "Speak HTTP/3, over QUIC").rare(),
    request("max-time", "TIME", "timeout", OptionForm::Seconds, "Time limit of one check: 5, 500ms [default: 10s]")
        .short('m')
        .alias("timeout"),
    request("no-follow", "", "redirects", OptionForm::Word("none"), "Do not follow redirects"),
    request("max-redirs", "N", "redirects", OptionForm::Integer, "Redirects followed [default: 10]").rare(),
    request("location", "", "redirects", OptionForm::Nothing, "Follow redirects, which is the default")
        .short('L')
        .rare(),
    request("set", "KEY=VALUE", "", OptionForm::Set, "Set any key of probes.toml: retries=2, tls.min-version=1.3"),
    expectation(
        "expect-status",
        "STATUS",
        "expect.status",
        OptionForm::Statuses,
        "204, 2xx, 200-299 or 200,304 [default: 2xx]",
    ),
    expectation("expect-body", "TEXT", "expect.body-contains", OptionForm::Texts, "The body contains this text"),
    expectation(
        "expect-body-matches",
        "PATTERN",
        "expect.body-matches",
        OptionForm::Texts,
        "The body matches this regular expression",
    )
    .rare(),
    expectation(
        "expect-json",
        "RULE",
        "expect.json",
        OptionForm::JsonRule,
        "'$.status == \"ok\"'; also !=, >=, <=, contains, matches; a path alone: it exists",
    ),
    expectation(
        "expect-header",
        "NAME: TEXT",
        "expect.header",
        OptionForm::HeaderRule,
        "The header contains this text; a name alone: it is there",
    ),
    expectation(
        "expect-latency",
        "LIMIT",
        "expect.latency",
        OptionForm::Latency,
        "'800ms', 'total < 800ms', 'tls < 200ms'",
    ),
    expectation(
        "expect-message",
        "TEXT",
        "expect.message-contains",
        OptionForm::Texts,
        "The first WebSocket message contains this text",
    )
    .rare(),
    expectation("expect-answer", "TEXT", "expect.answer", OptionForm::Text, "A DNS record contains this text").rare(),
    expectation(
        "expect-rcode",
        "CODE",
        "expect.rcode",
        OptionForm::Texts,
        "The code of a DNS response: NOERROR, NXDOMAIN, …",
    )
    .rare(),
    expectation(
        "expect-certificate-days",
        "DAYS",
        "expect.certificate-days",
        OptionForm::Integer,
        "The certificate is valid for this many more days",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::tables;
    use crate::config::table_schema::{TableSchema, ValueType};

    fn is_key(schema: &TableSchema, path: &str) -> bool {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        match (schema.key(first).map(|key| &key.value_type), rest) {
            (Some(_), None) | (Some(ValueType::Map(_)), Some(_)) => true,
            (Some(ValueType::Table(table)), Some(rest)) => is_key(table, rest),
            _ => false,
        }
    }

    #[test]
    fn every_option_stands_for_a_key_of_a_probe() {
        for option in RequestOption::ALL.iter().filter(|option| option.form != OptionForm::Set) {
            assert!(is_key(&tables::PROBE, option.key), "--{}: {}", option.long, option.key);
        }
    }

    #[test]
    fn no_two_options_have_one_name() {
        let mut names: Vec<String> = RequestOption::ALL
            .iter()
            .flat_map(|option| {
                let long = [Some(option.long), option.alias].into_iter().flatten().map(str::to_owned);
                long.chain(option.short.map(|short| short.to_string()))
            })
            .collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_documentation_has_every_option_with_its_key() {
        let page = include_str!("../../../docs/running.md");
        for option in RequestOption::ALL {
            let short = option.short.map(|short| format!("-{short}, ")).unwrap_or_default();
            let alias = option.alias.map(|alias| format!(", --{alias}")).unwrap_or_default();
            let value = if option.is_switch() { String::new() } else { format!(" {}", option.value_name) };
            let key = if option.key.is_empty() { "any".to_owned() } else { format!("`{}`", option.key) };
            let row = format!("| `{short}--{}{alias}{value}` | {key} |", option.long);
            assert!(page.contains(&row), "{row}");
        }
    }
}
