//! References of many records, looked up ahead.
//!
//! What a reference names lies anywhere in memory, and a record waits for it. Asked for together, the waits of many
//! records overlap; when the records are worked on, the answers are near. Nothing here changes what they are.

use super::{columns::Columns, resolve::Resolve};
use crate::{
    ident::ObjectId,
    mapping::{Input, RefSource, Step},
    value::{Page, glance, whole_number},
};

/// Records whose references are looked up together: enough for their waits to overlap, and few enough for the answers to
/// be still near when the last of them is worked on.
pub(crate) const TOGETHER: usize = 128;

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

    /// Asks for what the rows of a page from `first` on refer to by whole numbers, the usual ids.
    pub fn look(&self, page: &Page, first: usize, resolve: &dyn Resolve) {
        let mut numbers = Vec::with_capacity(TOGETHER);
        let rows = first..page.rows().min(first + TOGETHER);
        for (column, object) in &self.looks {
            numbers.clear();
            let cells = rows
                .clone()
                .map(|row| glance::trim(page.cell(row, *column).1));
            numbers.extend(cells.filter_map(whole_number));
            resolve.ahead(*object, &numbers);
        }
    }
}
