//! A check of a protocol that is not HTTP: what its step says becomes what is asked.

use url::Url;

use crate::model::{Probe, Step};

use super::answer::{Answer, Reply, Stopped, not_sent};
use super::connector::Connector;
use super::fault::Deadline;
use super::query_response::QueryResponse;
use super::request_builder;
use super::requester::Requester;
use super::route::route;
use super::session::Session;

/// One check under way.
pub(super) struct ProtocolCheck<'a> {
    pub(super) requester: &'a Requester,
    pub(super) probe: &'a Probe,
    pub(super) step: &'a Step,
    pub(super) session: &'a Session,
    pub(super) deadline: Deadline,
}

impl ProtocolCheck<'_> {
    /// Carries it out.
    pub(super) async fn run(&self, url: Url) -> Result<Answer, Stopped> {
        let transport = &self.probe.transport;
        let route = match route(transport, &url, &url, None) {
            Ok(route) => route,
            Err(reason) => return Err(Stopped { fault: not_sent(&reason), url: Some(url), trace: None }),
        };
        let request = &self.step.request;
        let query = request.send.as_ref().map(|send| request_builder::fill(self.session, send)).transpose();
        let query = QueryResponse {
            connector: Connector { requester: self.requester, transport, route: &route, deadline: self.deadline },
            query: query.map_err(Stopped::before)?,
            starttls: request.starttls,
            expect: &self.step.expect,
            captures: &self.session.captures,
            redactor: &self.session.redactor,
            limit: request.body_limit,
        };
        let Reply { trace, body, fault } = query.run().await;
        Ok(Answer { head: None, body, fault, url, trace })
    }
}
