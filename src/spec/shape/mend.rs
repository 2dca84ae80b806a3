//! Reads on after a slip: a tree in which misspelt keys and words are what they were most likely meant to be.
//!
//! The slip has its finding, and the file is refused because of it; without this, everything that the misspelt part
//! would have declared were missing, and each use of it a finding of its own. Only what the finding itself suggests
//! is mended.

use super::{Keys, Kind, Shape, Word};
use crate::{
    diag::nearest,
    spec::tree::{Entry, Node, NodeKind, Tree},
};

/// The tree as it was most likely meant.
pub fn mend(tree: &Tree, shape: &'static Shape) -> Tree {
    let mut tree = tree.clone();
    node(&mut tree.root, &Kind::Object(shape));
    tree
}

fn node(node_: &mut Node, kind: &Kind) {
    match (&mut node_.kind, kind) {
        (_, Kind::Either(kinds)) => {
            let fitting = kinds.iter().find(|k| match &node_.kind {
                NodeKind::Null => false,
                NodeKind::Scalar { .. } => k.takes_scalar(),
                NodeKind::List(_) => matches!(k, Kind::List(_) | Kind::Filled(_)),
                NodeKind::Map(_) => matches!(k, Kind::Map(..) | Kind::Object(_)),
            });
            if let Some(fitting) = fitting {
                node(node_, fitting);
            }
        }
        (NodeKind::Scalar { text, .. }, Kind::Words(words)) => word(text, words),
        (NodeKind::List(items), Kind::List(of) | Kind::Filled(of)) => {
            for item in items {
                node(item, of);
            }
        }
        (NodeKind::Map(entries), Kind::Map(keys, of)) => {
            for entry in entries {
                if let Keys::Words(words) = keys {
                    word(&mut entry.key, words);
                }
                node(&mut entry.value, of);
            }
        }
        (NodeKind::Map(entries), Kind::Object(shape)) => object(entries, shape),
        _ => {}
    }
}

fn object(entries: &mut [Entry], shape: &'static Shape) {
    for at in 0..entries.len() {
        let Some(key) = entries.get(at).map(|e| e.key.clone()) else {
            continue;
        };
        if shape.key(&key).is_none() {
            // A key that stands there already is not what this one was meant to be.
            let meant = nearest(&key, shape.all_keys().map(|k| k.name))
                .filter(|name| !entries.iter().any(|e| e.key == *name));
            if let (Some(meant), Some(entry)) = (meant, entries.get_mut(at)) {
                meant.clone_into(&mut entry.key);
            }
        }
        if let Some(entry) = entries.get_mut(at)
            && let Some(key) = shape.key(&entry.key)
        {
            node(&mut entry.value, &key.kind);
        }
    }
}

fn word(text: &mut String, words: &[Word]) {
    if words.iter().any(|(w, _)| w == text) {
        return;
    }
    if let Some(meant) = nearest(text, words.iter().map(|(w, _)| *w)) {
        meant.clone_into(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::{Diagnostics, Files},
        spec::{SpecKind, shapes, yaml},
    };

    #[test]
    fn slips_become_what_they_were_meant_to_be() {
        let text = "spec: mapping/v1\nsource: a\ndestination: b\nobject:\n  x:\n    fron: x\n    to: y\n    found: updat\n    feilds: {a: b}\n    colour: red\n";
        let mut files = Files::default();
        let file = files.add("x.yaml", text.to_owned());
        let Some(tree) = yaml::parse(file, text, &mut Diagnostics::default()) else {
            unreachable!("it parses");
        };
        let mended = mend(&tree, shapes::of(SpecKind::Mapping));
        let step = mended.root.get("objects").and_then(|o| o.get("x"));
        let text = |key: &str| step.and_then(|s| s.get_text(key)).unwrap_or("").to_owned();
        assert_eq!(
            (text("from"), text("found")),
            ("x".to_owned(), "update".to_owned())
        );
        assert!(step.is_some_and(|s| s.get("fields").is_some()));
        // Nothing is like it.
        assert_eq!(text("colour"), "red");
    }
}
