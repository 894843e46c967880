//! The environment variables that the program reads: the manual lists them, and `--version -v` those that are set.

/// Variables with one meaning.
pub(crate) struct EnvironmentVariables {
    /// A `*` at the end of a name stands for any ending.
    pub(crate) names: &'static [&'static str],
    pub(crate) meaning: &'static str,
    /// Whether they describe the terminal or the host, on which most of them are set.
    is_usual: bool,
}

impl EnvironmentVariables {
    const fn new(names: &'static [&'static str], meaning: &'static str) -> EnvironmentVariables {
        EnvironmentVariables { names, meaning, is_usual: false }
    }

    const fn usual(names: &'static [&'static str], meaning: &'static str) -> EnvironmentVariables {
        EnvironmentVariables { names, meaning, is_usual: true }
    }

    fn has(&self, variable: &str) -> bool {
        self.names.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => variable.starts_with(start),
            None => *name == variable,
        })
    }
}

/// Every variable that is read.
pub(crate) const VARIABLES: &[EnvironmentVariables] = &[
    EnvironmentVariables::new(&["UPTICK_CONFIG"], "The probe file, in place of --config."),
    EnvironmentVariables::new(&["UPTICK_JOURNAL"], "The journal, in place of --journal."),
    EnvironmentVariables::new(&["UPTICK_VANTAGE"], "The name of the vantage, in place of --vantage."),
    EnvironmentVariables::new(
        &["UPTICK_SHARD", "UPTICK_SHARDS"],
        "The part of the probes to ask, in place of --shard; how many parts there are, with the pod's ordinal.",
    ),
    EnvironmentVariables::new(
        &["JOB_COMPLETION_INDEX", "NOMAD_ALLOC_INDEX"],
        "The ordinal for UPTICK_SHARDS in a job of Kubernetes or Nomad.",
    ),
    EnvironmentVariables::new(&["UPTICK_ALLOW_EXEC"], "Whether alerts may run programs, in place of --allow-exec."),
    EnvironmentVariables::new(
        &["UPTICK_REMOTE_WRITE", "UPTICK_REMOTE_WRITE_HEADERS"],
        "Where to send by remote write, and with which headers.",
    ),
    EnvironmentVariables::new(&["OTEL_*"], "As OpenTelemetry defines them, for --otlp."),
    EnvironmentVariables::new(
        &["AWS_*", "GOOGLE_*", "AZURE_*", "UPTICK_CLOUD_IDENTITY"],
        "Credentials of a journal in object storage; whether to ask the machine's cloud for them.",
    ),
    EnvironmentVariables::new(&["SSL_CERT_FILE", "SSL_CERT_DIR"], "Root certificates in place of those of the system."),
    EnvironmentVariables::new(
        &["RES_OPTIONS", "LOCALDOMAIN"],
        "Options of the resolver and its search list, in place of those in /etc/resolv.conf.",
    ),
    EnvironmentVariables::new(
        &["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"],
        "The proxy of probes with `proxy = \"environment\"`, and of what is sent to receivers. Probes ignore HTTP_PROXY.",
    ),
    EnvironmentVariables::usual(
        &["NO_COLOR", "TERM", "COLUMNS", "LC_ALL", "LC_CTYPE", "LANG"],
        "No colour; what the terminal can show; its width; whether it shows more than ASCII.",
    ),
    EnvironmentVariables::usual(
        &["TZ"],
        "The time zone of times in text, unless --utc or --tz says otherwise. Records, JSON and CSV are always in UTC.",
    ),
    EnvironmentVariables::new(
        &["CI", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"],
        "No progress line; where --format github adds its summary, and what its annotations point into.",
    ),
    EnvironmentVariables::usual(
        &["STATE_DIRECTORY", "XDG_CACHE_HOME", "HOME"],
        "Where the journal of a service and copies of object storage are kept.",
    ),
];

/// The names of those that are set, but for the usual ones: values may be secret.
pub(crate) fn set<'v>(environment: &'v [(String, String)]) -> Vec<&'v str> {
    let ours = |name: &&str| VARIABLES.iter().any(|entry| !entry.is_usual && entry.has(name));
    let mut names: Vec<&'v str> = environment.iter().map(|(name, _)| name.as_str()).filter(ours).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_named_without_its_value() {
        let environment = ["OTEL_EXPORTER_OTLP_ENDPOINT", "HOME", "UPTICK_SHARD", "PATH", "https_proxy"]
            .map(|name| (name.to_owned(), "secret".to_owned()));
        assert_eq!(set(&environment), ["OTEL_EXPORTER_OTLP_ENDPOINT", "UPTICK_SHARD", "https_proxy"]);
    }
}
