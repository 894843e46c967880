//! Settings from the `OTEL_*` variables.
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderMap;
use url::Url;

use crate::export::{ExportError, endpoint};
use crate::model::{NetworkRules, SafeText, Shard};

/// Default endpoint of a collector.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
/// Default timeout of one request.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum length of a resource attribute's value, in characters.
const ATTRIBUTE_LIMIT: usize = 1_000;

/// Whether a number covers everything since the beginning, or only what is new since the last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporality {
    /// Everything since the process began.
    Cumulative,
    /// What is new since the last request.
    Delta,
}

/// The settings of the exporter.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address that takes metrics.
    pub url: Url,
    /// Headers to send along; their values are secret.
    pub headers: HeaderMap,
    /// Timeout of one request.
    pub timeout: Duration,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// The only certificates to trust; absent: those of the system.
    pub certificates: Option<PathBuf>,
    /// The resource attributes of this prober.
    pub resource: Vec<(String, String)>,
    /// Whether numbers are cumulative or deltas.
    pub temporality: Temporality,
    /// How long a batch grows before it is sent; absent: until windows close.
    pub interval: Option<Duration>,
    /// How it may connect; no variable sets it.
    pub network: NetworkRules,
    /// The part of the vantage's probes that is run; no variable sets it.
    pub shard: Option<Shard>,
}

