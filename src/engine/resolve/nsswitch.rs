//! `nsswitch.conf`: the sources of host names that the C library would ask and this resolver does
//! not. They are told of where a name is not found.

/// The sources that are not asked, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NotAsked {
    sources: Vec<String>,
}

/// The most sources kept.
const SOURCES: usize = 8;

impl NotAsked {
    /// Reads the line `hosts:` of a file.
    pub(super) fn parse(text: &str) -> NotAsked {
        let line = text.lines().find_map(|line| {
            let line = line.split('#').next().unwrap_or_default();
            line.trim_start().strip_prefix("hosts:")
        });
        let mut sources = Vec::new();
        let mut in_action = false;
        for word in line.unwrap_or_default().split_ascii_whitespace() {
            // `[NOTFOUND=return]` is an action, also where it is written in several words.
            let is_action = in_action || word.starts_with('[');
            in_action = is_action && !word.ends_with(']');
            if !is_action && !matches!(word, "files" | "dns") && sources.len() < SOURCES {
                sources.push(word.to_owned());
            }
        }
        NotAsked { sources }
    }

    /// What to say where a name was not found; none where nothing was left out. systemd-resolved
    /// behind `resolve` answers at its stub address as well.
    pub(super) fn note(&self, name: &str, asks_stub: bool) -> Option<String> {
        let left_out: Vec<&str> =
            self.sources.iter().map(String::as_str).filter(|source| !(asks_stub && *source == "resolve")).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_that_are_not_asked_are_named() {
        let text = "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL = return] dns myhostname # x\n";
        let note = NotAsked::parse(text);
        assert_eq!(note.sources, ["mdns4_minimal", "resolve", "myhostname"]);
        let said = note.note("nas", true).expect("a note");
        assert_eq!(said, "not asked: mdns4_minimal, myhostname of nsswitch.conf");
        assert!(note.note("nas", false).is_some_and(|said| said.contains("resolve")));
    }

    #[test]
    fn nothing_is_said_where_nothing_is_left_out() {
        for text in ["", "hosts: files dns", "hosts: dns [!UNAVAIL=return] files", "#hosts: files wins"] {
            assert_eq!(NotAsked::parse(text).note("nas.test", false), None, "{text}");
        }
        assert!(NotAsked::default().note("Printer.Local.", false).is_some_and(|said| said.contains("mDNS")));
        assert_eq!(NotAsked::default().note("local", false), None);
        assert_eq!(NotAsked::default().note("notlocal.test", false), None);
    }
}
