//! What is known while source records are laid beside those of the destination: which are found, and what is wrong.

use super::{
    compare::{Compared, compare},
    read::Chosen,
    resolve::{Went, is_not_found},
    rules::StepRules,
    shelf::Shelf,
};
use crate::{
    ident::{ObjectId, StepId},
    mapping::{Absent, Found, Mapping, Step},
    outcome::reconcile::{Finding, Kind, MOST, StepCheck},
    plan::{Load, Plan},
    platform::wire::WireValue,
    run::key::{KeyRule, KeyText},
    transform::Hold,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// A destination record that should be there.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The step.
    pub step: StepId,
    /// The source record's key.
    pub key: String,
    /// Its line; 0 where there are none.
    pub line: u64,
    /// Which part.
    pub part: u16,
    /// What it should hold, aligned with `Step::fields`; absent where nothing is asked for.
    pub values: Vec<WireValue>,
    /// For each match key its text.
    pub keys: Vec<Option<KeyText>>,
    /// Its parent, where it is shown below one.
    pub parent: Option<(ObjectId, String)>,
    /// The code of the hold of its files.
    pub file_hold: Option<&'static str>,
}

/// Everything known so far.
pub struct State {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    plan: Arc<Plan>,
    provision: bool,
    sample: Option<u64>,
    /// What the destination holds.
    pub shelves: BTreeMap<ObjectId, Shelf>,
    /// By step.
    pub rules: Vec<StepRules>,
    /// Where the records of each step went.
    pub went: Vec<HashMap<String, Went>>,
    /// By step.
    pub checks: Vec<StepCheck>,
    /// Records whose values are compared, by step.
    chosen: Vec<Chosen>,
    /// What was not found by a key or a stamp.
    pub waiting: Vec<Expected>,
    /// Values without a row in their map.
    pub unmatched: BTreeMap<(StepId, String, String), u64>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// All of it, also what is not told one by one.
    pub findings_total: u64,
    /// Records with a difference.
    differing: BTreeSet<(StepId, String, u16)>,
}

impl State {
    /// The state before the first record. `chosen`: by step.
    pub fn new(
        mapping: Arc<Mapping>,
        plan: Arc<Plan>,
        provision: bool,
        sample: Option<u64>,
        shelves: BTreeMap<ObjectId, Shelf>,
        rules: Vec<StepRules>,
        chosen: Vec<Chosen>,
    ) -> State {
        let name = |objects: &[crate::platform::Object], id: ObjectId| {
            objects
                .get(id.ix())
                .map_or_else(String::new, |o| o.name.clone())
        };
        let checks = mapping.steps.iter().map(|s| StepCheck {
            step: s.name.clone(),
            from: name(&mapping.source.objects, s.from),
            to: name(&mapping.destination.objects, s.to),
            ..StepCheck::default()
        });
        State {
            checks: checks.collect(),
            went: vec![HashMap::new(); mapping.steps.len()],
            mapping,
            plan,
            provision,
            sample,
            shelves,
            rules,
            chosen,
            waiting: Vec::new(),
            unmatched: BTreeMap::new(),
            findings: Vec::new(),
            findings_total: 0,
            differing: BTreeSet::new(),
        }
    }

    /// The books of a step.
    pub fn check(&mut self, step: StepId) -> Option<&mut StepCheck> {
        self.checks.get_mut(step.ix())
    }

    /// Where a record of a step went.
    pub fn set_went(&mut self, step: StepId, key: &str, went: Went) {
        if let Some(all) = self.went.get_mut(step.ix()) {
            all.insert(key.to_owned(), went);
        }
    }

    /// A record that the mapping sets aside.
    pub fn hold(&mut self, hold: &Hold<'_>) {
        self.held(hold.step, hold.key, hold.code);
        if hold.code == "not_mapped" {
            let place = (hold.step, hold.field.to_owned(), hold.value.to_owned());
            *self.unmatched.entry(place).or_default() += 1;
        }
    }

    fn held(&mut self, step: StepId, key: &str, code: &str) {
        if let Some(check) = self.check(step) {
            *check.held.entry(code.to_owned()).or_default() += 1;
        }
        self.set_went(step, key, Went::Held);
    }

    /// Lays a record that should be there beside those that are.
    pub fn place(&mut self, expected: Expected) {
        let mapping = Arc::clone(&self.mapping);
        let Some(step) = mapping.steps.get(expected.step.ix()) else {
            return;
        };
        if let Some(check) = self.check(expected.step) {
            check.loaded += u64::from(expected.part == 0);
            check.expected += 1;
        }
        if expected.part == 0 {
            self.set_went(expected.step, &expected.key, Went::To(None));
        }
        if let Some(code) = expected.file_hold {
            return self.set_aside(&expected, code);
        }
        let unread = self
            .shelves
            .get(&step.to)
            .is_none_or(|s| s.unread.is_some());
        if unread {
            if self.needs_hand(step, expected.step) {
                return self.set_aside(&expected, "by_hand");
            }
            return self.unchecked(&expected);
        }
        if self.outside_sample(step, &expected) {
            return self.unchecked(&expected);
        }
        match self.candidates(step, &expected) {
            Candidates::Free(all) => self.choose(step, expected, &all),
            Candidates::Taken(id) if step.found == Found::Use => {
                self.found(&expected, &id);
            }
            Candidates::Taken(_) => self.set_aside(&expected, "same_match_key"),
            Candidates::None if expected.keys.iter().any(Option::is_some) => {
                self.absent(step, expected);
            }
            Candidates::None => self.waiting.push(expected),
        }
    }

