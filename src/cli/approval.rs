//! What an approval is bound to: the parts of the spec, the schema lock, the sample, the engine.

use super::load::Loaded;
use crate::plan::{self, Parts};
use std::path::{Path, PathBuf};

/// The file of the last sample.
pub fn sample_path(state: &Path) -> PathBuf {
    state.join("sample.json")
}

/// The hashes of the spec, and the version of the engine.
pub fn spec_parts(loaded: &Loaded) -> Parts {
    let mut parts = plan::parts::of(&loaded.plan, &loaded.migration);
    parts.insert("engine".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    parts
}
