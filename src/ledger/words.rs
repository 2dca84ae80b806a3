//! The closed lists of words in entries: how a record was written, how it came to be there, how that was undone.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The word in the ledger and in reports.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            pub(super) fn code(self) -> u8 {
                self as u8
            }

            pub(super) fn from_code(code: u8) -> Option<$name> {
                [$($name::$variant,)*].into_iter().find(|v| v.code() == code)
            }
        }
    };
}
pub(super) use words;

words! {
    /// The call by which a record is written.
    WriteOp {
        /// A new record.
        #[default]
        Create = "create",
        /// Changes to a record by id.
        Update = "update",
        /// Create or update by a key the server matches.
        Upsert = "upsert",
        /// The same with others in one call.
        Bulk = "bulk",
        /// Remove.
        Delete = "delete",
    }
}

words! {
    /// How a record came to be at the destination. A later variant outweighs an earlier one: what a migration
    /// created stays its own, whatever it wrote later.
    Origin {
        /// It was there with the same content; nothing was written.
        #[default]
        Unchanged = "unchanged",
        /// It was there and was bound without writing.
        Matched = "matched",
        /// It was there and was written.
        Updated = "updated",
        /// It is new.
        Created = "created",
    }
}

/// What a rollback did to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// Nothing was to be undone: it was only bound, or nothing was written into it.
    Unbound,
    /// It was removed.
    Removed,
    /// It was not there any more.
    Gone,
    /// Its fields got back what they held.
    Restored,
    /// Only a person can remove it.
    ByHand,
}

impl Undone {
    /// The word in the ledger and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Undone::Unbound => "unbound",
            Undone::Removed => "removed",
            Undone::Gone => "gone",
            Undone::Restored => "restored",
            Undone::ByHand => "by_hand",
        }
    }
}
