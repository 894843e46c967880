//! Reads one value of a key: fills in its variables and parses its text, or reports why it is invalid.

pub(crate) mod connect_option;
pub(crate) mod glob;
pub(crate) mod header;
pub(crate) mod interpolate;
pub(crate) mod json_of_toml;
pub(crate) mod layers;
pub(crate) mod matcher;
pub(crate) mod segments;
pub(crate) mod toml_text;
pub(crate) mod url;
pub(crate) mod url_advice;
pub(crate) mod url_schemes;
pub(crate) mod userinfo;
