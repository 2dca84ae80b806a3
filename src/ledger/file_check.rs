//! How sure it is that a file at the destination is the one that was sent.

use serde::{Deserialize, Serialize};

/// How sure it is that the copy of a file at the destination is what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileCheck {
    /// It was read back, or the destination told its checksum: it is the same.
    Verified,
    /// The destination told its size: it is the same.
    SizeOnly,
    /// The destination tells nothing about it.
    NotVerifiable,
    /// It is another one.
    Differs,
}

impl FileCheck {
    /// The word in the ledger and in reports.
    pub fn word(self) -> &'static str {
        match self {
            FileCheck::Verified => "verified",
            FileCheck::SizeOnly => "size_only",
            FileCheck::NotVerifiable => "not_verifiable",
            FileCheck::Differs => "differs",
        }
    }
}
