//! Small readers of literals in a platform file: words, counts, spans of time, numbers by tier.
//!
//! Wrong kinds, missing keys and literals that cannot be read were reported by the shape check: here they are
//! just not there.

use crate::{
    diag::{Code, Diagnostic, Diagnostics, Span},
    ident::{FieldId, ObjectId},
    platform::{Field, Tiered},
    spec::{Entry, Node},
};
use std::time::Duration;

/// What every part of the lowering needs: the names of the platform and the place for findings.
pub(super) struct Scope<'a> {
    /// Object names by [`ObjectId`].
    pub objects: &'a [String],
    /// Declared tiers.
    pub tiers: &'a [String],
    /// Where findings go.
    pub diags: &'a mut Diagnostics,
}

impl Scope<'_> {
    /// Adds a finding.
    pub fn fault(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.diags.push(Diagnostic::new(code, span, message));
    }

    /// The object of that name; an unknown one is a finding.
    pub fn object(&mut self, name: &str, span: Span) -> Option<ObjectId> {
        let found = self.objects.iter().position(|o| o == name);
        if found.is_none() {
            self.diags.push(
                Diagnostic::new(
                    Code::PlatformObject,
                    span,
                    format!("this platform has no object `{name}`"),
                )
                .did_you_mean(name, self.objects.iter().map(String::as_str)),
            );
        }
        found.and_then(|ix| Some(ObjectId(u16::try_from(ix).ok()?)))
    }

    /// The field of that name in an object; an unknown one is a finding.
    pub fn field(
        &mut self,
        object: &str,
        fields: &[Field],
        name: &str,
        span: Span,
    ) -> Option<FieldId> {
        let found = fields.iter().position(|f| f.name == name);
        if found.is_none() {
            self.diags.push(
                Diagnostic::new(
                    Code::PlatformField,
                    span,
                    format!("`{object}` has no field `{name}`"),
                )
                .did_you_mean(name, fields.iter().map(|f| f.name.as_str())),
            );
        }
        found.and_then(|ix| Some(FieldId(u16::try_from(ix).ok()?)))
    }

    /// A whole number from 0.
    pub fn count(&mut self, node: Option<&Node>) -> Option<u64> {
        node?.text()?.parse().ok()
    }

    /// A whole number from 0 that fits the smaller type `T`.
    pub fn small<T: TryFrom<u64>>(&mut self, node: Option<&Node>) -> Option<T> {
        let value = self.count(node)?;
        let small = T::try_from(value).ok();
        if let (None, Some(node)) = (&small, node) {
            self.fault(
                Code::BadLiteral,
                node.span,
                format!("{value} is too large here"),
            );
        }
        small
    }

    /// A number, the same for all or by tier.
    pub fn tiered(&mut self, node: Option<&Node>) -> Option<Tiered> {
        let node = node?;
        if node.entries().is_empty() {
            return self.count(Some(node)).map(Tiered::All);
        }
        let mut list = Vec::new();
        for e in node.entries() {
            if !self.tiers.contains(&e.key) {
                let known = self.tiers;
                self.diags.push(
                    Diagnostic::new(
                        Code::PlatformTier,
                        e.key_span,
                        format!("`{}` is not among the tiers of this platform", e.key),
                    )
                    .did_you_mean(&e.key, known.iter().map(String::as_str)),
                );
                continue;
            }
            if let Some(n) = self.count(Some(&e.value)) {
                list.push((e.key.clone(), n));
            }
        }
        let missing: Vec<&str> = self
            .tiers
            .iter()
            .filter(|t| node.entry(t).is_none())
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let message = format!("no number for {}", join(&missing));
            self.fault(Code::PlatformTier, node.span, message);
        }
        Some(Tiered::ByTier(list))
    }

    /// A span of time: `500ms`, `2s`, `5m`, `1h`, `1d`.
    pub fn duration(&mut self, node: Option<&Node>) -> Option<Duration> {
        duration(node?.text()?)
    }
}

/// A span of time from its text.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let n: u64 = text.get(..digits)?.parse().ok()?;
    let secs = |unit: u64| n.checked_mul(unit).map(Duration::from_secs);
    match text.get(digits..)? {
        "ms" => Some(Duration::from_millis(n)),
        "s" => secs(1),
        "m" => secs(60),
        "h" => secs(3600),
        "d" => secs(86_400),
        _ => None,
    }
}

/// Names in one phrase: `a`, `b` and `c`, each in backticks.
pub(in crate::check) fn join(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The text under `key`, owned.
pub(super) fn text(node: &Node, key: &str) -> Option<String> {
    node.get_text(key).map(str::to_owned)
}

/// The texts of a list under `key`.
pub(super) fn texts(node: &Node, key: &str) -> Vec<String> {
    node.get_items(key)
        .iter()
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

/// The (key, text) pairs of a map under `key`.
pub(super) fn pairs(node: &Node, key: &str) -> Vec<(String, String)> {
    node.get_entries(key).iter().filter_map(pair).collect()
}

fn pair(entry: &Entry) -> Option<(String, String)> {
    Some((entry.key.clone(), entry.value.text()?.to_owned()))
}

/// True when the word under `key` is `word`.
pub(super) fn is_word(node: &Node, key: &str, word: &str) -> bool {
    node.get_text(key) == Some(word)
}

/// A YAML value as JSON: plain `true`, `false` and numbers keep their kind, quoted texts stay texts.
pub(super) fn json(node: &Node) -> serde_json::Value {
    use crate::spec::tree::NodeKind;
    use serde_json::Value;
    match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Scalar { text, quoted } => {
            let plain = (!quoted)
                .then(|| serde_json::from_str::<Value>(text).ok())
                .flatten()
                .filter(|v| v.is_boolean() || v.is_number());
            plain.unwrap_or_else(|| Value::String(text.clone()))
        }
        NodeKind::List(items) => Value::Array(items.iter().map(json).collect()),
        NodeKind::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|e| (e.key.clone(), json(&e.value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_need_a_unit() {
        assert_eq!(duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("5"), None);
        assert_eq!(duration("m"), None);
        assert_eq!(duration("-5s"), None);
        assert_eq!(duration("99999999999999999999s"), None);
        assert_eq!(duration("18446744073709551615d"), None);
    }

    #[test]
    fn names_are_joined_with_and() {
        assert_eq!(join(&["a"]), "`a`");
        assert_eq!(join(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
