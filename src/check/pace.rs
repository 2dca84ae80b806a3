//! From the block `pace:` of a migration to the resolved pace, and what it cannot do.

use super::migration::zone;
use crate::{
    diag::{Code, Diagnostic, Diagnostics, Span},
    mapping::{DestinationConnection, SandboxConnection},
    pace::{Days, Hours, Pace},
    platform::{Connect, Platform},
    spec::{Node, SpecFile},
};
use jiff::tz::TimeZone;
use std::time::Duration;

/// What a pace is held against.
pub struct Around<'a> {
    /// The source platform; its zone is the migration's unless it says otherwise.
    pub source: &'a Platform,
    /// The destination platform.
    pub destination: &'a Platform,
    /// The tier of the account.
    pub tier: Option<&'a str>,
    /// Where records are written; `None` where that is at fault.
    pub to: Option<&'a DestinationConnection>,
}

/// Reads `pace:`.
pub fn lower(file: &SpecFile, around: &Around<'_>, out: &mut Diagnostics) -> Option<Pace> {
    let root = file.root();
    let entry = root.entry("pace")?;
    let node = &entry.value;
    let mut hours: Vec<Hours> = each(node, "window")
        .into_iter()
        .filter_map(|n| one_window(n, out))
        .collect();
    let mut days = Days::NONE;
    let named = each(node, "days");
    for day in &named {
        // The shape has told of a text that is none.
        days.add(day.text().unwrap_or(""));
    }
    if named.is_empty() {
        days = Days::ALL;
    } else if hours.is_empty() {
        hours.push(Hours::ALL);
    }
    let number = |key: &str| node.get_int(key).and_then(|n| u64::try_from(n).ok());
    let pace = Pace {
        days,
        per_day: number("per_day"),
        per_hour: number("per_hour"),
        why: node.get_text("why").map(str::to_owned),
        file: file
            .path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        ..zoned(node, root, around, hours, entry.key_span, out)?
    };
    effect(node, entry.key_span, &pace, around, out);
    Some(pace)
}

/// The scalar under a key, or the items of its list.
fn each<'n>(node: &'n Node, key: &str) -> Vec<&'n Node> {
    match node.get(key) {
        None => Vec::new(),
        Some(value) if value.text().is_some() => vec![value],
        Some(list) => list.items().iter().collect(),
    }
}

fn one_window(node: &Node, out: &mut Diagnostics) -> Option<Hours> {
    let text = node.text()?;
    let found = Hours::parse(text);
    let ends = text.split_once('-');
    if found.is_none() && ends.is_some_and(|(from, to)| from == to) {
        out.push(
            Diagnostic::new(
                Code::BadLiteral,
                node.span,
                format!("the window `{text}` has no length: it ends as it begins"),
            )
            .hint("leave `window` out for the whole day; `days:` works without it"),
        );
    }
    found
}

/// A pace with its hours and their zone: what it names, else the zone of the source.
fn zoned(
    node: &Node,
    root: &Node,
    around: &Around<'_>,
    hours: Vec<Hours>,
    span: Span,
    out: &mut Diagnostics,
) -> Option<Pace> {
    let of_platform = match &around.source.connect {
        Connect::Files(files) => files.zone.as_deref(),
        Connect::Http(http) => http.zone.as_deref(),
    };
    let of_source = || {
        root.get("source")
            .and_then(|s| s.get_text("zone"))
            .or(of_platform)
            .map(str::to_owned)
    };
    let local = !hours.is_empty() || node.get("per_day").is_some();
    let name = match node.get("zone") {
        Some(named) => Some(zone(Some(named), out)?),
        None => of_source(),
    };
    let zone_name = match name {
        Some(name) => name,
        // Any 60 minutes are the same everywhere.
        None if !local => "UTC".to_owned(),
        None => {
            out.push(
                Diagnostic::new(
                    Code::MissingKey,
                    span,
                    "nothing says in which zone hours and days are meant",
                )
                .hint("add `zone:` with an IANA name: `zone: Europe/Berlin`"),
            );
            return None;
        }
    };
    Some(Pace {
        hours,
        days: Days::ALL,
        // A name that is unknown has its own finding, at the source.
        zone: crate::platform::zone::find(&zone_name).unwrap_or(TimeZone::UTC),
        zone_name,
        per_day: None,
        per_hour: None,
        why: None,
        file: String::new(),
    })
}

/// Warns of numbers that change nothing, because something else is lower.
fn effect(node: &Node, span: Span, pace: &Pace, around: &Around<'_>, out: &mut Diagnostics) {
    if let Some(DestinationConnection::Folder { .. }) = around.to {
        out.push(
            Diagnostic::new(
                Code::PaceWithoutEffect,
                span,
                "the destination is a folder of files, and these take no calls",
            )
            .hint("leave `pace:` out, or write to the API"),
        );
        return;
    }
    let Some(limit) = Lowest::of(around) else {
        return;
    };
    let hour = Duration::from_secs(3600);
    for (key, ours, span_of, words) in [
        ("per_hour", pace.per_hour, hour, "an hour"),
        ("per_day", pace.per_day, hour * 24, "a day"),
    ] {
        let (Some(ours), Some(value)) = (ours, node.get(key)) else {
            continue;
        };
        let theirs = limit.in_span(span_of);
        if ours > theirs {
            out.push(
                Diagnostic::new(
                    Code::PaceWithoutEffect,
                    value.span,
                    format!(
                        "{} allows {theirs} calls {words}{}: `{key}: {ours}` changes nothing",
                        around.destination.title, limit.tier
                    ),
                )
                .hint("write less, or leave it out"),
            );
        }
    }
}

/// The limit of the account that lets the fewest calls through.
struct Lowest {
    limits: Vec<(u64, Duration)>,
    tier: String,
}

impl Lowest {
    /// `None` where nothing is limited.
    fn of(around: &Around<'_>) -> Option<Lowest> {
        let simulated = match around.to {
            Some(DestinationConnection::Sandbox(SandboxConnection {
                calls_per_minute, ..
            })) => *calls_per_minute,
            _ => None,
        };
        let limits: Vec<(u64, Duration)> = match simulated {
            // The limit of a simulated account takes the place of the platform's.
            Some(0) => Vec::new(),
            Some(n) => vec![(n, Duration::from_secs(60))],
            None => (around.destination.limits.calls.iter())
                .map(|c| (c.max.at(around.tier), c.per))
                .collect(),
        };
        let tier = match (around.tier, simulated) {
            (Some(tier), None) => format!(" on the tier `{tier}`"),
            _ => String::new(),
        };
        (!limits.is_empty()).then_some(Lowest { limits, tier })
    }

    /// The most calls that fit into a span.
    fn in_span(&self, span: Duration) -> u64 {
        let most = |(max, per): &(u64, Duration)| {
            let times = (span.as_millis() / per.as_millis().max(1)).max(1);
            max.saturating_mul(u64::try_from(times).unwrap_or(u64::MAX))
        };
        self.limits.iter().map(most).min().unwrap_or(u64::MAX)
    }
}
