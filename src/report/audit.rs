//! Every operation of a migration from its ledger, as rows for auditors.

use super::sheet;
use crate::{
    ident::StepId,
    ledger::{
        Entry, RecordState, View, Written,
        view::ReadError,
        written::{WrittenField, name_hash},
    },
    mapping::{Absent, Mapping, RefSource},
    outcome::audit::Operation,
};
use std::collections::{BTreeMap, HashMap};
use xxhash_rust::xxh3::xxh3_64;

/// The columns of the CSV.
pub const HEADER: [&str; 14] = [
    "entry",
    "run",
    "command",
    "at",
    "step",
    "source_object",
    "source_id",
    "part",
    "destination_object",
    "destination_id",
    "call",
    "outcome",
    "assigned",
    "reason",
];

/// Rows that are rendered together.
const CHUNK: usize = 1_000;

/// Calls `each` with every operation, in order.
///
/// # Errors
/// When the ledger cannot be read.
pub fn operations(
    view: &View,
    mapping: &Mapping,
    mut each: impl FnMut(Operation),
) -> Result<(), ReadError> {
    let commands: HashMap<i64, String> = view
        .runs()?
        .into_iter()
        .map(|r| (r.run, r.command))
        .collect();
    let assigned = Assigned::read(view, mapping)?;
    let mut calls: HashMap<(String, String, u32), &'static str> = HashMap::new();
    view.each_entry(0, |seq, run, at_ms, entry| {
        let (step, key, part) = entry.place();
        let place = (step.to_owned(), key.to_owned(), part);
        if let Entry::Intended(i) = &entry {
            calls.insert(place, i.op.word());
            return;
        }
        let Some(end) = End::of(&entry) else {
            return;
        };
        let call = match end.closes {
            true => calls.remove(&place).unwrap_or_default(),
            false => calls.get(&place).copied().unwrap_or_default(),
        };
        let declared = mapping.steps.iter().position(|s| s.name == step);
        let declared = declared.and_then(|at| mapping.steps.get(at));
        let name = |objects: &[crate::platform::Object], id: crate::ident::ObjectId| {
            objects
                .get(id.ix())
                .map(|o| o.name.clone())
                .unwrap_or_default()
        };
        each(Operation {
            entry: seq,
            run,
            command: commands.get(&run).cloned().unwrap_or_default(),
            at: jiff::Timestamp::from_millisecond(at_ms)
                .map(|t| t.to_string())
                .unwrap_or_default(),
            step: step.to_owned(),
            source_object: declared
                .map(|s| name(&mapping.source.objects, s.from))
                .unwrap_or_default(),
            source_id: key.to_owned(),
            part,
            destination_object: declared
                .map(|s| name(&mapping.destination.objects, s.to))
                .unwrap_or_default(),
            destination_id: end.id,
            call: match end.outcome.as_str() {
                "held" | "released" | "kept" | "books" | "merged" => String::new(),
                _ => call.to_owned(),
            },
            outcome: end.outcome,
            assigned: end
                .written
                .map(|w| assigned.of(step, &w))
                .unwrap_or_default(),
            reason: end.reason,
        });
    })
}

/// How an entry ends an operation.
struct End {
    outcome: String,
    id: String,
    reason: String,
    written: Option<Written>,
    closes: bool,
}

impl End {
    /// `None` for entries that end nothing.
    fn of(entry: &Entry) -> Option<End> {
        let end = |outcome: &str, closes: bool| End {
            outcome: outcome.to_owned(),
            id: String::new(),
            reason: String::new(),
            written: None,
            closes,
        };
        Some(match entry {
            Entry::Confirmed {
                dest_id,
                origin,
                written,
                ..
            } => End {
                id: dest_id.clone(),
                written: written.clone(),
                ..end(origin.word(), true)
            },
            Entry::FileSent {
                field,
                sha256,
                bytes,
                check,
                why,
                ..
            } => End {
                reason: match why {
                    Some(why) => format!("{field}: {bytes} bytes, sha256 {sha256}: {why}"),
                    None => format!("{field}: {bytes} bytes, sha256 {sha256}"),
                },
                ..end(&format!("file_{}", check.word()), false)
            },
            Entry::Refused {
                status, reasons, ..
            } => End {
                reason: format!("{status}: {}", reasons.join("; ")),
                ..end("refused", true)
            },
            Entry::InDoubt { why, .. } => End {
                reason: why.clone(),
                ..end("in_doubt", false)
            },
            Entry::Absent { .. } => end("absent", true),
            Entry::Again { .. } => end("again", false),
            Entry::Decided { name, value } => End {
                reason: format!("{name}: {value}"),
                ..end("decided", false)
            },
            Entry::Held {
                code, field, words, ..
            } => End {
                reason: match field {
                    Some(field) => format!("{code} ({field}): {words}"),
                    None => format!("{code}: {words}"),
                },
                ..end("held", false)
            },
            Entry::Released { .. } => end("released", false),
            Entry::Merged { into, .. } => End {
                reason: format!("into {into}"),
                ..end("merged", false)
            },
            Entry::SecondPassDone { written, .. } => End {
                written: written.clone(),
                ..end("second_pass", false)
            },
            Entry::RolledBack { dest_id, did, .. } => End {
                id: dest_id.clone(),
                ..end(did.word(), true)
            },
            Entry::Kept { why, .. } => End {
                reason: why.clone(),
                ..end("kept", false)
            },
            Entry::StepEnded { counts, .. } => End {
                reason: format!(
                    "read {}, created {}, updated {}, unchanged {}, merged {}, routed {}, dropped {}, held {}, failed {}",
                    counts.read,
                    counts.created,
                    counts.updated,
                    counts.unchanged,
                    counts.merged,
                    counts.routed,
                    counts.dropped,
                    counts.held,
                    counts.failed
                ),
                ..end("books", false)
            },
            _ => return None,
        })
    }
}

