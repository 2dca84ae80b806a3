//! The life of a migration, from discovery to rollback, for each pair: one account over HTTP, one command after the other
//! as a migration engineer types them, with a kill in the middle of the run and of the rollback, and people at work on
//! both sides.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod export;
mod tale;

use tale::{Pair, Tale};

/// From the first look to the last: each step asserts its exit code and what it is for.
fn tell(pair: Pair) {
    let tale = Tale::begin(pair);
    tale.discovers();
    tale.plan_is_blocked();
    tale.is_provisioned();
    let before = tale.dump();
    tale.draws_a_sample();
    tale.run_is_refused();
    tale.is_approved();
    tale.is_killed_in_the_middle();
    tale.runs_to_the_end();
    let edits = tale.people_edit_both_sides();
    tale.delta_brings_the_changes(&edits);
    tale.reconciles(&edits);
    let listed = tale.previews_the_rollback();
    tale.rollback_is_killed();
    tale.rolls_back(&edits);
    tale.is_as_before(&before, listed, &edits);
}

#[test]
fn interactive_to_the_end_and_back() {
    tell(Pair {
        name: "interactive",
        tier: "pro",
        file: "contacts.csv",
        delimiter: ',',
        id: "contact_id",
        email: "email",
        name_column: "first_name",
    });
}

#[test]
fn actimo_to_the_end_and_back() {
    tell(Pair {
        name: "actimo",
        tier: "pro",
        file: "contacts.csv",
        delimiter: ';',
        id: "contact_id",
        email: "email",
        name_column: "first_name",
    });
}

#[test]
fn usercom_to_the_end_and_back() {
    tell(Pair {
        name: "usercom",
        tier: "pro",
        file: "contacts.csv",
        delimiter: ',',
        id: "id",
        email: "email",
        name_column: "first_name",
    });
}

#[test]
fn smartdesk_to_the_end_and_back() {
    tell(Pair {
        name: "smartdesk",
        tier: "growth",
        file: "contacts.csv",
        delimiter: ',',
        id: "id",
        email: "email",
        name_column: "first_name",
    });
}

#[test]
fn allclients_to_the_end_and_back() {
    tell(Pair {
        name: "allclients",
        tier: "growth",
        file: "Contacts.csv",
        delimiter: ',',
        id: "ContactID",
        email: "Email",
        name_column: "First Name",
    });
}
