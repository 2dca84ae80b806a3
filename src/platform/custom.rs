//! Custom fields: what a platform makes of a label, and objects that have them.

use super::{CustomRules, Field, ListFormat, NumberForm, Object, Platform, Write, words};
use crate::{
    diag::{FileId, Span},
    ident::{FieldId, ObjectId},
    value::Type,
};

impl Field {
    /// A field with nothing but a name and a type: written always, any value, at the member of its name.
    pub fn new(name: impl Into<String>, data_type: Type) -> Field {
        let name = name.into();
        Field {
            label: words::in_words(&name),
            path: name.clone(),
            name,
            data_type,
            read_path: None,
            aliases: Vec::new(),
            custom: false,
            max: None,
            min: None,
            scale: None,
            item_max: None,
            values: None,
            values_observed: false,
            unique: false,
            required: false,
            write: Write::Always,
            set: None,
            default: None,
            reference: None,
            truth: None,
            list: None,
            format: Vec::new(),
            zone: None,
            number: NumberForm::Plain,
            contents: false,
            item: None,
            parent: false,
            blank_when_bad: false,
            include: None,
            says: Vec::new(),
            why: None,
            span: Span {
                file: FileId(0),
                start: 0,
                end: 0,
            },
        }
    }
}

impl CustomRules {
    /// The field that a label and a type make here, with the limits of its type; `None` when a custom field
    /// cannot have the type. Its name in specs is its API name.
    pub fn field(&self, label: &str, data_type: Type) -> Option<Field> {
        let rule = self.custom_type(data_type)?;
        let mut field = Field::new(self.api_name(label), data_type);
        field.label = label.trim().to_owned();
        field.custom = true;
        field.max = rule.max.or_else(|| {
            let digits = rule.digits?;
            Some(10u64.checked_pow(digits)? - 1)
        });
        field.min = rule
            .digits
            .and(field.max)
            .and_then(|m| i64::try_from(m).ok())
            .map(|m| -m);
        field.scale = rule.scale;
        field.list = rule.separator.as_ref().map(|separator| ListFormat {
            separator: separator.clone(),
            brackets: None,
            quoted: false,
        });
        Some(field)
    }
}

impl Object {
    /// The same object with further fields behind its own; a field whose name is there already is left out.
    #[must_use]
    pub fn with_custom(&self, fields: impl IntoIterator<Item = Field>) -> Object {
        let mut object = self.clone();
        for field in fields {
            if object.field(&field.name).is_none() {
                object.fields.push(Field {
                    custom: true,
                    ..field
                });
            }
        }
        object
    }

    /// The field at that column or member: by path, read path, then other headers.
    pub fn field_at(&self, path: &str) -> Option<(FieldId, &Field)> {
        let ix = self
            .fields
            .iter()
            .position(|f| f.path == path || f.read_path.as_deref() == Some(path))
            .or_else(|| {
                self.fields
                    .iter()
                    .position(|f| f.aliases.iter().any(|a| a == path))
            })?;
        Some((FieldId(u16::try_from(ix).ok()?), &self.fields[ix]))
    }
}

impl Platform {
    /// The same platform with custom fields on one object. An unknown object leaves it as it is.
    #[must_use]
    pub fn with_custom(
        mut self,
        object: ObjectId,
        fields: impl IntoIterator<Item = Field>,
    ) -> Platform {
        if let Some(slot) = self.objects.get_mut(object.ix()) {
            *slot = slot.with_custom(fields);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::CustomType;

    fn rules() -> CustomRules {
        CustomRules {
            prefix: "cf_".to_owned(),
            at: "custom_field".to_owned(),
            by_hand: true,
            describe: Vec::new(),
            total_max: None,
            types: vec![
                CustomType {
                    data_type: Type::Decimal,
                    vendor: "number".to_owned(),
                    max: None,
                    digits: Some(11),
                    scale: Some(4),
                    separator: None,
                    choices_max: None,
                    count_max: None,
                },
                CustomType {
                    data_type: Type::MultiEnum,
                    vendor: "multi".to_owned(),
                    max: None,
                    digits: None,
                    scale: None,
                    separator: Some(";".to_owned()),
                    choices_max: Some(300),
                    count_max: None,
                },
            ],
        }
    }

    #[test]
    fn a_custom_field_takes_the_limits_of_its_type() {
        let field = rules()
            .field(" Gift Value ", Type::Decimal)
            .expect("a type");
        assert_eq!(field.name, "cf_gift_value");
        assert_eq!(field.label, "Gift Value");
        assert_eq!(field.max, Some(99_999_999_999));
        assert_eq!(field.min, Some(-99_999_999_999));
        assert_eq!(field.scale, Some(4));
        assert!(field.custom);
        assert!(rules().field("x", Type::Ref).is_none());
        let many = rules().field("Groups", Type::MultiEnum).expect("a type");
        assert_eq!(many.list.map(|l| l.separator).as_deref(), Some(";"));
    }

    #[test]
    fn fields_are_added_once_and_found_by_path() {
        let object = Object::new("contact").with_custom([
            Field::new("cf_a", Type::Text),
            Field::new("cf_a", Type::Int),
        ]);
        assert_eq!(object.fields.len(), 1);
        assert!(object.fields[0].custom);
        assert_eq!(object.field_at("cf_a").map(|(id, _)| id), Some(FieldId(0)));
        assert!(object.field_at("cf_b").is_none());
    }
}
