//! Opens the rows of an object in an export folder.

use crate::{
    connector::{
        Cancel, ExtractError, Stop,
        csv::{self, Column, CsvReader, Layout},
        files::contents::Contents,
        jsonl::{self, JsonlReader},
        text::{Block, Limits},
        xlsx::{self, XlsxReader},
    },
    ident::{FieldId, ObjectId},
    platform::{Connect, Field, Object, Platform, object},
    value::Page,
};
use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// Bytes that are counted row by row; beyond, the number of rows is estimated.
const COUNT_MAX: u64 = 64 << 20;

/// What a migration says instead of the platform file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `auto` or an encoding label.
    pub encoding: Option<String>,
    /// The cell separator.
    pub delimiter: Option<u8>,
    /// Sizes of pages and rows.
    pub limits: Limits,
    /// Stops reading.
    pub cancel: Option<Cancel>,
}

/// The rows of an object.
pub struct Rows {
    reader: Reader,
    contents: Option<Contents>,
    cancel: Option<Cancel>,
}

enum Reader {
    Csv(Box<CsvReader>),
    Jsonl(Box<JsonlReader>),
    Xlsx(Box<XlsxReader>),
}

/// Some rows of a file, ready to be taken apart by any thread.
pub enum Piece {
    /// Rows as text, for [`csv::Layout::parse`].
    Block(Block, Arc<Layout>),
    /// Rows that are taken apart already.
    Page(Page),
}

impl Piece {
    /// The rows as a page whose `first` is 0: only who keeps the order of pieces knows it. `spare` is an old page whose
    /// memory is used again.
    pub fn into_page(self, spare: Page) -> Page {
        match self {
            Piece::Block(block, layout) => layout.parse(block, spare),
            Piece::Page(page) => page,
        }
    }
}

/// How many rows a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowCount {
    /// The number, bad rows included.
    pub rows: u64,
    /// False when it is an estimate from the first part of a long file.
    pub exact: bool,
}

/// The file of an object in an export folder; `None` when the object is not read from files.
pub fn path_of(object: &Object, folder: &Path) -> Option<PathBuf> {
    object.rows.as_ref().map(|r| folder.join(&r.file))
}

/// Opens the rows of an object. Cells of a page stand in the order of `columns`. A cell that names a file
/// holds that file's text, or is of kind `NoFile`.
///
/// # Errors
/// The file is missing or cannot be read, lacks a required column, or is no file of its format.
pub fn open(
    platform: &Platform,
    object: ObjectId,
    folder: &Path,
    columns: &[FieldId],
    overrides: &Overrides,
) -> Result<Rows, ExtractError> {
    let (object, rows, path) = located(platform, object, folder)?;
    let mut wanted = Vec::with_capacity(columns.len());
    let mut forms = Vec::with_capacity(columns.len());
    let mut named_files = Vec::new();
    for (position, id) in columns.iter().enumerate() {
        let Some(field) = object.fields.get(id.ix()) else {
            return Err(ExtractError::Shape {
                path,
                why: format!("{} has no field {}", object.title, id.ix()),
            });
        };
        wanted.push(column(field, field.required || rows.key.contains(id)));
        forms.push(form(field));
        if field.contents {
            named_files.push(position);
        }
    }
    let reader = reader(platform, rows, &path, (&wanted, &forms), overrides)?;
    let contents = (!named_files.is_empty()).then(|| {
        let beside = path.parent().unwrap_or(folder);
        Contents::new(folder, beside, named_files)
    });
    Ok(Rows {
        reader,
        contents,
        cancel: overrides.cancel.clone(),
    })
}

/// Opens records as an API gave them, one JSON object per line. Cells of a page stand in the order of `columns`.
///
/// # Errors
/// The file is missing or cannot be read.
pub fn open_records(
    platform: &Platform,
    object: ObjectId,
    path: &Path,
    columns: &[FieldId],
    overrides: &Overrides,
) -> Result<Rows, ExtractError> {
    let fields = platform.objects.get(object.ix()).map(|o| &o.fields);
    let mut wanted = Vec::with_capacity(columns.len());
    for id in columns {
        let Some(field) = fields.and_then(|f| f.get(id.ix())) else {
            return Err(ExtractError::Shape {
                path: path.to_owned(),
                why: format!("{} has no such field", platform.title),
            });
        };
        wanted.push(Column {
            header: platform.member_of(field),
            ..Column::default()
        });
    }
    let options = jsonl::Options {
        encoding: "utf-8".to_owned(),
        limits: overrides.limits,
    };
    let reader = JsonlReader::open(path, &options, &wanted)?;
    Ok(Rows {
        reader: Reader::Jsonl(Box::new(reader)),
        contents: None,
        cancel: overrides.cancel.clone(),
    })
}

