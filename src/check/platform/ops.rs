//! Operations of an object: shapes filled in, places checked.

use super::{
    connect::status,
    read::{Scope, join, json, text},
};
use crate::{
    diag::{Code, Diagnostic, Span},
    platform::{
        Field, Op, OpKind, Paging, PagingStyle, Since,
        http::{FileAnswer, Job},
        zone,
    },
    spec::{Entry, Node},
};

/// The words of an object that shapes are filled with.
pub(super) struct Parts<'a> {
    /// The object's name.
    pub name: &'a str,
    /// `{path}`.
    pub path: &'a str,
    /// `{wrap}`.
    pub wrap: Option<&'a str>,
    /// `{include}`.
    pub include: Option<&'a str>,
    /// `{view_name}`.
    pub view_name: Option<&'a str>,
    /// True when the object's records are memberships: they are written below their owner.
    pub membership: bool,
}

/// HTTP methods by their YAML key.
const VERBS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("delete", "DELETE"),
];

/// The operations of an object: those of the shape it uses, its own in their place.
pub(super) fn ops(
    object: &Node,
    root: &Node,
    parts: &Parts<'_>,
    fields: &[Field],
    scope: &mut Scope<'_>,
) -> Vec<Op> {
    let Some(node) = object.get("ops") else {
        return Vec::new();
    };
    let shape = node.get("use").and_then(|word| {
        let name = word.text()?;
        let shapes = root.get_entries("shapes");
        let found = shapes.iter().find(|e| e.key == name);
        if found.is_none() {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformShape,
                    word.span,
                    format!("there is no shape `{name}`"),
                )
                .did_you_mean(name, shapes.iter().map(|e| e.key.as_str())),
            );
        }
        found.map(|e| (&e.value, word.span))
    });
    let mut ops = Vec::new();
    for (key, kind) in OpKind::ALL {
        let own = node.entry(key).map(|e| (e, e.key_span));
        let found = own.or_else(|| {
            let (shape, at) = shape?;
            Some((shape.entry(key)?, at))
        });
        let Some((entry, at)) = found else { continue };
        let mut reader = Reader {
            parts,
            fields,
            scope,
            shaped: own.is_none().then_some(at),
        };
        ops.extend(reader.op(*kind, entry));
    }
    ops
}

/// The places in braces of a text. A brace that is not closed, or holds anything but a name, is text.
pub(super) fn places(text: &str) -> Vec<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .filter(|n| !n.is_empty() && n.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()))
        .collect()
}

/// What an operation of each kind may have filled in per call, beside the names in `each`.
fn per_call(kind: OpKind, membership: bool) -> &'static [&'static str] {
    match kind {
        OpKind::Create | OpKind::Delete if membership => &["parent_id"],
        OpKind::List => &["view"],
        OpKind::Get | OpKind::Update | OpKind::Delete | OpKind::Restore | OpKind::Forget => &["id"],
        OpKind::Create | OpKind::Upsert | OpKind::BulkUpsert => &[],
        OpKind::Lookup => &["value", "key"],
        OpKind::Children => &["parent", "parent_id"],
    }
}

struct Reader<'a, 'b> {
    parts: &'a Parts<'a>,
    fields: &'a [Field],
    scope: &'a mut Scope<'b>,
    /// Where the shape is used, when the operation comes from one.
    shaped: Option<Span>,
}

