//! The fields an account really has, as its API describes them.

use super::{member, read::no_member, setup::Rest};
use crate::{connector::Stop, ident::ObjectId};
use serde_json::Value;

/// A field as the account describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteField {
    /// Its API name.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The vendor's word for its type.
    pub vendor_type: String,
    /// Its choices; empty when it has none.
    pub choices: Vec<String>,
    /// A record needs it.
    pub required: bool,
    /// False for a customer's own field.
    pub standard: bool,
}

impl Rest {
    /// The fields of an object; none where the platform file names no place that describes them.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn fields(&self, object: ObjectId) -> Result<Vec<RemoteField>, Stop> {
        let platform = &self.inner.platform;
        let (Some(path), Some(rules)) = (
            platform
                .objects
                .get(object.ix())
                .and_then(|o| o.custom_at.as_deref()),
            &platform.custom,
        ) else {
            return Ok(Vec::new());
        };
        let part = |name: &str| {
            rules
                .describe
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, path)| path.as_str())
        };
        let call = self.get_call(path)?;
        let body = self.fetch(&call).await?.unwrap_or(Value::Null);
        let Some(Value::Array(rows)) = member::at(&body, part("records").unwrap_or("")) else {
            return Err(self.unexpected(&call, no_member("a list of fields", part("records"))));
        };
        rows.iter()
            .map(|row| {
                let text = |name: &str| part(name).and_then(|p| member::text_at(row, p));
                let truth = |name: &str| part(name).and_then(|p| member::truth_at(row, p));
                let name =
                    text("name").ok_or_else(|| self.unexpected(&call, "a field without a name"))?;
                Ok(RemoteField {
                    label: text("label").unwrap_or_else(|| name.clone()),
                    vendor_type: text("type").unwrap_or_default(),
                    choices: part("choices")
                        .map(|p| member::texts_at(row, p))
                        .unwrap_or_default(),
                    required: truth("required").unwrap_or(false),
                    standard: truth("standard").unwrap_or_else(|| !name.starts_with(&rules.prefix)),
                    name,
                })
            })
            .collect()
    }
}
