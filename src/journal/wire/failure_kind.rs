//! Kinds of failures as keys of a line, and the order in which a strip numbers them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;

use serde::{Serialize, Serializer};

use crate::model::FailureClass;
use crate::window::FailureKind;

use super::count::read_count;
use super::error::LineError;
use super::json::Json;

/// A kind of failure as a key: `status:503`, or `connect_timeout` without a code. Keys sort by the
/// class's name, then by the code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KindName {
    name: &'static str,
    pub(super) code: Option<NonZero<u16>>,
    pub(super) class: FailureClass,
}

impl KindName {
    pub(super) const fn new(class: FailureClass, code: Option<u16>) -> KindName {
        let code = match code {
            Some(code) => NonZero::new(code),
            None => None,
        };
        KindName { name: class.name(), code, class }
    }

    fn read(text: &str) -> Result<KindName, LineError> {
        let (name, code) = match text.split_once(':') {
            Some((name, code)) => (name, Some(code.parse().map_err(|_| LineError::Corrupt)?)),
            None => (text, None),
        };
        let class = class_named(name).ok_or(LineError::Corrupt)?;
        Ok(KindName { name: class.name(), code, class })
    }

    const fn kind(&self) -> FailureKind {
        FailureKind { class: self.class, code: self.code }
    }
}

impl Serialize for KindName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.code {
            Some(code) => serializer.collect_str(&format_args!("{}:{code}", self.name)),
            None => serializer.serialize_str(self.name),
        }
    }
}

impl schemars::JsonSchema for KindName {
    fn schema_name() -> Cow<'static, str> {
        "KindName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z0-9_]+(:[0-9]+)?$" })
    }
}

pub(super) fn codes_by_name(codes: &BTreeMap<(FailureClass, u16), u64>) -> BTreeMap<KindName, u64> {
    codes.iter().map(|((class, code), count)| (KindName::new(*class, Some(*code)), *count)).collect()
}

/// The kinds of failures of a window, in the order in which its strip numbers them: the classes of
/// `failures`, then the kinds of `codes`, then those of `set_aside` that are not among them.
pub(super) fn kinds_in_order<'k>(
    failures: impl Iterator<Item = FailureClass>,
    codes: impl Iterator<Item = &'k KindName>,
    set_aside: impl Iterator<Item = &'k KindName>,
) -> Vec<FailureKind> {
    let mut classes: Vec<FailureClass> = failures.collect();
    classes.sort_unstable_by_key(|class| class.name());
    let classes = classes.into_iter().map(|class| FailureKind { class, code: None });
    let mut seen = BTreeSet::new();
    classes.chain(codes.chain(set_aside).map(KindName::kind)).filter(|kind| seen.insert(*kind)).collect()
}

/// Reads an object that counts failures by kind.
pub(super) fn read_kinds(json: &mut Json<'_>, kinds: &mut BTreeMap<KindName, u64>) -> Result<(), LineError> {
    json.object(|json, name| {
        kinds.insert(KindName::read(name)?, read_count(json)?);
        Ok(())
    })
}

/// The class of this name; `None` if this version knows none.
pub(super) fn class_named(name: &str) -> Option<FailureClass> {
    FailureClass::ALL.iter().copied().find(|class| class.name() == name)
}
