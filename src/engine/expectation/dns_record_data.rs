//! The data of a DNS record as text, as in a zone file and in the output of `dig`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::svcb::{SvcParamKey, SvcParamValue};

use crate::model::text::hexadecimal;

/// The DNSSEC record types whose data is written field by field.
const DS: u16 = 43;
const DNSKEY: u16 = 48;
const CDS: u16 = 59;
const CDNSKEY: u16 = 60;

/// The data of a record. An unknown type is written as in RFC 3597: `\# LENGTH HEXADECIMAL`.
pub(super) fn text(data: &RData) -> String {
    match data {
        RData::SVCB(service) => service_text(service),
        RData::HTTPS(service) => service_text(&service.0),
        RData::Unknown { code, rdata } => {
            let bytes = rdata.anything.as_slice();
            let generic = || format!("\\# {} {}", bytes.len(), hexadecimal(bytes));
            dnssec_text(u16::from(*code), bytes).unwrap_or_else(generic)
        }
        RData::Update0(_) => "\\# 0".to_owned(),
        data => data.to_string(),
    }
}

/// An SVCB or HTTPS record, with its parameters as in RFC 9460.
fn service_text(service: &SVCB) -> String {
    let mut text = format!("{} {}", service.svc_priority, service.target_name);
    for (key, value) in &service.svc_params {
        let key = key_text(*key);
        match value_text(value) {
            Some(value) => text.push_str(&format!(" {key}={value}")),
            None => text.push_str(&format!(" {key}")),
        }
    }
    text
}

fn key_text(key: SvcParamKey) -> String {
    match key {
        SvcParamKey::Unknown(number) => format!("key{number}"),
        key => key.to_string(),
    }
}

fn value_text(value: &SvcParamValue) -> Option<String> {
    Some(match value {
        SvcParamValue::Mandatory(keys) => joined(keys.0.iter().copied().map(key_text)),
        SvcParamValue::Alpn(protocols) => format!("\"{}\"", protocols.0.join(",")),
        SvcParamValue::NoDefaultAlpn => return None,
        SvcParamValue::Port(port) => port.to_string(),
        SvcParamValue::Ipv4Hint(hint) => joined(hint.0.iter().map(|address| address.0.to_string())),
        SvcParamValue::Ipv6Hint(hint) => joined(hint.0.iter().map(|address| address.0.to_string())),
        SvcParamValue::EchConfigList(list) => STANDARD.encode(&list.0),
        SvcParamValue::Unknown(bytes) if bytes.0.is_empty() => return None,
        SvcParamValue::Unknown(bytes) => format!("\"{}\"", String::from_utf8_lossy(&bytes.0)),
    })
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

/// A DNSSEC key or its digest (RFC 4034 sections 2.2 and 5.3); none for other types, or if the data is too short.
fn dnssec_text(kind: u16, bytes: &[u8]) -> Option<String> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let first = u16::from_be_bytes([head[0], head[1]]);
    let rest = match kind {
        DS | CDS => hexadecimal(rest),
        DNSKEY | CDNSKEY => STANDARD.encode(rest),
        _ => return None,
    };
    Some(format!("{first} {} {} {rest}", head[2], head[3]))
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Record;
    use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};

    use super::*;

    fn read(kind: u16, bytes: &[u8]) -> String {
        let length = u16::try_from(bytes.len()).expect("a short record").to_be_bytes();
        let record = [&[0], &kind.to_be_bytes()[..], &[0, 1, 0, 0, 0, 0], &length, bytes].concat();
        text(&Record::read(&mut BinDecoder::new(&record)).expect("a record").data)
    }

    #[test]
    fn a_service_is_written_as_in_a_zone_file() {
        let service =
            b"\0\x01\0\0\x01\0\x06\x02h3\x02h2\0\x02\0\0\0\x03\0\x02\x20\xfb\0\x04\0\x08\x7f\0\0\x01\x7f\0\0\x02";
        let written = "1 . alpn=\"h3,h2\" no-default-alpn port=8443 ipv4hint=127.0.0.1,127.0.0.2";
        assert_eq!(read(65, service), written);
        assert_eq!(read(64, b"\0\0\x03svc\x04test\0"), "0 svc.test.");
    }

    #[test]
    fn what_dnssec_has_is_written_by_its_fields() {
        assert_eq!(read(DS, &[0x30, 0x39, 13, 2, 0xab, 0xcd]), "12345 13 2 abcd");
        assert_eq!(read(CDS, &[0, 0, 0, 0, 0]), "0 0 0 00");
        assert_eq!(read(DNSKEY, &[1, 1, 3, 13, 1, 2, 3]), "257 3 13 AQID");
    }

    #[test]
    fn a_type_that_is_not_known_is_written_in_the_generic_form() {
        assert_eq!(read(65_280, &[0xde, 0xad]), "\\# 2 dead");
        assert_eq!(read(65_280, &[]), "\\# 0");
        assert_eq!(read(DS, &[1]), "\\# 1 01");
    }
}
