//! One finding, and the collector that stages write into.

use super::{Code, Span};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing runs until this is mended.
    Error,
    /// It runs, and something is probably wrong.
    Warning,
    /// Worth knowing; also "not known without a schema lock".
    Note,
}

/// A place with a word about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there; may be empty for the primary label.
    pub text: String,
}

/// A finding about a file: a code, a place, a cause, a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code; it decides the severity unless overridden.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The cause in one sentence fragment, with the names involved.
    pub message: String,
    /// Where, first of all.
    pub primary: Label,
    /// Other places that matter, for example the declaration.
    pub related: Vec<Label>,
    /// What to do; "did you mean `x`?" stands here.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A finding with the code's own severity.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: code.severity(),
            message: message.into(),
            primary: Label {
                span,
                text: String::new(),
            },
            related: Vec::new(),
            hint: None,
        }
    }

    /// Says what stands at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }

    /// Adds "did you mean …?" when one of `known` is near `wrong`, else lists up to eight of them.
    #[must_use]
    pub fn did_you_mean<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match nearest(wrong, known.iter().copied()) {
            Some(k) => self.hint(format!("did you mean `{k}`?")),
            None if known.is_empty() => self,
            None => {
                let more = known.len().saturating_sub(8);
                let mut list = known
                    .iter()
                    .take(8)
                    .map(|k| format!("`{k}`"))
                    .collect::<Vec<_>>()
                    .join(", ");
                if more > 0 {
                    list.push_str(&format!(" and {more} more"));
                }
                self.hint(format!("known here: {list}"))
            }
        }
    }
}

/// The known name that a wrong one was most likely meant to be; `None` when none is near.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(wrong, k), k))
        .filter(|(d, k)| *d <= (wrong.chars().count().max(k.chars().count()) / 3).max(1))
        .min()
        .map(|(_, k)| k)
}

/// Findings in the order they were made; sorted by place when shown.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Takes over all of `other`.
    pub fn extend(&mut self, other: Diagnostics) {
        self.items.extend(other.items);
    }

    /// True when this was found already, wherever.
    pub fn has(&self, code: Code, message: &str) -> bool {
        self.items
            .iter()
            .any(|d| d.code == code && d.message == message)
    }

    /// True when one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The findings by file, place, then severity.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.items.iter().collect();
        all.sort_by(|a, b| {
            (a.primary.span, a.severity, a.code.id()).cmp(&(
                b.primary.span,
                b.severity,
                b.code.id(),
            ))
        });
        all
    }

    /// The number of findings of that severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.items.iter().filter(|d| d.severity == severity).count()
    }
}
