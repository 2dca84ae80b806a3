//! `transform:` lists: each op read with its arguments, and what it makes of a value.

use super::{
    kind::{Family, Kind, family},
    literal,
    scope::Ctx,
};
use crate::{
    diag::{Code, Diagnostic, Span},
    mapping::{Op, op::RoundMode},
    spec::Node,
    value::Type,
};

/// Reads a `transform:` list and follows a value through it. `None` when an op is broken; all are looked at.
pub fn lower(ctx: &mut Ctx<'_>, nodes: &[Node], start: Kind) -> Option<(Vec<(Op, Span)>, Kind)> {
    let mut ops = Vec::new();
    let mut kind = Some(start);
    for node in nodes {
        let Some(op) = read(ctx, node) else {
            kind = None;
            continue;
        };
        kind = kind.and_then(|k| {
            follow(ctx, &op, k.clone())
                .map_err(|takes| {
                    ctx.push(
                        Diagnostic::new(
                            Code::OpType,
                            node.span,
                            format!(
                                "`{}` takes {takes}, and here comes {}",
                                op.name(),
                                k.shown()
                            ),
                        )
                        .hint(hint_for(&op, &k)),
                    );
                })
                .ok()
        });
        ops.push((op, node.span));
    }
    Some((ops, kind?))
}

/// The op of one list item.
fn read(ctx: &mut Ctx<'_>, node: &Node) -> Option<Op> {
    let (name, arg) = match (node.text(), node.entries()) {
        (Some(name), _) => (name, None),
        (None, [entry]) => (
            entry.key.as_str(),
            Some(&entry.value).filter(|n| !n.is_null()),
        ),
        _ => return None,
    };
    let bare = match name {
        "trim" => Some(Op::Trim),
        "lower" => Some(Op::Lower),
        "upper" => Some(Op::Upper),
        "squeeze" => Some(Op::Squeeze),
        "url" => Some(Op::WebAddress),
        "email" => Some(Op::EmailAddress),
        "plain" => Some(Op::Plain),
        "unique" => Some(Op::Unique),
        "first" => Some(Op::First),
        "names" => Some(Op::Names),
        "number" => Some(Op::Number),
        "mask" => Some(Op::Mask),
        "hash" => Some(Op::Hash),
        "phone" if arg.is_none() => Some(Op::PhoneNumber(None)),
        _ => None,
    };
    if let Some(op) = bare {
        if let Some(arg) = arg {
            return bad(ctx, arg.span, name, "takes no argument");
        }
        return Some(op);
    }
    let Some(arg) = arg else {
        return bad(ctx, node.span, name, usage(name));
    };
    match with_argument(ctx, name, arg) {
        Ok(op) => op,
        Err((span, why)) => bad(ctx, span, name, &why),
    }
}

fn bad(ctx: &mut Ctx<'_>, span: Span, name: &str, why: &str) -> Option<Op> {
    ctx.push(
        Diagnostic::new(Code::OpArgument, span, format!("`{name}` {why}"))
            .hint(format!("`{name}` {}", usage(name))),
    );
    None
}

fn usage(name: &str) -> &'static str {
    match name {
        "map" => "is written `{map: VALUE_MAP}`",
        "cut" => "is written `{cut: 40}` or `{cut: {max: 2000, at: \"; \"}}`",
        "over" => "is written `{over: {max: 40, then: hold}}`, or `then: drop` for items of a list",
        "pages" => "is written `{pages: {max: 16000, mark: \"({n}/{of})\"}}`",
        "round" => {
            "is written `{round: half_up}`, `half_even` or `down`, or `{round: {mode: half_up, scale: 2}}`"
        }
        "day_in" => "is written `{day_in: America/Chicago}`",
        "at" => "is written `{at: {zone: America/Chicago, time: \"12:00\"}}`",
        "phone" => "is written `phone` or `{phone: PL}`",
        "parse_json" => "is written `{parse_json: {city: text, score: int}}`",
        "split" => "is written `{split: \",\"}`",
        "join" => "is written `{join: \"; \"}`",
        "prefix_if_taken" => "is written `{prefix_if_taken: \"old/\"}`",
        "regex" => "is written `{regex: \"([0-9]+)\"}`",
        "replace" => "is written `{replace: {pattern: \"x+\", with: \"y\"}}`",
        "date" => "is written `{date: \"%Y-%m-%d\"}`",
        "format" => {
            "is written `{format: \"%Y-%m-%d\"}` or `{format: {format: \"%H:%M\", zone: America/Chicago}}`"
        }
        "default" => "is written `{default: VALUE}`",
        "prefix" => "is written `{prefix: \"text\"}`",
        _ => "is written alone, without an argument",
    }
}

type Refused = (Span, String);

