//! One DNS query, as a `dns://` URL describes it (RFC 4501), and what must hold of its answer.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{SafeText, Value};

/// The type of a record, by its number (RFC 1035 section 3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordType(pub u16);

/// The record types that have a name here.
const TYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("RP", 17),
    ("AAAA", 28),
    ("LOC", 29),
    ("SRV", 33),
    ("NAPTR", 35),
    ("CERT", 37),
    ("DNAME", 39),
    ("DS", 43),
    ("SSHFP", 44),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("NSEC3PARAM", 51),
    ("TLSA", 52),
    ("SMIMEA", 53),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("OPENPGPKEY", 61),
    ("CSYNC", 62),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("ANY", 255),
    ("URI", 256),
    ("CAA", 257),
];

impl RecordType {
    /// An IPv4 address: the type that is queried if a URL names none.
    pub const A: RecordType = RecordType(1);
    /// An alias.
    pub const CNAME: RecordType = RecordType(5);
    /// Every type.
    pub const ANY: RecordType = RecordType(255);

    /// The type by its name, or as `TYPE64` (RFC 3597), in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<RecordType> {
        let text = text.to_ascii_uppercase();
        let known = TYPES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
        known.or_else(|| text.strip_prefix("TYPE")?.parse().ok().filter(|number| *number > 0)).map(RecordType)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.pad(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// One DNS query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DnsQuestion {
    /// The queried name, without its trailing dot; empty for the root.
    pub name: String,
    pub kind: RecordType,
}

impl DnsQuestion {
    /// Reads the query from a `dns://` URL.
    ///
    /// # Errors
    /// What is wrong with it; the text continues "the URL".
    pub(crate) fn of_url(url: &Url) -> Result<DnsQuestion, String> {
        let path = url.path().strip_prefix('/').unwrap_or_default();
        // The root has no name, so a query for it must give a type.
        if path.is_empty() && url.query().is_none() || path.contains('/') {
            return Err("does not name what to ask for".to_owned());
        }
        let name = percent_decode_str(path).decode_utf8().map_err(|_| "asks for a name that is not UTF-8")?;
        let ascii = match url::Host::parse(&name) {
            // Internationalised names are queried in their ASCII form.
            Ok(url::Host::Domain(ascii)) => ascii,
            _ => name.into_owned(),
        };
        let name = ascii.strip_suffix('.').unwrap_or(&ascii).to_owned();
        let is_root = name.is_empty();
        if !is_root && (name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63)) {
            return Err("asks for a name that DNS does not allow".to_owned());
        }
        let mut kind = RecordType::A;
        for (key, value) in url.query_pairs() {
            if !key.eq_ignore_ascii_case("type") {
                return Err(format!("has the parameter `{key}`, and dns:// takes `type` alone"));
            }
            kind =
                RecordType::parse(&value).ok_or_else(|| format!("asks for records of an unknown type, `{value}`"))?;
        }
        if url.fragment().is_some() {
            return Err("has a fragment, which a DNS question cannot have".to_owned());
        }
        Ok(DnsQuestion { name, kind })
    }
}

impl fmt::Display for DnsQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.name, self.kind)
    }
}

/// What a name server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DnsFacts {
    /// The code of the response: `NOERROR`, `NXDOMAIN`.
    pub rcode: String,
    /// Whether the server answers for the zone itself.
    pub authoritative: bool,
    /// How many records of the queried type are in the answer.
    pub records_total: u32,
    /// The data of the first 16 of them, as in a zone file.
    pub records: Vec<SafeText>,
    /// The lowest TTL among them, in seconds; null if there are none.
    pub ttl_seconds: Option<u32>,
    /// How many records each section holds; absent if the message cannot be read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sections: Option<DnsSections>,
    /// The serial number of the zone; absent unless a SOA record was queried and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<u32>,
}

/// How many records the sections of an answer hold, whatever their types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DnsSections {
    /// The answer itself, with the aliases on the way.
    pub answer: u32,
    /// The servers of the zone, or its SOA record if there is no answer.
    pub authority: u32,
    /// What helps to use the others, such as addresses; without the OPT record.
    pub additional: u32,
}

/// What must hold of the answer to a DNS query.
#[derive(Clone, Debug, Default)]
pub struct DnsExpect {
    /// Each of these texts occurs in the data of some record.
    pub contains: Vec<Value>,
    /// The data of the records are these and no others, in any order.
    pub equals: Vec<Value>,
    /// Number of records in the answer.
    pub count: Option<u64>,
    /// Minimum number of records in the answer.
    pub min_count: Option<u64>,
    /// The response code is one of these; if there are none, `NOERROR` with at least one record.
    pub rcode: Vec<&'static str>,
    /// Every record may be cached for at least this long.
    pub min_ttl: Option<Duration>,
    /// Every record may be cached for at most this long.
    pub max_ttl: Option<Duration>,
    /// Whether the server answers for the zone itself.
    pub authoritative: Option<bool>,
}

impl DnsExpect {
    /// The response codes that a probe file may name, with their numbers (RFC 1035, 2136).
    pub(crate) const CODES: &[(&str, u16)] = &[
        ("NOERROR", 0),
        ("FORMERR", 1),
        ("SERVFAIL", 2),
        ("NXDOMAIN", 3),
        ("NOTIMP", 4),
        ("REFUSED", 5),
        ("YXDOMAIN", 6),
        ("NOTAUTH", 9),
        ("NOTZONE", 10),
    ];

    /// Whether any expectation is about the records themselves.
    #[must_use]
    pub(crate) fn is_of_records(&self) -> bool {
        !self.contains.is_empty() || !self.equals.is_empty() || self.count.is_some() || self.min_count.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(url: &str) -> Result<String, String> {
        DnsQuestion::of_url(&Url::parse(url).expect("a URL")).map(|question| question.to_string())
    }

    #[test]
    fn a_url_is_a_question() {
        assert_eq!(question("dns:///example.com"), Ok("example.com. A".to_owned()));
        assert_eq!(question("dns://192.0.2.1:5353/example.com.?type=mx"), Ok("example.com. MX".to_owned()));
        assert_eq!(question("dns:///_dmarc.example.com?type=TXT"), Ok("_dmarc.example.com. TXT".to_owned()));
        assert_eq!(question("dns:///b%C3%BCcher.test?type=TYPE65"), Ok("xn--bcher-kva.test. HTTPS".to_owned()));
        assert_eq!(question("dns:///?type=NS"), Ok(". NS".to_owned()));
    }

    #[test]
    fn what_is_no_question_is_told() {
        for (url, told) in [
            ("dns:///", "does not name"),
            ("dns:///a/b", "does not name"),
            ("dns:///a..b", "DNS does not allow"),
            ("dns:///a?class=CH", "`class`"),
            ("dns:///a?type=XYZ", "`XYZ`"),
            ("dns:///a#b", "fragment"),
        ] {
            assert!(question(url).expect_err(url).contains(told), "{url}");
        }
    }
}
