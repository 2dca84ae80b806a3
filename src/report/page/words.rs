//! Sentences that every format of a page says alike.

use super::model::{GotchaLine, Outcome, Page, Row, StayKind};

/// `Interactive to Freshsales Suite`.
pub(super) fn title(page: &Page) -> String {
    format!("{} to {}", page.source.title, page.destination.title)
}

/// `9 of 11 objects map 1:1.`
pub(super) fn summary(page: &Page) -> String {
    format!("{} of {} objects map 1:1.", page.one_to_one, page.objects)
}

/// What the engine computes, and for which rows that is another class than the declared one.
pub(super) fn computed(page: &Page) -> String {
    let is = |word: Option<&str>| {
        let rows = page.rows.iter();
        rows.filter(|r| r.computed.as_deref() == word).count()
    };
    let mut told = format!("By the rules behind them {} are 1:1", is(Some("1:1")));
    match is(None) {
        0 => {}
        1 => told.push_str(", and one depends on the migration"),
        n => told.push_str(&format!(", and {n} depend on the migration")),
    }
    let differing: Vec<&str> = page
        .rows
        .iter()
        .filter(|r| r.differs)
        .map(|r| r.id.as_str())
        .collect();
    if differing.is_empty() {
        return format!("{told}.");
    }
    format!("{told}; they say otherwise for {}.", differing.join(", "))
}

/// The computed class with its reasons, where it tells something.
pub(super) fn computed_cell(row: &Row) -> String {
    let word = row.computed.as_deref().unwrap_or("not known");
    let mut out = if row.differs {
        format!("{word}, not {}", row.cardinality)
    } else {
        word.to_owned()
    };
    if !row.because.is_empty() {
        out.push_str(&format!(": {}", row.because.join("; ")));
    }
    out
}

/// The note and what else there is to know.
pub(super) fn note_cell(row: &Row) -> String {
    let mut parts: Vec<&str> = row.note.as_deref().into_iter().collect();
    parts.extend(row.remarks.iter().map(String::as_str));
    parts.join("; ")
}

/// How far a row is supported, for people.
pub(super) fn support(row: &Row) -> &str {
    match row.support.as_str() {
        "full" => "full",
        "mapping" => "after decisions",
        "by_hand" => "by hand",
        "none" => "none",
        other => other,
    }
}

/// The outcome of a check in a word.
pub(super) fn outcome(gotcha: &GotchaLine) -> &'static str {
    match (gotcha.outcome, gotcha.blocks) {
        (Outcome::Handled, _) => "handled",
        (Outcome::AtTheRun, true) => "at the run, blocks",
        (Outcome::AtTheRun, false) => "at the run",
        (Outcome::Open, _) => "open",
        (Outcome::NotConcerned, _) => "not concerned",
        (Outcome::Note, _) => "to know",
    }
}

/// Why something stays, in words.
pub(super) fn stay(kind: StayKind) -> &'static str {
    match kind {
        StayKind::Row => "by hand",
        StayKind::Document => "document",
        StayKind::Dropped => "left out",
        StayKind::Ignored => "ignored",
    }
}

/// `Grade B, 61 points (A to 24, B to 90, C to 160, D above).`
pub(super) fn grade(page: &Page) -> String {
    let grade = &page.grade;
    format!(
        "Grade {}, {} points ({}).",
        grade.letter, grade.points, grade.ranges
    )
}

/// `2 objects: deal, note` as one line of the grade.
pub(super) fn counted(of: &[String]) -> String {
    match of {
        [one] => one.clone(),
        all => format!("{}: {}", all.len(), all.join(", ")),
    }
}

/// What the numbers of the timeline mean.
pub(super) const TIMELINE: &str = "The time that the destination's call limits force, if every record is new, nothing \
                                   is held and no call fails. The second pass over the records that changed during \
                                   the cutover comes on top.";

/// When the facts were checked.
pub(super) fn facts(page: &Page) -> String {
    format!(
        "Facts of {} checked on {}, of {} on {}.",
        page.source.title, page.source.checked, page.destination.title, page.destination.checked
    )
}
