//! What is known of a value without data: its type, bounds, choices, and whether it may be blank.
//!
//! The checks follow a value from the source field through its ops to the destination field with this; it is
//! to a `Value` what a declaration is to a record.

use crate::{
    ident::ObjectId,
    platform::Field,
    value::{Scalar, Type},
};

/// What is known of a value.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its type; of the items when `many`.
    pub data_type: Type,
    /// True for the values of several joined records.
    pub many: bool,
    /// Longest text in characters, or largest number.
    pub max: Option<u64>,
    /// Smallest number.
    pub min: Option<i64>,
    /// Digits after the decimal point.
    pub scale: Option<u32>,
    /// Longest item of a list, in characters.
    pub item_max: Option<u64>,
    /// The choices, where they are closed and known.
    pub values: Option<Vec<String>>,
    /// It may be absent or blank.
    pub optional: bool,
    /// It is the key of a record of one of these source objects.
    pub link: Option<Vec<ObjectId>>,
}

impl Kind {
    /// A value of that type of which nothing else is known.
    pub fn plain(data_type: Type, optional: bool) -> Kind {
        Kind {
            data_type,
            many: false,
            max: None,
            min: None,
            scale: None,
            item_max: None,
            values: None,
            optional,
            link: None,
        }
    }

    /// What a declaration says of a field's values.
    pub fn of_field(field: &Field) -> Kind {
        Kind {
            max: field.max,
            min: field.min,
            scale: field.scale,
            item_max: field.item_max,
            values: field.values.clone(),
            link: field.reference.as_ref().map(|r| r.to.clone()),
            ..Kind::plain(field.data_type, !field.required)
        }
    }

    /// The key of a record of that source object.
    pub fn record(object: ObjectId, optional: bool) -> Kind {
        Kind {
            link: Some(vec![object]),
            ..Kind::plain(Type::Ref, optional)
        }
    }

    /// What a literal is.
    pub fn literal(literal: &Scalar) -> Kind {
        let mut kind = Kind::plain(
            super::literal::type_of(literal).unwrap_or(Type::Text),
            matches!(literal, Scalar::Blank),
        );
        match literal {
            Scalar::Text(t) => {
                kind.values = Some(vec![t.clone()]);
                kind.max = u64::try_from(t.chars().count()).ok();
            }
            Scalar::Int(i) => {
                kind.max = u64::try_from(*i).ok();
                kind.min = Some(*i);
            }
            Scalar::Decimal(d) => kind.scale = Some(d.scale()),
            _ => {}
        }
        kind
    }

    /// What is known when a value is one of several: the first that is present.
    pub fn first_of(kinds: &[Kind]) -> Kind {
        let Some((first, rest)) = kinds.split_first() else {
            return Kind::plain(Type::Text, true);
        };
        rest.iter().fold(first.clone(), |a, b| {
            let data_type = match (a.data_type, b.data_type) {
                (x, y) if x == y => x,
                (Type::Int, Type::Decimal) | (Type::Decimal, Type::Int) => Type::Decimal,
                (x, _) if x.is_list() => x,
                _ => Type::Text,
            };
            Kind {
                data_type,
                many: a.many || b.many,
                max: a.max.zip(b.max).map(|(x, y)| x.max(y)),
                min: a.min.zip(b.min).map(|(x, y)| x.min(y)),
                scale: a.scale.zip(b.scale).map(|(x, y)| x.max(y)),
                item_max: a.item_max.zip(b.item_max).map(|(x, y)| x.max(y)),
                values: a.values.zip(b.values.as_ref()).map(|(mut x, y)| {
                    x.extend(y.iter().cloned());
                    x
                }),
                optional: a.optional && b.optional,
                link: match (a.link, &b.link) {
                    (Some(mut x), Some(y)) => {
                        x.extend(
                            y.iter()
                                .filter(|o| !x.contains(o))
                                .copied()
                                .collect::<Vec<_>>(),
                        );
                        Some(x)
                    }
                    _ => None,
                },
            }
        })
    }

