//! Explains one source record: evaluates the mapping for it once more, reads its history in the ledger, and asks the
//! destination what is there now. Writes nothing.

mod chain;
mod evaluate;
mod secret;

use super::{
    RunError,
    context::Emit,
    reconcile::{
        compare::compare,
        evaluate::fallback,
        read::Reader,
        resolve::{Resolver, Steps, Went, natural_objects},
        rules::StepRules,
        shelf::Shelf,
    },
    source::Source,
};
use crate::{
    connector::rest::Rest,
    ident::{ObjectId, StepId},
    ledger::{Entry, HoldKind, RecordState, View},
    mapping::{Absent, Mapping},
    outcome::trace::{Happened, Known, StepTrace, There, Trace},
    platform::OpKind,
    run::key::KeyRule,
};
use evaluate::Made;
pub use evaluate::cells_of;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Something that stands in the mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A step.
    Step(StepId),
    /// An entry of a step, by its position.
    Entry(StepId, usize),
    /// A row of the split of a source object, by its position.
    SplitRow(ObjectId, usize),
}

/// Says where it stands: file and line, and the text of the line.
pub type Place = dyn Fn(Spot) -> (String, String) + Send + Sync;

/// What a trace needs.
pub struct Inputs {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// Where records are read.
    pub source: Arc<Source>,
    /// Zone of source times without one.
    pub zone: Option<String>,
    /// The destination.
    pub rest: Rest,
    /// Read through the admin plane what no call of the API shows.
    pub provision: bool,
    /// The ledger; `None` before the first run.
    pub view: Option<View>,
    /// The source object's name.
    pub object: String,
    /// The record's key.
    pub key: String,
    /// Places of the specs.
    pub place: Arc<Place>,
    /// Listener.
    pub emit: Emit,
}

/// Explains.
///
/// # Errors
/// When there is no such object, or source, ledger or destination stop.
pub async fn trace(inputs: Inputs) -> Result<Trace, RunError> {
    let mapping = Arc::clone(&inputs.mapping);
    let Some(object) = mapping
        .source
        .objects
        .iter()
        .position(|o| o.name == inputs.object)
        .and_then(|at| u16::try_from(at).ok().map(ObjectId))
    else {
        let names: Vec<&str> = mapping
            .source
            .objects
            .iter()
            .map(|o| o.name.as_str())
            .collect();
        return Err(RunError::Source {
            what: format!(
                "the source has no object `{}`; it has {}",
                inputs.object,
                names.join(", ")
            ),
        });
    };
    let internal = |e: &dyn std::fmt::Display| RunError::Internal(e.to_string());
    inputs.rest.probe().await?;
    let reader = Reader::new(
        inputs.rest.clone(),
        Arc::clone(&mapping),
        inputs.provision,
        None,
        Arc::clone(&inputs.emit),
    );
    let mut needed: BTreeSet<ObjectId> = natural_objects(&mapping).into_iter().collect();
    for step in &mapping.steps {
        if matches!(step.absent, Absent::Fallback(_)) {
            needed.insert(step.to);
        }
    }
    let shelves = reader.read_objects(&needed, None).await?;
    let resolver = resolver(&mapping, inputs.view.as_ref(), &shelves)?;
    let mut out = Trace {
        schema_version: 1,
        mapping: mapping.name.clone(),
        object: inputs.object.clone(),
        key: inputs.key.clone(),
        ..Trace::default()
    };
    let made = {
        let (mapping, source) = (Arc::clone(&mapping), Arc::clone(&inputs.source));
        let (zone, emit, key) = (
            inputs.zone.clone(),
            Arc::clone(&inputs.emit),
            inputs.key.clone(),
        );
        let place = Arc::clone(&inputs.place);
        let work = move || {
            let made = evaluate::record(
                &mapping,
                &source,
                zone.as_deref(),
                &emit,
                object,
                &key,
                &resolver,
                &place,
                &mut out,
            );
            made.map(|made| (made, out))
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| internal(&e))?
    };
    let (made, mut out) = made?;
    for (id, step) in mapping
        .steps_from(object)
        .filter(|(_, s)| !s.of.is_report())
    {
        let Some(told) = out.steps.iter_mut().find(|s| s.step == step.name) else {
            continue;
        };
        let parts = made.get(&id).map_or(&[][..], Vec::as_slice);
        let ids = match &inputs.view {
            Some(view) => remember(view, &step.name, &inputs.key, parts, told)?,
            None => Vec::new(),
        };
        for (part, id) in ids {
            let one = parts.iter().find(|m| u32::from(m.part) == part);
            let there = look(&inputs, &reader, &mapping, step, one, part, &id).await?;
            told.there.push(there);
        }
    }
    secret::hide(&mut out, |name| {
        let mut all = mapping.destination.objects.iter();
        all.find(|o| o.name == name)
    });
    Ok(out)
}

