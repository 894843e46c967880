//! What the refusal of an object store means, in our own words if it is a common one.

use std::error::Error;

use object_store::client::{HttpError, HttpErrorKind};

/// The message for a store without conditional writes, which keep two writers apart.
const NO_CONDITIONAL_PUT: &str =
    "the store does not support conditional puts (create only where nothing exists), which keep writers apart";
const NO_BUCKET: &str = "no such bucket";
pub(super) const NO_STORE: &str =
    "what answers is no object store: it has an answer for an object that does not exist; check the endpoint";
pub(super) const DENIED: &str = "permission denied";
const WRONG_CREDENTIALS: &str = "the credentials are missing or wrong";
const OVERLOADED: &str = "the store is overloaded, and limits how much is requested of it";
/// Error codes that say more than the client's kinds of errors, or of requests for which it has none, such as lists.
const CODES: &[(&str, &str)] = &[
    ("NoSuchBucket", NO_BUCKET),
    ("ContainerNotFound", NO_BUCKET),
    ("ContainerBeingDeleted", NO_BUCKET),
    ("InvalidAccessKeyId", WRONG_CREDENTIALS),
    ("SignatureDoesNotMatch", WRONG_CREDENTIALS),
    ("AuthenticationFailed", WRONG_CREDENTIALS),
    ("InvalidToken", WRONG_CREDENTIALS),
    ("ExpiredToken", "the credentials have expired"),
    ("RequestTimeTooSkewed", "this host's clock differs from the store's by too much"),
    ("SlowDown", OVERLOADED),
    ("ServerBusy", OVERLOADED),
    ("AccessDenied", DENIED),
    ("AuthorizationFailure", DENIED),
    ("AuthorizationPermissionMismatch", DENIED),
    ("NotImplemented", NO_CONDITIONAL_PUT),
];

/// What a refusal means, in our own words if it is a common one.
pub(super) fn reason(refused: &object_store::Error) -> String {
    let said = refused.to_string();
    if let Some((_, meaning)) = CODES.iter().find(|(code, _)| said.contains(&format!("<Code>{code}<"))) {
        return (*meaning).to_owned();
    }
    match refused {
        object_store::Error::NotFound { .. } => "no such bucket or object".to_owned(),
        object_store::Error::PermissionDenied { .. } => DENIED.to_owned(),
        object_store::Error::Unauthenticated { .. } => WRONG_CREDENTIALS.to_owned(),
        object_store::Error::NotImplemented { .. } => NO_CONDITIONAL_PUT.to_owned(),
        other => unreached(other).map_or(said, |why| format!("the store cannot be reached: {why}")),
    }
}

/// Why a request was not answered at all, in the words of the system.
pub(super) fn unreached(refused: &object_store::Error) -> Option<String> {
    let (mut error, mut is_of_connection): (&(dyn Error + 'static), bool) = (refused, false);
    while let Some(source) = error.source() {
        let kind = source.downcast_ref::<HttpError>().map(HttpError::kind);
        is_of_connection |=
            matches!(kind, Some(HttpErrorKind::Connect | HttpErrorKind::Request | HttpErrorKind::Timeout));
        error = source;
    }
    is_of_connection.then(|| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_says_counts_for_more_than_the_status_that_it_says_it_with() {
        let denied = |said: &str| {
            let source = format!("403 Forbidden: <Error><Code>{said}</Code></Error>").into();
            reason(&object_store::Error::PermissionDenied { path: "AccessDenied/SlowDown".to_owned(), source })
        };
        assert_eq!(denied("AccessDenied"), DENIED);
        assert_eq!(denied("Whatever"), DENIED);
        assert_eq!(denied("InvalidAccessKeyId"), WRONG_CREDENTIALS);
        assert!(denied("RequestTimeTooSkewed").contains("clock"));
        let source = "503 Service Unavailable: <Error><Code>SlowDown</Code></Error>".into();
        assert_eq!(reason(&object_store::Error::Generic { store: "S3", source }), OVERLOADED);
    }
}
