//! A small migration made of text, its records, and what a pass says about them.

use bumpalo::Bump;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};
use transload::{
    check,
    diag::{Code, Severity},
    ident::{FieldId, ObjectId, StepId},
    mapping::{Mapping, Migration},
    spec::Project,
    transform::{
        Effect, Hold, Pass, Resolution, Resolve, Settled, Sink, Tables, TablesBuilder, needs,
    },
    value::{Cell, CellKind, DestRef, Page, RowFault, Value},
};

/// The platform read in most tests.
pub const OLD: &str = r#"
spec: platform/v1
platform: old
title: Old
checked: "2026-08-20"
connect:
  files: {encoding: utf-8, zone: America/Chicago}
objects:
  user:
    rows: {file: users.csv, key: [email]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      email: {type: email, path: email, required: true}
      name: {type: text, path: name}
  firm:
    rows: {file: firms.csv, key: [id]}
    fields:
      id: {type: id, path: id, required: true, unique: true}
      name: {type: text, path: name}
  person:
    rows: {file: people.csv, key: [id]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      id: {type: id, path: id, required: true, unique: true}
      email: {type: email, path: email}
      name: {type: text, path: name}
      phone: {type: phone, path: phone}
      firm: {type: ref, to: [firm], path: firm}
      owner: {type: ref, to: [user], path: owner}
      boss: {type: ref, to: [person], path: boss}
      score: {type: decimal, path: score}
      count: {type: int, path: count}
      vip: {type: bool, path: vip, truth: {means_true: [t], means_false: [f]}}
      born: {type: date, path: born}
      edited: {type: datetime, path: edited}
      tags: {type: tags, path: tags, list: {separator: ","}}
      kind: {type: text, path: kind}
      grade: {type: enum, path: grade, values: [Gold, Silver]}
      extra: {type: json_text, path: extra}
      bio: {type: html, path: bio}
  note:
    rows: {file: notes.csv, key: [id]}
    fields:
      id: {type: id, path: id, required: true, unique: true}
      person: {type: ref, to: [person], path: person}
      email: {type: email, path: email}
      written: {type: datetime, path: written}
      body: {type: html, path: body}
  visit:
    rows: {file: visits.csv, hash_key: true}
    fields:
      person: {type: ref, to: [person], path: person}
      page: {type: text, path: page}
"#;

/// The platform written in most tests.
pub const NEW: &str = r#"
spec: platform/v1
platform: new
title: New
checked: "2026-08-20"
connect:
  files: {encoding: utf-8}
objects:
  user:
    rows: {file: users.jsonl, format: jsonl, key: [id]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      id: {type: id, path: id, write: never}
      email: {type: email, path: email, required: true}
  account:
    rows: {file: accounts.jsonl, format: jsonl, key: [id]}
    keys: [{by: [name], compare: [trim, lower]}]
    fields:
      id: {type: id, path: id, write: never}
      name: {type: text, path: name}
  contact:
    rows: {file: contacts.jsonl, format: jsonl, key: [id]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      id: {type: id, path: id, write: never}
      email: {type: email, path: email}
      name: {type: text, path: name, max: 20}
      text: {type: text, path: text}
      amount: {type: decimal, path: amount, scale: 2}
      number: {type: int, path: number, min: 0, max: 100}
      flag: {type: bool, path: flag}
      day: {type: date, path: day}
      at: {type: datetime, path: at}
      labels: {type: tags, path: labels}
      choice: {type: enum, path: choice, values: [High, Low]}
      account: {type: ref, to: [account], path: account}
      owner: {type: ref, to: [user], path: owner}
      boss: {type: ref, to: [contact, lead], path: boss}
      code: {type: text, path: code, required: true}
  lead:
    rows: {file: leads.jsonl, format: jsonl, key: [id]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      id: {type: id, path: id, write: never}
      email: {type: email, path: email}
      name: {type: text, path: name}
  note:
    rows: {file: notes.jsonl, format: jsonl, key: [id]}
    fields:
      id: {type: id, path: id, write: never}
      about: {type: ref, to: [contact, lead], path: about, required: true}
      body: {type: text, path: body, max: 400}
"#;

/// What was said about one record by one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An effect: values by field name, only those that are there.
    Effect(BTreeMap<String, String>),
    /// A hold: code and field.
    Hold(String, String),
    /// Sent to other steps.
    Routed,
    /// Left out, with the reason.
    Dropped(String),
    /// Went into another.
    Merged(String),
    /// Nothing to do in the second pass.
    Skipped,
}

/// A record of a step's account.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub step: String,
    pub key: String,
    pub line: u64,
    pub said: Said,
    pub fingerprint: u64,
    pub has_deferred: bool,
    pub part: (u16, u16),
    pub words: String,
}

/// A migration with its records.
pub struct World {
    pub mapping: Arc<Mapping>,
    pub records: BTreeMap<String, Vec<Vec<(String, String)>>>,
    pub bad_rows: BTreeMap<String, u64>,
    pub known: Known,
    /// Rows of a page.
    pub page_rows: usize,
}

/// Answers references: every source record is at the destination as `object/key`, but for those named here.
#[derive(Default)]
pub struct Known {
    pub ids: BTreeMap<(u16, String), String>,
    pub other: BTreeMap<String, &'static str>,
    pub natural: BTreeMap<String, String>,
    pub taken: BTreeSet<String>,
}

impl Resolve for Known {
    fn by_source(
        &self,
        object: ObjectId,
        key: &str,
        _only: &[StepId],
        to: &[ObjectId],
    ) -> Resolution<'_> {
        match self.other.get(key) {
            Some(&"later") => Resolution::Later,
            Some(&"held") => Resolution::Held,
            Some(&"dropped") => Resolution::Dropped,
            Some(_) => Resolution::Unknown,
            None => match self.ids.get(&(object.0, key.to_owned())) {
                Some(id) => Resolution::Found(DestRef { object: to[0], id }),
                None => Resolution::Unknown,
            },
        }
    }

    fn by_natural(&self, object: ObjectId, key: &str) -> Resolution<'_> {
        match self.natural.get(key) {
            Some(id) => Resolution::Found(DestRef { object, id }),
            None => Resolution::Unknown,
        }
    }

    fn tag_taken(&self, _object: ObjectId, tag: &str) -> bool {
        self.taken.contains(tag)
    }
}

/// Reads a migration; every error fails the test.
pub fn load(path: &Path) -> Migration {
    let (migration, found) = read(path);
    let told: Vec<String> = found.iter().map(|(_, words)| words.clone()).collect();
    assert_eq!(told, Vec::<String>::new());
    migration.unwrap()
}

fn read(path: &Path) -> (Option<Migration>, Vec<(Code, String)>) {
    let project = Project::load(&[path]);
    let (migration, found) = check::check_migration(&project, &project.migrations[0]);
    let told = project
        .diagnostics
        .sorted()
        .into_iter()
        .chain(found.sorted());
    // Shapes have tests of their own.
    let told = told
        .filter(|d| d.severity == Severity::Error && d.code != Code::WrongKind)
        .map(|d| {
            let words = format!("{} {} {:?}", d.code.id(), d.message, d.hint);
            (d.code, words)
        });
    (migration, told.collect())
}

/// What the checks ask to be ignored, so that a test names only the fields it is about.
fn ignore(found: &[(Code, String)]) -> String {
    let mut out = String::from("ignore:\n");
    for (code, words) in found {
        let object = |after: &str| {
            let rest = words.split(after).nth(1).unwrap();
            rest.split_whitespace().next().unwrap().to_owned()
        };
        match code {
            Code::UncoveredObject => {
                out.push_str(&format!("  {}: Not of this test\n", object("records of ")));
            }
            Code::Uncovered => {
                out.push_str(&format!("  {}:\n", object(" of ")));
                let list = words.split("ignored: ").nth(1).unwrap();
                let list = list.split(" Some(").next().unwrap();
                for field in list.split(", ") {
                    let field = field.trim().trim_matches('`');
                    out.push_str(&format!("    {field}: Not of this test\n"));
                }
            }
            _ => panic!("{words}"),
        }
    }
    out
}

impl World {
    /// A migration from `old` to `new` with this body of a mapping.
    pub fn new(mapping: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("specs/platforms/old.yaml", OLD);
        write("specs/platforms/new.yaml", NEW);
        let text = format!("spec: mapping/v1\nsource: old\ndestination: new\n{mapping}");
        write("specs/mappings/old--new.yaml", &text);
        write(
            "migration.yaml",
            "spec: migration/v1\nmapping: old--new\nspecs: specs\nsource: {folder: export}\ndestination: {folder: out}\n",
        );
        let path = folder.path().join("migration.yaml");
        if let (None, found) = read(&path) {
            write(
                "specs/mappings/old--new.yaml",
                &format!("{text}{}", ignore(&found)),
            );
        }
        World::of(load(&path).mapping)
    }

    /// A world of a mapping.
    pub fn of(mapping: Arc<Mapping>) -> World {
        World {
            mapping,
            records: BTreeMap::new(),
            bad_rows: BTreeMap::new(),
            known: Known::default(),
            page_rows: 2,
        }
    }

    /// Adds a record.
    pub fn add(&mut self, object: &str, cells: &[(&str, &str)]) -> &mut World {
        let cells = cells.iter();
        self.records.entry(object.to_owned()).or_default().push(
            cells
                .map(|(f, t)| ((*f).to_owned(), (*t).to_owned()))
                .collect(),
        );
        self
    }

    /// Says that a source record is at the destination.
    pub fn is_there(&mut self, object: &str, key: &str) -> &mut World {
        let (id, _) = self.mapping.source.object(object).unwrap();
        self.known
            .ids
            .insert((id.0, key.to_owned()), format!("{object}/{key}"));
        self
    }

    fn step_id(&self, name: &str) -> StepId {
        let at = self.mapping.steps.iter().position(|s| s.name == name);
        StepId(u16::try_from(at.unwrap()).unwrap())
    }

    /// The pages of an object, with these columns.
    pub fn pages(&self, object: ObjectId, columns: &[FieldId]) -> Vec<Page> {
        let declared = &self.mapping.source.objects[object.ix()];
        let none = Vec::new();
        let records = self.records.get(&declared.name).unwrap_or(&none);
        let mut pages = Vec::new();
        for (at, chunk) in records.chunks(self.page_rows).enumerate() {
            let first = at * self.page_rows;
            let mut page = Page {
                width: columns.len(),
                first: first as u64,
                ..Page::default()
            };
            for (row, record) in chunk.iter().enumerate() {
                page.lines.push((first + row + 2) as u64);
                for column in columns {
                    let name = &declared.fields[column.ix()].name;
                    let text = record.iter().find(|(f, _)| f == name);
                    let text = text.map_or("", |(_, t)| t.as_str());
                    page.cells.push(Cell {
                        start: page.text.len() as u32,
                        len: text.len() as u32,
                        kind: if text.is_empty() {
                            CellKind::Null
                        } else {
                            CellKind::Text
                        },
                    });
                    page.text.push_str(text);
                }
            }
            pages.push(page);
        }
        if let Some(bad) = self.bad_rows.get(&declared.name) {
            let faults = (0..*bad).map(|i| RowFault {
                line: 1000 + i,
                raw: "a,b,\"c".to_owned(),
                why: "the quote is not closed".to_owned(),
            });
            pages.push(Page {
                width: columns.len(),
                first: records.len() as u64,
                faults: faults.collect(),
                ..Page::default()
            });
        }
        pages
    }

    /// The tables, fed with what they need.
    pub fn tables(&self) -> Arc<Tables> {
        let mut builder =
            TablesBuilder::new(Arc::clone(&self.mapping), Some("America/Chicago")).unwrap();
        for need in needs(&self.mapping) {
            for page in self.pages(need.object, &need.columns) {
                builder.feed(need.object, &page);
            }
        }
        Arc::new(builder.finish().unwrap())
    }

    /// Everything that is said by the steps of an object.
    pub fn run(&self, object: &str) -> Vec<Entry> {
        self.pass(object, &[], false).0
    }

    /// The same, with deferred fields and for either pass; with the pass for what else it knows.
    pub fn pass(
        &self,
        object: &str,
        deferred: &[(&str, &str)],
        second: bool,
    ) -> (Vec<Entry>, Pass) {
        let (id, _) = self.mapping.source.object(object).unwrap();
        let steps: Vec<StepId> = self.mapping.steps_from(id).map(|(s, _)| s).collect();
        let entries: Vec<(StepId, usize)> = deferred
            .iter()
            .map(|(step, field)| {
                let step = self.step_id(step);
                let step_is = &self.mapping.steps[step.ix()];
                let to = &self.mapping.destination.objects[step_is.to.ix()];
                let (field, _) = to.field(field).unwrap();
                let at = step_is.fields.iter().position(|f| f.to == field);
                (step, at.unwrap())
            })
            .collect();
        let pass = Pass::compile(
            Arc::clone(&self.mapping),
            self.tables(),
            &steps,
            &entries,
            second,
        )
        .unwrap();
        let pages = self.pages(id, pass.columns());
        let keys: Vec<_> = pages.iter().map(|p| pass.keys(p)).collect();
        // Pages may be worked on in any order; the entries are put back in theirs.
        let mut done: Vec<Vec<Entry>> = vec![Vec::new(); pages.len()];
        for at in (0..pages.len()).rev() {
            let mut account = Account {
                mapping: &self.mapping,
                entries: Vec::new(),
            };
            let arena = Bump::new();
            pass.run(&pages[at], &keys[at], &self.known, &arena, &mut account);
            done[at] = account.entries;
        }
        (done.into_iter().flatten().collect(), pass)
    }

    /// What one step says, as (key, said).
    pub fn said(&self, object: &str, step: &str) -> Vec<(String, Said)> {
        let entries = self.run(object).into_iter().filter(|e| e.step == step);
        entries.map(|e| (e.key, e.said)).collect()
    }

    /// The values of the only effect.
    pub fn values(&self, object: &str) -> BTreeMap<String, String> {
        let entries = self.run(object);
        match &entries[..] {
            [
                Entry {
                    said: Said::Effect(values),
                    ..
                },
            ] => values.clone(),
            other => panic!("one effect was expected: {other:#?}"),
        }
    }

    /// The code and the field of the only hold.
    pub fn hold(&self, object: &str) -> (String, String) {
        let entries = self.run(object);
        match &entries[..] {
            [
                Entry {
                    said: Said::Hold(code, field),
                    ..
                },
            ] => (code.clone(), field.clone()),
            other => panic!("one hold was expected: {other:#?}"),
        }
    }
}

struct Account<'m> {
    mapping: &'m Mapping,
    entries: Vec<Entry>,
}

