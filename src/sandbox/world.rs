//! The simulated account as a whole, and the changes that every way in shares: the API, bulk jobs, seeds and the
//! admin plane.

use super::{
    accept::{Judge, Refused},
    answer::Reply,
    count::Counts,
    fault::Faults,
    limiter::{Limiter, Manner},
    quirk::Quirks,
    route::Routes,
    shape::Rules,
    store::{Record, Store},
};
use crate::{clock::Clock, ident::ObjectId, platform::Tiered};
use serde_json::{Map, Value};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The account and the server around it.
pub(super) struct World {
    /// What follows from the platform.
    pub rules: Rules,
    /// The routes.
    pub routes: Routes,
    /// The value that the key's header or form parameter must have.
    pub auth: String,
    /// Address of the server without a path (`http://127.0.0.1:4000`).
    pub origin: String,
    /// How long a bulk job takes.
    pub job_delay: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The time when the server started, in milliseconds, and the clock's span then.
    pub started: (i64, Duration),
    /// Everything that changes; `None` once the server has stopped.
    pub inside: Mutex<Option<Inside>>,
}

/// Everything that changes.
pub(super) struct Inside {
    /// Records.
    pub store: Store,
    /// Switches.
    pub quirks: Quirks,
    /// Limits.
    pub limiter: Limiter,
    /// Faults.
    pub faults: Faults,
    /// Books.
    pub counts: Counts,
}

impl World {
    /// The inside, for one call at a time.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Inside>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the epoch; never goes back.
    pub(super) fn now(&self) -> i64 {
        let since = self.clock.monotonic().saturating_sub(self.started.1);
        self.started.0 + i64::try_from(since.as_millis()).unwrap_or(0)
    }

    /// The answer to a write that was refused.
    pub(super) fn refusal(&self, why: &Refused) -> Reply {
        match why {
            Refused::Says(reasons) => Reply::case(&self.rules.http, "refused", reasons),
            Refused::Store(why) => self.broken(why),
        }
    }

    /// The answer when the account itself cannot be read or written.
    pub(super) fn broken(&self, why: &rusqlite::Error) -> Reply {
        tracing::error!(%why, "the sandbox cannot use its data");
        Reply::case(&self.rules.http, "broken", &[])
    }
}

impl Inside {
    /// How the windows of the limiter run now.
    pub(super) fn manner(&self) -> Manner {
        Manner {
            clock: self.quirks.is("window", "clock"),
            rejected: self.quirks.is("rejected_calls", "count"),
        }
    }

    /// A judge of writes at this moment.
    pub(super) fn judge<'a>(&'a mut self, rules: &'a Rules, now: i64, by_name: bool) -> Judge<'a> {
        Judge {
            rules,
            store: &mut self.store,
            quirks: &self.quirks,
            now,
            by_name,
        }
    }

    /// Makes a record.
    pub(super) fn create(
        &mut self,
        rules: &Rules,
        object: ObjectId,
        body: &Map<String, Value>,
        now: i64,
        by_name: bool,
    ) -> Result<Record, Refused> {
        let mut record = self.judge(rules, now, by_name).judge(object, body, None)?;
        let entries = rules.entries(object, &record);
        self.store
            .together(|s| s.insert(object, &mut record, &entries))?;
        Ok(record)
    }

    /// Changes a record.
    pub(super) fn update(
        &mut self,
        rules: &Rules,
        object: ObjectId,
        old: &Record,
        body: &Map<String, Value>,
        now: i64,
        by_name: bool,
    ) -> Result<Record, Refused> {
        let new = self
            .judge(rules, now, by_name)
            .judge(object, body, Some(old))?;
        self.swap(rules, object, old, &new)?;
        Ok(new)
    }

    fn swap(
        &mut self,
        rules: &Rules,
        object: ObjectId,
        old: &Record,
        new: &Record,
    ) -> rusqlite::Result<()> {
        let (gone, fresh) = (rules.entries(object, old), rules.entries(object, new));
        self.store
            .together(|s| s.replace(object, new, &gone, &fresh))
    }

    /// Deletes a live record: into the recycle bin when `soft`, else for good. References that end with the
    /// record they point to are cleared.
    pub(super) fn delete(
        &mut self,
        rules: &Rules,
        object: ObjectId,
        record: &Record,
        soft: bool,
        now: i64,
    ) -> rusqlite::Result<()> {
        for (other, field) in rules.unlinked_by(object) {
            let name = rules.object(other).fields[field.ix()].name.clone();
            let (entry, value) = rules.link_entry(&name, object, record.id);
            for id in self.store.find(other, &entry, &value, true)? {
                let Some(old) = self.store.get(other, id)? else {
                    continue;
                };
                let mut new = old.clone();
                new.fields.remove(&name);
                self.swap(rules, other, &old, &new)?;
            }
        }
        if soft {
            self.store
                .together(|s| s.set_deleted(object, record.id, true, now))
        } else {
            let entries = rules.entries(object, record);
            self.store.together(|s| s.remove(object, record, &entries))
        }
    }

    /// Brings a record back from the recycle bin, unless its keys have been taken since.
    pub(super) fn restore(
        &mut self,
        rules: &Rules,
        object: ObjectId,
        record: &Record,
        now: i64,
    ) -> Result<(), Refused> {
        let mut taken = Vec::new();
        for field in rules.object(object).fields.iter().filter(|f| f.unique) {
            if let Some(value) = record.fields.get(&field.name) {
                let key = super::shape::key_text(value);
                if !self
                    .store
                    .find(object, &field.name, &key, false)?
                    .is_empty()
                {
                    taken.push((field, value));
                }
            }
        }
        if !taken.is_empty() {
            let judge = self.judge(rules, now, false);
            let says = taken.iter().map(|(f, v)| judge.says(f, "unique", v));
            return Err(Refused::Says(says.collect()));
        }
        self.store
            .together(|s| s.set_deleted(object, record.id, false, now))?;
        Ok(())
    }

    /// The reason why one more record of an object would be too many for the tier.
    pub(super) fn over_tier(&self, rules: &Rules, object: ObjectId) -> Option<String> {
        let def = rules.object(object);
        let max = def.rows_max.as_ref().map(|m| tier_max(m, rules))?;
        (self.store.live(object) >= max).then(|| {
            format!(
                "{} is limited to {max} in tier {}",
                def.title,
                rules.tier.as_deref().unwrap_or("unknown")
            )
        })
    }
}

/// A number at the simulated tier.
pub(super) fn tier_max(number: &Tiered, rules: &Rules) -> u64 {
    number.at(rules.tier.as_deref())
}
