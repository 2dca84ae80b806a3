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

/// A mapping of the shipped pair with one field line changed, as parsed.
fn with_line(line: &str) -> Project {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let specs = folder.path().join("specs");
    for sub in ["platforms", "mappings"] {
        std::fs::create_dir_all(specs.join(sub)).unwrap();
    }
    for name in ["platforms/allclients.yaml", "platforms/freshsales.yaml"] {
        std::fs::copy(root.join(name), specs.join(name)).unwrap();
    }
    let name = "mappings/allclients--freshsales.yaml";
    let text = std::fs::read_to_string(root.join(name)).unwrap();
    let changed = text.replace("      city: city\n", line);
    assert_ne!(changed, text);
    std::fs::write(specs.join(name), changed).unwrap();
    Project::load(&[folder.path()])
}

#[test]
fn deep_templates_are_refused_and_do_not_overflow() {
    let deep = [
        ("{% if city is present %}", "{% endif %}", ""),
        ("(", ")", "e"),
        ("[", "]", "e"),
        ("not ", "", "e"),
    ];
    for (open, close, inside) in deep {
        let mut text = format!("{}city{}", open.repeat(20_000), close.repeat(20_000));
        if !inside.is_empty() {
            text = format!("{{{{ {text} }}}}");
        }
        let project = with_line(&format!("      city: {{text: \"{text}\"}}\n"));
        let found = check_project(&project);
        let codes: Vec<&str> = found.sorted().iter().map(|d| d.code.id()).collect();
        assert!(codes.contains(&"E0115"), "{open} {codes:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,60}") {
        for t in token::tokens(&text) {
            assert!(text.get(t.range.clone()).is_some());
        }
        let _ = when::parse(&text);
        let _ = literal::number(&text);
        for data_type in Type::ALL {
            let _ = literal::typed(&text, data_type.1);
        }
    }

    #[test]
    fn faults_of_conditions_lie_within_them(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "a", "b.c", "count(", ")", "(", "[", "]", "[0]", "[1..]", "==", "in", "not", "and",
                "or", "is", "present", "has", "contains", "'x'", "'", "$p", "$", "3", "25MB",
                "2026-08-20", ",", "..", ".", "é", "true", "-", "-1", "99999999999999999999GB",
            ]),
            0..24,
        )
    ) {
        for text in [words.concat(), words.join(" ")] {
            if let Err(fault) = when::parse(&text) {
                assert!(text.get(fault.range).is_some());
            }
        }
    }
}
