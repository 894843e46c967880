//! How a target is reached: TLS, addresses, resolver, proxy, versions.

use std::net::{IpAddr, SocketAddr};

use super::interpolate::Use;
use super::layers::Layers;
use super::reader::Reader;
use super::tree::{Item, Node};
use super::{interpolate, layers, url};
use crate::model::{
    Addresses, Auth, Deny, HttpVersionWish, IpFamily, Part, Quorum, Resolver, Tls, TlsVersion, Transport, Value,
};

/// Reads how to reach the target.
pub(super) fn transport(reader: &mut Reader, layers: &Layers, deny: Deny) -> Transport {
    let ip = match word(reader, layers, "ip", &["any", "v4", "v6"]) {
        Some("v4") => IpFamily::V4,
        Some("v6") => IpFamily::V6,
        _ => IpFamily::Any,
    };
    let http_version = match word(reader, layers, "http-version", &["auto", "1.1", "2"]) {
        Some("1.1") => HttpVersionWish::Http1,
        Some("2") => HttpVersionWish::Http2,
        _ => HttpVersionWish::Auto,
    };
    let address = layers.get("address").and_then(|node| address(reader, node, ip));
    let source_address = layers.get("source-address").and_then(|node| source_address(reader, node, ip));
    if let (Some(address), Some(source), Some(node)) = (address, source_address, layers.get("source-address"))
        && address.is_ipv4() != source.is_ipv4()
    {
        reader.problem(&node.place, "`source-address` and `address` are of different families");
    }
    let proxy = layers.get("proxy").and_then(|node| proxy(reader, node, deny));
    if let (Some(_), Some(node)) = (layers.get("proxy"), layers.get("address")) {
        reader.advise(
            &node.place,
            "`address` has no use with `proxy`, which connects to the host of `url`",
            "leave one of them out",
        );
    }
    Transport {
        tls: tls(reader, &layers.inner("tls")),
        ip,
        address,
        resolver: layers.get("resolver").and_then(|node| resolver(reader, "resolver", node)).unwrap_or_default(),
        proxy,
        source_address,
        http_version,
        reuse: word(reader, layers, "connection", &["fresh", "reuse"]) == Some("reuse"),
        addresses: addresses(reader, layers),
        deny,
    }
}

/// Which addresses are asked, and how many must be up.
fn addresses(reader: &mut Reader, layers: &Layers) -> Addresses {
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
            reader.problem(&node.place, "`addresses-up` means nothing without `addresses = \"all\"`");
        }
        return Addresses::First;
    }
    for (key, node) in ["address", "proxy"].iter().filter_map(|key| Some((key, layers.get(key)?))) {
        reader.problem(&node.place, format!("`{key}` leaves no choice of addresses, and `addresses` asks for all"));
    }
    Addresses::All(quorum.unwrap_or_default())
}

fn word<'w>(reader: &mut Reader, layers: &Layers, key: &str, words: &[&'w str]) -> Option<&'w str> {
    layers.get(key).and_then(|node| layers::word(reader, key, node, words))
}

fn tls(reader: &mut Reader, layers: &Layers) -> Tls {
    let mut file = |key: &str| layers.get(key).and_then(|node| layers::file(reader, key, node));
    let (ca_file, crl_file) = (file("ca-file"), file("crl-file"));
    let (client_cert, client_key) = (file("client-cert"), file("client-key"));
    for (key, other) in [("client-cert", "client-key"), ("client-key", "client-cert")] {
        if let (Some(node), None) = (layers.get(key), layers.get(other)) {
            reader.problem(&node.place, format!("`tls.{key}` needs `tls.{other}` beside it"));
        }
    }
    let insecure = layers.get("insecure").and_then(layers::boolean).unwrap_or(false);
    if insecure {
        reader.warn("`tls.insecure` accepts any certificate");
        for (key, file) in [("ca-file", &ca_file), ("crl-file", &crl_file)] {
            if let (Some(_), Some(node)) = (file, layers.get(key)) {
                reader.problem(&node.place, format!("`tls.{key}` means nothing beside `tls.insecure`"));
            }
        }
    }
    Tls {
        ca_file,
        crl_file,
        client_cert,
        client_key,
        server_name: layers.get("server-name").and_then(|node| server_name(reader, node)),
        min_version: match word(reader, layers, "min-version", &["1.2", "1.3"]) {
            Some("1.3") => TlsVersion::V1_3,
            _ => TlsVersion::V1_2,
        },
        insecure,
    }
}

