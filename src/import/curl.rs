//! curl command lines as probes: typed ones, scripts, and "Copy as cURL" of browsers.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::toml_text::quoted;
use crate::import::curl_options::{self, CurlOption};
use crate::import::document::InputFile;
use crate::import::draft::ProbeDraft;
use crate::import::error::ImportError;
use crate::import::request::{self, ImportedRequest, has_header, proxy_without_secrets};
use crate::import::secrets::{Secrets, is_secret};
use crate::import::shell::ShellCommand;
use crate::import::{browser, template};
use crate::model::quantity::show_duration;

/// The media type of `-d`.
const FORM: &str = "application/x-www-form-urlencoded";

/// A probe for each URL of each command.
pub(crate) fn probes(
    file: &InputFile,
    commands: &[ShellCommand],
    secrets: &mut Secrets,
) -> Result<Vec<ProbeDraft>, ImportError> {
    let mut drafts = Vec::new();
    for command in commands {
        let transfers = transfers(command).map_err(|message| ImportError::at(&file.name, command.line, 1, &message))?;
        for transfer in transfers {
            drafts.extend(transfer.urls.iter().map(|url| transfer.draft(url, secrets)));
        }
    }
    Ok(drafts)
}

/// What curl was told up to `--next`: the options that hold for all of its URLs.
#[derive(Clone, Debug, Default)]
struct Transfer {
    urls: Vec<String>,
    /// Options in the order given, with their values.
    options: Vec<(&'static str, String)>,
    /// Flags that are not known here.
    unknown: Vec<String>,
    stdin: Option<String>,
}

/// Splits a command line into its transfers.
fn transfers(command: &ShellCommand) -> Result<Vec<Transfer>, String> {
    let mut transfers = Vec::new();
    let fresh = || Transfer { stdin: command.stdin.clone(), ..Transfer::default() };
    let mut transfer = fresh();
    let mut words = command.words.iter().skip(1);
    let mut only_urls = false;
    while let Some(word) = words.next() {
        let is_option = !only_urls && word.len() > 1 && word.starts_with('-');
        if !is_option {
            if !word.is_empty() {
                transfer.urls.push(word.clone());
            }
        } else if word == "--" {
            only_urls = true;
        } else if word == "--next" || word == "-:" {
            transfers.push(std::mem::replace(&mut transfer, fresh()));
        } else if let Some(name) = word.strip_prefix("--") {
            match curl_options::long(name) {
                Some(option) if option.takes_value => {
                    let value = words.next().ok_or_else(|| format!("curl's `--{name}` has no value"))?;
                    transfer.option(option, value);
                }
                Some(option) => transfer.option(option, ""),
                None => transfer.unknown.push(word.clone()),
            }
        } else {
            let mut letters = word.chars().skip(1);
            while let Some(letter) = letters.next() {
                match curl_options::short(letter) {
                    Some(option) if option.takes_value => {
                        let rest: String = letters.by_ref().collect();
                        let value = if rest.is_empty() { words.next().cloned() } else { Some(rest) };
                        let value = value.ok_or_else(|| format!("curl's `-{letter}` has no value"))?;
                        transfer.option(option, &value);
                    }
                    Some(option) => transfer.option(option, ""),
                    None => transfer.unknown.push(format!("-{letter}")),
                }
            }
        }
    }
    transfers.push(transfer);
    Ok(transfers)
}

impl Transfer {
    fn option(&mut self, option: CurlOption, value: &str) {
        if option.long == "url" {
            self.urls.push(value.to_owned());
        } else {
            self.options.push((option.long, value.to_owned()));
        }
    }

    fn has(&self, long: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == long)
    }

    /// The value of an option that counts once: the last one.
    fn last(&self, long: &str) -> Option<&str> {
        self.options.iter().rev().find(|(name, _)| *name == long).map(|(_, value)| value.as_str())
    }

