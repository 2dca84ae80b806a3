//! What a workbook may unfold to, looked at before it is read.
//!
//! A workbook is a zip archive, and a few kilobytes of one can unfold to gigabytes. The sizes an archive states can
//! be lies, so every part that is going to be read is unfolded once and counted, without keeping it.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};
use zip::{ZipArchive, result::ZipError};

/// Most of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Files in the archive.
    pub parts: usize,
    /// Bytes of all parts together.
    pub unfolded: u64,
    /// Bytes of the parts that are held in memory: everything but the sheets.
    pub held: u64,
}

impl Default for Guard {
    fn default() -> Guard {
        Guard {
            parts: 10_000,
            unfolded: 8 << 30,
            held: 1 << 30,
        }
    }
}

/// First bytes of the container of old and of encrypted workbooks.
const OLD: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// Looks at a workbook. An error is what is wrong with it, a sentence fragment.
///
/// # Errors
/// The file is no workbook, is encrypted, or unfolds to more than the guard allows.
pub(super) fn check(path: &Path, guard: Guard) -> Result<(), String> {
    let damaged = |e: &dyn std::fmt::Display| format!("is a damaged workbook: {e}");
    let mut file = File::open(path).map_err(|e| damaged(&e))?;
    let mut first = Vec::with_capacity(OLD.len());
    file.by_ref()
        .take(OLD.len() as u64)
        .read_to_end(&mut first)
        .map_err(|e| damaged(&e))?;
    if first == OLD {
        return Err(
            "is a workbook with a password, or one of the old kind: save it as .xlsx without a password"
                .to_owned(),
        );
    }
    if !first.starts_with(b"PK") {
        return Err(
            "is no workbook of the kind .xlsx: export it as such, or say `format: csv`".to_owned(),
        );
    }
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(&e))?;
    if archive.len() > guard.parts {
        return Err(format!(
            "holds {} parts; the most is {}",
            archive.len(),
            guard.parts
        ));
    }
    let (mut all, mut held) = (0u64, 0u64);
    for at in 0..archive.len() {
        let part = match archive.by_index(at) {
            Ok(part) => part,
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err("is a workbook with a password: save it without one".to_owned());
            }
            Err(e) => return Err(damaged(&e)),
        };
        let name = part.name().map_err(|e| damaged(&e))?.into_owned();
        let read = [".xml", ".rels"].iter().any(|end| name.ends_with(end));
        if !read {
            continue;
        }
        let sheet = name.starts_with("xl/worksheets/");
        let left = guard.unfolded.saturating_sub(all).min(if sheet {
            u64::MAX
        } else {
            guard.held.saturating_sub(held)
        });
        // One more than allowed is enough to know.
        let bytes = io::copy(&mut part.take(left.saturating_add(1)), &mut io::sink())
            .map_err(|e| format!("is a damaged workbook: {name}: {e}"))?;
        if bytes > left {
            return Err(format!(
                "unfolds to more than is read of a workbook ({} of sheets, {} of everything else): export it as csv, or in parts",
                size(guard.unfolded),
                size(guard.held)
            ));
        }
        all += bytes;
        if !sheet {
            held += bytes;
        }
    }
    Ok(())
}

/// `512 MiB`, `8 GiB`.
fn size(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{} GiB", b >> 30),
        b if b >= 1 << 20 => format!("{} MiB", b >> 20),
        b => format!("{b} bytes"),
    }
}
