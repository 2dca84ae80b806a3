//! What an account at the destination holds: its fields, its pick-lists made of records, and how many records there are.

use serde::{Deserialize, Serialize};

/// An account as its API describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountInventory {
    /// The platform.
    pub platform: String,
    /// The tier, as the migration says; no API tells it.
    pub tier: Option<String>,
    /// Its objects, in the order of the platform file.
    pub objects: Vec<AccountObject>,
}

/// An object of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountObject {
    /// Its name.
    pub object: String,
    /// The number of its records; `None`: the API does not tell.
    pub records: Option<u64>,
    /// The names of its records by their first key, sorted, where the object is a pick-list (stages, users); `None`:
    /// they were not listed.
    pub names: Option<Vec<String>>,
    /// True when the API describes its fields, so that a field that is not listed is missing.
    pub described: bool,
    /// Its fields as described, by name.
    pub fields: Vec<AccountField>,
}

/// A field of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountField {
    /// Its API name.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The vendor's word for its type.
    pub kind: String,
    /// Its choices, in the account's order.
    pub choices: Vec<String>,
    /// A record needs it.
    pub required: bool,
    /// False for a customer's own field.
    pub standard: bool,
}

impl AccountInventory {
    /// An object by name.
    pub fn object(&self, name: &str) -> Option<&AccountObject> {
        self.objects.iter().find(|o| o.object == name)
    }
}

impl AccountObject {
    /// A field by its API name.
    pub fn field(&self, name: &str) -> Option<&AccountField> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// True when a record of that name is there, trimmed and without case; `None` when nobody listed them.
    pub fn has(&self, name: &str) -> Option<bool> {
        let wanted = name.trim().to_lowercase();
        self.names
            .as_ref()
            .map(|all| all.iter().any(|n| n.trim().to_lowercase() == wanted))
    }

    /// The customer's own fields.
    pub fn custom(&self) -> impl Iterator<Item = &AccountField> {
        self.fields.iter().filter(|f| !f.standard)
    }
}
