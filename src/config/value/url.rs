//! URLs of the probe file: a known scheme and a host, their userinfo turned into credentials,
//! and the secret parameters of their query kept secret.

use url::{Host, ParseError, Url};

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Span};
use crate::config::table_schema::list_of;
use crate::config::value::interpolate::TextUse;
use crate::config::value::segments::Segment;
use crate::config::value::userinfo::{credentials, decode, split_userinfo};
use crate::config::value::{interpolate, url_advice};
use crate::model::{
    Auth, DnsQuestion, MessageText, Protocol, SHORTEST_SECRET, Value, ValuePart, is_secret_name, message,
};

/// A URL and the credentials that were in it.
pub(crate) struct Target {
    pub(crate) url: Value,
    pub(crate) auth: Option<Auth>,
}

/// The message for a host that cannot be a name.
const NAME_CHARACTER: &str = "has a host with a character that is not allowed in a name";

/// The URL at a node.
pub(crate) fn target(
    reader: &mut ConfigReader,
    key: &str,
    node: &Node,
    schemes: &[&str],
    usage: TextUse,
) -> Option<Target> {
    let Item::Text(raw) = &node.item else { return None };
    target_of_text(reader, key, raw, &node.span, schemes, usage)
}

/// The URL in a text.
pub(crate) fn target_of_text(
    reader: &mut ConfigReader,
    key: &str,
    raw: &str,
    span: &Span,
    schemes: &[&str],
    usage: TextUse,
) -> Option<Target> {
    let (without, mut auth) = match split_userinfo(raw) {
        Some((userinfo, without)) => (without, Some(credentials(reader, userinfo, span)?)),
        None => (raw.to_owned(), None),
    };
    let pieces = interpolate::read_pieces(reader, &without, span)?;
    interpolate::warn_of_foreign_variables(reader, &pieces, usage);
    let mut parts = assemble(reader, pieces, span, usage)?;
    // Userinfo may also come from a variable.
    if let Some(ValuePart::Plain(first)) = parts.first_mut()
        && let Some((userinfo, without)) = split_userinfo(first)
    {
        auth = Some(credentials(reader, &userinfo.replace("${", "$${"), span)?);
        *first = without;
    }
    if matches!(parts.first(), Some(ValuePart::Capture(_))) {
        return Some(Target { url: Value { parts }, auth });
    }
    let url = Value { parts };
    let parsed = match check(&with_stand_ins(&url), schemes) {
        Ok(parsed) => parsed,
        Err((message, help)) => {
            let message = message!("`{key}` ").then(message);
            // Advice that quotes the text is safe only if nothing was filled in and nothing is secret.
            match help.filter(|help| help.is_ours() || url.to_string() == raw) {
                Some(help) => reader.advise(span, message, help),
                None => reader.problem(span, message),
            }
            return None;
        }
    };
    // A plain text URL is kept as the parser writes it: `http://0x7f000001` is `http://127.0.0.1/`.
    let is_plain = matches!(url.parts.as_slice(), [ValuePart::Plain(_)]);
    Some(Target { url: if is_plain { Value::plain(parsed.as_str()) } else { url }, auth })
}

/// The text of a URL with a placeholder word for each capture. One that directly follows a host and port is taken for a
/// path: `https://x.test:8443{{location}}`.
fn with_stand_ins(url: &Value) -> String {
    let mut text = String::new();
    for part in &url.parts {
        match part {
            ValuePart::Plain(plain) => text.push_str(plain),
            ValuePart::Secret { value, .. } => text.push_str(value.reveal()),
            ValuePart::Capture(_) => {
                let authority = text.split_once("://").map_or("", |(_, rest)| rest);
                let ends_in_host = !authority.is_empty() && !authority.contains(['/', '?', '#']);
                text.push_str(if ends_in_host { "/capture" } else { "capture" });
            }
        }
    }
    text
}

/// What is wrong with a URL, and what to write instead.
type Refused = (MessageText, Option<MessageText>);

