//! A server that shares nothing with the engine: it answers over plain sockets what a test tells it, and a migration
//! that reads it into files.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// What the migration sends as its key.
pub const KEY: &str = "k3y-of-the-shop-42";

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// Of the query and of a posted form.
    params: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    /// Calls of the same path before it.
    pub n: usize,
    at: Instant,
}

impl Call {
    pub fn asked(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What comes back.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    /// Says that more comes than does.
    short: bool,
    late: Duration,
    /// A cursor to put into an address of this server.
    next: Option<String>,
}

impl Answer {
    fn new(status: u16, body: String) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body,
            short: false,
            late: Duration::ZERO,
            next: None,
        }
    }

    pub fn status(status: u16) -> Answer {
        Answer::new(status, String::new())
    }

    pub fn text(body: &str) -> Answer {
        Answer::new(200, body.to_owned()).header("content-type", "application/json")
    }

    pub fn html(body: &str) -> Answer {
        Answer::new(200, body.to_owned()).header("content-type", "text/html")
    }

    pub fn cut_short() -> Answer {
        Answer {
            short: true,
            ..Answer::text("{\"count\": 1, \"resul")
        }
    }

    /// A page of records with these ids and a whole address with this cursor.
    pub fn page(count: usize, ids: &[u32], next: Option<&str>) -> Answer {
        let rows: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        let body = json!({"count": count, "next": null, "previous": null, "results": rows});
        Answer {
            next: next.map(str::to_owned),
            ..Answer::text(&body.to_string())
        }
    }

    /// The only page, of records with names.
    pub fn named(rows: &[(u32, &str)]) -> Answer {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(id, name)| json!({"id": id, "name": name}))
            .collect();
        Answer::text(&json!({"count": rows.len(), "next": null, "results": rows}).to_string())
    }

    pub fn link(count: usize, ids: &[u32], next: &str) -> Answer {
        let rows: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        Answer::text(&json!({"count": count, "next": next, "results": rows}).to_string())
    }

    /// With the address of a further page with this cursor.
    pub fn then(mut self, cursor: &str) -> Answer {
        self.next = Some(cursor.to_owned());
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn late(mut self, by: Duration) -> Answer {
        self.late = by;
        self
    }
}

type React = dyn Fn(&Call) -> Answer + Send + Sync;

/// The server and the migration that reads it.
pub struct Shop {
    folder: tempfile::TempDir,
    log: Arc<Mutex<Vec<Call>>>,
}

const LAKE: &str = r#"
spec: platform/v1
platform: lake
checked: "2026-08-20"
connect: {files: {encoding: utf-8}}
objects:
  person:
    rows: {file: people.jsonl, key: [id]}
    fields: {id: {type: id, required: true}}
  firm:
    rows: {file: firms.jsonl, key: [id]}
    fields: {id: {type: id, required: true}}
"#;

const LINKED: &str = r#"
spec: platform/v1
platform: shop
checked: "2026-08-20"
connect: {http: {base: "https://shop.example/api", auth: {value: "Token {secret}"}, headers: {accept: "*/*; version=2"}}}
limits: {retry: {status: [429, 500, 502, 503, 504], tries: 3, wait: 10ms, wait_max: 40ms}}
shapes:
  listed: {list: {get: "/{path}", records: results, page: {style: link, param: cursor, total: count, next: next}}}
objects:
  person:
    path: people
    ops: {use: listed}
    fields: {id: {type: id}}
"#;

const FIRM: &str =
    "  firm:\n    path: firms\n    ops: {use: listed}\n    fields: {id: {type: id}}\n";

const POSTED: &str = r#"
spec: platform/v1
platform: shop
checked: "2026-08-20"
connect: {http: {base: "https://shop.example/api", params: {account: {type: text}}, auth: {form: apikey}, form: {accountid: "{account}", response_type: json}}}
limits: {retry: {status: [503], tries: 3, wait: 10ms, wait_max: 40ms}}
answers: {error: results.error, denied: [authentication failed]}
objects:
  person:
    ops: {list: {post: /GetPeople, records: results.people, page: {style: offset, param: offset, size_param: size, size: 2}}}
    fields: {id: {type: id}}
"#;

const MAPPING: &str = r#"
spec: mapping/v1
source: shop
destination: lake
objects:
  person: {from: person, to: person, absent: create, fields: {id: id}}
"#;

