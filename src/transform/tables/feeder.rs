//! Tables of several objects, fed side by side.

use super::{ObjectBuilder, Tables, TablesBuilder};
use crate::{
    ident::{FieldId, ObjectId},
    transform::overflow::Room,
    value::Page,
};
use bumpalo::Bump;

/// Takes the pages of one object.
pub struct Feeder<'b> {
    builder: &'b mut ObjectBuilder,
    empty: &'b Tables,
    arena: Bump,
    room: Option<&'b Room>,
}

impl Feeder<'_> {
    /// The object.
    pub fn object(&self) -> ObjectId {
        self.builder.need.object
    }

    /// The columns its pages must have, in this order.
    pub fn columns(&self) -> &[FieldId] {
        &self.builder.need.columns
    }

    /// Takes the next page, as [`TablesBuilder::feed`] does.
    pub fn feed(&mut self, page: &Page) {
        self.builder.feed(page, &self.arena, self.empty);
        self.builder.keep_within(self.room);
        self.arena.reset();
    }
}

impl TablesBuilder {
    /// A feeder for each object, to be fed side by side.
    pub fn feeders(&mut self) -> Vec<Feeder<'_>> {
        let (empty, room) = (&self.empty, self.room.as_ref());
        let feeder = |builder| Feeder {
            builder,
            empty,
            arena: Bump::new(),
            room,
        };
        self.objects.iter_mut().map(feeder).collect()
    }
}
