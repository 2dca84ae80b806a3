//! Texts of a certain form: names, durations, sizes, dates, shares and their like.
//!
//! One pattern per form serves the reader and the JSON Schema. The value itself is read where it is used.

use regex::Regex;
use std::sync::LazyLock;

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A name of an object, field, step, parameter, tier: `deal_stage`.
    Name,
    /// A name with its object: `contact.email`.
    DottedName,
    /// `SOURCE--DESTINATION`.
    PairName,
    /// `500ms`, `2s`, `5m`, `1h`, `7d`.
    Duration,
    /// `300B`, `20kB`, `25MB`, `1GB`.
    Size,
    /// `2026-08-20`.
    Date,
    /// `0.5%`.
    Share,
    /// `12:30`.
    TimeOfDay,
    /// `America/Chicago` or `-06:00`.
    Zone,
    /// `22:00-06:00`.
    Hours,
    /// `mon` or `mon-fri`.
    Days,
    /// `field`, `field asc` or `field desc`.
    Order,
    /// `env:NAME` or `file:PATH`.
    SecretRef,
    /// `files.example.com`, `files.example.com:8443` or `*.files.example.com`.
    Host,
}

impl Literal {
    /// The form as a pattern that every dialect of regular expressions reads alike.
    pub fn pattern(self) -> &'static str {
        match self {
            Literal::Name => "^[a-z][a-z0-9_]*$",
            Literal::DottedName => "^[a-z][a-z0-9_]*[.][^. ][^.]*$",
            Literal::PairName => "^[a-z][a-z0-9_]*--[a-z][a-z0-9_]*$",
            Literal::Duration => "^[0-9]+(ms|s|m|h|d)$",
            Literal::Size => "^[0-9]+(B|kB|MB|GB)$",
            Literal::Date => "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            Literal::Share => "^(100|[0-9]{1,2}([.][0-9]{1,2})?)%$",
            Literal::TimeOfDay => "^([01][0-9]|2[0-3]):[0-5][0-9]$",
            Literal::Zone => "^([A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*|[+-][0-9]{2}:[0-9]{2})$",
            Literal::Hours => {
                "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
            }
            Literal::Days => "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$",
            Literal::Order => "^[^ ]+( (asc|desc))?$",
            Literal::SecretRef => "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
            Literal::Host => {
                "^(\\[[0-9A-Fa-f:.]+\\]|([*][.])?[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*)(:[0-9]{1,5})?$"
            }
        }
    }

    /// What it is, for messages.
    pub fn named(self) -> &'static str {
        match self {
            Literal::Name => "a name",
            Literal::DottedName => "a field with its object",
            Literal::PairName => "the name of a pair",
            Literal::Duration => "a span of time",
            Literal::Size => "a size",
            Literal::Date => "a date",
            Literal::Share => "a share",
            Literal::TimeOfDay => "a time of day",
            Literal::Zone => "a time zone",
            Literal::Hours => "hours of a day",
            Literal::Days => "days of a week",
            Literal::Order => "a field with its direction",
            Literal::SecretRef => "a place of a secret",
            Literal::Host => "a host",
        }
    }

    /// How it is written.
    pub fn usage(self) -> &'static str {
        match self {
            Literal::Name => {
                "names have small letters, digits and `_`, and begin with a letter: `deal_stage`"
            }
            Literal::DottedName => "write the object, a dot and the field: `contact.email`",
            Literal::PairName => "write source and destination: `acme--other`",
            Literal::Duration => {
                "write a whole number and a unit: `500ms`, `2s`, `5m`, `1h` or `7d`"
            }
            Literal::Size => "write a whole number and a unit: `300B`, `20kB`, `25MB` or `1GB`",
            Literal::Date => "write year, month and day: \"2026-08-20\"",
            Literal::Share => {
                "write a share of a hundred with at most two digits behind the point: \"0.5%\""
            }
            Literal::TimeOfDay => "write hours and minutes: \"12:30\"",
            Literal::Zone => "write an IANA name or an offset: `America/Chicago` or \"-06:00\"",
            Literal::Hours => {
                "write begin and end with two digits each: `22:00-06:00`; midnight as an end is `24:00`"
            }
            Literal::Days => "write a day or a first and a last one: `sat`, `mon-fri`",
            Literal::Order => "write the field and, if it matters, a direction: `updated_at desc`",
            Literal::SecretRef => {
                "a secret never stands in a file; write where it is: `env:NAME` or `file:PATH`"
            }
            Literal::Host => {
                "write a host without scheme and path: `files.example.com`, `files.example.com:8443` or `*.example.com`"
            }
        }
    }

    /// True when `text` has this form. A date must also be in the calendar. A text where the place of a secret
    /// belongs is let through: it may be the secret itself, and `check` has a finding that does not repeat it.
    pub fn fits(self, text: &str) -> bool {
        if self == Literal::SecretRef {
            return true;
        }
        let Some((_, pattern)) = PATTERNS.iter().find(|(l, _)| *l == self) else {
            return false;
        };
        pattern.is_match(text)
            && (self != Literal::Date || text.parse::<jiff::civil::Date>().is_ok())
    }

    const ALL: [Literal; 14] = [
        Literal::Name,
        Literal::DottedName,
        Literal::PairName,
        Literal::Duration,
        Literal::Size,
        Literal::Date,
        Literal::Share,
        Literal::TimeOfDay,
        Literal::Zone,
        Literal::Hours,
        Literal::Days,
        Literal::Order,
        Literal::SecretRef,
        Literal::Host,
    ];
}

