//! The committed example exports are what the generator makes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "../examples/generate/pairs/mod.rs"]
mod pairs;

use std::path::{Path, PathBuf};

#[test]
fn committed_exports_are_what_the_generator_makes() {
    for name in pairs::NAMES {
        let export = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}/export"));
        let made = pairs::export(name, 320, 7);
        assert!(!made.is_empty(), "{name}");
        for (file, bytes) in &made {
            let committed =
                std::fs::read(export.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert!(
                committed == *bytes,
                "{file} differs: run `cargo run --example generate -- {name} --contacts 320 --seed 7 --out examples/{name}/export`"
            );
        }
        let committed = files(&export);
        assert_eq!(committed.len(), made.len(), "{name}: {committed:?}");
        assert_ne!(pairs::export(name, 320, 8), made, "the seed matters");
    }
    assert!(pairs::export("nobody", 320, 7).is_empty());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}
