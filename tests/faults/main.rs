//! The fault catalogue: for every way in which a check can go wrong a server that does exactly
//! that, and the class and phase it must be reported as. The same table is the user's
//! documentation of failure classes.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod body;
mod connect;
mod documentation;
mod elsewhere;
mod head;
mod http2;
mod machine;
mod many;
mod redirects;
mod resolve;
mod row;
mod tls;

use std::collections::BTreeSet;

use row::Row;
use row::Wanted;
use row::hold;
use uptick::model::FailureClass;

/// Every row, in the order of the catalogue.
const SECTIONS: &[&[Row]] =
    &[resolve::ROWS, connect::ROWS, tls::ROWS, head::ROWS, body::ROWS, redirects::ROWS, http2::ROWS, machine::ROWS];

/// How many numbers the catalogue has.
const NUMBERS: u16 = 123;

fn every_row() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().copied().flatten()
}

#[test]
fn every_number_of_the_catalogue_is_a_row_or_says_why_not() {
    let mut numbers: BTreeSet<u16> = every_row().map(|row| row.number).collect();
    numbers.extend(elsewhere::CASES.iter().map(|case| case.number));
    assert!(numbers.len() >= 110, "{} numbers are covered", numbers.len());
    for number in 1..=NUMBERS {
        let left_out = elsewhere::LEFT_OUT.iter().any(|(left_out, _)| *left_out == number);
        assert!(numbers.contains(&number) != left_out, "number {number} is covered, or left out, and not both");
    }
}

#[test]
fn every_class_has_a_row() {
    let mut classes: BTreeSet<FailureClass> = every_row()
        .filter_map(|row| if let Wanted::Fails(class, _) = row.wanted { Some(class) } else { None })
        .collect();
    classes.extend(elsewhere::CASES.iter().filter_map(|case| case.class));
    for class in FailureClass::ALL {
        let unused = elsewhere::UNUSED.iter().any(|(unused, _)| unused == class);
        assert!(classes.contains(class) != unused, "{class} has a row, or a reason why not, and not both");
    }
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
fn http2_that_is_wrong() {
    hold(http2::ROWS);
}
