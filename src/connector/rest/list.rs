//! Lists: all records of an object, page by page, in every style of paging.
//!
//! A short page is never taken for the last one. A list that moves while it is read may show a record twice:
//! that is the caller's to see.

use super::{
    member,
    payload::Payload,
    read::no_member,
    send::{Call, Nature},
    setup::Rest,
    write::label,
};
use crate::{
    connector::Stop,
    ident::ObjectId,
    platform::{Op, OpKind, Paging, PagingStyle},
};
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::HashSet, sync::PoisonError};
use xxhash_rust::xxh3::xxh3_64;

/// Records of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPage {
    /// The records as answered.
    pub records: Vec<Value>,
    /// Records of the whole list, where the server says so; of one filter value where a list needs several.
    pub total: Option<u64>,
}

/// Reads a list from its beginning to its end.
#[derive(Clone)]
pub struct ListCursor {
    rest: Rest,
    object: ObjectId,
    /// Only what changed since then, where the server can be asked so.
    since: Option<Timestamp>,
    /// A list with fewer records than the server says it has is no whole list.
    whole: bool,
    /// The combinations of filter values still to come, the next one last; `None` before the first call.
    to_come: Option<Vec<Vec<(String, String)>>>,
    pages: Option<Pages>,
    /// Pages in a row that held nothing new.
    idle: u64,
}

impl Rest {
    /// All records of an object.
    pub fn list(&self, object: ObjectId) -> ListCursor {
        ListCursor {
            rest: self.clone(),
            object,
            since: None,
            whole: false,
            to_come: None,
            pages: None,
            idle: 0,
        }
    }
}

impl ListCursor {
    /// Only records that changed since a moment. Without effect where the platform declares no way to ask so.
    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> ListCursor {
        self.since = since;
        self
    }

    /// Takes a list that ends before the number of records the server itself gives for damaged.
    #[must_use]
    pub fn whole(mut self) -> ListCursor {
        self.whole = true;
        self
    }

    /// The next page that holds records; `None` at the end.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn next(&mut self) -> Result<Option<ListPage>, Stop> {
        let rest = self.rest.clone();
        let op = rest.op(self.object, OpKind::List)?;
        let to_come = self.to_come.get_or_insert_with(|| combinations(&op.each));
        loop {
            if let Some(pages) = &mut self.pages {
                match pages.next(&rest).await? {
                    Some(page) if page.records.is_empty() => continue,
                    Some(page) => return Ok(Some(page)),
                    None => self.pages = None,
                }
            }
            let Some(filters) = to_come.pop() else {
                return Ok(None);
            };
            let mut first = rest.list_call(self.object, op, &filters).await?;
            if let (Some(since), Some(rule)) = (self.since, &op.since) {
                let text = match &rule.format {
                    Some(format) => since.strftime(format).to_string(),
                    None => since.to_string(),
                };
                first.ask(&rule.param, &text);
            }
            let mut pages = Pages::new(op.clone(), first);
            pages.whole = self.whole;
            self.pages = Some(pages);
        }
    }
}

impl ListCursor {
    /// Told of each page whether it held a record that none before it did: a list that goes on without any has no end.
    ///
    /// # Errors
    /// After too many such pages in a row.
    pub fn met(&mut self, anything_new: bool) -> Result<(), Stop> {
        self.idle = match anything_new {
            true => 0,
            false => self.idle + 1,
        };
        let most = self.rest.inner.idle_pages;
        if self.idle <= most {
            return Ok(());
        }
        let op = self.rest.op(self.object, OpKind::List)?;
        Err(self.rest.unexpected_at(
            &label(op),
            format!(
                "{} pages in a row hold nothing but records of pages before: the list has no end \
                 (`idle_pages` of the connection says how many are taken)",
                self.idle
            ),
        ))
    }
}

/// Every combination of the values, in reverse order. One empty combination without any.
pub(super) fn combinations(each: &[(String, Vec<String>)]) -> Vec<Vec<(String, String)>> {
    let mut all = vec![Vec::new()];
    for (name, values) in each {
        all = all
            .into_iter()
            .flat_map(|one: Vec<(String, String)>| {
                values.iter().map(move |value| {
                    let mut one = one.clone();
                    one.push((name.clone(), value.clone()));
                    one
                })
            })
            .collect();
    }
    all.reverse();
    all
}

