//! A small HTTP/1.1 server that answers, hangs, hangs up and cuts short as told, and a platform to match.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use transload::{
    check::platform::lower,
    connector::rest::{Rest, RestOptions},
    diag::{Diagnostics, FileId},
    ident::ObjectId,
    platform::Platform,
    secret::Secret,
    spec::yaml,
};

pub const KEY: &str = "s3cret-k3y";

/// What a client sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub at: Instant,
    /// Requests before this one.
    pub n: usize,
}

impl Request {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn ask(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

/// What the server does about it.
#[derive(Clone, Debug)]
pub enum Reaction {
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Closes the connection without a word.
    HangUp,
    /// Says it sends more than it does.
    CutShort(String),
    /// Answers late.
    Late(Duration, Box<Reaction>),
}

pub fn json(status: u16, body: impl ToString) -> Reaction {
    let kind = ("content-type", "application/json".to_owned());
    Reaction::Answer(status, vec![kind], body.to_string())
}

pub fn with(status: u16, name: &'static str, value: impl ToString) -> Reaction {
    Reaction::Answer(status, vec![(name, value.to_string())], String::new())
}

pub fn web_page() -> Reaction {
    let kind = ("content-type", "text/html; charset=utf-8".to_owned());
    Reaction::Answer(200, vec![kind], "<html>Please sign in</html>".to_owned())
}

type React = dyn Fn(&Request) -> Reaction + Send + Sync;

pub struct Server {
    pub address: String,
    log: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(react: impl Fn(&Request) -> Reaction + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Server::on(listener, react)
    }

    pub fn on(
        listener: TcpListener,
        react: impl Fn(&Request) -> Reaction + Send + Sync + 'static,
    ) -> Server {
        let address = listener.local_addr().unwrap().to_string();
        let log = Arc::new(Mutex::new(Vec::new()));
        let react: Arc<React> = Arc::new(react);
        let task = tokio::spawn({
            let log = Arc::clone(&log);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(connection(stream, Arc::clone(&react), Arc::clone(&log)));
                }
            }
        });
        Server { address, log, task }
    }

    /// A server that gives these answers one after the other, the last one for ever.
    pub async fn script(reactions: Vec<Reaction>) -> Server {
        Server::start(move |r| reactions[r.n.min(reactions.len() - 1)].clone()).await
    }

