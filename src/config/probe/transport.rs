//! How a target is reached: addresses, resolver, proxy, versions.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::probe::tls;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Span};
use crate::config::table_schema::{Key, ValueType, key};
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::config::value::toml_text::{TomlLines, TomlWriter, quoted};
use crate::config::value::{interpolate, layers, url, url_schemes, userinfo};
use crate::model::{
    Addresses, Auth, DeniedNetworks, DirectTarget, HttpVersionPreference, IpFamily, ProxyEnvironment, Quorum, Resolver,
    Transport, Value, ValuePart, message,
};

/// Keys of how a target is reached.
pub(crate) const TRANSPORT_KEYS: &[Key] = &[
    key("tls", ValueType::Table(&tls::TLS), "", "TLS settings."),
    key("ip", ValueType::Words(&["any", "v4", "v6"]), "\"any\"", "The address family."),
    key(
        "addresses",
        ValueType::Words(&["first", "all"]),
        "\"first\"",
        "The first address that connects, or every address of the name as a case of its own.",
    ),
    key(
        "addresses-up",
        ValueType::Either(&[ValueType::Words(&["all", "majority"]), ValueType::Integer(1, 1_000)]),
        "\"all\"",
        "How many of all addresses must be up.",
    ),
    key(
        "address",
        ValueType::Text,
        "",
        "Connect to this address or host, with a port, or to a Unix socket as `\"unix:/path\"`; the URL's name stays in the request and in TLS.",
    ),
    key(
        "resolver",
        ValueType::Text,
        "\"system\"",
        "Who resolves names: `\"system\"` or a server as `\"udp://1.1.1.1:53\"`.",
    ),
    key(
        "proxy",
        ValueType::Text,
        "",
        "The proxy: an http, https, socks5 or socks5h URL, `\"environment\"` for `HTTPS_PROXY` and similar variables, except for `NO_PROXY`, or `\"none\"` despite the defaults.",
    ),
    key("source-address", ValueType::Text, "", "The local address to send from."),
    key(
        "source-interface",
        ValueType::Text,
        "",
        "The network interface of this host to send from, on Linux: `\"eth1\"`.",
    ),
    key(
        "http-version",
        ValueType::Words(HTTP_VERSIONS),
        "\"auto\"",
        "The HTTP version spoken; `\"auto\"` is HTTP/2 or HTTP/1.1, and `\"3\"` HTTP/3 alone, which has no WebSockets.",
    ),
    key(
        "connection",
        ValueType::Words(&["fresh", "reuse"]),
        "\"fresh\"",
        "Whether an idle connection of an earlier check may be used: it hides outages of DNS and TLS.",
    ),
];

const HTTP_VERSIONS: &[&str] = &["auto", "1.1", "2", "3"];

/// Reads how to reach the target.
pub(crate) fn transport(reader: &mut ConfigReader, layers: &Layers, deny: DeniedNetworks) -> Transport {
    let ip = match word(reader, layers, "ip", &["any", "v4", "v6"]) {
        Some("v4") => IpFamily::V4,
        Some("v6") => IpFamily::V6,
        _ => IpFamily::Any,
    };
    let http_version = match word(reader, layers, "http-version", HTTP_VERSIONS) {
        Some("1.1") => HttpVersionPreference::Http1,
        Some("2") => HttpVersionPreference::Http2,
        Some("3") => HttpVersionPreference::Http3,
        _ => HttpVersionPreference::Auto,
    };
    let unix_socket = layers.get("address").and_then(|node| unix_socket(reader, layers, node));
    let (address, named_address) = match layers.get("address").filter(|_| unix_socket.is_none()) {
        Some(node) => address(reader, node, ip),
        None => (None, None),
    };
    let source_address = layers.get("source-address").and_then(|node| source_address(reader, node, ip));
    if let (Some(address), Some(source), Some(node)) = (address, source_address, layers.get("source-address"))
        && address.is_ipv4() != source.is_ipv4()
    {
        reader.problem(&node.span, "`source-address` and `address` are of different families");
    }
    let asks_environment = |node: &&Node| matches!(&node.item, Item::Text(text) if text == "environment");
    let given = proxy_node(layers);
    let proxy_environment = given.filter(asks_environment).map(|node| environment(reader, node, deny));
    let proxy = given.filter(|node| !asks_environment(node)).and_then(|node| proxy(reader, node, deny));
    if let (Some(_), Some(node)) = (given, layers.get("address")) {
        reader.advise(
            &node.span,
            "`address` cannot be used with `proxy`, which connects to the host of `url`",
            "leave one of them out",
        );
    }
    Transport {
        tls: tls::read(reader, &layers.inner("tls")),
        ip,
        address,
        named_address,
        pinned: None,
        unix_socket,
        resolver: layers.get("resolver").and_then(|node| resolver(reader, "resolver", node)).unwrap_or_default(),
        proxy,
        proxy_environment: proxy_environment.map(Arc::new),
        source_address,
        source_interface: layers.get("source-interface").and_then(|node| source_interface(reader, node)),
        http_version,
        reuse: word(reader, layers, "connection", &["fresh", "reuse"]) == Some("reuse"),
        addresses: addresses(reader, layers),
        deny,
    }
}

