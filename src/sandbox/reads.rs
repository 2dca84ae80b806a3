//! Reading calls of the simulated API: lists through views or filters, single records, lookups by key, children of
//! a record, and field descriptions.

use super::{
    answer::{Reply, fill_places},
    coerce, render,
    shape::{key_text, put},
    store::{Order, Query, Record},
    world::{Inside, World},
};
use crate::{
    ident::ObjectId,
    platform::{Op, OpKind, Paging, PagingStyle},
};
use serde_json::{Map, Value};

/// Query parameters as sent.
pub(super) type Params = Vec<(String, String)>;

/// What a list was asked: its parameters, and the path it was called by.
pub(super) type Asked<'a> = (&'a Params, &'a str);

/// Page size where the platform file says nothing.
const PAGE: u64 = 100;

/// The value of a query parameter.
pub(super) fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.as_str())
}

/// A page of a listing: where it starts, its size, and how many pages there are.
pub(super) struct Slice {
    /// Records before it.
    pub offset: u64,
    /// Most records in it.
    pub limit: u64,
    pages: Box<dyn Fn(u64) -> u64>,
}

impl World {
    /// The words of the include parameter.
    pub(super) fn include<'a>(&self, params: &'a Params) -> render::Words<'a> {
        self.asked(params, "include")
            .map(|v| v.split(',').map(str::trim).collect())
            .unwrap_or_default()
    }

    fn asked<'a>(&self, params: &'a Params, what: &str) -> Option<&'a str> {
        let (_, name) = self.rules.http.asks.iter().find(|(w, _)| w == what)?;
        param(params, name)
    }

    /// `list`: all records, or those of a view or filter.
    pub(super) fn list(
        &self,
        inside: &mut Inside,
        object: ObjectId,
        op: &Op,
        view: &str,
        asked: Asked<'_>,
    ) -> rusqlite::Result<Reply> {
        let params = asked.0;
        let def = self.rules.object(object);
        let mut deleted = false;
        if op.view.is_some() {
            match def.views.iter().find(|v| v.0.to_string() == view) {
                Some((_, _, of_deleted)) => deleted = *of_deleted,
                None => return Ok(Reply::case(&self.rules.http, "forbidden", &[])),
            }
        }
        let mut entry = None;
        for (name, values) in &op.each {
            // Without a filter the first one holds.
            let word = param(params, name)
                .or_else(|| values.first().map(String::as_str))
                .unwrap_or("");
            if !def.filters.iter().any(|(f, _)| f == word) {
                let says = format!("{name} `{word}` is not known");
                return Ok(Reply::case(&self.rules.http, "refused", &[says]));
            }
            entry = Some(self.rules.filter_entry(word));
        }
        self.page(inside, object, op, asked, deleted, entry)
    }

    /// `children`: the records that point to a parent.
    pub(super) fn children(
        &self,
        inside: &mut Inside,
        object: ObjectId,
        op: &Op,
        parent: (ObjectId, i64),
        asked: Asked<'_>,
    ) -> rusqlite::Result<Reply> {
        if let Some(form) = self.rules.object(object).membership {
            return self.members(inside, (object, form), op, parent, asked.0);
        }
        let there = inside.store.get(parent.0, parent.1)?;
        let (Some(of), true) = (op.of, there.is_some_and(|r| !r.deleted)) else {
            return Ok(Reply::gone(&self.rules.http));
        };
        let field = &self.rules.object(object).fields[of.ix()].name;
        let entry = self.rules.link_entry(field, parent.0, parent.1);
        self.page(inside, object, op, asked, false, Some(entry))
    }

    fn page(
        &self,
        inside: &mut Inside,
        object: ObjectId,
        op: &Op,
        asked: Asked<'_>,
        deleted: bool,
        entry: Option<(String, String)>,
    ) -> rusqlite::Result<Reply> {
        let params = asked.0;
        let slice = slice(
            op.page.as_ref(),
            params,
            inside.quirks.is("short_pages", "some"),
        );
        let query = Query {
            deleted,
            entry,
            since: self.changed_since(op, params),
            order: self.order(object, params),
            desc: self
                .asked(params, "direction")
                .is_some_and(|d| d.eq_ignore_ascii_case("desc")),
            offset: slice.offset,
            limit: slice.limit,
        };
        let (records, total) = inside.store.list(object, &query)?;
        let mut out = Map::new();
        let rows = self.rows(inside, object, &records, &self.include(params))?;
        let Some(path) = &op.records else {
            return Ok(Reply::json(op.status, &rows));
        };
        // The records come first: published clients take the first member for them.
        put(&mut out, path, rows);
        for (name, list) in render::beside(
            &self.rules,
            &inside.store,
            object,
            &records,
            &self.include(params),
        )? {
            out.entry(name).or_insert(list);
        }
        if let Some(page) = &op.page {
            totals(&mut out, Some(page), &slice, total);
            if let Some(path) = &page.next {
                let end = slice.offset.saturating_add(slice.limit);
                let more = end < total && slice.limit > 0;
                let next = more.then(|| self.onward(page, asked, end));
                put(&mut out, path, next.unwrap_or(Value::Null));
            }
            if let Some(path) = &page.previous {
                let before = slice.offset.saturating_sub(slice.limit);
                let previous = (slice.offset > 0).then(|| self.onward(page, asked, before));
                put(&mut out, path, previous.unwrap_or(Value::Null));
            }
        }
        Ok(Reply::object(op.status, out))
    }

    /// The cursor or address of the page that begins there.
    fn onward(&self, page: &Paging, (params, path): Asked<'_>, at: u64) -> Value {
        if page.style == PagingStyle::Cursor {
            return at.to_string().into();
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in params.iter().filter(|(n, _)| *n != page.param) {
            query.append_pair(name, value);
        }
        query.append_pair(&page.param, &at.to_string());
        format!(
            "{}{}{}?{}",
            self.origin,
            self.rules.http.mount.trim_end_matches('/'),
            path,
            query.finish()
        )
        .into()
    }

    /// The moment since which records are asked for, in milliseconds.
    fn changed_since(&self, op: &Op, params: &Params) -> Option<i64> {
        let rule = op.since.as_ref()?;
        let text = param(params, &rule.param)?;
        let civil = |t: jiff::civil::DateTime| t.to_zoned(self.rules.zone.clone()).ok();
        let read = match &rule.format {
            None => text.parse().ok(),
            Some(format) => jiff::civil::DateTime::strptime(format, text)
                .ok()
                .or_else(|| {
                    let day = jiff::civil::Date::strptime(format, text).ok()?;
                    Some(day.at(0, 0, 0, 0))
                })
                .and_then(civil)
                .map(|z| z.timestamp()),
        };
        read.map(|t: jiff::Timestamp| t.as_millisecond())
    }

    /// Records in wire form, as a list.
    pub(super) fn rows(
        &self,
        inside: &Inside,
        object: ObjectId,
        records: &[Record],
        include: &render::Words<'_>,
    ) -> rusqlite::Result<Value> {
        let rows = records
            .iter()
            .map(|r| {
                render::record(&self.rules, &inside.store, object, r, include).map(Value::Object)
            })
            .collect::<rusqlite::Result<_>>()?;
        Ok(Value::Array(rows))
    }

    fn order(&self, object: ObjectId, params: &Params) -> Order {
        use super::shape::Setting;
        let Some(asked) = self.asked(params, "sort") else {
            return Order::Id;
        };
        let def = self.rules.object(object);
        let Some(at) = def.fields.iter().position(|f| f.path == asked) else {
            return Order::Id;
        };
        match (
            &self.rules.shapes[object.ix()].set[at],
            def.fields[at].data_type,
        ) {
            (Setting::Created, _) => Order::Created,
            (Setting::Updated, _) => Order::Updated,
            (_, crate::value::Type::Id) => Order::Id,
            _ => Order::Field(def.fields[at].name.clone()),
        }
    }

    /// `get`: one live record.
    pub(super) fn get(
        &self,
        inside: &Inside,
        object: ObjectId,
        op: &Op,
        id: i64,
        params: &Params,
    ) -> rusqlite::Result<Reply> {
        match inside.store.get(object, id)?.filter(|r| !r.deleted) {
            None => Ok(Reply::gone(&self.rules.http)),
            Some(record) => self.single(inside, object, op, op.status, &record, params),
        }
    }

    /// An answer with one record.
    pub(super) fn single(
        &self,
        inside: &Inside,
        object: ObjectId,
        op: &Op,
        status: u16,
        record: &Record,
        params: &Params,
    ) -> rusqlite::Result<Reply> {
        let include = self.include(params);
        let map = render::record(&self.rules, &inside.store, object, record, &include)?;
        let Some(path) = &op.record else {
            return Ok(Reply::object(status, map));
        };
        let mut out = Map::new();
        put(&mut out, path, Value::Object(map));
        let one = std::slice::from_ref(record);
        for (name, list) in render::beside(&self.rules, &inside.store, object, one, &include)? {
            out.entry(name).or_insert(list);
        }
        Ok(Reply::object(status, out))
    }

    /// The views of a list.
    pub(super) fn views(&self, object: ObjectId, records: &str) -> Reply {
        let rows: Vec<Value> = self
            .rules
            .object(object)
            .views
            .iter()
            .enumerate()
            .map(|(at, (id, name, _))| {
                let mut row = Map::new();
                row.insert("id".to_owned(), (*id).into());
                row.insert("name".to_owned(), name.clone().into());
                row.insert("is_default".to_owned(), (at == 0).into());
                Value::Object(row)
            })
            .collect();
        let mut out = Map::new();
        put(&mut out, records, Value::Array(rows));
        Reply::object(200, out)
    }

    /// `lookup`: live records by the exact value of a key. Operations of several objects may share the path; all
    /// that the parameters name answer.
    pub(super) fn lookup(
        &self,
        inside: &mut Inside,
        ops: &[(ObjectId, &Op)],
        params: &Params,
        now: i64,
    ) -> rusqlite::Result<Reply> {
        let mut out = Map::new();
        let mut answered = false;
        for (object, op) in ops {
            let named = |place: &str| {
                op.query
                    .iter()
                    .find(|(_, v)| v == place)
                    .and_then(|(name, _)| param(params, name))
            };
            let meant = op
                .query
                .iter()
                .filter(|(_, v)| !v.starts_with('{'))
                .all(|(name, v)| {
                    param(params, name).is_some_and(|sent| sent.split(',').any(|s| s.trim() == v))
                });
            if !meant {
                continue;
            }
            answered = true;
            let value = named("{value}").unwrap_or("");
            let key = named("{key}").or_else(|| op.keys.first().map(|k| k.0.as_str()));
            let def = self.rules.object(*object);
            let name = key.and_then(|key| match op.keys.iter().find(|(wire, _)| wire == key) {
                Some((_, id)) => Some(def.fields[id.ix()].name.clone()),
                None => inside
                    .store
                    .custom(*object)
                    .iter()
                    .find(|c| c.name == key)
                    .map(|c| c.name.clone()),
            });
            let Some(name) = name else {
                let says = format!("{} cannot be looked up", key.unwrap_or(""));
                return Ok(Reply::case(&self.rules.http, "refused", &[says]));
            };
            let lag = if op.lags {
                inside.quirks.span("search_lag")
            } else {
                std::time::Duration::ZERO
            };
            let until = now - i64::try_from(lag.as_millis()).unwrap_or(0);
            let mut records = Vec::new();
            if !value.trim().is_empty() {
                let wanted = key_text(&Value::String(value.to_owned()));
                for id in inside.store.find(*object, &name, &wanted, false)? {
                    let found = inside.store.get(*object, id)?;
                    records.extend(found.filter(|r| r.created <= until));
                }
            }
            let total = records.len() as u64;
            let slice = slice(op.page.as_ref(), params, false);
            let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            let records: Vec<Record> = records
                .into_iter()
                .skip(whole(slice.offset))
                .take(whole(slice.limit))
                .collect();
            // No references that need an include: a lookup does not carry them.
            let rows = self.rows(inside, *object, &records, &Vec::new())?;
            match &op.records {
                Some(path) => put(&mut out, path, rows),
                None => return Ok(Reply::json(op.status, &rows)),
            }
            totals(&mut out, op.page.as_ref(), &slice, total);
        }
        if !answered {
            let says = "nothing is named that could be looked up".to_owned();
            return Ok(Reply::case(&self.rules.http, "refused", &[says]));
        }
        Ok(Reply::object(200, out))
    }

    /// The state of a bulk job.
    pub(super) fn job(&self, inside: &Inside, id: i64) -> rusqlite::Result<Reply> {
        let Some(job) = inside.store.job(id)? else {
            return Ok(Reply::gone(&self.rules.http));
        };
        let op = self.rules.object(job.object).op(OpKind::BulkUpsert);
        let Some(form) = op.and_then(|op| op.job.as_ref()) else {
            return Ok(Reply::gone(&self.rules.http));
        };
        let word = if job.results.is_some() {
            form.done.first()
        } else {
            form.running.as_ref()
        };
        let mut out = Map::new();
        put(
            &mut out,
            &form.status,
            word.cloned().unwrap_or_default().into(),
        );
        let moment = |ms: i64| -> Value {
            let t = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
            coerce::moment(t, None, &self.rules.zone).into()
        };
        if let Some(Value::Object(rest)) = &form.answer {
            let places = [
                (
                    "{progress}",
                    Value::from(if job.results.is_some() { 100 } else { 0 }),
                ),
                ("{created_at}", moment(job.created)),
                ("{updated_at}", moment(job.updated)),
            ];
            for (name, value) in rest {
                out.insert(name.clone(), fill_places(value, &places));
            }
        }
        if let Some(path) = &form.rows {
            put(&mut out, path, job.results.unwrap_or(Value::Null));
        }
        Ok(Reply::object(200, out))
    }
}

