//! A YAML file as a tree in which every key and every scalar knows its place.
//!
//! Scalars stay as written (`1.10` is the text "1.10"); whether a plain scalar is null is the only
//! thing decided here. Accessors return `None` on any mismatch: the shape check has reported it before.

use crate::diag::Span;

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The root node.
    pub root: Node,
}

/// A node with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands. For block collections: from the first to the last child.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// The three kinds of node, and null.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Nothing, `null` or `~`, unquoted.
    Null,
    /// A scalar as written.
    Scalar {
        /// The text.
        text: String,
        /// True for `'…'`, `"…"`, `|` and `>`.
        quoted: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in file order, without duplicate keys.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as written.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// True for `'…'` and `"…"`.
    pub key_quoted: bool,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value under `key`; `None` when this is no map or has no such key, or the value is null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key)
            .map(|e| &e.value)
            .filter(|n| !matches!(n.kind, NodeKind::Null))
    }

    /// The entry under `key`, null values included.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key == key)
    }

    /// The entries of a map; empty for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; empty for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of the scalar under `key`.
    pub fn get_text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }

    /// The whole number under `key`.
    pub fn get_int(&self, key: &str) -> Option<i64> {
        self.get_text(key).and_then(|t| t.parse().ok())
    }

    /// The boolean under `key`: exactly `true` or `false`, unquoted.
    pub fn get_bool(&self, key: &str) -> Option<bool> {
        match self.get(key).map(|n| &n.kind) {
            Some(NodeKind::Scalar {
                text,
                quoted: false,
            }) => text.parse().ok(),
            _ => None,
        }
    }

    /// The items of the list under `key`; empty when there is none.
    pub fn get_items(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::items)
    }

    /// The entries of the map under `key`; empty when there is none.
    pub fn get_entries(&self, key: &str) -> &[Entry] {
        self.get(key).map_or(&[], Node::entries)
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }
}
