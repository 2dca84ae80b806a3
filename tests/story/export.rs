//! Edits of an export file as a person at the source would make them: cell by cell, everything else byte by byte as it was.

use super::tale::Pair;
use std::{collections::BTreeMap, fs, path::Path};

/// A file of plain rows to edit. Rows with quotes, and rows of another length than the header, are left alone.
pub struct Sheet {
    lines: Vec<String>,
    header: Vec<String>,
    delimiter: char,
    ending: &'static str,
}

impl Sheet {
    pub fn read(path: &Path, delimiter: char) -> Sheet {
        let text = crate::support::text_of(path);
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let lines: Vec<String> = text.split(ending).map(str::to_owned).collect();
        let header = lines[0].split(delimiter).map(str::to_owned).collect();
        Sheet {
            lines,
            header,
            delimiter,
            ending,
        }
    }

    fn column(&self, name: &str) -> usize {
        let found = self.header.iter().position(|h| h == name);
        found.unwrap_or_else(|| panic!("no column {name} in {:?}", self.header))
    }

    /// Plain rows whose e-mail stands in no other row: line, id, e-mail.
    pub fn plain_rows(&self, pair: &Pair) -> Vec<(usize, String, String)> {
        let (id, email) = (self.column(pair.id), self.column(pair.email));
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        let mut rows = Vec::new();
        for (line, text) in self.lines.iter().enumerate().skip(1) {
            let cells: Vec<&str> = text.split(self.delimiter).collect();
            if let Some(address) = cells.get(email) {
                *times.entry(address.trim().to_lowercase()).or_default() += 1;
            }
            if !text.contains('"') && cells.len() == self.header.len() && cells[email].contains('@')
            {
                rows.push((
                    line,
                    cells[id].to_owned(),
                    cells[email].trim().to_lowercase(),
                ));
            }
        }
        rows.retain(|(_, _, address)| times[address] == 1);
        rows
    }

    pub fn set(&mut self, line: usize, column: &str, value: &str) {
        let at = self.column(column);
        let mut cells: Vec<String> = self.lines[line]
            .split(self.delimiter)
            .map(str::to_owned)
            .collect();
        value.clone_into(&mut cells[at]);
        self.lines[line] = cells.join(&self.delimiter.to_string());
    }

    /// Adds a row that is that one under another id and e-mail.
    pub fn add_like(&mut self, line: usize, pair: &Pair, id: &str, email: &str) {
        let end = match self.lines.last() {
            Some(last) if last.is_empty() => self.lines.len() - 1,
            _ => self.lines.len(),
        };
        self.lines.insert(end, self.lines[line].clone());
        self.set(end, pair.id, id);
        self.set(end, pair.email, email);
    }

    pub fn remove(&mut self, line: usize) {
        self.lines.remove(line);
    }

    /// Writes UTF-8 with a mark, which every reader takes for what it is.
    pub fn write(&self, path: &Path) {
        let text = self.lines.join(self.ending);
        fs::write(path, format!("\u{feff}{text}")).expect("the export is written");
    }
}