/// The numbers of pages and records, where the answer carries them.
pub(super) fn totals(
    out: &mut Map<String, Value>,
    page: Option<&Paging>,
    slice: &Slice,
    total: u64,
) {
    if let Some(path) = page.and_then(|p| p.total_pages.as_ref()) {
        put(out, path, (slice.pages)(total).into());
    }
    if let Some(path) = page.and_then(|p| p.total.as_ref()) {
        put(out, path, total.into());
    }
}

/// Which records a page holds. In `short` mode every second page holds one record less.
pub(super) fn slice(page: Option<&Paging>, params: &Params, short: bool) -> Slice {
    let Some(page) = page else {
        return Slice {
            offset: 0,
            limit: u64::MAX,
            pages: Box::new(|_| 1),
        };
    };
    let largest = if page.size == 0 {
        PAGE
    } else {
        page.size as u64
    };
    let size = page
        .size_param
        .as_ref()
        .and_then(|name| param(params, name))
        .and_then(|v| v.parse::<u64>().ok())
        .unwrap_or_else(|| page.default_size.map_or(largest, |n| n as u64))
        .min(largest);
    let asked = param(params, &page.param).and_then(|v| v.parse::<u64>().ok());
    if page.style != PagingStyle::Number {
        return Slice {
            offset: asked.unwrap_or(0),
            limit: size,
            pages: Box::new(move |total| total.div_ceil(size.max(1))),
        };
    }
    let n = asked.unwrap_or(page.start).saturating_sub(page.start);
    let short = short && size > 1;
    let start = move |n: u64| n.saturating_mul(size) - if short { n / 2 } else { 0 };
    Slice {
        offset: start(n),
        limit: if short && n % 2 == 1 { size - 1 } else { size },
        pages: Box::new(move |total| {
            if size == 0 || total == 0 {
                return 0;
            }
            let mut pages = total.div_ceil(size);
            while start(pages) < total {
                pages += 1;
            }
            pages
        }),
    }
}