/// Parses a URL that must have one of these schemes and a host.
fn check(text: &str, schemes: &[&str]) -> Result<Url, Refused> {
    let told = |message: &'static str| (message.into(), None);
    if text.is_empty() {
        return Err(told("is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(told("contains a line break or another control character"));
    }
    if text.trim() != text {
        return Err(told("starts or ends with a space"));
    }
    if text.starts_with(['"', '\'', '“', '<']) {
        return Err(("begins with a quote".into(), Some("write it without quotes of its own".into())));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(("has no scheme".into(), url_advice::without_scheme(text, schemes).map(Into::into)));
    };
    let scheme = scheme.to_ascii_lowercase();
    if !schemes.contains(&scheme.as_str()) {
        let help = url_advice::other_scheme(&scheme, schemes);
        let schemes = list_of(schemes).replace('"', "");
        return Err((MessageText::ours(format!("has a scheme that is not {schemes}")), help.map(Into::into)));
    }
    if scheme == "dns" {
        return dns_target(text);
    }
    if rest.is_empty() || rest.starts_with(['/', '?', '#', ':', '\\']) {
        return Err(told("has an empty host"));
    }
    if let Some(zone) = zone_of(rest) {
        let help = message!("leave it out, and write source-interface = \"{zone}\"");
        return Err(("has an address with a zone, which no URL has".into(), Some(help)));
    }
    if let Some(refused) = placeholder_in_host(rest) {
        return Err(refused);
    }
    let url = Url::parse(text).map_err(|error| told(parse_sentence(error)))?;
    if !matches!(Protocol::of_scheme(&scheme), None | Some(Protocol::Http | Protocol::WebSocket)) {
        return connection_target(url);
    }
    match url.host() {
        None => Err(told("has an empty host")),
        Some(Host::Domain(name)) if let Some(problem) = name_problem(name) => Err(told(problem)),
        Some(_) if url.port() == Some(0) => Err(told("has port 0, which nothing can listen on")),
        Some(_) => Ok(url),
    }
}

/// What is wrong with a host in which something was to be filled in: `$HOST`, `${HOST}` as text, `{region}`, `<host>`.
fn placeholder_in_host(rest: &str) -> Option<Refused> {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let found = host.chars().find(|character| matches!(character, '$' | '{' | '<' | '*'))?;
    let help = match found {
        '$' => "a probe file fills in ${NAME}, in braces; a shell does in double quotes, and not in single ones",
        '{' => "{name} is a value of `matrix`, {{name}} a capture, and ${NAME} a variable of the environment",
        '<' => "write the name of the host in its place",
        _ => "write one name: a probe asks one host",
    };
    Some((MessageText::ours(format!("has a host with `{found}`, which no name has")), Some(help.into())))
}

/// The zone of an address: `%eth0` in `[fe80::1%eth0]`.
fn zone_of(rest: &str) -> Option<&str> {
    let (_, zone) = rest.strip_prefix('[')?.split(']').next()?.split_once('%')?;
    let zone = zone.strip_prefix("25").unwrap_or(zone);
    let is_interface = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    Some(zone).filter(|zone| !zone.is_empty() && zone.chars().all(is_interface))
}

/// What is wrong with a host name that the URL itself allows: `*`, the braces and the dollar of a variable that was not
/// filled in, two dots in a row, or a name longer than DNS permits.
fn name_problem(name: &str) -> Option<&'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.bytes().all(is_allowed) {
        return Some(NAME_CHARACTER);
    }
    if name.strip_suffix('.').unwrap_or(name).split('.').any(str::is_empty) {
        return Some("has a host with nothing before a dot of its name");
    }
    is_too_long(name).then_some("has a host name that is longer than DNS allows")
}

