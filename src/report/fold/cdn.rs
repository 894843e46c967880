//! The content delivery networks (CDNs), recognised by the headers they add to answers. A header
//! shows whose machine answered, not whose fault it is.

use crate::model::SafeText;

/// A CDN whose headers an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cdn {
    Akamai,
    AzureFrontDoor,
    Bunny,
    Cloudflare,
    CloudFront,
    Fastly,
    Google,
    Vercel,
}

/// Header name, part of its value (empty: any value), and the CDN that they indicate.
const SIGNS: &[(&str, &str, Cdn)] = &[
    ("cf-ray", "", Cdn::Cloudflare),
    ("server", "cloudflare", Cdn::Cloudflare),
    ("x-amz-cf-id", "", Cdn::CloudFront),
    ("server", "cloudfront", Cdn::CloudFront),
    ("via", "cloudfront", Cdn::CloudFront),
    ("x-fastly-request-id", "", Cdn::Fastly),
    ("via", "varnish", Cdn::Fastly),
    ("server", "akamai", Cdn::Akamai),
    ("x-akamai-request-id", "", Cdn::Akamai),
    ("x-azure-ref", "", Cdn::AzureFrontDoor),
    ("server", "bunnycdn", Cdn::Bunny),
    ("via", "google", Cdn::Google),
    ("server", "gws", Cdn::Google),
    ("x-vercel-id", "", Cdn::Vercel),
];

impl Cdn {
    /// The CDN that these headers indicate; `None` if they indicate none.
    pub(crate) fn of(headers: &[(String, SafeText)]) -> Option<Cdn> {
        let found = |(name, part, _): &&(&str, &str, Cdn)| {
            headers.iter().any(|(header, value)| {
                header.eq_ignore_ascii_case(name) && value.as_str().to_ascii_lowercase().contains(part)
            })
        };
        SIGNS.iter().find(found).map(|(_, _, edge)| *edge)
    }

    /// The name as reports print it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Cdn::Akamai => "Akamai",
            Cdn::AzureFrontDoor => "Azure Front Door",
            Cdn::Bunny => "bunny.net",
            Cdn::Cloudflare => "Cloudflare",
            Cdn::CloudFront => "CloudFront",
            Cdn::Fastly => "Fastly",
            Cdn::Google => "Google",
            Cdn::Vercel => "Vercel",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_headers() {
        let header = |name: &str, value: &str| (name.to_owned(), SafeText::message(value));
        assert_eq!(Cdn::of(&[header("server", "cloudflare")]), Some(Cdn::Cloudflare));
        assert_eq!(Cdn::of(&[header("Via", "1.1 varnish, 1.1 varnish")]), Some(Cdn::Fastly));
        assert_eq!(Cdn::of(&[header("server", "nginx"), header("cf-ray", "8a-LHR")]), Some(Cdn::Cloudflare));
        assert_eq!(Cdn::of(&[header("server", "nginx")]), None);
    }
}
