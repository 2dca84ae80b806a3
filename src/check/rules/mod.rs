//! Rules on a lowered mapping, one file each.

use super::facts::Facts;
use crate::diag::Diagnostics;

/// A rule looks at the facts and adds findings.
pub type Rule = fn(&Facts<'_>, &mut Diagnostics);

/// Every rule, by the name of its file.
pub const ALL: &[(&str, Rule)] = &[];
