//! What the YAML says, with spans, and no meaning yet.
//!
//! [`project::Project::load`] reads a set of files with all that they name; [`load`] reads one, [`yaml`]
//! parses it to a [`tree`], and [`shape`] holds the tree against the tables in [`shapes`], which are also
//! published as JSON Schema. When that leaves no error, the accessors of [`Node`] may be trusted. Only `check`
//! and the command line may use this module: after `check` nobody sees a spec.

pub mod load;
pub mod project;
pub mod shape;
pub mod shapes;
pub mod tree;
pub mod yaml;

pub use load::{SpecFile, SpecKind, load_file};
pub use project::Project;
pub use tree::{Entry, Node, NodeKind, Tree};
