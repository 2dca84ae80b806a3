//! The projection of an object that a program reads: which fields, in which order, decoded how.

use crate::{
    ident::FieldId,
    platform::{Object, wire::Decoder},
    value::{CellKind, Value},
};
use bumpalo::Bump;

/// Fields of one object by position, each with its decoder.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// The fields, in column order.
    pub fields: Vec<FieldId>,
    decoders: Vec<Decoder>,
    /// Their names, for templates.
    pub names: Vec<String>,
}

impl Columns {
    /// Columns for these fields of an object. Fields the object does not have are left out.
    pub fn new(object: &Object, fields: &[FieldId], zone: Option<&str>) -> Columns {
        let mut columns = Columns {
            fields: Vec::with_capacity(fields.len()),
            decoders: Vec::with_capacity(fields.len()),
            names: Vec::with_capacity(fields.len()),
        };
        for id in fields {
            if let Some(field) = object.fields.get(id.ix()) {
                columns.fields.push(*id);
                columns.decoders.push(Decoder::new(field, zone));
                columns.names.push(field.name.clone());
            }
        }
        columns
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// The column of a field.
    pub fn position(&self, field: FieldId) -> Option<usize> {
        self.fields.iter().position(|f| *f == field)
    }

    /// A cell's value.
    pub fn decode<'a>(
        &self,
        column: usize,
        kind: CellKind,
        text: &'a str,
        arena: &'a Bump,
    ) -> Value<'a> {
        let mut value = Value::Absent;
        self.decode_into(column, kind, text, arena, &mut value);
        value
    }

    /// The same into its place.
    #[inline]
    pub fn decode_into<'a>(
        &self,
        column: usize,
        kind: CellKind,
        text: &'a str,
        arena: &'a Bump,
        out: &mut Value<'a>,
    ) {
        match self.decoders.get(column) {
            Some(decoder) => decoder.decode_into(kind, text, arena, out),
            None => *out = Value::Absent,
        }
    }
}