impl Rest {
    pub(super) async fn list_call(
        &self,
        object: ObjectId,
        op: &Op,
        filters: &[(String, String)],
    ) -> Result<Call, Stop> {
        let view = self.view(object, op).await?;
        let mut values: Vec<(&str, &str)> = filters
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        values.push(("view", view.as_deref().unwrap_or("")));
        let mut call = self.call(op, &values, Payload::None, Nature::Read)?;
        // A filter that no template mentions goes into the query under its own name.
        for (name, value) in filters {
            let place = format!("{{{name}}}");
            let mentioned =
                op.path.contains(&place) || op.query.iter().any(|(_, v)| v.contains(&place));
            if !mentioned {
                call.ask(name, value);
            }
        }
        Ok(call)
    }

    /// The id of the view a list needs; asked for once.
    async fn view(&self, object: ObjectId, op: &Op) -> Result<Option<String>, Stop> {
        let Some((path, records, name)) = &op.view else {
            return Ok(None);
        };
        let known = self
            .inner
            .views
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&object)
            .cloned();
        if known.is_some() {
            return Ok(known);
        }
        let call = self.get_call(path)?;
        let body = self.fetch(&call).await?.unwrap_or(Value::Null);
        let Some(Value::Array(views)) = member::at(&body, records) else {
            return Err(self.unexpected(&call, no_member("a list of views", Some(records))));
        };
        let named = |same: &dyn Fn(&str) -> bool| {
            views
                .iter()
                .find(|v| v.get("name").and_then(Value::as_str).is_some_and(same))
                .and_then(|v| member::text_at(v, "id"))
        };
        let id = named(&|n| n == name)
            .or_else(|| named(&|n| n.trim().to_lowercase() == name.to_lowercase()))
            .ok_or_else(|| {
                self.unexpected(
                    &call,
                    format!("there is no view named `{name}`; make one that shows all records, or let the key's user see it"),
                )
            })?;
        self.inner
            .views
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(object, id.clone());
        Ok(Some(id))
    }
}

/// The pages of one address.
#[derive(Clone)]
pub(super) struct Pages {
    op: Op,
    first: Call,
    place: Place,
    /// Hashes of the records of pages, to notice a server that goes round in circles.
    seen: HashSet<u64>,
    /// Hashes of the cursors and addresses that were followed.
    followed: HashSet<u64>,
    /// Records given so far.
    given: u64,
    /// See [`ListCursor::whole`].
    whole: bool,
}

#[derive(Clone, Debug)]
enum Place {
    Page(u64),
    /// Records to pass over.
    Offset(u64),
    Cursor(Option<String>),
    Link(Option<String>),
    End,
}

impl Pages {
    pub(super) fn new(op: Op, first: Call) -> Pages {
        let place = match &op.page {
            Some(p) => match p.style {
                PagingStyle::Number => Place::Page(p.start),
                PagingStyle::Offset => Place::Offset(0),
                PagingStyle::Cursor => Place::Cursor(None),
                PagingStyle::Link => Place::Link(None),
            },
            None => Place::Cursor(None),
        };
        Pages {
            op,
            first,
            place,
            seen: HashSet::new(),
            followed: HashSet::new(),
            given: 0,
            whole: false,
        }
    }