    /// True when the value is a list.
    pub fn is_list(&self) -> bool {
        self.many || self.data_type.is_list()
    }

    /// The type in words.
    pub fn shown(&self) -> String {
        if self.many {
            format!("list of {}", self.data_type.name())
        } else {
            self.data_type.name().to_owned()
        }
    }
}

/// Families of types whose values compare with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Texts of all kinds, e-mails, keys.
    Text,
    /// Whole and decimal numbers.
    Number,
    /// Sizes.
    Bytes,
    /// True and false.
    Bool,
    /// Days.
    Date,
    /// Instants.
    DateTime,
    /// Lists.
    List,
}

/// The family of a type.
pub fn family(data_type: Type) -> Family {
    match data_type {
        Type::Int | Type::Decimal => Family::Number,
        Type::Bytes => Family::Bytes,
        Type::Bool => Family::Bool,
        Type::Date => Family::Date,
        Type::DateTime => Family::DateTime,
        Type::MultiEnum | Type::Tags | Type::List => Family::List,
        Type::Id
        | Type::Text
        | Type::Html
        | Type::Email
        | Type::Phone
        | Type::Url
        | Type::Enum
        | Type::Ref
        | Type::File
        | Type::JsonText => Family::Text,
    }
}

/// Why a value of one type cannot stand in a field of another, and the op that mends it.
pub struct Misfit {
    /// An op to add, as written in YAML.
    pub mend: Option<&'static str>,
}

/// Whether a value can stand in a destination field of a type without an op.
pub fn fits(from: &Kind, to: Type) -> Result<(), Misfit> {
    let misfit = |mend| Err(Misfit { mend });
    if from.is_list() {
        return match to {
            Type::MultiEnum | Type::Tags | Type::List => Ok(()),
            Type::Text | Type::Html if from.link.is_some() => misfit(Some("names, {join: \"; \"}")),
            Type::Text | Type::Html => misfit(Some("{join: \"; \"}")),
            _ => misfit(Some("first")),
        };
    }
    let text = from.data_type.is_text();
    match to {
        _ if from.data_type == to => Ok(()),
        Type::Text | Type::Html => match from.data_type {
            Type::Html => misfit(Some("plain")),
            Type::Int | Type::Decimal | Type::Ref | Type::Phone => Ok(()),
            Type::Date | Type::DateTime => misfit(Some("{format: \"%Y-%m-%d\"}")),
            _ if text => Ok(()),
            _ => misfit(None),
        },
        Type::Email if text => misfit(Some("email")),
        Type::Phone if text => misfit(Some("phone")),
        Type::Url if text => misfit(Some("url")),
        Type::Decimal => match from.data_type {
            Type::Int => Ok(()),
            _ if text => misfit(Some("number")),
            _ => misfit(None),
        },
        Type::Int => match from.data_type {
            Type::Decimal => misfit(Some("{round: half_up}")),
            Type::Bytes => Ok(()),
            _ if text => misfit(Some("number, {round: half_up}")),
            _ => misfit(None),
        },
        Type::Bytes if from.data_type == Type::Int => Ok(()),
        Type::Bool if text => misfit(Some("{map: NAME}")),
        Type::Date if from.data_type == Type::DateTime => misfit(Some("{day_in: ZONE}")),
        Type::DateTime if from.data_type == Type::Date => {
            misfit(Some("{at: {zone: ZONE, time: \"12:00\"}}"))
        }
        Type::Date if text => misfit(Some("{date: \"%Y-%m-%d\"}")),
        Type::Enum | Type::Id if text => Ok(()),
        Type::JsonText | Type::File if matches!(from.data_type, Type::Text | Type::Url) => Ok(()),
        Type::MultiEnum | Type::Tags | Type::List if text => misfit(Some("{split: \",\"}")),
        _ => misfit(None),
    }
}
