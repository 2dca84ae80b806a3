//! Small index types that name things inside one loaded migration.
//!
//! An id is a position in a table (`Platform::objects`, `Object::fields`, `Mapping::steps`), so that
//! the hot path indexes and never looks a name up. Names stay strings beside the tables.

use std::fmt;

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// The position as a `usize`, for indexing.
            pub fn ix(self) -> usize {
                usize::from(self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

index_type!(
    /// An object of one platform: a position in `Platform::objects`.
    ObjectId
);
index_type!(
    /// A field of one object: a position in `Object::fields`.
    FieldId
);
index_type!(
    /// One object mapping, a node of the plan: a position in `Mapping::steps`.
    StepId
);
index_type!(
    /// A join of one step: a position in `Step::joins`.
    JoinId
);
