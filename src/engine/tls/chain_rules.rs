//! What the verifier does not look at in the certificates of a chain, or cannot judge, and browsers and curl do.

use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension};
use x509_parser::prelude::{AttributeTypeAndValue, RelativeDistinguishedName, X509Certificate, X509Name};

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

/// The first certificate below an issuer whose subject the issuer's name constraints for directory names do not allow
/// (RFC 5280 section 4.2.1.10). One without a subject is always allowed, and so is an authority that issued itself.
pub(super) fn violated_directory<'c, 'd>(
    issuer: &X509Certificate<'_>,
    below: &'c [X509Certificate<'d>],
) -> Option<&'c X509Certificate<'d>> {
    let constraints = issuer.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::NameConstraints(constraints) => Some(constraints),
        _ => None,
    })?;
    let directories = |subtrees: &Option<Vec<GeneralSubtree<'_>>>| -> Vec<NameParts> {
        subtrees.iter().flatten().filter_map(directory).collect()
    };
    let permitted = directories(&constraints.permitted_subtrees);
    let excluded = directories(&constraints.excluded_subtrees);
    below.iter().enumerate().find_map(|(place, certificate)| {
        let subject = name_parts(certificate.subject());
        let is_exempt = subject.is_empty() || place > 0 && subject == name_parts(certificate.issuer());
        let is_in = |bases: &[NameParts]| bases.iter().any(|base| subject.starts_with(base));
        let is_violated = is_in(&excluded) || !permitted.is_empty() && !is_in(&permitted);
        (!is_exempt && is_violated).then_some(certificate)
    })
}

/// The parts of a directory name, each with the types and the values of its attributes, as they are compared.
type NameParts = Vec<Vec<(String, String)>>;

fn directory(subtree: &GeneralSubtree<'_>) -> Option<NameParts> {
    match &subtree.base {
        GeneralName::DirectoryName(name) => Some(name_parts(name)),
        _ => None,
    }
}

fn name_parts(name: &X509Name<'_>) -> NameParts {
    let part = |part: &RelativeDistinguishedName<'_>| {
        let attribute = |attribute: &AttributeTypeAndValue<'_>| {
            let value = attribute.as_str().map_or_else(|_| format!("{:?}", attribute.as_slice()), comparable);
            (attribute.attr_type().to_id_string(), value)
        };
        let mut attributes: Vec<_> = part.iter().map(attribute).collect();
        attributes.sort();
        attributes
    };
    name.iter().map(part).collect()
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
    one.as_raw() != other.as_raw() && comparable(&one.to_string()) == comparable(&other.to_string())
}

/// A text without the differences that a comparison of names ignores.
fn comparable(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
