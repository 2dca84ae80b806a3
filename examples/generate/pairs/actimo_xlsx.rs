//! The Actimo export as one workbook: the same rows as the CSV files, each file a sheet, and numbers, days and truths
//! as a spreadsheet program keeps them.

use super::{File, actimo};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

/// Columns of numbers; what is no number in them stays text.
const NUMBERS: &[&str] = &[
    "annual_revenue",
    "company_id",
    "contact_id",
    "data2",
    "employee_count",
    "engagement_score",
    "message_click_count",
    "message_open_count",
    "owner_id",
    "survey_responses",
    "user_id",
];

/// The files of the export folder.
pub fn export(contacts: usize, seed: u64) -> Vec<File> {
    match workbook(&actimo::export(contacts, seed)) {
        Ok(bytes) => vec![("actimo.xlsx".to_owned(), bytes)],
        // Nothing in it depends on anything but this program: the tests catch a slip.
        Err(_) => Vec::new(),
    }
}

fn workbook(files: &[File]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // The same bytes whenever it is made.
    let made = ExcelDateTime::from_ymd(2026, 1, 1)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    for (name, bytes) in files {
        let sheet = book.add_worksheet();
        let (first, rest) = name.split_at(1);
        let title = format!("{}{}", first.to_uppercase(), rest.trim_end_matches(".csv"));
        sheet.set_name(title)?;
        fill(sheet, bytes)?;
    }
    book.save_to_buffer()
}

fn fill(sheet: &mut Worksheet, csv: &[u8]) -> Result<(), XlsxError> {
    let bytes = csv.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(bytes);
    let header: Vec<String> = reader
        .headers()
        .map(|h| h.iter().map(str::to_owned).collect())
        .unwrap_or_default();
    for (column, name) in (0u16..).zip(&header) {
        sheet.write_string(0, column, name)?;
    }
    for (row, record) in (1u32..).zip(reader.records().filter_map(Result::ok)) {
        for ((column, name), cell) in (0u16..).zip(&header).zip(record.iter()) {
            write(sheet, (row, column), name, cell)?;
        }
    }
    Ok(())
}

fn write(sheet: &mut Worksheet, at: (u32, u16), name: &str, cell: &str) -> Result<(), XlsxError> {
    let (row, column) = at;
    if cell.is_empty() {
        return Ok(());
    }
    if NUMBERS.contains(&name)
        && let Ok(number) = cell.parse::<f64>()
    {
        sheet.write_number(row, column, number)?;
    } else if let Some((day, format)) = moment(cell) {
        sheet.write_datetime_with_format(
            row,
            column,
            &day,
            &Format::new().set_num_format(format),
        )?;
    } else if name == "data1" && matches!(cell, "yes" | "no") {
        sheet.write_boolean(row, column, cell == "yes")?;
    } else {
        sheet.write_string(row, column, cell)?;
    }
    Ok(())
}

/// `2025-01-31` and `2025-01-31 23:59:59` as a spreadsheet keeps them, and how they show.
fn moment(cell: &str) -> Option<(ExcelDateTime, &'static str)> {
    let (day, time) = match cell.split_once(' ') {
        Some((day, time)) => (day, Some(time)),
        None => (cell, None),
    };
    let numbers = |text: &str, mark: char| -> Option<[u16; 3]> {
        let parts: Vec<u16> = text.split(mark).filter_map(|p| p.parse().ok()).collect();
        parts.try_into().ok()
    };
    let [year, month, date] = numbers(day, '-').filter(|_| day.len() == 10)?;
    let small = |n: u16| u8::try_from(n).ok();
    let at = ExcelDateTime::from_ymd(year, small(month)?, small(date)?).ok()?;
    match time {
        None => Some((at, "yyyy-mm-dd")),
        Some(time) => {
            let [hour, minute, second] = numbers(time, ':').filter(|_| time.len() == 8)?;
            let at = at.and_hms(hour, small(minute)?, f64::from(second)).ok()?;
            Some((at, "dd/mm/yyyy hh:mm:ss"))
        }
    }
}
