//! Turns a step whose protocol is not HTTP into a check of that protocol.

use http::header;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::engine::connect::route::{Route, name_server_route, route};
use crate::engine::exchange::answer::{Answer, Reply, Stopped, not_sent};
use crate::engine::exchange::connector::Connector;
use crate::engine::exchange::requester::Requester;
use crate::engine::fault::{Deadline, Fault};
use crate::engine::host::os_error;
use crate::engine::http::body::Body;
use crate::engine::http::message::OutgoingRequest;
use crate::engine::http::request_builder;
use crate::engine::http::session::Session;
use crate::engine::protocol::dns_check::{DnsCheck, DnsReply};
use crate::engine::protocol::grpc_check::{GrpcCheck, GrpcReply};
use crate::engine::protocol::query_response::QueryResponse;
use crate::engine::protocol::websocket_check::{Conversation, WebSocketCheck};
use crate::model::{DnsQuestion, FailureClass, Probe, Protocol, Step};

pub(crate) struct ProtocolCheck<'a> {
    pub(crate) requester: &'a Requester,
    pub(crate) probe: &'a Probe,
    pub(crate) step: &'a Step,
    pub(crate) session: &'a Session,
    pub(crate) deadline: Deadline,
}

impl ProtocolCheck<'_> {
    pub(crate) async fn run(&self, url: Url) -> Result<Answer, Stopped> {
        match self.step.request.protocol {
            Protocol::Dns => self.ask_name_server(url).await,
            Protocol::WebSocket => self.open_websocket(url).await,
            Protocol::Grpc => self.ask_health(url).await,
            _ => self.send_and_receive(url).await,
        }
    }

    fn connector<'a>(&'a self, route: &'a Route) -> Connector<'a> {
        Connector { requester: self.requester, transport: &self.probe.transport, route, deadline: self.deadline }
    }

    /// Makes a connection and sends a text over it, or nothing.
    async fn send_and_receive(&self, url: Url) -> Result<Answer, Stopped> {
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
        Ok(Answer { fault, ..Answer::of(body, url, trace) })
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
        Ok(Answer { dns: answer, fault, ..Answer::of(body, url, trace) })
    }

    /// The route to the target, and an HTTP request with the step's headers and credentials.
    #[expect(clippy::result_large_err, reason = "one is made for a failed check, and moved once")]
    fn request(&self, url: &Url) -> Result<(Route, OutgoingRequest), Stopped> {
        let stopped = |fault| Stopped { fault, url: Some(url.clone()), trace: None };
        let content = request_builder::build(self.step, self.session).map_err(stopped)?;
        let host = content.headers.get(header::HOST);
        let route = route(&self.probe.transport, url, url, host).map_err(|reason| stopped(not_sent(&reason)))?;
        let request = content.outgoing(&route, self.session.jar.header(url));
        Ok((route, request))
    }

    async fn open_websocket(&self, url: Url) -> Result<Answer, Stopped> {
        let (route, request) = self.request(&url)?;
        let expect = &self.step.expect;
        let send = self.step.request.send.as_ref().map(|send| request_builder::fill(self.session, send)).transpose();
        let send = send.map_err(Stopped::before)?;
        let check = WebSocketCheck {
            connector: self.connector(&route),
            request,
            subprotocols: expect.subprotocol.iter().map(String::as_str).collect(),
            waits: send.is_some() || !expect.message.is_empty() || !expect.message_json.is_empty(),
            send,
            limit: self.step.request.body_limit,
        };
        let Conversation { trace, head, body, fault } = check.run().await;
        Ok(Answer { head, fault, ..Answer::of(body, url, trace) })
    }

    async fn ask_health(&self, url: Url) -> Result<Answer, Stopped> {
        let (route, request) = self.request(&url)?;
        let service = url.path().strip_prefix('/').unwrap_or_default();
        let service = percent_decode_str(service).decode_utf8_lossy().into_owned();
        let check = GrpcCheck {
            connector: self.connector(&route),
            request,
            service: &service,
            expected: &self.step.expect.grpc_status,
        };
        let GrpcReply { trace, head, status, read, fault } = check.run().await;
        let body = Body { read, ..Body::default() };
        Ok(Answer { head, grpc_status: status, fault, ..Answer::of(body, url, trace) })
    }
}
