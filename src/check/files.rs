//! Files that a migration reads objects from, instead of those of the platform file.

use crate::{
    diag::{Code, Diagnostic, Diagnostics},
    platform::{Platform, Rows},
    spec::Node,
};

/// Puts the files of `source: {files: …}` into the source platform.
pub fn instead(root: &Node, platform: &mut Platform, out: &mut Diagnostics) {
    let Some(source) = root.get("source") else {
        return;
    };
    for entry in source.get_entries("files") {
        let names: Vec<String> = platform
            .objects
            .iter()
            .filter(|o| o.rows.is_some())
            .map(|o| o.name.clone())
            .collect();
        let rows = platform
            .objects
            .iter_mut()
            .find(|o| o.name == entry.key)
            .and_then(|o| o.rows.as_mut());
        let Some(rows) = rows else {
            out.push(
                Diagnostic::new(
                    Code::UnknownObject,
                    entry.key_span,
                    format!(
                        "{} reads no object `{}` from a file",
                        platform.title, entry.key
                    ),
                )
                .did_you_mean(&entry.key, names.iter().map(String::as_str)),
            );
            continue;
        };
        let Some(file) = entry.value.get("file") else {
            continue;
        };
        let name = file.text().unwrap_or_default();
        let said = entry.value.get_text("format").map(str::to_owned);
        let Some(format) = said.or_else(|| Rows::format_of(name).map(str::to_owned)) else {
            out.push(
                Diagnostic::new(
                    Code::PlatformRows,
                    file.span,
                    format!("the name `{name}` does not show the format"),
                )
                .hint("add `format: csv`, `jsonl` or `xlsx`"),
            );
            continue;
        };
        if let Some(sheet) = entry.value.entry("sheet")
            && format != "xlsx"
        {
            out.push(Diagnostic::new(
                Code::PlatformRows,
                sheet.key_span,
                format!("a {format} file has no sheets"),
            ));
        }
        rows.file = name.to_owned();
        rows.format = format;
        rows.sheet = entry.value.get_text("sheet").map(str::to_owned);
    }
}
