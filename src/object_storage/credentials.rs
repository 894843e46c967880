//! Whether the environment has credentials for a store, which is known before any request.

use std::path::Path;

/// Why the environment does not allow a store to be used: it has no credentials, and does not permit those of the
/// machine. Otherwise the client would query the cloud's metadata service, which most machines do not have.
#[must_use]
pub fn lacks_credentials(url: &Path, environment: &[(String, String)]) -> Option<&'static str> {
    /// The variable that permits the machine's own identity.
    const IDENTITY: &str = "UPTICK_CLOUD_IDENTITY";
    const S3: &[&str] = &[
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SKIP_SIGNATURE",
    ];
    const GOOGLE: &[&str] = &[
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SKIP_SIGNATURE",
    ];
    const AZURE: &[&str] = &[
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_MASTER_KEY",
        "AZURE_STORAGE_KEY",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_STORAGE_TOKEN",
        "AZURE_USE_AZURE_CLI",
        "AZURE_SKIP_SIGNATURE",
    ];
    let place = url.to_string_lossy();
    let (known, why) = match place.split_once("://")?.0 {
        "s3" | "s3a" => (
            S3,
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or UPTICK_CLOUD_IDENTITY=1 to use those of this machine",
        ),
        "gs" => (
            GOOGLE,
            "no credentials: set GOOGLE_SERVICE_ACCOUNT, or UPTICK_CLOUD_IDENTITY=1 to use those of this machine",
        ),
        "az" | "azure" | "abfs" | "abfss" | "adl" => (
            AZURE,
            "no credentials: set AZURE_STORAGE_ACCOUNT_KEY, or UPTICK_CLOUD_IDENTITY=1 to use those of this machine",
        ),
        _ => return None,
    };
    let is_set =
        |name: &str| environment.iter().any(|(set, value)| set.eq_ignore_ascii_case(name) && !value.is_empty());
    let has_some = known.iter().any(|name| is_set(name)) || is_set(IDENTITY);
    (!has_some).then_some(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_without_credentials_is_known_before_anybody_is_asked() {
        let lacks = |url: &str, variables: &[(&str, &str)]| {
            let environment: Vec<(String, String)> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            lacks_credentials(Path::new(url), &environment)
        };
        for (url, variable) in [
            ("s3://bucket/prefix", "AWS_ACCESS_KEY_ID"),
            ("s3a://bucket", "AWS_WEB_IDENTITY_TOKEN_FILE"),
            ("gs://bucket", "GOOGLE_APPLICATION_CREDENTIALS"),
            ("az://container", "AZURE_STORAGE_SAS_TOKEN"),
        ] {
            let why = lacks(url, &[("PATH", "/bin"), (variable, "")]).expect("no credentials");
            assert!(why.starts_with("no credentials: set ") && why.contains("UPTICK_CLOUD_IDENTITY=1"), "{why}");
            assert_eq!(lacks(url, &[(variable, "x")]), None, "{url}");
            assert_eq!(lacks(url, &[("UPTICK_CLOUD_IDENTITY", "1")]), None, "{url}");
        }
        assert_eq!(lacks("file:///tmp/x", &[]), None);
        assert_eq!(lacks("uptick-journal", &[]), None);
    }
}