/// Where records went by the ledger.
fn resolver(
    mapping: &Arc<Mapping>,
    view: Option<&View>,
    shelves: &BTreeMap<ObjectId, Shelf>,
) -> Result<Resolver, RunError> {
    let mut steps: Steps = Vec::new();
    for step in &mapping.steps {
        let mut went: HashMap<String, Went> = HashMap::new();
        if let Some(view) = view {
            view.each_hold(Some(&step.name), |h| {
                went.insert(h.key, Went::Held);
            })
            .map_err(RunError::from)?;
            view.each_record(&step.name, |r| {
                if r.state == RecordState::Confirmed && r.part == 0 {
                    let id = r.dest_id.map(str::to_owned);
                    went.insert(r.key.to_owned(), Went::To(id));
                }
            })
            .map_err(RunError::from)?;
        }
        steps.push(Some(Arc::new(went)));
    }
    let mut natural = HashMap::new();
    for object in natural_objects(mapping) {
        let key = mapping.destination.objects.get(object.ix());
        if let (Some(shelf), Some(key)) = (shelves.get(&object), key.and_then(|o| o.keys.first())) {
            natural.insert(object, shelf.ids_by(&KeyRule::from(key)));
        }
    }
    let fallbacks = (0u16..)
        .map(StepId)
        .zip(&mapping.steps)
        .filter_map(|(id, _)| Some((id, fallback(mapping, shelves, id)?)))
        .collect();
    Ok(Resolver::new(
        Arc::clone(mapping),
        steps,
        natural,
        fallbacks,
    ))
}

/// Codes of holds by what stands at the destination: nothing was sent.
const UNSENT: &[&str] = &["exists", "same_match_key", "not_at_destination", "by_hand"];

/// Reads what the ledger knows. Gives the ids that stand there, by part.
fn remember(
    view: &View,
    step: &str,
    key: &str,
    parts: &[Made],
    told: &mut StepTrace,
) -> Result<Vec<(u32, String)>, RunError> {
    view.each_entry_of(key, |entry, run, at_ms, what| {
        if what.step() != step {
            return;
        }
        told.history.push(Happened {
            entry,
            run,
            at: jiff::Timestamp::from_millisecond(at_ms)
                .map(|t| t.to_string())
                .unwrap_or_default(),
            what: what.kind().to_owned(),
            detail: detail(&what),
        });
    })
    .map_err(RunError::from)?;
    let mut ids = Vec::new();
    let mut known = None;
    view.each_record(step, |r| {
        if r.key != key {
            return;
        }
        if let Some(id) = r.dest_id {
            ids.push((r.part, id.to_owned()));
        }
        if known.is_none() {
            let made = parts.iter().find(|m| u32::from(m.part) == r.part);
            known = Some(Known {
                state: r.state.word().to_owned(),
                origin: r.origin.map(|o| o.word().to_owned()).unwrap_or_default(),
                id: r.dest_id.unwrap_or_default().to_owned(),
                unchanged: made.is_some_and(|m| Some(m.fingerprint) == r.fingerprint),
            });
        }
    })
    .map_err(RunError::from)?;
    told.known = known;
    view.each_hold(Some(step), |h| {
        // Whether a file can be had, and what stands at the destination, only loading tells: the mapping alone takes the
        // record for loaded.
        let file = h.code.starts_with("file_");
        let unsent = file || UNSENT.contains(&h.code.as_str());
        let at_load = file
            || (ids.is_empty() && (unsent || h.code == "in_doubt" || h.kind == HoldKind::Failed));
        if h.key == key && (told.decision.is_empty() || (at_load && told.decision == "loaded")) {
            if unsent {
                told.requests.clear();
                told.fields.iter_mut().for_each(|f| f.sent.clear());
            }
            told.decision = match h.kind {
                HoldKind::Held => "held",
                HoldKind::Failed => "failed",
            }
            .to_owned();
            told.reason = format!("{}: {}", h.code, h.words);
        }
    })
    .map_err(RunError::from)?;
    Ok(ids)
}

