//! Reads a sheet page by page, in a thread that owns the workbook.

use super::{
    cell::{self, Form},
    guard::{self, Guard},
};
use crate::{
    connector::{
        Cancel, ExtractError, Stop,
        csv::{Column, Layout, Place},
        text::{Limits, blocks::shortened},
    },
    value::{Cell, CellKind, Page, RowFault},
};
use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::{
        Once,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Rows of a page, at most; a page ends earlier when its text is long.
const ROWS: usize = 32_768;
/// Pages ahead of who takes them.
const AHEAD: usize = 2;
/// How often whoever waits looks whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// How a sheet is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The sheet; `None`: the first that is not hidden.
    pub sheet: Option<String>,
    /// Sizes of pages and rows.
    pub limits: Limits,
    /// What the workbook may unfold to.
    pub guard: Guard,
    /// Stops reading: whoever waits for a page is answered at once.
    pub cancel: Option<Cancel>,
}

/// A sheet that is being read.
pub struct XlsxReader {
    path: PathBuf,
    layout: Layout,
    pages: Receiver<Result<Page, String>>,
    cancel: Option<Cancel>,
    thread: Option<JoinHandle<()>>,
}

impl XlsxReader {
    /// Opens a workbook and finds the asked columns in the first row of its sheet that is not empty. Cells of a
    /// page stand in the order of `columns`; `forms` go with them.
    ///
    /// # Errors
    /// The file is missing or cannot be read, is no workbook, unfolds to too much, or its header is no use.
    pub fn open(
        path: &Path,
        options: &Options,
        columns: &[Column],
        forms: &[Form],
    ) -> Result<XlsxReader, ExtractError> {
        match std::fs::metadata(path) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(ExtractError::Missing {
                    path: path.to_owned(),
                });
            }
            Err(source) => {
                return Err(ExtractError::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        }
        let shape = |why: String| ExtractError::Shape {
            path: path.to_owned(),
            why,
        };
        guard::check(path, options.guard).map_err(shape)?;
        let (told, hear) = sync_channel(1);
        let (send, pages) = sync_channel(AHEAD);
        let work = Work {
            path: path.to_owned(),
            options: options.clone(),
            columns: columns.to_vec(),
            forms: forms.to_vec(),
        };
        keep_quiet();
        let thread = std::thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || work.run(&told, &send))
            .map_err(|source| ExtractError::Io {
                path: path.to_owned(),
                source,
            })?;
        match heard(&hear, options.cancel.as_ref())? {
            Some(Ok(layout)) => Ok(XlsxReader {
                path: path.to_owned(),
                layout,
                pages,
                cancel: options.cancel.clone(),
                thread: Some(thread),
            }),
            Some(Err(why)) => Err(shape(why)),
            None => Err(shape(BROKEN.to_owned())),
        }
    }

    /// The next rows; `None` at the end. A page may hold faults and no rows.
    ///
    /// # Errors
    /// The workbook cannot be read further.
    pub fn next_page(&mut self) -> Result<Option<Page>, ExtractError> {
        let shape = |why: String| ExtractError::Shape {
            path: self.path.clone(),
            why,
        };
        match heard(&self.pages, self.cancel.as_ref())? {
            Some(page) => page.map(Some).map_err(shape),
            // The thread is over: at the end of the sheet, or because the library gave up on it.
            None => match self.thread.take().map(JoinHandle::join) {
                Some(Err(_)) => Err(shape(BROKEN.to_owned())),
                _ => Ok(None),
            },
        }
    }

    /// Where columns go.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// What the thread that reads says next; `None`: it is over. A large workbook takes long until it says anything.
fn heard<T>(from: &Receiver<T>, cancel: Option<&Cancel>) -> Result<Option<T>, ExtractError> {
    let Some(cancel) = cancel else {
        return Ok(from.recv().ok());
    };
    loop {
        if cancel.is_cancelled() {
            return Err(Stop::Cancelled.into());
        }
        match from.recv_timeout(LOOK) {
            Ok(said) => return Ok(Some(said)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Name of the threads that read sheets.
const THREAD: &str = "sheet";

/// The library gives up on some damaged workbooks with a panic. Whoever waits tells it in words; its own message would
/// only stand between them.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some(THREAD) {
                usual(info);
            }
        }));
    });
}

const BROKEN: &str =
    "is a workbook that cannot be read: open it and save it again, or export it as csv";

struct Work {
    path: PathBuf,
    options: Options,
    columns: Vec<Column>,
    forms: Vec<Form>,
}

