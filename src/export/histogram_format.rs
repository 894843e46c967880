//! How histograms are written for Prometheus and compatible systems.

use std::str::FromStr;

use super::exponential::FINEST_SCHEMA;
use super::exporter::ExporterOption;

/// The option that chooses how histograms are written.
pub(crate) const OPTION: ExporterOption = ExporterOption {
    long: "histograms",
    value_name: "KIND",
    is_value_optional: false,
    variable: None,
    meaning: "How histograms are written: native, native:SCHEMA with 0 to 8, classic or vmrange (`VictoriaMetrics`) \
              [default: native:5]",
};

/// The default schema: 32 buckets an octave, each 2.2 % wide.
pub(crate) const DEFAULT_SCHEMA: i8 = 5;

/// How histograms are written for Prometheus and compatible systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistogramFormat {
    /// As native histograms of this schema, 0 to 8: Prometheus 2.40 and later with the feature enabled, Mimir, Thanos,
    /// Grafana Cloud.
    Native(i8),
    /// As classic buckets, cumulative, with `le`.
    Classic,
    /// As `VictoriaMetrics` buckets, with `vmrange`.
    VmRange,
}

impl Default for HistogramFormat {
    fn default() -> Self {
        HistogramFormat::Native(DEFAULT_SCHEMA)
    }
}

impl HistogramFormat {
    /// The schema of native histograms; the default for other formats.
    #[must_use]
    pub const fn schema(self) -> i8 {
        match self {
            HistogramFormat::Native(schema) => schema,
            HistogramFormat::Classic | HistogramFormat::VmRange => DEFAULT_SCHEMA,
        }
    }
}

/// Why a text is not the name of a histogram format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramFormatError {
    /// The schema after `native:` is not one.
    #[error("`{0}` is not a schema; write a number from 0 to {FINEST_SCHEMA}")]
    Schema(String),
    /// The word is not known.
    #[error("unknown format of histograms `{0}`; write native, native:8, classic or vmrange")]
    Unknown(String),
}

/// `native`, `native:8`, `classic` or `vmrange`
impl FromStr for HistogramFormat {
    type Err = HistogramFormatError;

    fn from_str(text: &str) -> Result<HistogramFormat, HistogramFormatError> {
        let schema = |text: &str| text.parse().ok().filter(|schema| (0..=FINEST_SCHEMA).contains(schema));
        match text.split_once(':') {
            None if text == "native" => Ok(HistogramFormat::default()),
            None if text == "classic" => Ok(HistogramFormat::Classic),
            None if text == "vmrange" => Ok(HistogramFormat::VmRange),
            Some(("native", digits)) => schema(digits)
                .map(HistogramFormat::Native)
                .ok_or_else(|| HistogramFormatError::Schema(digits.to_owned())),
            _ => Err(HistogramFormatError::Unknown(text.to_owned())),
        }
    }
}
