//! Draws events on a terminal, or prints plain lines elsewhere, and writes them as JSON lines.
//!
//! The only listener that prints. Bars on a terminal; without one a line per step, so that a log stays
//! short.

use super::out;
use crate::{event::Event, report::changes};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{IsTerminal, Write},
    path::Path,
    sync::Mutex,
    time::Duration,
};

/// Listens to a run.
pub struct Progress {
    bars: Option<MultiProgress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steps: BTreeMap<String, ProgressBar>,
    note: Option<ProgressBar>,
    sink: Option<Box<dyn Write + Send>>,
    quiet: bool,
}

impl Progress {
    /// A listener. `events` is the file of JSON lines (`-`: stdout).
    ///
    /// # Errors
    /// When the file cannot be opened for appending.
    pub fn new(events: Option<&Path>, quiet: bool) -> std::io::Result<Progress> {
        let sink: Option<Box<dyn Write + Send>> = match events {
            None => None,
            Some(p) if p.as_os_str() == "-" => Some(Box::new(std::io::stdout())),
            Some(p) => Some(Box::new(File::options().create(true).append(true).open(p)?)),
        };
        let bars = (std::io::stderr().is_terminal() && !quiet).then(MultiProgress::new);
        Ok(Progress {
            bars,
            state: Mutex::new(State {
                sink,
                quiet,
                ..State::default()
            }),
        })
    }

    /// Takes one event.
    pub fn event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        if let Some(sink) = &mut state.sink
            && let Ok(mut line) = serde_json::to_vec(event)
        {
            line.push(b'\n');
            // A reader that went away must not stop the run.
            if sink.write_all(&line).and_then(|()| sink.flush()).is_err() {
                state.sink = None;
            }
        }
        if state.quiet {
            return;
        }
        match &self.bars {
            Some(bars) => draw(bars, &mut state, event),
            None => line(event),
        }
    }

    /// Takes the bars away.
    pub fn clear(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn draw(bars: &MultiProgress, state: &mut State, event: &Event) {
    match event {
        Event::StepStarted {
            step,
            records,
            second_pass,
        } => {
            let bar = bars.add(match records {
                Some(n) => ProgressBar::new(*n),
                None => ProgressBar::no_length(),
            });
            bar.set_style(style("{prefix:>18} {wide_bar} {pos}/{len} {per_sec} {eta}"));
            bar.set_prefix(if *second_pass {
                format!("{step} (2nd)")
            } else {
                step.clone()
            });
            state.steps.insert(step.clone(), bar);
        }
        Event::StepProgress { step, settled, .. } => {
            if let Some(bar) = state.steps.get(step) {
                bar.set_position(*settled);
            }
        }
        Event::StepFinished { step, counts } => {
            if let Some(bar) = state.steps.remove(step) {
                bar.set_position(counts.read);
                bar.finish();
            }
        }
        Event::Waiting { millis, why } => {
            note_bar(bars, state).set_message(format!("waiting {}: {why}", span(*millis)));
        }
        Event::Extracting {
            object,
            records,
            total,
        } => {
            note_bar(bars, state)
                .set_message(format!("reading {object}: {}", share(*records, *total)));
        }
        Event::Extracted { .. } => {
            let _ = bars.println(extracted(event));
        }
        Event::Indexing { object } => {
            note_bar(bars, state).set_message(format!("indexing {object}"))
        }
        Event::Overflowed { .. } => {}
        Event::Listing { object, records } => {
            note_bar(bars, state)
                .set_message(format!("listing {object} at the destination: {records}"));
        }
        Event::Resolving { step, records } => {
            note_bar(bars, state).set_message(format!("{step}: looking up {records} in doubt"));
        }
        Event::RunFinished { .. } => {
            if let Some(note) = state.note.take() {
                note.finish_and_clear();
            }
        }
        Event::Previewed { .. } => {
            if let Some(text) = changes::preview_line(event) {
                let _ = bars.println(text);
            }
        }
        Event::Counted { words, .. } if worth_saying(event) => {
            let _ = bars.println(format!("  {words}"));
        }
        Event::Counted { .. } | Event::RunStarted { .. } | Event::BatchStarted { .. } => {}
    }
}

/// True for a count that is not as expected.
fn worth_saying(event: &Event) -> bool {
    matches!(event, Event::Counted { verdict, .. } if verdict != "balanced" && verdict != "not_known")
}

fn share(records: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{records} of {total}"),
        None => records.to_string(),
    }
}

/// One line about an object that was read.
fn extracted(event: &Event) -> String {
    let Event::Extracted {
        object,
        records,
        twice,
        absent,
    } = event
    else {
        return String::new();
    };
    let mut text = format!("  read {object}: {records} records");
    if *twice > 0 {
        text.push_str(&format!(", {twice} of them given twice"));
    }
    if !absent.is_empty() {
        text.push_str(&format!("; no record carries {}", absent.join(", ")));
    }
    text
}

fn note_bar<'a>(bars: &MultiProgress, state: &'a mut State) -> &'a ProgressBar {
    state.note.get_or_insert_with(|| {
        let bar = bars.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    })
}

/// A wait for people: seconds where it is short, else hours and minutes as a clock shows them.
fn span(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{:.1} s", millis as f64 / 1e3),
        10_000..600_000 => format!("{:.0} s", millis as f64 / 1e3),
        _ => {
            let minutes = millis.div_ceil(60_000);
            format!("{}:{:02} h", minutes / 60, minutes % 60)
        }
    }
}

fn line(event: &Event) {
    match event {
        Event::RunStarted {
            run,
            resumed,
            batches,
        } => {
            let verb = if *resumed { "goes on" } else { "starts" };
            out::note(&format!("run {run} {verb}: {batches} batches"));
        }
        Event::Previewed { .. } => {
            if let Some(text) = changes::preview_line(event) {
                out::note(&text);
            }
        }
        Event::BatchStarted { batch, steps } => {
            out::note(&format!("batch {batch}: {}", steps.join(", ")));
        }
        Event::StepFinished { step, counts } => out::note(&format!(
            "  {step}: read {}, created {}, updated {}, unchanged {}, held {}, failed {}",
            counts.read,
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.held,
            counts.failed
        )),
        Event::Extracted { .. } => out::note(&extracted(event)),
        Event::Counted { words, .. } if worth_saying(event) => out::note(&format!("  {words}")),
        Event::Waiting { millis, why } if *millis >= 10_000 => {
            out::note(&format!("  waiting {}: {why}", span(*millis)));
        }
        Event::Overflowed { bytes } => out::note(&format!(
            "  joins and merges outgrew their memory: {:.1} MiB stand in a file (--memory)",
            *bytes as f64 / f64::from(1 << 20)
        )),
        Event::Resolving { step, records } => {
            out::note(&format!("  {step}: looking up {records} in doubt"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_told_in_hours_and_minutes() {
        assert_eq!(span(1_540), "1.5 s");
        assert_eq!(span(60_000), "60 s");
        assert_eq!(span(34_367_000), "9:33 h");
        assert_eq!(span(600_000), "0:10 h");
    }
}
