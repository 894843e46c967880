//! curl command lines as probes: typed ones, scripts, and "Copy as cURL" of browsers.

mod body;
mod connect_to;
mod form_part;
mod glob;
mod header;
mod proxy;
mod transfer;

use std::net::IpAddr;
use std::time::Duration;

use crate::config::toml_text::quoted;
use crate::import::curl_options;
use crate::import::document::InputFile;
use crate::import::draft::{MOST_PROBES, ProbeDraft};
use crate::import::error::ImportError;
use crate::import::request::{self, ImportedRequest, has_header};
use crate::import::secrets::Secrets;
use crate::import::shell::ShellCommand;
use crate::import::{browser, template};
use crate::model::Protocol;
use crate::model::quantity::show_duration;

use body::{DATA, FORM, url_query};
use connect_to::{ConnectTo, connect_to};
use transfer::{Transfer, transfers};

/// A probe for each URL of each command.
pub(crate) fn probes(
    file: &InputFile,
    commands: &[ShellCommand],
    secrets: &mut Secrets,
) -> Result<Vec<ProbeDraft>, ImportError> {
    let mut drafts = Vec::new();
    for command in commands {
        let before = drafts.len();
        // More than what one import writes are refused.
        if before > MOST_PROBES {
            break;
        }
        let transfers = transfers(command).map_err(|message| ImportError::at(&file.name, command.line, 1, &message))?;
        // With these options curl prints something and sends no request.
        let asks = |transfer: &Transfer| !["help", "manual", "version"].iter().any(|long| transfer.has(long));
        for transfer in transfers.into_iter().filter(asks) {
            drafts.extend(transfer.urls.iter().map(|url| transfer.draft(url, secrets)));
            drafts.extend(transfer.urls.is_empty().then(|| transfer.without_url()));
        }
        for (expansion, variable) in &command.computed {
            let why = format!("set {variable} to what the shell makes of it");
            drafts[before..].iter_mut().for_each(|draft| draft.not_carried(&format!("`{expansion}`"), &why));
        }
        if let Some(schedule) = &command.schedule {
            let why = "`interval`, or `schedule` with a time zone behind it, says when a probe is due";
            drafts[before..].iter_mut().for_each(|draft| draft.not_carried(&format!("`{schedule}` of cron"), why));
        }
        if let Some(program) = &command.elsewhere {
            let why = format!(
                "`{program}` in line {} runs it elsewhere: probe it where it is reached from here",
                command.line
            );
            drafts[before..].iter_mut().for_each(|draft| draft.left_out = Some(why.clone()));
        }
    }
    Ok(drafts)
}

impl Transfer {
    /// A command whose URL is elsewhere.
    fn without_url(&self) -> ProbeDraft {
        let mut draft = ProbeDraft::new("curl");
        let is_in_file = self.has("config");
        let why = if is_in_file { "its options are in the file of `-K`: write them out" } else { "it names no URL" };
        draft.left_out = Some(why.to_owned());
        draft
    }

