//! A sheet of decisions as JSON: a list of rows, each with the columns as members. Programs fill it in.

use super::read::Table;
use crate::cli::exit::{Exit, Failure};
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Map, Value};
use std::path::Path;

/// True when the file's name says that it is JSON.
pub fn is_named(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("json"))
}

/// True when it begins like a list or an object, as no sheet of another kind does.
pub fn is_meant(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    matches!(first, Some(b'[' | b'{'))
}

/// The rows as cells, each with its line; the names of all members first. Empty when there is no row.
///
/// # Errors
/// When it is no JSON, no list of rows, or a row has a member that is no text.
pub fn table(path: &Path, text: &str) -> Result<Table, Failure> {
    let wrong = |line: u64, why: String| {
        Failure::new(Exit::Usage, format!("{}:{line}: {why}", path.display()))
            .hint("a list of rows as `transload holds export --out FILE.json` writes it")
    };
    // Its message names what was expected, line and column, and nothing of the content.
    let all: Value = serde_json::from_str(text)
        .map_err(|e| wrong(e.line() as u64, format!("the sheet is no JSON: {e}")))?;
    let Value::Array(all) = all else {
        return Err(wrong(1, "the sheet is no list of rows".to_owned()));
    };
    let lines = lines(text);
    let mut rows: Vec<(u64, Map<String, Value>)> = Vec::with_capacity(all.len());
    let mut header: Vec<String> = Vec::new();
    for (at, row) in all.into_iter().enumerate() {
        let line = lines.get(at).copied().unwrap_or(1);
        let Value::Object(row) = row else {
            return Err(wrong(line, "this is no row".to_owned()));
        };
        for name in row.keys() {
            if !header.contains(name) {
                header.push(name.clone());
            }
        }
        rows.push((line, row));
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut table = vec![(1, header.clone())];
    for (line, row) in rows {
        let mut cells = Vec::with_capacity(header.len());
        for name in &header {
            cells.push(match row.get(name) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Bool(truth)) => truth.to_string(),
                Some(Value::Array(_) | Value::Object(_)) => {
                    let name = crate::report::mask::shortened(name);
                    return Err(wrong(line, format!("`{name}` of the row is no text")));
                }
            });
        }
        table.push((line, cells));
    }
    Ok(table)
}

/// The line at which each row of a list begins.
fn lines(text: &str) -> Vec<u64> {
    let mut all = Vec::new();
    let mut line = 1;
    let mut counted = 0;
    let mut at = text.find('[').map_or(text.len(), |at| at + 1);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let row = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        at += rest.len() - row.len();
        let between = text.get(counted..at).unwrap_or_default();
        line += between.bytes().filter(|b| *b == b'\n').count() as u64;
        counted = at;
        let mut stream = Deserializer::from_str(row).into_iter::<IgnoredAny>();
        match stream.next() {
            Some(Ok(_)) => all.push(line),
            _ => return all,
        }
        at += stream.byte_offset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_their_lines_and_what_is_no_sheet_shows_nothing_of_itself() {
        let read = |text: &str| table(Path::new("h.json"), text);
        let rows =
            read("[\n  {\"a\": \"x\\n]\",\n   \"b\": 7},\n\n  {\"c\": null}, {\"a\": true}\n]\n");
        let row = |line: u64, cells: [&str; 3]| (line, cells.map(str::to_owned).to_vec());
        assert_eq!(
            rows.ok(),
            Some(vec![
                row(1, ["a", "b", "c"]),
                row(2, ["x\n]", "7", ""]),
                row(5, ["", "", ""]),
                row(5, ["true", "", ""]),
            ])
        );
        assert_eq!(read("[]").ok(), Some(Vec::new()));
        for text in [
            "{\"key\": \"secret\"}",
            "[\"secret\"]",
            "[{\"key\": [\"secret\"]}]",
            "[{\"key\": \"secret\"",
            "secret",
        ] {
            let told = read(text).err().map(|e| format!("{e:?}"));
            assert!(told.is_some_and(|t| !t.contains("secret")), "{text}");
        }
    }
}
