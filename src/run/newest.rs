//! Watermarks: when the latest record of a page was changed at the source, where its records say so (a field that the
//! source sets when it changes a record: `set: updated` in the platform file).

use crate::{
    ident::{FieldId, ObjectId},
    platform::{Platform, wire::Decoder},
    value::{Page, Value},
};
use bumpalo::Bump;
use jiff::Timestamp;

/// Where a page says when its records were changed.
pub struct Mark {
    column: usize,
    decoder: Decoder,
}

/// The columns to read: those that are wanted, and the one that tells when a record was changed.
pub fn columns(
    platform: &Platform,
    object: ObjectId,
    wanted: &[FieldId],
) -> (Vec<FieldId>, Option<Mark>) {
    let mut all = wanted.to_vec();
    let fields = platform.objects.get(object.ix()).map(|o| &o.fields);
    let found = fields.into_iter().flatten().zip(0u16..);
    let Some((field, id)) = found
        .into_iter()
        .find(|(f, _)| f.set.as_deref() == Some("updated"))
    else {
        return (all, None);
    };
    let id = FieldId(id);
    let column = all.iter().position(|f| *f == id).unwrap_or_else(|| {
        all.push(id);
        all.len() - 1
    });
    let decoder = Decoder::new(field, None);
    (all, Some(Mark { column, decoder }))
}

impl Mark {
    /// When the latest record of a page was changed. A time that cannot be read says nothing.
    pub fn of(&self, page: &Page, arena: &Bump) -> Option<Timestamp> {
        (0..page.rows())
            .filter_map(|row| {
                let (kind, text) = page.cell(row, self.column);
                match self.decoder.decode(kind, text, arena) {
                    Value::DateTime(t) => Some(t),
                    _ => None,
                }
            })
            .max()
    }
}