/// Which addresses are checked, and how many must be up.
fn addresses(reader: &mut ConfigReader, layers: &Layers) -> Addresses {
    let all = word(reader, layers, "addresses", &["first", "all"]) == Some("all");
    let quorum = layers.get("addresses-up").and_then(|node| match node.item {
        Item::Text(_) => match layers::word(reader, "addresses-up", node, &["all", "majority"])? {
            "majority" => Some(Quorum::Majority),
            _ => Some(Quorum::All),
        },
        _ => layers::integer(node).map(Quorum::AtLeast),
    });
    if !all {
        if let Some(node) = layers.get("addresses-up") {
            reader.problem(&node.span, "`addresses-up` needs `addresses = \"all\"`");
        }
        return Addresses::First;
    }
    let fixed = [("address", layers.get("address")), ("proxy", proxy_node(layers))];
    for (key, node) in fixed.into_iter().filter_map(|(key, node)| Some((key, node?))) {
        reader.problem(&node.span, message!("`{key}` fixes the address, and `addresses` asks for all of them"));
    }
    Addresses::All(quorum.unwrap_or_default())
}

fn word<'w>(reader: &mut ConfigReader, layers: &Layers, key: &str, words: &[&'w str]) -> Option<&'w str> {
    layers.get(key).and_then(|node| layers::word(reader, key, node, words))
}

/// The path of an address that is a Unix socket.
fn unix_socket(reader: &mut ConfigReader, layers: &Layers, node: &Node) -> Option<PathBuf> {
    /// The longest path that the system takes (`sun_path`), without the final NUL.
    const LONGEST: usize = 107;
    if !matches!(&node.item, Item::Text(text) if text.starts_with("unix:")) {
        return None;
    }
    let text = interpolate::plain(reader, node)?;
    let path = text.strip_prefix("unix:").unwrap_or_default();
    let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
        reader.advise(&node.span, "`address` is not the path of a Unix socket", "write it as \"unix:/run/app.sock\"");
    } else if path.len() > LONGEST {
        let message = message!("the path of a Unix socket has {LONGEST} bytes at most, and this one {}", path.len());
        reader.problem(&node.span, message);
    }
    let is_any = |node: &&Node| matches!(&node.item, Item::Text(text) if text == "any");
    for (key, said) in [
        ("source-address", layers.own("source-address")),
        ("source-interface", layers.own("source-interface")),
        ("ip", layers.own("ip").filter(|node| !is_any(node))),
    ] {
        if let Some(node) = said {
            reader.problem(&node.span, message!("`{key}` cannot be used with a Unix socket, which has no address"));
        }
    }
    Some(PathBuf::from(path))
}