impl Work {
    fn run(
        &self,
        told: &SyncSender<Result<Layout, String>>,
        send: &SyncSender<Result<Page, String>>,
    ) {
        let mut sheet = Sheet {
            work: self,
            told,
            send,
            layout: None,
            form: Vec::new(),
            base: Vec::new(),
            page: Page::default(),
            rows: 0,
        };
        if let Err(why) = self.read(&mut sheet) {
            match sheet.layout {
                // Whoever opened it is still waiting.
                None => drop(told.send(Err(why))),
                Some(_) => drop(send.send(Err(why))),
            }
        }
    }

    fn read(&self, sheet: &mut Sheet<'_>) -> Result<(), String> {
        let damaged = |e: &dyn std::fmt::Display| format!("is a damaged workbook: {e}");
        let file = File::open(&self.path).map_err(|e| damaged(&e))?;
        let mut book: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(|e| match e {
            XlsxError::Password => "is a workbook with a password: save it without one".to_owned(),
            e => damaged(&e),
        })?;
        let name = self.sheet(&book)?;
        let mut cells = book
            .worksheet_cells_reader(&name)
            .map_err(|e| damaged(&e))?;
        let mut row = Row::default();
        loop {
            let next = cells.next_cell().map_err(|e| {
                format!(
                    "is a damaged workbook: {e} (after row {} of the sheet {name:?})",
                    row.number + 1
                )
            })?;
            let Some(found) = next else { break };
            let (number, column) = found.get_position();
            if number < row.number {
                return Err(format!(
                    "is a damaged workbook: row {} of the sheet {name:?} follows row {}",
                    number + 1,
                    row.number + 1
                ));
            }
            if number > row.number && !sheet.row(&mut row)? {
                return Ok(());
            }
            row.number = number;
            sheet.cell(&mut row, column, found.get_value());
        }
        if !sheet.row(&mut row)? {
            return Ok(());
        }
        match sheet.layout {
            None => Err(format!(
                "has nothing in the sheet {name:?}; the first row must name the columns"
            )),
            Some(_) => {
                sheet.flush();
                Ok(())
            }
        }
    }

    fn sheet(&self, book: &Xlsx<BufReader<File>>) -> Result<String, String> {
        let all: Vec<_> = book
            .sheets_metadata()
            .iter()
            .filter(|s| s.typ == SheetType::WorkSheet)
            .collect();
        let found = match &self.options.sheet {
            Some(name) => all.iter().find(|s| s.name == *name).or_else(|| {
                let same = |s: &str| s.trim().to_lowercase() == name.trim().to_lowercase();
                all.iter().find(|s| same(&s.name))
            }),
            None => all.iter().find(|s| s.visible == SheetVisible::Visible),
        };
        found.map(|s| s.name.clone()).ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|s| format!("{:?}", s.name)).collect();
            let names = match names.is_empty() {
                true => "it has none".to_owned(),
                false => format!("it has {}", names.join(", ")),
            };
            match &self.options.sheet {
                Some(name) => format!("has no sheet {name:?}; {names}"),
                None => format!("has no sheet that is not hidden; {names}"),
            }
        })
    }
}

/// The row that is being read.
#[derive(Default)]
struct Row {
    /// Its number in the sheet, from 0.
    number: u32,
    /// Before the header is known: its texts by column.
    header: Vec<String>,
    /// The cells of the page's row.
    cells: Vec<Cell>,
    /// Where its text starts in the page.
    start: usize,
    /// True when some cell holds something.
    any: bool,
    /// The first thing that is wrong with it.
    fault: Option<String>,
    /// Its texts, as far as they are kept for a fault.
    raw: String,
}

/// Longest text of a row that is kept for a fault.
const RAW: usize = 4096;

/// What becomes of the rows.
struct Sheet<'w> {
    work: &'w Work,
    told: &'w SyncSender<Result<Layout, String>>,
    send: &'w SyncSender<Result<Page, String>>,
    layout: Option<Layout>,
    /// By column of the sheet: the form of the field it goes to.
    form: Vec<Form>,
    /// A row of which nothing is said: null where the sheet has the column, else absent.
    base: Vec<Cell>,
    page: Page,
    rows: u64,
}

