//! Addresses written in place of a name: they need no lookup.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address, if the host is one in any form that `inet_aton` or `inet_pton` accepts.
pub(super) fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ipv4(bare).map(IpAddr::V4).or_else(|| bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6))
}

/// One to four numbers, each decimal, octal (`0…`) or hexadecimal (`0x…`); the last one fills
/// what the others leave.
pub(super) fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = text.splitn(5, '.').collect();
    let (last, bytes) = parts.split_last()?;
    if bytes.len() > 3 {
        return None;
    }
    let mut address = 0u32;
    for byte in bytes {
        address = (address << 8) | number(byte).filter(|&byte| byte <= 0xff)?;
    }
    let bits = 32 - 8 * u32::try_from(bytes.len()).ok()?;
    let last = number(last).filter(|&last| u64::from(last) < 1u64 << bits)?;
    Some(Ipv4Addr::from(address.checked_shl(bits).unwrap_or(0) | last))
}

fn number(text: &str) -> Option<u32> {
    let digits = |text: &str, radix| {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        plain.then(|| u32::from_str_radix(text, radix).ok()).flatten()
    };
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return digits(hex, 16);
    }
    match text.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => digits(octal, 8),
        None => digits(text, 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_numeric_form_is_an_address() {
        let forms = [
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("10.1.258", "10.1.1.2"),
            ("2130706433", "127.0.0.1"),
            ("0x7f.0.0.1", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("4294967295", "255.255.255.255"),
            ("::1", "::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ];
        for (written, is) in forms {
            assert_eq!(address(written).map(|address| address.to_string()).as_deref(), Some(is), "{written}");
        }
    }

    #[test]
    fn a_name_is_none() {
        for name in
            ["", ".", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "4294967296", "08", "0x", "1.2.3.", "+1", "a", "1e3"]
        {
            assert_eq!(address(name), None, "{name}");
        }
    }
}
