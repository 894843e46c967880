//! `nsswitch.conf`: the sources of host names in order, and those that the C library would ask but this resolver does
//! not, which a message names when a name is not found.

/// A source that this resolver supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The hosts file.
    Files,
    /// The name servers of `resolv.conf`.
    Dns,
}

/// The status of a source that gives no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// There is no such name, or it has no address.
    NotFound,
    /// It could not be asked.
    Unavailable,
}

/// A source in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SourceEntry {
    source: Source,
    /// The statuses after which no further source is asked.
    returns: Vec<Status>,
}

/// The sources of host names, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    entries: Vec<SourceEntry>,
    /// The unsupported sources, in the order of the file.
    left_out: Vec<String>,
}

/// The most sources kept.
const SOURCES: usize = 8;

/// systemd-resolved, which answers at its stub address as well.
const RESOLVE: &str = "resolve";

impl Default for Sources {
    /// The order without a `hosts:` line, as in musl and Go: glibc would ask DNS first, so the hosts file of a
    /// container without `nsswitch.conf` would not count.
    fn default() -> Sources {
        Sources::of("files dns")
    }
}

impl Sources {
    /// Parses the `hosts:` line of a file; the last one, if there are several.
    pub(super) fn parse(text: &str) -> Sources {
        let line = text.lines().rev().find_map(|line| {
            let line = line.split('#').next().unwrap_or_default();
            line.trim_start().strip_prefix("hosts:")
        });
        line.map_or_else(Sources::default, Sources::of)
    }

    fn of(line: &str) -> Sources {
        let (mut entries, mut left_out) = (Vec::new(), Vec::new());
        let names_dns = line.split_ascii_whitespace().any(|word| word == "dns");
        let mut rest = line.trim_start();
        // Whether the source before the current word is supported.
        let mut is_asked = false;
        while !rest.is_empty() {
            if let Some(actions) = rest.strip_prefix('[') {
                let (actions, after) = actions.split_once(']').unwrap_or((actions, ""));
                if let Some(entry) = entries.last_mut().filter(|_| is_asked) {
                    apply(actions, entry);
                }
                rest = after.trim_start();
                continue;
            }
            let end = rest.find(|character: char| character.is_ascii_whitespace() || character == '[');
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            let source = match word {
                "files" => Some(Source::Files),
                "dns" => Some(Source::Dns),
                // Without `dns` in the line, `resolve` stands for it.
                RESOLVE if !names_dns => Some(Source::Dns),
                _ => None,
            };
            is_asked = source.is_some() && entries.len() < SOURCES;
            match source {
                Some(source) if is_asked => entries.push(SourceEntry { source, returns: Vec::new() }),
                None if left_out.len() < SOURCES => left_out.push(word.to_owned()),
                _ => {}
            }
            rest = after.trim_start();
        }
        Sources { entries, left_out }
    }

    /// The sources in order, each with whether a status of it ends the lookup.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (Source, impl Fn(Status) -> bool)> {
        self.entries.iter().map(|entry| (entry.source, |status| entry.returns.contains(&status)))
    }

    /// The order, if it is not the usual one.
    pub(super) fn unusual_order(&self) -> Option<String> {
        let names = self.entries.iter().map(|entry| match entry.source {
            Source::Files => "files",
            Source::Dns => "dns",
        });
        let names: Vec<&str> = names.collect();
        (names != ["files", "dns"]).then(|| format!("sources {}", names.join(" ")))
    }

    /// The note for a name that was not found; none if no source was left out. systemd-resolved,
    /// which `resolve` means, also answers at its stub address.
    pub(super) fn note(&self, name: &str, asks_stub: bool) -> Option<String> {
        let left_out: Vec<&str> =
            self.left_out.iter().map(String::as_str).filter(|source| !(asks_stub && *source == RESOLVE)).collect();
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_local =
            name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("local")) && name.contains('.');
        match (left_out.as_slice(), is_local) {
            ([], false) => None,
            ([], true) => Some("not asked: mDNS, which knows most names in .local".to_owned()),
            (sources, false) => Some(format!("not asked: {} of nsswitch.conf", sources.join(", "))),
            (sources, true) => Some(format!(
                "not asked: mDNS, which knows most names in .local; {} of nsswitch.conf",
                sources.join(", ")
            )),
        }
    }
}