/// Counts the rows of an object, for plans and progress: exactly up to 64 MiB, by estimate beyond.
///
/// # Errors
/// As for [`open`]; no column is required.
pub fn count_rows(
    platform: &Platform,
    object: ObjectId,
    folder: &Path,
    overrides: &Overrides,
) -> Result<RowCount, ExtractError> {
    let (object, rows, path) = located(platform, object, folder)?;
    let wanted: Vec<Column> = object.fields.iter().map(|f| column(f, false)).collect();
    // Columns help to find the separator; JSON lines need none to be counted.
    let wanted = if rows.format == "csv" {
        wanted
    } else {
        Vec::new()
    };
    let mut reader = reader(platform, rows, &path, (&wanted, &[]), overrides)?;
    // The size of a workbook says little about what is in it.
    let whole = matches!(reader, Reader::Xlsx(_));
    let size = std::fs::metadata(&path)
        .map_err(|source| ExtractError::Io {
            path: path.clone(),
            source,
        })?
        .len();
    let (mut count, mut text) = (0u64, 0u64);
    while let Some(page) = reader.next_page()? {
        count += (page.rows() + page.faults.len()) as u64;
        text += page.text.len() as u64;
        if !whole && text >= COUNT_MAX && text < size {
            let share = size as f64 / text as f64;
            return Ok(RowCount {
                rows: (count as f64 * share).round() as u64,
                exact: false,
            });
        }
        reader.recycle(page);
    }
    Ok(RowCount {
        rows: count,
        exact: true,
    })
}

fn located<'p>(
    platform: &'p Platform,
    object: ObjectId,
    folder: &Path,
) -> Result<(&'p Object, &'p object::Rows, PathBuf), ExtractError> {
    let shape = |why: String| ExtractError::Shape {
        path: folder.to_owned(),
        why,
    };
    let Some(object) = platform.objects.get(object.ix()) else {
        return Err(shape(format!("{} has no such object", platform.title)));
    };
    let Some(rows) = object.rows.as_ref() else {
        return Err(shape(format!(
            "{} of {} is not read from files",
            object.title, platform.title
        )));
    };
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if !Path::new(&rows.file).components().all(plain) {
        return Err(shape(format!(
            "{:?} does not lie in the export folder",
            rows.file
        )));
    }
    if !folder.is_dir() {
        return Err(ExtractError::Missing {
            path: folder.to_owned(),
        });
    }
    Ok((object, rows, folder.join(&rows.file)))
}

fn column(field: &Field, required: bool) -> Column {
    Column {
        header: field.path.clone(),
        aliases: field.aliases.clone(),
        required,
    }
}

/// How a sheet writes what it holds as more than text, so that it reads as a CSV export of it would.
fn form(field: &Field) -> xlsx::Form {
    xlsx::Form {
        moments: field.format.clone(),
        truth: field
            .truth
            .as_ref()
            .and_then(|t| Some((t.yes.first()?.clone(), t.no.first()?.clone()))),
    }
}

fn reader(
    platform: &Platform,
    rows: &object::Rows,
    path: &Path,
    (columns, forms): (&[Column], &[xlsx::Form]),
    overrides: &Overrides,
) -> Result<Reader, ExtractError> {
    let files = match &platform.connect {
        Connect::Files(files) => Some(files),
        Connect::Http(_) => None,
    };
    let encoding = overrides
        .encoding
        .clone()
        .or_else(|| rows.encoding.clone())
        .or_else(|| files.map(|f| f.encoding.clone()))
        .unwrap_or_else(|| "auto".to_owned());
    match rows.format.as_str() {
        "csv" => {
            let options = csv::Options {
                encoding,
                delimiter: overrides
                    .delimiter
                    .or(rows.delimiter)
                    .or_else(|| files.and_then(|f| f.delimiter)),
                limits: overrides.limits,
            };
            let reader = CsvReader::open(path, &options, columns)?;
            Ok(Reader::Csv(Box::new(reader)))
        }
        "jsonl" => {
            let options = jsonl::Options {
                encoding,
                limits: overrides.limits,
            };
            let reader = JsonlReader::open(path, &options, columns)?;
            Ok(Reader::Jsonl(Box::new(reader)))
        }
        "xlsx" => {
            let options = xlsx::Options {
                sheet: rows.sheet.clone(),
                limits: overrides.limits,
                guard: xlsx::guard::Guard::default(),
                cancel: overrides.cancel.clone(),
            };
            let reader = XlsxReader::open(path, &options, columns, forms)?;
            Ok(Reader::Xlsx(Box::new(reader)))
        }
        other => Err(ExtractError::Shape {
            path: path.to_owned(),
            why: format!("{other} files cannot be read: export as csv, jsonl or xlsx"),
        }),
    }
}

