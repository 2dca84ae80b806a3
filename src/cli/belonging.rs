//! Whose a ledger is: one migration file, its mapping, one destination account.
//!
//! A ledger knows by key what was loaded. Beside another account it would take for loaded what is not there, and beside
//! another mapping it would undo what is not its own. What it belongs to is noted down by the first run that loads; a
//! ledger of an older engine belongs to the first that comes.

use super::{
    connect,
    exit::{Exit, Failure},
    ledger_faults::unread,
};
use crate::{
    ledger::{Entry, Ledger, View},
    mapping::{DestinationConnection, Migration},
};
use serde::{Deserialize, Serialize};

/// The decision that says it.
const NAME: &str = "belongs_to";

/// What a ledger belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    /// Name of the migration file.
    file: String,
    /// Name of the mapping.
    mapping: String,
    /// The destination account.
    destination: String,
}

impl Owner {
    fn of(migration: &Migration) -> Owner {
        let platform = &migration.mapping.destination.name;
        let name = migration.path.file_name();
        Owner {
            file: name.unwrap_or_default().to_string_lossy().into_owned(),
            mapping: migration.mapping.name.clone(),
            destination: match &migration.destination {
                DestinationConnection::Sandbox(_) => connect::simulated(platform),
                DestinationConnection::Folder { .. } => "files".to_owned(),
                DestinationConnection::Http(http) => match &http.base {
                    Some(base) => format!("{platform} at {}", place(base)),
                    None => connect::by_params(platform, http),
                },
            },
        }
    }

    /// In what two of them differ, in words: what the ledger says, and what is so now.
    fn unlike(&self, now: &Owner) -> Option<(&'static str, &str, String)> {
        let pairs = [
            ("destination", &self.destination, &now.destination),
            ("mapping", &self.mapping, &now.mapping),
            ("migration file", &self.file, &now.file),
        ];
        let found = pairs.into_iter().find(|(_, was, is)| was != is);
        found.map(|(what, was, is)| (what, was.as_str(), is.clone()))
    }
}

/// An address without what does not make it another account: scheme, and the port of a server on this machine, which
/// changes with every start.
fn place(base: &str) -> String {
    let Ok(url) = url::Url::parse(base) else {
        return base.to_owned();
    };
    let host = url.host_str().unwrap_or_default();
    let port = match url.port() {
        Some(port) if !connect::is_loopback(base) => format!(":{port}"),
        _ => String::new(),
    };
    format!("{host}{port}{}", url.path().trim_end_matches('/'))
}

/// What is to be noted down when the run has begun.
pub struct Claim(Option<Entry>);

impl Claim {
    /// Notes it down.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note(self, ledger: &Ledger) -> Result<(), Failure> {
        if let Some(entry) = self.0 {
            ledger
                .append_blocking(vec![entry])
                .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
        }
        Ok(())
    }
}

/// Refuses a ledger that belongs to another migration or another account. `renamed`: somebody said that only a name has
/// changed.
///
/// # Errors
/// When it does, and when the ledger cannot be read.
pub fn check(view: &View, migration: &Migration, renamed: bool) -> Result<Claim, Failure> {
    let decisions = view.decisions().map_err(|e| unread(&e))?;
    let said = decisions.iter().find(|(name, _)| name == NAME);
    let was: Option<Owner> = said.and_then(|(_, value)| serde_json::from_str(value).ok());
    let now = Owner::of(migration);
    if let Some((what, was, is)) = was.as_ref().and_then(|was| was.unlike(&now))
        && !renamed
    {
        return Err(Failure::new(
            Exit::Usage,
            format!("the ledger in this folder belongs to another migration: its {what} is `{was}`, not `{is}`"),
        )
        .hint(
            "one folder holds one migration into one account: give this one a folder of its own, where nothing is loaded yet. \
             If it is the same, and only a name has changed, `transload run --renamed` says so",
        ));
    }
    if was.as_ref() == Some(&now) {
        return Ok(Claim(None));
    }
    let value =
        serde_json::to_string(&now).map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
    Ok(Claim(Some(Entry::Decided {
        name: NAME.to_owned(),
        value,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_its_host_and_path() {
        for (base, is) in [
            (
                "https://acme.example/crm/sales/api/",
                "acme.example/crm/sales/api",
            ),
            (
                "https://ACME.example/crm/sales/api",
                "acme.example/crm/sales/api",
            ),
            ("http://acme.example:8080", "acme.example:8080"),
            ("http://127.0.0.1:40001/crm", "127.0.0.1/crm"),
            ("no address", "no address"),
        ] {
            assert_eq!(place(base), is);
        }
    }

    #[test]
    fn what_differs_is_named() {
        let owner = |file: &str, mapping: &str, destination: &str| Owner {
            file: file.to_owned(),
            mapping: mapping.to_owned(),
            destination: destination.to_owned(),
        };
        let was = owner("migration.yaml", "a--b", "b at x");
        assert_eq!(was.unlike(&was.clone()), None);
        for (now, what) in [
            (owner("other.yaml", "a--b", "b at x"), "migration file"),
            (owner("migration.yaml", "c--b", "b at x"), "mapping"),
            (owner("other.yaml", "c--b", "b at y"), "destination"),
        ] {
            assert_eq!(was.unlike(&now).map(|(what, ..)| what), Some(what));
        }
    }
}
