//! The calls of a day, set aside in the ledger in blocks before they are made.
//!
//! A killed process loses at most the rest of a block: its calls count as made. So no day goes over, however often a
//! run is begun anew. One process writes a ledger at a time, so what was read of it at the begin stays true.

use crate::{
    connector::budget::{Allowance, NoCalls, Reserved, Reserving},
    ledger::{Entry, Ledger, ReadError},
    pace::Pace,
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A block is this share of a day or an hour...
const SHARE: u64 = 100;
/// ... and not larger than this.
const MOST: u64 = 100;
/// How far back the ledger is asked: every local day that can be today.
const BACK: i64 = 3 * 86_400;

/// The day's account of one destination.
pub struct DayAccount {
    ledger: Arc<Ledger>,
    account: String,
    pace: Arc<Pace>,
    /// Calls by the second they were set aside in.
    rows: Mutex<BTreeMap<i64, u64>>,
}

impl DayAccount {
    /// The account as the ledger has it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open(
        ledger: &Arc<Ledger>,
        account: &str,
        pace: &Arc<Pace>,
        now: Timestamp,
    ) -> Result<DayAccount, ReadError> {
        let since = now.as_second().saturating_sub(BACK);
        let rows = ledger.glance()?.reserved(account, since)?;
        Ok(DayAccount {
            ledger: Arc::clone(ledger),
            account: account.to_owned(),
            pace: Arc::clone(pace),
            rows: Mutex::new(rows.into_iter().collect()),
        })
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<i64, u64>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls of the local day that are made or set aside. A moment a little ahead (the system's time was set) counts
    /// as today.
    pub fn used(&self, now: Timestamp) -> u64 {
        let (begin, end) = self.pace.day(now);
        let day = begin.as_second()..end.as_second().saturating_add(86_400);
        self.rows().range(day).map(|(_, n)| n).sum()
    }

    /// Calls that may still be set aside today; `None`: a day has no limit.
    pub fn left(&self, now: Timestamp) -> Option<u64> {
        Some(self.pace.per_day?.saturating_sub(self.used(now)))
    }

    /// The block that was set aside last: when, and how many.
    pub fn last(&self) -> Option<(i64, u64)> {
        self.rows().last_key_value().map(|(s, n)| (*s, *n))
    }

    fn block(&self) -> u64 {
        let scale = self.pace.per_hour.into_iter().chain(self.pace.per_day);
        (scale.min().unwrap_or(MOST) / SHARE).clamp(1, MOST)
    }

    fn entry(&self, second: i64, calls: u64) -> Entry {
        Entry::CallsReserved {
            account: self.account.clone(),
            second,
            calls,
        }
    }

    /// Gives calls of the last block back that were not made.
    pub async fn give_back(&self, calls: u64) {
        let Some((second, there)) = self.last().filter(|_| calls > 0) else {
            return;
        };
        let used = there.saturating_sub(calls);
        // Where this cannot be written the calls stay counted, which is safe.
        if (self.ledger.append(vec![self.entry(second, used)]).await).is_ok() {
            self.rows().insert(second, used);
        }
    }
}

impl Allowance for DayAccount {
    fn reserve(&self, now: Timestamp) -> Reserving<'_> {
        Box::pin(async move {
            let calls = match self.left(now) {
                Some(0) => return Err(NoCalls::Spent),
                Some(left) => left.min(self.block()),
                None => self.block(),
            };
            // Two blocks of one second share a row.
            let second = now.as_second();
            let total = self.rows().get(&second).copied().unwrap_or(0) + calls;
            let entry = self.entry(second, total);
            match self.ledger.append(vec![entry]).await {
                Ok(_) => {
                    self.rows().insert(second, total);
                    let (_, until) = self.pace.day(now);
                    Ok(Reserved { calls, until })
                }
                Err(error) => Err(NoCalls::Unwritable(error.to_string())),
            }
        })
    }
}

#[cfg(test)]
mod tests;
