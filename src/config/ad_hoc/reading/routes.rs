//! `--resolve` and `--connect-to`: where a host is connected to.

use super::OptionReader;
use crate::config::ad_hoc::overlay::Route;
use crate::config::syntax::tree::Span;
use crate::config::value::connect_option::host_port_rest;

impl OptionReader<'_, '_> {
    pub(super) fn resolve(&mut self, span: &Span, value: &str) {
        let parts = host_port_rest(value).and_then(|(host, port, address)| {
            // curl takes several addresses and tries them in turn; a probe connects to one.
            let address = Some(address).filter(|address| !address.contains(','))?;
            Some((host, port.parse::<u16>().ok()?, bracketed(address)?))
        });
        let Some((host, port, address)) = parts else {
            let help = "write it as example.com:443:192.0.2.7, with one address";
            self.reader.advise(span, "this is not HOST:PORT:ADDRESS", help);
            return;
        };
        let host = (host != "*").then(|| host.trim_start_matches(['+', '-']).to_owned());
        self.overlay.routes.push(Route { span: span.clone(), host, port: Some(port), address, address_port: None });
    }

    pub(super) fn connect_to(&mut self, span: &Span, value: &str) {
        const FORM: &str =
            "write it as example.com:443:192.0.2.7:8443 or ::origin.example.com:443; an empty HOST or PORT is any";
        let number = |port: &str| if port.is_empty() { Some(None) } else { port.parse::<u16>().ok().map(Some) };
        let parts = host_port_rest(value).and_then(|(host, port, to)| {
            let (address, address_port) = to.rsplit_once(':')?;
            Some((host, number(port)?, address, number(address_port)?))
        });
        let Some((host, port, address, address_port)) = parts else {
            self.reader.advise(span, "this is not HOST:PORT:ADDRESS:PORT", FORM);
            return;
        };
        if address.is_empty() {
            self.reader.advise(span, "there is no host to connect to", FORM);
            return;
        }
        let address = bracketed(address).unwrap_or_else(|| address.to_owned());
        let host = (!host.is_empty()).then(|| host.to_owned());
        self.overlay.routes.push(Route { span: span.clone(), host, port, address, address_port });
    }
}

/// An address as it is written before a port.
fn bracketed(text: &str) -> Option<String> {
    match text.trim_matches(['[', ']']).parse().ok()? {
        std::net::IpAddr::V4(address) => Some(address.to_string()),
        std::net::IpAddr::V6(address) => Some(format!("[{address}]")),
    }
}
