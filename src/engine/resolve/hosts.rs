//! The hosts file: addresses by name.

use std::collections::HashMap;
use std::net::IpAddr;

/// The most addresses kept for one name.
const ADDRESSES: usize = 256;

/// A hosts file.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    /// Names in lower case.
    names: HashMap<Box<str>, Vec<IpAddr>>,
}

impl Hosts {
    /// Parses the text of a file: an address and its names per line, comments after `#`. A line whose
    /// first word is not an address is skipped.
    pub(super) fn parse(text: &str) -> Hosts {
        let mut names: HashMap<Box<str>, Vec<IpAddr>> = HashMap::new();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { continue };
            for name in words {
                let addresses = names.entry(name.to_ascii_lowercase().into_boxed_str()).or_default();
                if addresses.len() < ADDRESSES && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        Hosts { names }
    }

    /// The addresses of a name in any case, but otherwise as written, in the order of the file.
    pub(super) fn addresses(&self, name: &str) -> &[IpAddr] {
        if self.names.is_empty() {
            return &[];
        }
        self.names.get(name.to_ascii_lowercase().as_str()).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, name: &str) -> Vec<String> {
        Hosts::parse(text).addresses(name).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn every_line_of_a_name_counts_whatever_its_case() {
        let text = "127.0.0.1\tlocalhost\n192.0.2.1 Site.Test www # site.test\n::1 site.test\r\n192.0.2.2 site.test\n";
        assert_eq!(found(text, "SITE.test"), ["192.0.2.1", "::1", "192.0.2.2"]);
        assert_eq!(found(text, "www"), ["192.0.2.1"]);
        assert_eq!(found(text, "site.test."), [""; 0], "the name is taken as it is written");
    }

    #[test]
    fn odd_lines_are_passed_over() {
        let text = "localhost\n#192.0.2.1 a\n192.0.2.999 a\n\n192.0.2.3\n  192.0.2.4   under_score  a-  9lives # x\n";
        for name in ["under_score", "a-", "9lives"] {
            assert_eq!(found(text, name), ["192.0.2.4"], "{name}");
        }
        assert_eq!(found(text, "a"), [""; 0]);
        assert_eq!(found("", "a"), [""; 0]);
    }

    #[test]
    fn a_name_keeps_a_bounded_number_of_addresses() {
        let text: String = (0..2_000).map(|n| format!("10.0.{}.{} many\n", n / 256, n % 256)).collect();
        assert_eq!(found(&text, "many").len(), ADDRESSES);
    }
}
