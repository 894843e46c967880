//! The proxy of a curl command: of its options, or of the variables that its script sets.

use crate::import::curl::transfer::Transfer;
use crate::import::draft::ProbeDraft;
use crate::import::request::proxy_without_secrets;
use crate::import::secrets::Secrets;
use crate::model::DirectTarget;

impl Transfer {
    pub(super) fn set_proxy(&self, draft: &mut ProbeDraft, secrets: &mut Secrets, url: &str) {
        let socks = [("socks5-hostname", "socks5h"), ("socks5", "socks5")];
        let socks = socks.iter().find_map(|(long, scheme)| Some(format!("{scheme}://{}", self.last(long)?)));
        let proxy = self.last("proxy").or_else(|| self.last("proxy1.0")).map(str::to_owned).or(socks);
        let proxy = proxy.or_else(|| self.variable(of_scheme(url)).map(str::to_owned));
        if let Some(proxy) = proxy.filter(|proxy| !proxy.is_empty() && !self.is_direct(url)) {
            let proxy =
                if proxy.contains("://") || proxy.starts_with("${") { proxy } else { format!("http://{proxy}") };
            let owner = draft.name.clone();
            let proxy = proxy_without_secrets(secrets, &owner, &proxy, self.last("proxy-user"));
            draft.set_text("proxy", &proxy);
        }
    }

    /// The value of the first of these variables that the script sets.
    fn variable(&self, names: &[&str]) -> Option<&str> {
        let set = names.iter().find_map(|name| self.environment.iter().find(|(known, _)| known == name));
        set.map(|(_, value)| value.as_str())
    }

    /// Whether `--noproxy`, or the variable in its place, lists the host of a URL.
    fn is_direct(&self, url: &str) -> bool {
        let list = self.last("noproxy").or_else(|| self.variable(&["no_proxy", "NO_PROXY"]));
        let (Some(list), Ok(url)) = (list, url::Url::parse(url)) else { return false };
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return false };
        DirectTarget::list(list).iter().any(|direct| direct.holds(&host.to_owned(), port))
    }
}

/// The variables with the proxy for a URL, the first that is set before the others.
fn of_scheme(url: &str) -> &'static [&'static str] {
    match url.split("://").next() {
        Some("https" | "wss") => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => &["http_proxy", "all_proxy", "ALL_PROXY"],
    }
}