/// The compiled patterns; all are constants that the tests below compile.
static PATTERNS: LazyLock<Vec<(Literal, Regex)>> = LazyLock::new(|| {
    Literal::ALL
        .iter()
        .filter_map(|l| Some((*l, Regex::new(l.pattern()).ok()?)))
        .collect()
});

/// What YAML takes a plain scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// A text.
    Text,
    /// A whole number in plain decimal notation.
    Int,
    /// Any other number: with a point, an exponent, hexadecimal, octal, infinite.
    Number,
    /// `true` or `false` in its three spellings.
    Bool,
}

/// What YAML 1.2 takes a plain scalar for. A number with leading zeros counts as one.
pub fn plain_kind(text: &str) -> Plain {
    static INT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^-?(0|[1-9][0-9]*)$").ok());
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|0b[01]+|[-+]?([.][0-9]+|[0-9]+([.][0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?[.](inf|Inf|INF)|[.](nan|NaN|NAN))$",
        )
        .ok()
    });
    let is = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|p| p.is_match(text));
    if is(&INT) {
        Plain::Int
    } else if is(&NUMBER) {
        Plain::Number
    } else if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
        Plain::Bool
    } else {
        Plain::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_its_pattern() {
        assert_eq!(PATTERNS.len(), Literal::ALL.len());
    }

    #[test]
    fn forms_take_what_they_say() {
        for (form, good, bad) in [
            (
                Literal::Name,
                &["a", "deal_stage", "a1"][..],
                &["", "A", "1a", "a-b", "a b"][..],
            ),
            (
                Literal::DottedName,
                &["contact.email", "contact.Gift Idea"],
                &["contact", "a.b.c", ".b"],
            ),
            (Literal::PairName, &["a--b"], &["a-b", "../x--y"]),
            (
                Literal::Duration,
                &["2s", "500ms", "7d"],
                &["2", "2 s", "s", "1.5h"],
            ),
            (Literal::Size, &["25MB", "300B"], &["25", "25mb", "MB"]),
            (
                Literal::Date,
                &["2026-08-20", "2024-02-29"],
                &["2026-8-20", "2026-02-30", "20.8.2026"],
            ),
            (
                Literal::Share,
                &["0.5%", "20%", "100%"],
                &["0.5", "101%", "-1%", "0.001%"],
            ),
            (
                Literal::Host,
                &[
                    "files.example.com",
                    "*.a.example:8443",
                    "127.0.0.1:80",
                    "[::1]:443",
                ],
                &["https://a.example", "a.example/x", "*", "a b", "a..b"],
            ),
            (Literal::TimeOfDay, &["00:00", "23:59"], &["24:00", "7:30"]),
            (
                Literal::Hours,
                &["22:00-06:00", "12:30-24:00"],
                &["22:00", "24:00-06:00", "7:30-8:00", "22-06"],
            ),
            (
                Literal::Days,
                &["mon", "sat-mon"],
                &["monday", "mon,tue", ""],
            ),
            (
                Literal::Zone,
                &["UTC", "America/Chicago", "-06:00", "Etc/GMT+3"],
                &["", "6", "America/"],
            ),
            (Literal::Order, &["id", "rank desc"], &["rank down", ""]),
            (Literal::SecretRef, &["env:TOKEN", "abc123"], &[]),
        ] {
            for text in good {
                assert!(form.fits(text), "{form:?} {text}");
            }
            for text in bad {
                assert!(!form.fits(text), "{form:?} {text}");
            }
        }
    }

    #[test]
    fn plain_scalars_are_what_yaml_says() {
        for (text, kind) in [
            ("12", Plain::Int),
            ("-7", Plain::Int),
            ("007", Plain::Number),
            ("1.10", Plain::Number),
            ("0x1f", Plain::Number),
            ("1e3", Plain::Number),
            (".inf", Plain::Number),
            ("true", Plain::Bool),
            ("yes", Plain::Text),
            ("2026-08-20", Plain::Text),
            ("1:1", Plain::Text),
            ("1.2.3", Plain::Text),
            ("-", Plain::Text),
        ] {
            assert_eq!(plain_kind(text), kind, "{text}");
        }
    }
}
