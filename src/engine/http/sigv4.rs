//! Signature Version 4 of AWS: a request is signed with a key that is never sent, for one moment, one
//! region and one service.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use ring::hmac;
use sha2::{Digest, Sha256};

use crate::engine::http::message::OutgoingRequest;
use crate::model::text::hexadecimal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// How many seconds a server's clock may differ from this host's before it refuses a signature.
const SKEW: i64 = 5 * 60;

/// The credentials, and the region and service that a signature is for.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) session_token: Option<String>,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Signer {
    /// Signs a request as of `now`.
    ///
    /// # Errors
    /// A value cannot be used in a header.
    pub(crate) fn sign(&self, request: &mut OutgoingRequest, now: Timestamp) -> Result<(), String> {
        let (day, moment) = (now.strftime("%Y%m%d").to_string(), now.strftime("%Y%m%dT%H%M%SZ").to_string());
        let payload = hexadecimal(&Sha256::digest(&request.body));
        let mut set = |name: HeaderName, text: &str| {
            let value =
                HeaderValue::from_str(text).map_err(|_| format!("the value of {name} cannot be used in a header"))?;
            request.headers.insert(name, value);
            Ok::<(), String>(())
        };
        set(DATE, &moment)?;
        if let Some(token) = &self.session_token {
            set(TOKEN, token)?;
        }
        if self.is_of_s3() {
            set(CONTENT, &payload)?;
        }
        let (headers, names) = signed_headers(request);
        let (path, query) = (self.path(request.target.path()), query(request.target.query().unwrap_or_default()));
        let canonical = format!("{}\n{path}\n{query}\n{headers}\n{names}\n{payload}", request.method);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let hash = hexadecimal(&Sha256::digest(canonical));
        let signature =
            hexadecimal(self.key(&day, format!("{ALGORITHM}\n{moment}\n{scope}\n{hash}").as_bytes()).as_ref());
        let text =
            format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.access_key);
        let mut value = HeaderValue::from_str(&text).map_err(|_| "the access key cannot be used in a header")?;
        value.set_sensitive(true);
        request.headers.insert(header::AUTHORIZATION, value);
        Ok(())
    }

    fn key(&self, day: &str, text: &[u8]) -> hmac::Tag {
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
        let of_day = sign(format!("AWS4{}", self.secret_key).as_bytes(), day.as_bytes());
        let of_region = sign(of_day.as_ref(), self.region.as_bytes());
        let of_service = sign(of_region.as_ref(), self.service.as_bytes());
        let of_request = sign(of_service.as_ref(), b"aws4_request");
        sign(of_request.as_ref(), text)
    }

    /// Whether the service is S3 or one of its kind: `s3-outposts`, `s3-object-lambda`, `s3express`.
    fn is_of_s3(&self) -> bool {
        self.service == "s3" || self.service == "s3express" || self.service.starts_with("s3-")
    }

    /// The path for the signature: that of the URL normalized and encoded once more. For S3, where a key may have any
    /// slashes and dots, it is the path itself, in one encoding.
    fn path(&self, path: &str) -> String {
        if self.is_of_s3() {
            return encoded(&percent_decode_str(path).collect::<Vec<u8>>(), true);
        }
        encoded(normalized(path).as_bytes(), true)
    }
}

