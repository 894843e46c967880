//! Why a name has no address.

use std::io;

use crate::engine::host::os_error;
use crate::model::{FailureClass, MessageText};

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoAddress {
    pub(crate) class: FailureClass,
    pub(crate) detail: MessageText,
}

impl NoAddress {
    pub(super) fn new(class: FailureClass, detail: impl Into<MessageText>) -> NoAddress {
        NoAddress { class, detail: detail.into() }
    }

    /// The failure if this host has no resources left.
    pub(super) fn ours(error: &io::Error) -> NoAddress {
        let class = os_error::ours(error).unwrap_or(FailureClass::ProberResources);
        NoAddress::new(class, error.to_string())
    }

    pub(super) fn and(mut self, more: impl Into<MessageText>) -> NoAddress {
        self.detail = self.detail.then("; ").then(more);
        self
    }
}
