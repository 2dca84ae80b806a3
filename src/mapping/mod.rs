//! A mapping as meant: every name resolved, every type known. The only input of plan, transform and run.
//!
//! `check` builds it; nobody else does. Positions ([`crate::ident`]) replace names everywhere.

pub mod expr;
pub mod migration;
pub mod model;
pub mod op;
pub mod overrides;
pub mod policy;
pub mod step;
pub mod text;
pub mod when;

pub use expr::{Input, OutcomePart, Pick};
pub use migration::{
    Attachments, DestinationConnection, FileHost, HttpConnection, Migration, SandboxConnection,
    SecretRef, SourceConnection,
};
pub use model::{
    Advice, Handoff, Mapping, Merge, OrderBy, OtherValue, PageRow, Param, Reason, SplitRow,
    SplitTo, TestCase, ValueMap,
};
pub use op::{Loss, Op};
pub use overrides::{Decision, Decisions, Given, Overrides, RecordOverride};
pub use policy::{
    Absent, BlankPolicy, Conflict, CountGate, Cover, Deleted, Found, Missing, OnBad, Policy,
};
pub use step::{
    Create, FieldMap, Guard, Join, JoinKind, Let, MatchKey, Of, OnJoin, RefSource, Step,
};
pub use when::{Compare, Operand, RefState, When};
