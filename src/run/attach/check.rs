//! The copy at the destination against what was sent, as far as the destination tells.

use super::{Form, Sum};
use crate::{
    connector::{Reply, download::Downloads, rest::Content},
    ident::StepId,
    ledger::{Entry, FileCheck, Origin, Undone},
    mapping::Step,
    platform::{OpKind, http::FileAnswer},
    run::{
        attach,
        context::Context,
        failure::RunError,
        item::Work,
        send::{self, Done, Sent},
    },
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// How many files were sent, by how sure it is that their copies are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The copy was read back, or its checksum told: it is the same.
    pub verified: u64,
    /// Its size is the same; nothing else is told.
    pub size_only: u64,
    /// Nothing is told about it.
    pub not_verifiable: u64,
    /// It is another one.
    pub differs: u64,
}

/// The files that a run sent, by step.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<StepId, Checked>>);

impl Tally {
    /// Counts one.
    pub fn add(&self, step: StepId, check: FileCheck) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = all.entry(step).or_default();
        match check {
            FileCheck::Verified => counts.verified += 1,
            FileCheck::SizeOnly => counts.size_only += 1,
            FileCheck::NotVerifiable => counts.not_verifiable += 1,
            FileCheck::Differs => counts.differs += 1,
        }
    }

    /// All counts so far.
    pub fn counts(&self) -> BTreeMap<StepId, Checked> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What is known about one copy, and why it is not more, or what is wrong with it.
type Verdict = (FileCheck, Option<String>);

/// Settles a record that was sent with files: it is confirmed first, then its copies are compared. A wrong copy is
/// removed where the destination lets it, and the record is held.
///
/// # Errors
/// When the destination or the ledger stops.
pub async fn sent(
    ctx: &Context,
    step: &Step,
    work: Work,
    form: &Form,
    id: String,
    answer: Option<Value>,
) -> Result<Done, RunError> {
    let told = told(ctx, step)?;
    // An answer about a file is no record to compare with.
    let record = answer.as_ref().filter(|_| told.is_none());
    let written = ctx.written(step, &work.body, record);
    let differs = send::differing(ctx, step, &work.body, record)?;
    // One answer cannot speak for several files.
    let told = told.filter(|_| form.sums.len() == 1);
    let reads_back = ctx.source.downloads().is_none_or(Downloads::reads_back);
    let mut verdicts: Vec<Verdict> = Vec::new();
    let mut addresses = Vec::new();
    for sum in &form.sums {
        let (verdict, address) = match (&told, &answer) {
            (Some(told), Some(answer)) => at_once(sum, told, answer),
            _ => ((FileCheck::NotVerifiable, None), None),
        };
        let ((check, why), address) = match reads_back {
            true => (verdict, address),
            // The answer is all there is.
            false => ((verdict.0, verdict.1.filter(|_| address.is_none())), None),
        };
        addresses.push(address);
        verdicts.push((check, why));
    }
    let mut entries = vec![send::confirmed(step, &work, &id, Origin::Created, written)];
    entries.extend(files(step, &work, form, &verdicts));
    ctx.ledger.append(entries).await?;
    let mut read = false;
    for ((sum, address), verdict) in form.sums.iter().zip(addresses).zip(&mut verdicts) {
        if let Some(address) = address {
            *verdict = read_back(ctx, sum, &address, verdict.0).await?;
            read = true;
        }
    }
    if read {
        let entries = files(step, &work, form, &verdicts);
        ctx.ledger.append(entries).await?;
    }
    for (check, _) in &verdicts {
        ctx.sent_files.add(work.step, *check);
    }
    let wrong = verdicts.into_iter().find(|v| v.0 == FileCheck::Differs);
    match wrong {
        Some((_, why)) => wrong_copy(ctx, step, work, id, why.unwrap_or_default()).await,
        None => Ok(Done {
            work,
            sent: Sent::Created { id },
            differs,
        }),
    }
}

/// Notes the files of a record whose answer was lost and that was found to be there. `form`: as it was sent; `None`: by
/// an earlier process.
///
/// # Errors
/// When the ledger stops, or the run was asked to.
pub async fn adopted(
    ctx: &Context,
    step: &Step,
    work: &Work,
    form: Option<Form>,
) -> Result<(), RunError> {
    let form = match form {
        Some(form) => Some(form),
        // What cannot be read any more was sent all the same.
        None => attach::form(ctx, step, work).await?.ok().flatten(),
    };
    let Some(form) = form else {
        return Ok(());
    };
    let why = "the answer to it was lost".to_owned();
    let verdicts = vec![(FileCheck::NotVerifiable, Some(why)); form.sums.len()];
    for (check, _) in &verdicts {
        ctx.sent_files.add(work.step, *check);
    }
    ctx.ledger
        .append(files(step, work, &form, &verdicts))
        .await?;
    Ok(())
}

/// What the answer to a create of this step tells about a file.
fn told(ctx: &Context, step: &Step) -> Result<Option<FileAnswer>, RunError> {
    let op = ctx.object(step.to)?.op(OpKind::Create);
    Ok(op.and_then(|op| op.file.clone()))
}

