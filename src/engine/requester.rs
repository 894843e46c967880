//! What checks are made with: one for the whole run, shared by all of them.

use crate::model::ExchangeDetail;

use super::connection::KeptConnections;
use super::request_builder::ParsedUrls;
use super::resolve::Names;
use super::tls::TlsConfigs;

/// What requests are made with: one for the whole run.
#[derive(Debug)]
pub(super) struct Requester {
    pub(super) names: Names,
    pub(super) tls: TlsConfigs,
    pub(super) kept: KeptConnections,
    pub(super) urls: ParsedUrls,
    /// How much of each request and its answer an outcome has.
    pub(super) detail: ExchangeDetail,
}
