//! `transform:` lists: each op read with its arguments. What an op makes of a value is its signature's.

use super::{
    kind::Kind,
    literal,
    scope::Ctx,
    signature::{follow, hint_for},
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

/// How an op is written.
pub fn usage(name: &str) -> &'static str {
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
        "date" => Op::ParseDate(reading_format(arg)?),
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
    usable(node, crate::platform::zone::check_format)
}

fn reading_format(node: &Node) -> Result<String, Refused> {
    usable(node, crate::platform::zone::check_reading_format)
}

fn usable(node: &Node, check: fn(&str) -> Result<(), String>) -> Result<String, Refused> {
    let text = node.text().unwrap_or("");
    match check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => Err((node.span, format!("cannot use the format `{text}`: {why}"))),
    }
}
