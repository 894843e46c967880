//! The format and the content coding that a client accepts.

use http::{HeaderMap, header};

use super::protobuf;

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Prometheus' own text.
    Text,
    /// The text of `OpenMetrics`.
    OpenMetrics,
    /// Prometheus' protobuf, which alone carries native histograms.
    Protobuf,
}

impl Format {
    /// The format that a client prefers; of several it prefers equally, the most expressive one.
    pub(super) fn wanted(headers: &HeaderMap) -> Format {
        let (mut protobuf, mut open_metrics, mut text) = (0.0, 0.0, 0.0);
        for choice in choices(headers, header::ACCEPT) {
            match choice.name.as_str() {
                "application/vnd.google.protobuf" if choice.is_delimited => protobuf = choice.quality.max(protobuf),
                "application/openmetrics-text" => open_metrics = choice.quality.max(open_metrics),
                "text/plain" | "text/*" | "*/*" => text = choice.quality.max(text),
                _ => {}
            }
        }
        if protobuf > 0.0 && protobuf >= text && protobuf >= open_metrics {
            Format::Protobuf
        } else if open_metrics > 0.0 && open_metrics >= text {
            Format::OpenMetrics
        } else {
            Format::Text
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Protobuf => protobuf::CONTENT_TYPE,
        }
    }
}

/// Whether a client accepts gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let quality = |name: &str| {
        let mut named = choices(headers, header::ACCEPT_ENCODING).filter(|choice| choice.name == name);
        named.next().map(|choice| choice.quality)
    };
    quality("gzip").or_else(|| quality("*")).unwrap_or(0.0) > 0.0
}

/// One entry of an `Accept` or `Accept-Encoding` header.
struct Choice {
    name: String,
    quality: f32,
    /// Whether protobuf messages may be delimited.
    is_delimited: bool,
}

fn choices(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = Choice> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|choice| {
        let (name, parameters) = choice.split_once(';').unwrap_or((choice, ""));
        let parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
        let parameters: Vec<_> =
            parameters.map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))).collect();
        let parameter = |name: &str| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        Choice {
            name: name.trim().to_ascii_lowercase(),
            quality: parameter("q").and_then(|(_, quality)| quality.parse().ok()).unwrap_or(1.0),
            is_delimited: parameter("encoding").is_none_or(|(_, encoding)| encoding.eq_ignore_ascii_case("delimited")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("a value"))])
    }

    fn wanted(value: &str) -> Format {
        Format::wanted(&with(header::ACCEPT, value))
    }

    #[test]
    fn a_client_gets_the_format_that_it_prefers() {
        let prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
                          application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(wanted(prometheus), Format::Protobuf);
        assert_eq!(
            wanted("application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1"),
            Format::OpenMetrics
        );
        assert_eq!(wanted("application/openmetrics-text;q=0.1, text/plain"), Format::Text);
        assert_eq!(wanted("application/vnd.google.protobuf;encoding=text"), Format::Text);
        assert_eq!(wanted("application/vnd.google.protobuf;q=0.1, text/plain"), Format::Text);
        assert_eq!(wanted("application/openmetrics-text ; Q = 0.1 , text/plain"), Format::Text);
        assert_eq!(wanted("application/vnd.google.protobuf; Encoding=\"delimited\""), Format::Protobuf);
        assert_eq!(wanted("*/*"), Format::Text);
        assert_eq!(Format::wanted(&HeaderMap::new()), Format::Text);
    }

    #[test]
    fn gzip_is_for_who_takes_it() {
        for (value, takes) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("gzip; Q=0", false),
            ("br", false),
        ] {
            assert_eq!(takes_gzip(&with(header::ACCEPT_ENCODING, value)), takes, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