    fn all<'t>(&'t self, longs: &'t [&str]) -> impl Iterator<Item = (&'static str, &'t str)> {
        self.options.iter().filter(|(name, _)| longs.contains(name)).map(|(name, value)| (*name, value.as_str()))
    }

    fn draft(&self, url: &str, secrets: &mut Secrets) -> ProbeDraft {
        let has_scheme = url.contains("://");
        let url = if has_scheme || url.starts_with("${") { url.to_owned() } else { format!("http://{url}") };
        let mut draft = ProbeDraft::new(&request::name_of(&url));
        let is_glob = !template::has_variable(&url) && url.contains(['{', '[']) && !url.contains("://[");
        if is_glob && !self.has("globoff") {
            draft.left_out = Some("the URL is a pattern of curl: write a probe for each, or use `matrix`".to_owned());
        }
        if !has_scheme && !url.starts_with("${") {
            draft.remark("the URL has no scheme, which is http to curl");
        }
        let request = self.request(&mut draft, url);
        let url = request.url.clone();
        request::set(&mut draft, secrets, request);
        self.set_parts(&mut draft, secrets);
        self.set_credentials(&mut draft, secrets);
        self.set_redirects(&mut draft);
        self.set_times(&mut draft);
        self.set_route(&mut draft, secrets, &url);
        self.set_tls(&mut draft);
        self.note_the_rest(&mut draft);
        draft
    }

    fn request(&self, draft: &mut ProbeDraft, mut url: String) -> ImportedRequest {
        let mut headers = self.headers(draft);
        let mut body = self.body(draft);
        let as_query = self.has("get");
        let mut query: Vec<String> = self.all(&["url-query"]).map(|(_, value)| value.to_owned()).collect();
        if as_query {
            query.extend(body.take());
        }
        for part in query {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&part);
        }
        if self.has("json") && !has_header(&headers, "accept") {
            headers.push(("accept".to_owned(), "application/json".to_owned()));
        }
        if body.is_some() && !has_header(&headers, "content-type") {
            let kind = if self.has("json") { "application/json" } else { FORM };
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        let has_body = body.is_some() || draft.get("file").is_some() || self.has("form");
        let implied = match () {
            () if self.has("head") => Some("HEAD"),
            () if self.has("upload-file") => Some("PUT"),
            () if has_body => Some("POST"),
            () => None,
        };
        let method = self.last("request").map(str::to_owned).or(implied.map(str::to_owned));
        ImportedRequest { method, url, headers, body }
    }

    fn headers(&self, draft: &mut ProbeDraft) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let mut noise = Vec::new();
        let is_browser = self.all(&["header"]).any(|(_, value)| value.to_ascii_lowercase().starts_with("sec-fetch-"));
        for (_, value) in self.all(&["header"]) {
            let Some((name, value)) = value.split_once(':').or_else(|| value.split_once(';')) else {
                draft.not_carried(&format!("`-H {value}`"), "headers are not read from a file");
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            if is_browser && browser::is_noise(name) {
                noise.push(name.to_ascii_lowercase());
            } else if value.is_empty() {
                draft.remark(&format!("`-H {name}:` takes a header of curl's own away, which uptick does not send"));
            } else {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        if !noise.is_empty() {
            draft.remark(&format!("left out, as a browser adds them: {}", noise.join(", ")));
        }
        for (long, name) in [("user-agent", "user-agent"), ("referer", "referer"), ("range", "range")] {
            if let Some(value) = self.last(long).filter(|value| !value.is_empty()) {
                let value = if long == "range" { format!("bytes={value}") } else { value.to_owned() };
                headers.push((name.to_owned(), value));
            }
        }
        for (_, value) in self.all(&["cookie"]) {
            if value.contains('=') || template::has_variable(value) {
                headers.push(("cookie".to_owned(), value.to_owned()));
            } else {
                draft.not_carried(&format!("`-b {value}`"), "cookies are not read from a file");
            }
        }
        headers
    }

    /// The body of `-d` and its like. A file becomes the key `file`.
    fn body(&self, draft: &mut ProbeDraft) -> Option<String> {
        const OPTIONS: [&str; 6] = ["data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json"];
        let mut body: Option<String> = None;
        for (option, value) in self.all(&OPTIONS) {
            let text = match (option, value.strip_prefix('@')) {
                ("data-urlencode", _) => encoded(value),
                ("data-raw", _) | (_, None) => value.to_owned(),
                (_, Some("-")) => match &self.stdin {
                    Some(text) if option == "data-binary" || option == "json" => text.clone(),
                    Some(text) => text.replace(['\r', '\n'], ""),
                    None => {
                        draft.not_carried("`-d @-`", "what curl reads from standard input is not in the command");
                        continue;
                    }
                },
                (_, Some(path)) => {
                    let kind = if option == "json" { "application/json" } else { FORM };
                    let typed = self
                        .all(&["header"])
                        .any(|(_, header)| header.to_ascii_lowercase().starts_with("content-type:"));
                    let kind = if typed { String::new() } else { format!(", content-type = {}", quoted(kind)) };
                    draft.set("file", format!("{{ path = {}{kind} }}", quoted(path)));
                    continue;
                }
            };
            match &mut body {
                Some(body) => {
                    body.push_str(if option == "json" { "" } else { "&" });
                    body.push_str(&text);
                }
                None => body = Some(text),
            }
        }
        if let Some(path) = self.last("upload-file") {
            draft.set("file", format!("{{ path = {} }}", quoted(path)));
        }
        body
    }

    /// `-F`: fields and files.
    fn set_parts(&self, draft: &mut ProbeDraft, secrets: &mut Secrets) {
        let mut parts: Vec<String> = Vec::new();
        for (option, part) in self.all(&["form", "form-string"]) {
            let Some((name, value)) = part.split_once('=') else { continue };
            let is_secret = is_secret(name);
            let field = name;
            let name = crate::config::toml_text::key(name);
            match value.strip_prefix('@').or_else(|| value.strip_prefix('<')).filter(|_| option == "form") {
                Some(file) => {
                    let mut words = file.split(';');
                    let path = words.next().unwrap_or_default();
                    let kind = words.find_map(|word| word.trim().strip_prefix("type="));
                    let kind = kind.map(|kind| format!(", content-type = {}", quoted(kind))).unwrap_or_default();
                    parts.push(format!("{name} = {{ path = {}{kind} }}", quoted(path)));
                }
                None if is_secret => {
                    let value = secrets.reference(&draft.name, field, value);
                    parts.push(format!("{name} = {}", quoted(&value)));
                }
                None => parts.push(format!("{name} = {}", quoted(value))),
            }
        }
        if !parts.is_empty() {
            draft.set("multipart", format!("{{ {} }}", parts.join(", ")));
        }
    }

    fn set_credentials(&self, draft: &mut ProbeDraft, secrets: &mut Secrets) {
        let owner = draft.name.clone();
        if let Some(token) = self.last("oauth2-bearer") {
            let token = secrets.reference(&owner, "token", token);
            draft.set_text("auth.bearer", &token);
        }
        let Some(pair) = self.last("user") else { return };
        let schemes = ["digest", "ntlm", "negotiate", "anyauth"];
        if let Some(scheme) = schemes.iter().find(|scheme| self.has(scheme)) {
            draft.not_carried(&format!("`--{scheme}`"), "the credentials are sent as HTTP basic authentication");
        }
        match pair.split_once(':').filter(|(_, password)| !password.is_empty()) {
            Some((user, password)) => request::set_basic_auth(draft, secrets, &owner, user, password),
            None => draft.not_carried("`-u` without a password", "there is nobody to ask for one"),
        }
    }

    /// curl follows redirects only with `-L`, and any answer is fine without `-f`.
    fn set_redirects(&self, draft: &mut ProbeDraft) {
        if !self.has("location") && !self.has("location-trusted") {
            draft.set("redirects", "\"none\"");
            draft.set("expect.status", "[\"2xx\", \"3xx\"]");
            return;
        }
        match self.last("max-redirs").map(str::parse::<i64>) {
            Some(Ok(most @ 0..=50)) => draft.set("redirects", most.to_string()),
            Some(_) => draft.set("redirects", "50"),
            None => {}
        }
    }

    fn set_times(&self, draft: &mut ProbeDraft) {
        const SHORTEST_INTERVAL: Duration = Duration::from_secs(30);
        if let Some(time) = self.last("max-time").and_then(seconds) {
            draft.set_duration("timeout", time);
            if time > SHORTEST_INTERVAL {
                draft.set_duration("interval", time.saturating_mul(2));
            }
        }
        if let Some(time) = self.last("connect-timeout").and_then(seconds) {
            let written = format!("expect.latency.connect = \"{}\"", show_duration(time));
            draft.not_carried(
                "`--connect-timeout`",
                &format!("`timeout` is of the whole check; `{written}` limits one phase"),
            );
        }
        if let Some(attempts) = self.last("retry").and_then(|attempts| attempts.parse::<u32>().ok()).filter(|n| *n > 0)
        {
            let delay = self.last("retry-delay").and_then(seconds).unwrap_or(Duration::from_secs(1));
            let attempts = attempts.min(10);
            draft.set("retries", format!("{{ attempts = {attempts}, delay = {} }}", quoted(&show_duration(delay))));
        }
    }

    fn set_route(&self, draft: &mut ProbeDraft, secrets: &mut Secrets, url: &str) {
        match (self.has("ipv4"), self.has("ipv6")) {
            (true, _) => draft.set("ip", "\"v4\""),
            (_, true) => draft.set("ip", "\"v6\""),
            _ => {}
        }
        for (option, value) in self.all(&["resolve", "connect-to"]) {
            match connect_to(option, value, url).unwrap_or(ConnectTo::NoAddress) {
                ConnectTo::Address(address) => draft.set_text("address", &address),
                ConnectTo::OtherHost => {}
                ConnectTo::NoAddress => {
                    draft.not_carried(&format!("`--{option} {value}`"), "`address` takes an IP address and a port");
                }
            }
        }
        let socks = [("socks5-hostname", "socks5h"), ("socks5", "socks5")];
        let socks = socks.iter().find_map(|(long, scheme)| Some(format!("{scheme}://{}", self.last(long)?)));
        if let Some(proxy) = self.last("proxy").map(str::to_owned).or(socks).filter(|proxy| !proxy.is_empty()) {
            let proxy = if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
            let owner = draft.name.clone();
            let proxy = proxy_without_secrets(secrets, &owner, &proxy, self.last("proxy-user"));
            draft.set_text("proxy", &proxy);
        }
        match self.last("interface").map(|name| name.trim_start_matches("host!")) {
            Some(address) if address.parse::<IpAddr>().is_ok() => draft.set_text("source-address", address),
            Some(name) => draft.not_carried(&format!("`--interface {name}`"), "`source-address` takes an IP address"),
            None => {}
        }
        if let Some(server) = self.last("dns-servers").and_then(|servers| servers.split(',').next()) {
            let address = server.parse::<IpAddr>().map(|ip| std::net::SocketAddr::new(ip, 53).to_string());
            draft.set_text("resolver", &format!("udp://{}", address.unwrap_or_else(|_| server.to_owned())));
        }
        let versions = [("http1.1", "1.1"), ("http2-prior-knowledge", "2"), ("http2", "2")];
        if let Some((_, version)) = versions.iter().find(|(long, _)| self.has(long))
            && (*version != "2" || url.starts_with("https://"))
        {
            draft.set_text("http-version", version);
        }
    }

    fn set_tls(&self, draft: &mut ProbeDraft) {
        if self.has("insecure") {
            draft.set("tls.insecure", "true");
        }
        if self.has("tlsv1.3") {
            draft.set("tls.min-version", "\"1.3\"");
        }
        let files = [
            ("cacert", "tls.ca-file"),
            ("crlfile", "tls.crl-file"),
            ("cert", "tls.client-cert"),
            ("key", "tls.client-key"),
        ];
        for (long, key) in files {
            if let Some(path) = self.last(long) {
                draft.set_text(key, path);
            }
        }
        if self.has("cert") && !self.has("key") {
            let cert = self.last("cert").unwrap_or_default().to_owned();
            draft.set_text("tls.client-key", &cert);
        }
    }

    /// What nothing above has read.
    fn note_the_rest(&self, draft: &mut ProbeDraft) {
        // Their values may be secrets.
        for (option, _) in &self.options {
            if !curl_options::is_read(option) && !curl_options::is_of_output(option) {
                draft.not_carried(&format!("`--{option}`"), "uptick has no key for it");
            }
        }
        let unknown = self.unknown.iter().filter(|option| !curl_options::is_of_output(option.trim_start_matches('-')));
        unknown.for_each(|option| draft.not_carried(&format!("`{option}`"), "uptick has no key for it"));
    }
}

/// `name=content` of `--data-urlencode`, encoded.
fn encoded(value: &str) -> String {
    let encode = |text: &str| {
        if template::has_variable(text) {
            return text.to_owned();
        }
        percent_encoding::utf8_percent_encode(&template::unescaped(text), percent_encoding::NON_ALPHANUMERIC)
            .to_string()
    };
    match value.split_once('=') {
        Some(("", content)) => encode(content),
        Some((name, content)) => format!("{name}={}", encode(content)),
        None => encode(value),
    }
}

/// Seconds, with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero() && *time <= Duration::from_hours(1))
}

/// What `--resolve` and `--connect-to` say of a URL.
enum ConnectTo {
    Address(String),
    /// It does not concern this URL.
    OtherHost,
    NoAddress,
}

/// Where an option connects this URL to.
fn connect_to(option: &str, value: &str, url: &str) -> Option<ConnectTo> {
    let url = url::Url::parse(url).ok()?;
    let (host, port) = (url.host_str()?, url.port_or_known_default()?.to_string());
    let mut fields = value.trim_start_matches('+').splitn(3, ':');
    let (of_host, of_port, to) = (fields.next()?, fields.next()?, fields.next()?);
    if (!of_host.is_empty() && of_host != "*" && of_host != host) || (!of_port.is_empty() && of_port != port) {
        return Some(ConnectTo::OtherHost);
    }
    let (ip, port) = match option {
        "resolve" => (to.split(',').next()?, port.as_str()),
        _ => to.rsplit_once(':').map(|(ip, to_port)| (ip, if to_port.is_empty() { port.as_str() } else { to_port }))?,
    };
    let ip: IpAddr = ip.trim_matches(['[', ']']).parse().ok()?;
    Some(ConnectTo::Address(std::net::SocketAddr::new(ip, port.parse().ok()?).to_string()))
}
