//! What the YAML says, with spans, and no meaning yet.
//!
//! [`tree`] is the parsed file; [`shape`] says what each kind of file may hold, checks a tree against
//! it and publishes the same as JSON Schema. Only `check` may use this module: after it nobody sees a
//! spec.

pub mod load;
pub mod project;
pub mod shape;
pub mod shapes;
pub mod tree;
pub mod yaml;

pub use load::{SpecFile, SpecKind, load_file};
pub use project::Project;
pub use tree::{Entry, Node, NodeKind, Tree};
