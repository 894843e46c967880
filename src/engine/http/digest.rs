//! Digest access authentication (RFC 7616): the challenges of a 401 → the header that answers them.

use http::{HeaderMap, header};
use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};

use crate::engine::http::quoted::outside_quotes;
use crate::engine::tls;
use crate::model::text::hexadecimal;

/// The credentials and the request that an answer covers.
pub(crate) struct DigestRequest<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    pub(crate) method: &'a str,
    /// The path and the query, as sent.
    pub(crate) target: &'a str,
    pub(crate) body: &'a [u8],
}

/// A hash algorithm of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha512T256,
    Sha256,
}

/// The quality of protection (`qop`): what an answer covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quality {
    /// The method and the target.
    Auth,
    /// The method, the target and the body.
    AuthInt,
    Unknown,
}

impl Quality {
    fn of(list: &str) -> Quality {
        let says = |quality: &str| list.split(',').any(|word| word.trim().eq_ignore_ascii_case(quality));
        match () {
            () if says("auth") => Quality::Auth,
            () if says("auth-int") => Quality::AuthInt,
            () => Quality::Unknown,
        }
    }
}

/// One challenge of a server.
#[derive(Debug, Default)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// The algorithm as the server names it.
    algorithm: Option<String>,
    /// The best of the `qop` values, if there are any.
    qop: Option<Quality>,
    hashes_user: bool,
    /// Whether the last answer was right except for its expired nonce.
    is_stale: bool,
}

/// The header that answers the best of the challenges; none if none of them is Digest with a supported
/// algorithm and `qop`.
pub(crate) fn authorization(headers: &HeaderMap, request: &DigestRequest<'_>) -> Option<String> {
    let mut random = [0; 16];
    tls::fill_random(&mut random);
    answer(headers, request, &hexadecimal(&random))
}

fn answer(headers: &HeaderMap, request: &DigestRequest<'_>, cnonce: &str) -> Option<String> {
    let challenges = of_headers(headers);
    let usable = challenges.filter(|challenge| challenge.qop != Some(Quality::Unknown) && !challenge.nonce.is_empty());
    let (algorithm, challenge) = usable
        .filter_map(|challenge| Some((challenge.algorithm()?, challenge)))
        .max_by_key(|(algorithm, _)| *algorithm)?;
    Some(challenge.answer(algorithm, request, cnonce))
}

/// Whether the server reports that only the nonce of an answer was too old, so that another answer may succeed.
pub(crate) fn is_stale(headers: &HeaderMap) -> bool {
    of_headers(headers).any(|challenge| challenge.is_stale)
}

/// The part of a Digest challenge that is not supported; none if there is no such challenge.
pub(crate) fn unknown(headers: &HeaderMap) -> Option<String> {
    of_headers(headers).find_map(|challenge| match (&challenge.algorithm, challenge.qop) {
        (Some(name), _) if challenge.algorithm().is_none() => Some(format!("the algorithm {name}")),
        (_, Some(Quality::Unknown)) => {
            Some("a quality of protection (qop) that is neither auth nor auth-int".to_owned())
        }
        _ => None,
    })
}

fn of_headers(headers: &HeaderMap) -> impl Iterator<Item = Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.flat_map(|value| challenges(&String::from_utf8_lossy(value.as_bytes())))
}

impl Challenge {
    fn algorithm(&self) -> Option<Algorithm> {
        let name = self.algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase();
        match name.strip_suffix("-SESS").unwrap_or(&name) {
            "MD5" => Some(Algorithm::Md5),
            "SHA-256" => Some(Algorithm::Sha256),
            "SHA-512-256" => Some(Algorithm::Sha512T256),
            _ => None,
        }
    }

