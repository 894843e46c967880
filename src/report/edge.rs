//! Who answered, as far as the answer names itself: content networks sign their answers with
//! headers of their own. That says whose machine spoke, and not whose fault it is.

use crate::model::SafeText;

/// A content network that signed an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Edge {
    Akamai,
    AzureFrontDoor,
    Bunny,
    Cloudflare,
    CloudFront,
    Fastly,
    Google,
    Vercel,
}

/// A header that names a network by being there, or by what it contains.
const SIGNS: &[(&str, &str, Edge)] = &[
    ("cf-ray", "", Edge::Cloudflare),
    ("server", "cloudflare", Edge::Cloudflare),
    ("x-amz-cf-id", "", Edge::CloudFront),
    ("server", "cloudfront", Edge::CloudFront),
    ("via", "cloudfront", Edge::CloudFront),
    ("x-fastly-request-id", "", Edge::Fastly),
    ("via", "varnish", Edge::Fastly),
    ("server", "akamai", Edge::Akamai),
    ("x-akamai-request-id", "", Edge::Akamai),
    ("x-azure-ref", "", Edge::AzureFrontDoor),
    ("server", "bunnycdn", Edge::Bunny),
    ("via", "google", Edge::Google),
    ("server", "gws", Edge::Google),
    ("x-vercel-id", "", Edge::Vercel),
];

impl Edge {
    /// The network that signed these headers, if any.
    pub(super) fn of(headers: &[(String, SafeText)]) -> Option<Edge> {
        let found = |(name, part, _): &&(&str, &str, Edge)| {
            headers.iter().any(|(header, value)| {
                header.eq_ignore_ascii_case(name) && value.as_str().to_ascii_lowercase().contains(part)
            })
        };
        SIGNS.iter().find(found).map(|(_, _, edge)| *edge)
    }

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Edge::Akamai => "Akamai",
            Edge::AzureFrontDoor => "Azure Front Door",
            Edge::Bunny => "bunny.net",
            Edge::Cloudflare => "Cloudflare",
            Edge::CloudFront => "CloudFront",
            Edge::Fastly => "Fastly",
            Edge::Google => "Google",
            Edge::Vercel => "Vercel",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_headers() {
        let header = |name: &str, value: &str| (name.to_owned(), SafeText::message(value));
        assert_eq!(Edge::of(&[header("server", "cloudflare")]), Some(Edge::Cloudflare));
        assert_eq!(Edge::of(&[header("Via", "1.1 varnish, 1.1 varnish")]), Some(Edge::Fastly));
        assert_eq!(Edge::of(&[header("server", "nginx"), header("cf-ray", "8a-LHR")]), Some(Edge::Cloudflare));
        assert_eq!(Edge::of(&[header("server", "nginx")]), None);
    }
}
