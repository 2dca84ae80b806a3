//! The switches of a simulated account: what is unknown or surprising about the vendor, and how it is set now.

use crate::platform::{Platform, Quirk};
use std::{collections::BTreeMap, time::Duration};

/// The switches with their values.
#[derive(Clone, Debug)]
pub(super) struct Quirks {
    known: Vec<Quirk>,
    set: BTreeMap<String, String>,
}

impl Quirks {
    /// Every switch as the platform file starts it.
    pub(super) fn of(platform: &Platform) -> Quirks {
        Quirks {
            known: platform.quirks.clone(),
            set: platform
                .quirks
                .iter()
                .map(|q| (q.name.clone(), q.default.clone()))
                .collect(),
        }
    }

    /// Sets a switch.
    ///
    /// # Errors
    /// A sentence, when there is no such switch or no such value.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some(quirk) = self.known.iter().find(|q| q.name == name) else {
            let names: Vec<&str> = self.known.iter().map(|q| q.name.as_str()).collect();
            return Err(format!(
                "there is no quirk `{name}`: there are {}",
                names.join(", ")
            ));
        };
        if !quirk.options.is_empty() && !quirk.options.iter().any(|o| o == value) {
            return Err(format!(
                "quirk `{name}` cannot be `{value}`: it is one of {}",
                quirk.options.join(", ")
            ));
        }
        self.set.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// True when the switch has that value.
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.set.get(name).is_some_and(|v| v == value)
    }

    /// A switch whose values are spans of time (`20s`); zero when it is not there.
    pub(super) fn span(&self, name: &str) -> Duration {
        let text = self.set.get(name).map_or("", String::as_str);
        let number = |t: &str| t.trim().parse::<u64>().ok();
        let millis = if let Some(n) = text.strip_suffix("ms") {
            number(n)
        } else if let Some(n) = text.strip_suffix('s') {
            number(n).map(|n| n.saturating_mul(1000))
        } else if let Some(n) = text.strip_suffix('m') {
            number(n).map(|n| n.saturating_mul(60_000))
        } else {
            None
        };
        Duration::from_millis(millis.unwrap_or(0))
    }

    /// All switches.
    pub(super) fn all(&self) -> &BTreeMap<String, String> {
        &self.set
    }
}