    fn candidates(&mut self, step: &Step, expected: &Expected) -> Candidates {
        let Some(rules) = self.rules.get(expected.step.ix()) else {
            return Candidates::None;
        };
        let Some(shelf) = self.shelves.get_mut(&step.to) else {
            return Candidates::None;
        };
        for (key, text) in step.match_keys.iter().zip(&expected.keys) {
            let Some(text) = text else { continue };
            let all = shelf.under(&KeyRule::from(key), text).to_vec();
            let free: Vec<usize> = all.iter().copied().filter(|a| shelf.is_free(*a)).collect();
            match (free.is_empty(), all.first()) {
                (false, _) => return Candidates::Free(free),
                (true, Some(at)) => return Candidates::Taken(shelf.id(*at).to_owned()),
                (true, None) => {}
            }
        }
        let stamp = rules.stamp.and_then(|at| rules.fields.get(at));
        if let Some(stamp) = stamp
            && let Some(WireValue::One(text)) = expected.values.get(stamp.at)
        {
            let free: Vec<usize> = shelf
                .with(stamp.field, text)
                .into_iter()
                .filter(|a| shelf.is_free(*a))
                .collect();
            if !free.is_empty() {
                return Candidates::Free(free);
            }
        }
        Candidates::None
    }

    /// Takes the candidate that is most like what should be there; further ones are doubles of it.
    fn choose(&mut self, step: &Step, expected: Expected, all: &[usize]) {
        let compared: Vec<(usize, Compared)> = all
            .iter()
            .filter_map(|at| Some((*at, self.compare(&expected, *at)?)))
            .collect();
        let best = compared
            .iter()
            .min_by_key(|(_, c)| c.differences.len())
            .map(|(at, c)| (*at, c.clone()));
        let Some((at, compared)) = best else {
            return;
        };
        // A record that was there before must not be written over: with other content it is not this one.
        if step.found == Found::Hold
            && compared.differences.len() > compared.equal
            && !self.has_stamp(&expected, at)
        {
            return self.set_aside(&expected, "exists");
        }
        if step.found != Found::Use {
            for double in all.iter().filter(|a| **a != at) {
                self.doubled(expected.step, &expected.key, *double);
            }
        }
        self.bind(&expected, at, &compared);
    }

    fn has_stamp(&self, expected: &Expected, at: usize) -> bool {
        let Some(rules) = self.rules.get(expected.step.ix()) else {
            return false;
        };
        let stamp = rules.stamp.and_then(|s| rules.fields.get(s));
        stamp.is_some_and(|s| {
            let there = self
                .shelves
                .get(&rules.object)
                .map(|x| x.value(at, s.field));
            there.is_some_and(|t| expected.values.get(s.at).is_some_and(|e| e.same(&t)))
        })
    }

    /// Compares with one record.
    pub fn compare(&mut self, expected: &Expected, at: usize) -> Option<Compared> {
        let rules = self.rules.get(expected.step.ix())?;
        let shelf = self.shelves.get_mut(&rules.object)?;
        Some(compare(rules, &expected.values, shelf, at))
    }

    /// A record was found.
    pub fn bind(&mut self, expected: &Expected, at: usize, compared: &Compared) {
        let mapping = Arc::clone(&self.mapping);
        let Some(step) = mapping.steps.get(expected.step.ix()) else {
            return;
        };
        let mut id = String::new();
        if let Some(shelf) = self.shelves.get_mut(&step.to) {
            shelf.take(at, &step.name, &expected.key);
            shelf.id(at).clone_into(&mut id);
        }
        self.found(expected, &id);
        let chosen = self.chosen.get(expected.step.ix());
        // A record below another parent is a finding in itself, sample or not.
        if chosen.is_none_or(|c| c.takes(&expected.key)) || compared.is_moved() {
            self.judge(step, expected, &id, compared, false);
        }
    }

    fn found(&mut self, expected: &Expected, id: &str) {
        if let Some(check) = self.check(expected.step) {
            check.found += 1;
        }
        if expected.part == 0 {
            let went = Went::To(Some(id.to_owned()));
            self.set_went(expected.step, &expected.key, went);
        }
    }

