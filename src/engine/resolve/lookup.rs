//! The lookup of one name across the servers: their replies so far, and the conclusion.

use std::io;
use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::{Name, RecordType};

use crate::engine::host::{os_error, own_route};
use crate::engine::resolve::message::Reply;
use crate::engine::resolve::no_address::NoAddress;
use crate::engine::resolve::server;
use crate::engine::resolve::server::ServerError;
use crate::model::{FailureClass, MessageText};

/// What the servers know about a name.
pub(super) enum LookupResult {
    Addresses(Vec<IpAddr>),
    /// It is an alias of a name that must be looked up next.
    Alias(Name),
    NoData,
}

/// The replies for one name, by record type.
pub(super) struct Lookup {
    replies: Vec<(RecordType, Option<Reply>)>,
    errors: Vec<(SocketAddr, ServerError)>,
}

impl Lookup {
    pub(super) fn new(kinds: &[RecordType]) -> Lookup {
        Lookup { replies: kinds.iter().map(|kind| (*kind, None)).collect(), errors: Vec::new() }
    }

    /// The record types without a reply so far.
    pub(super) fn open(&self) -> Vec<RecordType> {
        self.replies.iter().filter(|(_, reply)| reply.is_none()).map(|(kind, _)| *kind).collect()
    }

    /// Adds the replies of a server.
    ///
    /// # Errors
    /// The server was not asked: this host has no resources left.
    pub(super) fn take(&mut self, server: SocketAddr, replies: Vec<server::ServerReply>) -> Result<(), NoAddress> {
        for (kind, reply) in replies {
            match reply {
                Ok(reply) => {
                    for (of, known) in &mut self.replies {
                        if *of == kind {
                            *known = Some(reply.clone());
                        }
                    }
                }
                Err(ServerError::Io(error)) if is_used_up(&error) => return Err(NoAddress::ours(&error)),
                Err(error) => {
                    self.errors.retain(|(of, _)| *of != server);
                    self.errors.push((server, error));
                }
            }
        }
        Ok(())
    }

    /// Whether no further server needs to be asked.
    pub(super) fn is_settled(&self) -> bool {
        let decides = |reply: &Reply| matches!(reply, Reply::Addresses(_) | Reply::NotFound);
        self.replies.iter().filter_map(|(_, reply)| reply.as_ref()).any(decides)
            || self.replies.iter().all(|(_, reply)| reply.is_some())
    }

    pub(super) fn conclude(self) -> Result<LookupResult, NoAddress> {
        let replies: Vec<&Reply> = self.replies.iter().filter_map(|(_, reply)| reply.as_ref()).collect();
        let of_kind = |kind| self.replies.iter().find(|(of, _)| *of == kind).and_then(|(_, reply)| reply.as_ref());
        let addresses = |kind| match of_kind(kind) {
            Some(Reply::Addresses(addresses)) => addresses.clone(),
            _ => Vec::new(),
        };
        let found = interleave(addresses(RecordType::AAAA), addresses(RecordType::A));
        if !found.is_empty() {
            return Ok(LookupResult::Addresses(found));
        }
        if replies.contains(&&Reply::NotFound) {
            return Err(NoAddress::new(FailureClass::DnsNotFound, "NXDOMAIN"));
        }
        if replies.contains(&&Reply::AliasLoop) {
            return Err(NoAddress::new(FailureClass::DnsServerFailure, "CNAME loop"));
        }
        if replies.len() < self.replies.len() {
            return Err(unanswered(&self.errors));
        }
        let alias = replies.into_iter().find_map(|reply| match reply {
            Reply::Alias(next) => Some(next.clone()),
            _ => None,
        });
        Ok(alias.map_or(LookupResult::NoData, LookupResult::Alias))
    }
}

/// Whether an error means that this host has no resources left. A missing IPv6 or route to one
/// server does not count: the next server may be reachable.
pub(super) fn is_used_up(error: &io::Error) -> bool {
    os_error::ours(error).is_some_and(|class| class != FailureClass::ProberPortsExhausted)
}

/// The failure if no server gave a usable answer: what each of them did.
fn unanswered(errors: &[(SocketAddr, ServerError)]) -> NoAddress {
    let without_route = |(server, error): &(SocketAddr, ServerError)| match error {
        ServerError::Io(error) if own_route::may_be_missing(error) => own_route::missing(*server),
        _ => None,
    };
    let own: Option<Vec<MessageText>> = errors.iter().map(without_route).collect();
    if let Some(first) = own.and_then(|own| own.into_iter().next()) {
        return NoAddress::new(
            FailureClass::ProberNoRoute,
            MessageText::from("no name server can be asked: ").then(first),
        );
    }
    let is_silent = |(_, error): &(SocketAddr, ServerError)| matches!(error, ServerError::Silent);
    let class = if errors.iter().all(is_silent) { FailureClass::DnsTimeout } else { FailureClass::DnsServerFailure };
    let told: Vec<String> =
        errors.iter().map(|(server, error)| format!("{} {}", server_text(*server), error.text())).collect();
    NoAddress::new(class, told.join(", "))
}

/// A server as in `resolv.conf`, with its port if that is not 53.
fn server_text(server: SocketAddr) -> String {
    if server.port() == 53 { server.ip().to_string() } else { server.to_string() }
}

/// Addresses of both families in turn, IPv6 first.
pub(super) fn interleave(v6: Vec<IpAddr>, v4: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut addresses = Vec::with_capacity(v6.len() + v4.len());
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    loop {
        let pair = (v6.next(), v4.next());
        if pair == (None, None) {
            return addresses;
        }
        addresses.extend([pair.0, pair.1].into_iter().flatten());
    }
}