fn files(step: &Step, work: &Work, form: &Form, verdicts: &[Verdict]) -> Vec<Entry> {
    let entry = |(sum, (check, why)): (&Sum, &Verdict)| Entry::FileSent {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        field: sum.field.clone(),
        sha256: sum.sha256.clone(),
        bytes: sum.bytes,
        check: *check,
        why: why.clone(),
    };
    form.sums.iter().zip(verdicts).map(entry).collect()
}

/// Removes a wrong copy where that is possible, and holds its record.
async fn wrong_copy(
    ctx: &Context,
    step: &Step,
    work: Work,
    id: String,
    why: String,
) -> Result<Done, RunError> {
    let removed = ctx.object(step.to)?.op(OpKind::Delete).is_some()
        && matches!(
            ctx.rest.delete(step.to, &id).await?,
            Reply::Done { .. } | Reply::Gone
        );
    let mut entries = Vec::new();
    let words = if removed {
        entries.push(Entry::RolledBack {
            step: step.name.clone(),
            key: work.key.clone(),
            part: u32::from(work.part),
            dest_id: id,
            did: Undone::Removed,
        });
        format!("{why}; the copy was removed, and the next run sends it again")
    } else {
        format!("{why}; remove {id} at the destination by hand")
    };
    entries.push(send::held(step, &work, "file_differs", &words));
    ctx.ledger.append(entries).await?;
    Ok(Done {
        work,
        sent: Sent::Held {
            code: "file_differs",
            words,
        },
        differs: Vec::new(),
    })
}

/// What an answer says about the copy by itself, and the address to read it from where that tells more.
fn at_once(sum: &Sum, told: &FileAnswer, answer: &Value) -> (Verdict, Option<String>) {
    let member = |path: &Option<String>| {
        let path = path.as_deref()?;
        let found = path.split('.').try_fold(answer, |v, part| v.get(part))?;
        match found {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        }
    };
    if let Some(sha256) = member(&told.sha256) {
        let verdict = match sha256.eq_ignore_ascii_case(&sum.sha256) {
            true => (FileCheck::Verified, None),
            false => other(format!(
                "has the checksum {sha256}, and {} was sent",
                sum.sha256
            )),
        };
        return (verdict, None);
    }
    let size = member(&told.size).and_then(|s| s.parse::<u64>().ok());
    if let Some(bytes) = size.filter(|b| *b != sum.bytes) {
        return (other(sizes(bytes, sum)), None);
    }
    let check = match size {
        Some(_) => FileCheck::SizeOnly,
        None => FileCheck::NotVerifiable,
    };
    let address = member(&told.url);
    let why = address.as_ref().map(|_| "not read back yet".to_owned());
    ((check, why), address)
}

/// Reads a copy from its address. `least`: what is known of it without.
async fn read_back(
    ctx: &Context,
    sum: &Sum,
    address: &str,
    least: FileCheck,
) -> Result<Verdict, RunError> {
    // A little more than was sent, so that a longer copy shows.
    let max = sum.bytes.saturating_add(1 << 20);
    Ok(match ctx.rest.content(address, max).await? {
        Content::NotGiven(why) => (least, Some(why)),
        Content::Is { sha256, .. } if sha256 == sum.sha256 => (FileCheck::Verified, None),
        // A sign-in page or an error with status 200 is no copy.
        Content::Is { kind, bytes, .. } if is_excuse(kind.as_deref()) || sum.page => {
            let kind = kind.unwrap_or_else(|| "no type".to_owned());
            let why = format!("its address gives something else ({kind}, {bytes} bytes)");
            (least, Some(why))
        }
        Content::Is { bytes, .. } if bytes != sum.bytes => other(sizes(bytes, sum)),
        Content::Is { .. } => other("has other content than what was sent".to_owned()),
    })
}

fn other(what: String) -> Verdict {
    (FileCheck::Differs, Some(format!("the copy {what}")))
}

fn sizes(bytes: u64, sum: &Sum) -> String {
    format!("has {bytes} bytes, and {} were sent", sum.bytes)
}

fn is_excuse(kind: Option<&str>) -> bool {
    let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_believed_as_far_as_they_go() {
        let sum = Sum {
            field: "file".into(),
            sha256: "ab".into(),
            bytes: 5,
            page: false,
        };
        let told = FileAnswer {
            url: Some("d.url".into()),
            size: Some("d.size".into()),
            sha256: Some("d.sum".into()),
        };
        let look = |d: Value| at_once(&sum, &told, &json!({"d": d}));
        assert_eq!(
            look(json!({"sum": "AB"})),
            ((FileCheck::Verified, None), None)
        );
        assert_eq!(
            look(json!({"sum": "cd", "url": "u"})).0.0,
            FileCheck::Differs
        );
        assert_eq!(
            look(json!({"size": 5})),
            ((FileCheck::SizeOnly, None), None)
        );
        assert_eq!(look(json!({"size": "6"})).0.0, FileCheck::Differs);
        let ((check, why), address) = look(json!({"url": "/x", "size": 5}));
        assert_eq!(
            (check, address.as_deref()),
            (FileCheck::SizeOnly, Some("/x"))
        );
        assert!(why.is_some());
        assert_eq!(look(json!({})), ((FileCheck::NotVerifiable, None), None));
        assert_eq!(
            at_once(&sum, &told, &Value::Null).0.0,
            FileCheck::NotVerifiable
        );
    }
}
