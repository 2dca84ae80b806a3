//! How a platform is reached and how it answers: connection, limits, quirks, custom-field rules.

use super::{
    field::zone_name,
    read::{Scope, is_word, json, pairs, text, texts},
};
use crate::{
    diag::{Code, Diagnostic},
    platform::{Body, CallLimit, Connect, CustomRules, CustomType, Files, Http, Limits, Quirk},
    spec::Node,
    value::Type,
};

/// The connection; `None` when the file declares neither kind (the shape check has said so).
pub(super) fn connect(root: &Node, scope: &mut Scope<'_>) -> Option<Connect> {
    let node = root.get("connect")?;
    if let Some(files) = node.get("files") {
        return Some(Connect::Files(self::files(files, scope)));
    }
    let http = node.get("http")?;
    Some(Connect::Http(Box::new(self::http(http, root, scope))))
}

fn files(node: &Node, scope: &mut Scope<'_>) -> Files {
    Files {
        encoding: text(node, "encoding").unwrap_or_else(|| "auto".to_owned()),
        delimiter: delimiter(node, scope),
        zone: zone_name(node.get("zone"), scope),
    }
}

/// A cell separator: one ASCII character, `tab`, or `auto` (`None`).
pub(super) fn delimiter(node: &Node, scope: &mut Scope<'_>) -> Option<u8> {
    let node = node.get("delimiter")?;
    match node.text()? {
        "auto" => None,
        "tab" => Some(b'\t'),
        t if t.len() == 1 && t.is_ascii() => t.bytes().next(),
        t => {
            scope.fault(
                Code::BadLiteral,
                node.span,
                format!("`{t}` is no cell separator: write one character, `tab` or `auto`"),
            );
            None
        }
    }
}

fn http(node: &Node, root: &Node, scope: &mut Scope<'_>) -> Http {
    let params: Vec<(String, Type)> = node
        .get_entries("params")
        .iter()
        .map(|e| {
            let data_type = e.value.get_text("type").and_then(Type::parse);
            (e.key.clone(), data_type.unwrap_or(Type::Text))
        })
        .collect();
    if let Some(base) = node.get("base") {
        for place in base.text().map(super::ops::places).unwrap_or_default() {
            if !params.iter().any(|(name, _)| name == place) {
                scope.diags.push(
                    Diagnostic::new(
                        Code::PlatformConnect,
                        base.span,
                        format!("`{{{place}}}` in the base address is not among `params`"),
                    )
                    .did_you_mean(place, params.iter().map(|(n, _)| n.as_str())),
                );
            }
        }
    }
    let auth = node.get("auth");
    for entry in node.get_entries("form") {
        for place in entry
            .value
            .text()
            .map(super::ops::places)
            .unwrap_or_default()
        {
            if !params.iter().any(|(name, _)| name == place) {
                scope.diags.push(
                    Diagnostic::new(
                        Code::PlatformConnect,
                        entry.value.span,
                        format!("`{{{place}}}` in the form is not among `params`"),
                    )
                    .did_you_mean(place, params.iter().map(|(n, _)| n.as_str())),
                );
            }
        }
    }
    if let Some(value) = auth.and_then(|a| a.get("value"))
        && value.text().map(|t| t.matches("{secret}").count()) != Some(1)
    {
        scope.fault(
            Code::PlatformConnect,
            value.span,
            "the value of the key's header needs `{secret}` exactly once",
        );
    }
    let answers = root.get("answers");
    Http {
        base: text(node, "base").unwrap_or_default(),
        mount: text(node, "mount").unwrap_or_default(),
        params,
        auth_header: auth
            .and_then(|a| a.get_text("header"))
            .unwrap_or("authorization")
            .to_ascii_lowercase(),
        auth_value: auth
            .and_then(|a| a.get_text("value"))
            .unwrap_or("{secret}")
            .to_owned(),
        auth_form: auth.and_then(|a| text(a, "form")),
        form: pairs(node, "form"),
        headers: pairs(node, "headers"),
        probe: text(node, "probe"),
        asks: pairs(node, "asks"),
        zone: zone_name(node.get("zone"), scope),
        messages: answers.and_then(|a| text(a, "messages")),
        error: answers.and_then(|a| text(a, "error")),
        denied: answers.map(|a| texts(a, "denied")).unwrap_or_default(),
        bodies: answers.map(|a| bodies(a, scope)).unwrap_or_default(),
        says: answers.map(|a| pairs(a, "says")).unwrap_or_default(),
    }
}

fn bodies(answers: &Node, scope: &mut Scope<'_>) -> Vec<(String, Body)> {
    let mut bodies = Vec::new();
    for e in answers.get_entries("bodies") {
        let Some(status) = status(e.value.get("status"), scope) else {
            continue;
        };
        let json = e.value.get("body").map_or(serde_json::Value::Null, json);
        bodies.push((e.key.clone(), Body { status, json }));
    }
    bodies
}