fn with_argument(ctx: &mut Ctx<'_>, name: &str, arg: &Node) -> Result<Option<Op>, Refused> {
    let no = |why: &str| (arg.span, why.to_owned());
    let text = || {
        arg.text()
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| no("needs a text"))
    };
    let count = |node: Option<&Node>| {
        node.and_then(Node::text)
            .and_then(|t| t.parse::<u64>().ok())
            .filter(|n| *n > 0)
            .ok_or_else(|| {
                (
                    node.map_or(arg.span, |n| n.span),
                    "needs a whole number above 0".to_owned(),
                )
            })
    };
    let member = |key: &str| {
        arg.get_text(key)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| no(&format!("needs `{key}:`")))
    };
    Ok(Some(match name {
        "map" => {
            let map = text()?;
            let Some(at) = ctx.value_maps.iter().position(|m| m.name == map) else {
                if !ctx.broken_maps.contains(&map) {
                    let known: Vec<String> =
                        ctx.value_maps.iter().map(|m| m.name.clone()).collect();
                    ctx.push(
                        Diagnostic::new(
                            Code::UnknownValueMap,
                            arg.span,
                            format!("there is no value map `{map}`"),
                        )
                        .did_you_mean(&map, known.iter().map(String::as_str)),
                    );
                }
                return Ok(None);
            };
            ctx.uses.value_maps.insert(at);
            Op::Map(at)
        }
        "cut" if arg.text().is_some() => Op::Cut {
            max: count(Some(arg))?,
            at: None,
        },
        "cut" => Op::Cut {
            max: count(arg.get("max"))?,
            at: arg.get_text("at").map(str::to_owned),
        },
        "over" => Op::Over {
            max: count(if arg.text().is_some() {
                Some(arg)
            } else {
                arg.get("max")
            })?,
            hold: match arg.get_text("then") {
                None | Some("hold") => true,
                Some("drop") => false,
                Some(_) => {
                    return Err((
                        arg.get("then").map_or(arg.span, |n| n.span),
                        "knows `then: hold` and `then: drop`".into(),
                    ));
                }
            },
        },
        "pages" => {
            let mark = member("mark")?;
            let max = count(arg.get("max"))?;
            // The longest mark must leave room for text.
            if u64::try_from(mark.chars().count()).unwrap_or(u64::MAX) + 16 >= max {
                return Err(no("has no room for text beside its mark"));
            }
            Op::Pages { max, mark }
        }
        "round" => {
            let word = arg.text().or_else(|| arg.get_text("mode"));
            let mode = match word {
                Some("half_up") => RoundMode::HalfUp,
                Some("half_even") => RoundMode::HalfEven,
                Some("down") => RoundMode::Down,
                _ => return Err(no("knows half_up, half_even and down")),
            };
            let scale = match arg.get("scale") {
                None => 0,
                Some(n) => n
                    .text()
                    .and_then(|t| t.parse().ok())
                    .filter(|s| *s <= 28)
                    .ok_or_else(|| (n.span, "needs a scale from 0 to 28".to_owned()))?,
            };
            Op::Round { mode, scale }
        }
        "day_in" => Op::DayIn(zone(arg)?),
        "at" => {
            let zone = zone(arg.get("zone").ok_or_else(|| no("needs `zone:`"))?)?;
            let time = member("time")?;
            if jiff::civil::Time::strptime("%H:%M", &time).is_err() {
                return Err((
                    arg.get("time").map_or(arg.span, |n| n.span),
                    "needs a time such as \"12:00\"".into(),
                ));
            }
            Op::At { zone, time }
        }
        "phone" => {
            let region = text()?;
            if region.len() != 2 || !region.chars().all(|c| c.is_ascii_uppercase()) {
                return Err(no("needs a region of two capital letters"));
            }
            Op::PhoneNumber(Some(region))
        }
        "parse_json" => {
            let mut shape = Vec::new();
            for entry in arg.entries() {
                let data_type = entry.value.text().and_then(Type::parse).ok_or_else(|| {
                    (
                        entry.value.span,
                        format!("does not know the type of `{}`", entry.key),
                    )
                })?;
                shape.push((entry.key.clone(), data_type));
            }
            if shape.is_empty() {
                return Err(no("needs the names and types of its members"));
            }
            Op::ParseJson(shape)
        }
        "split" => Op::Split(text()?),
        "join" => Op::JoinWith(
            arg.text()
                .map(str::to_owned)
                .ok_or_else(|| no("needs a text"))?,
        ),
        "prefix_if_taken" => Op::PrefixIfTaken(text()?),
        "prefix" => Op::Prefix(text()?),
        "regex" => Op::Regex(pattern(arg)?),
        "replace" => Op::Replace {
            pattern: pattern(arg.get("pattern").ok_or_else(|| no("needs `pattern:`"))?)?,
            with: arg
                .get_text("with")
                .map(str::to_owned)
                .ok_or_else(|| no("needs `with:`"))?,
        },
        "date" => Op::ParseDate(format(arg)?),
        "format" => Op::FormatDate {
            format: format(if arg.text().is_some() {
                arg
            } else {
                arg.get("format").ok_or_else(|| no("needs `format:`"))?
            })?,
            zone: arg.get("zone").map(zone).transpose()?,
        },
        "default" => Op::Default(literal::scalar(arg).ok_or_else(|| no("needs a value"))?),
        _ => return Ok(None),
    }))
}

fn zone(node: &Node) -> Result<String, Refused> {
    let name = node.text().unwrap_or("");
    match crate::platform::zone::find(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err((node.span, format!("does not know the zone `{name}`"))),
    }
}

fn pattern(node: &Node) -> Result<String, Refused> {
    let text = node.text().unwrap_or("");
    match regex::Regex::new(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        Ok(_) => Err((node.span, "needs a pattern".to_owned())),
        Err(e) => {
            let last = e
                .to_string()
                .lines()
                .last()
                .unwrap_or("")
                .trim_start_matches("error: ")
                .to_owned();
            Err((node.span, format!("cannot read the pattern: {last}")))
        }
    }
}

fn format(node: &Node) -> Result<String, Refused> {
    let text = node.text().unwrap_or("");
    match crate::platform::zone::check_format(text) {
        Ok(()) if text.contains('%') => Ok(text.to_owned()),
        Ok(()) => Err((
            node.span,
            format!("has a format without a directive: `{text}`"),
        )),
        Err(why) => Err((node.span, format!("cannot use the format `{text}`: {why}"))),
    }
}

/// What an op makes of a value, or what it takes instead.
fn follow(ctx: &Ctx<'_>, op: &Op, from: Kind) -> Result<Kind, &'static str> {
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

fn hint_for(op: &Op, from: &Kind) -> String {
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
