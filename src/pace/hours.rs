//! Hours of a day and days of a week, as people write them: `22:00-06:00`, `mon-fri`.

use jiff::civil::Weekday;
use std::fmt;

/// Hours of a day; they may end on the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    /// The whole day.
    pub const ALL: Hours = Hours { from: 0, to: 1440 };

    /// Reads `22:00-06:00`; the end may be `24:00`. `None` for another form, and for hours that end as they begin.
    pub fn parse(text: &str) -> Option<Hours> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        (from < 1440 && from != to && (from, to) != (0, 0)).then_some(Hours { from, to })
    }

    /// Minutes after midnight at which they begin.
    pub fn from(self) -> u16 {
        self.from
    }

    /// Minutes after midnight at which they end; 1440 is the next midnight.
    pub fn to(self) -> u16 {
        self.to
    }

    /// True when they end on the day after.
    pub fn is_over_midnight(self) -> bool {
        self.to < self.from
    }

    /// Every minute of the day in them.
    pub fn minutes(self) -> impl Iterator<Item = u16> {
        let (first, second) = match self.is_over_midnight() {
            true => (self.from..1440, 0..self.to),
            false => (self.from..self.to, 0..0),
        };
        first.chain(second)
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (h, m) = text.split_once(':')?;
    let two = |t: &str| -> Option<u16> {
        (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse().ok())?
    };
    let (h, m) = (two(h)?, two(m)?);
    (h < 24 && m < 60 || (h, m) == (24, 0)).then_some(h * 60 + m)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            self.from / 60,
            self.from % 60,
            self.to / 60,
            self.to % 60
        )
    }
}

/// Days of a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days([bool; 7]);

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Days {
    /// All seven.
    pub const ALL: Days = Days([true; 7]);
    /// None yet.
    pub const NONE: Days = Days([false; 7]);

    /// Adds `mon`, or `mon-fri`, or `sat-mon` over the end of the week. False for another text.
    pub fn add(&mut self, text: &str) -> bool {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let at = |name: &str| NAMES.iter().position(|n| *n == name);
        let (Some(mut day), Some(last)) = (at(first), at(last)) else {
            return false;
        };
        loop {
            if let Some(place) = self.0.get_mut(day) {
                *place = true;
            }
            if day == last {
                return true;
            }
            day = (day + 1) % 7;
        }
    }

    /// True for a day among them.
    pub fn has(self, day: Weekday) -> bool {
        let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or(7);
        self.0.get(at).copied().unwrap_or(false)
    }

    /// How many a week has.
    pub fn a_week(self) -> u64 {
        self.0.iter().map(|d| u64::from(*d)).sum()
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = NAMES
            .iter()
            .zip(self.0)
            .filter_map(|(name, on)| on.then_some(*name))
            .collect();
        f.write_str(&names.join(", "))
    }
}
