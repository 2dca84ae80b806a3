//! The example export, made anew and read as a run reads it.

#![expect(clippy::expect_used, reason = "tests")]

#[path = "../examples/generate/pairs/mod.rs"]
mod pairs;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use transload::{
    check,
    connector::{
        ExtractError,
        files::{self, Overrides, RowCount},
        text::Limits,
    },
    diag::{Diagnostics, FileId},
    ident::FieldId,
    platform::Platform,
    spec::yaml,
    value::{CellKind, Page, RowFault},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn export() -> PathBuf {
    root().join("examples/allclients/export")
}

fn platform() -> Platform {
    let path = root().join("specs/platforms/allclients.yaml");
    let text = std::fs::read_to_string(path).expect("the platform file");
    let mut diags = Diagnostics::default();
    let tree = yaml::parse(FileId(0), &text, &mut diags).expect("a tree");
    check::platform::lower(&tree.root, &mut diags).expect("a platform")
}

/// An object's table: rows of (kind, text), lines, faults.
#[derive(Debug, Default, PartialEq)]
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<(CellKind, String)>>,
    lines: Vec<u64>,
    faults: Vec<RowFault>,
    unknown: Vec<String>,
    encoding: &'static str,
}

impl Table {
    fn column(&self, name: &str) -> Vec<&str> {
        let at = self.names.iter().position(|n| n == name).expect("a column");
        self.rows.iter().map(|r| r[at].1.as_str()).collect()
    }

    /// The row whose first key column holds this.
    fn row(&self, id: &str) -> BTreeMap<&str, &str> {
        let at = self
            .column("id")
            .iter()
            .position(|i| *i == id)
            .expect("a row");
        let cells = self.rows[at].iter().map(|(_, t)| t.as_str());
        self.names.iter().map(String::as_str).zip(cells).collect()
    }
}

fn read(platform: &Platform, object: &str, folder: &Path, overrides: &Overrides) -> Table {
    let (id, object) = platform.object(object).expect("an object");
    let columns: Vec<FieldId> = (0..object.fields.len())
        .map(|n| FieldId(u16::try_from(n).expect("few fields")))
        .collect();
    let mut rows = files::open(platform, id, folder, &columns, overrides).expect("it opens");
    let mut table = Table {
        names: object.fields.iter().map(|f| f.name.clone()).collect(),
        unknown: rows.unknown_columns(),
        ..Table::default()
    };
    assert_eq!(rows.missing_columns(), Vec::<usize>::new());
    while let Some(page) = rows.next_page().expect("it reads") {
        assert_eq!(page.first, table.rows.len() as u64);
        add(&page, &mut table);
        rows.recycle(page);
    }
    table.encoding = rows.encoding();
    table
}

fn add(page: &Page, table: &mut Table) {
    for row in 0..page.rows() {
        let cell = |c| {
            let (kind, text) = page.cell(row, c);
            (kind, text.to_owned())
        };
        table.rows.push((0..page.width).map(cell).collect());
    }
    table.lines.extend(&page.lines);
    table.faults.extend(page.faults.iter().cloned());
}

fn plain(object: &str) -> Table {
    read(&platform(), object, &export(), &Overrides::default())
}

#[test]
fn the_committed_export_is_what_the_generator_makes() {
    let made = pairs::export(pairs::NAMES[0], 320, 7);
    assert_eq!(made.len(), 13);
    for (name, bytes) in &made {
        let committed = std::fs::read(export().join(name)).expect(name);
        assert!(
            committed == *bytes,
            "{name} differs: run `cargo run --example generate -- allclients --contacts 320 --seed 7 --out examples/allclients/export`"
        );
    }
    assert!(pairs::export("nobody", 320, 7).is_empty());
    assert_ne!(pairs::export("allclients", 320, 8)[0].1, made[0].1);
}

#[test]
fn contacts_are_read_whole() {
    let contacts = plain("contact");
    assert_eq!((contacts.rows.len(), contacts.faults.len()), (316, 4));
    assert_eq!(contacts.encoding, "UTF-8");
    assert_eq!(
        contacts.unknown,
        [
            "Gift Idea",
            "Policies",
            "Renewal Date",
            "Client Type",
            "Newsletter"
        ]
    );
    // Duplicates in other letter case, with gaps to fill.
    let (older, newer) = (contacts.row("10004"), contacts.row("10006"));
    assert_ne!(older["email"], newer["email"]);
    assert_eq!(older["email"], newer["email"].to_lowercase());
    assert_eq!((older["company"], newer["company"]), ("Example Bakery", ""));
    let three: Vec<String> = ["10014", "10015", "10016"]
        .iter()
        .map(|id| contacts.row(id)["email"].trim().to_lowercase())
        .collect();
    assert!(three.iter().all(|e| *e == three[0]));
    assert_eq!(contacts.row("10021")["email"], "");
    assert_eq!(contacts.row("10042")["first_name"], "Ирина");
    assert_eq!(contacts.row("10053")["address"], "12 Oak Street\nApt \"B\"");
    assert_eq!(contacts.row("10058")["company"], "=1+1");
    assert!(
        contacts
            .column("tags")
            .iter()
            .any(|t| t.split(',').any(|t| t.trim().chars().count() > 40))
    );
    assert!(
        contacts
            .column("groups")
            .iter()
            .any(|g| g.split(',').count() > 3)
    );
    // The broken rows keep their lines: one cell short, and one without quotes.
    let faults: Vec<(u64, bool)> = contacts
        .faults
        .iter()
        .map(|f| {
            (
                f.line,
                f.raw.starts_with("10081") || f.raw.contains("Sample, Sample and Sample"),
            )
        })
        .collect();
    assert_eq!(faults[..2], [(83, true), (84, true)]);
    assert!(
        contacts.faults[0]
            .why
            .contains("has 27 cells where the header has 30")
    );
}