/// The address and the port, or a name and the port, that are connected to.
fn address(reader: &mut ConfigReader, node: &Node, ip: IpFamily) -> (Option<SocketAddr>, Option<(String, u16)>) {
    let Some(text) = interpolate::plain(reader, node) else { return (None, None) };
    let Ok(address) = text.parse::<SocketAddr>() else {
        if let Some(named) = named_address(&text) {
            return (None, Some(named));
        }
        let message = "`address` is not an address with a port";
        let bare: Option<IpAddr> = text.parse().ok();
        let after_scheme = text.split_once("://").map(|(_, rest)| rest.trim_end_matches('/'));
        let help = match bare {
            Some(IpAddr::V6(address)) => format!("add the port: \"[{address}]:443\""),
            Some(IpAddr::V4(address)) => format!("add the port: \"{address}:443\""),
            None if tls::is_host_name(&text) => format!("add the port: \"{text}:443\""),
            None if let Some(rest) = after_scheme.filter(|rest| rest.parse::<SocketAddr>().is_ok()) => {
                format!("write it as \"{rest}\"")
            }
            None => "write it as \"127.0.0.1:8443\", \"[::1]:8443\" or \"origin.example.com:443\"".to_owned(),
        };
        reader.advise(&node.span, message, help);
        return (None, None);
    };
    if address.port() == 0 {
        reader.problem(&node.span, "`address` has port 0, which nothing can listen on");
    }
    if !ip.admits(address.ip()) {
        reader.problem(&node.span, "`address` is not of the family that `ip` asks for");
    }
    (Some(address), None)
}

/// `origin.example.com:443`
fn named_address(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    // Digits and dots alone were meant as an IP address.
    let is_name = tls::is_host_name(host) && host.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_name.then(|| (host.trim_end_matches('.').to_ascii_lowercase(), port))
}

fn source_address(reader: &mut ConfigReader, node: &Node, ip: IpFamily) -> Option<IpAddr> {
    let text = interpolate::plain(reader, node)?;
    let Ok(address) = text.parse::<IpAddr>() else {
        let is_port = text.parse::<SocketAddr>().is_ok();
        let help = if is_port || text.contains(['.', ':']) {
            "write it as \"192.0.2.7\", without a port"
        } else {
            "write it as \"192.0.2.7\"; an interface is `source-interface`"
        };
        reader.advise(&node.span, "`source-address` is not an address", help);
        return None;
    };
    if !ip.admits(address) {
        reader.problem(&node.span, "`source-address` is not of the family that `ip` asks for");
    }
    Some(address)
}

/// The name of a network interface (`IFNAMSIZ`).
fn source_interface(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    let text = interpolate::plain(reader, node)?;
    let is_name = !text.is_empty()
        && text.len() <= 15
        && !matches!(text.as_str(), "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':'));
    if !is_name || text.parse::<IpAddr>().is_ok() {
        let message = "`source-interface` is not the name of a network interface: up to 15 letters, digits and signs";
        reader.advise(&node.span, message, "write it as \"eth1\"; an address is `source-address`");
        return None;
    }
    Some(text)
}

/// A resolver: `"system"` or a server.
pub(crate) fn resolver(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<Resolver> {
    let text = interpolate::plain(reader, node)?;
    if text == "system" {
        return Some(Resolver::System);
    }
    let server = text.strip_prefix("udp://").and_then(|server| {
        let with_port = server.parse::<SocketAddr>().ok();
        with_port.or_else(|| server.trim_matches(['[', ']']).parse().ok().map(|ip| SocketAddr::new(ip, 53)))
    });
    match server {
        Some(server) if server.port() != 0 => Some(Resolver::Udp(server)),
        _ => {
            let help = match text.parse::<IpAddr>() {
                Ok(IpAddr::V4(ip)) => format!("did you mean \"udp://{ip}:53\"?"),
                Ok(IpAddr::V6(ip)) => format!("did you mean \"udp://[{ip}]:53\"?"),
                Err(_) => "write it as \"udp://1.1.1.1:53\"".to_owned(),
            };
            reader.advise(&node.span, message!("`{key}` is neither \"system\" nor a server"), help);
            None
        }
    }
}

/// The proxies that the environment names when the probe file is read.
fn environment(reader: &mut ConfigReader, node: &Node, deny: DeniedNetworks) -> ProxyEnvironment {
    let mut named = |names: &[&str]| {
        let (name, value) =
            names.iter().find_map(|name| Some((name, (reader.env)(name).filter(|value| !value.is_empty())?)))?;
        // As in curl, a proxy without a scheme speaks HTTP.
        let scheme = if value.contains("://") { "" } else { "http://" };
        proxy_of_text(reader, &format!("{scheme}${{{name}}}"), &node.span, deny)
    };
    let http = named(&["http_proxy"]);
    let https = named(&["https_proxy", "HTTPS_PROXY"]);
    let all = named(&["all_proxy", "ALL_PROXY"]);
    let direct = ["no_proxy", "NO_PROXY"].iter().find_map(|name| (reader.env)(name));
    ProxyEnvironment { http, https, all, direct: direct.map(|list| DirectTarget::list(&list)).unwrap_or_default() }
}

/// The key `proxy`, unless it says that there is none.
pub(crate) fn proxy_node<'t>(layers: &Layers<'t>) -> Option<&'t Node> {
    layers.get("proxy").filter(|node| !matches!(&node.item, Item::Text(text) if text == "none"))
}

