//! Sheets written by another program's library, read back cell by cell, and workbooks that are no use.

use super::{
    cell::{name, number},
    guard::Guard,
    *,
};
use crate::{
    connector::{
        ExtractError,
        csv::{self, Column, CsvReader},
        text::Limits,
    },
    value::{CellKind, Page},
};
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use std::{io::Write as _, path::PathBuf};

struct Made {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn book(fill: impl FnOnce(&mut Workbook)) -> Made {
    let mut book = Workbook::new();
    fill(&mut book);
    bytes(&book.save_to_buffer().unwrap())
}

fn bytes(bytes: &[u8]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.xlsx");
    std::fs::write(&path, bytes).unwrap();
    Made {
        _folder: folder,
        path,
    }
}

fn columns(names: &[&str]) -> Vec<Column> {
    names
        .iter()
        .map(|n| Column {
            header: (*n).to_owned(),
            ..Column::default()
        })
        .collect()
}

fn open(made: &Made, names: &[&str]) -> Result<XlsxReader, ExtractError> {
    XlsxReader::open(&made.path, &Options::default(), &columns(names), &[])
}

fn why(found: Result<XlsxReader, ExtractError>) -> String {
    match found {
        Ok(mut reader) => loop {
            match reader.next_page() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it reads"),
                Err(e) => return e.to_string(),
            }
        },
        Err(e) => e.to_string(),
    }
}

fn pages(mut reader: XlsxReader) -> Vec<Page> {
    std::iter::from_fn(|| reader.next_page().unwrap()).collect()
}

/// The cells of one page: `-` for absent, `null`, or the text in quotes.
fn shown(page: &Page) -> Vec<Vec<String>> {
    (0..page.rows())
        .map(|row| {
            (0..page.width)
                .map(|column| match page.cell(row, column) {
                    (CellKind::Absent, _) => "-".to_owned(),
                    (CellKind::Null, _) => "null".to_owned(),
                    (_, text) => format!("{text:?}"),
                })
                .collect()
        })
        .collect()
}

#[test]
fn every_kind_of_cell_has_its_text() {
    let made = book(|book| {
        let sheet = book.add_worksheet();
        let day = Format::new().set_num_format("yyyy-mm-dd");
        let time = Format::new().set_num_format("dd/mm/yyyy hh:mm:ss");
        let span = Format::new().set_num_format("[h]:mm:ss");
        for (at, header) in ["Text", "Number", "Day", "Moment", "Truth", "Span", "Other"]
            .iter()
            .enumerate()
        {
            sheet.write_string(1, at as u16, *header).unwrap();
        }
        let date = |y, m, d| ExcelDateTime::from_ymd(y, m, d).unwrap();
        sheet.write_string(2, 0, " größe ").unwrap();
        sheet.write_number(2, 1, 0.1 + 0.2).unwrap();
        sheet
            .write_datetime_with_format(2, 2, date(1900, 3, 1), &day)
            .unwrap();
        sheet
            .write_datetime_with_format(
                2,
                3,
                date(2025, 1, 31).and_hms(23, 59, 59.0).unwrap(),
                &time,
            )
            .unwrap();
        sheet.write_boolean(2, 4, true).unwrap();
        sheet.write_number_with_format(2, 5, 1.5, &span).unwrap();
        sheet
            .write_formula(3, 1, Formula::new("=1+1").set_result("2"))
            .unwrap();
        sheet.write_boolean(3, 4, false).unwrap();
        sheet.write_string(5, 6, "after an empty row").unwrap();
    });
    let reader = open(
        &made,
        &[
            "truth", "TEXT", "number", "day", "moment", "span", "gone", "text",
        ],
    );
    let all = pages(reader.unwrap());
    assert_eq!(all.len(), 1);
    assert_eq!(
        shown(&all[0]),
        [
            [
                "\"true\"",
                "\" größe \"",
                "\"0.3\"",
                "\"1900-03-01\"",
                "\"2025-01-31T23:59:59\"",
                "\"36:00:00\"",
                "-",
                "\" größe \""
            ],
            [
                "\"false\"",
                "null",
                "\"2\"",
                "null",
                "null",
                "null",
                "-",
                "null"
            ],
            ["null", "null", "null", "null", "null", "null", "-", "null"],
        ]
    );
    assert_eq!(all[0].lines, [3, 4, 6], "rows as the sheet numbers them");
}

