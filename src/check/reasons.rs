//! Every `why:` of a mapping and its migration, with the element it stands at.
//!
//! Reasons mean nothing to a run; they are for the documents made from the files. One walk over the tree finds
//! them wherever a file may carry one, so that a new element needs no line here.

use crate::{mapping::Reason, spec::Node};

/// All reasons, the mapping's first. Deeper than any file that was read without a finding, the walk never ends early.
pub fn gather(mapping: &Node, migration: Option<&Node>) -> Vec<Reason> {
    let mut out = Vec::new();
    walk(mapping, "", &mut out);
    if let Some(node) = migration {
        walk(node, "migration", &mut out);
    }
    out
}

fn walk(node: &Node, at: &str, out: &mut Vec<Reason>) {
    if let Some(text) = node
        .get_text("why")
        .map(str::trim)
        .filter(|t| !t.is_empty())
    {
        out.push(Reason {
            at: at.to_owned(),
            text: text.to_owned(),
        });
    }
    for entry in node.entries() {
        // Fields are named as the compatibility table names them: `objects.contact.email`.
        match entry.key.as_str() {
            "fields" | "rows" => walk(&entry.value, at, out),
            key => walk(&entry.value, &join(at, key), out),
        }
    }
    for (i, item) in node.items().iter().enumerate() {
        let name = ["id", "name", "step"].iter().find_map(|k| item.get_text(k));
        match name {
            Some(name) => walk(item, &join(at, name), out),
            None => walk(item, &join(at, &(i + 1).to_string()), out),
        }
    }
}

fn join(at: &str, key: &str) -> String {
    match at {
        "" => key.to_owned(),
        at => format!("{at}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::{Diagnostics, Files},
        spec::yaml,
    };

    #[test]
    fn reasons_are_found_wherever_they_stand() {
        let text = "why: a pair\nsplits:\n  contact:\n    - {when: x, to: [a], why: early}\n    - {else: [b]}\nobjects:\n  contact:\n    why: people\n    fields:\n      email: {from: email, why: the key}\n    after: [{step: stage, why: named}]\n";
        let mut files = Files::default();
        let file = files.add("x.yaml", text.to_owned());
        let tree = yaml::parse(file, text, &mut Diagnostics::default());
        let Some(tree) = tree else {
            unreachable!("it parses");
        };
        let found: Vec<(String, String)> = gather(&tree.root, None)
            .into_iter()
            .map(|r| (r.at, r.text))
            .collect();
        let expected = [
            ("", "a pair"),
            ("splits.contact.1", "early"),
            ("objects.contact", "people"),
            ("objects.contact.email", "the key"),
            ("objects.contact.after.stage", "named"),
        ];
        assert_eq!(
            found,
            expected.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec()
        );
    }
}
