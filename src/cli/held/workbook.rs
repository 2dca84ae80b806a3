//! The sheet for decisions as a workbook: texts stand as texts, so that nothing in it is ever a formula, and the
//! decisions can be picked from a list.

use super::judge::WORDS;
use crate::report::holds::{SHEET, SheetRow};
use rust_xlsxwriter::{DataValidation, Format, Workbook, XlsxError};

/// Most characters of a cell; a workbook takes 32,767.
const CELL_MAX: usize = 32_000;
/// Widths of the columns, in characters.
const WIDTHS: [f64; 13] = [
    14.0, 18.0, 7.0, 20.0, 20.0, 30.0, 50.0, 50.0, 9.0, 12.0, 30.0, 30.0, 12.0,
];

/// The workbook as bytes.
///
/// # Errors
/// When the writer refuses something, which no row leads to.
pub fn bytes(rows: &[SheetRow]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("holds")?;
    let bold = Format::new().set_bold();
    for ((at, name), width) in (0u16..).zip(SHEET).zip(WIDTHS) {
        sheet.write_string_with_format(0, at, name, &bold)?;
        sheet.set_column_width(at, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    let mut last = 1;
    for (row, line) in (1u32..).zip(rows) {
        last = row;
        for (at, cell) in (0u16..).zip(line.cells()) {
            if !cell.is_empty() {
                let text: String = cell.chars().take(CELL_MAX).collect();
                sheet.write_string(row, at, text)?;
            }
        }
    }
    let decision = SHEET.iter().position(|c| *c == "decision");
    if let Some(at) = decision.and_then(|at| u16::try_from(at).ok()) {
        let words = DataValidation::new().allow_list_strings(&WORDS.map(|(word, _)| word))?;
        sheet.add_data_validation(1, at, last, at, &words)?;
    }
    book.save_to_buffer()
}
