//! Requests whose server name is not the URL's host: combinations that cannot be sent are rejected here, since they
//! would be sent as something else.

use std::net::{IpAddr, SocketAddr};

use ::url::Url;
use http::HeaderName;
use http::header::HOST;

use crate::config::probe::transport;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node};
use crate::config::value::layers::Layers;
use crate::model::{Value, message};

const HTTP1: &str = "set `http-version = \"1.1\"`";

/// Checks the overrides of one request to an https URL. HTTP/2 over TLS has one name: the handshake's is the authority
/// too. A proxy is asked to connect to that name as well.
pub(crate) fn check(reader: &mut ConfigReader, layers: &Layers, url: &Value, headers: &[(HeaderName, Value)]) {
    // A host that is captured is not known yet.
    let Ok(url) = Url::parse(&url.to_string()) else { return };
    if url.scheme() != "https" {
        return;
    }
    let server_name = layers.inner("tls").get("server-name").filter(|node| is_other_name(node, &url));
    if let (Some(node), true) = (server_name, transport::proxy_node(layers).is_some()) {
        let message = "`tls.server-name` cannot be used with `proxy`: the proxy would be asked for that name";
        reader.advise(&node.span, message, "put the name into `url`");
    }
    if !matches!(layers.get("http-version"), Some(Node { item: Item::Text(version), .. }) if version == "2") {
        return;
    }
    if let Some(node) = server_name {
        reader.advise(
            &node.span,
            "`tls.server-name` is not the host of `url`, and HTTP/2 asks for the name of the handshake",
            HTTP1,
        );
    }
    let host = headers.iter().find(|(name, _)| *name == HOST).map(|(_, value)| value.to_string());
    let entries = layers.inner("headers").entries(str::eq_ignore_ascii_case);
    if let (Some(host), Some(entry)) = (host, entries.iter().find(|entry| entry.key.eq_ignore_ascii_case("host")))
        && !host.eq_ignore_ascii_case(&authority_of(&url))
    {
        let help = message!("put the name into `url` and the server into `address`, or {HTTP1}");
        reader.advise(
            &entry.key_span,
            "a `host` header cannot be used with HTTP/2 over TLS, which asks for the host of `url`",
            help,
        );
    }
    if let Some(node) = layers.get("address")
        && let Item::Text(address) = &node.item
        && let (Ok(address), Some(port)) = (address.parse::<SocketAddr>(), url.port())
        && address.port() != port
    {
        let help = message!("give `url` the port of `address`, or {HTTP1}");
        reader.advise(
            &node.span,
            message!("`address` has another port than `url`, and HTTP/2 over TLS cannot ask for port {port} there"),
            help,
        );
    }
}

/// Whether a server name is a name, and not the URL's host.
fn is_other_name(node: &Node, url: &Url) -> bool {
    let Item::Text(name) = &node.item else { return false };
    name.parse::<IpAddr>().is_err() && !url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(name))
}

fn authority_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
