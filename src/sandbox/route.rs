//! Routes of the simulated API, from the operations of the platform file.

use crate::{
    ident::ObjectId,
    platform::{OpKind, Platform},
};

/// What a route does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// An operation: a position in `Object::ops`.
    Op(ObjectId, usize),
    /// The views of a list operation.
    Views(ObjectId, usize),
    /// A collection that can only be listed through a view.
    NeedsView,
    /// The fields of an object.
    Describe(ObjectId),
    /// The children of a parent, by an operation of the child.
    Children(ObjectId, usize, ObjectId),
    /// The state of a bulk job, by the operation that starts it.
    Job(ObjectId, usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// One route.
#[derive(Clone, Debug)]
pub(super) struct Route {
    method: &'static str,
    parts: Vec<Part>,
    /// A slash at the end is part of the address.
    slash: bool,
    /// What it does.
    pub action: Action,
    /// How it is shown in the books (`GET /contacts/{id}`).
    pub label: String,
}

/// Every route.
#[derive(Clone, Debug)]
pub(super) struct Routes(Vec<Route>);

/// A route that was found, with what stands in its places.
pub(super) struct Found<'a> {
    /// The routes; several only where operations of several objects share one path.
    pub routes: Vec<&'a Route>,
    /// The path below the API's own, as called.
    pub path: &'a str,
    places: Vec<(&'a str, String)>,
}

impl Found<'_> {
    /// The text in a place; empty when there is none.
    pub(super) fn place(&self, name: &str) -> &str {
        self.places
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, v)| v)
    }
}

impl Routes {
    /// The routes of a platform.
    pub(super) fn of(platform: &Platform) -> Routes {
        let mut all = Vec::new();
        for (at, object) in platform.objects.iter().enumerate() {
            let Ok(at) = u16::try_from(at) else { break };
            let id = ObjectId(at);
            for (n, op) in object.ops.iter().enumerate() {
                if op.kind == OpKind::Children {
                    for (parent, part) in &op.parents {
                        let path = op.path.replace("{parent}", part);
                        add(&mut all, op.method, &path, Action::Children(id, n, *parent));
                    }
                    continue;
                }
                add(&mut all, op.method, &op.path, Action::Op(id, n));
                if let Some((path, _, _)) = &op.view {
                    add(&mut all, "GET", path, Action::Views(id, n));
                }
                if let Some(job) = &op.job {
                    add(&mut all, "GET", &job.get, Action::Job(id, n));
                }
            }
            if let Some(path) = &object.custom_at {
                add(&mut all, "GET", path, Action::Describe(id));
            }
        }
        for object in &platform.objects {
            let viewed = object.op(OpKind::List).is_some_and(|op| op.view.is_some());
            if let (true, Some(create)) = (viewed, object.op(OpKind::Create)) {
                add(&mut all, "GET", &create.path, Action::NeedsView);
            }
        }
        // Plain text comes before places: `/things/filters` is no id.
        all.sort_by_key(|r| {
            r.parts
                .iter()
                .filter(|p| matches!(p, Part::Place(_)))
                .count()
        });
        Routes(all)
    }

    /// The routes for a call. `None` when there is no such path.
    pub(super) fn find<'a>(&'a self, method: &str, path: &'a str) -> Option<Found<'a>> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let mut found: Option<Found<'a>> = None;
        for route in &self.0 {
            if route.method != method
                || route.parts.len() != parts.len()
                || (route.slash && !path.ends_with('/'))
            {
                continue;
            }
            let fits = route
                .parts
                .iter()
                .zip(&parts)
                .all(|(want, have)| match want {
                    Part::Text(text) => text == have,
                    Part::Place(_) => !have.is_empty(),
                });
            if !fits {
                continue;
            }
            match &mut found {
                None => {
                    let places = route
                        .parts
                        .iter()
                        .zip(&parts)
                        .filter_map(|(want, have)| match want {
                            Part::Place(name) => Some((name.as_str(), (*have).to_owned())),
                            Part::Text(_) => None,
                        })
                        .collect();
                    found = Some(Found {
                        routes: vec![route],
                        path,
                        places,
                    });
                }
                Some(first) if first.routes[0].parts == route.parts => first.routes.push(route),
                Some(_) => {}
            }
        }
        found
    }
}

fn add(all: &mut Vec<Route>, method: &'static str, path: &str, action: Action) {
    let path = path.split('?').next().unwrap_or("");
    let label = format!("{method} {path}");
    let parts = path
        .trim_matches('/')
        .split('/')
        .map(
            |p| match p.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                Some(name) => Part::Place(name.to_owned()),
                None => Part::Text(p.to_owned()),
            },
        )
        .collect();
    all.push(Route {
        method,
        parts,
        slash: path.len() > 1 && path.ends_with('/'),
        label,
        action,
    });
}
