//! Proposes a mapping for a pair of platforms that has none: for each source object the destination objects it may
//! become, for each destination field the source fields that may fill it, with a confidence and the reasons.
//!
//! The signals are names (words, abbreviations, synonyms of the trade), types, what references point to, and, where
//! records are at hand, the shape and overlap of their values. Pure: reads no file; a person decides, nothing runs from
//! a proposal.

mod draft;
mod evidence;
mod field;
mod measure;
mod model;
mod object;
mod words;

pub use draft::draft;
pub use evidence::{Evidence, FieldEvidence};
pub use measure::{Measure, Miss, measure};
pub use model::{Candidate, FieldProposal, ObjectProposal, Proposal, SourcePath};

use crate::{ident::ObjectId, platform::Platform};

/// Candidates kept for a field.
const KEPT: usize = 5;

/// Proposes a mapping. `evidence`: what records show, by source object and field; empty without records.
pub fn propose(source: &Platform, destination: &Platform, evidence: &Evidence) -> Proposal {
    let pairs = object::pairs(source, destination);
    let objects = (0u16..)
        .map(ObjectId)
        .zip(&source.objects)
        .map(|(from, object)| ObjectProposal {
            from,
            to: pairs.of(from).to_vec(),
            fields: pairs
                .of(from)
                .iter()
                .map(|(to, _)| fields(source, destination, &pairs, from, *to, evidence))
                .collect(),
            name: object.name.clone(),
        })
        .collect();
    Proposal { objects }
}

/// Proposes the fields of one pair of objects, chosen by a person or taken from a mapping to measure against.
pub fn of_pair(
    source: &Platform,
    destination: &Platform,
    (from, to): (ObjectId, ObjectId),
    evidence: &Evidence,
) -> Vec<FieldProposal> {
    let pairs = object::pairs(source, destination);
    fields(source, destination, &pairs, from, to, evidence)
}

fn fields(
    source: &Platform,
    destination: &Platform,
    pairs: &object::Pairs,
    from: ObjectId,
    to: ObjectId,
    evidence: &Evidence,
) -> Vec<FieldProposal> {
    let scorer = field::Scorer::new(source, destination, pairs, from, to, evidence);
    scorer.all(KEPT)
}
