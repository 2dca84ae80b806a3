//! Spec files: from YAML on disk to findings.

use divan::{Bencher, counter::ItemsCount};
use std::path::{Path, PathBuf};
use transload::{check, diag::Severity, plan, spec::Project};

fn shipped() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    vec![root.join("specs"), root.join("examples")]
}

/// What `transload validate specs/ examples/` does, without starting a process.
#[divan::bench(sample_count = 20)]
fn yaml_check(bencher: Bencher<'_, '_>) {
    let paths = shipped();
    let files = Project::load(&paths).specs().count();
    bencher.counter(ItemsCount::new(files)).bench_local(|| {
        let project = Project::load(&paths);
        let found = check::check_project(&project);
        assert_eq!(found.count(Severity::Error), 0);
        found
    });
}

/// Reading alone: YAML to trees held against their shapes.
#[divan::bench(sample_count = 20)]
fn yaml_read(bencher: Bencher<'_, '_>) {
    let paths = shipped();
    let files = Project::load(&paths).specs().count();
    bencher
        .counter(ItemsCount::new(files))
        .bench_local(|| Project::load(&paths).specs().count());
}

/// The plan of the largest example.
#[divan::bench(sample_count = 20)]
fn plan_compile(bencher: Bencher<'_, '_>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/allclients/migration.yaml");
    let project = Project::load(&[path]);
    let (migration, _) = check::check_migration(&project, &project.migrations[0]);
    let mapping = migration.expect("the example is sound").mapping;
    bencher.bench_local(|| {
        plan::compile(mapping.clone())
            .expect("a plan")
            .batches
            .len()
    });
}
