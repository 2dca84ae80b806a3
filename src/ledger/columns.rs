//! Entries taken apart as the journal keeps them: the place of each, and the rest as JSON.

use super::entry::Entry;

impl Entry {
    /// Its step, key and part: the record it is about, or empty texts.
    pub fn place(&self) -> (&str, &str, u32) {
        match self {
            Entry::RunStarted { .. }
            | Entry::RunEnded { .. }
            | Entry::Approved(_)
            | Entry::Waived { .. }
            | Entry::Planned(_)
            | Entry::Waiting(_) => ("", "", 0),
            Entry::StepStarted { step, .. }
            | Entry::StepEnded { step, .. }
            | Entry::Watermark { step, .. } => (step, "", 0),
            Entry::Intended(i) => (&i.step, &i.key, i.part),
            Entry::Confirmed {
                step, key, part, ..
            }
            | Entry::FileSent {
                step, key, part, ..
            }
            | Entry::Refused {
                step, key, part, ..
            }
            | Entry::InDoubt {
                step, key, part, ..
            }
            | Entry::Absent { step, key, part }
            | Entry::Again {
                step, key, part, ..
            }
            | Entry::Held {
                step, key, part, ..
            }
            | Entry::Before {
                step, key, part, ..
            }
            | Entry::RolledBack {
                step, key, part, ..
            }
            | Entry::Kept {
                step, key, part, ..
            }
            | Entry::Conflicted {
                step, key, part, ..
            }
            | Entry::SecondPassDone {
                step, key, part, ..
            } => (step, key, *part),
            Entry::Released { step, key } | Entry::Merged { step, key, .. } => (step, key, 0),
            Entry::JobStarted { step, chunk, .. } | Entry::JobEnded { step, chunk } => {
                (step, chunk, 0)
            }
            Entry::CountedBefore(count) => ("", &count.object, 0),
            Entry::CountedAfter(count) => ("", &count.object, 0),
            Entry::Progressed(progress) => (&progress.step, "", 0),
            Entry::Decided { name, .. } => ("", name, 0),
            Entry::FileWritten { step, path, .. } => (step, path, 0),
            Entry::BudgetUsed { account, .. } | Entry::CallsReserved { account, .. } => {
                ("", account, 0)
            }
        }
    }

    /// What it says beside its kind and its place, as JSON; it is put into `buffer`.
    pub(super) fn said<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], serde_json::Error> {
        buffer.clear();
        serde_json::to_writer(&mut *buffer, self)?;
        // `{"kind":{...}}`: the kind has its own place, so only the inner object is kept.
        let inner = buffer.get(self.kind().len() + 4..buffer.len().saturating_sub(1));
        Ok(inner.unwrap_or_default())
    }

    /// Puts an entry together again.
    pub(super) fn from_columns(
        kind: &str,
        step: &str,
        key: &str,
        part: u32,
        data: &str,
    ) -> Result<Entry, serde_json::Error> {
        let mut entry: Entry = serde_json::from_str(&format!("{{\"{kind}\":{data}}}"))?;
        match &mut entry {
            Entry::RunStarted { .. }
            | Entry::RunEnded { .. }
            | Entry::Approved(_)
            | Entry::Waived { .. }
            | Entry::Planned(_)
            | Entry::Waiting(_) => {}
            Entry::StepStarted { step: s, .. }
            | Entry::StepEnded { step: s, .. }
            | Entry::Watermark { step: s, .. } => *s = step.to_owned(),
            Entry::Intended(i) => {
                i.step = step.to_owned();
                i.key = key.to_owned();
                i.part = part;
            }
            Entry::Confirmed {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::FileSent {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::Refused {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::InDoubt {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::Absent {
                step: s,
                key: k,
                part: p,
            }
            | Entry::Again {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::Held {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::Before {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::RolledBack {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::Kept {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::Conflicted {
                step: s,
                key: k,
                part: p,
                ..
            }
            | Entry::SecondPassDone {
                step: s,
                key: k,
                part: p,
                ..
            } => {
                *s = step.to_owned();
                *k = key.to_owned();
                *p = part;
            }
            Entry::Released { step: s, key: k }
            | Entry::Merged {
                step: s, key: k, ..
            }
            | Entry::JobStarted {
                step: s, chunk: k, ..
            }
            | Entry::JobEnded { step: s, chunk: k }
            | Entry::FileWritten {
                step: s, path: k, ..
            } => {
                *s = step.to_owned();
                *k = key.to_owned();
            }
            Entry::CountedBefore(count) => count.object = key.to_owned(),
            Entry::CountedAfter(count) => count.object = key.to_owned(),
            Entry::Progressed(progress) => progress.step = step.to_owned(),
            Entry::Decided { name, .. } => *name = key.to_owned(),
            Entry::BudgetUsed { account, .. } | Entry::CallsReserved { account, .. } => {
                *account = key.to_owned();
            }
        }
        Ok(entry)
    }
}
