//! What all requests share; one instance serves the whole run.

use crate::engine::connect::tunnel_offers::TunnelOffers;
use crate::engine::http::connection::KeptConnections;
use crate::engine::http::request_builder::ParsedUrls;
use crate::engine::resolve::HostResolver;
use crate::engine::tls::TlsConfigs;
use crate::model::ExchangeDetail;

#[derive(Debug)]
pub(crate) struct Requester {
    pub(crate) names: HostResolver,
    pub(crate) tls: TlsConfigs,
    pub(crate) kept: KeptConnections,
    pub(crate) tunnel_offers: TunnelOffers,
    pub(crate) urls: ParsedUrls,
    /// How much of each request and its answer an outcome holds.
    pub(crate) detail: ExchangeDetail,
}
