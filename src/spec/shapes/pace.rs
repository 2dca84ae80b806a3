//! When the destination account may be called: the block `pace:` of a migration.

use super::POSITIVE;
use crate::spec::shape::{Kind, Literal, Rule, Shape, key};

const HOURS: Kind = Kind::Literal(Literal::Hours);
const DAYS: Kind = Kind::Literal(Literal::Days);

/// The block `pace:`.
pub static PACE: Shape = Shape {
    name: "pace",
    doc: "When the destination account may be called, and how often. A run that has to stop for it ends with exit 75 and goes on when the same command runs again.",
    keys: &[
        key(
            "window",
            Kind::Either(&[HOURS, Kind::Filled(&HOURS)]),
            "The hours in which a load makes calls: `22:00-06:00`, or a list of such.",
        ),
        key(
            "days",
            Kind::Either(&[DAYS, Kind::Filled(&DAYS)]),
            "The days on which the window begins: `mon-fri`, or a list; without it every day.",
        ),
        key(
            "zone",
            Kind::Literal(Literal::Zone),
            "The zone of hours and days, instead of the zone of the source.",
        ),
        key(
            "per_day",
            POSITIVE,
            "Most calls from one midnight to the next, reading ones included.",
        ),
        key(
            "per_hour",
            POSITIVE,
            "Most calls in any 60 minutes, below the platform's own limits.",
        ),
    ],
    rules: &[Rule::AnyOf(&["window", "days", "per_day", "per_hour"])],
};
