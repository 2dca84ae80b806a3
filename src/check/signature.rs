//! Signatures of ops: what each takes and what it makes of a value.

use super::{
    kind::{Family, Kind, family},
    ops::usage,
    scope::Ctx,
};
use crate::{mapping::Op, value::Type};

/// What an op makes of a value, or what it takes instead.
pub fn follow(ctx: &Ctx<'_>, op: &Op, from: Kind) -> Result<Kind, &'static str> {
    let text = family(from.data_type) == Family::Text && from.link.is_none();
    let texts = text || from.data_type.is_list();
    let to = |data_type: Type| Kind {
        optional: from.optional,
        ..Kind::plain(data_type, false)
    };
    Ok(match op {
        Op::Trim | Op::Lower | Op::Upper | Op::Squeeze if texts => Kind {
            // Choices compare without case, so trimming and case keep them.
            ..from
        },
        Op::Trim | Op::Lower | Op::Upper | Op::Squeeze => return Err("text"),
        Op::Map(at) if (text || from.data_type.is_list()) && !from.many => {
            let out = &ctx.map_facts[*at].out;
            Kind {
                optional: from.optional,
                data_type: if from.data_type.is_list() {
                    from.data_type
                } else {
                    out.data_type
                },
                ..out.clone()
            }
        }
        // Whole numbers and booleans have one spelling, which a row can name.
        Op::Map(at) if matches!(from.data_type, Type::Int | Type::Bool) && !from.many => Kind {
            optional: from.optional,
            ..ctx.map_facts[*at].out.clone()
        },
        Op::Map(_) => return Err("text, a choice, a whole number or bool"),
        Op::Cut { max, .. } if text => Kind {
            max: Some(from.max.map_or(*max, |m| m.min(*max))),
            values: None,
            ..from
        },
        Op::Cut { .. } => return Err("text"),
        Op::Over { max, .. } if from.is_list() => Kind {
            item_max: Some(from.item_max.map_or(*max, |m| m.min(*max))),
            ..from
        },
        Op::Over { max, .. } if text => Kind {
            max: Some(from.max.map_or(*max, |m| m.min(*max))),
            ..from
        },
        Op::Over { .. } => return Err("text or a list of texts"),
        Op::Pages { max, .. } if text && !from.is_list() => Kind {
            max: Some(*max),
            values: None,
            ..from
        },
        Op::Pages { .. } => return Err("text"),
        Op::Round { scale, .. }
            if matches!(from.data_type, Type::Decimal | Type::Int) && !from.many =>
        {
            Kind {
                scale: Some(*scale),
                max: from.max,
                min: from.min,
                ..to(if *scale == 0 {
                    Type::Int
                } else {
                    Type::Decimal
                })
            }
        }
        Op::Round { .. } => return Err("decimal"),
        Op::DayIn(_) if from.data_type == Type::DateTime && !from.many => to(Type::Date),
        Op::DayIn(_) => return Err("datetime"),
        Op::At { .. } if from.data_type == Type::Date && !from.many => to(Type::DateTime),
        Op::At { .. } => return Err("date"),
        Op::PhoneNumber(_) if text && !from.is_list() => Kind {
            max: from.max,
            ..to(Type::Phone)
        },
        Op::WebAddress if text && !from.is_list() => Kind {
            max: from.max.map(|m| m + 8),
            ..to(Type::Url)
        },
        Op::EmailAddress if text && !from.is_list() => Kind {
            max: from.max,
            ..to(Type::Email)
        },
        Op::PhoneNumber(_) | Op::WebAddress | Op::EmailAddress => return Err("text"),
        Op::ParseJson(_) if matches!(from.data_type, Type::JsonText | Type::Text) && !from.many => {
            to(Type::JsonText)
        }
        Op::ParseJson(_) => return Err("json_text"),
        Op::Plain if matches!(from.data_type, Type::Html | Type::Text) && !from.many => Kind {
            max: from.max,
            ..to(Type::Text)
        },
        Op::Plain => return Err("html"),
        Op::Split(_) if text && !from.is_list() => Kind {
            item_max: from.max,
            ..to(Type::List)
        },
        Op::Split(_) => return Err("text"),
        Op::JoinWith(_) if from.is_list() => to(Type::Text),
        Op::JoinWith(_) => return Err("a list"),
        Op::Unique if from.is_list() => from,
        Op::Unique => return Err("a list"),
        Op::First if from.many => Kind {
            many: false,
            ..from
        },
        Op::First if from.data_type.is_list() => Kind {
            max: from.item_max,
            values: from.values.clone(),
            ..to(Type::Text)
        },
        Op::First => return Err("a list"),
        Op::Names if from.link.is_some() && from.many => to(Type::List),
        Op::Names if from.link.is_some() => to(Type::Text),
        Op::Names => return Err("references"),
        Op::PrefixIfTaken(prefix) if from.data_type.is_list() => Kind {
            item_max: from.item_max.map(|m| m + prefix.chars().count() as u64),
            ..from
        },
        Op::PrefixIfTaken(_) => return Err("tags"),
        Op::Regex(_) if text && !from.is_list() => Kind {
            max: from.max,
            ..to(Type::Text)
        },
        Op::Replace { .. } if text && !from.is_list() => to(Type::Text),
        Op::Regex(_) | Op::Replace { .. } => return Err("text"),
        Op::Number if text && !from.is_list() => to(Type::Decimal),
        Op::Number => return Err("text"),
        Op::ParseDate(_) if text && !from.is_list() => to(Type::Date),
        Op::ParseDate(_) => return Err("text"),
        Op::FormatDate { .. }
            if matches!(from.data_type, Type::Date | Type::DateTime) && !from.many =>
        {
            Kind {
                max: Some(64),
                ..to(Type::Text)
            }
        }
        Op::FormatDate { .. } => return Err("date or datetime"),
        Op::Default(value) => {
            let kind = Kind::literal(value);
            let same = family(kind.data_type) == family(from.data_type)
                // A bare number is a fine text, and a whole number a fine decimal.
                || family(from.data_type) == Family::Text && family(kind.data_type) == Family::Number
                || from.is_list() && text_like(&kind);
            if !same {
                return Err("a value of the type it stands in for");
            }
            Kind {
                optional: false,
                max: from.max.zip(kind.max).map(|(a, b)| a.max(b)).or(from.max),
                values: from.values.clone().zip(kind.values).map(|(mut a, b)| {
                    a.extend(b);
                    a
                }),
                ..from
            }
        }
        Op::Prefix(prefix) if text && !from.is_list() => Kind {
            max: from.max.map(|m| m + prefix.chars().count() as u64),
            ..to(Type::Text)
        },
        Op::Prefix(_) => return Err("text"),
        Op::Mask | Op::Hash if !from.is_list() => Kind {
            max: Some(from.max.unwrap_or(64).max(64)),
            ..to(Type::Text)
        },
        Op::Mask | Op::Hash => return Err("a single value"),
    })
}

fn text_like(kind: &Kind) -> bool {
    family(kind.data_type) == Family::Text
}

/// How to mend an op that gets the wrong value.
pub fn hint_for(op: &Op, from: &Kind) -> String {
    match (op, from.data_type) {
        (Op::DayIn(_), Type::Date) => "a day has no time to leave out: remove the op".to_owned(),
        (Op::At { .. }, Type::DateTime) => "an instant has its time: remove the op".to_owned(),
        (Op::Round { .. }, _) if from.data_type.is_text() => "put `number` before it".to_owned(),
        (_, Type::Html) => "put `plain` before it".to_owned(),
        _ if from.link.is_some() => {
            "put `names` before it to work with the names of the records".to_owned()
        }
        _ if from.is_list() => "put `first` or `join` before it".to_owned(),
        _ => format!("`{}` {}", op.name(), usage(op.name())),
    }
}

/// Follows a value through ops that the engine chose; they always fit.
pub fn through(ctx: &Ctx<'_>, ops: &[Op], start: Kind) -> Option<Kind> {
    ops.iter()
        .try_fold(start, |kind, op| follow(ctx, op, kind).ok())
}
