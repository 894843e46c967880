//! The names that one host may stand for, by the search list and `ndots`, as in glibc.

use super::resolv_conf::ResolvConf;

/// The names to try in order, without trailing dots: one list for both families. A name that ends
/// in a dot stands for itself only.
pub(super) fn candidates(host: &str, conf: &ResolvConf) -> Vec<String> {
    if let Some(absolute) = host.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let dots = host.matches('.').count();
    let as_it_is = host.to_owned();
    let mut names = Vec::with_capacity(conf.search.len() + 1);
    if dots >= conf.ndots {
        names.push(as_it_is.clone());
    }
    let searched =
        conf.search.iter().map(|domain| if domain.is_empty() { host.to_owned() } else { format!("{host}.{domain}") });
    names.extend(searched);
    if dots > 0 || !conf.no_tld_query || names.is_empty() {
        names.push(as_it_is);
    }
    let mut met = std::collections::HashSet::new();
    names.retain(|name| met.insert(name.to_ascii_lowercase()));
    names
}

#[cfg(test)]
mod tests {
    use super::super::resolv_conf::Surroundings;
    use super::*;

    fn of(host: &str, text: &str) -> Vec<String> {
        candidates(host, &ResolvConf::parse(text, &Surroundings::default(), |_| None))
    }

    #[test]
    fn a_name_with_enough_dots_is_asked_as_it_is_first() {
        assert_eq!(of("site.test", "search lan.test"), ["site.test", "site.test.lan.test"]);
        assert_eq!(of("site", "search a.test b.test"), ["site.a.test", "site.b.test", "site"]);
        let kubernetes = "search ns.svc.cluster.local svc.cluster.local\noptions ndots:5";
        assert_eq!(
            of("api.example.com", kubernetes),
            ["api.example.com.ns.svc.cluster.local", "api.example.com.svc.cluster.local", "api.example.com"]
        );
        assert_eq!(of("site", "options ndots:0\nsearch a.test"), ["site", "site.a.test"]);
    }

    #[test]
    fn a_dot_at_the_end_ends_the_search_before_it_begins() {
        assert_eq!(of("site.", "search a.test"), ["site"]);
    }

    #[test]
    fn the_root_in_the_search_list_is_the_name_as_it_is() {
        assert_eq!(of("site", "search ."), ["site"]);
        assert_eq!(of("site", "search . a.test"), ["site", "site.a.test"]);
    }

    #[test]
    fn a_top_level_name_is_left_alone_where_that_is_asked_for() {
        assert_eq!(of("site", "search a.test\noptions no-tld-query"), ["site.a.test"]);
        assert_eq!(of("a.b", "search a.test\noptions no-tld-query ndots:2"), ["a.b.a.test", "a.b"]);
        assert_eq!(of("site", "options no-tld-query"), ["site"]);
    }
}
