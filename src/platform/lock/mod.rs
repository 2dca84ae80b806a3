//! The schema lock: what a source and an account were seen to hold, as data that can be kept and compared.
//!
//! `discover` makes one, `plan` reads it, a later `discover` says what changed ([`drift`]). Its bytes depend on what was
//! seen and on nothing else: no time, no machine, no order of an answer. It holds no secret and no record: choices,
//! names of stages and their like, and e-mail addresses of owners are kept, as an admin has to work with them; every
//! other example is masked.

pub mod account;
pub mod drift;
pub mod source;
pub mod values;

pub use account::{AccountField, AccountInventory, AccountObject};
pub use drift::{Change, ChangeKind, Side, drift};
pub use source::{
    Choice, Cluster, HandedOff, KeyCount, Link, LinkKind, Need, OwnerCount, OwnerRecords,
    ReadState, SourceField, SourceInventory, SourceObject,
};
pub use values::{ValueRow, ValueTable};

use serde::{Deserialize, Serialize};

/// The version of the file's shape.
pub const VERSION: &str = "transload/lock/v1";

/// The name of the file beside the ledger.
pub const FILE: &str = "schema.lock.json";

/// What discovery found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaLock {
    /// The shape: [`VERSION`].
    pub version: String,
    /// The mapping that said what to look at.
    pub mapping: String,
    /// The hash of the plan it was made with: value tables and owners are those of that plan.
    pub plan: String,
    /// What the source holds.
    pub source: SourceInventory,
    /// Where the values of pick-lists go, field by field.
    pub values: Vec<ValueTable>,
    /// What the destination holds; `None`: nobody looked.
    pub destination: Option<AccountInventory>,
}

/// Why a lock cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is no JSON of this shape.
    #[error("it is no schema lock: {0}")]
    Shape(#[from] serde_json::Error),
    /// It was written by another version.
    #[error("its version is `{found}`, and this program reads `{VERSION}`")]
    Version {
        /// The version.
        found: String,
    },
}

impl SchemaLock {
    /// The bytes of the file: the same for the same content.
    ///
    /// # Errors
    /// None in practice: everything in it can be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LockError> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// When they are no lock of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<SchemaLock, LockError> {
        #[derive(Deserialize)]
        struct Head {
            version: String,
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.version != VERSION {
            return Err(LockError::Version {
                found: head.version,
            });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// The hash of the schema alone, in hexadecimal: objects, columns, custom fields, their types and choices. The number
    /// of records, examples and value tables are left out, so an export of tomorrow with the same columns has the same.
    pub fn schema_hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(&self.source.platform);
        for object in &self.source.objects {
            part(&object.object);
            for field in object.fields.iter().filter(|f| f.found) {
                part(&field.column);
                part(field.declared.as_deref().unwrap_or(""));
            }
        }
        if let Some(account) = &self.destination {
            part(&account.platform);
            part(account.tier.as_deref().unwrap_or(""));
            for object in &account.objects {
                part(&object.object);
                for field in &object.fields {
                    part(&field.name);
                    part(&field.kind);
                    field.choices.iter().for_each(|c| part(c));
                }
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The value table of an entry of the mapping.
    pub fn table(&self, step: &str, field: &str) -> Option<&ValueTable> {
        self.values
            .iter()
            .find(|t| t.step == step && t.field == field)
    }
}
