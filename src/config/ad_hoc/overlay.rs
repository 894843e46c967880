//! An overlay: the options of a command line as tables, which are laid over those of the probe file before they are
//! read.

use url::{Host, Url};

use crate::config::probe::body;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Span, Table, TableEntry};
use crate::model::message;

pub(crate) struct Overlay {
    /// Keys of the file as a whole: `settings.concurrency`.
    pub(crate) root: Table,
    /// Keys of the selected probes.
    pub(crate) probe: Table,
    /// Addresses for some hosts and ports.
    pub(crate) routes: Vec<Route>,
    /// The probes of the file that it applies to; absent: all of them.
    pub(crate) names: Option<Vec<String>>,
}

/// `--resolve HOST:PORT:ADDRESS`: where to connect for one host and port.
pub(crate) struct Route {
    pub(crate) span: Span,
    /// The host; absent: any.
    pub(crate) host: Option<String>,
    /// The port; absent: any.
    pub(crate) port: Option<u16>,
    /// The address connected to, without its port.
    pub(crate) address: String,
    /// The port connected to; absent: that of the URL.
    pub(crate) address_port: Option<u16>,
}

/// Keys that exclude each other: the nearest one replaces the others.
const EXCLUSIVE: [&[&str]; 2] = [&body::KEYS, &["interval", "schedule"]];

/// Keys of a journey that belong into each of its steps.
const KEYS_OF_STEPS: [&str; 5] = ["headers", "auth", "redirects", "redirects-allow-downgrade", "body-limit"];

impl Overlay {
    pub(crate) fn nothing() -> Overlay {
        Overlay { root: Table::empty(), probe: Table::empty(), routes: Vec::new(), names: None }
    }

    /// A probe's table with the options laid over it.
    pub(crate) fn over(&self, probe: &Table) -> Table {
        let name = probe.get("name").map(|node| &node.item);
        let is_asked = match name {
            // The names of a matrix are made later.
            Some(Item::Text(name)) => self
                .names
                .as_ref()
                .is_none_or(|names| names.contains(name) || (name.contains('{') && !names.is_empty())),
            _ => true,
        };
        if !is_asked || (self.probe.entries.is_empty() && self.routes.is_empty()) {
            return probe.clone();
        }
        let mut laid = if probe.get("step").is_some() { self.over_journey(probe) } else { merge(probe, &self.probe) };
        if let Some((route, port)) = self.route(&laid) {
            let (address, span) = (&route.address, &route.span);
            let port = route.address_port.unwrap_or(port);
            laid = merge(&laid, &Table::of(span, "address", Item::Text(format!("{address}:{port}"))));
        }
        laid
    }

    /// Request options apply to every step, expectations to the last one.
    fn over_journey(&self, probe: &Table) -> Table {
        let (each, rest): (Vec<TableEntry>, Vec<TableEntry>) =
            self.probe.entries.iter().cloned().partition(|entry| KEYS_OF_STEPS.contains(&entry.key.as_str()));
        let (last, whole): (Vec<TableEntry>, Vec<TableEntry>) =
            rest.into_iter().partition(|entry| matches!(entry.key.as_str(), "expect" | "warn"));
        let table = |entries| Table { span: self.probe.span.clone(), entries };
        let (each, last) = (table(each), table(last));
        let mut laid = merge(probe, &table(whole));
        let steps = laid.entries.iter_mut().find(|entry| entry.key == "step");
        if let Some(TableEntry { node: Node { item: Item::List(steps), .. }, .. }) = steps {
            let count = steps.len();
            for (at, step) in steps.iter_mut().enumerate() {
                let Item::Table(table) = &mut step.item else { continue };
                *table = merge(table, &each);
                if at + 1 == count {
                    *table = merge(table, &last);
                }
            }
        }
        laid
    }

    /// The route of a probe's URL, with the port of the URL.
    fn route(&self, probe: &Table) -> Option<(&Route, u16)> {
        let Item::Text(url) = &probe.get("url")?.item else { return None };
        let url = Url::parse(url).ok()?;
        let port = url.port_or_known_default()?;
        let host = url.host_str()?;
        let is_of = |route: &&Route| {
            route.host.as_deref().is_none_or(|wanted| is_same_host(wanted, host))
                && route.port.is_none_or(|wanted| wanted == port)
        };
        self.routes.iter().find(is_of).map(|route| (route, port))
    }