/// The target of a DNS query; the system's name server if none is given.
fn dns_target(text: &str) -> Result<Url, Refused> {
    let told = |message: &'static str| (message.into(), None);
    let mut url = Url::parse(text).map_err(|error| told(parse_sentence(error)))?;
    if let Some(server) = url.host_str().filter(|server| !server.is_empty()) {
        let host = Host::parse(server).map_err(|error| told(parse_sentence(error)))?;
        if url.port() == Some(0) {
            return Err(told("has port 0, which nothing can listen on"));
        }
        if matches!(url.path(), "" | "/") && url.query().is_none() {
            let help = match &host {
                Host::Domain(_) => message!("write it as dns:///{host}?type=A to ask for {host}"),
                _ => message!("write it as dns://{host}/NAME?type=A"),
            };
            return Err(("names a server and nothing that it is asked for".into(), Some(help)));
        }
        url.set_host(Some(&host.to_string())).map_err(|error| told(parse_sentence(error)))?;
    }
    DnsQuestion::of_url(&url).map_err(|why| (why.into(), Some("write it as dns://SERVER/NAME?type=A".into())))?;
    Ok(url)
}

/// A target that is a host and a port, with a service for gRPC.
fn connection_target(mut url: Url) -> Result<Url, Refused> {
    let told = |message: &'static str| (message.into(), None);
    let host = Host::parse(url.host_str().unwrap_or_default()).map_err(|error| told(parse_sentence(error)))?;
    if let Host::Domain(name) = &host
        && let Some(problem) = name_problem(name)
    {
        return Err(told(problem));
    }
    let scheme = url.scheme().to_owned();
    match url.port() {
        None => return Err(("has no port".into(), Some(message!("write it as {scheme}://{host}:PORT")))),
        Some(0) => return Err(told("has port 0, which nothing can listen on")),
        Some(_) => {}
    }
    let has_more = url.query().is_some() || url.fragment().is_some();
    if scheme.starts_with("grpc") {
        if has_more || url.path().matches('/').count() > 1 {
            return Err((message!("has more than a service behind its port: {scheme}://{host}:PORT/SERVICE"), None));
        }
    } else if has_more || !matches!(url.path(), "" | "/") {
        return Err((message!("has more than a host and a port, and {scheme}:// takes no more"), None));
    } else {
        url.set_path("");
    }
    // Written the way a web host is.
    url.set_host(Some(&host.to_string())).map_err(|error| told(parse_sentence(error)))?;
    Ok(url)
}

fn is_too_long(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.len() > 253 || name.split('.').any(|label| label.len() > 63)
}

fn parse_sentence(error: ParseError) -> &'static str {
    match error {
        ParseError::EmptyHost => "has an empty host",
        ParseError::InvalidPort => "has a port that is not a number from 1 to 65535",
        ParseError::InvalidIpv4Address => "has a host that is not a valid IPv4 address",
        ParseError::InvalidIpv6Address => "has a host that is not a valid IPv6 address",
        ParseError::InvalidDomainCharacter | ParseError::IdnaError => NAME_CHARACTER,
        _ => "is not a URL",
    }
}

/// Joins the segments; text in the value of a secret parameter is a secret.
fn assemble(reader: &mut ConfigReader, pieces: Vec<Segment>, span: &Span, usage: TextUse) -> Option<Vec<ValuePart>> {
    let mut so_far = String::new();
    let mut parts = Vec::new();
    for piece in pieces {
        match piece {
            Segment::Plain(text) => assemble_plain(reader, &text, span, &mut so_far, &mut parts),
            Segment::Capture { name, written } => {
                so_far.push_str("capture");
                parts.push(interpolate::capture(reader, name, written, span, usage)?);
            }
            Segment::Variable(variable) => {
                let parameter = secret_parameter(&so_far);
                let usage = parameter.as_deref().map_or(usage, TextUse::Secret);
                match interpolate::resolve(reader, &variable, span, usage)? {
                    ValuePart::Plain(text) => assemble_plain(reader, &text, span, &mut so_far, &mut parts),
                    part => {
                        if let ValuePart::Secret { value, .. } = &part {
                            so_far.push_str(value.reveal());
                        }
                        parts.push(part);
                    }
                }
            }
        }
    }
    Some(interpolate::join_plain(parts))
}

