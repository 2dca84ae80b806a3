//! What a pass says about one page, ready to be written: rows as bytes, ids, holds, counts.
//!
//! Made by a worker, delivered in source order. All memory is used again for later pages.

use crate::{
    connector::files::{Form, push_cell},
    event::Counts,
    ident::{ObjectId, StepId},
    ledger::IdState,
    mapping::MatchKey,
    platform::wire::RecordEncoder,
    run::{item::HeldRecord, key},
    transform::{Effect, Hold, Settled, Sink},
    value::{Page, Value},
};
use std::collections::{HashMap, HashSet};

/// How one step's records become rows.
pub struct StepWriter {
    /// Position of its file; `None` when it writes none.
    pub file: Option<usize>,
    /// Its encoder.
    pub encoder: RecordEncoder,
    /// The form of its file.
    pub form: Form,
    /// For each column of a CSV file the position in `Step::fields`.
    pub columns: Vec<Option<usize>>,
    /// Position in `Step::fields` of the record's id.
    pub id: Option<usize>,
    /// True when others ask what became of its records.
    pub wanted: bool,
    /// Its object and that object's natural key, where references use it.
    pub natural: Option<(ObjectId, MatchKey)>,
    /// It tells what was not loaded.
    pub report: bool,
}

/// What a pass said about one page.
#[derive(Default)]
pub struct PageOut {
    /// The page, to be used again.
    pub page: Page,
    /// Rows by file.
    pub rows: Vec<Vec<u8>>,
    /// What became of records that others refer to.
    pub ids: Vec<IdLine>,
    /// The texts of `ids`.
    pub texts: String,
    /// Natural keys of records, and their ids, by object.
    pub natural: Vec<(ObjectId, String, String)>,
    /// Records set aside.
    pub held: Vec<HeldRecord>,
    /// Counts by step.
    pub counts: Vec<Counts>,
    /// References to records that are not there.
    pub missed: Vec<(ObjectId, String)>,
    /// Keys of records that reports told of; filled only on request.
    pub told: Vec<(StepId, String)>,
    scratch: Vec<u8>,
}

/// What became of a record: its key and then its id stand in [`PageOut::texts`].
#[derive(Clone, Copy)]
pub struct IdLine {
    /// The step.
    pub step: StepId,
    /// How it stands.
    pub state: IdState,
    key: u32,
    id: u32,
}

impl PageOut {
    /// Empties it for a page.
    pub fn clear(&mut self, files: usize, steps: usize) {
        self.rows.resize_with(files, Vec::new);
        self.rows.iter_mut().for_each(Vec::clear);
        self.ids.clear();
        self.texts.clear();
        self.natural.clear();
        self.held.clear();
        self.counts.clear();
        self.counts.resize(steps, Counts::default());
        self.missed.clear();
        self.told.clear();
    }

    /// What became of records: step, key, id and state.
    pub fn each_id(&self) -> impl Iterator<Item = (StepId, &str, &str, IdState)> {
        let mut at = 0;
        self.ids.iter().map(move |line| {
            let (key, id) = (line.key as usize, line.id as usize);
            let start = at;
            at += key + id;
            (
                line.step,
                self.texts.get(start..start + key).unwrap_or(""),
                self.texts.get(start + key..at).unwrap_or(""),
                line.state,
            )
        })
    }

    fn note(&mut self, step: StepId, key: &str, id: &str, state: IdState) {
        self.texts.push_str(key);
        self.texts.push_str(id);
        self.ids.push(IdLine {
            step,
            state,
            key: key.len() as u32,
            id: id.len() as u32,
        });
    }
}

/// Takes what a pass says into a [`PageOut`].
pub struct Collector<'p> {
    /// By step.
    pub steps: &'p [StepWriter],
    /// Where it goes.
    pub out: &'p mut PageOut,
    /// Nothing is written: only ids count.
    pub rehearsal: bool,
    /// Keys that reports tell of are kept.
    pub keeps_told: bool,
    /// Records that a report told of in an earlier pass over the object.
    pub told: &'p Told,
}

/// Keys of records that reports told of, by step.
pub type Told = HashMap<StepId, HashSet<String>>;