/// Which person a hash of an id stands for.
struct Assigned {
    /// By step: the names of its fields that give a record to somebody, with their hashes and the steps of the people.
    fields: BTreeMap<String, Vec<(String, u32, Vec<StepId>)>>,
    /// By step of the people: hash of the destination's id to the source's key.
    people: BTreeMap<StepId, HashMap<u64, String>>,
}

impl Assigned {
    /// Reads the people from the ledger: records of steps that never create what is not there.
    fn read(view: &View, mapping: &Mapping) -> Result<Assigned, ReadError> {
        let mut people: BTreeMap<StepId, HashMap<u64, String>> = BTreeMap::new();
        for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
            let binds = matches!(
                step.absent,
                Absent::Hold | Absent::Fallback(_) | Absent::Placeholder(_)
            );
            if !binds || step.of.is_report() {
                continue;
            }
            let mut keys = HashMap::new();
            view.each_record(&step.name, |r| {
                if r.state == RecordState::Confirmed
                    && let Some(id) = r.dest_id
                {
                    // The hash of a reference in `written`.
                    keys.entry(xxh3_64(id.as_bytes()))
                        .or_insert_with(|| r.key.to_owned());
                }
            })?;
            people.insert(id, keys);
        }
        let mut fields = BTreeMap::new();
        for step in &mapping.steps {
            let Some(object) = mapping.destination.objects.get(step.to.ix()) else {
                continue;
            };
            let gives = step.fields.iter().filter_map(|m| {
                let reference: &RefSource = m.reference.as_ref()?;
                let to: Vec<StepId> = people
                    .keys()
                    .filter(|id| {
                        let from = mapping.steps.get(id.ix()).map(|s| s.from);
                        from.is_some_and(|from| reference.names(from))
                    })
                    .copied()
                    .collect();
                let name = &object.fields.get(m.to.ix())?.name;
                (!to.is_empty()).then(|| (name.clone(), name_hash(name), to))
            });
            fields.insert(step.name.clone(), gives.collect());
        }
        Ok(Assigned { fields, people })
    }

    /// To whom a record was given: `owner=KEY`.
    fn of(&self, step: &str, written: &Written) -> String {
        let mut out = Vec::new();
        for (name, hash, steps) in self.fields.get(step).into_iter().flatten() {
            let mut wrote = written.fields.iter().filter(|f| f.name == *hash);
            let Some(WrittenField { sent, .. }) = wrote.next() else {
                continue;
            };
            if sent == 0 {
                continue;
            }
            let person = steps
                .iter()
                .find_map(|id| self.people.get(id)?.get(&sent).cloned());
            out.push(format!(
                "{name}={}",
                person.as_deref().unwrap_or("fallback")
            ));
        }
        out.join(" ")
    }
}

/// Renders operations as they come, in pieces that are given to `write`: CSV with a header, or one JSON document.
pub struct Export<W: FnMut(&str)> {
    json: bool,
    waiting: Vec<Operation>,
    begun: bool,
    write: W,
}

impl<W: FnMut(&str)> Export<W> {
    /// An export.
    pub fn new(json: bool, write: W) -> Export<W> {
        Export {
            json,
            waiting: Vec::new(),
            begun: false,
            write,
        }
    }

    /// Takes an operation.
    pub fn add(&mut self, operation: Operation) {
        self.waiting.push(operation);
        if self.waiting.len() >= CHUNK {
            self.piece();
        }
    }

    fn piece(&mut self) {
        let rows = std::mem::take(&mut self.waiting);
        let first = !std::mem::replace(&mut self.begun, true);
        if self.json {
            let mut text = String::new();
            for (at, row) in rows.iter().enumerate() {
                text.push_str(match (first, at) {
                    (true, 0) => "{\"schema_version\":1,\"operations\":[\n",
                    _ => ",\n",
                });
                text.push_str(&serde_json::to_string(row).unwrap_or_default());
            }
            if first && rows.is_empty() {
                text.push_str("{\"schema_version\":1,\"operations\":[");
            }
            (self.write)(&text);
            return;
        }
        let cells = rows.into_iter().map(|o| {
            [
                o.entry.to_string(),
                o.run.to_string(),
                o.command,
                o.at,
                o.step,
                o.source_object,
                o.source_id,
                o.part.to_string(),
                o.destination_object,
                o.destination_id,
                o.call,
                o.outcome,
                o.assigned,
                o.reason,
            ]
        });
        let text = sheet::csv(&HEADER, cells);
        let body = match first {
            true => text.as_str(),
            false => text.split_once('\n').map_or("", |(_, rest)| rest),
        };
        (self.write)(body);
    }

    /// Writes what is left.
    pub fn end(mut self) {
        self.piece();
        if self.json {
            (self.write)("\n]}\n");
        }
    }
}
