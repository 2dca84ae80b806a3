//! What type the values of a column look like, whatever a spec says.
//!
//! Counts what each value could be, and takes the narrowest type that nearly all of them fit. Looks at the first
//! values of a column only: enough to judge, and cheap on files of any length.

use crate::platform::wire::{is_email, is_phone, is_url};

/// Values of a column that are looked at.
const LOOKED_AT: u64 = 10_000;

/// What the values of a column could be.
#[derive(Debug, Default)]
pub(super) struct Looks {
    seen: u64,
    bool: u64,
    int: u64,
    decimal: u64,
    date: u64,
    datetime: u64,
    email: u64,
    url: u64,
    phone: u64,
    json: u64,
    html: u64,
}

impl Looks {
    /// Looks at a value; `text` is trimmed and not empty.
    pub fn at(&mut self, text: &str) {
        if self.seen == LOOKED_AT {
            return;
        }
        self.seen += 1;
        let mut is = |count: fn(&mut Looks) -> &mut u64, yes: bool| {
            if yes {
                *count(self) += 1;
            }
        };
        let first = text.as_bytes().first().copied().unwrap_or(b' ');
        let number = first.is_ascii_digit() || first == b'-' || first == b'+';
        is(|l| &mut l.bool, is_truth(text));
        is(|l| &mut l.int, number && is_int(text));
        is(|l| &mut l.decimal, number && is_decimal(text));
        let moment = first.is_ascii_digit().then(|| moment(text)).flatten();
        is(|l| &mut l.date, moment == Some(Moment::Day));
        is(|l| &mut l.datetime, moment.is_some());
        is(|l| &mut l.email, text.contains('@') && is_email(text));
        is(|l| &mut l.url, text.contains("://") && is_url(text));
        // Shorter ones are codes.
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let phone = digits > 6 && !is_dated(text) && is_phone(text, false);
        is(|l| &mut l.phone, phone);
        is(|l| &mut l.json, is_json(text));
        is(|l| &mut l.html, is_markup(text));
    }

    /// The narrowest type that nearly all values fit; `None` without values.
    pub fn verdict(&self) -> Option<&'static str> {
        if self.seen == 0 {
            return None;
        }
        // One in fifty may be a slip of somebody's pen.
        let fits = |count: u64| count > 0 && (self.seen - count) * 50 <= self.seen;
        let narrow = [
            ("bool", self.bool),
            ("int", self.int),
            ("decimal", self.decimal),
            ("date", self.date),
            ("datetime", self.datetime),
            ("email", self.email),
            ("url", self.url),
            ("json_text", self.json),
            ("phone", self.phone),
            ("html", self.html),
        ];
        let found = narrow.iter().find(|(_, count)| fits(*count));
        Some(found.map_or("text", |(name, _)| name))
    }
}

/// Written like a day, whether there is such a day or not: three groups of digits, one of them a year.
fn is_dated(text: &str) -> bool {
    let groups: Vec<&str> = text.split(['-', '/', '.']).collect();
    let short = |g: &&str| g.len() <= 2;
    matches!(groups.as_slice(), [a, b, c] if short(b) && ((a.len() == 4 && short(c)) || (short(a) && c.len() == 4)))
}

fn is_truth(text: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "yes", "no", "t", "f", "y", "n"];
    WORDS.iter().any(|w| w.eq_ignore_ascii_case(text))
}

/// A whole number as a number is written: no leading zero, which codes have.
fn is_int(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() <= 18;
    plain
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

fn is_decimal(text: &str) -> bool {
    let Some((whole, part)) = text.split_once('.') else {
        return is_int(text);
    };
    let part_is = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    part_is && (is_int(whole) || whole == "-0")
}

/// A day, or a day with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Day,
    Instant,
}

/// Reads a moment in the usual orders and marks; whether the day exists is for the declared format to say.
fn moment(text: &str) -> Option<Moment> {
    let end = text
        .find(|c: char| c == 'T' || c.is_whitespace())
        .unwrap_or(text.len());
    let (day, rest) = text.split_at(end);
    let mark = day.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(mark, '-' | '/' | '.') {
        return None;
    }
    let parts: Vec<&str> = day.split(mark).collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    let number = |t: &str| -> Option<u32> {
        t.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| t.parse().ok())?
    };
    let (year, others) = match (a.len(), c.len()) {
        (4, 1 | 2) => (*a, [*b, *c]),
        (1 | 2, 4 | 2) => (*c, [*a, *b]),
        _ => return None,
    };
    let [one, two] = others.map(number);
    let (one, two) = (one?, two?);
    number(year)?;
    let fits = |n: u32, max: u32| (1..=max).contains(&n);
    if !(fits(one, 31) && fits(two, 31) && (one <= 12 || two <= 12)) {
        return None;
    }
    let rest = rest.trim_start_matches('T').trim();
    if rest.is_empty() {
        return Some(Moment::Day);
    }
    let (hour, _) = rest.split_once(':')?;
    number(hour).filter(|h| *h < 25).map(|_| Moment::Instant)
}

fn is_json(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'{' | b'['))
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn is_markup(text: &str) -> bool {
    text.find('<').is_some_and(|at| {
        text[at..].contains("</") || text[at..].contains("/>") || text[at..].contains("<br")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(values: &[&str]) -> Option<&'static str> {
        let mut looks = Looks::default();
        values.iter().for_each(|v| looks.at(v));
        looks.verdict()
    }

    #[test]
    fn columns_look_like_their_values() {
        assert_eq!(look(&[]), None);
        assert_eq!(look(&["1", "20", "-3"]), Some("int"));
        assert_eq!(look(&["1", "2.50"]), Some("decimal"));
        assert_eq!(look(&["01234", "20999"]), Some("text"));
        assert_eq!(look(&["Yes", "no"]), Some("bool"));
        assert_eq!(
            look(&["2026-01-02", "31/12/2025", "1.2.2024"]),
            Some("date")
        );
        assert_eq!(
            look(&["2026-01-02T10:00:00Z", "7/4/2026 1:05 PM"]),
            Some("datetime")
        );
        assert_eq!(look(&["a@b.example"]), Some("email"));
        assert_eq!(look(&["https://b.example/x"]), Some("url"));
        assert_eq!(look(&["{\"a\":1}", "[]"]), Some("json_text"));
        assert_eq!(look(&["+1 (312) 555-0100"]), Some("phone"));
        assert_eq!(look(&["<p>Hi</p>"]), Some("html"));
        assert_eq!(look(&["2026-99-02"]), Some("text"));
        assert_eq!(look(&["1", "two"]), Some("text"));
    }

    #[test]
    fn one_slip_in_fifty_is_forgiven() {
        let mut values = vec!["7"; 60];
        values.push("n/a");
        assert_eq!(look(&values), Some("int"));
        values.extend(["n/a"; 2]);
        assert_eq!(look(&values), Some("text"));
    }
}