impl Shop {
    /// A server whose lists are linked pages of `/people`.
    pub fn start(react: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Shop {
        Shop::serve(LINKED, "", react)
    }

    /// A server of posted forms.
    pub fn forms(react: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Shop {
        Shop::serve(POSTED, ", params: {account: \"42\"}", react)
    }

    fn serve(
        platform: &str,
        more: &str,
        react: impl Fn(&Call) -> Answer + Send + Sync + 'static,
    ) -> Shop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("address"));
        let folder = tempfile::tempdir().expect("a folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folder");
            fs::write(path, text.trim_start()).expect("a file");
        };
        put("specs/platforms/shop.yaml", platform);
        put("specs/platforms/lake.yaml", LAKE);
        put("specs/mappings/shop--lake.yaml", MAPPING);
        put(
            "migration.yaml",
            &format!(
                "spec: migration/v1\nmapping: shop--lake\n\
                 source: {{http: {{base: \"{origin}/api\", secret: env:SHOP_KEY{more}}}}}\n\
                 destination: {{folder: out}}\n"
            ),
        );
        let log = Arc::new(Mutex::new(Vec::new()));
        let react: Arc<React> = Arc::new(react);
        thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for stream in listener.incoming().flatten() {
                    let (react, log, origin) =
                        (Arc::clone(&react), Arc::clone(&log), origin.clone());
                    thread::spawn(move || connection(stream, &react, &log, &origin));
                }
            }
        });
        Shop { folder, log }
    }

    /// Firms are read, too.
    pub fn also_firms(&self) {
        let add = |path: &str, text: &str| {
            let path = self.folder.path().join(path);
            let before = fs::read_to_string(&path).expect("a spec");
            fs::write(path, format!("{before}{text}")).expect("a spec");
        };
        add("specs/platforms/shop.yaml", FIRM);
        add(
            "specs/mappings/shop--lake.yaml",
            "  firm: {from: firm, to: firm, absent: create, fields: {id: id}}\n",
        );
    }

    pub fn edit_platform(&self, change: impl FnOnce(&str) -> String) {
        self.edit("specs/platforms/shop.yaml", change);
        let lake = "fields: {id: {type: id, required: true}}";
        self.edit("specs/platforms/lake.yaml", |text| {
            text.replace(
                lake,
                "fields: {id: {type: id, required: true}, name: {type: text}}",
            )
        });
    }

    pub fn edit_mapping(&self, change: impl FnOnce(&str) -> String) {
        self.edit("specs/mappings/shop--lake.yaml", change);
    }

    /// Adds keys to the connection of the source.
    pub fn connect(&self, keys: &str) {
        self.edit("migration.yaml", |text| {
            text.replace(
                "secret: env:SHOP_KEY",
                &format!("secret: env:SHOP_KEY, {keys}"),
            )
        });
    }

    fn edit(&self, path: &str, change: impl FnOnce(&str) -> String) {
        let path = self.folder.path().join(path);
        let before = fs::read_to_string(&path).expect("a spec");
        let after = change(&before);
        assert_ne!(before, after, "nothing changed");
        fs::write(path, after).expect("a spec");
    }

    /// When each call came.
    pub fn times(&self) -> Vec<Instant> {
        self.log.lock().expect("log").iter().map(|c| c.at).collect()
    }

    /// The people that were loaded.
    pub fn rows(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("out/people.jsonl")).expect("people");
        text.lines()
            .map(|l| serde_json::from_str(l).expect("json"))
            .collect()
    }

    /// Where the migration keeps its own files.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join(".transload")
    }

    pub fn command(&self, more: &[&str]) -> Command {
        let mut command = super::transload();
        command
            .arg("extract")
            .arg(self.folder.path().join("migration.yaml"))
            .args(["--format", "json"])
            .args(more)
            .env("SHOP_KEY", KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `transload extract`.
    pub fn extract(&self, more: &[&str]) -> Output {
        self.command(more).output().expect("it runs")
    }

    /// The ids of people that a run loads from what was extracted, without a call.
    pub fn loaded(&self) -> Vec<u64> {
        let before = self.calls();
        let output = super::transload()
            .arg("run")
            .arg(self.folder.path().join("migration.yaml"))
            .args(["--auto-approve", "--format", "json"])
            .env("SHOP_KEY", KEY)
            .output()
            .expect("it runs");
        super::report_of(&output);
        assert_eq!(self.calls(), before, "a run reads what was extracted");
        let text = fs::read_to_string(self.folder.path().join("out/people.jsonl")).expect("people");
        text.lines()
            .map(|l| {
                let record: Value = serde_json::from_str(l).expect("json");
                record["id"]
                    .as_u64()
                    .or_else(|| record["id"].as_str()?.parse().ok())
                    .expect("id")
            })
            .collect()
    }

    pub fn calls(&self) -> usize {
        self.log.lock().expect("log").len()
    }

    pub fn calls_of(&self, path: &str) -> usize {
        let log = self.log.lock().expect("log");
        log.iter().filter(|c| c.path == path).count()
    }
}

fn connection(stream: TcpStream, react: &Arc<React>, log: &Mutex<Vec<Call>>, origin: &str) {
    let Ok(mut out) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some(mut call) = read(&mut reader) {
        {
            let mut log = log.lock().expect("log");
            call.n = log.iter().filter(|c| c.path == call.path).count();
            log.push(call.clone());
        }
        let mut answer = react(&call);
        thread::sleep(answer.late);
        if let Some(cursor) = &answer.next {
            let mut body: Value = serde_json::from_str(&answer.body).expect("a page");
            body["next"] = format!("{origin}{}?cursor={cursor}", call.path).into();
            answer.body = body.to_string();
        }
        let length = answer.body.len() + if answer.short { 100 } else { 0 };
        let mut text = format!(
            "HTTP/1.1 {} X\r\ncontent-length: {length}\r\n",
            answer.status
        );
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&answer.body);
        if out.write_all(text.as_bytes()).is_err() || answer.short {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |l| l.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let url = url::Url::parse(&format!("http://x{target}")).expect("a target");
    let mut params: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    params.extend(url::form_urlencoded::parse(&body).into_owned());
    Some(Call {
        method,
        path: url.path().to_owned(),
        params,
        headers,
        n: 0,
        at: Instant::now(),
    })
}

/// A GET by a plain client: status and body.
pub fn get(base: &str, path: &str, key: &str, accept: &str) -> (u16, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let answer = client
            .get(format!("{base}{path}"))
            .header("authorization", key)
            .header("accept", accept)
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    })
}
