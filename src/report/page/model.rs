//! The model of a pair page. Its JSON form is an interface: members are added, never renamed.

use serde::Serialize;

/// The version of the shape.
pub const VERSION: &str = "transload/page/v1";

/// A pair page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// [`VERSION`].
    pub schema_version: String,
    /// The mapping's name.
    pub mapping: String,
    /// The migration, where the page is a customer's.
    pub migration: Option<String>,
    /// The platform read.
    pub source: Side,
    /// The platform written.
    pub destination: Side,
    /// Rows declared 1:1.
    pub one_to_one: usize,
    /// All rows.
    pub objects: usize,
    /// The compatibility table.
    pub rows: Vec<Row>,
    /// Traps of both platforms, with the result of their checks.
    pub gotchas: Vec<GotchaLine>,
    /// What is not known of the platforms, and what is assumed.
    pub quirks: Vec<QuirkLine>,
    /// What does not move, or not by itself.
    pub stays: Vec<Stay>,
    /// Custom fields that the destination must have.
    pub fields_to_create: usize,
    /// What people do before the load.
    pub before: Vec<String>,
    /// The object mappings in the order of the load.
    pub steps: Vec<StepLine>,
    /// The complexity grade.
    pub grade: GradeBox,
    /// Calls and time, by number of records.
    pub timeline: Vec<Load>,
    /// The reasons in the files.
    pub reasons: Vec<Why>,
}

/// A platform.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Its name in specs.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The day its facts were checked.
    pub checked: String,
}

/// A row of the compatibility table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The source side.
    pub source: String,
    /// The destination side.
    pub destination: String,
    /// The declared cardinality.
    pub cardinality: String,
    /// How far it is supported.
    pub support: String,
    /// The note of the mapping.
    pub note: Option<String>,
    /// What implements it.
    pub by: Vec<String>,
    /// The computed cardinality; `None` where only a migration can tell.
    pub computed: Option<String>,
    /// Why it was computed so.
    pub because: Vec<String>,
    /// What else to know.
    pub remarks: Vec<String>,
    /// True when computed and declared differ.
    pub differs: bool,
}

/// How the check of a gotcha came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Seen to from the files.
    Handled,
    /// Checked when a migration runs, before anything is sent.
    AtTheRun,
    /// There is something to decide before a run.
    Open,
    /// It cannot happen with this mapping.
    NotConcerned,
    /// For people to know; nothing can be checked.
    Note,
}

/// A known trap.
#[derive(Clone, Debug, Serialize)]
pub struct GotchaLine {
    /// Its id.
    pub id: String,
    /// The platform's title.
    pub platform: String,
    /// The trap.
    pub say: String,
    /// The name of its check.
    pub check: String,
    /// True when a failing check stops a run.
    pub blocks: bool,
    /// How the check came out.
    pub outcome: Outcome,
    /// The outcome in words.
    pub result: String,
}

/// A behaviour that is not known.
#[derive(Clone, Debug, Serialize)]
pub struct QuirkLine {
    /// The platform's title.
    pub platform: String,
    /// The name of the switch.
    pub name: String,
    /// What is assumed.
    pub assumed: String,
    /// What it may be.
    pub options: Vec<String>,
    /// What is known.
    pub why: String,
}

/// Why something does not move by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StayKind {
    /// A row that a person moves, or nobody.
    Row,
    /// Leaves as a document.
    Document,
    /// Records that a split leaves out.
    Dropped,
    /// Fields or objects left out.
    Ignored,
}

/// Something that does not move, or not by itself.
#[derive(Clone, Debug, Serialize)]
pub struct Stay {
    /// Of which kind.
    pub kind: StayKind,
    /// What.
    pub what: String,
    /// The reason, or what to do.
    pub why: String,
}

/// An object mapping.
#[derive(Clone, Debug, Serialize)]
pub struct StepLine {
    /// Its batch, from 1.
    pub batch: usize,
    /// Its name.
    pub step: String,
    /// What it reads.
    pub from: String,
    /// What it writes.
    pub to: String,
    /// How it loads.
    pub load: String,
    /// Fields it fills.
    pub fields: usize,
}

/// The grade with its items.
#[derive(Clone, Debug, Serialize)]
pub struct GradeBox {
    /// The letter.
    pub letter: char,
    /// The sum.
    pub points: u32,
    /// The ranges of the letters.
    pub ranges: String,
    /// The areas.
    pub areas: Vec<AreaBox>,
}

/// An area of the grade.
#[derive(Clone, Debug, Serialize)]
pub struct AreaBox {
    /// Its title.
    pub title: String,
    /// Its points.
    pub points: u32,
    /// Its items, heaviest first.
    pub items: Vec<ItemLine>,
}

/// A line of the grade.
#[derive(Clone, Debug, Serialize)]
pub struct ItemLine {
    /// The id of its weight.
    pub id: String,
    /// What was counted.
    pub say: String,
    /// By name.
    pub of: Vec<String>,
    /// Points for each.
    pub weight: u32,
    /// Points in all.
    pub points: u32,
}

/// What a load of so many records takes.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// How many records, in words.
    pub basis: String,
    /// Calls at the destination.
    pub calls: u64,
    /// The same for people.
    pub calls_words: String,
    /// Steps whose records are not known.
    pub not_counted: Vec<String>,
    /// Time by tier.
    pub tiers: Vec<TierTime>,
}

/// The time on a tier.
#[derive(Clone, Debug, Serialize)]
pub struct TierTime {
    /// The tier; `None` where the platform has none.
    pub tier: Option<String>,
    /// True for the tier of the account.
    pub this_account: bool,
    /// The time that the windows force, in seconds.
    pub seconds: u64,
    /// The same in words.
    pub time: String,
}

/// A reason of the files.
#[derive(Clone, Debug, Serialize)]
pub struct Why {
    /// What it is about.
    pub at: String,
    /// The reason.
    pub why: String,
}
