//! Which receiver is notified of which change.

use std::time::Duration;

use http::HeaderName;

use super::Value;

/// `[[alert]]`: one receiver, and the changes it is notified of.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The name, for warnings and for the state that is kept between runs.
    pub name: String,
    /// The changes it is notified of.
    pub on: Vec<AlertEvent>,
    /// The surfaces it is notified of; empty for all.
    pub surfaces: Vec<String>,
    /// How it is notified.
    pub target: AlertTarget,
    /// Attempts after the first.
    pub retries: u32,
    /// The most time one attempt may take.
    pub timeout: Duration,
    /// Interval at which an open incident is notified again; absent: never.
    pub repeat: Option<Duration>,
}

impl Alert {
    /// Whether it is notified of a surface.
    pub(crate) fn concerns(&self, surface: &str) -> bool {
        self.surfaces.is_empty() || self.surfaces.iter().any(|wanted| wanted == surface)
    }

    /// Whether it keeps everything open until it is notified of its end.
    pub(crate) fn keeps_open(&self) -> bool {
        matches!(self.target, AlertTarget::Webhook { template: WebhookTemplate::PagerDuty(_), .. })
    }
}

/// An event that an alert can notify about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertEvent {
    /// An incident opened.
    Open,
    /// A new wave of an incident began.
    Wave,
    /// An incident ended.
    Close,
    /// A probe alternates between passing and failing.
    Flapping,
    /// A certificate expires soon.
    CertificateExpiring,
    /// The error budget of a surface burns too fast.
    SloBurn,
    /// A `warn` rule of a probe is not met.
    Warning,
    /// A vantage cannot judge.
    CannotJudge,
    /// Answers take far longer than usual.
    Slow,
    /// Answers are back to their usual latency.
    SlowEnd,
}

impl AlertEvent {
    /// Every event.
    pub const ALL: [AlertEvent; 10] = [
        AlertEvent::Open,
        AlertEvent::Wave,
        AlertEvent::Close,
        AlertEvent::Flapping,
        AlertEvent::CertificateExpiring,
        AlertEvent::SloBurn,
        AlertEvent::Warning,
        AlertEvent::CannotJudge,
        AlertEvent::Slow,
        AlertEvent::SlowEnd,
    ];

    /// The name, as in the probe file and in every message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AlertEvent::Open => "open",
            AlertEvent::Wave => "wave",
            AlertEvent::Close => "close",
            AlertEvent::Flapping => "flapping",
            AlertEvent::CertificateExpiring => "certificate-expiring",
            AlertEvent::SloBurn => "slo-burn",
            AlertEvent::Warning => "warning",
            AlertEvent::CannotJudge => "cannot-judge",
            AlertEvent::Slow => "slow",
            AlertEvent::SlowEnd => "slow-end",
        }
    }
}

/// How an alert is delivered.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertTarget {
    /// A POST of JSON.
    Webhook {
        /// The URL; parts of it may be secret.
        url: Value,
        /// The format of the JSON.
        template: WebhookTemplate,
        /// Additional headers to send.
        headers: Vec<(HeaderName, Value)>,
    },
    /// A program, with the facts in its environment and as JSON on its standard input.
    Exec {
        /// The program and its arguments, without a shell.
        command: Vec<Value>,
    },
}

/// The format of a webhook's JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum WebhookTemplate {
    /// All facts (`uptick.alert/1`).
    Json,
    /// `{"text": …}`, which Slack, Mattermost, Rocket.Chat and Discord's `/slack` read.
    Slack,
    /// Events API v2 of `PagerDuty`, with this routing key.
    PagerDuty(Value),
}
