//! A question of DNS as it is sent, and which message is the answer to it. What the answer means is a matter of
//! whoever asks: the resolver wants addresses, a check of a name server everything.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

/// The most aliases followed within one answer.
pub(crate) const ALIASES: usize = 32;

/// A question to a server, under a random number.
#[derive(Clone, Debug)]
pub(crate) struct DnsQuery {
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
    pub(crate) id: u16,
    bytes: Vec<u8>,
}

/// The beginning of the answer to a question.
pub(crate) struct DnsReplyHead<'m> {
    pub(crate) header: Header,
    /// Whether it repeats the question. Some servers that refuse do not.
    pub(crate) has_question: bool,
    /// What follows: the answer section.
    pub(crate) rest: BinDecoder<'m>,
}

impl DnsQuery {
    /// A question for the records of a name, with an OPT record (RFC 6891) that offers a payload if one is given.
    ///
    /// # Errors
    /// A name that a message cannot carry.
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

    /// The message to send over TCP: its length stands before it.
    pub(crate) fn framed(&self) -> Vec<u8> {
        let length = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes()[..], &self.bytes].concat()
    }

    /// The beginning of the answer to this question; none if the message is the answer to none or to another,
    /// and is to be ignored.
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
