//! Rules on a lowered mapping, one file each.
//!
//! The lowering reports names that name nothing and values that cannot stand where they are put; a rule
//! looks at the whole: what is missing, what contradicts itself, what can never happen.

mod after;
mod choice;
mod coverage;
mod cover;
mod created;
mod fit;
mod matching;
mod pages;
mod policy;
mod report;
mod required;
mod split;
mod unused;
mod value_map;

use super::facts::Facts;
use crate::diag::Diagnostics;

/// A rule looks at the facts and adds findings.
pub type Rule = fn(&Facts<'_>, &mut Diagnostics);

/// Every rule, by the name of its file.
pub const ALL: &[(&str, Rule)] = &[
    ("after", after::rule),
    ("choice", choice::rule),
    ("coverage", coverage::rule),
    ("created", created::rule),
    ("fit", fit::rule),
    ("matching", matching::rule),
    ("pages", pages::rule),
    ("policy", policy::rule),
    ("report", report::rule),
    ("required", required::rule),
    ("split", split::rule),
    ("unused", unused::rule),
    ("value_map", value_map::rule),
];
