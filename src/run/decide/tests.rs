//! Reads the table of `docs/RESUME.md` row by row: page and code cannot disagree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use super::{Action, Known, Seen, decide};
use crate::{
    diag::{FileId, Span},
    ident::ObjectId,
    mapping::{Absent, Found, Step},
};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/RESUME.md");
const NOW: u64 = 11;
const BEFORE: u64 = 10;
const ID: &str = "there";

fn rows() -> Vec<[String; 3]> {
    PAGE.lines()
        .skip_while(|l| !l.starts_with("| known"))
        .skip(2)
        .take_while(|l| l.starts_with('|'))
        .map(|l| {
            let cells: Vec<String> = l
                .trim_matches('|')
                .split('|')
                .map(|c| c.trim().to_owned())
                .collect();
            cells.try_into().expect("three cells")
        })
        .collect()
}

fn confirmed(fingerprint: u64, bound: bool) -> Known {
    Known::Confirmed {
        id: ID.to_owned(),
        fingerprint,
        bound,
        created: false,
    }
}

fn refused(fingerprint: u64, id: Option<&str>) -> Known {
    Known::Refused {
        fingerprint,
        id: id.map(str::to_owned),
    }
}

/// Everything that can be known.
fn all_known() -> Vec<Known> {
    vec![
        Known::New,
        confirmed(NOW, false),
        confirmed(NOW, true),
        confirmed(BEFORE, false),
        confirmed(BEFORE, true),
        Known::OpenCreate,
        refused(NOW, None),
        refused(NOW, Some(ID)),
        refused(BEFORE, None),
        refused(BEFORE, Some(ID)),
    ]
}

/// Everything that can be seen.
fn all_seen() -> Vec<Seen> {
    let taken = |id: Option<&str>| Seen::Taken {
        id: id.map(str::to_owned),
        by: "contact/2".to_owned(),
    };
    vec![
        Seen::NoKey,
        Seen::NoKeyBelow,
        Seen::Nothing,
        Seen::Record(ID.to_owned()),
        taken(Some(ID)),
        taken(None),
    ]
}

fn known_fits(words: &str, known: &Known) -> bool {
    match words {
        "confirmed, same fingerprint" => {
            matches!(known, Known::Confirmed { fingerprint, .. } if *fingerprint == NOW)
        }
        "confirmed, bound only" => matches!(known, Known::Confirmed { bound: true, .. }),
        "confirmed, other fingerprint, or its update is open" => {
            matches!(known, Known::Confirmed { fingerprint, .. } if *fingerprint != NOW)
        }
        "refused, same fingerprint" => {
            matches!(known, Known::Refused { fingerprint, .. } if *fingerprint == NOW)
        }
        "refused, other fingerprint, an update" => {
            matches!(known, Known::Refused { fingerprint, id: Some(_) } if *fingerprint != NOW)
        }
        "open create" => matches!(known, Known::OpenCreate),
        "anything else" => true,
        other => panic!("`{other}` is nothing the ledger can say"),
    }
}

fn seen_fits(words: &str, seen: &Seen) -> bool {
    match words {
        "anything" => true,
        "a record" => matches!(seen, Seen::Record(_)),
        "a record made from another source record" => {
            matches!(seen, Seen::Taken { id: Some(_), .. })
        }
        "a record being made from another source record" => {
            matches!(seen, Seen::Taken { id: None, .. })
        }
        "nothing" => matches!(seen, Seen::Nothing),
        "no key" => matches!(seen, Seen::NoKey),
        "no key, parent was there before" => matches!(seen, Seen::NoKeyBelow),
        other => panic!("`{other}` is nothing a destination can show"),
    }
}

fn absent(step: &Step) -> &'static str {
    match step.absent {
        Absent::Create | Absent::Placeholder(_) => "create",
        Absent::Hold | Absent::Fallback(_) => "hold not_at_destination",
        Absent::Fail => "fail",
    }
}

/// What the page says, in the words of [`told`].
fn expected(words: &str, step: &Step) -> &'static str {
    match words {
        "nothing: unchanged" => "unchanged",
        "update by id" => "update",
        "nothing: still refused" => "still refused",
        "adopt it: the interrupted write arrived" => "adopt",
        "look it up; found: adopt; not found: create; cannot tell: hold `in_doubt`" => "resolve",
        "`found:` use, update, hold or fail" => match step.found {
            Found::Use => "bind",
            Found::Update => "update",
            Found::Hold => "hold exists",
            Found::Fail => "fail",
        },
        "bind where `found: use`, else hold `same_match_key`" => match step.found {
            Found::Use => "bind",
            _ => "hold same_match_key",
        },
        "hold `same_match_key`" => "hold same_match_key",
        "`absent:` create, hold or fail" => absent(step),
        "where `absent: create`, look for its content below the parent; found: bind; not found: create; else hold or fail" => {
            match step.absent {
                Absent::Create => "look",
                _ => absent(step),
            }
        }
        other => panic!("`{other}` is nothing a run can do"),
    }
}

fn told(action: &Action) -> String {
    let about = |word: &str, id: &str| {
        assert_eq!(id, ID, "{action:?} is about another record");
        word.to_owned()
    };
    match action {
        Action::Unchanged => "unchanged".to_owned(),
        Action::Bind(id) => about("bind", id),
        Action::Adopt(id) => about("adopt", id),
        Action::Update(id) => about("update", id),
        Action::Create => "create".to_owned(),
        Action::Resolve => "resolve".to_owned(),
        Action::Look => "look".to_owned(),
        Action::Hold(code, _) => format!("hold {code}"),
        Action::StillRefused => "still refused".to_owned(),
        Action::Fail(_) => "fail".to_owned(),
    }
}

fn step(found: Found, absent: Absent) -> Step {
    Step {
        name: "contact".to_owned(),
        from: ObjectId(0),
        to: ObjectId(0),
        of: crate::mapping::Of::Loaded,
        match_keys: Vec::new(),
        found,
        absent,
        later_reassign: false,
        joins: Vec::new(),
        lets: Vec::new(),
        guards: Vec::new(),
        fields: Vec::new(),
        after: Vec::new(),
        why: None,
        span: Span {
            file: FileId(0),
            start: 0,
            end: 0,
        },
    }
}

#[test]
fn every_case_is_decided_by_the_row_of_the_page_that_fits_first() {
    let rows = rows();
    let mut used = BTreeSet::new();
    for found in [Found::Use, Found::Update, Found::Hold, Found::Fail] {
        for absent in [
            Absent::Create,
            Absent::Hold,
            Absent::Fail,
            Absent::Fallback(Vec::new()),
        ] {
            let step = step(found, absent);
            for known in all_known() {
                for seen in all_seen() {
                    let at = rows
                        .iter()
                        .position(|[k, s, _]| known_fits(k, &known) && seen_fits(s, &seen))
                        .unwrap_or_else(|| panic!("no row for {known:?} and {seen:?}"));
                    used.insert(at);
                    assert_eq!(
                        told(&decide(&step, NOW, &known, &seen)),
                        expected(&rows[at][2], &step),
                        "{known:?}, {seen:?}, found {:?}, absent {:?}: row {}",
                        step.found,
                        step.absent,
                        at + 1
                    );
                }
            }
        }
    }
    let unused: Vec<_> = (0..rows.len()).filter(|at| !used.contains(at)).collect();
    assert!(unused.is_empty(), "no case for rows {unused:?} of the page");
}
