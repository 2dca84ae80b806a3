//! When an account may be called, and how often: hours of the day, days of the week, calls a day and an hour.
//!
//! Pure: the instant comes in and nothing waits here. Who makes calls asks first; who plans reckons with the same
//! rules.

mod hours;

pub use hours::{Days, Hours};

use jiff::{Timestamp, ToSpan, Zoned, civil::Date, tz::AmbiguousOffset, tz::TimeZone};

/// The pace of a migration.
#[derive(Clone, Debug)]
pub struct Pace {
    /// The hours in which a load calls; empty: all of them.
    pub hours: Vec<Hours>,
    /// The days on which these hours begin.
    pub days: Days,
    /// The zone of hours and days.
    pub zone: TimeZone,
    /// Its name.
    pub zone_name: String,
    /// Most calls from one midnight to the next.
    pub per_day: Option<u64>,
    /// Most calls in any 60 minutes.
    pub per_hour: Option<u64>,
    /// Why, as the migration says.
    pub why: Option<String>,
    /// The name of the file it stands in.
    pub file: String,
}

/// Whether the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is, until then; `None`: always.
    Open(Option<Timestamp>),
    /// It is not; it opens then.
    Closed(Timestamp),
}

/// What a pause waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The window opens.
    Window,
    /// A day with calls left begins.
    Day,
}

/// Calls may go out again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When.
    pub until: Timestamp,
    /// The same for people, with its zone.
    pub moment: String,
    /// What it waits for, for people.
    pub why: String,
}

/// How many days are looked at for the next opening: two weeks and a little, for a weekly window that falls into
/// the hour which a clock jumps over.
const AHEAD: i64 = 16;

impl Pace {
    /// True when calls go out at certain hours or on certain days only.
    pub fn has_window(&self) -> bool {
        !self.hours.is_empty()
    }

    /// Whether the window is open at an instant.
    pub fn opening(&self, now: Timestamp) -> Opening {
        if self.hours.is_empty() {
            return Opening::Open(None);
        }
        let spans = self.spans(now);
        match spans.first() {
            Some((from, _)) if *from > now => Opening::Closed(*from),
            Some((_, until)) => {
                // Windows that touch are one.
                let until = spans
                    .iter()
                    .fold(*until, |until, (from, to)| match *from <= until {
                        true => until.max(*to),
                        false => until,
                    });
                Opening::Open(Some(until))
            }
            None => Opening::Closed(self.day(now).1),
        }
    }

    /// The spans of the window that end after an instant, for some days, in order.
    fn spans(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let today = self.zone.to_datetime(now).date();
        let mut spans: Vec<(Timestamp, Timestamp)> = (-1..AHEAD)
            .filter_map(|ahead| today.checked_add(ahead.days()).ok())
            .filter(|date| self.days.has(date.weekday()))
            .flat_map(|date| self.hours.iter().filter_map(move |h| self.span(date, *h)))
            .filter(|(from, until)| from < until && now < *until)
            .collect();
        spans.sort_unstable();
        spans
    }

    /// A window that begins on a date: from when the clock shows its begin first until it shows its end first.
    fn span(&self, date: Date, hours: Hours) -> Option<(Timestamp, Timestamp)> {
        let last = match hours.is_over_midnight() {
            true => date.tomorrow().ok()?,
            false => date,
        };
        Some((
            self.first(date, hours.from())?,
            self.first(last, hours.to())?,
        ))
    }

    /// The first instant at which the clock has reached so many minutes of a date. Where clocks jump over that time,
    /// it is the jump; where they show it twice, the first time.
    fn first(&self, date: Date, minutes: u16) -> Option<Timestamp> {
        let (date, minutes) = match minutes {
            0..1440 => (date, minutes),
            _ => (date.tomorrow().ok()?, minutes - 1440),
        };
        let hour = i8::try_from(minutes / 60).ok()?;
        let minute = i8::try_from(minutes % 60).ok()?;
        let shown = date.at(hour, minute, 0, 0);
        match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(shown).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                let ahead = after.to_timestamp(shown).ok()?;
                Some(self.zone.following(ahead).next()?.timestamp())
            }
        }
    }

    /// The local day of an instant: its begin and the begin of the next.
    pub fn day(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let date = self.zone.to_datetime(now).date();
        let begin = self.first(date, 0).unwrap_or(now);
        let end = self.first(date, 1440).unwrap_or(Timestamp::MAX);
        (begin.min(now), end)
    }

    /// The pause until the window opens; `None` while it is open.
    pub fn closed(&self, now: Timestamp) -> Option<Pause> {
        match self.opening(now) {
            Opening::Open(_) => None,
            Opening::Closed(until) => Some(self.pause(now, until, Cause::Window)),
        }
    }

    /// The pause when the calls of a day are used. `window`: the window has to be open, too.
    pub fn spent(&self, now: Timestamp, window: bool) -> Pause {
        let (_, end) = self.day(now);
        let until = match self.opening(end) {
            Opening::Closed(until) if window => until,
            _ => end,
        };
        self.pause(now, until, Cause::Day)
    }

    /// A pause with its words.
    pub fn pause(&self, now: Timestamp, until: Timestamp, cause: Cause) -> Pause {
        Pause {
            until,
            moment: self.moment(now, until),
            why: match cause {
                Cause::Window => format!("the window of {}", self.file),
                Cause::Day => format!(
                    "the {} calls a day of {} are used",
                    self.per_day.unwrap_or(0),
                    self.file
                ),
            },
        }
    }

    /// A moment as the clock of the zone shows it; with its date when that is another than today's.
    fn moment(&self, now: Timestamp, until: Timestamp) -> String {
        let local = |t: Timestamp| -> Zoned { t.to_zoned(self.zone.clone()) };
        let (today, then) = (local(now).date(), local(until));
        let form = match then.date() == today {
            true => "%H:%M",
            false => "%Y-%m-%d %H:%M",
        };
        format!("{} ({})", then.strftime(form), self.zone_name)
    }

    /// Hours of one day on which the window opens; 24 without a window.
    pub fn hours_a_day(&self) -> f64 {
        if self.hours.is_empty() {
            return 24.0;
        }
        // Minutes of the day, so that windows which overlap count once.
        let mut open = [false; 1440];
        for hours in &self.hours {
            for minute in hours.minutes() {
                if let Some(place) = open.get_mut(usize::from(minute)) {
                    *place = true;
                }
            }
        }
        open.iter().filter(|o| **o).count() as f64 / 60.0
    }

    /// The pace in one line: hours, days, zone, calls.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if self.has_window() {
            let hours: Vec<String> = self.hours.iter().map(ToString::to_string).collect();
            let days = match self.days == Days::ALL {
                true => String::new(),
                false => format!(" on {}", self.days),
            };
            parts.push(format!("{}{days} ({})", hours.join(", "), self.zone_name));
        }
        if let Some(n) = self.per_day {
            parts.push(format!("{n} calls a day"));
        }
        if let Some(n) = self.per_hour {
            parts.push(format!("{n} calls an hour"));
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests;
