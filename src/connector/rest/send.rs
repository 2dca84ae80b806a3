//! One call with everything around it: a place in the budget, tries, waits, and the end.
//!
//! A call that may have created something is sent again only when it certainly did not arrive or was
//! certainly not executed.

use super::{
    breaker::Trip,
    exchange::{Patience, Raw, exchange},
    payload::Payload,
    setup::{Limited, Rest},
    verdict::{Cause, Reasons, Verdict, judge, with_reasons},
};
use crate::connector::{
    Stop,
    budget::{NoPlace, Permit, Signal},
    notice::{self, Notice},
};
use serde_json::Value;
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};
use url::Url;

/// What sending twice would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It only reads.
    Read,
    /// It writes, and twice is the same as once.
    Repeatable,
    /// It writes, and twice is twice.
    Once,
}

/// A call to make.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: &'static str,
    /// Method and path template, for people: holds no values.
    pub(super) label: String,
    pub(super) url: Url,
    pub(super) payload: Payload,
    pub(super) nature: Nature,
    /// False for the admin plane, which no limit counts.
    pub(super) metered: bool,
}

impl Call {
    /// Adds a parameter: to the form of a call that posts one, else to the query.
    pub(super) fn ask(&mut self, name: &str, value: &str) {
        match &mut self.payload {
            Payload::Pairs(pairs) => pairs.0.push((name.to_owned(), value.to_owned())),
            _ => {
                self.url.query_pairs_mut().append_pair(name, value);
            }
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Settled {
    Done {
        status: u16,
        body: Value,
    },
    Refused {
        status: u16,
        reasons: Vec<String>,
    },
    Gone,
    /// Only for calls that write.
    InDoubt {
        why: String,
    },
}

/// How much longer a call with files may take.
const FILES: u32 = 10;
/// A call without an answer for so long, and each time so long again, is told; a shorter patience is told half-way.
const WORTH_TELLING: Duration = Duration::from_secs(10);
/// The shortest wait after "too many calls", however the server puts it.
const LEAST_WAIT: Duration = Duration::from_millis(200);

impl Rest {
    /// Makes a call and tries again what is safe to try again.
    pub(super) async fn settle(&self, call: &Call) -> Result<Settled, Stop> {
        let inner = &self.inner;
        let mut failures = 0u32;
        loop {
            if let Some(why) = inner.breaker.open() {
                return Err(self.busy(why));
            }
            let (verdict, retry_after) = self.once(call).await?;
            failures += 1;
            let again = failures < inner.backoff.tries;
            let cause = match verdict {
                Verdict::Done { status, body } => {
                    return Ok(Settled::Done { status, body });
                }
                Verdict::Refused { status, reasons } => {
                    return Ok(Settled::Refused { status, reasons });
                }
                Verdict::Later { status, reasons } if !again => {
                    return Ok(Settled::Refused { status, reasons });
                }
                Verdict::Gone { .. } => return Ok(Settled::Gone),
                Verdict::Denied { status, reasons } => {
                    return Err(Stop::Denied {
                        system: inner.platform.title.clone(),
                        status,
                        reasons,
                    });
                }
                Verdict::TooMany => {
                    // Not executed, and no try spent: it goes on as long as the server answers others. The wait
                    // for a metered call is the pause of the budget.
                    if let Some(span) = self.limited_too_long() {
                        let minutes = span.as_secs() / 60;
                        return Err(self.busy(format!(
                            "it has been saying \"too many calls\" for {minutes} min"
                        )));
                    }
                    failures -= 1;
                    if !call.metered {
                        self.pause_here(inner.backoff.ceiling(1)).await?;
                    }
                    continue;
                }
                Verdict::NotSent { why, hopeless } if hopeless || !again => {
                    return Err(self.unreachable(why));
                }
                Verdict::Elsewhere { why } => {
                    return match call.nature {
                        Nature::Read => Err(self.unexpected(call, why)),
                        _ => Ok(Settled::InDoubt { why }),
                    };
                }
                Verdict::Unknown { why, cause } => match call.nature {
                    Nature::Once => return Ok(Settled::InDoubt { why }),
                    Nature::Repeatable if !again || inner.cancel.is_cancelled() => {
                        return Ok(Settled::InDoubt { why });
                    }
                    Nature::Read if !again => {
                        return Err(match cause {
                            Cause::Lost => self.unreachable(why),
                            Cause::Trouble => self.busy(why),
                            Cause::Unreadable => self.unexpected(call, why),
                            Cause::Torn => Stop::Damaged {
                                system: inner.platform.title.clone(),
                                call: call.label.clone(),
                                why,
                            },
                        });
                    }
                    _ => "the server did not answer as it should",
                },
                Verdict::Cancelled => return Err(Stop::Cancelled),
                Verdict::NotSent { .. } => "the server cannot be reached",
                Verdict::Later { .. } => "the server asks to come back",
            };
            let delay = inner
                .backoff
                .delay(failures, &inner.jitter)
                .max(retry_after.unwrap_or_default())
                .min(inner.backoff.ceiling(u32::MAX));
            tracing::debug!(call = %call.label, millis = delay.as_millis(), cause, "trying again");
            inner.budget.say(delay, cause);
            self.pause_here(delay).await?;
        }
    }

    /// Waits, unless somebody asks to stop.
    pub(super) async fn pause_here(&self, wait: Duration) -> Result<(), Stop> {
        tokio::select! {
            biased;
            () = self.inner.cancel.cancelled() => Err(Stop::Cancelled),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Sends once and tells the budget, the breaker and the counters how it went.
    async fn once(&self, call: &Call) -> Result<(Verdict, Option<Duration>), Stop> {
        let inner = &self.inner;
        if inner.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let permit = self.place(call).await?;
        let writes = call.nature != Nature::Read;
        inner.counters.sent(writes);
        let files = matches!(&call.payload, Payload::Form { files, .. } if !files.is_empty());
        let timeout = inner.timeout * if files { FILES } else { 1 };
        let each = WORTH_TELLING.min(timeout / 2);
        let waiting = |since: Duration| self.say_waiting(since, each);
        let patience = Patience {
            waiting: (each, &waiting),
            timeout,
            grace: writes.then_some(inner.grace),
        };
        let begun = inner.clock.monotonic();
        let raw = exchange(
            &inner.client,
            call.method,
            &call.url,
            &call.payload,
            patience,
            &inner.cancel,
        )
        .await;
        let (status, notice) = self.read_notice(&raw);
        inner.counters.answered(status);
        let verdict = judge(
            raw,
            Reasons {
                messages: inner.http.messages.as_deref(),
                error: inner.http.error.as_deref(),
                denied: &inner.http.denied,
            },
            &inner.platform.limits.retry_status,
        );
        let verdict = match &inner.secret {
            Some(secret) => verdict.without(secret.expose()),
            None => verdict,
        };
        tracing::debug!(
            call = %call.label,
            status = status.unwrap_or(0),
            ms = inner.clock.monotonic().saturating_sub(begun).as_millis(),
            "call"
        );
        self.account(permit, &verdict, &notice, begun);
        Ok((verdict, notice.retry_after))
    }

    /// Tells of an answer that does not come. Of many that wait together the first tells for all.
    fn say_waiting(&self, since: Duration, each: Duration) {
        let inner = &self.inner;
        let now = u64::try_from(inner.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        let least = u64::try_from(each.as_millis() * 9 / 10).unwrap_or(u64::MAX);
        let told =
            inner
                .told_waiting_ms
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                    (last == 0 || now.saturating_sub(last) >= least).then_some(now.max(1))
                });
        if told.is_ok() {
            let words = format!("{} does not answer yet", inner.platform.title);
            inner.budget.say(since, &words);
        }
    }

    async fn place(&self, call: &Call) -> Result<Option<Permit>, Stop> {
        if !call.metered {
            return Ok(None);
        }
        self.budget_place().await.map(Some)
    }

    /// Waits for a place in the budget.
    pub(super) async fn budget_place(&self) -> Result<Permit, Stop> {
        match self.inner.budget.acquire(&self.inner.cancel).await {
            Ok(permit) => Ok(permit),
            Err(NoPlace::Cancelled) => Err(Stop::Cancelled),
            Err(NoPlace::TooLong(why)) => Err(self.busy(why)),
            Err(NoPlace::Paused(pause)) => Err(Stop::Paused(pause)),
            Err(NoPlace::Unwritable(why)) => Err(Stop::Uncounted { why }),
        }
    }

    fn read_notice(&self, raw: &Raw) -> (Option<u16>, Notice) {
        let Raw::Answer {
            status, headers, ..
        } = raw
        else {
            return (None, Notice::default());
        };
        let notice = notice::read(
            headers,
            &self.inner.platform.limits,
            self.inner.http.zone.as_deref(),
            self.longest(),
            self.inner.clock.now(),
        );
        (Some(*status), notice)
    }

    /// The longest window; an hour where none is declared.
    fn longest(&self) -> Duration {
        self.inner
            .budget
            .longest()
            .unwrap_or(Duration::from_secs(3600))
    }

    fn account(&self, permit: Option<Permit>, verdict: &Verdict, notice: &Notice, begun: Duration) {
        let inner = &self.inner;
        let signal = match verdict {
            Verdict::TooMany => Signal::Limited,
            Verdict::Unknown { .. } | Verdict::Elsewhere { .. } => Signal::Trouble,
            _ => Signal::Fine,
        };
        // What to wait is reckoned while the call still counts as under way, then everybody waits before the
        // next one takes its place.
        match verdict {
            Verdict::TooMany => {
                let wait = self.limited(notice, begun);
                inner.budget.pause(wait, "the server asks for fewer calls");
            }
            Verdict::Unknown { why, .. } | Verdict::Elsewhere { why } => {
                if let Trip::Pause(times) = inner.breaker.bad(why) {
                    let wait = inner.backoff.ceiling(times + 2);
                    inner.budget.pause(wait, "many calls in a row went wrong");
                }
            }
            Verdict::NotSent { .. } | Verdict::Cancelled => {}
            _ => inner.breaker.good(),
        }
        if !matches!(
            verdict,
            Verdict::TooMany | Verdict::NotSent { .. } | Verdict::Cancelled
        ) {
            *inner.limited.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        match (permit, verdict) {
            (Some(permit), Verdict::NotSent { .. }) => permit.unsent(),
            (Some(permit), _) => permit.answered(signal, notice),
            (None, _) => {}
        }
    }

    /// How long everybody waits after "too many calls": what the server asks for, else until it counts anew, else
    /// until our own count frees a place, else longer each time.
    fn limited(&self, notice: &Notice, begun: Duration) -> Duration {
        let inner = &self.inner;
        let times = {
            let mut limited = inner.limited.lock().unwrap_or_else(PoisonError::into_inner);
            let now = inner.clock.monotonic();
            let limited = limited.get_or_insert(Limited {
                since: now,
                at: begun,
                times: 0,
            });
            if begun >= limited.at {
                limited.times = limited.times.saturating_add(1);
                limited.at = now;
            }
            limited.times
        };
        let cap = self.longest().max(inner.backoff.ceiling(u32::MAX));
        let grown = inner.backoff.delay(times, &inner.jitter);
        // A reset is only worth waiting for while the server says that nothing is left.
        let reset = notice
            .reset_in
            .filter(|_| notice.left.is_none_or(|n| n == 0));
        let wait = notice
            .retry_after
            .or(reset)
            .or_else(|| inner.budget.frees_in())
            .unwrap_or(grown);
        // A server that says "now" again and again is still not hammered.
        let least = if times > 1 { grown } else { LEAST_WAIT };
        wait.max(least.min(inner.backoff.ceiling(times)))
            .min(cap)
            .max(LEAST_WAIT)
    }

    /// How long the server has been saying "too many calls", when that is too long.
    fn limited_too_long(&self) -> Option<Duration> {
        let limited = *self
            .inner
            .limited
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let span = self.inner.clock.monotonic().checked_sub(limited?.since)?;
        (span > self.inner.busy_after).then_some(span)
    }

    pub(super) fn busy(&self, why: String) -> Stop {
        Stop::Busy {
            system: self.inner.platform.title.clone(),
            why,
        }
    }

    pub(super) fn unreachable(&self, why: String) -> Stop {
        Stop::Unreachable {
            system: self.inner.platform.title.clone(),
            address: self.inner.base.host(),
            why,
        }
    }

    pub(super) fn unexpected(&self, call: &Call, why: impl Into<String>) -> Stop {
        self.unexpected_at(&call.label, why)
    }

    pub(super) fn unexpected_at(&self, label: &str, why: impl Into<String>) -> Stop {
        Stop::Unexpected {
            system: self.inner.platform.title.clone(),
            call: label.to_owned(),
            why: why.into(),
        }
    }

    /// Makes a call that reads; `None` when what it addresses is not there.
    pub(super) async fn fetch(&self, call: &Call) -> Result<Option<Value>, Stop> {
        match self.settle(call).await? {
            Settled::Done { body, .. } => Ok(Some(body)),
            Settled::Gone => Ok(None),
            Settled::Refused { status, reasons } => {
                Err(self.unexpected(call, with_reasons(status, &reasons)))
            }
            Settled::InDoubt { why } => Err(self.unexpected(call, why)),
        }
    }
}
