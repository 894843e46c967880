//! A check of a protocol that is not HTTP: what its step says becomes what is asked.

use url::Url;

use crate::model::{DnsQuestion, FailureClass, Probe, Protocol, Step};

use super::answer::{Answer, Reply, Stopped, not_sent};
use super::connector::Connector;
use super::dns_check::{DnsCheck, DnsReply};
use super::fault::{Deadline, Fault};
use super::query_response::QueryResponse;
use super::requester::Requester;
use super::route::{Route, name_server_route, route};
use super::session::Session;
use super::{os_error, request_builder};

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
        match self.step.request.protocol {
            Protocol::Dns => self.ask_name_server(url).await,
            _ => self.converse(url).await,
        }
    }

    fn connector<'a>(&'a self, route: &'a Route) -> Connector<'a> {
        Connector { requester: self.requester, transport: &self.probe.transport, route, deadline: self.deadline }
    }

    /// A connection over which a text is sent, or nothing.
    async fn converse(&self, url: Url) -> Result<Answer, Stopped> {
        let route = match route(&self.probe.transport, &url, &url, None) {
            Ok(route) => route,
            Err(reason) => return Err(Stopped { fault: not_sent(&reason), url: Some(url), trace: None }),
        };
        let request = &self.step.request;
        let query = request.send.as_ref().map(|send| request_builder::fill(self.session, send)).transpose();
        let query = QueryResponse {
            connector: self.connector(&route),
            query: query.map_err(Stopped::before)?,
            starttls: request.starttls,
            expect: &self.step.expect,
            captures: &self.session.captures,
            redactor: &self.session.redactor,
            limit: request.body_limit,
        };
        let Reply { trace, body, fault } = query.run().await;
        Ok(Answer { head: None, body, dns: None, fault, url, trace })
    }

    async fn ask_name_server(&self, url: Url) -> Result<Answer, Stopped> {
        let transport = &self.probe.transport;
        let planned = self.requester.names.first_server(transport.resolver).map_err(|error| {
            let class = os_error::ours(&error).unwrap_or(FailureClass::ProberResources);
            Fault::new(class, None, format!("the name servers of this host cannot be read: {error}"))
        });
        let planned = planned.and_then(|server| {
            let route = name_server_route(transport, &url, server).map_err(|reason| not_sent(&reason))?;
            let question = DnsQuestion::of_url(&url).map_err(|reason| not_sent(&format!("the URL {reason}")))?;
            Ok((route, question))
        });
        let (route, question) = match planned {
            Ok(planned) => planned,
            Err(fault) => return Err(Stopped { fault, url: Some(url), trace: None }),
        };
        let check = DnsCheck { connector: self.connector(&route), question: &question, expect: &self.step.expect.dns };
        let DnsReply { trace, body, answer, fault } = check.run().await;
        Ok(Answer { head: None, body, dns: answer, fault, url, trace })
    }
}
