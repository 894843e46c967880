//! Problems and warnings as they are found, before the secrets of the whole configuration are known.

use crate::config::missing::ValueUser;
use crate::config::syntax::tree::Span;
use crate::model::{MessageText, Redactor};

/// A problem before its span is turned into a line.
#[derive(Clone)]
pub(crate) struct PendingProblem {
    pub(crate) span: Option<Span>,
    pub(crate) owner: Option<String>,
    pub(crate) message: MessageText,
    pub(crate) help: Option<MessageText>,
}

/// A missing value before its span is turned into a line.
#[derive(Clone)]
pub(crate) struct PendingMissing {
    pub(crate) user: ValueUser,
    pub(crate) written: String,
    pub(crate) problem: PendingProblem,
}

impl PendingProblem {
    /// The same without secrets.
    pub(crate) fn redacted(self, redactor: &Redactor) -> PendingProblem {
        let redacted = |text: MessageText| redactor.redact_message(&text).into();
        PendingProblem {
            span: self.span,
            owner: self.owner.map(|owner| without_secrets(&owner, redactor)),
            message: redacted(self.message),
            help: self.help.map(redacted),
        }
    }
}

/// A warning. Its message is a sentence of ours, in which nothing is redacted: a gap in a known word shows the secret
/// that it hides. What a message quotes is never a value that may be a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Warning {
    pub(crate) owner: Option<String>,
    pub(crate) message: String,
}

impl Warning {
    pub(crate) fn text(self, redactor: &Redactor) -> String {
        match self.owner {
            Some(owner) => format!("{}: {}", without_secrets(&owner, redactor), self.message),
            None => self.message,
        }
    }
}

/// An owner whose name has no secrets: `probe "[redacted]"`.
fn without_secrets(owner: &str, redactor: &Redactor) -> String {
    redactor.redact_beginning(owner, usize::MAX, owner.find('"').unwrap_or_default())
}