    /// Books a comparison. `again`: the record's other fields were compared before.
    pub fn judge(
        &mut self,
        step: &Step,
        expected: &Expected,
        id: &str,
        compared: &Compared,
        again: bool,
    ) {
        let as_found = step.found == Found::Use;
        let place = (expected.step, expected.key.clone(), expected.part);
        let fresh = !as_found && !compared.is_clean() && self.differing.insert(place);
        if let Some(check) = self.checks.get_mut(expected.step.ix()) {
            if !again {
                check.compared += 1;
                check.normalised += u64::from(compared.normalised && compared.is_clean());
            }
            check.differing += u64::from(fresh);
            check.as_found += u64::from(as_found && !compared.is_clean());
        }
        if as_found {
            return;
        }
        for d in &compared.differences {
            let name = self
                .rules
                .get(expected.step.ix())
                .and_then(|r| r.fields.get(d.field))
                .map(|f| f.name.clone());
            let finding = Finding {
                field: name,
                how: Some(d.how),
                expected: Some(d.expected.to_string()),
                found: Some(d.there.to_string()),
                ..self.finding(d.kind, expected, Some(id.to_owned()))
            };
            self.tell(finding);
        }
    }

    /// A finding about a record, without particulars.
    pub fn finding(&self, kind: Kind, expected: &Expected, id: Option<String>) -> Finding {
        let check = self.checks.get(expected.step.ix());
        Finding {
            kind,
            step: check.map(|c| c.step.clone()).unwrap_or_default(),
            key: expected.key.clone(),
            part: expected.part,
            line: (expected.line > 0).then_some(expected.line),
            object: check.map(|c| c.to.clone()).unwrap_or_default(),
            id,
            field: None,
            how: None,
            expected: None,
            found: None,
            note: None,
        }
    }

    /// Adds a finding.
    pub fn tell(&mut self, finding: Finding) {
        self.findings_total += 1;
        if self.findings.len() < MOST {
            self.findings.push(finding);
        }
    }

    /// A record that is a double of another.
    pub fn doubled(&mut self, step: StepId, key: &str, at: usize) {
        let Some(rules) = self.rules.get(step.ix()) else {
            return;
        };
        let Some(shelf) = self.shelves.get_mut(&rules.object) else {
            return;
        };
        if !shelf.double(at) {
            return;
        }
        let id = shelf.id(at).to_owned();
        if let Some(check) = self.check(step) {
            check.doubled += 1;
        }
        let about = Expected {
            step,
            key: key.to_owned(),
            line: 0,
            part: 0,
            values: Vec::new(),
            keys: Vec::new(),
            parent: None,
            file_hold: None,
        };
        let finding = self.finding(Kind::Doubled, &about, Some(id));
        self.tell(finding);
    }

    /// A record is not there: what the mapping says about that.
    pub fn absent(&mut self, step: &Step, expected: Expected) {
        match &step.absent {
            Absent::Hold | Absent::Fallback(_) => self.set_aside(&expected, "not_at_destination"),
            Absent::Create | Absent::Placeholder(_) | Absent::Fail => {
                if self.needs_hand(step, expected.step) {
                    return self.set_aside(&expected, "by_hand");
                }
                if let Some(check) = self.check(expected.step) {
                    check.missing += 1;
                }
                let orphan = expected
                    .values
                    .iter()
                    .any(|v| matches!(v, WireValue::Record { id, .. } if is_not_found(id)));
                let finding = Finding {
                    note: orphan.then(|| "a record it refers to is missing, too".to_owned()),
                    ..self.finding(Kind::Missing, &expected, None)
                };
                self.tell(finding);
            }
        }
    }

    /// True when only an admin makes such records, and here nobody plays the admin.
    fn needs_hand(&self, step: &Step, id: StepId) -> bool {
        *self.plan.load(id) == Load::ByHand && !self.provision && step.absent != Absent::Fail
    }

    /// A record that a run would set aside, though the mapping made it.
    fn set_aside(&mut self, expected: &Expected, code: &str) {
        if let Some(check) = self.check(expected.step) {
            check.loaded -= u64::from(expected.part == 0);
            check.expected -= 1;
        }
        if expected.part == 0 {
            self.held(expected.step, &expected.key, code);
        }
    }

    fn unchecked(&mut self, expected: &Expected) {
        if let Some(check) = self.check(expected.step) {
            check.unchecked += 1;
        }
    }

    /// True when the record's parent is not among those whose children were read.
    fn outside_sample(&self, step: &Step, expected: &Expected) -> bool {
        let partial = self.shelves.get(&step.to).is_some_and(|s| s.partial);
        partial
            && expected.parent.as_ref().is_none_or(|(object, id)| {
                let parents = self.shelves.get(object).map_or(0, Shelf::count);
                !Chosen::of(self.sample, parents as u64).takes(id)
            })
    }
}

enum Candidates {
    /// These may be it.
    Free(Vec<usize>),
    /// This one has the key and stands for another source record.
    Taken(String),
    /// There is none.
    None,
}
