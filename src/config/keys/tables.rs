//! Every table of the file, by name. Each is defined beside the code that reads it.

pub(crate) use crate::config::keys::file::{ALERT, INCIDENT, INCLUDED, NETWORK, ROOT, SETTINGS, SURFACE};
pub(crate) use crate::config::probe::assets::ASSETS;
pub(crate) use crate::config::probe::auth::{AUTH, AWS, BASIC, DIGEST, OAUTH2};
pub(crate) use crate::config::probe::body::FILE;
pub(crate) use crate::config::probe::dns::{ANSWER, TTL};
pub(crate) use crate::config::probe::expect::{EXPECT, LATENCY, WARN};
pub(crate) use crate::config::probe::header_rules::HEADER;
pub(crate) use crate::config::probe::journey::{CAPTURE, SESSION, STEP};
pub(crate) use crate::config::probe::json_rules::JSON;
pub(crate) use crate::config::probe::maintenance::MAINTENANCE;
pub(crate) use crate::config::probe::timing::RETRIES;
pub(crate) use crate::config::probe::tls::TLS;
pub(crate) use crate::config::probe::{DEFAULTS, PROBE};
