//! Requests that share one transaction: when it waits for more of them, and when it must not.
//!
//! Decides only what goes together; [`super::writer`] writes it.

use super::{
    intents::{Becomes, becomes},
    writer::{Answer, Request},
};
use std::{sync::mpsc::Receiver, thread, time::Duration};

/// Entries of one transaction, at most about this many.
const MOST: usize = 20_000;
/// Calls under way, or about to go out, that give the destination enough to do while a transaction waits: more than
/// any account answers within a nap.
const BUSY: usize = 32;
/// How long a transaction waits before it looks again.
const NAP: Duration = Duration::from_millis(2);
/// How often it does so at most.
const NAPS: u32 = 8;

/// Requests of one transaction.
pub(super) struct Group {
    pub requests: Vec<Request>,
    /// The writer is to stop after them.
    pub stop: bool,
    entries: usize,
    /// Calls that these requests say are answered.
    answered: usize,
    /// Somebody waits for one of these requests.
    awaited: bool,
    /// Somebody waits who has no call under way.
    urgent: bool,
}

impl Group {
    /// Takes what waits after the first request, and while enough other `calls` are under way what comes within a few
    /// milliseconds.
    ///
    /// Their intents are on disk, so that they go on meanwhile; what waits here are the intents of calls that follow them, and
    /// outcomes. With fewer calls under way nobody who waits is kept waiting; what nobody waits for may still get
    /// company.
    pub fn gather(first: Request, requests: &Receiver<Request>, calls: usize) -> Group {
        Self::gather_napping(first, requests, calls, |busy| match busy {
            true => {
                thread::sleep(NAP);
                None
            }
            false => requests.recv_timeout(NAP).ok(),
        })
    }

    /// `nap` waits, and is told whether enough calls are under way; where not, it ends with the next request: somebody may
    /// wait for that one.
    fn gather_napping(
        first: Request,
        requests: &Receiver<Request>,
        calls: usize,
        mut nap: impl FnMut(bool) -> Option<Request>,
    ) -> Group {
        let mut group = Group {
            requests: Vec::new(),
            stop: false,
            entries: 0,
            answered: 0,
            awaited: false,
            urgent: false,
        };
        group.take(first);
        let mut naps = 0;
        loop {
            while !group.is_full() {
                match requests.try_recv() {
                    Ok(request) => group.take(request),
                    Err(_) => break,
                }
            }
            let busy = calls.saturating_sub(group.answered) >= BUSY;
            let may_wait = busy || !group.awaited;
            if !may_wait || group.urgent || group.is_full() || naps == NAPS {
                return group;
            }
            if let Some(request) = nap(busy) {
                group.take(request);
            }
            naps += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.stop || self.entries >= MOST
    }

    fn take(&mut self, request: Request) {
        match &request {
            Request::Append(entries, answer) => {
                self.entries += entries.len();
                self.awaited |= !matches!(answer, Answer::Nobody);
                let answers = entries
                    .iter()
                    .filter(|e| becomes(e) == Some(Becomes::Closed));
                self.answered += answers.count();
            }
            Request::Begin(..) | Request::Settle(_) => {
                self.entries += 1;
                self.urgent = true;
            }
            Request::Stop => {
                self.stop = true;
                return;
            }
        }
        self.requests.push(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Appended, Entry, Intent, Origin, WriteOp};
    use std::sync::mpsc::{channel, sync_channel};

    fn append(entries: Vec<Entry>) -> Request {
        Request::Append(entries, somebody())
    }

    fn somebody() -> Answer<Appended> {
        Answer::Thread(sync_channel(1).0)
    }

    fn intended(op: WriteOp) -> Request {
        append(vec![Entry::Intended(Intent {
            op,
            ..Intent::default()
        })])
    }

    fn confirmed() -> Request {
        append(vec![Entry::Confirmed {
            step: "note".to_owned(),
            key: "1".to_owned(),
            part: 0,
            dest_id: "9".to_owned(),
            origin: Origin::Created,
            fingerprint: 1,
            written: None,
        }])
    }

    /// How many requests share a transaction, and how often it waited, where `each_nap` arrives during each wait.
    fn gathered(first: Request, calls: usize, each_nap: impl Fn() -> Vec<Request>) -> (usize, u32) {
        let (sender, receiver) = channel();
        let mut naps = 0;
        let group = Group::gather_napping(first, &receiver, calls, |_| {
            naps += 1;
            for request in each_nap() {
                assert!(sender.send(request).is_ok());
            }
            None
        });
        (group.requests.len(), naps)
    }

    #[test]
    fn whoever_is_alone_waits_for_nobody() {
        let more = || vec![intended(WriteOp::Create)];
        assert_eq!(gathered(intended(WriteOp::Create), 0, more), (1, 0));
        assert_eq!(gathered(confirmed(), BUSY, more), (1, 0), "it is answered");
    }

    #[test]
    fn what_nobody_waits_for_gets_company_and_keeps_nobody_waiting() {
        let note = || match confirmed() {
            Request::Append(entries, _) => Request::Append(entries, Answer::Nobody),
            other => other,
        };
        assert_eq!(gathered(note(), 0, Vec::new), (1, NAPS));
        let intent = || vec![intended(WriteOp::Create)];
        assert_eq!(gathered(note(), 0, intent), (2, 1));
        let busy = gathered(note(), 100, intent);
        assert_eq!(busy, (1 + NAPS as usize, NAPS));
    }

    #[test]
    fn while_calls_are_under_way_others_join() {
        let more = || vec![confirmed(), intended(WriteOp::Create)];
        let joined = gathered(confirmed(), 100, more);
        assert_eq!(joined, (1 + 2 * NAPS as usize, NAPS));
        let nobody = gathered(confirmed(), 100, Vec::new);
        assert_eq!(nobody, (1, NAPS), "it does not wait for ever");
    }

    #[test]
    fn nobody_is_kept_waiting_when_the_calls_run_out() {
        let answers = || (0..20).map(|_| confirmed()).collect();
        assert_eq!(gathered(confirmed(), BUSY + 30, answers), (41, 2));
    }

    #[test]
    fn a_run_that_begins_settles_or_stops_is_not_delayed() {
        let settle = || Request::Settle(somebody());
        assert_eq!(gathered(settle(), 100, Vec::new), (1, 0));
        assert_eq!(gathered(confirmed(), 100, || vec![settle()]), (2, 1));
        assert_eq!(gathered(confirmed(), 100, || vec![Request::Stop]), (1, 1));
    }
}
