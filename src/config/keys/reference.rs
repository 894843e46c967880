//! Renders the key table as a page of documentation.

use std::fmt::Write as _;

use crate::config::keys::tables;
use crate::config::table_schema::{Key, TableSchema, ValueType};

/// The tables of the reference, in the order of reading.
const TABLES: &[(&TableSchema, &str)] = &[
    (&tables::ROOT, "The file"),
    (&tables::SETTINGS, "`[settings]`"),
    (&tables::PROBE, "`[[probe]]`, `[[control]]` and `[defaults]`"),
    (&tables::STEP, "`[[probe.step]]` and `[[session.NAME.step]]`"),
    (&tables::CAPTURE, "`capture.NAME`"),
    (&tables::EXPECT, "`expect`"),
    (&tables::HEADER, "`expect.header.NAME`"),
    (&tables::JSON, "`expect.json`"),
    (&tables::ANSWER, "`expect.answer`"),
    (&tables::TTL, "`expect.ttl`"),
    (&tables::ASSETS, "`expect.assets`"),
    (&tables::LATENCY, "`expect.latency`"),
    (&tables::WARN, "`warn`"),
    (&tables::AUTH, "`auth`"),
    (&tables::BASIC, "`auth.basic`"),
    (&tables::DIGEST, "`auth.digest`"),
    (&tables::AWS, "`auth.aws-sigv4`"),
    (&tables::OAUTH2, "`auth.oauth2`"),
    (&tables::FILE, "`file` and the files of `multipart`"),
    (&tables::RETRIES, "`retries`"),
    (&tables::TLS, "`tls`"),
    (&tables::MAINTENANCE, "`maintenance`"),
    (&tables::SESSION, "`[session.NAME]`"),
    (&tables::SURFACE, "`[surface.NAME]`"),
    (&tables::INCIDENT, "`[incident]`"),
    (&tables::NETWORK, "`[network]`"),
    (&tables::ALERT, "`[[alert]]`"),
];

/// The description of the table whose keys are those of another.
const WARN: &str = "The keys of `expect`, without their defaults. A rule that does not hold is a warning: the check is up, the exit status is 0 \
     (with `--format nagios`, 1), no error budget is spent, and alert receivers that subscribe to `warning` are notified.";

/// Every key as Markdown.
pub(crate) fn markdown() -> String {
    let mut page = String::new();
    for (table, title) in TABLES {
        if table.title == tables::WARN.title {
            let _ = write!(page, "### {title}\n\n{WARN}\n\n");
            continue;
        }
        let _ = write!(page, "### {title}\n\n| key | holds | default | meaning |\n|---|---|---|---|\n");
        for key in table.keys() {
            row(&mut page, key);
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len() + 1);
    page
}

fn row(page: &mut String, key: &Key) {
    let holds = match &key.value_type {
        ValueType::Table(table)
        | ValueType::List(ValueType::Table(table))
        | ValueType::Map(ValueType::Table(table)) => {
            format!("tables: see {}", table.title)
        }
        value_type => value_type.title(),
    };
    // A TOML literal is shown as code; prose is not.
    let is_literal =
        key.default.parse::<toml::Value>().is_ok() || key.default.starts_with('"') && key.default.ends_with('"');
    let default = if is_literal { format!("`{}`", key.default) } else { key.default.to_owned() };
    let _ = writeln!(page, "| `{}` | {} | {} | {} |", key.name, holds.replace('|', "\\|"), default, key.meaning);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every table that can be reached from the root.
    fn reachable(value_type: &'static ValueType, found: &mut Vec<&'static str>) {
        match value_type {
            ValueType::Table(table) if !found.contains(&table.title) => {
                found.push(table.title);
                table.keys().for_each(|key| reachable(&key.value_type, found));
            }
            ValueType::List(of) | ValueType::OneOrMore(of) | ValueType::Some(of) | ValueType::Map(of) => {
                reachable(of, found);
            }
            ValueType::Either(types) => types.iter().for_each(|value_type| reachable(value_type, found)),
            _ => {}
        }
    }

    #[test]
    fn every_table_of_the_file_is_in_the_reference() {
        let mut found = Vec::new();
        tables::ROOT.keys().for_each(|key| reachable(&key.value_type, &mut found));
        let page = markdown();
        for title in found {
            assert!(page.contains(&format!("`{title}`")), "{title} is missing");
        }
    }
}
