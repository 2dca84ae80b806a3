//! The policy of the grade: what each kind of item costs, what load time costs, and the ranges of the letters.

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// How objects meet.
    Objects,
    /// How many decisions the mapping holds.
    Clarity,
    /// What the two APIs make harder.
    Api,
    /// How long the load takes.
    Volume,
}

impl Area {
    /// Every area with its title, in the order of the page.
    pub const ALL: &'static [(Area, &'static str)] = &[
        (Area::Objects, "Object compatibility"),
        (Area::Clarity, "Mapping clarity"),
        (Area::Api, "API constraints"),
        (Area::Volume, "Data volume"),
    ];
}

/// What one of a kind costs.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// Its id, stable for machines.
    pub id: &'static str,
    /// Its area.
    pub area: Area,
    /// Points for each.
    pub points: u32,
    /// What is counted.
    pub say: &'static str,
}

const fn weight(id: &'static str, area: Area, points: u32, say: &'static str) -> Weight {
    Weight {
        id,
        area,
        points,
        say,
    }
}

/// The policy: what each kind costs.
pub const WEIGHTS: &[Weight] = &[
    weight(
        "split",
        Area::Objects,
        6,
        "objects whose records a split sends to several places",
    ),
    weight(
        "many_to_one",
        Area::Objects,
        6,
        "fields that several loaded records fill",
    ),
    weight(
        "not_moved",
        Area::Objects,
        4,
        "rows that a person moves, or that do not move",
    ),
    weight(
        "handoff",
        Area::Objects,
        2,
        "documents that a person works through",
    ),
    weight(
        "lossy_field",
        Area::Objects,
        1,
        "fields that lose more than spelling",
    ),
    weight("join", Area::Clarity, 3, "joins of other objects"),
    weight("merge", Area::Clarity, 2, "rules that merge duplicates"),
    weight(
        "reassign",
        Area::Clarity,
        2,
        "decisions that are opened again later",
    ),
    weight(
        "value_map",
        Area::Clarity,
        1,
        "value maps for the customer to confirm",
    ),
    weight("guard", Area::Clarity, 1, "conditions that hold records"),
    weight(
        "param",
        Area::Clarity,
        1,
        "parameters for the customer to choose",
    ),
    weight(
        "composed",
        Area::Clarity,
        1,
        "texts that a template composes",
    ),
    weight(
        "tier_conflict",
        Area::Api,
        8,
        "objects with more records than the tier takes",
    ),
    weight(
        "files_only",
        Area::Api,
        5,
        "platforms read from exports, without an API",
    ),
    weight(
        "by_hand",
        Area::Api,
        3,
        "objects whose records an admin makes",
    ),
    weight(
        "fields_by_hand",
        Area::Api,
        2,
        "objects whose custom fields an admin makes first",
    ),
    weight(
        "second_pass",
        Area::Api,
        3,
        "references that are written in a second pass",
    ),
    weight("tier_limit", Area::Api, 2, "objects that a tier limits"),
    weight(
        "single_calls",
        Area::Api,
        1,
        "object mappings that load one record a call",
    ),
];

/// What the load time costs: up to so many hours, so many points. Beyond the last line its double.
pub const VOLUME: &[(u64, u32)] = &[(1, 0), (8, 1), (24, 2), (72, 4), (168, 8)];

/// The letters: up to so many points. Beyond the last line it is [`WORST`].
pub const LETTERS: &[(char, u32)] = &[('A', 24), ('B', 90), ('C', 160)];

/// The letter beyond the ranges.
pub const WORST: char = 'D';