/// Applies actions such as `NOTFOUND=return` and `!UNAVAIL=return` in order. Servers that are silent or fail are
/// `UNAVAIL`, as in glibc.
fn apply(actions: &str, entry: &mut SourceEntry) {
    let words: Vec<&str> = actions.split_ascii_whitespace().collect();
    let actions = words.join(" ").to_ascii_lowercase().replace(" =", "=").replace("= ", "=");
    for (status, action) in actions.split_ascii_whitespace().filter_map(|action| action.split_once('=')) {
        let (is_other, status) = status.strip_prefix('!').map_or((false, status), |status| (true, status));
        for (name, of) in [("notfound", Status::NotFound), ("unavail", Status::Unavailable)] {
            if (status == name) == is_other {
                continue;
            }
            entry.returns.retain(|kept| *kept != of);
            if action == "return" {
                entry.returns.push(of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources in order, and the statuses that end the lookup.
    fn order(text: &str) -> String {
        let sources = Sources::parse(text);
        let entries = sources.in_order().map(|(source, returns)| {
            let not_found = if returns(Status::NotFound) { "!" } else { "" };
            let silent = if returns(Status::Unavailable) { "?" } else { "" };
            format!("{source:?}{not_found}{silent}")
        });
        entries.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sources_are_asked_in_the_order_of_the_file() {
        for (text, wanted) in [
            ("", "Files Dns"),
            ("passwd: files\n# hosts: dns\n", "Files Dns"),
            ("hosts: files dns\n", "Files Dns"),
            ("hosts:\tdns files\n", "Dns Files"),
            ("hosts: files dns myhostname\n", "Files Dns"),
            ("hosts: files", "Files"),
            ("hosts: files [NOTFOUND=return] dns", "Files! Dns"),
            ("hosts: dns [!UNAVAIL=return] files", "Dns! Files"),
            ("hosts: dns[ NOTFOUND = return ]files", "Dns! Files"),
            ("hosts: dns [NOTFOUND\t=  return] files", "Dns! Files"),
            ("hosts: dns [UNAVAIL=return TRYAGAIN=return] files", "Dns? Files"),
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns", "Files Dns"),
            ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", "Files Dns"),
            ("hosts: files resolve", "Files Dns"),
            ("hosts: dns\nhosts: files dns\n", "Files Dns"),
            ("hosts: files [SUCCESS=merge] dns", "Files Dns"),
            ("hosts: [", ""),
        ] {
            assert_eq!(order(text), wanted, "{text}");
        }
    }

    #[test]
    fn sources_that_are_not_asked_are_named() {
        let text = "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL = return] dns myhostname # x\n";
        let note = Sources::parse(text);
        assert_eq!(note.left_out, ["mdns4_minimal", "resolve", "myhostname"]);
        let said = note.note("nas", true).expect("a note");
        assert_eq!(said, "not asked: mdns4_minimal, myhostname of nsswitch.conf");
        assert!(note.note("nas", false).is_some_and(|said| said.contains("resolve")));
    }

    #[test]
    fn nothing_is_said_where_nothing_is_left_out() {
        for text in ["", "hosts: files dns", "hosts: dns [!UNAVAIL=return] files", "#hosts: files wins"] {
            assert_eq!(Sources::parse(text).note("nas.test", false), None, "{text}");
        }
        assert!(Sources::default().note("Printer.Local.", false).is_some_and(|said| said.contains("mDNS")));
        assert_eq!(Sources::default().note("local", false), None);
        assert_eq!(Sources::default().note("notlocal.test", false), None);
    }
}
