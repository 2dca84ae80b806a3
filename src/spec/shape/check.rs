//! Holds a tree against a shape and reports every fault at its place.

use super::{
    Key, Keys, Kind, Rule, Shape, Word,
    literal::{Literal, Plain, plain_kind},
};
use crate::{
    diag::{Code, Diagnostic, Diagnostics, Span},
    spec::{
        tree::{Entry, Node, NodeKind, Tree},
        yaml,
    },
};

/// Holds a file against its shape. When this reports no error the accessors of [`Node`] may be trusted:
/// required keys are there, words are known, numbers are numbers.
pub fn check(tree: &Tree, shape: &'static Shape, out: &mut Diagnostics) {
    let at = tree
        .root
        .entries()
        .first()
        .map_or(tree.root.span, |e| e.key_span);
    let mut checker = Checker {
        out,
        left: MAX_FINDINGS,
    };
    checker.kind(&tree.root, at, &Kind::Object(shape), "the file");
}

/// The most findings of one file. A file with more is not what it says it is, and each costs time.
const MAX_FINDINGS: usize = 200;

struct Checker<'d> {
    out: &'d mut Diagnostics,
    /// Findings that may still be made; without any the check is over.
    left: usize,
}

impl Checker<'_> {
    /// Checks a node. `at` is the place that names it (its key); `what` names it in messages.
    fn kind(&mut self, node: &Node, at: Span, kind: &Kind, what: &str) {
        if self.left == 0 {
            return;
        }
        match (&node.kind, kind) {
            (_, Kind::Any) => {}
            (_, Kind::Either(kinds)) => self.either(node, at, kinds, kind, what),
            (NodeKind::Scalar { text, quoted }, _) if kind.takes_scalar() => {
                self.scalar(node.span, text, *quoted, kind, what);
            }
            (NodeKind::List(items), Kind::List(of) | Kind::Filled(of)) => {
                if items.is_empty() && matches!(kind, Kind::Filled(_)) {
                    self.wrong(node, at, "at least one item", what);
                }
                for item in items {
                    let at = item.entries().first().map_or(item.span, |e| e.key_span);
                    self.kind(item, at, of, what);
                }
            }
            (NodeKind::Map(entries), Kind::Map(keys, of)) => {
                for entry in entries {
                    self.map_key(entry, *keys);
                    self.kind(&entry.value, entry.key_span, of, &entry.key);
                }
            }
            (NodeKind::Map(entries), Kind::Object(shape)) => {
                self.object(entries, at, shape, &[], what);
            }
            _ => self.wrong(node, at, &kind.named(), what),
        }
    }

    fn either(&mut self, node: &Node, at: Span, kinds: &'static [Kind], whole: &Kind, what: &str) {
        let fitting = kinds.iter().find(|k| match &node.kind {
            NodeKind::Null => false,
            NodeKind::Scalar { .. } => k.takes_scalar(),
            NodeKind::List(_) => matches!(k, Kind::List(_) | Kind::Filled(_)),
            NodeKind::Map(_) => matches!(k, Kind::Map(..) | Kind::Object(_)),
        });
        let words = kinds.iter().find_map(|k| match k {
            Kind::Words(words) => Some(*words),
            _ => None,
        });
        let shape = kinds.iter().find_map(|k| match k {
            Kind::Object(shape) => Some(*shape),
            _ => None,
        });
        match (fitting, &node.kind) {
            (None, _) => self.wrong(node, at, &whole.named(), what),
            // A word may have been meant as the key of the longer form, and the other way round.
            (Some(Kind::Words(words)), NodeKind::Scalar { text, .. })
                if !words.iter().any(|(w, _)| w == text)
                    && shape.is_some_and(|s| s.key(text).is_some()) =>
            {
                self.push(
                    Diagnostic::new(
                        Code::WrongKind,
                        node.span,
                        format!("`{text}` needs a value in `{what}`"),
                    )
                    .hint(format!("write `{{{text}: ...}}`")),
                );
            }
            (Some(Kind::Object(shape)), NodeKind::Map(entries)) => {
                self.object(entries, at, shape, words.unwrap_or(&[]), what);
            }
            (Some(kind), _) => self.kind(node, at, kind, what),
        }
    }

    fn scalar(&mut self, span: Span, text: &str, quoted: bool, kind: &Kind, what: &str) {
        let plain = if quoted {
            Plain::Text
        } else {
            plain_kind(text)
        };
        let problem = match kind {
            Kind::Text | Kind::Literal(_) | Kind::Words(_) if plain != Plain::Text => {
                let seen = match plain {
                    Plain::Bool => "a boolean",
                    _ => "a number",
                };
                Diagnostic::new(
                    Code::WrongKind,
                    span,
                    format!(
                        "`{what}` wants {}, and `{text}` is {seen} in YAML",
                        kind.named()
                    ),
                )
                .hint(format!("quote it: \"{text}\""))
            }
            Kind::Literal(form) if !form.fits(text) => bad_literal(*form, span, text, what),
            Kind::Words(words) if !words.iter().any(|(w, _)| *w == text) => {
                unknown_word(span, text, words, what)
            }
            Kind::Int(low, high) => match (plain, text.parse::<i64>()) {
                (Plain::Int, Ok(n)) if (*low..=*high).contains(&n) => return,
                (Plain::Int, _) => Diagnostic::new(
                    Code::BadLiteral,
                    span,
                    format!("`{text}` is out of range for `{what}`"),
                )
                .hint(match *high {
                    i64::MAX => format!("write a whole number from {low}"),
                    _ => format!("write a whole number from {low} to {high}"),
                }),
                _ => self.not_a_number(span, text, quoted, kind, what),
            },
            Kind::Number(low, high) => match (plain, text.parse::<f64>()) {
                (Plain::Int | Plain::Number, Ok(n)) if (*low..=*high).contains(&n) => return,
                (Plain::Int | Plain::Number, _) => Diagnostic::new(
                    Code::BadLiteral,
                    span,
                    format!("`{text}` is out of range for `{what}`"),
                )
                .hint(format!("write a number from {low} to {high}")),
                _ => self.not_a_number(span, text, quoted, kind, what),
            },
            Kind::Bool if !(plain == Plain::Bool && matches!(text, "true" | "false")) => {
                let hint = match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "y" | "on" => "write `true`, without quotes",
                    "false" | "no" | "n" | "off" => "write `false`, without quotes",
                    _ => "write `true` or `false`",
                };
                Diagnostic::new(
                    Code::BadLiteral,
                    span,
                    format!("`{text}` is not a boolean, and `{what}` wants one"),
                )
                .hint(hint)
            }
            _ => return,
        };
        self.push(problem);
    }

    fn not_a_number(
        &self,
        span: Span,
        text: &str,
        quoted: bool,
        kind: &Kind,
        what: &str,
    ) -> Diagnostic {
        let diagnostic = Diagnostic::new(
            Code::BadLiteral,
            span,
            format!("`{text}` is not {}, and `{what}` wants one", kind.named()),
        );
        if quoted && plain_kind(text) != Plain::Text {
            return diagnostic.hint("take the quotes away");
        }
        diagnostic.hint("write digits only: `40`")
    }

    fn map_key(&mut self, entry: &Entry, keys: Keys) {
        let key = &entry.key;
        match keys {
            Keys::Any => {}
            // The reader has reported a plain `yes` and its like.
            _ if !entry.key_quoted && yaml::is_doubtful_key(key) => {}
            Keys::Form(form) if !form.fits(key) => {
                let mut problem = Diagnostic::new(
                    Code::BadLiteral,
                    entry.key_span,
                    format!("`{key}` is not {}", form.named()),
                );
                problem = match suggested_name(key) {
                    Some(name) if form == Literal::Name => {
                        problem.hint(format!("{}; here `{name}`", form.usage()))
                    }
                    _ => problem.hint(form.usage()),
                };
                self.push(problem);
            }
            Keys::Words(words) if !words.iter().any(|(w, _)| w == key) => {
                self.push(
                    Diagnostic::new(
                        Code::UnknownWord,
                        entry.key_span,
                        format!("`{key}` is not known here"),
                    )
                    .did_you_mean(key, words.iter().map(|(w, _)| *w)),
                );
            }
            Keys::Form(_) | Keys::Words(_) => {}
        }
    }

    /// `bare` are the words that may stand instead of this object.
    fn object(
        &mut self,
        entries: &[Entry],
        at: Span,
        shape: &'static Shape,
        bare: &[Word],
        what: &str,
    ) {
        let known: Vec<Option<&'static Key>> = entries.iter().map(|e| shape.key(&e.key)).collect();
        let present: Vec<&str> = known.iter().flatten().map(|k| k.name).collect();
        for (entry, key) in entries.iter().zip(&known) {
            if self.left == 0 {
                return;
            }
            match key {
                Some(key) => self.kind(&entry.value, entry.key_span, &key.kind, key.name),
                None => self.unknown_key(entry, &present, shape, bare),
            }
        }
        let strange: Vec<&str> = entries
            .iter()
            .zip(&known)
            .filter(|(_, key)| key.is_none())
            .map(|(e, _)| e.key.as_str())
            .take(MAX_FINDINGS)
            .collect();
        let missing: Vec<&Key> = shape
            .all_keys()
            .filter(|k| k.required && !present.contains(&k.name))
            // A misspelt key is one fault, not two.
            .filter(|k| !strange.iter().any(|s| is_near(s, k.name)))
            .collect();
        for key in missing {
            self.push(
                Diagnostic::new(
                    Code::MissingKey,
                    at,
                    format!("`{}` is missing in this {}", key.name, shape.title()),
                )
                .hint(format!("add `{}:`. {}", key.name, key.doc)),
            );
        }
        // An unknown key was probably meant to be one of those that a rule asks for.
        if strange.is_empty() {
            for rule in shape.rules {
                self.rule(entries, at, shape, *rule, what);
            }
        }
    }

    fn unknown_key(
        &mut self,
        entry: &Entry,
        present: &[&str],
        shape: &'static Shape,
        bare: &[Word],
    ) {
        let key = &entry.key;
        if !entry.key_quoted && yaml::is_doubtful_key(key) {
            return;
        }
        let mut problem = Diagnostic::new(
            Code::UnknownKey,
            entry.key_span,
            format!("`{key}` is not a key of this {}", shape.title()),
        );
        if bare.iter().any(|(w, _)| w == key) {
            // The value belongs to the fault: nothing behind this key needs a finding of its own.
            problem.primary.span.end = entry.value.span.end.max(entry.key_span.end);
            self.push(problem.hint(format!("`{key}` takes no value; write it alone")));
            return;
        }
        let free = shape
            .all_keys()
            .map(|k| k.name)
            .filter(|name| !present.contains(name));
        self.push(problem.did_you_mean(key, free));
    }

    fn rule(&mut self, entries: &[Entry], at: Span, shape: &'static Shape, rule: Rule, what: &str) {
        let find = |name: &str| entries.iter().find(|e| e.key == name);
        let present = |names: &[&str]| -> Vec<&Entry> {
            entries
                .iter()
                .filter(|e| names.contains(&e.key.as_str()))
                .collect()
        };
        match rule {
            Rule::One(names) | Rule::AnyOf(names) if present(names).is_empty() => {
                self.push(
                    Diagnostic::new(
                        Code::OneOf,
                        at,
                        format!("this {} needs one of {}", shape.title(), listed(names)),
                    )
                    .hint("write one of them"),
                );
            }
            Rule::One(names) | Rule::AtMostOne(names) => {
                if let [first, second, ..] = present(names).as_slice() {
                    self.push(
                        Diagnostic::new(
                            Code::OneOf,
                            second.key_span,
                            format!("`{}` and `{}` exclude each other", first.key, second.key),
                        )
                        .related(first.key_span, "the other one")
                        .hint(format!("keep one of {}", listed(names))),
                    );
                }
            }
            Rule::AnyOf(_) => {}
            Rule::Needs(name, other) => {
                if let (Some(entry), None) = (find(name), find(other)) {
                    self.push(
                        Diagnostic::new(
                            Code::OneOf,
                            entry.key_span,
                            format!("`{name}` goes only together with `{other}`"),
                        )
                        .hint(format!("add `{other}:`, or take `{name}` away")),
                    );
                }
            }
            Rule::SingleKey => match entries {
                [] => self.push(
                    Diagnostic::new(
                        Code::OneOf,
                        at,
                        format!("an empty map says nothing in `{what}`"),
                    )
                    .hint("write one key with its value"),
                ),
                [_] => {}
                [first, second, ..] => self.push(
                    Diagnostic::new(
                        Code::OneOf,
                        second.key_span,
                        format!("this {} has more than one key", shape.title()),
                    )
                    .related(first.key_span, "the first")
                    .hint("write each as an item of its own: `[{a: 1}, {b: 2}]`"),
                ),
            },
        }
    }

    fn wrong(&mut self, node: &Node, at: Span, wanted: &str, what: &str) {
        let (span, found) = match &node.kind {
            NodeKind::Null => (at, "nothing"),
            NodeKind::Scalar { .. } => (node.span, "a single value"),
            NodeKind::List(items) if items.is_empty() => (at, "an empty list"),
            // A list or map may be long; its key is the better place.
            NodeKind::List(_) => (at, "a list"),
            NodeKind::Map(_) => (at, "a map"),
        };
        let problem = Diagnostic::new(
            Code::WrongKind,
            span,
            format!("`{what}` wants {wanted}, and {found} stands here"),
        );
        let hint = match (&node.kind, wanted) {
            (NodeKind::Scalar { text, .. }, "a list") => format!("write `[{text}]`"),
            (NodeKind::Null, _) => "write the value, or take the key away".to_owned(),
            _ => format!("write {wanted}"),
        };
        self.push(problem.hint(hint));
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.out.push(diagnostic);
        }
    }
}

fn bad_literal(form: Literal, span: Span, text: &str, what: &str) -> Diagnostic {
    let problem = Diagnostic::new(
        Code::BadLiteral,
        span,
        format!("`{text}` is not {}, and `{what}` wants one", form.named()),
    );
    match suggested_name(text) {
        Some(name) if form == Literal::Name => {
            problem.hint(format!("{}; here `{name}`", form.usage()))
        }
        _ => problem.hint(form.usage()),
    }
}

fn unknown_word(span: Span, text: &str, words: &[Word], what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::UnknownWord,
        span,
        format!("`{text}` is not a word that `{what}` knows"),
    )
    .did_you_mean(text, words.iter().map(|(w, _)| *w))
}

/// A text as a name: `Deal Stage` gives `deal_stage`.
fn suggested_name(text: &str) -> Option<String> {
    let name: String = text
        .trim()
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    Literal::Name.fits(&name).then_some(name)
}

/// True when one may be a slip for the other.
fn is_near(a: &str, b: &str) -> bool {
    let longest = a.chars().count().max(b.chars().count());
    strsim::damerau_levenshtein(a, b) <= (longest / 3).max(1)
}

/// "`a`, `b` and `c`".
fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}
