//! The closed list of ops, with their arguments resolved.

use crate::value::{Scalar, Type};

/// One op of a `transform:`. Ops see present values only; blank, absent and bad pass through, except
/// where said.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Removes white space at both ends.
    Trim,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Trims and folds runs of white space into one space.
    Squeeze,
    /// Through a value map: position in `Mapping::value_maps`.
    Map(usize),
    /// Cuts to so many characters, at the last `at` before it where given.
    Cut {
        /// Most characters.
        max: u64,
        /// Preferred place to cut.
        at: Option<String>,
    },
    /// Checks a length (of a text, or of each item of a list); longer ones hold, or items are dropped.
    Over {
        /// Most characters.
        max: u64,
        /// True: hold the record; false: drop the item.
        hold: bool,
    },
    /// Spreads a long text over several records; `mark` has `{n}` and `{of}`.
    Pages {
        /// Most characters of one.
        max: u64,
        /// Mark put before each when there are several.
        mark: String,
    },
    /// Decimal to whole number (or to `scale` digits).
    Round {
        /// The mode.
        mode: RoundMode,
        /// Digits kept.
        scale: u32,
    },
    /// The day of an instant in a zone.
    DayIn(String),
    /// An instant from a day, at this time (`HH:MM`) in a zone.
    At {
        /// IANA name.
        zone: String,
        /// `HH:MM`.
        time: String,
    },
    /// Keeps digits and a leading `+`; a number without `+` gets the region's country code where it is known.
    PhoneNumber(Option<String>),
    /// Checks and normalises a web address; adds `https://` where no scheme stands.
    WebAddress,
    /// Checks an e-mail address; lower case.
    EmailAddress,
    /// Parses JSON text with this shape.
    ParseJson(Vec<(String, Type)>),
    /// Markup to plain text.
    Plain,
    /// Text to list.
    Split(String),
    /// List to text.
    JoinWith(String),
    /// Removes repeats, keeps the first.
    Unique,
    /// The first item.
    First,
    /// References to the names of their records, as `Name (id)`.
    Names,
    /// Tags that the destination has already get this prefix; decided once, kept in the ledger.
    PrefixIfTaken(String),
    /// The first match of a pattern (its first group where it has one); no match is bad.
    Regex(String),
    /// Replaces all matches of a pattern.
    Replace {
        /// The pattern.
        pattern: String,
        /// The replacement, with `$1`.
        with: String,
    },
    /// Text to decimal.
    Number,
    /// Text to date with a strptime format.
    ParseDate(String),
    /// An instant or day as text with a strftime format, in a zone.
    FormatDate {
        /// strftime format.
        format: String,
        /// IANA name; `None`: UTC.
        zone: Option<String>,
    },
    /// A literal for a blank value.
    Default(Scalar),
    /// Puts a text before the value.
    Prefix(String),
    /// Keeps the ends and hides the middle.
    Mask,
    /// A keyed fingerprint as text.
    Hash,
}

/// How a number is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundMode {
    /// .5 away from zero… for positive numbers up.
    HalfUp,
    /// .5 to the even neighbour.
    HalfEven,
    /// Towards zero.
    Down,
}

/// What an op may lose, from nothing to all. The order is the order of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// Nothing.
    None,
    /// Case, white space, spelling.
    Normal,
    /// Several values become one.
    Merge,
    /// Digits or the time of day.
    Precision,
    /// The end of a text.
    Shorten,
    /// Items of a list.
    Items,
    /// Markup.
    Markup,
    /// Everything, on purpose.
    All,
}

impl Op {
    /// The op's name in YAML.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Trim => "trim",
            Op::Lower => "lower",
            Op::Upper => "upper",
            Op::Squeeze => "squeeze",
            Op::Map(_) => "map",
            Op::Cut { .. } => "cut",
            Op::Over { .. } => "over",
            Op::Pages { .. } => "pages",
            Op::Round { .. } => "round",
            Op::DayIn(_) => "day_in",
            Op::At { .. } => "at",
            Op::PhoneNumber(_) => "phone",
            Op::WebAddress => "url",
            Op::EmailAddress => "email",
            Op::ParseJson(_) => "parse_json",
            Op::Plain => "plain",
            Op::Split(_) => "split",
            Op::JoinWith(_) => "join",
            Op::Unique => "unique",
            Op::First => "first",
            Op::Names => "names",
            Op::PrefixIfTaken(_) => "prefix_if_taken",
            Op::Regex(_) => "regex",
            Op::Replace { .. } => "replace",
            Op::Number => "number",
            Op::ParseDate(_) => "date",
            Op::FormatDate { .. } => "format",
            Op::Default(_) => "default",
            Op::Prefix(_) => "prefix",
            Op::Mask => "mask",
            Op::Hash => "hash",
        }
    }

    /// What it may lose.
    pub fn loss(&self) -> Loss {
        match self {
            Op::Trim
            | Op::Lower
            | Op::Upper
            | Op::Squeeze
            | Op::PhoneNumber(_)
            | Op::WebAddress
            | Op::EmailAddress
            | Op::Unique => Loss::Normal,
            Op::Map(_) => Loss::Merge,
            Op::Round { .. } | Op::DayIn(_) => Loss::Precision,
            Op::Cut { .. } => Loss::Shorten,
            // Members outside of the shape stay behind.
            Op::First | Op::ParseJson(_) => Loss::Items,
            Op::Over { hold: false, .. } => Loss::Items,
            Op::Plain | Op::Replace { .. } | Op::Regex(_) => Loss::Markup,
            Op::Mask | Op::Hash => Loss::All,
            _ => Loss::None,
        }
    }
}
