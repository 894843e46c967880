//! The alerts of TLS by the names that the RFCs give them, and what a server says with each (RFC 8446 section 6.2).

use rustls::AlertDescription;

use crate::model::{MessageText, message};

/// An alert that a server ended the connection with, for a message.
pub(super) fn alert_words(alert: AlertDescription) -> MessageText {
    let (name, meaning) = match alert {
        AlertDescription::CloseNotify => ("close_notify", "it closes the connection"),
        AlertDescription::UnexpectedMessage => ("unexpected_message", "it expected another message"),
        AlertDescription::BadRecordMac => ("bad_record_mac", "it cannot decrypt what it received"),
        AlertDescription::DecryptionFailed => ("decryption_failed", "it cannot decrypt what it received"),
        AlertDescription::RecordOverflow => ("record_overflow", "it received a record that is too long"),
        AlertDescription::DecompressionFailure => ("decompression_failure", "it cannot decompress what it received"),
        AlertDescription::HandshakeFailure => ("handshake_failure", "it accepts none of the parameters offered"),
        AlertDescription::NoCertificate => ("no_certificate", "it has no certificate"),
        AlertDescription::BadCertificate => ("bad_certificate", "it takes a certificate for damaged"),
        AlertDescription::UnsupportedCertificate => ("unsupported_certificate", "it knows no such kind of certificate"),
        AlertDescription::CertificateRevoked => ("certificate_revoked", "the client's certificate is revoked there"),
        AlertDescription::CertificateExpired => {
            ("certificate_expired", "the client's certificate is not valid by its clock")
        }
        AlertDescription::CertificateUnknown => ("certificate_unknown", "it does not accept the client's certificate"),
        AlertDescription::IllegalParameter => ("illegal_parameter", "it takes a field of the handshake for wrong"),
        AlertDescription::UnknownCA => ("unknown_ca", "it does not trust the issuer of the client's certificate"),
        AlertDescription::AccessDenied => ("access_denied", "it does not let the client in"),
        AlertDescription::DecodeError => ("decode_error", "it cannot read a message of the handshake"),
        AlertDescription::DecryptError => ("decrypt_error", "it cannot verify a signature or a key of the handshake"),
        AlertDescription::ExportRestriction => ("export_restriction", "it may not use what is offered"),
        AlertDescription::ProtocolVersion => ("protocol_version", "it accepts no version that is offered"),
        AlertDescription::InsufficientSecurity => ("insufficient_security", "it requires stronger ciphers"),
        AlertDescription::InternalError => ("internal_error", "an error inside the server"),
        AlertDescription::InappropriateFallback => ("inappropriate_fallback", "it knows a newer version"),
        AlertDescription::UserCanceled => ("user_canceled", "it gave the handshake up"),
        AlertDescription::NoRenegotiation => ("no_renegotiation", "it accepts no second handshake"),
        AlertDescription::MissingExtension => ("missing_extension", "it requires an extension"),
        AlertDescription::UnsupportedExtension => ("unsupported_extension", "it did not offer an extension"),
        AlertDescription::CertificateUnobtainable => ("certificate_unobtainable", "it cannot fetch the certificate"),
        AlertDescription::UnrecognisedName => ("unrecognized_name", "it does not know the host"),
        AlertDescription::BadCertificateStatusResponse => {
            ("bad_certificate_status_response", "it takes an OCSP response for wrong")
        }
        AlertDescription::BadCertificateHashValue => ("bad_certificate_hash_value", "a certificate is another one"),
        AlertDescription::UnknownPSKIdentity => ("unknown_psk_identity", "it does not know the key"),
        AlertDescription::CertificateRequired => ("certificate_required", "it asks for a client certificate"),
        AlertDescription::NoApplicationProtocol => {
            ("no_application_protocol", "it accepts none of the protocols offered")
        }
        AlertDescription::EncryptedClientHelloRequired => ("ech_required", "it requires an encrypted ClientHello"),
        other => return message!("alert {}", u8::from(other)),
    };
    MessageText::from("alert ").then(name).then(" (").then(meaning).then(")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alert_is_told_by_the_name_of_the_rfc() {
        let words = (0..=255_u8).map(|code| alert_words(AlertDescription::from(code)).to_string());
        let named: Vec<String> = words.filter(|words| words.contains('(')).collect();
        assert_eq!(named.len(), 35, "{named:?}");
        for words in &named {
            let name = words.trim_start_matches("alert ").split(' ').next().unwrap_or_default();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{words}");
        }
        assert_eq!(alert_words(AlertDescription::from(200)).as_str(), "alert 200");
    }
}
