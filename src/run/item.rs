//! What a pass hands to the loader: owned, in source order, ready to send.
//!
//! The transform works on borrowed values in its own threads; loading is asynchronous and outlives the
//! page. Here a record becomes its wire bytes, its match keys and little else.

use crate::{
    ident::{ObjectId, StepId},
    mapping::{BlankPolicy, MatchKey, Step},
    platform::{Object, Platform, wire::RecordEncoder},
    run::key::{self, KeyText},
    transform::{Effect, Hold, Settled, Sink},
    value::Value,
};
use std::collections::HashMap;

/// One thing the loader has to deal with.
#[derive(Debug)]
pub enum Item {
    /// A record to load.
    Work(Box<Work>),
    /// A record set aside.
    Hold(HeldRecord),
    /// A reference that was left blank because nothing is there; its record is told beside it.
    Unmatched {
        /// The step.
        step: StepId,
        /// The record's key.
        key: String,
        /// The destination field.
        field: String,
        /// What it named.
        value: String,
    },
    /// A record that this step neither writes nor holds.
    Settle {
        /// The step.
        step: StepId,
        /// The record's key.
        key: String,
        /// Why.
        why: Settlement,
    },
}

impl Item {
    /// The step and the source record it is about.
    pub fn about(&self) -> (StepId, &str) {
        match self {
            Item::Work(w) => (w.step, &w.key),
            Item::Hold(h) => (h.step, &h.key),
            Item::Settle { step, key, .. } | Item::Unmatched { step, key, .. } => (*step, key),
        }
    }
}

/// Why a record is neither written nor held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Another step takes it.
    Routed,
    /// Left out on purpose.
    Dropped(String),
    /// It went into this record.
    Merged(String),
    /// Nothing to write in this pass.
    Skipped,
}

/// A record set aside, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRecord {
    /// The step.
    pub step: StepId,
    /// The record's key.
    pub key: String,
    /// Its line in the file; 0 where there are none.
    pub line: u64,
    /// The hold code.
    pub code: String,
    /// The destination field; may be empty.
    pub field: String,
    /// The value, shortened; may be empty.
    pub value: String,
    /// The reason in words.
    pub words: String,
}

/// A record ready to load, or one part of it.
#[derive(Clone, Debug)]
pub struct Work {
    /// The step.
    pub step: StepId,
    /// The source record's key.
    pub key: String,
    /// Its line in the file; 0 where there are none.
    pub line: u64,
    /// Which part, from 0.
    pub part: u16,
    /// How many parts.
    pub parts: u16,
    /// Fingerprint of its values.
    pub fingerprint: u64,
    /// The wire record as JSON bytes, without an envelope.
    pub body: Vec<u8>,
    /// For each match key of the step its text; `None` where a value is missing.
    pub keys: Vec<Option<KeyText>>,
    /// The parent record, for objects that are listed below their parent.
    pub parent: Option<(ObjectId, String)>,
}

/// Collects what a pass says about one page.
pub struct Collector<'p> {
    steps: &'p HashMap<StepId, StepEncoder>,
    items: Vec<Item>,
}

/// What is needed to turn the values of one step into wire bytes.
pub struct StepEncoder {
    /// The encoder of the step's fields.
    pub encoder: RecordEncoder,
    /// Its match keys.
    pub match_keys: Vec<MatchKey>,
    /// Position in `Step::fields` of the reference to the parent, where the object is listed below one.
    pub parent: Option<usize>,
}

/// The encoder of a step's fields.
pub fn encoder(platform: &Platform, object: &Object, step: &Step) -> RecordEncoder {
    RecordEncoder::new(
        platform,
        step.fields.iter().filter_map(|m| {
            let field = object.fields.get(m.to.ix())?;
            Some((field, m.blank == BlankPolicy::Clear))
        }),
    )
}

impl StepEncoder {
    /// The encoder of a step. `parent_field` is the reference field that names the parent.
    pub fn new(
        step: &Step,
        encoder: RecordEncoder,
        parent_field: Option<crate::ident::FieldId>,
    ) -> Self {
        StepEncoder {
            encoder,
            match_keys: step.match_keys.clone(),
            parent: parent_field.and_then(|f| step.fields.iter().position(|m| m.to == f)),
        }
    }
}

impl<'p> Collector<'p> {
    /// An empty collector.
    pub fn new(steps: &'p HashMap<StepId, StepEncoder>) -> Self {
        Collector {
            steps,
            items: Vec::new(),
        }
    }

    /// What was said, in order.
    pub fn into_items(self) -> Vec<Item> {
        self.items
    }
}

impl Sink for Collector<'_> {
    fn effect(&mut self, e: &Effect<'_>) {
        let Some(step) = self.steps.get(&e.step) else {
            return;
        };
        let mut body = Vec::with_capacity(512);
        step.encoder.append(e.values, &mut body);
        let keys = step
            .match_keys
            .iter()
            .map(|m| key::of_values(m, e.values))
            .collect();
        let parent = step.parent.and_then(|at| match e.values.get(at) {
            Some(Value::Dest(d)) => Some((d.object, d.id.to_owned())),
            _ => None,
        });
        for (field, value) in e.unmatched {
            self.items.push(Item::Unmatched {
                step: e.step,
                key: e.key.to_owned(),
                field: (*field).to_owned(),
                value: (*value).to_owned(),
            });
        }
        self.items.push(Item::Work(Box::new(Work {
            step: e.step,
            key: e.key.to_owned(),
            line: e.line,
            part: e.part,
            parts: e.parts,
            fingerprint: e.fingerprint,
            body,
            keys,
            parent,
        })));
    }

    fn hold(&mut self, h: &Hold<'_>) {
        self.items.push(Item::Hold(HeldRecord {
            step: h.step,
            key: h.key.to_owned(),
            line: h.line,
            code: h.code.to_owned(),
            field: h.field.to_owned(),
            value: h.value.to_owned(),
            words: h.words.to_owned(),
        }));
    }

    fn settle(&mut self, step: StepId, key: &str, _line: u64, why: Settled<'_>) {
        let why = match why {
            Settled::Routed => Settlement::Routed,
            Settled::Dropped(reason) => Settlement::Dropped(reason.to_owned()),
            Settled::Merged { into } => Settlement::Merged(into.to_owned()),
            Settled::Skipped => Settlement::Skipped,
        };
        self.items.push(Item::Settle {
            step,
            key: key.to_owned(),
            why,
        });
    }
}