impl Account<'_> {
    fn entry(&mut self, step: StepId, key: &str, line: u64, said: Said) -> &mut Entry {
        self.entries.push(Entry {
            step: self.mapping.steps[step.ix()].name.clone(),
            key: key.to_owned(),
            line,
            said,
            fingerprint: 0,
            has_deferred: false,
            part: (0, 1),
            words: String::new(),
        });
        self.entries.last_mut().unwrap()
    }
}

/// A value as text for comparison.
pub fn shown(value: &Value<'_>) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join("|"))
        }
        Value::Text(t) => (*t).to_owned(),
        Value::Int(i) => i.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Date(d) => d.to_string(),
        Value::DateTime(t) => t.to_string(),
        Value::Dest(d) => format!("->{}", d.id),
        Value::Absent | Value::Blank => String::new(),
        Value::Bad(f) => panic!("a bad value in an effect: {f:?}"),
    }
}

impl Sink for Account<'_> {
    fn effect(&mut self, e: &Effect<'_>) {
        let step = &self.mapping.steps[e.step.ix()];
        let to = &self.mapping.destination.objects[step.to.ix()];
        assert_eq!(e.values.len(), step.fields.len());
        let named = step.fields.iter().zip(e.values);
        let values = named
            .filter(|(_, v)| v.is_present())
            .map(|(f, v)| (to.fields[f.to.ix()].name.clone(), shown(v)));
        let values = values.collect();
        let entry = self.entry(e.step, e.key, e.line, Said::Effect(values));
        entry.fingerprint = e.fingerprint;
        entry.has_deferred = e.has_deferred;
        entry.part = (e.part, e.parts);
    }

    fn hold(&mut self, h: &Hold<'_>) {
        let said = Said::Hold(h.code.to_owned(), h.field.to_owned());
        self.entry(h.step, h.key, h.line, said).words = h.words.to_owned();
    }

    fn settle(&mut self, step: StepId, key: &str, line: u64, why: Settled<'_>) {
        let said = match why {
            Settled::Routed => Said::Routed,
            Settled::Dropped(reason) => Said::Dropped(reason.to_owned()),
            Settled::Merged { into } => Said::Merged(into.to_owned()),
            Settled::Skipped => Said::Skipped,
        };
        self.entry(step, key, line, said);
    }
}
