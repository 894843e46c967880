//! What browsers send beside what was asked: headers that a probe does not need, or that would make every
//! later answer another one.

/// Whether a probe leaves this header of a browser out.
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