    pub fn seen(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    pub fn rest(&self) -> Rest {
        self.rest_with(demo(""), |_| {})
    }

    pub fn rest_with(
        &self,
        platform: Arc<Platform>,
        change: impl FnOnce(&mut RestOptions),
    ) -> Rest {
        let mut options = RestOptions {
            base: Some(format!("http://{}/api", self.address)),
            secret: Some(Secret::new(KEY)),
            timeout: Duration::from_secs(5),
            ..RestOptions::default()
        };
        change(&mut options);
        Rest::new(platform, options).unwrap()
    }
}

async fn connection(mut stream: TcpStream, react: Arc<React>, log: Arc<Mutex<Vec<Request>>>) {
    let mut buffer = Vec::new();
    while let Some(mut request) = read(&mut stream, &mut buffer).await {
        let mut reaction = {
            let mut log = log.lock().unwrap();
            request.n = log.len();
            log.push(request.clone());
            react(&request)
        };
        while let Reaction::Late(wait, then) = reaction {
            tokio::time::sleep(wait).await;
            reaction = *then;
        }
        match reaction {
            Reaction::Answer(status, headers, body) => {
                let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    text.push_str(&format!("{name}: {value}\r\n"));
                }
                text.push_str("\r\n");
                text.push_str(&body);
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reaction::CutShort(body) => {
                let text = format!("HTTP/1.1 200 X\r\ncontent-length: 9999\r\n\r\n{body}");
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            _ => return,
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(buffer[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: BTreeMap<_, _> = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |l| l.parse().unwrap());
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(buffer[head..head + length].to_vec()).unwrap();
    buffer.drain(..head + length);
    let url = url::Url::parse(&format!("http://x{target}")).unwrap();
    Some(Request {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers,
        body,
        at: Instant::now(),
        n: 0,
    })
}

pub const CONTACT: ObjectId = ObjectId(0);
pub const TASK: ObjectId = ObjectId(1);
pub const NOTE: ObjectId = ObjectId(2);
pub const DOCUMENT: ObjectId = ObjectId(3);
pub const EVENT: ObjectId = ObjectId(4);
pub const VISIT: ObjectId = ObjectId(5);

/// The platform of these tests; `limits` replaces its limits.
pub fn demo(limits: &str) -> Arc<Platform> {
    let limits = if limits.is_empty() {
        "retry: {status: [429, 503], tries: 3, wait: 10ms, wait_max: 40ms}"
    } else {
        limits
    };
    let text = format!(
        r#"
spec: platform/v1
platform: demo
title: Demo CRM
checked: "2026-01-01"
tiers: [small, large]
connect:
  http:
    base: "https://{{account}}/api"
    mount: /api
    params: {{account: {{type: text}}}}
    auth: {{header: authorization, value: "Token token={{secret}}"}}
    headers: {{accept: application/json}}
    probe: /me
    zone: "-06:00"
limits:
  {limits}
answers:
  messages: errors.message
custom_fields:
  prefix: cf_
  at: custom_field
  naming: snake
  create: by_hand
  describe: {{records: fields, name: name, label: label, type: type, choices: choices.value, required: required, standard: default}}
  types: {{text: {{vendor: text}}}}
objects:
  contact:
    path: contacts
    wrap: contact
    view_name: All Contacts
    ops:
      get: {{get: "/contacts/{{id}}", record: contact}}
      list:
        get: "/contacts/view/{{view}}"
        records: contacts
        view: {{get: /contacts/filters, records: filters, name: "{{view_name}}"}}
        query: {{sort: updated_at}}
        page: {{style: number, param: page, size_param: per_page, size: 3, start: 1, total_pages: meta.total_pages, total: meta.total}}
      create: {{post: /contacts, wrap: contact, record: contact}}
      update: {{put: "/contacts/{{id}}", wrap: contact, record: contact}}
      delete: {{delete: "/contacts/{{id}}", soft: true}}
      restore: {{put: "/contacts/{{id}}/restore"}}
      upsert: {{post: /contacts/upsert, wrap: contact, record: contact, key_at: unique_identifier, keys: {{emails: email}}}}
      bulk_upsert:
        post: /contacts/bulk_upsert
        records: contacts
        size: 100
        keys: {{emails: email}}
        data: data
        job: {{url: job_status_url, get: "/jobs/{{job}}", status: status, done: [completed], failed: [failed]}}
      lookup: {{get: /lookup, query: {{q: "{{value}}", f: "{{key}}"}}, keys: {{email: email}}, records: contacts.contacts}}
    keys: [{{by: [email]}}]
    custom: {{get: /settings/contacts/fields}}
    views: [{{id: 301, name: All Contacts, of: live}}]
    fields:
      id: {{type: id}}
      name: {{type: text}}
      email: {{type: email, unique: true}}
  task:
    path: tasks
    ops:
      list: {{get: /tasks, records: tasks, query: {{filter: "{{filter}}"}}, each: {{filter: [open, completed]}}, page: {{style: number, param: page, size_param: per_page, size: 2, start: 1}}}}
    filters: {{open: {{done: "false"}}, completed: {{done: "true"}}}}
    fields:
      id: {{type: id}}
      done: {{type: bool}}
  note:
    path: notes
    wrap: note
    ops:
      create: {{post: /notes, wrap: note, record: note}}
      children: {{get: "/{{parent}}/{{parent_id}}/notes", records: notes, of: about, parents: {{contact: contacts}}, page: {{style: number, param: page, size_param: per_page, size: 2, start: 1, total_pages: meta.total_pages}}}}
    fields:
      id: {{type: id}}
      about: {{type: ref, to: [contact], path: contact_id}}
  document:
    path: documents
    ops:
      create: {{post: /documents, multipart: true}}
    fields:
      id: {{type: id}}
      title: {{type: text}}
  event:
    path: events
    ops:
      list: {{get: /events, records: data, page: {{style: cursor, param: after, size_param: limit, size: 2, next: paging.next}}}}
    fields:
      id: {{type: id}}
  visit:
    path: visits
    ops:
      list: {{get: /visits, records: data, page: {{style: link, param: page, size: 2, next: links.next}}}}
    fields:
      id: {{type: id}}
"#
    );
    let mut diags = Diagnostics::default();
    let tree = yaml::parse(FileId(0), &text, &mut diags).unwrap();
    let platform = lower(&tree.root, &mut diags).unwrap();
    let faults: Vec<_> = diags.sorted().iter().map(|d| d.message.clone()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    Arc::new(platform)
}

/// Fails the test instead of hanging it.
pub async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work)
        .await
        .expect("done within 30 s")
}
