//! What an extract holds: objects, records, and since when.

use serde::Serialize;

/// An extract.
#[derive(Debug, Serialize)]
pub struct ExtractReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// The account it was read from.
    pub account: String,
    /// Where it is kept.
    pub folder: String,
    /// When reading it began.
    pub began: String,
    /// Its objects by name.
    pub objects: Vec<ObjectRows>,
}

/// One object of an extract.
#[derive(Debug, Serialize)]
pub struct ObjectRows {
    /// The object.
    pub object: String,
    /// Records.
    pub records: u64,
    /// Records that came more than once, left out.
    pub twice: u64,
    /// Length of its file.
    pub bytes: u64,
    /// When its last record was read.
    pub read: String,
}

/// For people.
pub fn render_text(report: &ExtractReport) -> String {
    let width = report
        .objects
        .iter()
        .map(|o| o.object.chars().count())
        .max()
        .unwrap_or(0);
    let mut out = format!("{}\n", report.account);
    for object in &report.objects {
        out.push_str(&format!(
            "  {:<width$} {:>9} records  read {}\n",
            object.object, object.records, object.read
        ));
    }
    out.push_str(&format!("kept in {}\n", report.folder));
    out
}

/// For machines.
pub fn render_json(report: &ExtractReport) -> String {
    serde_json::to_string_pretty(report).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_stand_below_each_other() {
        let row = |object: &str, records| ObjectRows {
            object: object.to_owned(),
            records,
            twice: 0,
            bytes: 1,
            read: "2026-01-01T00:00:00Z".to_owned(),
        };
        let text = render_text(&ExtractReport {
            schema_version: 1,
            account: "shop at https://shop.example".to_owned(),
            folder: ".transload/extracts".to_owned(),
            began: "2026-01-01T00:00:00Z".to_owned(),
            objects: vec![row("deal", 7), row("person", 120)],
        });
        assert_eq!(
            text,
            "shop at https://shop.example\n  \
             deal           7 records  read 2026-01-01T00:00:00Z\n  \
             person       120 records  read 2026-01-01T00:00:00Z\n\
             kept in .transload/extracts\n"
        );
    }
}
