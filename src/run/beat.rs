//! What a run leaves in the ledger for whoever looks on: how far each step is and what the run waits for, every few
//! seconds. Listens to the run's own events; nothing decides by it.

use super::context::Emit;
use crate::{
    clock::{Clock, SystemClock},
    connector::rest::Rest,
    event::Event,
    ledger::{Entry, Ledger, Progressed, Waiting},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How often it is written, where anything has changed.
const EVERY: Duration = Duration::from_secs(2);
/// How far back the rate of a step looks, in milliseconds.
const BACK: i64 = 300_000;
/// Shorter waits are nothing to tell.
const WORTH: Duration = Duration::from_secs(5);

#[derive(Default)]
struct StepBeat {
    second_pass: bool,
    settled: u64,
    of: Option<u64>,
    /// Earlier moments: milliseconds of Unix time, and how many records were settled by then.
    earlier: VecDeque<(i64, u64)>,
    changed: bool,
}

type Steps = Arc<Mutex<BTreeMap<String, StepBeat>>>;

/// Writes until it is dropped.
pub struct Beat {
    steps: Steps,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Beat {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Beat {
    /// A beat, and the listener that feeds it and passes everything on.
    pub fn listen(emit: Emit) -> (Beat, Emit) {
        let steps = Steps::default();
        let fed = Arc::clone(&steps);
        let clock = SystemClock::new();
        let tee: Emit = Arc::new(move |event: &Event| {
            note(&fed, event, &clock);
            emit(event);
        });
        (Beat { steps, task: None }, tee)
    }

    /// Begins to write into the ledger.
    pub fn start(&mut self, ledger: &Arc<Ledger>, rest: &Rest) {
        let (steps, ledger, rest) = (Arc::clone(&self.steps), Arc::clone(ledger), rest.clone());
        self.task = Some(tokio::spawn(async move {
            let clock = SystemClock::new();
            let mut told_until = 0i64;
            loop {
                tokio::time::sleep(EVERY).await;
                let now = clock.now().as_millisecond();
                let mut entries = beats(&steps, now);
                let used_up = || {
                    let why = "the calls that the destination allows are used up for now";
                    Some((rest.budget().frees_in()?, why.to_owned()))
                };
                // What the line waits for now, else what it is about to wait for.
                let wait = rest.budget().waits().or_else(used_up);
                if let Some((wait, why)) = wait.filter(|(wait, _)| *wait >= WORTH) {
                    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                    let until_ms = now.saturating_add(wait);
                    // The same wait, seen again a little later.
                    if until_ms.abs_diff(told_until) > 1_000 {
                        told_until = until_ms;
                        entries.push(Entry::Waiting(Waiting { until_ms, why }));
                    }
                }
                // A ledger that cannot be written stops the run by itself.
                if !entries.is_empty() && ledger.append(entries).await.is_err() {
                    return;
                }
            }
        }));
    }
}

fn note(steps: &Steps, event: &Event, clock: &SystemClock) {
    let mut steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        Event::StepStarted {
            step,
            records,
            second_pass,
        } => {
            let beat = StepBeat {
                second_pass: *second_pass,
                of: *records,
                earlier: VecDeque::from([(clock.now().as_millisecond(), 0)]),
                changed: true,
                ..StepBeat::default()
            };
            steps.insert(step.clone(), beat);
        }
        Event::StepProgress { step, settled, .. } => {
            if let Some(beat) = steps.get_mut(step)
                && beat.settled != *settled
            {
                beat.settled = *settled;
                beat.changed = true;
            }
        }
        Event::StepFinished { step, .. } => {
            steps.remove(step);
        }
        _ => {}
    }
}

/// What has changed since it was written last.
fn beats(steps: &Steps, now: i64) -> Vec<Entry> {
    let mut steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
    let mut entries = Vec::new();
    for (step, beat) in steps.iter_mut().filter(|(_, b)| b.changed) {
        beat.changed = false;
        while beat.earlier.len() > 1 && beat.earlier.get(1).is_some_and(|(at, _)| now - at >= BACK)
        {
            beat.earlier.pop_front();
        }
        let (since_ms, since_settled) =
            beat.earlier.front().copied().unwrap_or((now, beat.settled));
        // A moment every ten seconds is enough to look back by.
        if beat.earlier.back().is_none_or(|(at, _)| now - at >= 10_000) {
            beat.earlier.push_back((now, beat.settled));
        }
        entries.push(Entry::Progressed(Progressed {
            step: step.clone(),
            second_pass: beat.second_pass,
            settled: beat.settled,
            of: beat.of,
            since_ms,
            since_settled,
        }));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_looks_back_a_few_minutes() {
        let steps = Steps::default();
        let clock = SystemClock::new();
        let started = Event::StepStarted {
            step: "a".into(),
            records: Some(1_000_000),
            second_pass: false,
        };
        note(&steps, &started, &clock);
        let begun = clock.now().as_millisecond();
        let mut last = Progressed::default();
        for minute in 1..=60 {
            let progress = Event::StepProgress {
                step: "a".into(),
                read: 0,
                settled: minute * 100,
            };
            note(&steps, &progress, &clock);
            let now = begun + minute.cast_signed() * 60_000;
            match beats(&steps, now).as_slice() {
                [Entry::Progressed(p)] => last = p.clone(),
                other => panic!("{other:?}"),
            }
            // Nothing new, nothing to say.
            assert_eq!(beats(&steps, now + 1), []);
        }
        let minutes = (begun + 60 * 60_000 - last.since_ms) / 60_000;
        assert!((5..=6).contains(&minutes), "{minutes}");
        let made = last.settled - last.since_settled;
        assert_eq!(made, minutes.cast_unsigned() * 100);
    }
}
