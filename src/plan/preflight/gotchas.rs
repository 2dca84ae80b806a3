//! The platforms' known traps as checks that run, each with its result.

use super::{Facts, FieldState, Preflight, TierKind, ValueState};
use crate::{
    ident::ObjectId,
    plan::Plan,
    platform::{
        Gotcha, Platform,
        lock::{LinkKind, ReadState},
    },
};
use serde::Serialize;

/// A known trap and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckLine {
    /// Its id in the platform file.
    pub id: String,
    /// The platform.
    pub platform: String,
    /// The trap in a sentence.
    pub say: String,
    /// The name of its check.
    pub check: String,
    /// The result.
    pub result: CheckResult,
    /// What was found; empty where nothing was.
    pub found: String,
    /// True when a failing check blocks the run.
    pub blocks: bool,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// Nothing is wrong.
    Ok,
    /// The trap is there.
    Failed,
    /// What it looks at is not known.
    NotKnown,
    /// The trap has no check; it is said, that is all.
    Said,
}

impl CheckResult {
    /// The word in reports.
    pub fn words(self) -> &'static str {
        match self {
            CheckResult::Ok => "ok",
            CheckResult::Failed => "failed",
            CheckResult::NotKnown => "not known",
            CheckResult::Said => "said",
        }
    }
}

/// Every check by its name in platform files.
const CHECKS: &[(&str, Check)] = &[
    ("manifest_complete", manifest_complete),
    ("choices_complete", choices_complete),
    ("rows_within_tier", rows_within_tier),
    ("join_complete", join_complete),
    ("keys_unique", keys_unique),
    ("values_readable", values_readable),
];

type Check = fn(&Asked<'_>, &Preflight) -> (CheckResult, String);

/// What a check may look at.
struct Asked<'f> {
    facts: &'f Facts<'f>,
    platform: &'f Platform,
    of: Option<ObjectId>,
}

impl Asked<'_> {
    /// True for the object that the trap is about; for every object where it names none.
    fn is_about(&self, object: &str) -> bool {
        self.of
            .and_then(|id| self.platform.objects.get(id.ix()))
            .is_none_or(|o| o.name == object)
    }
}

pub(super) fn judge(plan: &Plan, facts: &Facts<'_>, out: &mut Preflight) {
    let mut lines = Vec::new();
    for platform in [&plan.mapping.source, &plan.mapping.destination] {
        for gotcha in &platform.gotchas {
            lines.push(line(platform, gotcha, facts, out));
        }
    }
    for line in &lines {
        // Fields, choices and tiers have findings of their own.
        let own = ["manifest_complete", "choices_complete", "rows_within_tier"];
        if line.result == CheckResult::Failed && !own.contains(&line.check.as_str()) {
            out.find(
                "known_trap",
                line.blocks,
                format!("{}: {} ({})", line.id, line.say, line.found),
                "see the owner of the source system, or let the mapping's policies decide",
                None,
            );
        }
    }
    out.checks = lines;
}

fn line(platform: &Platform, gotcha: &Gotcha, facts: &Facts<'_>, out: &Preflight) -> CheckLine {
    let check = CHECKS.iter().find(|(name, _)| *name == gotcha.check);
    let asked = Asked {
        facts,
        platform,
        of: gotcha.of,
    };
    let (result, found) = match check {
        Some((_, run)) => run(&asked, out),
        None if gotcha.check == "none" => (CheckResult::Said, String::new()),
        None => (
            CheckResult::NotKnown,
            format!("there is no check `{}`", gotcha.check),
        ),
    };
    CheckLine {
        id: gotcha.id.clone(),
        platform: platform.title.clone(),
        say: gotcha.say.clone(),
        check: gotcha.check.clone(),
        result,
        found,
        blocks: gotcha.block,
    }
}

fn judged(wrong: u64, words: impl FnOnce(u64) -> String) -> (CheckResult, String) {
    match wrong {
        0 => (CheckResult::Ok, String::new()),
        n => (CheckResult::Failed, words(n)),
    }
}

const NOT_KNOWN: (CheckResult, String) = (CheckResult::NotKnown, String::new());

