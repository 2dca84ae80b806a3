//! A file as blocks of whole rows in UTF-8, each with the line it starts on.
//!
//! Reading is sequential, and blocks are independent: several threads can take them apart at once. Memory
//! is bounded by the block size and the longest row allowed.

use super::{
    cut::{Cutter, RowEnds, count_breaks},
    decode,
};
use crate::{connector::ExtractError, value::RowFault};
use encoding_rs::{Decoder, Encoding, UTF_8};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Longest part of a bad row that is kept, in bytes.
const RAW_MAX: usize = 4096;

/// Sizes a reader keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a block, about; the text of a page.
    pub block: usize,
    /// Longest row in bytes of UTF-8, at least a block; a longer one is a fault.
    pub row: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            block: 256 << 10,
            row: 64 << 20,
        }
    }
}

/// Whole rows of a file.
#[derive(Debug, Default)]
pub struct Block {
    /// Their text.
    pub text: String,
    /// Where the first row that is not taken yet starts.
    pub start: usize,
    /// The line of the file on which that row starts, from 1.
    pub line: u64,
    /// Places that make their row unreadable, in order.
    pub damage: Vec<Damage>,
    /// Rows after those of `text` that could not be held or did not end.
    pub faults: Vec<RowFault>,
}

/// A place that makes its row unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Position in [`Block::text`].
    pub at: usize,
    /// What is wrong there, a sentence fragment.
    pub why: &'static str,
}

enum Mode {
    /// UTF-8. Not `sure` while the file was ASCII so far and its encoding was not said.
    Utf8 { sure: bool },
    /// Anything else, decoded as it is read.
    Decoded(Box<Decoder>),
}

/// Reads a file block by block.
pub struct Blocks {
    path: PathBuf,
    file: Box<dyn Read + Send>,
    limits: Limits,
    mode: Mode,
    encoding: &'static Encoding,
    cutter: Cutter,
    ends: RowEnds,
    /// What is read and not given out; starts at a row, or inside one that is being passed over.
    buffer: Vec<u8>,
    /// Positions in `buffer` that are malformed in the file's encoding.
    malformed: Vec<usize>,
    /// The line of the file that `buffer` starts on.
    line: u64,
    started: bool,
    ended: bool,
    /// A row that is too long and has not ended yet.
    passing: Option<RowFault>,
    /// Empty; its memory is used for the next text.
    spare: String,
}

