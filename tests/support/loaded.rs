//! An example that was loaded once, and copies of it and of its account for tests that begin where the load ended:
//! copying takes milliseconds where loading takes seconds.

use super::{Example, Sandbox, root};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A loaded example and its account, at rest.
pub struct Loaded {
    folder: tempfile::TempDir,
    base: String,
    tier: String,
    /// What the account held before, as dumped.
    pub before: Value,
}

impl Loaded {
    /// Loads `examples/NAME` into an account of that tier.
    pub fn run(name: &str, tier: &str) -> Loaded {
        Loaded::run_with(name, tier, |_| {})
    }

    /// The same after a change to the example.
    pub fn run_with(name: &str, tier: &str, change: impl FnOnce(&Example)) -> Loaded {
        // Tests of one binary share it, so that nobody removes it: it stands where builds are cleaned.
        let folder = tempfile::Builder::new()
            .prefix("loaded-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("a folder");
        let seed = root().join(format!("examples/{name}/sandbox.yaml"));
        let data = folder.path().join("account.sqlite");
        let sandbox = Sandbox::start(
            "freshsales.yaml",
            &[
                "--seed",
                seed.to_str().expect("path"),
                "--tier",
                tier,
                "--calls-per-minute",
                "0",
                "--data",
                data.to_str().expect("path"),
            ],
        );
        let before = sandbox.admin_get("/dump");
        let example = Example::against(name, &sandbox);
        change(&example);
        example.run();
        copy_all(example.folder.path(), &folder.path().join("example"));
        let base = sandbox.base.clone();
        sandbox.stop();
        Loaded {
            folder,
            base,
            tier: tier.to_owned(),
            before,
        }
    }

    /// An account and an example of one's own, as they were when the load had ended.
    pub fn copy(&self) -> (Sandbox, Example) {
        let folder = tempfile::tempdir().expect("a folder");
        copy_all(&self.folder.path().join("example"), folder.path());
        let data = folder.path().join("account.sqlite");
        for end in ["", "-wal"] {
            let from = self.folder.path().join(format!("account.sqlite{end}"));
            if from.is_file() {
                fs::copy(&from, format!("{}{end}", data.display())).expect("a copy");
            }
        }
        let sandbox = Sandbox::start(
            "freshsales.yaml",
            &[
                "--tier",
                &self.tier,
                "--calls-per-minute",
                "0",
                "--data",
                data.to_str().expect("path"),
            ],
        );
        let example = Example { folder };
        example.edit(|text| text.replace(&self.base, &sandbox.base));
        (sandbox, example)
    }
}

/// Copies a folder with everything in it.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy_all(&path, &target),
            false => {
                fs::copy(&path, &target).expect("a copy");
            }
        }
    }
}
