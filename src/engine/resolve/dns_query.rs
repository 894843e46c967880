//! A DNS question as sent, and which message answers it. Reading the answer is up to the caller: the resolver
//! needs addresses, a check of a name server needs everything.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

/// The most aliases followed within one answer.
pub(crate) const ALIASES: usize = 32;

/// A question to a server, with a random ID.
#[derive(Clone, Debug)]
pub(crate) struct DnsQuery {
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
    pub(crate) id: u16,
    bytes: Vec<u8>,
}

/// The header and the question section of an answer.
pub(crate) struct DnsReplyHead<'m> {
    pub(crate) header: Header,
    /// Whether it repeats the question. Some servers do not when they refuse.
    pub(crate) has_question: bool,
    /// The rest of the message, from the answer section.
    pub(crate) rest: BinDecoder<'m>,
}

impl DnsQuery {
    /// A question for the records of a name, with an OPT record (RFC 6891) if `payload`, in bytes, is given.
    ///
    /// # Errors
    /// The name cannot be encoded.
    pub(crate) fn new(name: Name, kind: RecordType, payload: Option<u16>) -> Result<DnsQuery, ProtoError> {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(name.clone(), kind));
        if let Some(payload) = payload {
            let mut opt = Edns::new();
            opt.set_max_payload(payload);
            message.set_edns(opt);
        }
        let bytes = message.to_vec()?;
        Ok(DnsQuery { name, kind, id: message.metadata.id, bytes })
    }

    /// The message to send.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message to send over TCP, with its length first.
    pub(crate) fn framed(&self) -> Vec<u8> {
        let length = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes()[..], &self.bytes].concat()
    }

    /// The beginning of the answer to this question; none if the message answers a different question or none,
    /// so that it must be ignored.
    pub(crate) fn answered_by<'m>(&self, message: &'m [u8]) -> Option<DnsReplyHead<'m>> {
        let mut rest = BinDecoder::new(message);
        let header = Header::read(&mut rest).ok()?;
        let is_reply = header.message_type == MessageType::Response && header.op_code == OpCode::Query;
        if !is_reply || header.id != self.id {
            return None;
        }
        let has_question = header.counts.queries > 0;
        if has_question && (header.counts.queries != 1 || !self.is_asked_by(&Query::read(&mut rest).ok()?)) {
            return None;
        }
        Some(DnsReplyHead { header, has_question, rest })
    }

    fn is_asked_by(&self, query: &Query) -> bool {
        query.query_type() == self.kind && query.query_class() == DNSClass::IN && *query.name() == self.name
    }
}