#[test]
fn days_and_truths_are_written_as_the_platform_declares_them() {
    let made = book(|book| {
        let sheet = book.add_worksheet();
        let day = Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_row(0, 0, ["when", "yes"]).unwrap();
        let at = ExcelDateTime::from_ymd(2025, 6, 5).unwrap();
        sheet.write_datetime_with_format(1, 0, &at, &day).unwrap();
        sheet.write_boolean(1, 1, true).unwrap();
        let at = at.and_hms(8, 5, 0.0).unwrap();
        sheet.write_datetime_with_format(2, 0, &at, &day).unwrap();
    });
    let read = |moments: &[&str]| {
        let forms = [
            Form {
                moments: moments.iter().map(|m| (*m).to_owned()).collect(),
                truth: None,
            },
            Form {
                moments: Vec::new(),
                truth: Some(("ja".to_owned(), "nej".to_owned())),
            },
        ];
        let names = columns(&["when", "yes"]);
        let reader = XlsxReader::open(&made.path, &Options::default(), &names, &forms);
        shown(&pages(reader.unwrap())[0])
    };
    assert_eq!(
        read(&["%d.%m.%Y %H:%M", "%d.%m.%Y"]),
        [
            ["\"05.06.2025\"", "\"ja\""],
            ["\"05.06.2025 08:05\"", "null"]
        ]
    );
    // A format without a time does not swallow one: the text does not fit, and the record is held.
    assert_eq!(
        read(&["%d.%m.%Y"]),
        [
            ["\"05.06.2025\"", "\"ja\""],
            ["\"2025-06-05T08:05:00\"", "null"]
        ]
    );
}

#[test]
fn rows_that_cannot_be_trusted_are_faults() {
    let made = book(|book| {
        let sheet = book.add_worksheet();
        sheet.write_row(0, 0, ["a", "b"]).unwrap();
        sheet.write_row(1, 0, ["good", "row"]).unwrap();
        sheet.write_row(2, 0, ["a", "b", "no header"]).unwrap();
        sheet
            .write_formula(3, 0, Formula::new("=NA()").set_result("#N/A"))
            .unwrap();
        sheet.write_row(4, 0, ["last", "row"]).unwrap();
        sheet
            .write_formula(4, 1, Formula::new("=1/0").set_result("#DIV/0!"))
            .unwrap();
    });
    let all = pages(open(&made, &["a"]).unwrap());
    assert_eq!(shown(&all[0]), [["\"good\""], ["\"last\""]]);
    let found: Vec<(u64, &str)> = all[0]
        .faults
        .iter()
        .map(|f| (f.line, f.why.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (3, "holds a value in C3, a column without a header"),
            (4, "holds the error #N/A in the cell A4"),
        ]
    );
    assert_eq!(all[0].faults[0].raw, "a, b, no header");
}

fn named(book: &mut Workbook, name: &str, hidden: bool, cell: &str) {
    let sheet: &mut Worksheet = book.add_worksheet();
    sheet.set_name(name).unwrap().set_hidden(hidden);
    sheet.write_row(0, 0, ["id"]).unwrap();
    sheet.write_row(1, 0, [cell]).unwrap();
}

