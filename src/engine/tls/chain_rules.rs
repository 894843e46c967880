//! What the verifier does not look at in the certificates of a chain, or cannot judge, and browsers and curl do.

use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension};
use x509_parser::prelude::{X509Certificate, X509Name};

/// Whether a certificate may be the issuer of others, as far as its key usage says (RFC 5280 section 4.2.1.3).
pub(super) fn may_issue(certificate: &X509Certificate<'_>) -> bool {
    !matches!(certificate.key_usage(), Ok(Some(usage)) if !usage.value.key_cert_sign())
}

/// Whether a certificate may be that of a TLS server, as far as its key usage says.
pub(super) fn may_serve(certificate: &X509Certificate<'_>) -> bool {
    let Ok(Some(usage)) = certificate.key_usage() else { return true };
    let usage = usage.value;
    usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
}

/// The kind of a name constraint that the verifier cannot judge and fails for any name; none if there is no such
/// constraint.
pub(super) fn unjudged_constraint(certificate: &X509Certificate<'_>) -> Option<&'static str> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::NameConstraints(constraints) => {
            let subtrees = constraints.permitted_subtrees.iter().chain(&constraints.excluded_subtrees);
            subtrees.flatten().find_map(unjudged)
        }
        _ => None,
    })
}

fn unjudged(subtree: &GeneralSubtree<'_>) -> Option<&'static str> {
    match subtree.base {
        GeneralName::DirectoryName(_) => Some("directory names"),
        GeneralName::URI(_) => Some("URIs"),
        _ => None,
    }
}

/// Whether two names differ in nothing but their letter case, their blanks and the type of their strings, which a
/// comparison ignores (RFC 5280 section 7.1). The verifier compares bytes.
pub(super) fn differ_in_encoding(one: &X509Name<'_>, other: &X509Name<'_>) -> bool {
    one.as_raw() != other.as_raw() && text(one) == text(other)
}

fn text(name: &X509Name<'_>) -> String {
    name.to_string().to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
