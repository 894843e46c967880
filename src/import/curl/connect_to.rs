//! `--resolve` and `--connect-to` of curl: which address a URL connects to.

use std::net::SocketAddr;

use crate::config::connect_option::host_port_rest;

/// What `--resolve` and `--connect-to` say of a URL.
pub(super) enum ConnectTo {
    Address(String),
    /// The option applies to another host.
    OtherHost,
    NoAddress,
}

/// Where an option connects this URL to; `None` if the option or the URL is invalid.
pub(super) fn connect_to(option: &str, value: &str, url: &str) -> Option<ConnectTo> {
    let url = url::Url::parse(url).ok()?;
    let (host, port) = (url.host_str()?, url.port_or_known_default()?.to_string());
    let (of_host, of_port, to) = host_port_rest(value.trim_start_matches('+'))?;
    if (!of_host.is_empty() && of_host != "*" && of_host != host) || (!of_port.is_empty() && of_port != port) {
        return Some(ConnectTo::OtherHost);
    }
    let (ip, port): (&str, &str) = match option {
        "resolve" => (to.split(',').next()?, port.as_str()),
        _ => to.rsplit_once(':').map(|(ip, to_port)| (ip, if to_port.is_empty() { port.as_str() } else { to_port }))?,
    };
    match ip.trim_matches(['[', ']']).parse() {
        Ok(ip) => Some(ConnectTo::Address(SocketAddr::new(ip, port.parse().ok()?).to_string())),
        Err(_) if option == "connect-to" => Some(ConnectTo::Address(format!("{ip}:{port}"))),
        Err(_) => None,
    }
}
