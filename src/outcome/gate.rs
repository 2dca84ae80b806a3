//! The destination's own counts after a batch, against what the ledger says must be there.

use serde::{Deserialize, Serialize};

/// How a count came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As many as must be there.
    Balanced,
    /// More: somebody else makes records, too.
    More,
    /// Fewer, and every record of ours is there: somebody else removed some of theirs.
    Others,
    /// Fewer, and records of ours are missing, or cannot be proved to be there.
    Missing,
    /// The destination cannot tell with few calls.
    NotKnown,
}

impl Verdict {
    /// Its words for people.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Balanced => "balanced",
            Verdict::More => "more: somebody else makes records, too",
            Verdict::Others => "fewer, but none of ours is missing: somebody else removed some",
            Verdict::Missing => "MISSING",
            Verdict::NotKnown => "not known: the destination cannot count it with few calls",
        }
    }
}

/// One object after a batch that made records of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCount {
    /// The batch, from 1.
    pub batch: u64,
    /// The destination object.
    pub object: String,
    /// Records it had before the batch; `None`: not known.
    pub before: Option<u64>,
    /// Records that this migration made in the batch and did not undo; less than none where it undid more.
    pub made: i64,
    /// Records that must be there.
    pub expected: Option<u64>,
    /// Records that are there.
    pub found: Option<u64>,
    /// How they compare.
    pub verdict: Verdict,
    /// The first records of ours that are missing, where a few reads could tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingRecord>,
    /// How many are missing as far as is known, those without a name here included.
    #[serde(default)]
    pub missing_records: u64,
}

/// A record that was made and is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRecord {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// The destination's id it had.
    pub id: String,
}

impl BatchCount {
    /// One line for people.
    pub fn line(&self) -> String {
        let number = |n: Option<u64>| n.map_or_else(|| "not known".to_owned(), |n| n.to_string());
        let mut text = match self.verdict {
            Verdict::NotKnown => format!("{}: {}", self.object, self.verdict.words()),
            _ => format!(
                "{}: {} there, {} expected ({} before, {:+} made): {}",
                self.object,
                number(self.found),
                number(self.expected),
                number(self.before),
                self.made,
                self.verdict.words()
            ),
        };
        if self.verdict == Verdict::Missing {
            let named: Vec<String> = self
                .missing
                .iter()
                .map(|m| format!("{} {}", m.step, m.key))
                .collect();
            text.push_str(&match named.is_empty() {
                true => " (which, a few reads do not tell)".to_owned(),
                false => format!(" {}", named.join(", ")),
            });
            let more = self
                .missing_records
                .saturating_sub(self.missing.len() as u64);
            if more > 0 && !named.is_empty() {
                text.push_str(&format!(" and {more} more"));
            }
        }
        text
    }
}