#[test]
fn sheets_are_found_by_name_and_the_first_that_is_not_hidden_is_the_default() {
    let made = book(|book| {
        named(book, "Notes", true, "hidden");
        named(book, "People", false, "people");
        named(book, "Firms", false, "firms");
        book.worksheet_from_name("People")
            .unwrap()
            .set_active(true)
            .set_first_tab(true);
    });
    let read = |sheet: Option<&str>| {
        let options = Options {
            sheet: sheet.map(str::to_owned),
            ..Options::default()
        };
        XlsxReader::open(&made.path, &options, &columns(&["id"]), &[])
    };
    for (sheet, cell) in [
        (None, "people"),
        (Some("Firms"), "firms"),
        (Some(" notes"), "hidden"),
    ] {
        let all = pages(read(sheet).unwrap());
        assert_eq!(shown(&all[0]), [[format!("{cell:?}")]]);
    }
    assert!(
        why(read(Some("Deals")))
            .ends_with(r#"has no sheet "Deals"; it has "Notes", "People", "Firms""#)
    );
}

#[test]
fn files_that_are_no_use_say_why() {
    let empty = book(|book| {
        book.add_worksheet().set_name("Leer").unwrap();
    });
    assert!(why(open(&empty, &["a"])).contains(r#"has nothing in the sheet "Leer""#));
    let twice = book(|book| {
        book.add_worksheet().write_row(0, 0, ["A", "a "]).unwrap();
    });
    assert!(why(open(&twice, &["a"])).contains(r#"the header "A" stands twice"#));
    let lacks = book(|book| {
        book.add_worksheet().write_row(0, 0, ["x"]).unwrap();
    });
    let wanted = [Column {
        header: "id".to_owned(),
        required: true,
        ..Column::default()
    }];
    let found = XlsxReader::open(&lacks.path, &Options::default(), &wanted, &[]);
    assert!(why(found).contains(r#"the column "id" is missing; there is x"#));

    assert!(
        why(open(&bytes(b"id,name\n1,Ada\n"), &["id"]))
            .contains("is no workbook of the kind .xlsx")
    );
    let old = [
        &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1][..],
        &[0; 600],
    ]
    .concat();
    assert!(why(open(&bytes(&old), &["id"])).contains("save it as .xlsx without a password"));
    assert!(
        why(open(&bytes(b"PK\x03\x04 and nothing else"), &["id"]))
            .contains("is a damaged workbook")
    );
    let missing = Made {
        path: empty.path.with_file_name("none.xlsx"),
        ..bytes(b"")
    };
    assert!(matches!(
        open(&missing, &["a"]),
        Err(ExtractError::Missing { .. })
    ));
}

/// A zip archive with one part of many zeros.
fn bomb(part: &str, megabytes: usize) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    let mut zip = zip::ZipWriter::new(&mut out);
    let deflated = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    zip.start_file(part, deflated).unwrap();
    for _ in 0..megabytes {
        zip.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    zip.finish().unwrap();
    out.into_inner()
}

#[test]
fn a_workbook_that_unfolds_to_too_much_is_refused_before_it_is_read() {
    let guarded = |made: &Made, guard: Guard| {
        let options = Options {
            guard,
            ..Options::default()
        };
        why(XlsxReader::open(
            &made.path,
            &options,
            &columns(&["a"]),
            &[],
        ))
    };
    let held = bytes(&bomb("xl/sharedStrings.xml", 40));
    assert!(
        std::fs::metadata(&held.path).unwrap().len() < 200_000,
        "small on disk"
    );
    let guard = Guard {
        held: 16 << 20,
        ..Guard::default()
    };
    assert!(
        guarded(&held, guard)
            .contains("unfolds to more than is read of a workbook (8 GiB of sheets, 16 MiB")
    );
    let sheet = bytes(&bomb("xl/worksheets/sheet1.xml", 40));
    assert!(
        guarded(&sheet, guard).contains("is a damaged workbook"),
        "as a sheet it is no bomb"
    );
    let guard = Guard {
        unfolded: 16 << 20,
        ..Guard::default()
    };
    assert!(guarded(&sheet, guard).contains("unfolds to more"));
    let guard = Guard {
        parts: 2,
        ..Guard::default()
    };
    let made = book(|book| {
        book.add_worksheet();
    });
    assert!(guarded(&made, guard).contains("parts; the most is 2"));
}

#[test]
fn many_rows_come_in_pages_in_order() {
    const MANY: u32 = 40_000;
    let made = book(|book| {
        let sheet = book.add_worksheet();
        sheet.write_row(0, 0, ["id"]).unwrap();
        for row in 1..=MANY {
            sheet.write_number(row, 0, row).unwrap();
        }
    });
    let options = Options {
        limits: Limits {
            block: 64 << 10,
            row: 64 << 20,
        },
        ..Options::default()
    };
    let reader = XlsxReader::open(&made.path, &options, &columns(&["id"]), &[]).unwrap();
    let mut next = 1u32;
    let mut count = 0;
    for page in pages(reader) {
        assert_eq!(page.first, u64::from(next) - 1);
        for row in 0..page.rows() {
            assert_eq!(page.cell(row, 0).1, next.to_string());
            assert_eq!(page.lines[row], u64::from(next) + 1);
            next += 1;
        }
        count += 1;
    }
    assert_eq!(next, MANY + 1);
    assert!(count > 1, "{count} pages");
    // Who asks to stop is not kept waiting, neither for the next page nor for the first.
    let cancel = crate::connector::Cancel::new();
    let options = Options {
        cancel: Some(cancel.clone()),
        ..options
    };
    let mut reader = XlsxReader::open(&made.path, &options, &columns(&["id"]), &[]).unwrap();
    assert!(reader.next_page().unwrap().is_some());
    cancel.cancel();
    let stopped = |e: &ExtractError| matches!(e, ExtractError::Stop(_));
    assert!(reader.next_page().is_err_and(|e| stopped(&e)));
    let again = XlsxReader::open(&made.path, &options, &columns(&["id"]), &[]);
    assert!(again.is_err_and(|e| stopped(&e)));
    // Whoever stops listening stops the reader.
    let mut reader = open(&made, &["id"]).unwrap();
    assert!(reader.next_page().unwrap().is_some());
    drop(reader);
}

#[test]
fn numbers_have_their_digits_and_cells_their_names() {
    for (n, text) in [
        (0.0, "0"),
        (-0.0, "0"),
        (70_001.0, "70001"),
        (-12.5, "-12.5"),
        (1.1 * 3.0, "3.3"),
        (491_511_234_567.0, "491511234567"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (1_234_567_890.123_456, "1234567890.12346"),
    ] {
        assert_eq!(number(n).as_deref(), Some(text));
    }
    assert_eq!((number(f64::NAN), number(f64::INFINITY)), (None, None));
    assert_eq!(
        (name(0, 0), name(6, 27)),
        ("A1".to_owned(), "AB7".to_owned())
    );
    assert_eq!(name(1_048_575, 16_383), "XFD1048576");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_sheet_of_texts_reads_as_its_csv(
        rows in proptest::collection::vec(proptest::collection::vec("[ -~äß東\n\"]{0,12}", 3), 0..12)
    ) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b", "c"]).unwrap();
        let made = book(|book| {
            let sheet = book.add_worksheet();
            sheet.write_row(0, 0, ["a", "b", "c"]).unwrap();
            for (at, row) in rows.iter().enumerate() {
                sheet.write_row(at as u32 + 1, 0, row).unwrap();
                writer.write_record(row).unwrap();
            }
        });
        let beside = made.path.with_extension("csv");
        std::fs::write(&beside, writer.into_inner().unwrap()).unwrap();
        let names = columns(&["c", "a", "d"]);
        let mut plain = CsvReader::open(&beside, &csv::Options {
            delimiter: Some(b','),
            encoding: "utf-8".to_owned(),
            ..csv::Options::default()
        }, &names).unwrap();
        let from_csv: Vec<Vec<String>> = std::iter::from_fn(|| plain.next_page().unwrap())
            .flat_map(|p| shown(&p))
            // An empty row of a sheet is no row; in CSV it is one of empty cells.
            .filter(|r| r.iter().any(|c| c.starts_with('"')))
            .collect();
        let reader = XlsxReader::open(&made.path, &Options::default(), &names, &[]).unwrap();
        let from_sheet: Vec<Vec<String>> = pages(reader)
            .iter()
            .flat_map(shown)
            .filter(|r| r.iter().any(|c| c.starts_with('"')))
            .collect();
        prop_assert_eq!(from_sheet, from_csv);
    }
}
