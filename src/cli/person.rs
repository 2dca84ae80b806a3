//! Who answers for a step: the name given with `--by`, else the one the environment has. Does not check that it is theirs.

use super::exit::{Exit, Failure};

/// The name that stands behind a decision or an approval.
///
/// # Errors
/// When there is none; `nobody` is what is said then.
pub fn named(by: Option<&str>, nobody: &str) -> Result<String, Failure> {
    let named = by.map(str::to_owned).or_else(|| {
        ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    });
    named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Failure::new(Exit::Usage, nobody).hint("add `--by NAME`"))
}