    /// Reports routes that match no URL: curl ignores them, and a prober would check the wrong server.
    pub(crate) fn check_routes<'t>(
        &self,
        reader: &mut ConfigReader,
        probes: &(impl Iterator<Item = &'t Table> + Clone),
    ) {
        for route in &self.routes {
            let is_used =
                probes.clone().any(|probe| self.route(probe).is_some_and(|(used, _)| used.span == route.span));
            if !is_used {
                let host = route.host.as_deref().unwrap_or("*");
                let port = route.port.map_or_else(|| "any port".to_owned(), |port| format!("port {port}"));
                reader.problem(&route.span, message!("no target has the host {host} and {port}"));
            }
        }
    }
}

/// Whether a host as one writes it is that of a URL: in any case, an IPv6 address in any form, an international name.
fn is_same_host(wanted: &str, of_url: &str) -> bool {
    Host::parse(wanted).map_or_else(|_| wanted.eq_ignore_ascii_case(of_url), |wanted| wanted.to_string() == of_url)
}

/// A table with another laid over it, key by key.
pub(crate) fn merge(under: &Table, over: &Table) -> Table {
    merge_at(under, over, "")
}

fn merge_at(under: &Table, over: &Table, parent: &str) -> Table {
    let names_of_headers = matches!(parent, "headers" | "header");
    let same = |a: &str, b: &str| if names_of_headers { a.eq_ignore_ascii_case(b) } else { a == b };
    let mut merged = under.clone();
    for entry in &over.entries {
        if let Some(group) = EXCLUSIVE.iter().find(|group| parent.is_empty() && group.contains(&entry.key.as_str())) {
            merged.entries.retain(|other| other.key == entry.key || !group.contains(&other.key.as_str()));
        }
        // One kind of credentials replaces another.
        if parent == "auth" {
            merged.entries.retain(|other| other.key == entry.key);
        }
        match merged.entries.iter_mut().find(|other| same(&other.key, &entry.key)) {
            Some(other) => match (&other.node.item, &entry.node.item) {
                (Item::Table(under), Item::Table(over)) => {
                    other.node.item = Item::Table(merge_at(under, over, &entry.key));
                }
                _ => *other = entry.clone(),
            },
            None => merged.entries.push(entry.clone()),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::syntax::tree;

    fn merged(under: &str, over: &str) -> Vec<String> {
        let table = merge(&tree::parse(0, under).unwrap(), &tree::parse(0, over).unwrap());
        table.entries.iter().map(|entry| format!("{} {}", entry.key, entry.node.kind())).collect()
    }

    #[test]
    fn a_nearer_key_takes_the_place_of_those_that_it_excludes() {
        assert_eq!(merged("json = {}\ntimeout = '1s'", "body = 'x'"), ["timeout text", "body text"]);
        assert_eq!(merged("schedule = 'x'", "interval = '1s'"), ["interval text"]);
    }

    #[test]
    fn tables_are_laid_over_each_other_key_by_key_and_headers_whatever_their_case() {
        let under = tree::parse(0, "headers = { Accept = 'a', x = 'b' }\nauth.bearer = 'abcdef'").unwrap();
        let over = tree::parse(0, "headers = { accept = 'c' }\nauth.basic = { user = 'u', password = 'p' }").unwrap();
        let table = merge(&under, &over);
        let keys = |name: &str| -> Vec<String> {
            let table = table.get(name).and_then(Node::as_table).unwrap();
            table.entries.iter().map(|entry| entry.key.clone()).collect()
        };
        assert_eq!(keys("headers"), ["accept", "x"]);
        assert_eq!(keys("auth"), ["basic"]);
        let under = tree::parse(0, "auth.basic.user = 'u'").unwrap();
        let over = tree::parse(0, "auth.basic.password = 'p'").unwrap();
        let both = merge(&under, &over);
        let basic = both.find(&["auth", "basic"]).and_then(Node::as_table).unwrap();
        assert_eq!(basic.entries.len(), 2, "the parts of one kind belong together");
    }
}