impl Reader<'_, '_> {
    fn op(&mut self, kind: OpKind, entry: &Entry) -> Option<Op> {
        let node = &entry.value;
        let verbs: Vec<(&Entry, &'static str)> = VERBS
            .iter()
            .filter_map(|(key, method)| Some((node.entry(key)?, *method)))
            .collect();
        let [(path, method)] = verbs.as_slice() else {
            self.scope.diags.push(
                Diagnostic::new(
                    Code::PlatformVerb,
                    entry.key_span,
                    format!(
                        "`{}` needs exactly one of get, post, put and delete, and has {}",
                        entry.key,
                        if verbs.is_empty() {
                            "none".to_owned()
                        } else {
                            verbs.len().to_string()
                        }
                    ),
                )
                .hint("write the path under its method: `get: /contacts`"),
            );
            return None;
        };
        let each: Vec<(String, Vec<String>)> = node
            .get_entries("each")
            .iter()
            .map(|e| {
                let values = e.value.items().iter().filter_map(Node::text);
                (e.key.clone(), values.map(str::to_owned).collect())
            })
            .collect();
        let allowed: Vec<&str> = per_call(kind, self.parts.membership)
            .iter()
            .copied()
            .chain(each.iter().map(|(n, _)| n.as_str()))
            .collect();
        let query = node
            .get_entries("query")
            .iter()
            .filter_map(|e| {
                // A parameter whose only content is a word the object does not have is not sent.
                let blank = match e.value.text()? {
                    "{include}" => self.parts.include.is_none(),
                    "{view_name}" => self.parts.view_name.is_none(),
                    _ => false,
                };
                (!blank).then(|| Some((e.key.clone(), self.fill(&e.value, &allowed)?)))?
            })
            .collect();
        let op = Op {
            kind,
            method,
            path: self.fill(&path.value, &allowed)?,
            query,
            wrap: self.filled(node, "wrap", &[]),
            multipart: node.get_bool("multipart").unwrap_or(false),
            record: self.filled(node, "record", &[]),
            records: self.filled(node, "records", &[]),
            id: text(node, "id").unwrap_or_else(|| "id".to_owned()),
            status: status(node.get("status"), self.scope).unwrap_or(200),
            answer: node.get("answer").map(json),
            file: node.get("file").map(|f| FileAnswer {
                url: text(f, "url"),
                size: text(f, "size"),
                sha256: text(f, "sha256"),
            }),
            page: node.get("page").and_then(|p| self.paging(p)),
            since: node.get("since").and_then(|s| self.since(s, kind)),
            view: node.get("view").and_then(|v| {
                Some((
                    self.filled(v, "get", &[])?,
                    text(v, "records").unwrap_or_default(),
                    self.filled(v, "name", &[])?,
                ))
            }),
            each,
            key_at: text(node, "key_at"),
            keys: self.keys(node),
            size: self.scope.small(node.get("size")).unwrap_or(1).max(1),
            data: text(node, "data"),
            job: node.get("job").and_then(|j| self.job(j)),
            of: node.get("of").and_then(|n| {
                self.scope
                    .field(self.parts.name, self.fields, n.text()?, n.span)
            }),
            parents: node
                .get_entries("parents")
                .iter()
                .filter_map(|e| {
                    let object = self.scope.object(&e.key, e.key_span)?;
                    Some((object, e.value.text()?.to_owned()))
                })
                .collect(),
            ids: text(node, "ids"),
            repeatable: node.get_bool("repeatable").unwrap_or(false),
            lags: node.get_bool("lags").unwrap_or(false),
            soft: node.get_bool("soft").unwrap_or(false),
            keeps: self.scope.duration(node.get("keeps")).map(|d| d.as_secs()),
            newest_first: node.get_bool("newest_first").unwrap_or(false),
        };
        self.complete(&op, entry, &path.value);
        Some(op)
    }

    fn filled(&mut self, node: &Node, key: &str, allowed: &[&str]) -> Option<String> {
        node.get(key).and_then(|n| self.fill(n, allowed))
    }

    /// The text with the object's words in their places; `allowed` stay for the call.
    fn fill(&mut self, node: &Node, allowed: &[&str]) -> Option<String> {
        let template = node.text()?;
        let mut out = template.to_owned();
        for place in places(template) {
            if allowed.contains(&place) {
                continue;
            }
            let word = match place {
                "path" => Some(Some(self.parts.path)),
                "wrap" => Some(self.parts.wrap),
                "include" => Some(self.parts.include),
                "view_name" => Some(self.parts.view_name),
                _ => None,
            };
            let at = self.shaped.unwrap_or(node.span);
            match word {
                Some(Some(word)) => out = out.replace(&format!("{{{place}}}"), word),
                Some(None) => {
                    let mut d = Diagnostic::new(
                        Code::PlatformPlace,
                        at,
                        format!(
                            "`{{{place}}}` cannot be filled: `{}` has no `{place}`",
                            self.parts.name
                        ),
                    )
                    .hint(format!("add `{place}:` to the object"));
                    if self.shaped.is_some() {
                        d = d.related(node.span, "used here");
                    }
                    self.scope.diags.push(d);
                    return None;
                }
                None => {
                    let known = ["path", "wrap", "include", "view_name"];
                    self.scope.diags.push(
                        Diagnostic::new(
                            Code::PlatformPlace,
                            node.span,
                            format!("nothing fills `{{{place}}}` here"),
                        )
                        .did_you_mean(place, allowed.iter().copied().chain(known)),
                    );
                    return None;
                }
            }
        }
        Some(out)
    }

    fn keys(&mut self, node: &Node) -> Vec<(String, crate::ident::FieldId)> {
        node.get_entries("keys")
            .iter()
            .filter_map(|e| {
                let field = self.scope.field(
                    self.parts.name,
                    self.fields,
                    e.value.text()?,
                    e.value.span,
                )?;
                Some((e.key.clone(), field))
            })
            .collect()
    }

    fn paging(&mut self, node: &Node) -> Option<Paging> {
        let style = match node.get_text("style")? {
            "number" => PagingStyle::Number,
            "offset" => PagingStyle::Offset,
            "cursor" => PagingStyle::Cursor,
            "link" => PagingStyle::Link,
            _ => return None,
        };
        let next = text(node, "next");
        if node.get("param").is_none() && matches!(style, PagingStyle::Offset | PagingStyle::Cursor)
        {
            self.scope.fault(
                Code::PlatformOp,
                node.span,
                "paging by offset or cursor needs `param`, the parameter that takes it",
            );
        }
        if next.is_none() && matches!(style, PagingStyle::Cursor | PagingStyle::Link) {
            self.scope.fault(
                Code::PlatformOp,
                node.span,
                "paging by cursor or link needs `next`, the member of the answer that holds it",
            );
        }
        Some(Paging {
            style,
            param: text(node, "param").unwrap_or_default(),
            size_param: text(node, "size_param"),
            size: self.scope.small(node.get("size")).unwrap_or(100).max(1),
            default_size: self.scope.small(node.get("default")),
            start: self.scope.count(node.get("start")).unwrap_or(1),
            total_pages: text(node, "total_pages"),
            total: text(node, "total"),
            next,
            previous: text(node, "previous"),
        })
    }

    fn since(&mut self, node: &Node, kind: OpKind) -> Option<Since> {
        if kind != OpKind::List {
            self.scope.fault(
                Code::PlatformOp,
                node.span,
                "only a list can be asked for what changed since a moment",
            );
        }
        let format = node.get("format");
        if let Some(format) = format
            && let Err(why) = zone::check_format(format.text().unwrap_or(""))
        {
            self.scope.fault(
                Code::PlatformTime,
                format.span,
                format!("this time format cannot be read: {why}"),
            );
        }
        Some(Since {
            param: text(node, "param")?,
            format: format.and_then(Node::text).map(str::to_owned),
        })
    }

    fn job(&mut self, node: &Node) -> Option<Job> {
        Some(Job {
            url: text(node, "url")?,
            get: self.filled(node, "get", &["job"])?,
            status: text(node, "status")?,
            done: super::read::texts(node, "done"),
            failed: super::read::texts(node, "failed"),
            running: text(node, "running"),
            answer: node.get("answer").map(json),
            rows: text(node, "rows"),
            row: node.get("row").map(json),
        })
    }

    /// What an operation of this kind cannot do without.
    fn complete(&mut self, op: &Op, entry: &Entry, path: &Node) {
        let needed: &[&str] = match op.kind {
            OpKind::Create | OpKind::Delete if self.parts.membership => &["parent_id"],
            OpKind::Get | OpKind::Update | OpKind::Delete | OpKind::Restore | OpKind::Forget => {
                &["id"]
            }
            OpKind::Children => &["parent_id"],
            OpKind::Lookup => &["value"],
            _ => &[],
        };
        for place in needed {
            let token = format!("{{{place}}}");
            let there =
                op.path.contains(&token) || op.query.iter().any(|(_, v)| v.contains(&token));
            if !there {
                self.scope.fault(
                    Code::PlatformPlace,
                    path.span,
                    format!("`{}` needs `{token}` in its path", entry.key),
                );
            }
        }
        if op.path.contains("{view}") && op.view.is_none() {
            self.scope.fault(
                Code::PlatformOp,
                entry.key_span,
                "`{view}` in the path, and no `view` says where views are listed",
            );
        }
        let has = |key: &str| entry.value.get(key).is_some();
        let parts: &[(&str, bool)] = match op.kind {
            OpKind::Upsert | OpKind::Lookup => &[("keys", op.keys.is_empty())],
            OpKind::BulkUpsert => &[
                ("keys", op.keys.is_empty()),
                ("records", op.records.is_none()),
                ("size", !has("size")),
            ],
            OpKind::Children => &[("of", !has("of")), ("parents", !has("parents"))],
            _ => &[],
        };
        let lacks: Vec<&str> = parts
            .iter()
            .filter(|(_, lacks)| *lacks)
            .map(|(part, _)| *part)
            .collect();
        if !lacks.is_empty() {
            self.scope.fault(
                Code::PlatformOp,
                entry.key_span,
                format!("`{}` lacks {}", entry.key, join(&lacks)),
            );
        }
        if let (Some(of), OpKind::Children) = (op.of, op.kind) {
            self.parents_fit(op, of, entry);
        }
    }

    /// The reference of a children operation must point to each of its parents.
    fn parents_fit(&mut self, op: &Op, of: crate::ident::FieldId, entry: &Entry) {
        let field = &self.fields[of.ix()];
        let to = field
            .reference
            .as_ref()
            .map_or(&[][..], |r| r.to.as_slice());
        for e in entry.value.get_entries("parents") {
            let known = op
                .parents
                .iter()
                .find(|(o, _)| self.scope.objects.get(o.ix()) == Some(&e.key));
            if known.is_some_and(|(o, _)| !to.contains(o)) {
                self.scope.fault(
                    Code::PlatformOp,
                    e.key_span,
                    format!("`{}` does not point to `{}`", field.name, e.key),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_names_in_braces() {
        assert_eq!(places("/{path}/{id}"), ["path", "id"]);
        assert_eq!(places("{a b} {} {open"), Vec::<&str>::new());
    }
}