/// More about an entry, in words.
pub fn detail(entry: &Entry) -> String {
    match entry {
        Entry::Intended(i) => match &i.chunk {
            Some(chunk) => format!("{} with {chunk}", i.op.word()),
            None => i.op.word().to_owned(),
        },
        Entry::Confirmed {
            dest_id, origin, ..
        } => format!("{} as {dest_id}", origin.word()),
        Entry::FileSent {
            field,
            sha256,
            bytes,
            check,
            why,
            ..
        } => {
            let why = why.as_ref().map_or(String::new(), |w| format!(": {w}"));
            let check = check.word();
            format!("{field} of {bytes} bytes, sha256 {sha256}, {check}{why}")
        }
        Entry::Refused {
            status, reasons, ..
        } => format!("{status}: {}", reasons.join("; ")),
        Entry::InDoubt { why, .. } | Entry::Kept { why, .. } => why.clone(),
        Entry::Held {
            code, field, words, ..
        } => match field {
            Some(field) => format!("{code} ({field}): {words}"),
            None => format!("{code}: {words}"),
        },
        Entry::Merged { into, .. } => format!("into {into}"),
        Entry::RolledBack { dest_id, did, .. } => format!("{} {dest_id}", did.word()),
        Entry::Conflicted {
            field,
            policy,
            ours,
            theirs,
            ..
        } => {
            format!("{field}: source {ours}, destination {theirs}: {policy}")
        }
        _ => String::new(),
    }
}

/// What the destination shows of one part.
async fn look(
    inputs: &Inputs,
    reader: &Reader,
    mapping: &Mapping,
    step: &crate::mapping::Step,
    made: Option<&Made>,
    part: u32,
    id: &str,
) -> Result<There, RunError> {
    let mut there = There {
        part: u16::try_from(part).unwrap_or(u16::MAX),
        id: id.to_owned(),
        ..There::default()
    };
    let Some(object) = mapping.destination.objects.get(step.to.ix()) else {
        return Ok(there);
    };
    let mut shelf = Shelf::new(reader.readers(step.to), Vec::new());
    if object.op(OpKind::Get).is_some() {
        if let Some(record) = inputs.rest.get(step.to, id).await? {
            shelf.add(record);
        }
    } else {
        let parents = made.and_then(|m| m.parent.clone());
        let parents: HashMap<ObjectId, HashSet<String>> = parents
            .into_iter()
            .map(|(object, id)| (object, HashSet::from([id])))
            .collect();
        let mut all = reader
            .read_objects(&BTreeSet::from([step.to]), Some(&parents))
            .await?;
        match all.remove(&step.to) {
            Some(found) if found.unread.is_none() => {
                if let Some(at) = found.position(id) {
                    shelf.add(found.record(at).clone());
                }
            }
            _ => return Ok(there),
        }
    }
    there.found = Some(shelf.count() > 0);
    if let Some(made) = made.filter(|_| shelf.count() > 0) {
        let rules = StepRules::new(mapping, step, reader.readers(step.to));
        let compared = compare(&rules, &made.values, &mut shelf, 0);
        for d in compared.differences {
            let name = rules.fields.get(d.field).map(|f| f.name.clone());
            there.differences.push((
                name.unwrap_or_default(),
                d.expected.to_string(),
                d.there.to_string(),
            ));
        }
    }
    Ok(there)
}