impl Blocks {
    /// Opens a file. `encoding`: `None` to find out.
    ///
    /// # Errors
    /// The file is missing, or cannot be read.
    pub fn open(
        path: &Path,
        encoding: Option<&'static Encoding>,
        ends: RowEnds,
        limits: Limits,
    ) -> Result<Blocks, ExtractError> {
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => ExtractError::Missing {
                path: path.to_owned(),
            },
            _ => ExtractError::Io {
                path: path.to_owned(),
                source,
            },
        };
        // A pipe or a device would keep the reader waiting, or never end.
        let kind = std::fs::metadata(path).map_err(io)?;
        if !kind.is_file() && !kind.is_dir() {
            return Err(ExtractError::Shape {
                path: path.to_owned(),
                why: "is no regular file".to_owned(),
            });
        }
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.is_dir() {
            return Err(io(std::io::ErrorKind::IsADirectory.into()));
        }
        Ok(Blocks::new(path, Box::new(file), encoding, ends, limits))
    }

    /// Reads from anything; `path` is for messages.
    pub fn new(
        path: &Path,
        file: Box<dyn Read + Send>,
        encoding: Option<&'static Encoding>,
        ends: RowEnds,
        limits: Limits,
    ) -> Blocks {
        let block = limits.block.clamp(64, 256 << 20);
        Blocks {
            path: path.to_owned(),
            file,
            limits: Limits {
                block,
                row: limits.row.max(block).min(1 << 30),
            },
            mode: match encoding {
                None => Mode::Utf8 { sure: false },
                Some(e) if e == UTF_8 => Mode::Utf8 { sure: true },
                Some(e) => Mode::Decoded(Box::new(e.new_decoder_without_bom_handling())),
            },
            encoding: encoding.unwrap_or(UTF_8),
            cutter: Cutter::new(ends),
            ends,
            buffer: Vec::new(),
            malformed: Vec::new(),
            line: 1,
            started: false,
            ended: false,
            passing: None,
            spare: String::new(),
        }
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The encoding as known so far: a file that was to be guessed counts as UTF-8 until it shows otherwise.
    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// The first bytes as UTF-8, or in the file's own encoding while that is not known; about a block.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn peek(&mut self) -> Result<&[u8], ExtractError> {
        self.fill()?;
        Ok(&self.buffer)
    }

    /// Says how rows end, before the first block is taken.
    pub fn set_ends(&mut self, ends: RowEnds) {
        self.ends = ends;
        self.cutter = Cutter::new(ends);
    }

    /// Takes back a text that is no longer needed, to use its memory again.
    pub fn recycle(&mut self, text: String) {
        if self.spare.capacity() < text.capacity() && text.capacity() <= 4 * self.limits.block {
            self.spare = text;
            self.spare.clear();
        }
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_block(&mut self) -> Result<Option<Block>, ExtractError> {
        loop {
            self.fill()?;
            if self.passing.is_some() {
                if let Some(block) = self.pass_over()? {
                    return Ok(Some(block));
                }
                continue;
            }
            self.cutter.advance(&self.buffer, self.ended, false);
            let unclosed = self.ended && self.cutter.in_quotes();
            match self.cutter.row_end() {
                Some(end) => {
                    if let Some(block) = self.cut(end, unclosed) {
                        return Ok(Some(block));
                    }
                }
                None if unclosed => {
                    let fault = self.unclosed(0);
                    self.buffer.clear();
                    self.cutter = Cutter::new(self.ends);
                    return Ok(Some(Block {
                        line: self.line,
                        faults: vec![fault],
                        ..Block::default()
                    }));
                }
                None if self.ended => return Ok(None),
                None if self.buffer.len() >= self.limits.row => {
                    self.passing = Some(RowFault {
                        line: self.line,
                        raw: shortened(&String::from_utf8_lossy(
                            self.buffer.get(..RAW_MAX * 2).unwrap_or(&self.buffer),
                        )),
                        why: String::new(),
                    });
                }
                None => {
                    let longest = (self.limits.row + 1).saturating_sub(self.buffer.len());
                    self.read(self.buffer.len().min(longest))?;
                }
            }
        }
    }

    /// Gives out the first `end` bytes; `None` when the encoding was only now understood and the rows must
    /// be cut anew.
    fn cut(&mut self, end: usize, unclosed: bool) -> Option<Block> {
        if let Mode::Utf8 { sure: false } = self.mode {
            let rows = self.buffer.get(..end).unwrap_or_default();
            if !rows.is_ascii() {
                let encoding = match simdutf8::basic::from_utf8(rows) {
                    Ok(_) => UTF_8,
                    Err(_) => decode::guess(rows),
                };
                if encoding != UTF_8 {
                    self.decode_from_here(encoding);
                    return None;
                }
                self.mode = Mode::Utf8 { sure: true };
            }
        }
        let line = self.line;
        self.line += self.cutter.row_breaks(&self.buffer);
        let unclosed = unclosed.then(|| self.unclosed(end));
        let zeros = self.cutter.may_hold_zeros();
        let mut damage = Vec::new();
        let in_block = self.malformed.partition_point(|at| *at < end);
        for at in self.malformed.drain(..in_block) {
            damage.push(Damage {
                at,
                why: "holds bytes that are no text in the file's encoding",
            });
        }
        for at in &mut self.malformed {
            *at -= end;
        }
        let rows = self.buffer.get(..end).unwrap_or_default();
        let text = match simdutf8::basic::from_utf8(rows) {
            Ok(rows) => {
                let mut text = std::mem::take(&mut self.spare);
                text.push_str(rows);
                text
            }
            Err(_) => marked(rows, &mut damage),
        };
        if unclosed.is_none() {
            self.cutter.drop_front(&self.buffer, end);
            self.buffer.drain(..end);
        } else {
            self.cutter = Cutter::new(self.ends);
            self.buffer.clear();
        }
        if zeros {
            for at in memchr::memchr_iter(0, text.as_bytes()) {
                damage.push(Damage {
                    at,
                    why: "holds a zero byte",
                });
            }
        }
        damage.sort_by_key(|d| d.at);
        Some(Block {
            text,
            start: 0,
            line,
            damage,
            faults: unclosed.into_iter().collect(),
        })
    }

    /// From the first byte of the buffer on, the file is in this encoding.
    fn decode_from_here(&mut self, encoding: &'static Encoding) {
        self.encoding = encoding;
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let raw = std::mem::take(&mut self.buffer);
        decode::decode_onto(
            &mut decoder,
            &raw,
            self.ended,
            &mut self.buffer,
            &mut self.malformed,
        );
        self.mode = Mode::Decoded(Box::new(decoder));
        self.cutter = Cutter::new(self.ends);
    }

    fn unclosed(&self, from: usize) -> RowFault {
        let row = self.buffer.get(from..).unwrap_or_default();
        let more = count_breaks(row.trim_ascii_end());
        RowFault {
            line: self.line,
            raw: shortened(&String::from_utf8_lossy(
                row.get(..RAW_MAX * 2).unwrap_or(row),
            )),
            why: match more {
                0 => "has a quote that is never closed".to_owned(),
                n => format!(
                    "has a quote that is never closed, so {} after it up to the end of the file could not be \
                     read as rows",
                    if n == 1 {
                        "the line".to_owned()
                    } else {
                        format!("the {n} lines")
                    }
                ),
            },
        }
    }

    /// Drops what is read of a row that is too long, up to its end.
    fn pass_over(&mut self) -> Result<Option<Block>, ExtractError> {
        self.cutter.advance(&self.buffer, self.ended, true);
        let (drop, done) = match self.cutter.row_end() {
            Some(end) => (end, true),
            None if self.ended => (self.buffer.len(), true),
            None => {
                // A CR or quote at the edge stays: it may be the first of two bytes.
                let held_back = matches!(self.buffer.last(), Some(b'\r' | b'"'));
                (self.buffer.len() - usize::from(held_back), false)
            }
        };
        self.line += count_breaks(self.buffer.get(..drop).unwrap_or_default());
        self.cutter.drop_front(&self.buffer, drop);
        self.buffer.drain(..drop);
        self.malformed.retain_mut(|at| {
            let stays = *at >= drop;
            *at = at.saturating_sub(drop);
            stays
        });
        if !done {
            return Ok(None);
        }
        let unclosed = self.ended && self.cutter.in_quotes();
        if unclosed {
            self.cutter = Cutter::new(self.ends);
        }
        Ok(self.passing.take().map(|mut fault| {
            fault.why = format!(
                "is longer than {} MiB{}",
                self.limits.row.div_ceil(1 << 20),
                if unclosed {
                    " because it has a quote that is never closed"
                } else {
                    ""
                }
            );
            Block {
                line: self.line,
                faults: vec![fault],
                ..Block::default()
            }
        }))
    }

    /// Reads until there is a block's worth, or the file ends.
    fn fill(&mut self) -> Result<(), ExtractError> {
        while !self.ended && self.buffer.len() < self.limits.block {
            self.read(self.limits.block - self.buffer.len())?;
        }
        Ok(())
    }

    fn read(&mut self, bytes: usize) -> Result<(), ExtractError> {
        // Enough for the first bytes to tell the encoding.
        let bytes = bytes.max(8) as u64;
        if matches!(self.mode, Mode::Utf8 { .. }) || !self.started {
            let read = read_onto(&mut self.file, bytes, &mut self.buffer);
            self.ended = read.map_err(|source| self.io(source))? < bytes;
        } else {
            let mut raw = Vec::new();
            let read = read_onto(&mut self.file, bytes, &mut raw);
            self.ended = read.map_err(|source| self.io(source))? < bytes;
            self.decode(&raw);
        }
        if !self.started {
            self.started = true;
            self.start();
        }
        Ok(())
    }

    /// Looks at the first bytes.
    fn start(&mut self) {
        let found = decode::by_first_bytes(&self.buffer);
        let said = !matches!(self.mode, Mode::Utf8 { sure: false });
        match found {
            // A byte order mark is certain; without one the migration's word counts.
            Some((encoding, mark)) if mark > 0 || !said => {
                self.buffer.drain(..mark);
                self.encoding = encoding;
                self.mode = if encoding == UTF_8 {
                    Mode::Utf8 { sure: true }
                } else {
                    Mode::Decoded(Box::new(encoding.new_decoder_without_bom_handling()))
                };
            }
            _ => {}
        }
        if matches!(self.mode, Mode::Decoded(_)) {
            let raw = std::mem::take(&mut self.buffer);
            self.decode(&raw);
        }
    }

    fn decode(&mut self, raw: &[u8]) {
        if let Mode::Decoded(decoder) = &mut self.mode {
            decode::decode_onto(
                decoder,
                raw,
                self.ended,
                &mut self.buffer,
                &mut self.malformed,
            );
        }
    }

    fn io(&self, source: std::io::Error) -> ExtractError {
        ExtractError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

fn read_onto(
    file: &mut Box<dyn Read + Send>,
    bytes: u64,
    out: &mut Vec<u8>,
) -> std::io::Result<u64> {
    out.reserve(usize::try_from(bytes).unwrap_or_default());
    file.by_ref().take(bytes).read_to_end(out).map(|n| n as u64)
}

/// The text with a mark in each place that is no UTF-8.
fn marked(bytes: &[u8], damage: &mut Vec<Damage>) -> String {
    let mut text = String::with_capacity(bytes.len() + 64);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            damage.push(Damage {
                at: text.len(),
                why: "holds bytes that are no UTF-8: set the encoding of the export, or repair the file",
            });
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

/// The first 4 KiB of a row.
pub(crate) fn shortened(row: &str) -> String {
    let row = row.trim_end_matches(['\r', '\n']);
    row.get(..row.floor_char_boundary(RAW_MAX))
        .unwrap_or(row)
        .to_owned()
}