    fn answer(&self, algorithm: Algorithm, request: &DigestRequest<'_>, cnonce: &str) -> String {
        const COUNT: &str = "00000001";
        let hash = |text: String| algorithm.hash(text.as_bytes());
        let (realm, nonce) = (&self.realm, &self.nonce);
        let mut first = hash(format!("{}:{realm}:{}", request.user, request.password));
        let has_session = self.algorithm.as_ref().is_some_and(|name| name.to_ascii_uppercase().ends_with("-SESS"));
        if has_session {
            first = hash(format!("{first}:{nonce}:{cnonce}"));
        }
        let qop = if self.qop == Some(Quality::AuthInt) { "auth-int" } else { "auth" };
        let mut second = format!("{}:{}", request.method, request.target);
        if self.qop == Some(Quality::AuthInt) {
            second = format!("{second}:{}", algorithm.hash(request.body));
        }
        let second = hash(second);
        let response = match self.qop {
            Some(_) => hash(format!("{first}:{nonce}:{COUNT}:{cnonce}:{qop}:{second}")),
            // RFC 2069, for old servers.
            None => hash(format!("{first}:{nonce}:{second}")),
        };
        let user = if self.hashes_user { hash(format!("{}:{realm}", request.user)) } else { request.user.to_owned() };
        let mut fields = vec![
            format!("username=\"{}\"", escaped(&user)),
            format!("realm=\"{}\"", escaped(realm)),
            format!("nonce=\"{}\"", escaped(nonce)),
            format!("uri=\"{}\"", request.target),
            format!("response=\"{response}\""),
        ];
        fields.extend(self.algorithm.as_ref().map(|name| format!("algorithm={name}")));
        fields.extend(self.opaque.as_ref().map(|opaque| format!("opaque=\"{}\"", escaped(opaque))));
        if self.qop.is_some() {
            fields.extend([format!("qop={qop}"), format!("nc={COUNT}"), format!("cnonce=\"{cnonce}\"")]);
        } else if has_session {
            fields.push(format!("cnonce=\"{cnonce}\""));
        }
        fields.extend(self.hashes_user.then(|| "userhash=true".to_owned()));
        format!("Digest {}", fields.join(", "))
    }
}

impl Algorithm {
    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Algorithm::Md5 => hexadecimal(&Md5::digest(bytes)),
            Algorithm::Sha256 => hexadecimal(&Sha256::digest(bytes)),
            Algorithm::Sha512T256 => hexadecimal(&Sha512_256::digest(bytes)),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The Digest challenges in one header, which may hold several challenges of several schemes.
fn challenges(value: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut current: Option<Challenge> = None;
    for part in split(value) {
        let (name, text) = part.split_once('=').unwrap_or((part.as_str(), ""));
        let mut name = name.trim();
        // A scheme precedes its first parameter, separated by a blank, or is alone.
        if let Some((scheme, first)) = name.split_once([' ', '\t']) {
            found.extend(current.take());
            current = scheme.eq_ignore_ascii_case("digest").then(Challenge::default);
            name = first.trim();
        } else if !part.contains('=') {
            found.extend(current.take());
            continue;
        }
        if let Some(challenge) = &mut current {
            challenge.set(name, unquoted(text.trim()));
        }
    }
    found.extend(current);
    found
}

impl Challenge {
    fn set(&mut self, name: &str, text: String) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => self.realm = text,
            "nonce" => self.nonce = text,
            "opaque" => self.opaque = Some(text),
            "algorithm" => self.algorithm = Some(text),
            "qop" => self.qop = Some(Quality::of(&text)),
            "stale" => self.is_stale = text.eq_ignore_ascii_case("true"),
            "userhash" => self.hashes_user = text.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }
}

