//! The keys of `probes.toml`: the one list that validation, suggestions, the reference and the
//! JSON Schema are made of.

/// A table of the file and the keys that may stand in it.
#[derive(Debug)]
pub(super) struct TableShape {
    /// What it is called in a message: `[settings]`.
    pub(super) title: &'static str,
    /// Its keys, in groups that tables share.
    pub(super) groups: &'static [&'static [Key]],
    /// The keys that must be there.
    pub(super) required: &'static [&'static str],
}

/// A key: its name, what may stand there, and what it means.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// The default as the reference shows it; empty where there is none.
    pub(super) default: &'static str,
    /// One sentence for the reference.
    pub(super) meaning: &'static str,
}

/// What may stand at a key.
#[derive(Debug)]
pub(super) enum Shape {
    /// Text with variables.
    Text,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A duration as text.
    Duration,
    /// A size as text or an integer.
    Bytes,
    /// An integer in a range.
    Integer(i64, i64),
    /// Any number.
    Number,
    Boolean,
    /// Anything that JSON can say.
    Json,
    /// A text, a number or a boolean: the value of a form field.
    Scalar,
    /// A list of at least one.
    List(&'static Shape),
    /// One, or a list of at least one.
    OneOrMore(&'static Shape),
    /// One, or a list that may be empty.
    Some(&'static Shape),
    /// Any of several; the first is what a message calls it.
    Either(&'static [Shape]),
    /// A table of known keys.
    Table(&'static TableShape),
    /// A table of names that the author chooses.
    Map(&'static Shape),
}

impl TableShape {
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.groups.iter().flat_map(|group| group.iter())
    }

    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

impl Shape {
    /// What it is called in a message and in the reference: `a duration such as "30s"`.
    pub(super) fn title(&self) -> String {
        match self {
            Shape::Text => "text".to_owned(),
            Shape::Words(words) => list_of(words),
            Shape::Duration => "a duration such as \"30s\"".to_owned(),
            Shape::Bytes => "a size such as \"1MiB\"".to_owned(),
            Shape::Integer(..) => "an integer".to_owned(),
            Shape::Number => "a number".to_owned(),
            Shape::Boolean => "true or false".to_owned(),
            Shape::Json => "anything".to_owned(),
            Shape::Scalar => "text, a number or a boolean".to_owned(),
            Shape::List(of) => format!("a list of {}", of.plural()),
            Shape::OneOrMore(of) | Shape::Some(of) => format!("{}, or a list", of.title()),
            Shape::Either(shapes) => shapes.iter().map(Shape::title).collect::<Vec<_>>().join(" or "),
            Shape::Table(_) => "a table".to_owned(),
            Shape::Map(of) => format!("a table of names to {}", of.plural()),
        }
    }

    fn plural(&self) -> String {
        match self {
            Shape::Text => "texts".to_owned(),
            Shape::Table(_) => "tables".to_owned(),
            Shape::OneOrMore(of) | Shape::Some(of) => of.plural(),
            other => other.title(),
        }
    }
}

/// `"a", "b" or "c"`
pub(super) fn list_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

const fn key(name: &'static str, shape: Shape, default: &'static str, meaning: &'static str) -> Key {
    Key { name, shape, default, meaning }
}

/// The file as a whole.
pub(super) const ROOT: TableShape = TableShape {
    title: "the file",
    groups: &[&[
        key("settings", Shape::Table(&SETTINGS), "", "The settings of the prober itself."),
        key("defaults", Shape::Table(&DEFAULTS), "", "What every probe has unless it says otherwise."),
        key("surface", Shape::Map(&Shape::Table(&SURFACE)), "", "What users see as one thing, by name."),
        key("incident", Shape::Table(&INCIDENT), "", "When failures are an incident."),
        key(
            "control",
            Shape::List(&Shape::Table(&CONTROL)),
            "",
            "Reference targets: when all of them fail, we are offline.",
        ),
        key("probe", Shape::List(&Shape::Table(&PROBE)), "", "The probes."),
    ]],
    required: &[],
};

pub(super) const SETTINGS: TableShape = TableShape {
    title: "[settings]",
    groups: &[&[
        key("vantage", Shape::Text, "\"local\"", "Where we ask from: a label on every record."),
        key("concurrency", Shape::Integer(1, 100_000), "256", "The most checks under way at once."),
        key("window", Shape::Duration, "\"1m\"", "The span of one window record, from 1s to 1d."),
    ]],
    required: &[],
};

pub(super) const SURFACE: TableShape = TableShape {
    title: "[surface.NAME]",
    groups: &[&[
        key("label", Shape::Text, "the name", "The name shown to people."),
        key("objective", Shape::Text, "", "The promised availability: `\"99.9% over 30d\"`."),
        key("latency-objective", Shape::Text, "", "The promised latency: `\"95% under 800ms\"`."),
    ]],
    required: &[],
};

pub(super) const INCIDENT: TableShape = TableShape {
    title: "[incident]",
    groups: &[&[
        key("open-after", Shape::Integer(1, 1_000), "3", "Failures in a row that open an incident."),
        key("open-ratio", Shape::Text, "\"4 of 10\"", "Failures out of the last checks that open one too."),
        key("close-after", Shape::Integer(1, 1_000), "3", "Good checks in a row that close it."),
        key("join-within", Shape::Duration, "\"2h\"", "A new stretch this soon after is a wave of the same incident."),
    ]],
    required: &[],
};

pub(super) const DEFAULTS: TableShape =
    TableShape { title: "[defaults]", groups: &[PROBE_KEYS, REQUEST_KEYS], required: &[] };

pub(super) const PROBE: TableShape =
    TableShape { title: "[[probe]]", groups: &[IDENTITY_KEYS, PROBE_KEYS, REQUEST_KEYS], required: &["name", "url"] };

pub(super) const CONTROL: TableShape =
    TableShape { title: "[[control]]", groups: &[IDENTITY_KEYS, PROBE_KEYS, REQUEST_KEYS], required: &["name", "url"] };

/// What a probe or a step is known by.
const IDENTITY_KEYS: &[Key] = &[
    key("name", Shape::Text, "", "The name, unique in the file: the key of every record."),
    key("url", Shape::Text, "", "The URL asked: http or https."),
];

/// Keys of a probe as a whole.
const PROBE_KEYS: &[Key] = &[
    key("surface", Shape::Text, "\"default\"", "What users see as one thing: the unit of objective and summary."),
    key("tags", Shape::Some(&Shape::Text), "[]", "Free words to select by."),
    key("interval", Shape::Duration, "\"30s\"", "The time between two checks, from 10ms to 31d."),
    key(
        "timeout",
        Shape::Duration,
        "\"10s\", or the interval where that is shorter",
        "The most time one check may take, from 1ms to 1h.",
    ),
    key(
        "retries",
        Shape::Either(&[Shape::Table(&RETRIES), Shape::Integer(0, 10)]),
        "0",
        "Attempts after a failed one; each is recorded, and the first result is kept.",
    ),
    key("tls", Shape::Table(&TLS), "", "TLS settings."),
    key("ip", Shape::Words(&["any", "v4", "v6"]), "\"any\"", "The address family."),
    key("address", Shape::Text, "", "Connect to this address and port; the name stays in the request and in TLS."),
    key(
        "resolver",
        Shape::Text,
        "\"system\"",
        "Who resolves names: `\"system\"` or a server as `\"udp://1.1.1.1:53\"`.",
    ),
    key("proxy", Shape::Text, "", "The proxy: an http, https, socks5 or socks5h URL."),
    key("source-address", Shape::Text, "", "The local address to send from."),
    key("http-version", Shape::Words(&["auto", "1.1", "2"]), "\"auto\"", "The HTTP version spoken."),
    key(
        "connection",
        Shape::Words(&["fresh", "reuse"]),
        "\"fresh\"",
        "Whether an idle connection of an earlier check may be used: it hides outages of DNS and TLS.",
    ),
];

/// Keys of one request: of a probe, of its steps, and of the defaults.
const REQUEST_KEYS: &[Key] = &[
    key("method", Shape::Text, "\"GET\"", "The method."),
    key("headers", Shape::Map(&Shape::OneOrMore(&Shape::Text)), "{}", "Headers sent, by name."),
    key("body", Shape::Text, "", "The body as text."),
    key("json", Shape::Json, "", "The body as JSON."),
    key("form", Shape::Map(&Shape::Scalar), "", "The body as form fields."),
    key("auth", Shape::Table(&AUTH), "", "Credentials: one of its keys."),
    key(
        "redirects",
        Shape::Either(&[Shape::Words(&["follow", "none"]), Shape::Integer(0, 50)]),
        "10",
        "The most redirects followed.",
    ),
    key("body-limit", Shape::Bytes, "\"1MiB\"", "The most of a body read, after decoding; up to 1GiB."),
    key("expect", Shape::Table(&EXPECT), "", "What must hold of the answer."),
];

pub(super) const RETRIES: TableShape = TableShape {
    title: "retries",
    groups: &[&[
        key("attempts", Shape::Integer(0, 10), "0", "Attempts after the first."),
        key("delay", Shape::Duration, "\"1s\"", "The wait before each, up to 1h."),
    ]],
    required: &[],
};

pub(super) const TLS: TableShape = TableShape {
    title: "tls",
    groups: &[&[
        key(
            "ca-file",
            Shape::Text,
            "the system's",
            "Trust these certificates (PEM) and no others; relative to the probe file.",
        ),
        key("client-cert", Shape::Text, "", "The client certificate chain (PEM)."),
        key("client-key", Shape::Text, "", "The key of the client certificate (PEM)."),
        key("server-name", Shape::Text, "the URL's host", "The name in SNI and in the certificate."),
        key("min-version", Shape::Words(&["1.2", "1.3"]), "\"1.2\"", "The lowest TLS version accepted."),
        key("insecure", Shape::Boolean, "false", "Accept any certificate. Every output says so."),
    ]],
    required: &[],
};

pub(super) const AUTH: TableShape = TableShape {
    title: "auth",
    groups: &[&[
        key("basic", Shape::Table(&BASIC), "", "HTTP basic authentication."),
        key("bearer", Shape::Text, "", "A bearer token."),
    ]],
    required: &[],
};

pub(super) const BASIC: TableShape = TableShape {
    title: "auth.basic",
    groups: &[&[key("user", Shape::Text, "", "The user."), key("password", Shape::Text, "", "The password.")]],
    required: &["user", "password"],
};

pub(super) const EXPECT: TableShape = TableShape {
    title: "expect",
    groups: &[&[
        key(
            "status",
            Shape::OneOrMore(&Shape::Either(&[Shape::Integer(100, 999), Shape::Text])),
            "[\"2xx\"]",
            "Status codes: numbers, classes `\"2xx\"`, ranges `\"200-299\"`.",
        ),
        key("body-contains", Shape::OneOrMore(&Shape::Text), "", "The body has each of these texts."),
        key("body-lacks", Shape::OneOrMore(&Shape::Text), "", "The body has none of these texts."),
        key("body-matches", Shape::OneOrMore(&Shape::Text), "", "Each of these patterns is found in the body."),
        key("body-not-matches", Shape::OneOrMore(&Shape::Text), "", "None of these patterns is found in the body."),
        key(
            "header",
            Shape::Map(&Shape::Either(&[Shape::Text, Shape::Table(&HEADER)])),
            "",
            "Headers by name: a text that a value contains, or a table of rules.",
        ),
        key("json", Shape::OneOrMore(&Shape::Table(&JSON)), "", "Rules for the body as JSON."),
        key("latency", Shape::Table(&LATENCY), "", "The most time each phase may take."),
        key(
            "certificate-days",
            Shape::Integer(0, 3_650),
            "",
            "The certificate is valid for at least this many days more.",
        ),
        key("final-url", Shape::Text, "", "The URL that answered, after all redirects."),
        key(
            "http-version",
            Shape::OneOrMore(&Shape::Words(&["1.0", "1.1", "2"])),
            "",
            "The HTTP version is one of these.",
        ),
        key("tls-version", Shape::OneOrMore(&Shape::Words(&["1.2", "1.3"])), "", "The TLS version is one of these."),
        key("secure", Shape::Boolean, "", "Whether the last hop was https."),
        key("min-bytes", Shape::Bytes, "", "The body has at least this many bytes."),
        key("max-bytes", Shape::Bytes, "", "The body has at most this many bytes."),
        key("sha256", Shape::Text, "", "The SHA-256 of the body, hexadecimal."),
    ]],
    required: &[],
};

pub(super) const HEADER: TableShape = TableShape {
    title: "expect.header.NAME",
    groups: &[&[
        key("contains", Shape::OneOrMore(&Shape::Text), "", "A value has this text in it."),
        key("matches", Shape::OneOrMore(&Shape::Text), "", "A value matches this pattern."),
        key("not-matches", Shape::OneOrMore(&Shape::Text), "", "No value matches this pattern."),
        key("absent", Shape::Boolean, "", "The header is not sent; with `false`, it is sent."),
        key("optional", Shape::Boolean, "false", "A missing header is fine."),
    ]],
    required: &[],
};

pub(super) const JSON: TableShape = TableShape {
    title: "expect.json",
    groups: &[&[
        key("path", Shape::Text, "", "The JSON path (RFC 9535) of the nodes that the rules are about."),
        key("exists", Shape::Boolean, "true", "Something is found, or nothing."),
        key("equals", Shape::Json, "", "Every node equals this."),
        key("not-equals", Shape::Json, "", "No node equals this."),
        key("contains", Shape::Json, "", "Every node is a text or a list with this in it."),
        key("matches", Shape::Text, "", "Every node is a text that matches this pattern."),
        key("min-length", Shape::Integer(0, i64::MAX), "", "Every node is a list, table or text at least this long."),
        key("max-length", Shape::Integer(0, i64::MAX), "", "Every node is a list, table or text at most this long."),
        key("min", Shape::Number, "", "Every node is a number of at least this."),
        key("max", Shape::Number, "", "Every node is a number of at most this."),
    ]],
    required: &["path"],
};

pub(super) const LATENCY: TableShape = TableShape {
    title: "expect.latency",
    groups: &[&[
        key("total", Shape::Duration, "", "From the start of the check to its verdict."),
        key("resolve", Shape::Duration, "", "Looking the name up."),
        key("connect", Shape::Duration, "", "The TCP handshake."),
        key("tls", Shape::Duration, "", "The TLS handshake."),
        key("processing", Shape::Duration, "", "From the connection to the complete response head."),
        key("transfer", Shape::Duration, "", "Reading the body."),
    ]],
    required: &[],
};
