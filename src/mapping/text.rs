//! What templates may use: the closed lists of filters and tests.
//!
//! `check` refuses anything else before a run; `transform` gives each its meaning.

/// Filters of `text:` templates.
///
/// `or(text)` for a blank, `date` and `time` for days and instants, `plain` for markup, `map("name")` for a value
/// map; the others as their names say.
pub const FILTERS: &[&str] = &[
    "or", "date", "time", "plain", "map", "join", "trim", "lower", "upper", "squeeze", "first",
    "last", "length", "replace", "reverse", "round", "unique",
];

/// Tests of `text:` templates: `{% if x is present %}`.
pub const TESTS: &[&str] = &["present", "blank", "defined", "even", "odd"];