#[test]
fn notes_keep_their_line_breaks_and_quotes() {
    let notes = plain("note");
    assert_eq!((notes.rows.len(), notes.faults.len()), (384, 0));
    let first = notes.row("50001");
    assert!(first["body"].contains("Said: \"call me\r\nafter lunch\""));
    assert!(first["body"].contains("terms</li>\n  <li>\"as is\""));
    assert_eq!((notes.lines[0], notes.lines[1]), (2, 9));
    assert_eq!(notes.row("50002")["contact_email"], "");
    assert_eq!(notes.row("50003")["contact_id"], "");
    assert_eq!(notes.row("50005")["contact_id"], "999999");
    assert!(notes.row("50011")["body"].len() > 16_000);
    // Some name contacts that the export lacks, and each that names one by address alone is there or not.
    let contacts = plain("contact");
    let known: Vec<String> = contacts
        .column("email")
        .iter()
        .map(|e| e.trim().to_lowercase())
        .collect();
    let orphans = notes
        .rows
        .iter()
        .filter(|r| r[1].1.is_empty() && !known.contains(&r[2].1.to_lowercase()))
        .count();
    assert_eq!(orphans, 10);
}

#[test]
fn users_and_tasks_are_read_in_their_own_encodings() {
    let users = plain("user");
    assert_eq!(users.encoding, "windows-1252");
    assert_eq!(users.rows.len(), 9);
    let names = users.column("name");
    assert!(names.contains(&"Zoë Müller") && names.contains(&"José Peña"));
    assert!(names.contains(&"Okafor, Tom \"T.J.\""));
    let tasks = plain("task");
    assert_eq!((tasks.rows.len(), tasks.faults.len()), (156, 4));
    assert_eq!(tasks.row("70001")["title"].chars().count(), 50);
    assert_eq!(tasks.row("70002")["due"], "");
    assert_eq!(tasks.row("70014")["due"], "02/30/2024");
    let mut statuses = tasks.column("status");
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, ["Closed", "closed", "open", "waiting"]);
}

#[test]
fn cells_that_name_files_hold_their_texts() {
    let templates = plain("template");
    let html = templates.column("html");
    assert_eq!(templates.rows.len(), 9);
    assert!(html[0].contains("https://img.example.com/logo.png?w=200&amp;v=2"));
    assert!(html[1].contains("data:image/png;base64,"));
    assert_eq!(html[6], "<p>Join us at the café – free entry</p>\n");
    assert!(html[7].contains("Spring"));
    let lost = templates.rows[8].last().expect("cells");
    assert_eq!(
        *lost,
        (CellKind::NoFile, "lost.html (no such file)".to_owned())
    );
}

#[test]
fn small_pages_hold_the_same_rows() {
    let platform = platform();
    for object in ["contact", "note", "task", "user", "template"] {
        let small = Overrides {
            limits: Limits {
                block: 64,
                row: 1 << 20,
            },
            ..Overrides::default()
        };
        assert_eq!(
            read(&platform, object, &export(), &small),
            read(&platform, object, &export(), &Overrides::default()),
        );
    }
}

#[test]
fn rows_are_counted() {
    let platform = platform();
    let count = |object: &str| {
        let (id, _) = platform.object(object).expect("an object");
        files::count_rows(&platform, id, &export(), &Overrides::default()).expect("a count")
    };
    let exact = |rows| RowCount { rows, exact: true };
    assert_eq!(count("contact"), exact(320));
    assert_eq!(count("note"), exact(384));
    assert_eq!(count("task"), exact(160));
}

#[test]
fn what_is_not_there_is_named() {
    let mut platform = platform();
    let (id, _) = platform.object("note").expect("an object");
    let columns = [FieldId(0)];
    let open = |platform: &Platform, folder: &Path| {
        files::open(platform, id, folder, &columns, &Overrides::default()).map(|_| ())
    };
    assert!(matches!(
        open(&platform, &root().join("none")),
        Err(ExtractError::Missing { .. })
    ));
    let empty = tempfile::tempdir().expect("a folder");
    let error = open(&platform, empty.path()).expect_err("no file");
    assert!(error.to_string().ends_with("Notes.csv"), "{error}");
    std::fs::write(empty.path().join("Notes.csv"), "Number,Note\n1,a\n").expect("a file");
    let error = open(&platform, empty.path())
        .expect_err("no column")
        .to_string();
    assert!(
        error.ends_with("the column \"NoteID\" is missing; there are Number, Note"),
        "{error}"
    );
    if let Some(rows) = &mut platform.objects[id.ix()].rows {
        rows.file = "../Notes.csv".to_owned();
    }
    let error = open(&platform, &export()).expect_err("outside").to_string();
    assert!(
        error.contains("does not lie in the export folder"),
        "{error}"
    );
    if let Some(rows) = &mut platform.objects[id.ix()].rows {
        (rows.file, rows.format) = ("Notes.csv".to_owned(), "xlsx".to_owned());
    }
    let error = open(&platform, &export())
        .expect_err("text is no workbook")
        .to_string();
    assert!(
        error.contains("is no workbook of the kind .xlsx"),
        "{error}"
    );
}
