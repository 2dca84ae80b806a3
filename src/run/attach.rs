//! Files that travel with a record: found beside the export or read from an allowed host, looked at before they are
//! sent, and compared with the copy afterwards.
//!
//! A cell of the export names the file: a path below the export folder, or a web address. Nothing else is ever sent.

pub mod check;

use super::{context::Context, failure::RunError, item::Work};
use crate::{
    connector::{
        Stop,
        download::{self, Fetched, Halt, Missed},
        rest::FilePart,
    },
    ident::ObjectId,
    mapping::Step,
    platform::OpKind,
    value::Type,
};
use serde_json::Value;
use std::path::PathBuf;

/// A record whose call is a form of several parts.
#[derive(Debug)]
pub struct Form {
    /// The record without its files, as JSON bytes.
    pub record: Vec<u8>,
    /// The files.
    pub files: Vec<FilePart>,
    /// What was read, file by file.
    pub sums: Vec<Sum>,
    /// Keeps files that were read from elsewhere until they were sent on.
    _fetched: Vec<Fetched>,
}

/// What was read of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The destination field.
    pub field: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// True when the file is a web page or a JSON text itself.
    pub page: bool,
}

/// True for a cell that names a web address and no path.
pub fn is_address(name: &str) -> bool {
    let scheme = name.trim().split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The form of a record; `None` where the destination takes plain records. The inner error is a hold: the file is
/// missing, refused, or larger than it may be.
///
/// # Errors
/// When the run was asked to stop, a file cannot be kept, or the encoded record is no JSON, which is a fault of the
/// engine.
pub async fn form(
    ctx: &Context,
    step: &Step,
    work: &Work,
) -> Result<Result<Option<Form>, Missed>, RunError> {
    let object = ctx.object(step.to)?;
    if !object.op(OpKind::Create).is_some_and(|op| op.multipart) {
        return Ok(Ok(None));
    }
    let mut record: Value = serde_json::from_slice(&work.body)
        .map_err(|e| RunError::Internal(format!("an encoded record is no JSON: {e}")))?;
    let mut form = Form {
        record: Vec::new(),
        files: Vec::new(),
        sums: Vec::new(),
        _fetched: Vec::new(),
    };
    for field in &object.fields {
        if field.data_type != Type::File {
            continue;
        }
        let Some(Value::String(name)) = record.as_object_mut().and_then(|r| r.remove(&field.path))
        else {
            continue;
        };
        let most = [field.max, ctx.source.file_max()].into_iter().flatten();
        let max = most.min().unwrap_or(u64::MAX);
        let (part, sum) = if is_address(&name) {
            let fetched = match fetch(ctx, &name, max).await? {
                Ok(fetched) => fetched,
                Err(missed) => return Ok(Err(missed)),
            };
            let found = of_fetched(&field.path, &fetched);
            form._fetched.push(fetched);
            found
        } else {
            match beside(ctx, step.from, &field.path, &name, max).await? {
                Ok(found) => found,
                Err(missed) => return Ok(Err(missed)),
            }
        };
        form.files.push(part);
        form.sums.push(sum);
    }
    form.record = record.to_string().into_bytes();
    Ok(Ok(Some(form)))
}

/// Reads a file from its address.
async fn fetch(ctx: &Context, name: &str, max: u64) -> Result<Result<Fetched, Missed>, RunError> {
    let Some(downloads) = ctx.source.downloads() else {
        return Ok(Err(Missed {
            code: "file_refused",
            words: "this command reads no files from other hosts".to_owned(),
        }));
    };
    match downloads.fetch(name, max).await {
        Ok(found) => Ok(found),
        Err(Halt::Cancelled) => Err(Stop::Cancelled.into()),
        Err(Halt::Disk { path, source }) => Err(RunError::Write {
            path: path.display().to_string(),
            source,
        }),
    }
}

fn of_fetched(field: &str, fetched: &Fetched) -> (FilePart, Sum) {
    let part = FilePart {
        field: field.to_owned(),
        path: fetched.path.clone(),
        name: Some(fetched.name.clone().unwrap_or_else(|| "file".to_owned())),
        kind: fetched.kind.clone(),
    };
    let sum = Sum {
        field: field.to_owned(),
        sha256: fetched.sha256.clone(),
        bytes: fetched.bytes,
        page: is_page(fetched.kind.as_deref(), fetched.name.as_deref()),
    };
    (part, sum)
}

/// Reads a file of the export folder for its checksum.
async fn beside(
    ctx: &Context,
    from: ObjectId,
    field: &str,
    name: &str,
    max: u64,
) -> Result<Result<(FilePart, Sum), Missed>, RunError> {
    let missing = |why: String| {
        Ok(Err(Missed {
            code: "file_missing",
            words: format!("the file {name}: {why}"),
        }))
    };
    let (path, bytes) = match ctx.source.attached(from, name) {
        Ok(found) => found,
        Err(why) => return missing(why),
    };
    if bytes > max {
        return Ok(Err(Missed {
            code: "file_too_large",
            words: format!("the file {name} has {bytes} bytes, and {max} are the most"),
        }));
    }
    let read: PathBuf = path.clone();
    let summed = tokio::task::spawn_blocking(move || download::checksum(&read)).await;
    let (sha256, bytes) = match summed.map_err(|e| RunError::Internal(e.to_string()))? {
        Ok(found) => found,
        Err(e) => return missing(format!("cannot be read: {e}")),
    };
    let own = path.file_name().and_then(|n| n.to_str());
    let page = is_page(None, own);
    // A name that is no text, or that would need care in a header, is made harmless.
    let name = own
        .and_then(download::safe_name)
        .filter(|safe| Some(safe.as_str()) != own);
    Ok(Ok((
        FilePart {
            field: field.to_owned(),
            path,
            name,
            kind: None,
        },
        Sum {
            field: field.to_owned(),
            sha256,
            bytes,
            page,
        },
    )))
}

/// True for web pages and JSON texts: where one comes back, it may be the file or an excuse.
fn is_page(kind: Option<&str>, name: Option<&str>) -> bool {
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    let name = name.unwrap_or_default().to_ascii_lowercase();
    kind.starts_with("text/html")
        || kind.starts_with("application/json")
        || [".html", ".htm", ".xhtml", ".json"]
            .iter()
            .any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        for address in [
            "https://a.example/x",
            " HTTP://a.example",
            "ftp://x/y",
            "file:///etc",
        ] {
            assert!(is_address(address), "{address}");
        }
        for path in ["files/a.txt", "C:\\a.txt", "a b://c", "://x", "../x", "a:b"] {
            assert!(!is_address(path), "{path}");
        }
    }
}
