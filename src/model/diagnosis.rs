//! Extra checks made while a probe fails, to tell causes apart. They are evidence, bounded, and
//! never counted as checks.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{FailureClass, SafeText, micros};

/// What extra checks found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Diagnosis {
    /// The extra checks, in the order in which they were made.
    pub extra: Vec<ExtraCheck>,
}

/// An address that answered, and the host name that it was found for: it says nothing about another host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastGoodAddress {
    /// The host name.
    pub host: String,
    /// Its address, and the port.
    pub address: SocketAddr,
}

/// One extra check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExtraCheck {
    /// What was tried.
    pub kind: ExtraKind,
    /// The resolver or the address that was tried.
    pub target: SafeText,
    /// How it failed; null if it did not.
    pub class: Option<FailureClass>,
    /// The status code, if the server answered.
    pub status: Option<u16>,
    /// How long it took, in microseconds.
    #[serde(rename = "took_us", with = "micros")]
    #[schemars(with = "u64")]
    pub took: Duration,
}

/// What an extra check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtraKind {
    /// Does another resolver know the name?
    OtherResolver,
    /// Does the address that worked last answer, with the right name?
    LastGoodAddress,
    /// Does this one of the name's addresses answer?
    Address,
    /// Does this address accept a TCP connection?
    Tcp,
    /// Does a control target answer now?
    Control,
}

impl ExtraKind {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ExtraKind::OtherResolver => "other_resolver",
            ExtraKind::LastGoodAddress => "last_good_address",
            ExtraKind::Address => "address",
            ExtraKind::Tcp => "tcp",
            ExtraKind::Control => "control",
        }
    }
}

impl ExtraCheck {
    /// Whether the target answered at all, even with an error: it is reachable.
    #[must_use]
    pub fn answered(&self) -> bool {
        use super::ClassGroup;
        self.class
            .is_none_or(|class| !matches!(class.group(), ClassGroup::Resolve | ClassGroup::Connect | ClassGroup::Ours))
    }
}
