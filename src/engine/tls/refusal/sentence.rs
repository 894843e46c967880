//! One refusal: its class, and its sentence with the names and dates of certificates.

use std::fmt;

use jiff::Timestamp;
use x509_parser::prelude::X509Certificate;

use crate::model::{FailureClass, MessageText};

/// The longest name of a certificate in a message, in characters.
const NAME_LIMIT: usize = 80;

/// A refusal, wrapped in rustls' own error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) class: FailureClass,
    pub(crate) message: MessageText,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_str())
    }
}

impl std::error::Error for Refusal {}

/// A date in a message: the day is enough, and the zone is UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

pub(super) fn name_of(certificate: &X509Certificate<'_>) -> String {
    text(&certificate.subject().to_string())
}

pub(super) fn text(name: &str) -> String {
    match name.char_indices().nth(NAME_LIMIT) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None if name.is_empty() => "without a name".to_owned(),
        None => name.to_owned(),
    }
}

pub(super) fn refused(class: FailureClass, message: impl Into<MessageText>) -> Refusal {
    Refusal { class, message: message.into() }
}

pub(super) fn invalid(what: impl Into<MessageText>) -> Refusal {
    refused(FailureClass::TlsCertInvalid, MessageText::from("the certificate cannot be used: ").then(what))
}

pub(super) fn unsupported(what: impl Into<MessageText>) -> Refusal {
    let what: MessageText = what.into();
    refused(FailureClass::ProberUnsupported, what.then(", which this prober does not support"))
}
