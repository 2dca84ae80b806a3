//! Bytes in and out: CSV to cells, values to JSON lines.

use crate::world::{self, RECORDS};
use bumpalo::Bump;
use divan::{
    Bencher, black_box,
    counter::{BytesCount, ItemsCount},
};
use transload::{
    connector::csv::{Column, CsvReader, Options},
    platform::wire::{Decoder, RecordEncoder},
    value::{CellKind, Value},
};

/// A file from the page cache to pages of cells.
#[divan::bench]
fn csv_decode(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let (path, text) = (folder.path().join("people.csv"), world::csv());
    std::fs::write(&path, &text).unwrap();
    let columns: Vec<Column> = ["id", "email", "name", "score", "edited", "tags", "bio"]
        .map(|header| Column {
            header: header.to_owned(),
            ..Column::default()
        })
        .into();
    let options = Options {
        encoding: "utf-8".to_owned(),
        delimiter: Some(b','),
        ..Options::default()
    };
    let counts = bencher
        .counter(BytesCount::of_str(&text))
        .counter(ItemsCount::new(RECORDS));
    counts.bench_local(|| {
        let mut reader = CsvReader::open(&path, &options, &columns).unwrap();
        let mut rows = 0;
        while let Some(page) = reader.next_page().unwrap() {
            rows += page.rows();
            reader.recycle(page);
        }
        assert_eq!(rows, RECORDS);
    });
}

/// Typed values to JSON lines.
#[divan::bench]
fn jsonl_encode(bencher: Bencher<'_, '_>) {
    let fields = "amount: score, number: count, flag: vip, at: edited, labels: tags, text: bio";
    let mapping = format!(
        "objects:
  contact: {{from: person, to: contact, fields: {{id: id, email: email, name: name, {fields}}}}}
ignore: {{user: No, note: No, person: {{owner: No, kind: No, extra: No}}}}
"
    );
    let mapping = world::migration(&mapping).mapping;
    let step = &mapping.steps[0];
    let source = &mapping.source.objects[step.from.ix()];
    let object = &mapping.destination.objects[step.to.ix()];
    let from = [
        "id", "email", "name", "score", "count", "vip", "edited", "tags", "bio",
    ];
    let from: Vec<_> = from.iter().map(|f| source.field(f).unwrap().0).collect();
    let decoders: Vec<Decoder> = from
        .iter()
        .map(|f| Decoder::new(&source.fields[f.ix()], None))
        .collect();
    let page = world::page(&mapping, step.from, &from);
    let arena = Bump::new();
    let records: Vec<Vec<Value<'_>>> = (0..page.rows())
        .map(|row| {
            let cell = |column: usize| match page.cell(row, column) {
                (CellKind::Null, _) => Value::Absent,
                (kind, text) => decoders[column].decode(kind, text, &arena),
            };
            (0..from.len()).map(cell).collect()
        })
        .collect();
    let encoder = RecordEncoder::new(
        &mapping.destination,
        step.fields
            .iter()
            .map(|f| (&object.fields[f.to.ix()], false)),
    );
    let mut out = Vec::new();
    bencher
        .counter(ItemsCount::new(records.len()))
        .bench_local(|| {
            out.clear();
            for record in black_box(&records) {
                encoder.append(record, &mut out);
                out.push(b'\n');
            }
            assert!(!out.is_empty());
        });
}