    fn draft(&self, url: &str, secrets: &mut Secrets) -> ProbeDraft {
        // curl accepts one slash for two.
        let is_scheme = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let slashes = url.split_once(":/").filter(|(scheme, rest)| is_scheme(scheme) && !rest.starts_with('/'));
        let url = &slashes.map_or_else(|| url.to_owned(), |(scheme, rest)| format!("{scheme}://{rest}"));
        let has_scheme = url.contains("://");
        let lacks_scheme = !has_scheme && !template::may_begin_url(url);
        let url = if lacks_scheme { format!("http://{url}") } else { url.to_owned() };
        let single = if self.has("globoff") { Some(url.clone()) } else { glob::single_url(&url) };
        let is_glob = single.is_none();
        let url = single.unwrap_or(url);
        let mut draft = ProbeDraft::new(&request::name_of(&url));
        if self.has_variables {
            draft.left_out = Some("it uses variables of curl (`--expand-…`): write their values".to_owned());
        } else if url.starts_with("http://@") {
            draft.left_out = Some("its URLs are in a file: pass that file to `uptick check @FILE`".to_owned());
        } else if is_glob {
            draft.left_out = Some("the URL is a pattern of curl: write a probe for each, or use `matrix`".to_owned());
        }
        if lacks_scheme {
            draft.remark("the URL has no scheme, which is http to curl");
        }
        let request = self.request(&mut draft, url);
        let url = request.url.clone();
        request::set(&mut draft, secrets, request);
        self.set_parts(&mut draft, secrets);
        self.set_credentials(&mut draft, secrets);
        if Protocol::of_url(&url) == Protocol::Http {
            self.set_redirects(&mut draft);
        }
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
        let mut query: Vec<String> =
            self.all(&["url-query"]).filter_map(|(_, value)| url_query(draft, value)).collect();
        if as_query {
            query.extend(body.take());
        }
        for part in query {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&part);
        }
        if self.has("json") && !has_header(&headers, "accept") && !self.removes("accept") {
            headers.push(("accept".to_owned(), "application/json".to_owned()));
        }
        let is_typed = has_header(&headers, "content-type") || self.removes("content-type") || self.has("upload-file");
        if body.is_some() && !is_typed {
            let kind = if self.has("json") { "application/json" } else { FORM };
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        let has_data = !as_query && DATA.iter().any(|long| self.has(long));
        let has_body = has_data || body.is_some() || draft.get("file").is_some() || self.has("form");
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
            let Some((name, sent)) = header::parts(value) else {
                let is_file = value.starts_with('@');
                let why =
                    if is_file { "headers are not read from a file" } else { "curl sends no header of this form" };
                draft.not_carried(&format!("`-H {value}`"), why);
                continue;
            };
            match sent {
                _ if is_browser && browser::is_noise(name) => noise.push(name.to_ascii_lowercase()),
                Some(sent) => headers.push((name.to_owned(), sent.to_owned())),
                None => header::note_removed(draft, &format!("-H {name}:"), name),
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
        if self.last("user-agent") == Some("") {
            header::note_removed(draft, "-A ''", "user-agent");
        }
        let is_cookie = |value: &str| value.contains('=') || template::has_variable(value);
        let (cookies, files): (Vec<&str>, Vec<&str>) = self
            .all(&["cookie"])
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
            .partition(|it| is_cookie(it));
        for file in files {
            draft.not_carried(&format!("`-b {file}`"), "cookies are not read from a file");
        }
        // One header has all of them (RFC 6265 section 5.4), and that of `-H` takes its place.
        if !cookies.is_empty() && !has_header(&headers, "cookie") {
            headers.push(("cookie".to_owned(), cookies.join("; ")));
        }
        headers
    }

    fn set_credentials(&self, draft: &mut ProbeDraft, secrets: &mut Secrets) {
        let owner = draft.name.clone();
        if let Some(token) = self.last("oauth2-bearer") {
            let token = secrets.reference(&owner, "token", token);
            draft.set_text("auth.bearer", &token);
        }
        let Some(pair) = self.last("user") else { return };
        if let Some(signature) = self.last("aws-sigv4") {
            return set_aws(draft, secrets, signature, pair);
        }
        let schemes = ["ntlm", "negotiate", "anyauth"];
        if let Some(scheme) = schemes.iter().find(|scheme| self.has(scheme)) {
            draft.not_carried(&format!("`--{scheme}`"), "the credentials are sent as HTTP basic authentication");
        }
        match pair.split_once(':') {
            Some((user, password)) if self.has("digest") => {
                let password = secrets.reference(&owner, "password", password);
                draft.set("auth.digest", format!("{{ user = {}, password = {} }}", quoted(user), quoted(&password)));
            }
            Some((user, password)) => request::set_basic_auth(draft, secrets, &owner, user, password),
            None => draft.not_carried("`-u` without a password", "there is nobody to ask for one"),
        }
    }

    /// curl follows redirects only with `-L`. It accepts any status without `-f`; a probe that did would never be down, so
    /// that an answer without an error is expected.
    fn set_redirects(&self, draft: &mut ProbeDraft) {
        if !["location", "location-trusted", "follow"].iter().any(|long| self.has(long)) {
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
        self.set_proxy(draft, secrets, url);
        match self.last("interface").map(|name| name.trim_start_matches("host!").trim_start_matches("if!")) {
            Some(address) if address.parse::<IpAddr>().is_ok() => draft.set_text("source-address", address),
            Some(name) => draft.set_text("source-interface", name),
            None => {}
        }
        if let Some(path) = self.last("unix-socket") {
            draft.set_text("address", &format!("unix:{path}"));
            if !path.starts_with('/') && !template::has_variable(path) {
                let why = "the path of `--unix-socket` is relative: write it from the root on, as unix:/run/app.sock";
                draft.left_out = Some(why.to_owned());
            }
        }
        // Without its socket the request would go to another server.
        if self.has("abstract-unix-socket") {
            draft.left_out = Some("`--abstract-unix-socket`: uptick has no key for it".to_owned());
        }
        if let Some(server) = self.last("dns-servers").and_then(|servers| servers.split(',').next()) {
            let address = server.parse::<IpAddr>().map(|ip| std::net::SocketAddr::new(ip, 53).to_string());
            draft.set_text("resolver", &format!("udp://{}", address.unwrap_or_else(|_| server.to_owned())));
        }
        // `--http2` alone offers HTTP/2, as every probe does over TLS.
        if self.has("http2") && !url.starts_with("https://") {
            draft.not_carried("`--http2`", "over http, curl asks the server to upgrade and a probe does not: `http-version = \"2\"` speaks HTTP/2 from the start");
        }
        let versions = [("http1.1", "1.1"), ("http2-prior-knowledge", "2"), ("http3-only", "3"), ("http3", "3")];
        if let Some((long, version)) = versions.iter().find(|(long, _)| self.has(long))
            && (*version != "3" || url.starts_with("https://"))
        {
            draft.set_text("http-version", version);
            if *long == "http3" {
                draft.remark("where HTTP/3 does not answer, curl asks over TCP and this probe is down");
            }
        }
    }

    fn set_tls(&self, draft: &mut ProbeDraft) {
        if self.has("insecure") {
            draft.set("tls.insecure", "true");
        }
        if self.has("tlsv1.3") {
            draft.set("tls.min-version", "\"1.3\"");
        }
        for (long, key) in [("cacert", "tls.ca-file"), ("crlfile", "tls.crl-file")] {
            if let Some(path) = self.last(long) {
                draft.set_file(key, path);
            }
        }
        let cert = self.last("cert").map(certificate);
        if let Some((path, _)) = &cert {
            draft.set_file("tls.client-cert", path);
        }
        // The key may be in the file of the certificate.
        if let Some(path) = self.last("key").or(cert.as_ref().map(|(path, _)| path.as_str())) {
            draft.set_file("tls.client-key", path);
        }
        if cert.is_some_and(|(_, has_password)| has_password) {
            draft.not_carried("the password of `--cert`", "uptick reads keys that are not encrypted");
        }
    }

    /// Notes the options that were not carried over.
    fn note_the_rest(&self, draft: &mut ProbeDraft) {
        // Their values may be secrets, so only the names are noted.
        for (option, _) in &self.options {
            if !curl_options::is_read(option) && !curl_options::is_of_output(option) {
                draft.not_carried(&format!("`--{option}`"), "uptick has no key for it");
            }
        }
        let unknown = self.unknown.iter().filter(|option| !curl_options::is_of_output(option.trim_start_matches('-')));
        unknown.for_each(|option| draft.not_carried(&format!("`{option}`"), "uptick has no key for it"));
    }
}

/// `--aws-sigv4 PROVIDER1[:PROVIDER2[:REGION[:SERVICE]]]`. curl takes missing parts from the host
/// name; here they are required.
fn set_aws(draft: &mut ProbeDraft, secrets: &mut Secrets, signature: &str, pair: &str) {
    let parts: Vec<&str> = signature.split(':').collect();
    let (Some(region), Some(service), Some((key, secret))) = (parts.get(2), parts.get(3), pair.split_once(':')) else {
        let why = "write `auth.aws-sigv4 = { access-key, secret-key, region, service }`";
        return draft.not_carried("`--aws-sigv4` without a region and a service", why);
    };
    let secret = secrets.reference(&draft.name.clone(), "secret_key", secret);
    let fields = [("access-key", key), ("secret-key", &secret), ("region", region), ("service", service)];
    let fields = fields.map(|(name, value)| format!("{name} = {}", quoted(value)));
    draft.set("auth.aws-sigv4", format!("{{ {} }}", fields.join(", ")));
}

/// `FILE[:PASSWORD]` of `--cert`: the file, and whether a password follows. `\:` is a colon in the
/// file name.
fn certificate(value: &str) -> (String, bool) {
    let (mut path, mut letters) = (String::new(), value.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            ':' => return (path, true),
            '\\' if matches!(letters.peek(), Some(':' | '\\')) => path.extend(letters.next()),
            _ => path.push(letter),
        }
    }
    (path, false)
}

/// Seconds, possibly with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero() && *time <= Duration::from_hours(1))
}
