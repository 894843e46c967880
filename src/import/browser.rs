//! Headers that browsers add to a request, and that a probe does not need or that would change
//! later responses.

/// Whether a probe omits this header of a browser.
pub(crate) fn is_noise(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "dnt",
        "upgrade-insecure-requests",
        "priority",
        "pragma",
        "cache-control",
        "if-none-match",
        "if-modified-since",
        "if-range",
        "alt-used",
        "x-client-data",
        "purpose",
    ];
    let name = name.to_ascii_lowercase();
    name.starts_with("sec-") || NAMES.contains(&name.as_str())
}
