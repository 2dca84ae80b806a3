//! From a mapping to a plan: which step comes when, which references wait for a second pass, how each step
//! loads, what the destination must have before, and what it will cost in calls.
//!
//! Pure: reads no file and no clock, and counts only what it is told. What a plan prints is made in `report`.

mod canon;
pub mod cardinality;
pub mod compile;
pub mod estimate;
pub mod fingerprint;
pub mod grade;
pub mod load;
pub mod loss;
pub mod manifest;
pub mod model;
mod order;
pub mod paced;
pub mod parts;
mod platform_print;
pub mod yardstick;
pub mod preflight;

pub use canon::Fingerprint;
pub use cardinality::{Cardinality, Computed};
pub use compile::compile;
pub use estimate::{Counts, Estimate, StepCalls, TierHours, estimate};
pub use fingerprint::Fingerprints;
pub use grade::{Grade, grade};
pub use load::Load;
pub use manifest::{ByHand, FieldNeed, Manifest, ObjectNeed};
pub use model::{Deferred, Edge, Plan, Reason};
pub use paced::{Paced, paced};
pub use parts::Parts;
pub use preflight::Preflight;
