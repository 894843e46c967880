//! The key table as a page for people.

use std::fmt::Write as _;

use super::keys;
use super::keys::{Key, Shape, TableShape};

/// The tables of the reference, in the order of reading.
const TABLES: &[(&TableShape, &str)] = &[
    (&keys::ROOT, "The file"),
    (&keys::SETTINGS, "`[settings]`"),
    (&keys::PROBE, "`[[probe]]`, `[[control]]` and `[defaults]`"),
    (&keys::STEP, "`[[probe.step]]` and `[[session.NAME.step]]`"),
    (&keys::CAPTURE, "`capture.NAME`"),
    (&keys::EXPECT, "`expect`"),
    (&keys::HEADER, "`expect.header.NAME`"),
    (&keys::JSON, "`expect.json`"),
    (&keys::ASSETS, "`expect.assets`"),
    (&keys::LATENCY, "`expect.latency`"),
    (&keys::AUTH, "`auth`"),
    (&keys::BASIC, "`auth.basic`"),
    (&keys::OAUTH2, "`auth.oauth2`"),
    (&keys::FILE, "`file` and the files of `multipart`"),
    (&keys::RETRIES, "`retries`"),
    (&keys::TLS, "`tls`"),
    (&keys::MAINTENANCE, "`maintenance`"),
    (&keys::SESSION, "`[session.NAME]`"),
    (&keys::SURFACE, "`[surface.NAME]`"),
    (&keys::INCIDENT, "`[incident]`"),
    (&keys::NETWORK, "`[network]`"),
    (&keys::ALERT, "`[[alert]]`"),
];

/// Every key as Markdown.
pub(super) fn markdown() -> String {
    let mut page = String::new();
    for (table, title) in TABLES {
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
    let holds = match &key.shape {
        Shape::Table(table) | Shape::List(Shape::Table(table)) | Shape::Map(Shape::Table(table)) => {
            format!("tables: see {}", table.title)
        }
        shape => shape.title(),
    };
    // A literal of TOML is shown as code; a default in words is not.
    let is_literal =
        key.default.parse::<toml::Value>().is_ok() || key.default.starts_with('"') && key.default.ends_with('"');
    let default = if is_literal { format!("`{}`", key.default) } else { key.default.to_owned() };
    let _ = writeln!(page, "| `{}` | {} | {} | {} |", key.name, holds.replace('|', "\\|"), default, key.meaning);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every table that can be reached from the root.
    fn reachable(shape: &'static Shape, found: &mut Vec<&'static str>) {
        match shape {
            Shape::Table(table) if !found.contains(&table.title) => {
                found.push(table.title);
                table.keys().for_each(|key| reachable(&key.shape, found));
            }
            Shape::List(of) | Shape::OneOrMore(of) | Shape::Some(of) | Shape::Map(of) => reachable(of, found),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| reachable(shape, found)),
            _ => {}
        }
    }

    #[test]
    fn every_table_of_the_file_is_in_the_reference() {
        let mut found = Vec::new();
        keys::ROOT.keys().for_each(|key| reachable(&key.shape, &mut found));
        let page = markdown();
        for title in found {
            assert!(page.contains(&format!("`{title}`")), "{title} is missing");
        }
    }
}
