//! Policies, each with its closed list of values.

use crate::ident::StepId;

/// What happens to a record that exists at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Bind to it, never write.
    Use,
    /// Write the mapped fields.
    Update,
    /// Hold the record.
    Hold,
    /// Stop the run.
    Fail,
}

/// What happens to a record that does not exist at the destination.
#[derive(Clone, Debug, PartialEq)]
pub enum Absent {
    /// Create it.
    Create,
    /// Hold it (and, through references, whatever needs it).
    Hold,
    /// Stop the run.
    Fail,
    /// References go to the record with this key instead: (position in `Step::match_keys[0].pairs`' order, text or param).
    Fallback(Vec<FallbackKey>),
    /// Create a stand-in with these fields, flagged for an admin.
    Placeholder(Vec<FallbackKey>),
}

/// A field and the value it has in a fallback or placeholder.
#[derive(Clone, Debug, PartialEq)]
pub struct FallbackKey {
    /// Destination field.
    pub field: crate::ident::FieldId,
    /// The value: a literal, or a parameter by position.
    pub value: super::Input,
}

/// What a blank value does to a field that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlankPolicy {
    /// Nothing is sent.
    Skip,
    /// The field is cleared.
    Clear,
}

/// What happens to a field that people changed at the destination since it was written, when it changed at the source,
/// too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflict {
    /// What people wrote stays.
    #[default]
    Keep,
    /// The source wins.
    Overwrite,
    /// The record is held.
    Hold,
}

impl Conflict {
    /// Its word in specs and reports.
    pub fn word(self) -> &'static str {
        match self {
            Conflict::Keep => "keep",
            Conflict::Overwrite => "overwrite",
            Conflict::Hold => "hold",
        }
    }

    /// The policy of that word.
    pub fn read(word: &str) -> Option<Conflict> {
        [Conflict::Keep, Conflict::Overwrite, Conflict::Hold]
            .into_iter()
            .find(|c| c.word() == word)
    }
}

/// What happens when a reference does not resolve or a value is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Hold the record.
    Hold,
    /// Leave the field out.
    Blank,
    /// Drop this record, counted, with the reason.
    SkipRow,
    /// A blank reference goes where references to records that are not there go: to the fallback of the step.
    Fallback,
}

/// What happens to a value that cannot be read, computed or written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBad {
    /// Hold the record.
    #[default]
    Hold,
    /// The value is blank, and counted as lost.
    Blank,
}

/// What the destination's own counts must show before the next batch begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CountGate {
    /// Records that are missing end the run.
    #[default]
    Balanced,
    /// They are told.
    Warn,
    /// The destination is not asked.
    Off,
}

impl CountGate {
    /// The policy of that word.
    pub fn read(word: &str) -> Option<CountGate> {
        match word {
            "balanced" => Some(CountGate::Balanced),
            "warn" => Some(CountGate::Warn),
            "off" => Some(CountGate::Off),
            _ => None,
        }
    }
}

/// What happens with records that the source no longer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// They are listed. Nothing is deleted at the destination.
    #[default]
    Report,
    /// They are not looked for.
    Ignore,
}

/// What a sample must show, as far as the export has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Each row of each split.
    pub splits: bool,
    /// Each row of each value map.
    pub value_maps: bool,
    /// Each guard, and every other reason to hold or leave out.
    pub guards: bool,
    /// Each destination field, and so each type.
    pub types: bool,
    /// Each depth of references.
    pub refs: bool,
}

impl Default for Cover {
    fn default() -> Cover {
        Cover {
            splits: true,
            value_maps: true,
            guards: true,
            types: true,
            refs: true,
        }
    }
}

/// Policies of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Default of `blank:`.
    pub blank: BlankPolicy,
    /// Default of `conflict:`.
    pub conflict: Conflict,
    /// Share of held and failed records of an object above which the run ends with exit 5, in basis points.
    pub errors_max_share: Option<u32>,
    /// The same as a number.
    pub errors_max_count: Option<u64>,
    /// True when both are of all steps together, not of each by itself.
    pub errors_per_run: bool,
    /// What the destination's own counts must show after a batch.
    pub gate: CountGate,
    /// Size of a sample.
    pub sample_size: u32,
    /// Seed of a sample.
    pub sample_seed: u64,
    /// What a sample must show.
    pub sample_cover: Cover,
    /// How many people must approve a sample.
    pub approvals: u32,
    /// Seconds after the end of the load within which a delta is foreseen; `None`: for ever.
    pub delta_seconds: Option<u64>,
    /// Seconds by which changes are asked for further back than the last reading.
    pub delta_overlap_seconds: u64,
    /// What a delta does with records that the source no longer has.
    pub delta_deleted: Deleted,
    /// Seconds after the last load within which it can be undone.
    pub rollback_seconds: u64,
}

impl Policy {
    /// True when so many of the records read may not be held or failed.
    pub fn is_exceeded(&self, bad: u64, read: u64) -> bool {
        let share = self
            .errors_max_share
            .is_some_and(|share| bad * 10_000 > u64::from(share) * read.max(1));
        let count = self.errors_max_count.is_some_and(|max| bad > max);
        share || count
    }

    /// The steps with more held and failed records than is allowed, of steps with their held and failed ones, and those
    /// read.
    pub fn too_many(&self, steps: impl Iterator<Item = (StepId, u64, u64)> + Clone) -> Vec<StepId> {
        let bad = steps.clone().filter(|(_, bad, _)| *bad > 0);
        if self.errors_per_run {
            let (held, read) = steps.fold((0, 0), |(b, r), (_, bad, read)| (b + bad, r + read));
            return match self.is_exceeded(held, read) {
                true => bad.map(|(id, ..)| id).collect(),
                false => Vec::new(),
            };
        }
        bad.filter(|(_, bad, read)| self.is_exceeded(*bad, *read))
            .map(|(id, ..)| id)
            .collect()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            blank: BlankPolicy::Skip,
            conflict: Conflict::default(),
            errors_max_share: Some(5000),
            errors_max_count: None,
            errors_per_run: false,
            gate: CountGate::default(),
            sample_size: 300,
            sample_seed: 7,
            sample_cover: Cover::default(),
            approvals: 1,
            delta_seconds: None,
            delta_overlap_seconds: 600,
            delta_deleted: Deleted::default(),
            rollback_seconds: 14 * 86_400,
        }
    }
}