impl Collector<'_> {
    fn was_told(&self, step: StepId, key: &str) -> bool {
        self.told.get(&step).is_some_and(|keys| keys.contains(key))
    }

    fn counts(&mut self, step: StepId) -> Option<&mut Counts> {
        self.out.counts.get_mut(step.ix())
    }
}

impl Sink for Collector<'_> {
    fn effect(&mut self, e: &Effect<'_>) {
        let Some(step) = self.steps.get(e.step.ix()) else {
            return;
        };
        if self.was_told(e.step, e.key) {
            return;
        }
        let writes = step.file.filter(|_| !self.rehearsal);
        if let Some(rows) = writes.and_then(|f| self.out.rows.get_mut(f)) {
            match &step.form {
                Form::Jsonl => {
                    step.encoder.append(e.values, rows);
                    rows.push(b'\n');
                }
                Form::Csv { delimiter, .. } => {
                    cells(step, *delimiter, e.values, rows, &mut self.out.scratch);
                }
            }
        }
        if e.part > 0 {
            return;
        }
        if step.wanted || step.natural.is_some() {
            let number;
            let id = match step.id.and_then(|at| e.values.get(at)) {
                Some(Value::Text(id)) => id,
                Some(Value::Int(n)) => {
                    number = n.to_string();
                    number.as_str()
                }
                _ => "",
            };
            if step.wanted {
                self.out.note(e.step, e.key, id, IdState::Confirmed);
            }
            if let Some((object, key)) = &step.natural
                && let Some(text) = key::of_values(key, e.values)
            {
                self.out.natural.push((*object, text, id.to_owned()));
            }
        }
        if !self.rehearsal {
            let missed = e.missed.iter();
            let missed = missed.map(|(object, key)| (*object, (*key).to_owned()));
            self.out.missed.extend(missed);
        }
        let (writes, report) = (step.file.is_some(), step.report);
        if report && self.keeps_told {
            self.out.told.push((e.step, e.key.to_owned()));
        }
        if let Some(counts) = self.counts(e.step) {
            match writes {
                true => counts.created += 1,
                false => counts.unchanged += 1,
            }
        }
    }

    fn hold(&mut self, h: &Hold<'_>) {
        if self.steps.get(h.step.ix()).is_some_and(|s| s.wanted) {
            self.out.note(h.step, h.key, "", IdState::Held);
        }
        if !self.rehearsal {
            self.out.held.push(HeldRecord {
                step: h.step,
                key: h.key.to_owned(),
                line: h.line,
                code: h.code.to_owned(),
                field: h.field.to_owned(),
                value: h.value.to_owned(),
                words: h.words.to_owned(),
            });
        }
        if let Some(counts) = self.counts(h.step) {
            counts.held += 1;
        }
    }

    fn settle(&mut self, step: StepId, key: &str, _line: u64, why: Settled<'_>) {
        if self.was_told(step, key) {
            return;
        }
        if matches!(why, Settled::Dropped(_)) && self.steps.get(step.ix()).is_some_and(|s| s.wanted)
        {
            self.out.note(step, key, "", IdState::Dropped);
        }
        if let Some(counts) = self.counts(step) {
            match why {
                Settled::Routed => counts.routed += 1,
                Settled::Dropped(_) => counts.dropped += 1,
                Settled::Merged { .. } => counts.merged += 1,
                Settled::Skipped => counts.unchanged += 1,
            }
        }
    }
}

/// Appends a record as a row of cells.
fn cells(
    step: &StepWriter,
    delimiter: u8,
    values: &[Value<'_>],
    rows: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
) {
    let start = rows.len();
    for (n, slot) in step.columns.iter().enumerate() {
        if n > 0 {
            rows.push(delimiter);
        }
        let Some((value, encoder)) =
            slot.and_then(|slot| Some((values.get(slot)?, step.encoder.encoder(slot)?)))
        else {
            continue;
        };
        scratch.clear();
        encoder.write_text(value, scratch);
        push_cell(rows, scratch, delimiter);
    }
    if rows.len() == start {
        // A bare line would be no row at all.
        rows.extend_from_slice(b"\"\"");
    }
    rows.extend_from_slice(b"\r\n");
}
