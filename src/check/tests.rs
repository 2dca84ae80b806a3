//! The shipped files, lowered: what transform, plan and run can rely on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use super::*;
use crate::{
    diag::Severity,
    mapping::{Input, JoinKind, Op, RefSource, Step},
    value::Type,
};
use std::path::Path;

fn shipped() -> Migration {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/allclients/migration.yaml");
    let project = Project::load(&[path]);
    let (migration, found) = check_migration(&project, &project.migrations[0]);
    let told: Vec<String> = project
        .diagnostics
        .sorted()
        .into_iter()
        .chain(found.sorted())
        .filter(|d| d.severity != Severity::Note)
        .map(|d| {
            let (line, column) = project
                .files
                .line_column(d.primary.span.file, d.primary.span.start);
            format!(
                "{}:{line}:{column} {} {} {:?}",
                project.files.path(d.primary.span.file).display(),
                d.code.id(),
                d.message,
                d.hint
            )
        })
        .collect();
    assert_eq!(told, Vec::<String>::new());
    migration.unwrap()
}

fn step<'m>(migration: &'m Migration, name: &str) -> &'m Step {
    migration
        .mapping
        .steps
        .iter()
        .find(|s| s.name == name)
        .unwrap()
}

fn field<'m>(migration: &'m Migration, step: &'m Step, name: &str) -> &'m crate::mapping::FieldMap {
    let (id, _) = migration.mapping.destination.objects[step.to.ix()]
        .field(name)
        .unwrap();
    step.fields.iter().find(|f| f.to == id).unwrap()
}

#[test]
fn the_shipped_migration_is_whole() {
    let m = shipped();
    assert_eq!(m.mapping.name, "allclients--freshsales");
    assert_eq!(m.tier.as_deref(), Some("growth"));
    let names: Vec<&str> = m.mapping.steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["user", "contact", "note", "task", "template"]);
    for step in &m.mapping.steps {
        assert!(
            step.fields.windows(2).all(|w| w[0].to < w[1].to),
            "{}",
            step.name
        );
        for key in &step.match_keys {
            for (id, at) in &key.pairs {
                assert_eq!(step.fields[*at].to, *id);
            }
        }
    }
}

#[test]
fn stamps_and_custom_columns_become_fields() {
    let m = shipped();
    let contact = step(&m, "contact");
    let gift = field(&m, contact, "cf_gift_idea");
    assert!(gift.automatic);
    assert_eq!(gift.create.as_ref().unwrap().label, "Gift Idea");
    assert_eq!(
        field(&m, contact, "cf_newsletter")
            .create
            .as_ref()
            .unwrap()
            .data_type,
        Type::Bool
    );
    let stamp = field(&m, contact, "cf_allclients_created");
    assert_eq!(stamp.create.as_ref().unwrap().data_type, Type::Text);
    assert!(matches!(stamp.ops.as_slice(), [Op::FormatDate { .. }]));
    assert_eq!(stamp.create.as_ref().unwrap().label, "AllClients Created");
    let (_, column) = m.mapping.source.objects[contact.from.ix()]
        .field("gift_idea")
        .unwrap();
    assert_eq!(column.path, "Gift Idea");
    assert!(column.custom);
}

#[test]
fn references_know_their_way() {
    let m = shipped();
    let (user, _) = m.mapping.source.object("user").unwrap();
    let (contact, _) = m.mapping.source.object("contact").unwrap();
    let owner = field(&m, step(&m, "contact"), "owner");
    assert_eq!(owner.reference, Some(RefSource::SourceKey(vec![user])));
    assert!(owner.needed);
    let note = step(&m, "note");
    assert_eq!(
        field(&m, note, "about").reference,
        Some(RefSource::SourceKey(vec![contact]))
    );
    assert!(matches!(
        field(&m, note, "about").input,
        Input::Join { field: None, .. }
    ));
    assert!(matches!(note.joins[0].kind, JoinKind::One { .. }));
    assert_eq!(note.joins[0].by.len(), 2);
}

#[test]
fn a_user_is_only_recognised() {
    let m = shipped();
    let user = step(&m, "user");
    assert_eq!(user.fields.len(), 1);
    assert!(user.match_keys[0].trim && user.match_keys[0].lower);
}