fn assemble_plain(reader: &mut ConfigReader, text: &str, span: &Span, so_far: &mut String, parts: &mut Vec<ValuePart>) {
    let mut rest = text;
    while !rest.is_empty() {
        let parameter = secret_parameter(so_far);
        let stops: &[char] = if parameter.is_some() { &['&', '#'] } else { &['?', '&', '=', '#'] };
        let end = match rest.find(stops) {
            Some(0) => 1,
            Some(at) => at,
            None => rest.len(),
        };
        let (segment, after) = rest.split_at(end);
        match parameter {
            // Only its name makes it a secret, as in `sort_key=id`: a short value is none.
            Some(name) if !segment.starts_with(stops) && segment.len() >= SHORTEST_SECRET => {
                let decoded = decode(segment);
                if decoded != segment {
                    reader.keep_secret(&decoded);
                }
                parts.extend(interpolate::open_secret(reader, &name, segment, span));
            }
            _ => parts.push(ValuePart::Plain(segment.to_owned())),
        }
        so_far.push_str(segment);
        rest = after;
    }
}

/// The name of the parameter whose value a URL ends in, if it is a secret one.
fn secret_parameter(so_far: &str) -> Option<String> {
    let (_, query) = so_far.split_once('?')?;
    if query.contains('#') {
        return None;
    }
    let (name, _) = query.rsplit('&').next()?.split_once('=')?;
    let name = decode(name);
    is_secret_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::url_schemes::WEB;
    use super::*;

    #[test]
    fn what_is_not_a_url_is_told_why() {
        let told = |text| check(text, WEB).unwrap_err().0.to_string();
        assert_eq!(told(""), "is empty");
        assert_eq!(told("example.com"), "has no scheme");
        assert_eq!(told("ftp://example.com"), "has a scheme that is not http or https");
        assert_eq!(told("https:///path"), "has an empty host");
        assert_eq!(told("https://"), "has an empty host");
        assert_eq!(told("https://x.test:99999/"), "has a port that is not a number from 1 to 65535");
        assert_eq!(told("https://x.test:0/"), "has port 0, which nothing can listen on");
        assert_eq!(told("https://x.test/\r\nX: y"), "contains a line break or another control character");
        assert_eq!(told("https://[::1/"), "has a host that is not a valid IPv6 address");
        assert_eq!(
            told(&format!("https://{}.test/", "a".repeat(64))),
            "has a host name that is longer than DNS allows"
        );
        assert_eq!(check("example.com/x", WEB).unwrap_err().1.unwrap().as_str(), "did you mean https://example.com/x?");
        assert_eq!(check("http//x.test", WEB).unwrap_err().1.unwrap().as_str(), "did you mean http://x.test?");
    }

    #[test]
    fn a_capture_may_be_a_host_a_path_or_a_value() {
        let stand_ins = |before: &str, after: &str| {
            let parts = vec![
                ValuePart::Plain(before.to_owned()),
                ValuePart::Capture("c".to_owned()),
                ValuePart::Plain(after.to_owned()),
            ];
            check(&with_stand_ins(&Value { parts }), WEB).map(|url| url.to_string())
        };
        assert_eq!(stand_ins("https://x.test:8443", "?a=1"), Ok("https://x.test:8443/capture?a=1".to_owned()));
        assert_eq!(stand_ins("https://", "/a"), Ok("https://capture/a".to_owned()));
        assert_eq!(stand_ins("https://x.test/?a=", ""), Ok("https://x.test/?a=capture".to_owned()));
    }

    #[test]
    fn a_secret_parameter_is_found_by_its_name() {
        assert_eq!(secret_parameter("https://x/?a=1&api_key="), Some("api_key".to_owned()));
        assert_eq!(secret_parameter("https://x/?a=1&api%5Fkey=ab"), Some("api_key".to_owned()));
        assert_eq!(secret_parameter("https://x/?a=1"), None);
        assert_eq!(secret_parameter("https://x/token="), None);
        assert_eq!(secret_parameter("https://x/?token=a#b"), None);
    }
}