fn server_name(reader: &mut Reader, node: &Node) -> Option<String> {
    let text = interpolate::plain(reader, node)?;
    let is_name = |text: &str| {
        let labels = text.trim_end_matches('.').split('.');
        text.len() <= 253
            && labels.into_iter().all(|label| {
                (1..=63).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            })
    };
    if text.parse::<IpAddr>().is_ok() || is_name(&text) {
        return Some(text);
    }
    reader.problem(&node.place, "`server-name` is not a host name or an address");
    None
}

fn address(reader: &mut Reader, node: &Node, ip: IpFamily) -> Option<SocketAddr> {
    let text = interpolate::plain(reader, node)?;
    let Ok(address) = text.parse::<SocketAddr>() else {
        let message = "`address` is not an address with a port";
        let bare: Option<IpAddr> = text.parse().ok();
        let help = match bare {
            Some(IpAddr::V6(address)) => format!("add the port: \"[{address}]:443\""),
            Some(IpAddr::V4(address)) => format!("add the port: \"{address}:443\""),
            None => "write it as \"127.0.0.1:8443\" or \"[::1]:8443\"; a name is not resolved here".to_owned(),
        };
        reader.advise(&node.place, message, help);
        return None;
    };
    if address.port() == 0 {
        reader.problem(&node.place, "`address` has port 0, which nothing can listen on");
    }
    if !ip.admits(address.ip()) {
        reader.problem(&node.place, "`address` is not of the family that `ip` asks for");
    }
    Some(address)
}

fn source_address(reader: &mut Reader, node: &Node, ip: IpFamily) -> Option<IpAddr> {
    let text = interpolate::plain(reader, node)?;
    let Ok(address) = text.parse::<IpAddr>() else {
        reader.advise(&node.place, "`source-address` is not an address", "write it as \"192.0.2.7\", without a port");
        return None;
    };
    if !ip.admits(address) {
        reader.problem(&node.place, "`source-address` is not of the family that `ip` asks for");
    }
    Some(address)
}

/// A resolver: `"system"` or a server.
pub(super) fn resolver(reader: &mut Reader, key: &str, node: &Node) -> Option<Resolver> {
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
            reader.advise(&node.place, format!("`{key}` is neither \"system\" nor a server"), help);
            None
        }
    }
}

/// The proxy with its credentials in their place: they are part of this one value.
fn proxy(reader: &mut Reader, node: &Node, deny: Deny) -> Option<Value> {
    let target = url::target(reader, "proxy", node, url::PROXY, Use::Open)?;
    if deny != Deny::NOTHING && !target.url.to_string().starts_with("socks5:") {
        let message = "`network.deny` cannot be kept with this `proxy`, which looks names up itself";
        reader.advise(
            &node.place,
            message,
            "use a `socks5://` proxy, which is told addresses, or leave one of them out",
        );
    }
    let Some(Auth::Basic { user, password }) = target.auth else { return Some(target.url) };
    let mut parts = target.url.parts;
    let Some(Part::Plain(first)) = parts.first_mut() else { return Some(Value { parts }) };
    let (scheme, rest) = first.split_once("://")?;
    let (scheme, rest) = (format!("{scheme}://"), rest.to_owned());
    *first = rest;
    let mut whole = vec![Part::Plain(scheme)];
    whole.extend(user.parts.into_iter().map(url::encoded));
    whole.push(Part::Plain(":".to_owned()));
    whole.extend(password.parts.into_iter().map(url::encoded));
    whole.push(Part::Plain("@".to_owned()));
    whole.append(&mut parts);
    Some(Value { parts: interpolate::join_plain(whole) })
}
