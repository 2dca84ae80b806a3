//! The HTTP connector: speaks to any API that a platform file declares.
//!
//! [`Rest`] knows a platform and one account of it. It sends, reads the answer once and for all, tries again
//! what is safe to try again, and stays within the account's budget. It knows no mapping and no ledger, and
//! never repeats a call that may have created something.

mod address;
mod admin;
mod breaker;
mod content;
mod counts;
mod exchange;
mod fields;
mod job;
mod list;
mod member;
mod members;
mod options;
mod payload;
mod read;
mod send;
mod setup;
mod total;
mod verdict;
mod write;

pub use content::Content;
pub use counts::CallCounts;
pub use fields::RemoteField;
pub use job::JobState;
pub use list::{ListCursor, ListPage};
pub use options::{ConnectError, RestOptions};
pub use payload::FilePart;
pub use setup::Rest;
pub use write::BulkRow;