/// Every custom field that the mapping fills is there.
fn manifest_complete(asked: &Asked<'_>, out: &Preflight) -> (CheckResult, String) {
    let fields = || out.fields.iter().filter(|f| asked.is_about(&f.object));
    if fields().any(|f| f.state == FieldState::NotKnown) {
        return NOT_KNOWN;
    }
    if asked.facts.provision {
        return (CheckResult::Ok, "the run makes what is missing".to_owned());
    }
    let missing = fields().filter(|f| f.state == FieldState::Missing).count();
    judged(missing as u64, |n| format!("{n} fields are missing"))
}

/// Every choice that records carry is there.
fn choices_complete(asked: &Asked<'_>, out: &Preflight) -> (CheckResult, String) {
    let fields = || {
        let some = out.fields.iter().filter(|f| asked.is_about(&f.object));
        some.filter(|f| f.options.is_some() || f.observed)
    };
    let unknown = fields().any(|f| f.state == FieldState::NotKnown);
    let rows = || out.values.iter().flat_map(|v| &v.rows);
    let absent = rows().filter(|r| r.state == ValueState::Missing).count();
    let lacking = fields()
        .filter(|f| {
            !asked.facts.provision && matches!(f.state, FieldState::Missing | FieldState::Differs)
        })
        .count();
    let wrong = (absent + lacking) as u64;
    if wrong == 0
        && (unknown || out.values.is_empty() || rows().any(|r| r.state == ValueState::NotKnown))
    {
        return NOT_KNOWN;
    }
    judged(wrong, |n| {
        format!("{n} choices or fields of choices are missing")
    })
}

/// The tier has room for the records that come.
fn rows_within_tier(asked: &Asked<'_>, out: &Preflight) -> (CheckResult, String) {
    let lines = || {
        let some = out.tiers.iter().filter(|l| l.kind == TierKind::Records);
        some.filter(|l| asked.is_about(&l.object))
    };
    let over = lines().filter(|l| l.is_over()).count() as u64;
    if over == 0 && (out.values.is_empty() || lines().any(|l| l.there.is_none())) {
        return NOT_KNOWN;
    }
    let words: Vec<String> = lines()
        .filter(|l| l.is_over())
        .map(|l| {
            format!(
                "{} {}, {} allowed",
                l.there.unwrap_or(0) + l.comes,
                l.words(),
                l.max
            )
        })
        .collect();
    judged(over, |_| words.join("; "))
}

/// Every record that is looked up by a join is there once.
fn join_complete(asked: &Asked<'_>, _: &Preflight) -> (CheckResult, String) {
    let Some(lock) = asked.facts.lock else {
        return NOT_KNOWN;
    };
    let links = || {
        let joins = lock
            .source
            .links
            .iter()
            .filter(|l| l.kind == LinkKind::Join);
        joins.filter(|l| asked.is_about(&l.object))
    };
    if links().any(|l| l.capped) {
        return NOT_KNOWN;
    }
    let orphans: u64 = links().map(|l| l.orphans).sum();
    let ambiguous: u64 = links().map(|l| l.ambiguous).sum();
    judged(orphans + ambiguous, |_| {
        format!("{orphans} find nothing, {ambiguous} find several")
    })
}

/// No two records share a key.
fn keys_unique(asked: &Asked<'_>, _: &Preflight) -> (CheckResult, String) {
    let Some(lock) = asked.facts.lock else {
        return NOT_KNOWN;
    };
    let objects = lock
        .source
        .objects
        .iter()
        .filter(|o| asked.is_about(&o.object));
    let groups: u64 = objects.flat_map(|o| &o.keys).map(|k| k.clusters).sum();
    judged(groups, |n| format!("{n} groups of duplicates"))
}

/// Every value can be read as its declared type.
fn values_readable(asked: &Asked<'_>, _: &Preflight) -> (CheckResult, String) {
    let Some(lock) = asked.facts.lock else {
        return NOT_KNOWN;
    };
    let objects = || {
        lock.source
            .objects
            .iter()
            .filter(|o| asked.is_about(&o.object))
    };
    if objects().any(|o| matches!(o.state, ReadState::Missing | ReadState::Unreadable)) {
        return NOT_KNOWN;
    }
    let bad: u64 = objects().flat_map(|o| &o.fields).map(|f| f.bad).sum();
    judged(bad, |n| format!("{n} values cannot be read"))
}