/// A path without empty segments, `.` and `..`.
fn normalized(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

/// Whether a server's clock is so far from this host's that it refuses signatures.
pub(crate) fn is_skewed(headers: &HeaderMap, now: Timestamp) -> bool {
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    date.is_some_and(|date| (date.timestamp().as_second() - now.as_second()).abs() > SKEW)
}

/// The signed headers, one per line, and their names.
fn signed_headers(request: &OutgoingRequest) -> (String, String) {
    let text = |value: &HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut headers = vec![("host".to_owned(), text(&request.authority))];
    // AWS refuses an `x-amz-` header that is not signed.
    let is_signed = |name: &&HeaderName| **name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    for name in request.headers.keys().filter(is_signed) {
        let values: Vec<String> = request.headers.get_all(name).iter().map(text).collect();
        headers.push((name.as_str().to_owned(), values.join(",")));
    }
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    (headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect(), names)
}

/// The query parameters, re-encoded and sorted.
fn query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let anew = |text: &str| encoded(&percent_decode_str(text).collect::<Vec<u8>>(), false);
            (anew(name), anew(value))
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A text in which everything but letters, digits and `-._~` is percent-encoded.
fn encoded(bytes: &[u8], keeps_slashes: bool) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keeps_slashes && byte == b'/';
    bytes
        .iter()
        .map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Method, Uri};

    use super::*;

    /// Signs with the keys and the time of the AWS test suite for Signature Version 4.
    fn signature(method: Method, target: &'static str) -> String {
        let signer = Signer {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
            region: "us-east-1".to_owned(),
            service: "service".to_owned(),
        };
        let mut request = OutgoingRequest {
            method,
            target: Uri::from_static(target),
            authority: HeaderValue::from_static("example.amazonaws.com"),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        signer.sign(&mut request, "2015-08-30T12:36:00Z".parse().expect("an instant")).expect("a signature");
        let header = request.headers[header::AUTHORIZATION].to_str().expect("a text").to_owned();
        let start = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature=";
        header.strip_prefix(start).unwrap_or(&header).to_owned()
    }

    #[test]
    fn the_vectors_of_aws_are_signed_as_there() {
        // get-vanilla, get-slash, get-relative-relative, get-slash-dot-slash, get-slashes, get-slash-pointless-dot,
        // get-vanilla-query-order-key-case, post-vanilla
        for (method, target, expected) in [
            (Method::GET, "//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (Method::GET, "/one/two/../..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (Method::GET, "/./", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (Method::GET, "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
            (Method::GET, "/./example", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
            (Method::GET, "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                Method::GET,
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (Method::POST, "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            assert_eq!(signature(method, target), expected, "{target}");
        }
    }

    #[test]
    fn every_header_of_aws_is_signed() {
        let mut request = OutgoingRequest {
            method: Method::GET,
            target: Uri::from_static("/"),
            authority: HeaderValue::from_static("x.test"),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        for (name, value) in [("x-amz-target", "a  b"), ("x-amz-meta", "1"), ("x-amz-meta", "2"), ("accept", "*/*")] {
            request.headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let (headers, names) = signed_headers(&request);
        assert_eq!(
            (&*headers, &*names),
            ("host:x.test\nx-amz-meta:1,2\nx-amz-target:a b\n", "host;x-amz-meta;x-amz-target")
        );
    }

    #[test]
    fn a_path_is_signed_as_it_is_sent_and_encoded_once_more() {
        let of = |service: &str, path: &str| {
            let signer = Signer {
                access_key: String::new(),
                secret_key: String::new(),
                session_token: None,
                region: String::new(),
                service: service.to_owned(),
            };
            signer.path(path)
        };
        assert_eq!(of("execute-api", "/a%20b/(x)/"), "/a%2520b/%28x%29/");
        assert_eq!(of("s3", "/a%20b//(x)/./%28"), "/a%20b//%28x%29/./%28");
    }

    #[test]
    fn paths_and_queries_are_encoded_as_they_are_signed() {
        assert_eq!(query("b=2&a=%7e1&c&a=0"), "a=0&a=~1&b=2&c=");
        assert_eq!(encoded("a b/ü".as_bytes(), true), "a%20b/%C3%BC");
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_minutes_is_seen() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let said = |date: &'static str| {
            let headers = HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]);
            is_skewed(&headers, now)
        };
        assert!(!said("Thu, 01 Jan 2026 00:04:00 GMT") && said("Thu, 01 Jan 2026 00:06:00 GMT"));
        assert!(said("Wed, 31 Dec 2025 23:50:00 GMT") && !said("yesterday"));
    }
}
