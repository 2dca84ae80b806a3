//! The sheet of holds as a person works on it: exported, filled in, taken back.

use super::{Example, csv_rows, transload};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

/// A row by its columns.
pub type Row = BTreeMap<String, String>;

/// What is filled in: step, key, field, decision, new value, note.
pub type Decision<'d> = (&'d str, &'d str, &'d str, &'d str, &'d str, &'d str);

/// The sheet of an example.
pub fn path(example: &Example) -> PathBuf {
    example.folder.path().join("holds.csv")
}

/// `transload holds ACTION` in the example's folder.
pub fn holds(example: &Example, action: &str, args: &[&str]) -> Output {
    let mut command = transload();
    command
        .args(["holds", action, "migration.yaml"])
        .args(args)
        .current_dir(example.folder.path());
    command.output().expect("it runs")
}

/// Exports the sheet and gives its rows.
pub fn export(example: &Example) -> Vec<Row> {
    let output = holds(example, "export", &["--out", "holds.csv"]);
    assert!(output.status.success(), "{output:?}");
    let bytes = fs::read(path(example)).expect("a sheet");
    assert!(bytes.starts_with(b"\xef\xbb\xbf"));
    csv_rows(&path(example))
}

/// Writes a sheet with the columns in another order: spreadsheets move them.
pub fn write(path: &Path, rows: &[Row]) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header: Vec<&String> = rows[0].keys().collect();
    writer.write_record(&header).expect("a header");
    for row in rows {
        writer
            .write_record(
                header
                    .iter()
                    .map(|c| row.get(*c).map_or("", String::as_str)),
            )
            .expect("a row");
    }
    fs::write(path, writer.into_inner().expect("bytes")).expect("a sheet");
}

/// Exports, fills in, and writes the sheet anew. Where it has no such row, one of one's own is added.
pub fn decide(example: &Example, decisions: &[Decision<'_>]) {
    let mut rows = export(example);
    for (step, key, field, decision, value, note) in decisions {
        let is = |r: &&mut Row| r["step"] == *step && r["key"] == *key && r["field"] == *field;
        if !rows.iter_mut().any(|r| is(&r)) {
            let mut row: Row = rows[0].keys().map(|k| (k.clone(), String::new())).collect();
            for (column, text) in [("step", step), ("key", key), ("field", field)] {
                row.insert(column.to_owned(), (*text).to_owned());
            }
            rows.push(row);
        }
        let row = rows.iter_mut().find(is).expect("a row");
        for (column, text) in [("decision", decision), ("new_value", value), ("note", note)] {
            row.insert(column.to_owned(), (*text).to_owned());
        }
    }
    write(&path(example), &rows);
}

/// Takes the sheet back; gives what is said.
pub fn import(example: &Example) -> String {
    let output = holds(example, "import", &["holds.csv", "--by", "Kim Ortega"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Tries held records again.
pub fn retry(example: &Example, more: &[&str]) -> Output {
    let mut args = vec!["--auto-approve", "--provision", "--format", "json"];
    args.extend(more);
    holds(example, "retry", &args)
}

/// How often the ledger says that a record is held.
pub fn told(example: &Example) -> usize {
    let output = transload()
        .args(["audit", "export", "--format", "csv"])
        .arg(example.migration())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|l| l.contains(",held,")).count()
}
