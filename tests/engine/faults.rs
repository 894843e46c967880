//! The fault catalogue: for every way in which a check can go wrong, a server that does exactly
//! that, and the class and phase that must be reported. The same table makes the user documentation
//! of failure classes.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

pub(crate) mod body;
pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod digest;
pub(crate) mod dns;
mod documentation;
mod elsewhere;
pub(crate) mod grpc;
pub(crate) mod head;
pub(crate) mod http2;
#[cfg(feature = "http3")]
pub(crate) mod http3;
pub(crate) mod machine;
mod many;
pub(crate) mod proxy;
pub(crate) mod redirects;
pub(crate) mod resolve;
pub(crate) mod row;
pub(crate) mod starttls;
pub(crate) mod tls;
pub(crate) mod unix_socket;
pub(crate) mod websocket;
pub(crate) mod websocket_http2;

use std::collections::BTreeSet;

use machine::Place;
use row::{Row, Wanted, hold};
use uptick::model::FailureClass;

/// Every row, in the order of the catalogue.
const SECTIONS: &[&[Row]] = &[
    resolve::ROWS,
    connect::ROWS,
    tls::ROWS,
    head::ROWS,
    body::ROWS,
    redirects::ROWS,
    digest::ROWS,
    http2::ROWS,
    proxy::ROWS,
    machine::ROWS,
    connections::ROWS,
    starttls::ROWS,
    dns::ROWS,
    websocket::ROWS,
    websocket_http2::ROWS,
    grpc::ROWS,
    unix_socket::ROWS,
    #[cfg(feature = "http3")]
    http3::ROWS,
];

/// How many numbers the catalogue has.
const NUMBERS: u16 = 139;

/// The least number of rows per kind of target.
const ROWS_OF_A_KIND: usize = 12;

/// The kinds of targets, each with its numbers.
const KINDS: &[(&str, &[u16])] = &[
    ("tcp", &[130]),
    ("tls", &[131]),
    ("starttls", &[132]),
    ("dns", &[133]),
    ("WebSocket", &[134]),
    ("WebSocket over HTTP/2", &[139]),
    ("gRPC", &[135]),
    ("Unix socket", &[136]),
    #[cfg(feature = "http3")]
    ("HTTP/3", &[138]),
    ("HTTP/2", &[102, 103, 104, 105, 106, 107, 108, 109, 110, 111]),
];

fn every_row() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().copied().flatten()
}

#[test]
#[cfg_attr(not(feature = "http3"), ignore = "it has HTTP/3 in it, which is a feature")]
fn every_number_of_the_catalogue_has_a_row() {
    let mut numbers: BTreeSet<u16> = every_row().map(|row| row.number).collect();
    numbers.extend(elsewhere::CASES.iter().filter_map(|case| case.number));
    let missing: Vec<u16> = (1..=NUMBERS).filter(|number| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
#[cfg_attr(not(feature = "http3"), ignore = "it has HTTP/3 in it, which is a feature")]
fn every_class_has_a_row() {
    let mut classes: BTreeSet<FailureClass> = elsewhere::CASES.iter().filter_map(|case| case.class).collect();
    for row in every_row() {
        if let Wanted::Fails(class, _) = row.wanted {
            classes.insert(class);
        }
    }
    let missing: Vec<FailureClass> =
        FailureClass::ALL.iter().copied().filter(|class| !classes.contains(class)).collect();
    assert!(missing.is_empty(), "no test ends in {missing:?}");
}

#[test]
fn every_kind_of_target_has_its_rows() {
    for (kind, numbers) in KINDS {
        let rows = every_row().filter(|row| numbers.contains(&row.number)).count();
        assert!(rows >= ROWS_OF_A_KIND, "{kind} has {rows} rows");
    }
}

/// Every file with rows must be in the catalogue, be run by a test here, and be measured by the
/// scorecard.
#[test]
fn every_section_is_held() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/");
    let read = |file: &str| std::fs::read_to_string(format!("{folder}{file}")).unwrap();
    let (catalogue, scorecard) = (read("engine/faults.rs"), read("scorecard/catalogue.rs"));
    let mut sections = 0;
    for entry in std::fs::read_dir(format!("{folder}engine/faults")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !std::fs::read_to_string(&path).unwrap().contains("pub(crate) const ROWS: &[Row]") {
            continue;
        }
        sections += 1;
        assert!(catalogue.contains(&format!("    {name}::ROWS,\n")), "{name} is not in the catalogue");
        // Each row about a fault of the machine is run in a special environment.
        let is_held = name == "machine" || catalogue.contains(&format!("    hold({name}::ROWS);\n"));
        assert!(is_held, "no test holds {name}");
        let is_measured = name == "machine" || scorecard.contains(&format!("    faults::{name}::ROWS,\n"));
        assert!(is_measured, "the scorecard does not measure {name}");
    }
    assert!(sections >= 18, "{sections}");
}

#[test]
fn names_that_do_not_resolve() {
    hold(resolve::ROWS);
}

#[test]
fn connections_that_fail() {
    hold(connect::ROWS);
}

#[test]
fn tls_that_fails() {
    hold(tls::ROWS);
}

#[test]
fn response_heads_that_are_wrong() {
    hold(head::ROWS);
}

#[test]
fn bodies_that_are_wrong() {
    hold(body::ROWS);
}

#[test]
fn redirects_that_are_wrong() {
    hold(redirects::ROWS);
}

#[test]
fn challenges_of_digest() {
    hold(digest::ROWS);
}

#[test]
fn proxies_that_are_wrong() {
    hold(proxy::ROWS);
}

#[test]
fn http2_that_is_wrong() {
    hold(http2::ROWS);
}

#[cfg(feature = "http3")]
#[test]
fn http3_that_is_wrong() {
    hold(http3::ROWS);
}

#[test]
fn connections_without_http_that_are_wrong() {
    hold(connections::ROWS);
}

#[test]
fn servers_that_do_not_start_tls() {
    hold(starttls::ROWS);
}

#[test]
fn name_servers_that_answer_wrongly() {
    hold(dns::ROWS);
}

#[test]
fn websockets_that_are_wrong() {
    hold(websocket::ROWS);
}

#[test]
fn websockets_over_http2_that_are_wrong() {
    hold(websocket_http2::ROWS);
}

#[test]
fn health_services_of_grpc_that_are_wrong() {
    hold(grpc::ROWS);
}

#[test]
fn unix_sockets_that_are_wrong() {
    hold(unix_socket::ROWS);
}

#[test]
fn machines_that_are_at_fault() {
    machine::in_each(&[Place::Namespace, Place::FewFiles], "faults::inside_a_machine");
}

#[test]
#[ignore = "machines_that_are_at_fault runs it in the place it needs"]
fn inside_a_machine() {
    if let Some(row) = machine::row_here() {
        hold(std::slice::from_ref(row));
    }
}