    /// The next page, maybe an empty one; `None` after the last.
    pub(super) async fn next(&mut self, rest: &Rest) -> Result<Option<ListPage>, Stop> {
        let Some(call) = self.call(rest)? else {
            return Ok(None);
        };
        let Some(body) = rest.fetch(&call).await? else {
            if self.op.kind == OpKind::Children {
                self.place = Place::End;
                return Ok(None);
            }
            return Err(rest.unexpected(&call, "status 404: there is no such list"));
        };
        let paging = self.op.page.clone();
        let (mut pages, mut total, mut onward) = (None, None, None);
        if let Some(p) = &paging {
            let count = |path: &Option<String>| member::count_at(&body, path.as_deref()?);
            pages = count(&p.total_pages);
            total = count(&p.total);
            onward = p
                .next
                .as_deref()
                .and_then(|path| member::text_at(&body, path));
        }
        let records = rest.records(&self.op, &call, body)?;
        self.circles(rest, &call, &records)?;
        if let Some(next) = &onward
            && !self.followed.insert(xxh3_64(next.as_bytes()))
        {
            return Err(rest.unexpected(
                &call,
                "its next page is one that was read before: the list goes round in circles",
            ));
        }
        let (count, empty) = (records.len() as u64, records.is_empty());
        self.given += count;
        self.place = match (&self.place, paging) {
            (Place::Page(n), Some(p)) => number(*n, &p, pages, empty),
            (Place::Offset(_), Some(_)) if empty || total.is_some_and(|t| self.given >= t) => {
                Place::End
            }
            (Place::Offset(n), Some(_)) => Place::Offset(n.saturating_add(count)),
            (Place::Cursor(_), Some(_)) => {
                onward.map_or(Place::End, |next| Place::Cursor(Some(next)))
            }
            (Place::Link(_), Some(_)) => onward.map_or(Place::End, |next| Place::Link(Some(next))),
            _ => Place::End,
        };
        if let (true, Place::End, Some(total)) = (self.whole, &self.place, total)
            && self.given < total
        {
            return Err(Stop::Damaged {
                system: rest.inner.platform.title.clone(),
                call: call.label,
                why: format!(
                    "the list ends after {} records, and the server says it has {total}",
                    self.given
                ),
            });
        }
        Ok(Some(ListPage { records, total }))
    }

    fn call(&self, rest: &Rest) -> Result<Option<Call>, Stop> {
        let mut call = self.first.clone();
        let paging = self.op.page.as_ref();
        match &self.place {
            Place::End => return Ok(None),
            Place::Link(Some(link)) => {
                call.url = rest
                    .inner
                    .base
                    .follow(&self.first.url, link)
                    .ok_or_else(|| {
                        rest.unexpected_at(
                            &label(&self.op),
                            "its next page is on another server, which is not followed",
                        )
                    })?;
                return Ok(Some(call));
            }
            Place::Page(n) => {
                if let Some(p) = paging {
                    call.ask(&p.param, &n.to_string());
                }
            }
            Place::Offset(n) => {
                if let Some(p) = paging {
                    call.ask(&p.param, &n.to_string());
                }
            }
            Place::Cursor(Some(at)) => {
                if let Some(p) = paging {
                    call.ask(&p.param, at);
                }
            }
            Place::Cursor(None) | Place::Link(None) => {}
        }
        if let Some((size, param)) = paging.and_then(|p| Some((p.size, p.size_param.as_ref()?))) {
            call.ask(param, &size.to_string());
        }
        Ok(Some(call))
    }

    /// A server that does not know the page parameter gives the first page for ever. A list with the newest first moves
    /// on while it is read: a page of it may be, record for record, the one before, and its end is told otherwise.
    fn circles(&mut self, rest: &Rest, call: &Call, records: &[Value]) -> Result<(), Stop> {
        if records.is_empty() || self.op.page.is_none() || self.op.newest_first {
            return Ok(());
        }
        if let Ok(bytes) = serde_json::to_vec(records)
            && !self.seen.insert(xxh3_64(&bytes))
        {
            return Err(rest.unexpected(
                call,
                "it gave the same page twice: the server does not turn pages as the platform file says",
            ));
        }
        Ok(())
    }
}

/// Where a list of numbered pages goes on: to the number of pages the server says, else to the first empty one.
fn number(n: u64, paging: &Paging, pages: Option<u64>, empty: bool) -> Place {
    let more = match pages {
        Some(0) | None => !empty,
        // From 0 or from 1, whatever the first page is called.
        Some(pages) => n.saturating_sub(paging.start).saturating_add(1) < pages,
    };
    if more {
        Place::Page(n.saturating_add(1))
    } else {
        Place::End
    }
}
