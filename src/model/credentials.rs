//! The secrets in the URL and headers of our own requests, so that a response that quotes the request can be redacted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{Secret, is_secret_name};

/// A path segment or query value of at least this many bytes is treated as a token, whatever its name.
const TOKEN_LENGTH: usize = 20;

/// The secrets of a URL: user, password, values of secret names, and what looks like a token.
pub(crate) fn of_url(url: &Url) -> Vec<Secret> {
    let mut secrets = of_userinfo(&decoded(url.username()), &decoded(url.password().unwrap_or_default()));
    let query = url.query_pairs().filter(|(name, value)| is_secret_name(name) || value.len() >= TOKEN_LENGTH);
    secrets.extend(query.map(|(_, value)| Secret::new(&value)));
    let path = url.path_segments().into_iter().flatten().filter(|part| part.len() >= TOKEN_LENGTH);
    secrets.extend(path.map(|part| Secret::new(&decoded(part))));
    secrets
}

/// The secrets of headers: the values of those that are marked or named as secret, and their parts.
pub(crate) fn of_headers(headers: &HeaderMap) -> Vec<Secret> {
    let is_secret = |(name, value): &(&HeaderName, &HeaderValue)| value.is_sensitive() || is_secret_name(name.as_str());
    let values = headers.iter().filter(is_secret).filter_map(|(_, value)| std::str::from_utf8(value.as_bytes()).ok());
    values.flat_map(of_header).collect()
}

/// The value with and without its scheme: `abc` is as secret as `Bearer abc`.
fn of_header(value: &str) -> Vec<Secret> {
    let mut secrets = vec![Secret::new(value)];
    if let Some((scheme, token)) = value.trim().split_once(' ') {
        secrets.push(Secret::new(token.trim()));
        let pair = STANDARD.decode(token.trim()).ok().and_then(|pair| String::from_utf8(pair).ok());
        if scheme.eq_ignore_ascii_case("basic")
            && let Some((user, password)) = pair.as_deref().and_then(|pair| pair.split_once(':'))
        {
            secrets.extend(of_userinfo(user, password));
        }
    }
    secrets
}

/// User and password, each alone, as a pair, and as the header they become. A user without a password is a token.
fn of_userinfo(user: &str, password: &str) -> Vec<Secret> {
    let pair = format!("{user}:{password}");
    [user, password, &pair, &STANDARD.encode(&pair)].map(Secret::new).into_iter().filter(|_| pair != ":").collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Redactor;

    /// `text` as it is shown after a request to `url` with a header.
    fn shown(url: &str, header: Option<(&'static str, &str)>, text: &str) -> String {
        let headers: HeaderMap = header
            .into_iter()
            .map(|(name, value)| {
                let mut value = HeaderValue::from_str(value).unwrap();
                value.set_sensitive(name == "x-scope");
                (HeaderName::from_static(name), value)
            })
            .collect();
        let url = Url::parse(url).unwrap();
        Redactor::new(of_url(&url).into_iter().chain(of_headers(&headers))).redact(text)
    }

    #[test]
    fn a_quoted_url_shows_neither_user_nor_password_nor_token() {
        let url = "https://grafana-user:p%40ss%3Aword@a.test/hooks/T0000000000000000000/x?token=tok%2Fen1&db=metrics&z=abcdefghijklmnopqrst";
        for secret in [
            "p@ss:word",
            "p%40ss%3Aword",
            "grafana-user",
            &STANDARD.encode("grafana-user:p@ss:word"),
            "tok/en1",
            "tok%2Fen1",
            "T0000000000000000000",
            "abcdefghijklmnopqrst",
        ] {
            let answer = shown(url, None, &format!("401: cannot take '{secret}' for metrics"));
            assert!(!answer.contains(secret), "{answer}");
            assert!(answer.starts_with("401: cannot take '[redacted]' for metrics"), "{answer}");
        }
    }

    #[test]
    fn a_quoted_header_shows_nothing_also_without_its_scheme() {
        for (name, value, secrets) in [
            ("authorization", "Bearer abcdef", &["Bearer abcdef", "abcdef", "YWJjZGVm"][..]),
            ("authorization", "Basic dXNlcjpwYXNzdw==", &["dXNlcjpwYXNzdw", "user:passw", "passw", "user%3Apassw"]),
            ("x-api-key", "k1k2k3", &["k1k2k3"]),
            ("cookie", "sid=s1s2s3", &["sid=s1s2s3"]),
            ("x-scope", "tenant-7", &["tenant-7"]),
        ] {
            for secret in secrets {
                let answer = shown("http://a.test/", Some((name, value)), &format!("<{secret}>"));
                assert!(!answer.contains(secret), "{name}: {answer}");
            }
        }
    }

    #[test]
    fn short_credentials_are_found_in_base64() {
        let answer = shown("http://u:p@a.test/", None, "Authorization: Basic dTpw");
        assert_eq!(answer, "Authorization: Basic [redacted]");
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        let text = "400: metrics of api/v1/write at a.test:9090, text/plain";
        let header = Some(("content-type", "text/plain"));
        assert_eq!(shown("http://a.test:9090/api/v1/write?db=metrics", header, text), text);
    }
}