/// Splits at commas outside quotes.
fn split(value: &str) -> Vec<String> {
    outside_quotes(value, ',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let (mut plain, mut is_escaped) = (String::new(), false);
    for character in inner.chars() {
        if character == '\\' && !is_escaped {
            is_escaped = true;
        } else {
            plain.push(character);
            is_escaped = false;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn answered(challenges: &[&'static str], cnonce: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        let request = DigestRequest {
            user: "Mufasa",
            password: "Circle of Life",
            method: "GET",
            target: "/dir/index.html",
            body: b"",
        };
        answer(&headers, &request, cnonce)
    }

    /// RFC 7616 section 3.9.1.
    #[test]
    fn the_examples_of_the_standard_are_answered_as_there() {
        const SHA256: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
                              nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                              opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        const MD5: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, \
                           nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                           opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let md5 = answered(&[MD5], CNONCE).expect("an answer");
        assert!(md5.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""), "{md5}");
        let best = answered(&[MD5, SHA256], CNONCE).expect("an answer");
        assert!(best.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"), "{best}");
        assert!(best.contains("algorithm=SHA-256") && best.contains("qop=auth, nc=00000001"), "{best}");
    }

    /// RFC 2069 section 2.1.2.
    #[test]
    fn a_challenge_without_a_quality_is_answered_as_of_old() {
        const OLD: &str = "Basic realm=\"x, y\", Digest realm=\"testrealm@host.com\", \
                           nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", Negotiate";
        let old = answered(&[OLD], "x").expect("an answer");
        // MD5(MD5("Mufasa:testrealm@host.com:Circle of Life"):nonce:MD5("GET:/dir/index.html"))
        let hash = |text: &str| Algorithm::Md5.hash(text.as_bytes());
        let (first, second) = (hash("Mufasa:testrealm@host.com:Circle of Life"), hash("GET:/dir/index.html"));
        let response = hash(&format!("{first}:dcd98b7102dd2f0e8b11d0f600bfb0c093:{second}"));
        assert!(old.contains(&format!("response=\"{response}\"")), "{old}");
        assert!(!old.contains("qop") && !old.contains("cnonce"), "{old}");
    }

    #[test]
    fn a_challenge_is_read_however_its_blanks_stand() {
        for challenge in [
            "Digest realm=\"x\",nonce=\"y\"",
            "Digest\trealm=\"x\",\tnonce=\"y\"",
            "Negotiate, digest  realm = \"x\" , nonce = y,",
        ] {
            let answer = answered(&[challenge], "c").unwrap_or_default();
            assert!(answer.contains("realm=\"x\", nonce=\"y\""), "{challenge}: {answer}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_answered() {
        for challenge in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512",
            "Digest realm=\"x\", nonce=\"y\", qop=\"auth-conf\"",
            "Digest realm=\"x\"",
            "Digest",
            "",
        ] {
            assert_eq!(answered(&[challenge], "x"), None, "{challenge}");
        }
    }

    #[test]
    fn a_quality_that_takes_the_body_in_and_the_third_hash_are_answered() {
        let of_body = answered(&["Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\""], "c").expect("an answer");
        let hash = |text: &str| Algorithm::Md5.hash(text.as_bytes());
        let second = hash(&format!("GET:/dir/index.html:{}", hash("")));
        let response = hash(&format!("{}:y:00000001:c:auth-int:{second}", hash("Mufasa:x:Circle of Life")));
        assert!(of_body.contains(&format!("response=\"{response}\"")) && of_body.contains("qop=auth-int"), "{of_body}");
        let third = answered(&["Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256"], "c").expect("an answer");
        assert!(third.contains("algorithm=SHA-512-256"), "{third}");
        // SHA-512/256 of the empty text (FIPS 180-4), which is not a prefix of its SHA-512.
        let empty = Algorithm::Sha512T256.hash(b"");
        assert_eq!(empty, "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a");
    }

    #[test]
    fn what_a_server_asks_for_and_is_not_known_is_named() {
        let said = |challenge: &'static str| {
            let headers = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))]);
            (unknown(&headers), is_stale(&headers))
        };
        let (named, _) = said("Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512");
        assert_eq!(named.as_deref(), Some("the algorithm SHA-512"));
        assert!(said("Digest realm=\"x\", nonce=\"y\", qop=\"auth-conf\"").0.is_some());
        assert_eq!(said("Basic realm=\"x\""), (None, false));
        assert_eq!(said("Digest realm=\"x\", nonce=\"y\", stale=TRUE"), (None, true));
    }
}