impl Settings {
    /// Reads the environment. An explicit URL overrides it. None if the variable `OTEL_SDK_DISABLED` disables the
    /// exporter.
    ///
    /// # Errors
    /// [`ExportError`], if a URL or a variable cannot be used.
    pub fn read(
        given: Option<&str>,
        temporality: Temporality,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Settings>, ExportError> {
        // An empty variable counts as unset.
        let env = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if env("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let either = |name: &str| {
            env(&format!("OTEL_EXPORTER_OTLP_METRICS_{name}")).or_else(|| env(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        if either("PROTOCOL").is_some_and(|protocol| protocol != "http/protobuf") {
            return Err(wrong("OTEL_EXPORTER_OTLP_PROTOCOL", "only http/protobuf is supported"));
        }
        let compression = either("COMPRESSION");
        if compression.as_deref().is_some_and(|name| name != "gzip" && name != "none") {
            return Err(wrong("OTEL_EXPORTER_OTLP_COMPRESSION", "it is gzip or none"));
        }
        let headers = either("HEADERS").unwrap_or_default();
        Ok(Some(Settings {
            url: address(given, &env)?,
            headers: endpoint::headers(&headers, "OTEL_EXPORTER_OTLP_HEADERS")?,
            timeout: either("TIMEOUT")
                .map_or(Ok(DEFAULT_TIMEOUT), |text| milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", &text))?,
            gzip: compression.as_deref() == Some("gzip"),
            certificates: either("CERTIFICATE").map(PathBuf::from),
            resource: resource(&env),
            temporality: preferred(temporality, &env)?,
            interval: env(INTERVAL).map(|text| milliseconds(INTERVAL, &text)).transpose()?,
            network: NetworkRules::default(),
            shard: None,
        }))
    }

    /// Sets the vantage and shard of the prober.
    pub fn of_prober(&mut self, vantage: &str, shard: Option<Shard>) {
        self.shard = shard;
        identify(&mut self.resource, vantage, shard);
    }
}

/// The variable for the interval between two requests.
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";

/// Identifies the prober in a resource, unless the environment does: `service.instance.id` distinguishes it from others
/// of the same name.
pub(super) fn identify(resource: &mut Vec<(String, String)>, vantage: &str, shard: Option<Shard>) {
    const NAME: &str = "service.instance.id";
    if resource.iter().all(|(name, _)| name != NAME) {
        let shard = shard.map(|shard| format!(" {shard}")).unwrap_or_default();
        let value = SafeText::clean(&format!("{vantage}{shard}"), ATTRIBUTE_LIMIT).as_str().to_owned();
        let at = resource.partition_point(|(name, _)| name.as_str() < NAME);
        resource.insert(at, (NAME.to_owned(), value));
    }
}

/// An explicit URL and the general variable are base URLs, to which the path of metrics is appended; the metrics
/// variable is used as it is.
fn address(given: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Result<Url, ExportError> {
    let whole = env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT").filter(|_| given.is_none());
    if let Some(whole) = whole {
        return url(&whole);
    }
    let base = given.map(str::to_owned).or_else(|| env("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let mut url = url(base.as_deref().unwrap_or(DEFAULT_ENDPOINT))?;
    if given.is_none() || matches!(url.path(), "/" | "") {
        let path = format!("{}/v1/metrics", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

fn url(text: &str) -> Result<Url, ExportError> {
    text.parse().map_err(|_| {
        // The part before the @ or after the ? may be a secret.
        let host = text.rsplit('@').next().and_then(|rest| rest.split('?').next()).unwrap_or_default();
        ExportError::Url { url: SafeText::clean(host, 100), why: "not a URL" }
    })
}

fn milliseconds(variable: &'static str, text: &str) -> Result<Duration, ExportError> {
    match text.parse() {
        Ok(milliseconds) if milliseconds > 0 => Ok(Duration::from_millis(milliseconds)),
        _ => Err(wrong(variable, "it is a number of milliseconds")),
    }
}

fn preferred(usual: Temporality, env: &dyn Fn(&str) -> Option<String>) -> Result<Temporality, ExportError> {
    const VARIABLE: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    match env(VARIABLE).map(|value| value.to_ascii_lowercase()).as_deref() {
        None => Ok(usual),
        Some("cumulative") => Ok(Temporality::Cumulative),
        // Low memory means delta for every kind of metric sent here.
        Some("delta" | "lowmemory") => Ok(Temporality::Delta),
        Some(_) => Err(wrong(VARIABLE, "it is cumulative, delta or lowmemory")),
    }
}

/// The resource attributes: our name and version, then those of the environment. Invalid pairs are skipped, as the
/// specification requires.
pub(super) fn resource(env: &dyn Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let clean = |text: &str| SafeText::clean(text.trim(), ATTRIBUTE_LIMIT).as_str().to_owned();
    let mut all = BTreeMap::from([
        ("service.name".to_owned(), "uptick".to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    let given = env("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    for (name, value) in given.split(',').filter_map(|pair| pair.split_once('=')) {
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        all.insert(clean(name), clean(&value));
    }
    if let Some(name) = env("OTEL_SERVICE_NAME").filter(|name| !name.trim().is_empty()) {
        all.insert("service.name".to_owned(), clean(&name));
    }
    all.into_iter().collect()
}

fn wrong(variable: &'static str, why: &'static str) -> ExportError {
    ExportError::Variable { variable, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<Settings>, ExportError> {
        let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::read(given, Temporality::Cumulative, &env)
    }

    #[track_caller]
    fn settings(given: Option<&str>, variables: &[(&str, &str)]) -> Settings {
        read(given, variables).expect("usable variables").expect("an exporter that is not disabled")
    }

    #[test]
    fn the_general_address_gets_the_path_and_the_special_one_is_used_as_it_is() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a.test:4318/base/");
        let special = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://b.test/m");
        assert_eq!(settings(None, &[]).url.as_str(), "http://localhost:4318/v1/metrics");
        assert_eq!(settings(None, &[general]).url.as_str(), "http://a.test:4318/base/v1/metrics");
        assert_eq!(settings(None, &[general, special]).url.as_str(), "http://b.test/m");
        assert_eq!(settings(Some("http://c.test:4318"), &[special]).url.as_str(), "http://c.test:4318/v1/metrics");
        assert_eq!(settings(Some("http://c.test/x/v1/metrics"), &[]).url.as_str(), "http://c.test/x/v1/metrics");
    }

    #[test]
    fn every_variable_is_honoured() {
        let all = settings(
            None,
            &[
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abcdef, x-tenant=7"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,region=eu%2Dwest,broken"),
                ("OTEL_SERVICE_NAME", "prober"),
            ],
        );
        assert_eq!(all.headers["authorization"], "Bearer abcdef");
        assert_eq!(all.headers["x-tenant"], "7");
        assert!(!format!("{all:?}").contains("abcdef"));
        assert_eq!((all.timeout, all.gzip), (Duration::from_millis(2500), true));
        assert_eq!(all.certificates, Some(PathBuf::from("/ca.pem")));
        assert_eq!((all.temporality, all.interval), (Temporality::Delta, Some(Duration::from_secs(15))));
        let resource: Vec<_> = all.resource.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(resource, [("region", "eu-west"), ("service.name", "prober"), ("service.version", version)]);
    }

    #[test]
    fn a_variable_for_metrics_wins_and_an_empty_one_is_none() {
        let all = settings(
            None,
            &[
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
                ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2000"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            ],
        );
        assert_eq!((all.timeout, all.gzip), (Duration::from_secs(2), false));
        assert_eq!(all.url.host_str(), Some("localhost"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (variable, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "no equals sign"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "sometimes"),
        ] {
            let error = read(None, &[(variable, value)]).expect_err(variable).to_string();
            assert!(error.contains(variable), "{error}");
        }
    }

    #[test]
    fn a_prober_has_an_instance_of_its_own_unless_the_environment_names_one() {
        let mut all = settings(None, &[]);
        all.of_prober("fra", Shard::new(1, 4).ok());
        let instance = ("service.instance.id".to_owned(), "fra 1/4".to_owned());
        assert!(all.resource.is_sorted() && all.resource.contains(&instance), "{:?}", all.resource);
        let mut named = settings(None, &[("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=mine")]);
        named.of_prober("fra", None);
        assert!(named.resource.contains(&("service.instance.id".to_owned(), "mine".to_owned())));
    }

    #[test]
    fn a_disabled_sdk_exports_nothing() {
        assert!(read(None, &[("OTEL_SDK_DISABLED", "TRUE")]).expect("a legal value").is_none());
    }
}
