//! `expect.assets`: which of a page's files must load too.

use super::layers::Layers;
use super::reader::Reader;
use super::tree::Node;
use super::{interpolate, journey, layers};
use crate::model::{Assets, HostPattern, Selector};

/// What is loaded unless the file says otherwise.
pub(super) const SELECT: &str = "img, script, link[rel=stylesheet]";

/// Reads the table, laid over the defaults'.
pub(super) fn assets(reader: &mut Reader, layers: &Layers) -> Option<Assets> {
    let select = match layers.get("select") {
        Some(node) => journey::selector(reader, "select", node),
        None => Selector::new(SELECT).ok(),
    };
    let limit = layers.get("limit").and_then(layers::integer).unwrap_or(Assets::LIMIT);
    let at_least = layers.get("at-least").and_then(layers::integer).unwrap_or(1);
    if let Some(node) = layers.get("at-least").or(layers.get("limit"))
        && at_least > limit
        && limit > 0
    {
        reader.problem(&node.place, "`at-least` is larger than `limit`");
    }
    let hosts = layers.get("hosts").map(Node::one_or_more).unwrap_or_default();
    let hosts = hosts.iter().filter_map(|node| host(reader, node)).collect();
    let body_limit = match layers.get("body-limit") {
        Some(node) => layers::bytes(reader, "body-limit", node, 1..=1 << 30),
        None => Some(Assets::BODY_LIMIT),
    };
    Some(Assets { select: select?, limit, hosts, body_limit: body_limit?, at_least })
}

fn host(reader: &mut Reader, node: &Node) -> Option<HostPattern> {
    let text = interpolate::plain(reader, node)?;
    match HostPattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            reader.advise(
                &node.place,
                format!("`hosts`: {why}"),
                "write it as \"cdn.example.com\" or \"*.example.com\"",
            );
            None
        }
    }
}
