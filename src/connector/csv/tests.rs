//! The reader as a whole: encodings, limits, broken rows, and agreement with the `csv` crate.

use super::{Column, CsvReader, Options};
use crate::{
    connector::{ExtractError, text::Limits},
    value::{CellKind, Page, RowFault},
};
use proptest::prelude::*;
use std::io::Write as _;

/// What a file gave: rows of cells with their lines, and faults.
#[derive(Debug, Default, PartialEq)]
struct Found {
    rows: Vec<(u64, Vec<String>)>,
    faults: Vec<RowFault>,
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
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

fn read(bytes: &[u8], options: &Options, names: &[&str]) -> Result<Found, ExtractError> {
    let file = file(bytes);
    let mut reader = CsvReader::open(file.path(), options, &columns(names))?;
    let mut found = Found::default();
    while let Some(page) = reader.next_page()? {
        assert_eq!(page.first, found.rows.len() as u64);
        take(&page, &mut found);
        reader.recycle(page);
    }
    Ok(found)
}

fn take(page: &Page, found: &mut Found) {
    assert_eq!(page.cells.len(), page.rows() * page.width);
    for row in 0..page.rows() {
        let cells = (0..page.width).map(|c| page.cell(row, c).1.to_owned());
        found.rows.push((page.lines[row], cells.collect()));
    }
    found.faults.extend(page.faults.iter().cloned());
}

fn rows(bytes: &[u8], encoding: &str) -> Vec<Vec<String>> {
    let options = Options {
        encoding: encoding.to_owned(),
        ..Options::default()
    };
    let found = read(bytes, &options, &["id", "name"]).unwrap();
    assert_eq!(found.faults, []);
    found.rows.into_iter().map(|(_, r)| r).collect()
}

fn small(block: usize, row: usize) -> Options {
    Options {
        limits: Limits { block, row },
        ..Options::default()
    }
}

fn refused(bytes: &[u8], names: &[&str]) -> String {
    let file = file(bytes);
    let required: Vec<Column> = columns(names)
        .into_iter()
        .map(|c| Column {
            required: true,
            ..c
        })
        .collect();
    match CsvReader::open(file.path(), &Options::default(), &required) {
        Err(ExtractError::Shape { why, .. }) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn encodings_are_found_out() {
    let text = "id,name\n1,Zoë 王\n2,\"a\r\nb\"\n";
    let want = [["1", "Zoë 王"], ["2", "a\r\nb"]];
    let utf16 = |swap: bool, mark: bool| -> Vec<u8> {
        let units = mark
            .then_some(0xFEFF)
            .into_iter()
            .chain(text.encode_utf16());
        units
            .flat_map(|u| {
                if swap {
                    u.to_be_bytes()
                } else {
                    u.to_le_bytes()
                }
            })
            .collect()
    };
    assert_eq!(rows(text.as_bytes(), "auto"), want);
    assert_eq!(rows(format!("\u{feff}{text}").as_bytes(), "auto"), want);
    assert_eq!(rows(&utf16(false, true), "auto"), want);
    assert_eq!(rows(&utf16(true, true), "auto"), want);
    assert_eq!(rows(&utf16(false, false), "auto"), want);
    assert_eq!(rows(&utf16(true, false), "utf-16be"), want);
    // The mark is certain, whatever was said.
    assert_eq!(rows(&utf16(false, true), "windows-1252"), want);
    let latin = b"id,name\n1,Ren\xE9e M\xFCller\n2,\x93caf\xE9\x94 \x80\n";
    let want = [["1", "Renée Müller"], ["2", "“café” €"]];
    assert_eq!(rows(latin, "auto"), want);
    assert_eq!(rows(latin, "windows-1252"), want);
    let (sjis, ..) = encoding_rs::SHIFT_JIS.encode("id,name\n1,見積もりを送りました。東京\n");
    assert_eq!(
        rows(&sjis, "shift_jis"),
        [["1", "見積もりを送りました。東京"]]
    );
}

#[test]
fn an_encoding_that_shows_late_is_found_out_then() {
    let mut bytes = b"id,name\n".to_vec();
    let mut want = Vec::new();
    for n in 0..500 {
        bytes.extend(format!("{n},plain\n").bytes());
        want.push(vec![n.to_string(), "plain".to_owned()]);
    }
    bytes.extend(b"500,Ren\xE9e\n501,\"Jos\xE9\nPe\xF1a\"\n502,Fran\xE7ois");
    for (n, name) in ["Renée", "José\nPeña", "François"].iter().enumerate() {
        want.push(vec![(500 + n).to_string(), (*name).to_owned()]);
    }
    for block in [64, 100, 1000, 1 << 20] {
        let found = read(&bytes, &small(block, 4096), &["id", "name"]).unwrap();
        assert_eq!(found.faults, []);
        assert!(found.rows.iter().map(|(_, r)| r).eq(&want), "{block}");
        assert_eq!(found.rows.last().unwrap().0, 505);
    }
}

#[test]
fn broken_bytes_in_utf8_are_faults_of_their_row() {
    let bytes =
        b"id,name\n1,Zo\xC3\xAB\n2,bad \xFF\xFE\n3,\"also\nbad \xE9\"\n4,good \xEF\xBF\xBD\n";
    for encoding in ["utf-8", "auto"] {
        let options = Options {
            encoding: encoding.to_owned(),
            ..Options::default()
        };
        let bytes = if encoding == "auto" {
            &[b"id,name\n0,\xC3\xAB\xC3\xAB\xC3\xAB\n", &bytes[8..]].concat()
        } else {
            &bytes.to_vec()
        };
        let found = read(bytes, &options, &["id", "name"]).unwrap();
        let first = u64::from(encoding == "auto");
        let faults: Vec<(u64, &str)> = found
            .faults
            .iter()
            .map(|f| (f.line, f.raw.as_str()))
            .collect();
        assert_eq!(
            faults,
            [
                (3 + first, "2,bad \u{fffd}\u{fffd}"),
                (4 + first, "3,\"also\nbad \u{fffd}\"")
            ]
        );
        assert!(found.faults[0].why.contains("no UTF-8"));
        let lines: Vec<u64> = found.rows.iter().map(|(l, _)| *l).collect();
        let want: &[u64] = if encoding == "auto" {
            &[2, 3, 7]
        } else {
            &[2, 6]
        };
        assert_eq!(lines, want);
    }
}

#[test]
fn a_zero_byte_is_a_fault_of_its_row() {
    let found = read(b"id,name\n1,a\n2,b\0c\n3,d\n", &Options::default(), &["id"]).unwrap();
    assert_eq!(found.rows.len(), 2);
    assert_eq!(
        (found.faults[0].line, found.faults[0].why.as_str()),
        (3, "holds a zero byte")
    );
}

#[test]
fn ragged_rows_are_faults_and_the_rest_goes_on() {
    let found = read(
        b"id,name\n1,a\n2\n3,b,c\n\n4,\"x\ny\"\n5,d\n",
        &Options::default(),
        &["name", "id"],
    )
    .unwrap();
    let row = |line, name: &str, id: &str| (line, vec![name.to_owned(), id.to_owned()]);
    assert_eq!(
        found.rows,
        [row(2, "a", "1"), row(6, "x\ny", "4"), row(8, "d", "5")]
    );
    let faults: Vec<String> = found
        .faults
        .iter()
        .map(|f| format!("{} {} {}", f.line, f.raw, f.why))
        .collect();
    assert_eq!(
        faults,
        [
            "3 2 has 1 cell where the header has 2",
            "4 3,b,c has 3 cells where the header has 2"
        ]
    );
}

#[test]
fn a_quote_that_never_closes_is_a_fault() {
    let found = read(
        b"id,name\n1,a\n2,\"b\n3,c\n4,d\n",
        &Options::default(),
        &["id"],
    )
    .unwrap();
    assert_eq!(found.rows.len(), 1);
    assert_eq!(
        found.faults,
        [RowFault {
            line: 3,
            raw: "2,\"b\n3,c\n4,d".to_owned(),
            why: "has a quote that is never closed, so the 2 lines after it up to the end of the file could not be read as rows".to_owned(),
        }]
    );
    // Alone in its block, and longer than a row may be.
    let mut long = b"id,name\n1,a\n2,\"".to_vec();
    long.extend(std::iter::repeat_n(b'x', 10_000));
    for (row, why) in [
        (1 << 20, "is never closed"),
        (256, "because it has a quote that is never closed"),
    ] {
        let found = read(&long, &small(64, row), &["id"]).unwrap();
        assert_eq!(found.rows.len(), 1);
        assert_eq!((found.faults.len(), found.faults[0].line), (1, 3));
        assert!(found.faults[0].why.contains(why), "{}", found.faults[0].why);
    }
}

#[test]
fn a_row_that_is_too_long_is_passed_over() {
    let mut text = "id,name\n1,a\n2,\"".to_owned();
    text.push_str(&"long \"\"text\"\",\r\n".repeat(1000));
    text.push_str("\"\n3,b\n");
    for block in [64, 333, 1024] {
        let found = read(text.as_bytes(), &small(block, 1024), &["id"]).unwrap();
        let lines: Vec<u64> = found.rows.iter().map(|(l, _)| *l).collect();
        assert_eq!(lines, [2, 1004]);
        assert_eq!(found.faults.len(), 1);
        assert_eq!(found.faults[0].line, 3);
        assert!(found.faults[0].raw.starts_with("2,\"long") && found.faults[0].raw.len() <= 4096);
        assert_eq!(found.faults[0].why, "is longer than 1 MiB");
    }
    assert_eq!(
        read(text.as_bytes(), &small(64, 1 << 20), &["id"])
            .unwrap()
            .rows
            .len(),
        3
    );
}

#[test]
fn a_cell_of_64_mib_is_refused_in_bounded_memory() {
    let mut bytes = b"id,name\n1,\"".to_vec();
    bytes.resize(bytes.len() + (64 << 20), b'x');
    bytes.extend(b"\"\n2,b\n");
    let found = read(&bytes, &Options::default(), &["id"]).unwrap();
    assert_eq!(found.rows, [(3, vec!["2".to_owned()])]);
    assert_eq!(
        (found.faults[0].line, found.faults[0].why.as_str()),
        (2, "is longer than 64 MiB")
    );
    assert_eq!(found.faults[0].raw.len(), 4096);
}

#[test]
fn files_that_are_no_tables_are_refused() {
    for (bytes, want) in [
        (
            b"".as_slice(),
            "is empty; the first line must name the columns",
        ),
        (
            b"\n\r\n\n",
            "is empty; the first line must name the columns",
        ),
        (
            b"\xEF\xBB\xBF",
            "is empty; the first line must name the columns",
        ),
        (
            b"id,\"name\n1,a\n",
            "the header has a quote that is never closed",
        ),
        (b"id,na\0me\n", "the header holds a zero byte"),
        (
            b"name,ID ,Id\n",
            "the header \"ID\" stands twice, in columns 2 and 3",
        ),
        (
            b"a,b\n1,2\n",
            "the column \"id\" is missing; there are a, b",
        ),
    ] {
        let why = refused(bytes, &["id"]);
        assert!(why.starts_with(want), "{why}");
    }
    let mut many = b"id".to_vec();
    for n in 0..100_000 {
        many.extend(format!(",c{n}").bytes());
    }
    assert_eq!(
        refused(&many, &["id"]),
        "the header has 100001 columns; the most is 16384"
    );
    let missing = CsvReader::open("no/such.csv".as_ref(), &Options::default(), &[]);
    assert!(matches!(missing, Err(ExtractError::Missing { .. })));
    let folder = CsvReader::open("src".as_ref(), &Options::default(), &[]);
    assert!(matches!(folder, Err(ExtractError::Io { .. })));
    let unknown = Options {
        encoding: "klingon".to_owned(),
        ..Options::default()
    };
    assert!(matches!(
        read(b"id\n", &unknown, &["id"]),
        Err(ExtractError::Shape { .. })
    ));
}

#[test]
fn a_header_alone_is_an_empty_table() {
    assert_eq!(
        read(b"id,name", &Options::default(), &["id"]).unwrap(),
        Found::default()
    );
    assert_eq!(
        read(b"id\r\n\r\n", &Options::default(), &["id"]).unwrap(),
        Found::default()
    );
}

#[test]
fn unknown_columns_are_the_customers_own() {
    let file = file(b"ID;Gift Idea; Policies ;Name\n1;2;3;4\n");
    let reader =
        CsvReader::open(file.path(), &Options::default(), &columns(&["name", "id"])).unwrap();
    assert_eq!(reader.unknown_columns(), ["Gift Idea", "Policies"]);
    assert_eq!(reader.layout().delimiter(), b';');
    assert_eq!(
        reader.layout().headers(),
        ["ID", "Gift Idea", "Policies", "Name"]
    );
}

#[test]
fn blocks_can_be_taken_apart_on_several_threads() {
    let mut text = "id,name\n".to_owned();
    for n in 0..2000 {
        text.push_str(&format!("{n},\"line\n{n}\"\n"));
    }
    let file = file(text.as_bytes());
    let mut reader =
        CsvReader::open(file.path(), &small(512, 4096), &columns(&["name", "id"])).unwrap();
    let layout = reader.layout().clone();
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        blocks.push(block);
    }
    assert!(blocks.len() > 10);
    let half = blocks.split_off(blocks.len() / 2);
    let pages = |blocks: Vec<_>| -> Found {
        let mut found = Found::default();
        for block in blocks {
            take(&layout.parse(block, Page::default()), &mut found);
        }
        found
    };
    let (first, second) = std::thread::scope(|s| {
        let first = s.spawn(|| pages(blocks));
        let second = s.spawn(|| pages(half));
        (first.join().unwrap(), second.join().unwrap())
    });
    let mut all = first.rows;
    all.extend(second.rows);
    assert_eq!(
        all,
        read(text.as_bytes(), &Options::default(), &["name", "id"])
            .unwrap()
            .rows
    );
    assert_eq!(
        all[1999],
        (4000, vec!["line\n1999".to_owned(), "1999".to_owned()])
    );
}

#[test]
fn kinds_of_cells_are_kept_apart() {
    let file = file(b"a,b\n\"\", \n");
    let mut reader =
        CsvReader::open(file.path(), &Options::default(), &columns(&["a", "b", "c"])).unwrap();
    let page = reader.next_page().unwrap().unwrap();
    assert_eq!(page.cell(0, 0), (CellKind::Null, ""));
    assert_eq!(page.cell(0, 1), (CellKind::Text, " "));
    assert_eq!(page.cell(0, 2), (CellKind::Absent, ""));
}

/// `simd-csv` takes a quote anywhere for an opening one, so it is not used to read (docs/decisions/0003-csv.md).
/// When this fails, look at it again.
#[test]
fn simd_csv_reads_a_literal_quote_otherwise() {
    let text = "size,name\n5\" nail,a\n6\" nail,b\n";
    let theirs = simd_csv::Reader::from_reader(text.as_bytes())
        .byte_records()
        .filter(|r| r.is_ok())
        .count();
    let by_csv = csv::Reader::from_reader(text.as_bytes()).records().count();
    let ours = read(text.as_bytes(), &Options::default(), &["size"]).unwrap();
    assert_eq!((ours.rows.len(), by_csv), (2, 2));
    assert_eq!(ours.rows[1].1, ["6\" nail"]);
    assert_ne!(theirs, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(
            prop_oneof![
                4 => proptest::sample::select(b"a,\"\r\n;\t1".to_vec()),
                1 => any::<u8>(),
            ], 0..400),
        block in 64usize..200,
        encoding in proptest::sample::select(vec!["auto", "utf-8", "windows-1252", "utf-16le", "shift_jis"]),
    ) {
        let options = Options { encoding: encoding.to_owned(), delimiter: None, limits: Limits { block, row: 64 } };
        let _ = read(&bytes, &options, &["a", "1"]);
    }

    #[test]
    fn the_size_of_blocks_changes_nothing(
        body in "([a,\"\r\né王]|\"\"|\r\n|,\"|\",|\n\"){0,150}",
        block in 64usize..120,
    ) {
        let text = format!("a,b\n{body}");
        let options = |block| Options { delimiter: Some(b','), ..small(block, 1 << 20) };
        let whole = read(text.as_bytes(), &options(1 << 20), &["b", "a"]).unwrap();
        let parts = read(text.as_bytes(), &options(block), &["b", "a"]).unwrap();
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn well_formed_files_read_as_the_csv_crate_reads_them(
        table in proptest::collection::vec(
            proptest::collection::vec("([a,;\"\r\n =é王]|\r\n){0,12}", 3), 0..20),
        delimiter in proptest::sample::select(vec![b',', b';', b'\t', b'|']),
        crlf in any::<bool>(),
        always in any::<bool>(),
        block in 64usize..400,
    ) {
        let mut out = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        out.write_record(["a", "b", "c"]).unwrap();
        for row in &table {
            out.write_record(row).unwrap();
        }
        let bytes = out.into_inner().unwrap();
        let options = Options { delimiter: Some(delimiter), ..small(block, 1 << 20) };
        let found = read(&bytes, &options, &["a", "b", "c"]).unwrap();
        prop_assert_eq!(&found.faults, &[]);
        let read: Vec<Vec<String>> = found.rows.into_iter().map(|(_, r)| r).collect();
        prop_assert_eq!(&read, &table);
        let theirs: Vec<Vec<String>> = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(&bytes[..])
            .records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
        prop_assert_eq!(read, theirs);
    }
}
