//! `expect.assets`: which of a page's files must load too.

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::Node;
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::layers::Layers;
use crate::config::value::toml_text::{TomlLines, TomlWriter, list, quoted};
use crate::config::value::{interpolate, layers, matcher};
use crate::model::quantity::show_bytes;
use crate::model::{Assets, HostPattern, Selector, message};

pub(crate) const ASSETS: TableSchema = TableSchema {
    title: "expect.assets",
    groups: &[&[
        key(
            "select",
            ValueType::Text,
            "\"img, script, link[rel=stylesheet]\"",
            "The elements whose links are loaded, as a CSS selector.",
        ),
        key("limit", ValueType::Integer(1, 200), "20", "Maximum number loaded, the first of the page."),
        key("at-least", ValueType::Integer(0, 200), "1", "Minimum number that the page must link to."),
        key(
            "hosts",
            ValueType::Some(&ValueType::Text),
            "[]",
            "Hosts asked beside the page's own: `\"cdn.example.com\"`, `\"*.example.com\"`, `\"*\"`.",
        ),
        key("body-limit", ValueType::Bytes, "\"1MiB\"", "Maximum number of bytes read of each; up to 1GiB."),
    ]],
    required: &[],
};

/// Default selector of the files that are loaded.
pub(crate) const SELECT: &str = "img, script, link[rel=stylesheet]";

/// Reads the table, laid over the defaults'.
pub(crate) fn assets(reader: &mut ConfigReader, layers: &Layers) -> Option<Assets> {
    let select = match layers.get("select") {
        Some(node) => matcher::selector(reader, "select", node),
        None => Selector::new(SELECT).ok(),
    };
    let limit = layers.get("limit").and_then(layers::integer).unwrap_or(Assets::LIMIT);
    let at_least = layers.get("at-least").and_then(layers::integer).unwrap_or(1);
    if let Some(node) = layers.get("at-least").or(layers.get("limit"))
        && at_least > limit
        && limit > 0
    {
        reader.problem(&node.span, "`at-least` is larger than `limit`");
    }
    let hosts = layers.get("hosts").map(Node::one_or_more).unwrap_or_default();
    let hosts = hosts.iter().filter_map(|node| host(reader, node)).collect();
    let body_limit = match layers.get("body-limit") {
        Some(node) => layers::bytes(reader, "body-limit", node, 1..=1 << 30),
        None => Some(Assets::BODY_LIMIT),
    };
    Some(Assets { select: select?, limit, hosts, body_limit: body_limit?, at_least })
}

fn host(reader: &mut ConfigReader, node: &Node) -> Option<HostPattern> {
    let text = interpolate::plain(reader, node)?;
    match HostPattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            reader.advise(
                &node.span,
                message!("`hosts`: {why}"),
                "write it as \"cdn.example.com\" or \"*.example.com\"",
            );
            None
        }
    }
}

/// The files that must load too, as TOML.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, of: &str, assets: &Assets) {
    lines.set(&format!("{of}.assets.select"), &writer.text(assets.select.as_str()));
    lines.set(&format!("{of}.assets.limit"), &assets.limit.to_string());
    lines.set(&format!("{of}.assets.at-least"), &assets.at_least.to_string());
    lines.set(&format!("{of}.assets.hosts"), &list(assets.hosts.iter().map(|host| writer.text(host.as_str()))));
    lines.set(&format!("{of}.assets.body-limit"), &quoted(&show_bytes(assets.body_limit)));
}
