//! References of a whole page, looked up ahead.
//!
//! What a reference names lies anywhere in memory, and a record waits for it. Asked for together, the waits of many
//! records overlap; when the records are worked on, the answers are near. Nothing here changes what they are.

use super::{columns::Columns, resolve::Resolve};
use crate::{
    ident::ObjectId,
    mapping::{Input, RefSource, Step},
    value::{Page, whole_number},
};

/// The references that the steps of a pass make by plain columns.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// Columns, and the source objects they name.
    looks: Vec<(usize, ObjectId)>,
}

impl Ahead {
    /// What these steps will ask.
    pub fn new<'m>(steps: impl Iterator<Item = &'m Step>, columns: &Columns) -> Ahead {
        let mut looks = Vec::new();
        for entry in steps.flat_map(|s| &s.fields) {
            if let (Input::Field(field), Some(RefSource::SourceKey(objects))) =
                (&entry.input, &entry.reference)
                && let Some(column) = columns.position(*field)
            {
                looks.extend(objects.iter().map(|object| (column, *object)));
            }
        }
        looks.sort_unstable();
        looks.dedup();
        Ahead { looks }
    }

    /// Asks for what a page refers to by whole numbers, the usual ids.
    pub fn look(&self, page: &Page, resolve: &dyn Resolve) {
        let mut numbers = Vec::new();
        for (column, object) in &self.looks {
            numbers.clear();
            let cells = (0..page.rows()).map(|row| page.cell(row, *column).1.trim());
            numbers.extend(cells.filter_map(whole_number));
            resolve.ahead(*object, &numbers);
        }
    }
}
