//! Windows against the clocks of two zones, days on which an hour is missing or comes twice among them.

use super::*;
use crate::platform::zone;
use proptest::prelude::*;

fn pace(zone_name: &str, hours: &[&str], days: &[&str]) -> Pace {
    let mut week = if days.is_empty() {
        Days::ALL
    } else {
        Days::NONE
    };
    assert!(days.iter().all(|d| week.add(d)));
    Pace {
        hours: hours.iter().map(|h| Hours::parse(h).unwrap()).collect(),
        days: week,
        zone: zone::find(zone_name).unwrap(),
        zone_name: zone_name.to_owned(),
        per_day: Some(50),
        per_hour: None,
        why: None,
        file: "migration.yaml".to_owned(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(until: &str) -> Opening {
    Opening::Open(Some(at(until)))
}

fn closed(until: &str) -> Opening {
    Opening::Closed(at(until))
}

#[test]
fn hours_and_days_are_read() {
    for (good, shown) in [
        ("22:00-06:00", "22:00-06:00"),
        ("00:00-24:00", "00:00-24:00"),
        ("12:30-24:00", "12:30-24:00"),
        ("22:00-00:00", "22:00-00:00"),
    ] {
        assert_eq!(Hours::parse(good).unwrap().to_string(), shown);
    }
    for bad in [
        "",
        "22:00",
        "22:00-22:00",
        "00:00-00:00",
        "24:00-06:00",
        "22-06",
        "22:60-23:00",
        "25:00-26:00",
        "2:00-06:00",
        "22:00-24:01",
        "22:00–06:00",
    ] {
        assert!(Hours::parse(bad).is_none(), "{bad}");
    }
    let mut days = Days::NONE;
    assert!(days.add("sat-mon"));
    assert_eq!(days.to_string(), "mon, sat, sun");
    assert!(!days.add("monday") && !days.add("") && !days.add("mon-"));
    assert_eq!(days.a_week(), 3);
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
    // 23 November 2026 is a Monday.
    let p = pace("Europe/Berlin", &["22:00-06:00"], &["mon-fri"]);
    assert_eq!(
        p.opening(at("2026-11-23T20:59:59Z")),
        closed("2026-11-23T21:00:00Z")
    );
    assert_eq!(
        p.opening(at("2026-11-23T21:00:00Z")),
        open("2026-11-24T05:00:00Z")
    );
    assert_eq!(
        p.opening(at("2026-11-24T04:59:59Z")),
        open("2026-11-24T05:00:00Z")
    );
    assert_eq!(
        p.opening(at("2026-11-24T05:00:00Z")),
        closed("2026-11-24T21:00:00Z")
    );
    // Friday's window reaches into Saturday; the next begins on Monday.
    assert_eq!(
        p.opening(at("2026-11-28T04:00:00Z")),
        open("2026-11-28T05:00:00Z")
    );
    assert_eq!(
        p.opening(at("2026-11-28T05:00:00Z")),
        closed("2026-11-30T21:00:00Z")
    );
}

#[test]
fn windows_that_touch_are_one() {
    let p = pace("UTC", &["00:00-06:00", "22:00-24:00", "06:00-07:00"], &[]);
    assert_eq!(
        p.opening(at("2026-11-23T23:00:00Z")),
        open("2026-11-24T07:00:00Z")
    );
    assert_eq!(p.hours_a_day(), 9.0);
}

#[test]
fn an_hour_that_is_missing_begins_and_ends_with_the_jump() {
    // 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
    let p = pace("Europe/Berlin", &["02:30-04:00"], &[]);
    assert_eq!(
        p.opening(at("2026-03-29T00:59:59Z")),
        closed("2026-03-29T01:00:00Z")
    );
    assert_eq!(
        p.opening(at("2026-03-29T01:00:00Z")),
        open("2026-03-29T02:00:00Z")
    );
    let p = pace("Europe/Berlin", &["01:00-02:30"], &[]);
    assert_eq!(
        p.opening(at("2026-03-29T00:59:59Z")),
        open("2026-03-29T01:00:00Z")
    );
    assert_eq!(
        p.opening(at("2026-03-29T01:00:00Z")),
        closed("2026-03-29T23:00:00Z")
    );
    // A window that lies in the missing hour is left out on that day.
    let p = pace("Europe/Berlin", &["02:10-02:50"], &["sun"]);
    assert_eq!(
        p.opening(at("2026-03-28T12:00:00Z")),
        closed("2026-04-05T00:10:00Z")
    );
}

#[test]
fn an_hour_that_comes_twice_counts_the_first_time() {
    // 1 November 2026: 02:00 EDT becomes 01:00 EST at 06:00 UTC.
    let p = pace("America/New_York", &["01:30-03:00"], &[]);
    assert_eq!(
        p.opening(at("2026-11-01T05:30:00Z")),
        open("2026-11-01T08:00:00Z")
    );
    let p = pace("America/New_York", &["00:00-01:30"], &[]);
    assert_eq!(
        p.opening(at("2026-11-01T05:29:59Z")),
        open("2026-11-01T05:30:00Z")
    );
    // The clock shows 01:10 again, and the window stays closed.
    assert_eq!(
        p.opening(at("2026-11-01T06:10:00Z")),
        closed("2026-11-02T05:00:00Z")
    );
}

#[test]
fn a_day_is_as_long_as_its_zone_says() {
    let p = pace("Europe/Berlin", &[], &[]);
    let hours = |t: &str| {
        let (from, to) = p.day(at(t));
        (to.as_second() - from.as_second()) / 3600
    };
    assert_eq!(hours("2026-03-29T12:00:00Z"), 23);
    assert_eq!(hours("2026-10-25T12:00:00Z"), 25);
    assert_eq!(hours("2026-10-26T12:00:00Z"), 24);
    // Clocks that jump at midnight: the day begins with the jump.
    let p = pace("America/Santiago", &[], &[]);
    let (from, _) = p.day(at("2026-09-06T12:00:00Z"));
    assert_eq!(from, at("2026-09-06T04:00:00Z"));
}

#[test]
fn pauses_say_when_where_and_why() {
    let p = pace("Europe/Berlin", &["22:00-06:00"], &[]);
    let pause = p.closed(at("2026-11-23T12:00:00Z")).unwrap();
    assert_eq!(pause.moment, "22:00 (Europe/Berlin)");
    assert_eq!(pause.why, "the window of migration.yaml");
    // The day's calls are used in the evening: the window is open at midnight.
    let pause = p.spent(at("2026-11-23T21:30:00Z"), true);
    assert_eq!(pause.moment, "2026-11-24 00:00 (Europe/Berlin)");
    assert_eq!(pause.why, "the 50 calls a day of migration.yaml are used");
    let p = pace("Europe/Berlin", &["22:00-24:00"], &[]);
    let now = at("2026-11-23T21:30:00Z");
    assert_eq!(
        p.spent(now, true).moment,
        "2026-11-24 22:00 (Europe/Berlin)"
    );
    // Who only reads does not wait for the window.
    assert_eq!(
        p.spent(now, false).moment,
        "2026-11-24 00:00 (Europe/Berlin)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_next_opening_is_ahead_and_inside_a_window(
        berlin in any::<bool>(),
        windows in prop::collection::vec((0u16..1440, 1u16..1440), 1..4),
        first_day in 0usize..7,
        days in 1usize..8,
        // Around changes of the clocks as well as on other days of three years.
        change in prop::option::of(0usize..8),
        offset in -180_000i64..180_000,
        second in 1_760_000_000i64..1_855_000_000,
    ) {
        const CHANGES: [i64; 8] = [
            1_761_440_400, 1_774_746_000, 1_792_890_000, 1_806_195_600, // Berlin
            1_762_063_200, 1_772_953_200, 1_793_512_800, 1_805_007_600, // New York
        ];
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let mut p = pace(if berlin { "Europe/Berlin" } else { "America/New_York" }, &[], &[]);
        p.hours = windows
            .iter()
            .map(|(from, span)| {
                let to = (from + span) % 1440;
                let text = format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
                Hours::parse(&text).unwrap_or(Hours::ALL)
            })
            .collect();
        p.days = Days::NONE;
        for day in 0..days {
            prop_assert!(p.days.add(NAMES[(first_day + day) % 7]));
        }
        let now = change.map_or(second, |c| CHANGES[c] + offset);
        let now = Timestamp::from_second(now).unwrap();
        let tick = 1.seconds();
        match p.opening(now) {
            Opening::Open(until) => {
                let until = until.unwrap();
                prop_assert!(until > now);
                // It is closed at its end, and open up to it; windows without a gap have no end in sight.
                let in_sight = until.as_second() - now.as_second() < 14 * 86_400;
                prop_assert!(!in_sight || matches!(p.opening(until), Opening::Closed(_)));
                let before = p.opening(until - tick);
                prop_assert!(!in_sight || before == Opening::Open(Some(until)), "{:?}", before);
            }
            Opening::Closed(until) => {
                prop_assert!(until > now);
                prop_assert!(matches!(p.opening(until), Opening::Open(Some(_))));
                prop_assert_eq!(p.opening(until - tick), Opening::Closed(until));
                // The clock shows the begin of a window then, or has just jumped over it.
                let shown = p.zone.to_datetime(until);
                let minute = u16::try_from(i64::from(shown.hour()) * 60 + i64::from(shown.minute())).unwrap();
                let jumped = |h: &Hours| minute.wrapping_sub(h.from()) <= 60;
                prop_assert!(p.hours.iter().any(jumped), "{} {:?}", shown, p.hours);
            }
        }
        let (begin, end) = p.day(now);
        prop_assert!(begin <= now && now < end);
        prop_assert!((23..=25).contains(&((end.as_second() - begin.as_second()) / 3600)));
    }
}
