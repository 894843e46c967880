//! What an answer must be, and whether it is.

pub(super) mod body_rules;
mod certificate_rules;
pub(super) mod dns_answer;
mod dns_record_data;
pub(super) mod expect;
pub(super) mod html;
pub(super) mod json;
pub(super) mod judge;
pub(super) mod text;
