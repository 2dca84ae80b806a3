//! A platform as meant: objects, fields, wire formats, endpoints or files, limits, quirks.
//!
//! One [`Platform`] describes either side of a migration and the simulated server alike. It knows no
//! mapping, no other platform and does no I/O; `check::platform` builds it from a platform file.

pub mod custom;
pub mod field;
pub mod http;
pub mod limits;
pub mod lock;
pub mod model;
pub mod object;
pub mod wire;
pub mod words;
pub mod zone;

pub use field::{Field, ItemForm, ListFormat, NumberForm, RefForm, Truth, Write};
pub use http::{Body, Http, Op, OpKind, Paging, PagingStyle, Since};
pub use limits::{CallLimit, Limits, Quirk, Tiered};
pub use model::{Connect, CustomRules, CustomType, Files, Gotcha, Platform, Quiesce, Variant};
pub use object::{Creation, Key, Membership, Object, Rows};