impl Reader {
    fn next_page(&mut self) -> Result<Option<Page>, ExtractError> {
        match self {
            Reader::Csv(r) => r.next_page(),
            Reader::Jsonl(r) => r.next_page(),
            Reader::Xlsx(r) => r.next_page(),
        }
    }

    fn recycle(&mut self, page: Page) {
        match self {
            Reader::Csv(r) => r.recycle(page),
            Reader::Jsonl(r) => r.recycle(page),
            // Its pages are made in a thread of their own.
            Reader::Xlsx(_) => drop(page),
        }
    }
}

impl Rows {
    /// The next rows; `None` at the end. A page may hold faults and no rows.
    ///
    /// # Errors
    /// The file cannot be read, or somebody asked to stop.
    pub fn next_page(&mut self) -> Result<Option<Page>, ExtractError> {
        self.go_on()?;
        let Some(contents) = &mut self.contents else {
            return self.reader.next_page();
        };
        if let Some(page) = contents.next_page() {
            return Ok(Some(page));
        }
        Ok(self.reader.next_page()?.and_then(|page| {
            contents.fill(page);
            contents.next_page()
        }))
    }

    /// The next rows, not yet taken apart where that can be left to other threads; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or somebody asked to stop.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, ExtractError> {
        self.go_on()?;
        match &mut self.reader {
            Reader::Csv(reader) if self.contents.is_none() => {
                let layout = Arc::clone(reader.layout());
                Ok(reader.next_block()?.map(|b| Piece::Block(b, layout)))
            }
            _ => Ok(self.next_page()?.map(Piece::Page)),
        }
    }

    fn go_on(&self) -> Result<(), ExtractError> {
        match &self.cancel {
            Some(cancel) if cancel.is_cancelled() => Err(Stop::Cancelled.into()),
            _ => Ok(()),
        }
    }

    /// Takes back a page that is no longer needed, to use its memory again.
    pub fn recycle(&mut self, page: Page) {
        self.reader.recycle(page);
    }

    /// Takes back the text of a page that is no longer needed.
    pub fn recycle_text(&mut self, text: String) {
        if let Reader::Csv(reader) = &mut self.reader {
            reader.recycle_text(text);
        }
    }

    /// Headers that nobody asked for; empty for JSON lines, which have no header. Where an object takes
    /// `custom: {columns: rest}` and every field of it is asked for, these are the customer's own fields.
    pub fn unknown_columns(&self) -> Vec<String> {
        match &self.reader {
            Reader::Csv(r) => r
                .unknown_columns()
                .iter()
                .map(|h| (*h).to_owned())
                .collect(),
            Reader::Xlsx(r) => r
                .layout()
                .unknown_columns()
                .iter()
                .map(|h| (*h).to_owned())
                .collect(),
            Reader::Jsonl(_) => Vec::new(),
        }
    }

    /// Positions among the asked columns that the header lacks; empty for JSON lines.
    pub fn missing_columns(&self) -> Vec<usize> {
        match &self.reader {
            Reader::Csv(r) => r.layout().missing_columns().to_vec(),
            Reader::Xlsx(r) => r.layout().missing_columns().to_vec(),
            Reader::Jsonl(_) => Vec::new(),
        }
    }

    /// The name of the encoding as known so far.
    pub fn encoding(&self) -> &'static str {
        match &self.reader {
            Reader::Csv(r) => r.encoding(),
            Reader::Jsonl(r) => r.encoding(),
            Reader::Xlsx(_) => "utf-8",
        }
    }
}
