//! File names derived from names of surfaces: safe in a path, in a URL and on a case-insensitive
//! file system.

use sha2::{Digest as _, Sha256};

use crate::model::SafeText;
use crate::model::text::hexadecimal;

/// The longest readable part of a name.
const LONGEST: usize = 48;

/// The name of a surface's files, without an extension: the surface's own name if it is safe,
/// otherwise its safe characters and a hash that makes it unique.
pub(super) fn file_name(surface: &str) -> String {
    let mut plain = String::new();
    for character in surface.chars() {
        match character.to_ascii_lowercase() {
            kept @ ('a'..='z' | '0'..='9' | '_') => plain.push(kept),
            _ if plain.is_empty() || plain.ends_with('-') => {}
            _ => plain.push('-'),
        }
        if plain.len() >= LONGEST {
            break;
        }
    }
    let plain = plain.trim_end_matches('-');
    if plain == surface && !plain.is_empty() {
        return surface.to_owned();
    }
    let hash = hexadecimal(&Sha256::digest(surface.as_bytes())[..4]);
    if plain.is_empty() { hash } else { format!("{plain}-{hash}") }
}

/// The path of a surface's page within the site.
pub(super) fn surface_page(surface: &SafeText) -> String {
    format!("surface/{}.html", file_name(surface.as_str()))
}

/// A URN that is always the same for the same text, for feed readers.
pub(super) fn urn(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // RFC 9562: version 8, for custom rules.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hexadecimal(&bytes);
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_plain_name_stays_as_it_is_and_others_are_told_apart() {
        assert_eq!(file_name("app"), "app");
        assert_eq!(file_name("api_v2-eu"), "api_v2-eu");
        let others =
            ["App", "APP", "app/", "../app", "X website", "x-website", "日本", "日木", "", ".", "-", "a b", "a-b"];
        let names: BTreeSet<String> = others.iter().map(|name| file_name(name)).collect();
        assert_eq!(names.len(), others.len(), "{names:?}");
        let is_safe = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_' | '-');
        assert!(names.iter().all(|name| !name.is_empty() && name.chars().all(is_safe)), "{names:?}");
        assert!(file_name(&"x".repeat(500)).len() < 64);
    }

    #[test]
    fn a_name_of_a_feed_is_a_uuid_and_stays_the_same() {
        let name = urn("incident");
        assert_eq!(name, urn("incident"));
        assert_ne!(name, urn("another"));
        assert_eq!((name.len(), &name[..9], &name[23..24]), (45, "urn:uuid:", "8"), "{name}");
    }
}
