//! Options that send what a run measures to other systems.

use clap::Args;

#[cfg(any(feature = "remote-write", feature = "otlp", feature = "prometheus-server"))]
use crate::cli::groups;

/// Where a run sends what it measures, beside its answer.
#[derive(Args, Clone, Debug, Default)]
pub struct ExporterArgs {
    /// Send by Prometheus remote write; headers such as `authorization=Bearer%20…` go into
    /// `UPTICK_REMOTE_WRITE_HEADERS`
    #[cfg(feature = "remote-write")]
    #[arg(help_heading = groups::EXPORT, long, value_name = "URL", env = "UPTICK_REMOTE_WRITE", hide_env_values = true)]
    pub remote_write: Option<String>,
    /// Send to an OpenTelemetry collector by OTLP over HTTP; the `OTEL_*` variables are honoured
    #[cfg(feature = "otlp")]
    #[arg(help_heading = groups::EXPORT, long, value_name = "URL", num_args = 0..=1, require_equals = true)]
    pub otlp: Option<Option<String>>,
    /// How histograms are written: native, native:SCHEMA with 0 to 8, classic or vmrange
    /// (`VictoriaMetrics`) [default: native:5]
    #[cfg(any(feature = "remote-write", feature = "prometheus-server"))]
    #[arg(help_heading = groups::EXPORT, long, value_name = "KIND")]
    pub histograms: Option<String>,
}
