//! A small migration and its records, made the same way each time.

use std::{fs, path::Path, sync::Arc};
use transload::{
    check,
    ident::{FieldId, ObjectId, StepId},
    mapping::{Mapping, Migration},
    spec::Project,
    transform::{Effect, Hold, Pass, PassOptions, Settled, Sink, Tables, TablesBuilder, needs},
    value::{Cell, CellKind, Page, Value},
};

/// Records of each object.
pub const RECORDS: usize = 4_000;

const OLD: &str = r#"
spec: platform/v1
platform: old
title: Old
checked: "2026-08-20"
connect:
  files: {encoding: utf-8}
objects:
  user:
    rows: {file: users.csv, key: [email]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      email: {type: email, required: true}
      name: {type: text}
  person:
    rows: {file: people.csv, key: [id]}
    fields:
      id: {type: id, required: true, unique: true}
      email: {type: text}
      name: {type: text}
      owner: {type: ref, to: [user]}
      score: {type: decimal}
      count: {type: int}
      vip: {type: bool, truth: {means_true: [t], means_false: [f]}}
      edited: {type: datetime}
      tags: {type: tags, list: {separator: ","}}
      kind: {type: text}
      extra: {type: json_text}
      bio: {type: text}
  note:
    rows: {file: notes.csv, key: [id]}
    fields:
      id: {type: id, required: true, unique: true}
      person: {type: ref, to: [person]}
      written: {type: datetime}
      body: {type: text}
"#;

const NEW: &str = r#"
spec: platform/v1
platform: new
title: New
checked: "2026-08-20"
connect:
  files: {encoding: utf-8}
objects:
  user:
    rows: {file: users.jsonl, key: [id]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      id: {type: id, write: never}
      email: {type: text}
  contact:
    rows: {file: contacts.jsonl, key: [id]}
    fields:
      id: {type: id, required: true}
      email: {type: text}
      name: {type: text}
      text: {type: text}
      amount: {type: decimal}
      number: {type: int}
      flag: {type: bool}
      at: {type: datetime}
      labels: {type: tags}
      owner: {type: ref, to: [user]}
  lead:
    rows: {file: leads.jsonl, key: [id]}
    fields:
      id: {type: id, required: true}
      name: {type: text}
  note:
    rows: {file: notes.jsonl, key: [id]}
    fields:
      id: {type: id, required: true}
      about: {type: ref, to: [contact, lead]}
      body: {type: text}
"#;

/// The value of a field of the n-th record.
fn text_of(object: &str, field: &str, n: usize) -> String {
    // Spreads neighbours without a random number.
    let far = n.wrapping_mul(2_654_435_761) % RECORDS + 1;
    match (object, field) {
        ("user", "email") => format!("owner{}@corp.example", n % 200),
        (_, "id") => (n + 1).to_string(),
        (_, "email") => format!("First.Last{n}@mail.example"),
        (_, "name") => format!("Zoë Łukasz {n}"),
        (_, "owner") => format!("OWNER{}@corp.example", n % 220),
        (_, "score") => format!("{}.{:02}", n % 1000, n % 100),
        (_, "count") => (n % 97).to_string(),
        (_, "vip") => ["t", "f", ""][n % 3].to_owned(),
        (_, "edited" | "written") => format!(
            "2024-{:02}-{:02} 10:{:02}:07",
            n % 12 + 1,
            n % 28 + 1,
            n % 60
        ),
        (_, "tags") => "vip, newsletter,vip,gdpr ok,".to_owned(),
        (_, "kind") => ["new", "Qualified", "Demo scheduled", "won"][n % 4].to_owned(),
        (_, "extra") => format!(
            r#"{{"source": "\u76f4 google", "score": {n}, "browser": {{"name": "F", "v": 1}}}}"#
        ),
        (_, "bio" | "body") => {
            format!("said \"hi\"\nand left number {n} with a text of ordinary length, as notes are")
        }
        (_, "person") => far.to_string(),
        _ => String::new(),
    }
}

/// An object's records as a page with these columns.
pub fn page(mapping: &Mapping, object: ObjectId, columns: &[FieldId]) -> Page {
    let declared = &mapping.source.objects[object.ix()];
    let mut page = Page {
        width: columns.len(),
        ..Page::default()
    };
    let records = if declared.name == "user" {
        200
    } else {
        RECORDS
    };
    for n in 0..records {
        page.lines.push(n as u64 + 2);
        for column in columns {
            let text = text_of(&declared.name, &declared.fields[column.ix()].name, n);
            let kind = if text.is_empty() {
                CellKind::Null
            } else {
                CellKind::Text
            };
            let (start, len) = (page.text.len() as u32, text.len() as u32);
            page.cells.push(Cell { start, len, kind });
            page.text.push_str(&text);
        }
    }
    page
}

/// The people as a CSV file.
pub fn csv() -> String {
    let fields = [
        "id", "email", "name", "owner", "score", "count", "vip", "edited", "tags", "kind", "extra",
        "bio",
    ];
    let mut text = fields.join(",");
    text.push('\n');
    for n in 0..RECORDS {
        for (i, field) in fields.iter().enumerate() {
            let cell = text_of("person", field, n);
            if i > 0 {
                text.push(',');
            }
            if cell.contains([',', '"', '\n']) {
                text.push_str(&format!("\"{}\"", cell.replace('"', "\"\"")));
            } else {
                text.push_str(&cell);
            }
        }
        text.push('\n');
    }
    text
}

/// A checked migration with this body of a mapping; source fields that it does not name are ignored.
pub fn migration(mapping: &str) -> Migration {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("specs/platforms/old.yaml", OLD);
    write("specs/platforms/new.yaml", NEW);
    let head = "spec: mapping/v1\nsource: old\ndestination: new\n";
    write("specs/mappings/old--new.yaml", &format!("{head}{mapping}"));
    write(
        "migration.yaml",
        "spec: migration/v1\nmapping: old--new\nspecs: specs\nsource: {folder: export}\ndestination: {folder: out}\n",
    );
    read(&folder.path().join("migration.yaml"))
}

fn read(path: &Path) -> Migration {
    let project = Project::load(&[path]);
    let (migration, found) = check::check_migration(&project, &project.migrations[0]);
    let all = project
        .diagnostics
        .sorted()
        .into_iter()
        .chain(found.sorted());
    let told: Vec<_> = all.map(|d| &d.message).collect();
    migration.unwrap_or_else(|| panic!("{told:#?}"))
}

/// The tables that a mapping needs.
pub fn tables(mapping: &Arc<Mapping>) -> Arc<Tables> {
    let mut builder = TablesBuilder::new(Arc::clone(mapping), None).unwrap();
    for need in needs(mapping) {
        builder.feed(need.object, &page(mapping, need.object, &need.columns));
    }
    Arc::new(builder.finish().unwrap())
}

/// A pass over an object with all its steps.
pub fn pass(mapping: &Arc<Mapping>, object: &str) -> Pass {
    let (id, _) = mapping.source.object(object).unwrap();
    let steps: Vec<StepId> = mapping.steps_from(id).map(|(s, _)| s).collect();
    let options = PassOptions {
        unprinted: true,
        ..PassOptions::default()
    };
    Pass::build(Arc::clone(mapping), tables(mapping), &steps, &options).unwrap()
}

/// Counts what is said and keeps nothing.
#[derive(Default)]
pub struct Count {
    /// Values that were there.
    pub values: usize,
    /// Holds.
    pub holds: usize,
    /// Records that settled otherwise.
    pub settled: usize,
}

impl Sink for Count {
    fn effect(&mut self, effect: &Effect<'_>) {
        self.values += effect
            .values
            .iter()
            .filter(|v| Value::is_present(v))
            .count();
    }
    fn hold(&mut self, _: &Hold<'_>) {
        self.holds += 1;
    }
    fn settle(&mut self, _: StepId, _: &str, _: u64, _: Settled<'_>) {
        self.settled += 1;
    }
}