impl Sheet<'_> {
    fn cell(&mut self, row: &mut Row, column: u32, value: &DataRef<'_>) {
        let plain = Form::default();
        let at = usize::try_from(column).unwrap_or(usize::MAX);
        let form = self.form.get(at).unwrap_or(&plain);
        if row.cells.is_empty() {
            row.cells.clone_from(&self.base);
            row.start = self.page.text.len();
        }
        let text = match cell::text(value, form) {
            Ok(None) => return,
            Ok(Some(text)) => text,
            Err(why) => {
                row.any = true;
                // What nobody asked for may hold what it likes.
                let asked = self
                    .layout
                    .as_ref()
                    .is_none_or(|l| l.place(at) != Place::Pass);
                if asked {
                    let name = cell::name(row.number, column);
                    row.fault
                        .get_or_insert_with(|| format!("{why} in the cell {name}"));
                }
                return;
            }
        };
        let Some(layout) = &self.layout else {
            // A header far to the right is refused with its number of columns, not by making room for it.
            if at < HEADERS {
                row.header
                    .resize(row.header.len().max(at + 1), String::new());
                row.header[at] = text.into_owned();
            } else {
                row.fault
                    .get_or_insert_with(|| format!("has a header in column {}", at + 1));
            }
            row.any = true;
            return;
        };
        row.any = true;
        if row.raw.len() < RAW {
            if !row.raw.is_empty() {
                row.raw.push_str(", ");
            }
            row.raw.push_str(&text);
        }
        match layout.place(at) {
            Place::To(position) => {
                let long = self.page.text.len() - row.start + text.len();
                if long > self.work.options.limits.row {
                    row.fault.get_or_insert_with(|| {
                        format!("is longer than {} bytes", self.work.options.limits.row)
                    });
                    return;
                }
                if let (Some(cell), Ok(start), Ok(len)) = (
                    row.cells.get_mut(position),
                    u32::try_from(self.page.text.len()),
                    u32::try_from(text.len()),
                ) {
                    *cell = Cell {
                        start,
                        len,
                        kind: CellKind::Text,
                    };
                    self.page.text.push_str(&text);
                }
            }
            Place::Pass => {}
            Place::Unnamed => {
                let name = cell::name(row.number, column);
                row.fault.get_or_insert_with(|| {
                    format!("holds a value in {name}, a column without a header")
                });
            }
        }
    }

    /// Ends a row. False when nobody listens any more.
    fn row(&mut self, row: &mut Row) -> Result<bool, String> {
        if !row.any {
            return Ok(true);
        }
        let ended = std::mem::take(row);
        let Some(layout) = &self.layout else {
            if let Some(fault) = ended.fault {
                return Err(format!("the header {fault}"));
            }
            return self.header(ended.header);
        };
        let line = u64::from(ended.number) + 1;
        match ended.fault {
            Some(why) => {
                self.page
                    .text
                    .truncate(ended.start.min(self.page.text.len()));
                self.page.faults.push(RowFault {
                    line,
                    raw: shortened(&ended.raw),
                    why,
                });
            }
            None => {
                let mut cells = ended.cells;
                for (from, to) in layout.copies() {
                    if let Some(cell) = cells.get(*from).copied()
                        && let Some(slot) = cells.get_mut(*to)
                    {
                        *slot = cell;
                    }
                }
                self.page.cells.extend(cells);
                self.page.lines.push(line);
            }
        }
        let full = self.page.rows() + self.page.faults.len() >= ROWS;
        Ok(
            match full || self.page.text.len() >= self.work.options.limits.block {
                true => self.flush(),
                false => true,
            },
        )
    }

    fn header(&mut self, headers: Vec<String>) -> Result<bool, String> {
        let layout = Layout::new(headers, &self.work.columns, b',')?;
        let count = layout.headers().len();
        self.form = (0..count)
            .map(|at| match layout.place(at) {
                Place::To(position) => self.work.forms.get(position).cloned(),
                _ => None,
            })
            .map(Option::unwrap_or_default)
            .collect();
        let null = |kind| Cell {
            start: 0,
            len: 0,
            kind,
        };
        self.base = vec![null(CellKind::Null); self.work.columns.len()];
        for at in layout.missing_columns() {
            if let Some(cell) = self.base.get_mut(*at) {
                cell.kind = CellKind::Absent;
            }
        }
        self.page.width = self.work.columns.len();
        let told = self.told.send(Ok(layout.clone())).is_ok();
        self.layout = Some(layout);
        Ok(told)
    }

    /// Sends the page. False when nobody listens any more.
    fn flush(&mut self) -> bool {
        if self.page.rows() == 0 && self.page.faults.is_empty() {
            return true;
        }
        let next = Page {
            width: self.page.width,
            ..Page::default()
        };
        let mut page = std::mem::replace(&mut self.page, next);
        page.first = self.rows;
        self.rows += page.rows() as u64;
        self.send.send(Ok(page)).is_ok()
    }
}

/// Columns that a header is looked for in; [`Layout`] has its own limit.
const HEADERS: usize = 16_384;