/// The proxy, with its credentials in the same value.
fn proxy(reader: &mut ConfigReader, node: &Node, deny: DeniedNetworks) -> Option<Value> {
    let Item::Text(raw) = &node.item else { return None };
    proxy_of_text(reader, raw, &node.span, deny)
}

fn proxy_of_text(reader: &mut ConfigReader, raw: &str, span: &Span, deny: DeniedNetworks) -> Option<Value> {
    let target = url::target_of_text(reader, "proxy", raw, span, url_schemes::PROXY, TextUse::Open)?;
    if deny != DeniedNetworks::NOTHING && !target.url.to_string().starts_with("socks5:") {
        let message = "`network.deny` does not work with this `proxy`, which resolves names itself";
        reader.advise(span, message, "use a `socks5://` proxy, which receives addresses, or leave one of them out");
    }
    let Some(Auth::Basic { user, password }) = target.auth else { return Some(target.url) };
    let mut parts = target.url.parts;
    let Some(ValuePart::Plain(first)) = parts.first_mut() else { return Some(Value { parts }) };
    let (scheme, rest) = first.split_once("://")?;
    let (scheme, rest) = (format!("{scheme}://"), rest.to_owned());
    *first = rest;
    let mut whole = vec![ValuePart::Plain(scheme)];
    whole.extend(user.parts.into_iter().map(userinfo::encoded));
    whole.push(ValuePart::Plain(":".to_owned()));
    whole.extend(password.parts.into_iter().map(userinfo::encoded));
    whole.push(ValuePart::Plain("@".to_owned()));
    whole.append(&mut parts);
    Some(Value { parts: interpolate::join_plain(whole) })
}

/// How the target is reached, as TOML.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, transport: &Transport) {
    tls::explain(lines, writer, &transport.tls);
    let ip = match transport.ip {
        IpFamily::Any => "any",
        IpFamily::V4 => "v4",
        IpFamily::V6 => "v6",
    };
    lines.set("ip", &quoted(ip));
    match transport.addresses {
        Addresses::First => lines.set("addresses", "\"first\""),
        Addresses::All(quorum) => {
            lines.set("addresses", "\"all\"");
            let quorum = match quorum {
                Quorum::All => "\"all\"".to_owned(),
                Quorum::Majority => "\"majority\"".to_owned(),
                Quorum::AtLeast(least) => least.to_string(),
            };
            lines.set("addresses-up", &quorum);
        }
    }
    if let Some(address) = transport.address {
        lines.set("address", &quoted(&address.to_string()));
    }
    if let Some((host, port)) = &transport.named_address {
        lines.set("address", &quoted(&format!("{host}:{port}")));
    }
    if let Some(path) = &transport.unix_socket {
        lines.set("address", &writer.text(&format!("unix:{}", path.display())));
    }
    let resolver = match transport.resolver {
        Resolver::System => "system".to_owned(),
        Resolver::Udp(server) => format!("udp://{server}"),
    };
    lines.set("resolver", &quoted(&resolver));
    if let Some(proxy) = &transport.proxy {
        lines.set("proxy", &writer.value(proxy));
    }
    if transport.proxy_environment.is_some() {
        lines.set("proxy", &quoted("environment"));
    }
    if let Some(address) = transport.source_address {
        lines.set("source-address", &quoted(&address.to_string()));
    }
    if let Some(interface) = &transport.source_interface {
        lines.set("source-interface", &writer.text(interface));
    }
    let version = match transport.http_version {
        HttpVersionPreference::Auto => "auto",
        HttpVersionPreference::Http1 => "1.1",
        HttpVersionPreference::Http2 => "2",
        HttpVersionPreference::Http3 => "3",
    };
    lines.set("http-version", &quoted(version));
    lines.set("connection", &quoted(if transport.reuse { "reuse" } else { "fresh" }));
}