/// An HTTP status.
pub(super) fn status(node: Option<&Node>, scope: &mut Scope<'_>) -> Option<u16> {
    let status: u16 = scope.small(node)?;
    (100..600).contains(&status).then_some(status)
}

/// Rate limits and retries.
pub(super) fn limits(root: &Node, scope: &mut Scope<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(node) = root.get("limits") else {
        return limits;
    };
    for call in node.get_items("calls") {
        let (max, per) = (
            scope.tiered(call.get("max")),
            scope.duration(call.get("per")),
        );
        let (Some(max), Some(per)) = (max, per) else {
            continue;
        };
        if per.is_zero() {
            scope.fault(Code::BadLiteral, call.span, "a window of no length");
            continue;
        }
        limits.calls.push(CallLimit { max, per });
    }
    if let Some(told) = node.get("told_by") {
        let header = |key: &str| told.get_text(key).map(str::to_ascii_lowercase);
        limits.limit_header = header("limit");
        limits.left_header = header("left");
        limits.reset_header = header("reset");
        limits.reset_format = text(told, "reset_format");
        if let Some(format) = told.get("reset_format")
            && let Err(why) = crate::platform::zone::check_format(format.text().unwrap_or(""))
        {
            scope.fault(
                Code::PlatformTime,
                format.span,
                format!("this time format cannot be read: {why}"),
            );
        }
    }
    if let Some(retry) = node.get("retry") {
        if retry.get("status").is_some() {
            limits.retry_status = retry
                .get_items("status")
                .iter()
                .filter_map(|n| status(Some(n), scope))
                .collect();
        }
        limits.tries = scope
            .small(retry.get("tries"))
            .unwrap_or(limits.tries)
            .max(1);
        limits.wait = scope.duration(retry.get("wait")).unwrap_or(limits.wait);
        limits.wait_max = scope
            .duration(retry.get("wait_max"))
            .unwrap_or(limits.wait_max);
        if limits.wait > limits.wait_max {
            scope.fault(
                Code::PlatformRange,
                retry.span,
                "the first wait is longer than the longest",
            );
        }
    }
    limits.in_flight = scope
        .small(node.get("in_flight"))
        .unwrap_or(limits.in_flight)
        .max(1);
    limits
}

/// The quirks with the values to start with.
pub(super) fn quirks(root: &Node, scope: &mut Scope<'_>) -> Vec<Quirk> {
    root.get_entries("quirks")
        .iter()
        .map(|e| {
            let options = texts(&e.value, "of");
            let default = text(&e.value, "use").unwrap_or_default();
            if let Some(node) = e.value.get("use")
                && !options.contains(&default)
            {
                scope.diags.push(
                    Diagnostic::new(
                        Code::PlatformQuirk,
                        node.span,
                        format!("`{default}` is not among the options of `{}`", e.key),
                    )
                    .did_you_mean(&default, options.iter().map(String::as_str)),
                );
            }
            Quirk {
                name: e.key.clone(),
                default,
                options,
                why: text(&e.value, "why").unwrap_or_default(),
            }
        })
        .collect()
}

/// Types that can never be those of a custom field.
const NEVER_CUSTOM: &[Type] = &[Type::Id, Type::Ref, Type::File];

/// How custom fields work.
pub(super) fn custom(root: &Node, scope: &mut Scope<'_>) -> Option<CustomRules> {
    let node = root.get("custom_fields")?;
    let mut types = Vec::new();
    for e in node.get_entries("types") {
        let Some(data_type) = Type::parse(&e.key) else {
            continue;
        };
        if NEVER_CUSTOM.contains(&data_type) {
            scope.fault(
                Code::PlatformCustom,
                e.key_span,
                format!("a custom field cannot have the type {}", e.key),
            );
            continue;
        }
        let at = &e.value;
        types.push(CustomType {
            data_type,
            vendor: text(at, "vendor").unwrap_or_else(|| e.key.clone()),
            max: scope.count(at.get("max")),
            digits: scope.small(at.get("digits")),
            scale: scope.small(at.get("scale")),
            separator: text(at, "separator"),
            choices_max: scope.count(at.get("choices_max")),
            count_max: scope.tiered(at.get("count_max")),
        });
    }
    Some(CustomRules {
        prefix: text(node, "prefix").unwrap_or_default(),
        at: text(node, "at").unwrap_or_default(),
        by_hand: is_word(node, "create", "by_hand"),
        describe: pairs(node, "describe"),
        total_max: scope.tiered(node.get("total_max")),
        types,
    })
}
