//! The values of curl's `--resolve` and `--connect-to`, `HOST:PORT:…`, in which an IPv6 address as the host stands in
//! brackets.

/// The host, with the brackets of an IPv6 address as in a URL, the port and the rest.
pub(crate) fn host_port_rest(value: &str) -> Option<(&str, &str, &str)> {
    let after_host = if value.starts_with('[') { value.find("]:")? + 1 } else { value.find(':')? };
    let (host, rest) = value.split_at(after_host);
    let (port, rest) = rest.get(1..)?.split_once(':')?;
    Some((host, port, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_brackets_is_a_host() {
        assert_eq!(host_port_rest("x.test:443:192.0.2.7:8443"), Some(("x.test", "443", "192.0.2.7:8443")));
        assert_eq!(host_port_rest("[2001:db8::1]:443:[::1]:8443"), Some(("[2001:db8::1]", "443", "[::1]:8443")));
        assert_eq!(host_port_rest("::127.0.0.1:"), Some(("", "", "127.0.0.1:")));
        for wrong in ["", "x.test", "x.test:443", "[2001:db8::1", "[2001:db8::1]:443"] {
            assert_eq!(host_port_rest(wrong), None, "{wrong}");
        }
    }
}
