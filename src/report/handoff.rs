//! Hand-offs as documents: what leaves the migration for a person to do by hand.

use super::sheet;
use crate::mapping::Handoff;

/// For a spreadsheet.
pub fn csv(header: &[String], rows: &[Vec<String>]) -> String {
    sheet::csv(header, rows)
}

/// For reading: what to do, then a table. Long cells are shortened.
pub fn markdown(item: &Handoff, header: &[String], rows: &[Vec<String>]) -> String {
    let mut out = format!("# {}\n\n", item.name.replace('_', " "));
    if let Some(say) = &item.say {
        out.push_str(&format!("{say}\n\n"));
    }
    out.push_str(&format!("| {} |\n", header.join(" | ")));
    out.push_str(&format!("|{}\n", "---|".repeat(header.len())));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|c| cell(c)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// The most characters of a cell.
const CELL_MAX: usize = 200;

/// A cell that breaks neither the table nor the page it is shown on.
pub(super) fn cell(text: &str) -> String {
    let mut short: String = text.chars().take(CELL_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
        .replace(['\n', '\r'], " ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_cell_stays_a_cell() {
        assert_eq!(cell("a|b\n<script>"), "a\\|b &lt;script>");
    }
}
