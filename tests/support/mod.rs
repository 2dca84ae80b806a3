//! What end-to-end tests share: a copy of an example in a folder of its own, a stand-alone sandbox, the real
//! binary, and a plain HTTP client to read the destination back.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

pub mod loaded;
pub mod file_server;
pub mod moved;
pub mod recorder;
pub mod sheet;

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary under test, in a clean environment.
pub fn transload() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_transload"));
    command
        .env_remove("RUST_LOG")
        .env("NO_COLOR", "1")
        .env("TRANSLOAD_TEST_KEY", "sandbox-key");
    command
}

/// A stand-alone sandbox; stopped when dropped.
pub struct Sandbox {
    child: Child,
    pub base: String,
    pub admin: String,
    pub key: String,
}

impl Sandbox {
    /// Serves a platform file (by name, or anywhere by its whole path) with these further arguments.
    pub fn start(platform: &str, args: &[&str]) -> Sandbox {
        let mut child = transload()
            .arg("sandbox")
            .arg(root().join("specs/platforms").join(platform))
            .args(args)
            .arg("--stop-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the sandbox starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut told = BTreeMap::new();
        for line in lines.by_ref() {
            let line = line.expect("text");
            if let Some((name, value)) = line.split_once(' ') {
                told.insert(name.to_owned(), value.trim().to_owned());
            }
            if told.contains_key("key") {
                break;
            }
        }
        let take = |name: &str| {
            told.get(name)
                .cloned()
                .unwrap_or_else(|| panic!("no {name}"))
        };
        Sandbox {
            base: take("base"),
            admin: take("admin"),
            key: take("key"),
            child,
        }
    }

    /// Stops it cleanly, so that its data file is whole.
    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends");
    }

    /// GET on the platform's API.
    pub fn get(&self, path: &str) -> Value {
        fetch(&format!("{}{path}", self.base), Some(&self.key), None).1
    }

    /// GET on the admin plane.
    pub fn admin_get(&self, path: &str) -> Value {
        fetch(&format!("{}{path}", self.admin), None, None).1
    }

    /// POST on the admin plane; gives the status too.
    pub fn admin_post(&self, path: &str, body: &Value) -> (u16, Value) {
        fetch(&format!("{}{path}", self.admin), None, Some(body))
    }

    /// A call on the platform's API as a person would cause it; fails the test when it is refused.
    pub fn person(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.base);
        let body = (!body.is_null()).then_some(body);
        let (status, answer) = fetch_with(method, &url, &self.key, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }

    /// The live records of an object by its admin name, as dumped.
    pub fn records(&self, object: &str) -> Vec<Value> {
        let dump = self.admin_get(&format!("/dump?object={object}"));
        let rows = dump[object].as_array().expect("rows").iter();
        rows.filter(|r| r["deleted"] != true).cloned().collect()
    }

    /// All records of a viewed object, through its view of live records, page by page.
    pub fn view(&self, object: &str, view_name: &str) -> Vec<Value> {
        let filters = self.get(&format!("/{object}/filters"));
        let id = filters["filters"]
            .as_array()
            .expect("filters")
            .iter()
            .find(|f| f["name"] == view_name)
            .unwrap_or_else(|| panic!("view {view_name}"))["id"]
            .clone();
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.get(&format!(
                "/{object}/view/{id}?page={page}&per_page=100&include=sales_accounts,owner"
            ));
            let rows = answer[object].as_array().expect("rows").clone();
            if rows.is_empty() {
                return all;
            }
            all.extend(rows);
        }
        all
    }

    /// Records below a parent.
    pub fn children(&self, parent: &str, id: &str, what: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.get(&format!("/{parent}/{id}/{what}?page={page}&per_page=100"));
            let rows = answer[what].as_array().expect("rows").clone();
            if rows.is_empty() {
                return all;
            }
            all.extend(rows);
        }
        all
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One call with a plain client: a key gives a GET with that key; a body makes it a POST.
pub fn fetch(url: &str, key: Option<&str>, body: Option<&Value>) -> (u16, Value) {
    let method = match body {
        Some(_) => reqwest::Method::POST,
        None => reqwest::Method::GET,
    };
    call(method, url, key, body)
}

/// One call by another method, with the key.
pub fn fetch_with(method: &str, url: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
    call(method.parse().expect("a method"), url, Some(key), body)
}

fn call(
    method: reqwest::Method,
    url: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> (u16, Value) {
    static SHARED: std::sync::OnceLock<(tokio::runtime::Runtime, reqwest::Client)> =
        std::sync::OnceLock::new();
    let (runtime, client) = SHARED.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        (runtime, client())
    });
    runtime.block_on(async {
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        if let Some(key) = key {
            request = request.header("authorization", format!("Token token={key}"));
        }
        let answer = request
            .send()
            .await
            .unwrap_or_else(|e| panic!("{url}: {e}"));
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    })
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}

/// A copy of an example, with its own ledger.
pub struct Example {
    pub folder: tempfile::TempDir,
}

impl Example {
    /// Copies `examples/NAME`; its destination becomes the sandbox at that address.
    pub fn against(name: &str, sandbox: &Sandbox) -> Example {
        Example::at(name, &sandbox.base)
    }

    /// Copies `examples/NAME`; its destination becomes the API at that address.
    pub fn at(name: &str, base: &str) -> Example {
        let example = Example::copy(name);
        example.edit(|text| {
            replace_block(
                text,
                "destination:",
                &format!(
                    "destination:\n  http: {{base: \"{}\", secret: \"env:TRANSLOAD_TEST_KEY\", calls_per_minute: 0}}\n",
                    base
                ),
            )
        });
        example
    }

    /// Copies `examples/NAME` with its in-process sandbox.
    pub fn copy(name: &str) -> Example {
        let folder = tempfile::tempdir().expect("a folder");
        copy_tree(&root().join("examples").join(name), folder.path());
        let example = Example { folder };
        let specs = root().join("specs").display().to_string();
        example.edit(|text| text.replace("specs: ../../specs", &format!("specs: {specs}")));
        example
    }

    /// Changes the migration file.
    pub fn edit(&self, change: impl FnOnce(&str) -> String) {
        let path = self.migration();
        let text = fs::read_to_string(&path).expect("migration");
        fs::write(&path, change(&text)).expect("migration");
    }

    /// Gives the example specs of its own, changed by `change` (file name, text).
    pub fn own_specs(&self, change: impl Fn(&str, String) -> String) {
        let folder = self.folder.path().join("specs");
        for kind in ["platforms", "mappings"] {
            fs::create_dir_all(folder.join(kind)).expect("folder");
            for entry in fs::read_dir(root().join("specs").join(kind)).expect("specs") {
                let path = entry.expect("entry").path();
                let name = path.file_name().expect("name").to_str().expect("text");
                let text = fs::read_to_string(&path).expect("a spec");
                fs::write(folder.join(kind).join(name), change(name, text)).expect("a spec");
            }
        }
        let shared = root().join("specs").display().to_string();
        self.edit(|text| text.replace(&format!("specs: {shared}"), "specs: specs"));
    }

    /// Changes a file of the export, byte by byte: exports are not all UTF-8.
    pub fn edit_export(&self, file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let path = self.folder.path().join("export").join(file);
        let bytes = fs::read(&path).expect("an export file");
        fs::write(&path, change(bytes)).expect("an export file");
    }

    /// What is held: (step, key, code).
    pub fn holds(&self) -> Vec<(String, String, String)> {
        let output = transload()
            .args(["holds", "list"])
            .arg(self.migration())
            .args(["--format", "json"])
            .output()
            .expect("it runs");
        let rows: Value = serde_json::from_slice(&output.stdout).expect("json");
        let text = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
        rows.as_array()
            .expect("rows")
            .iter()
            .map(|r| (text(r, "step"), text(r, "key"), text(r, "code")))
            .collect()
    }

    /// The migration file.
    pub fn migration(&self) -> PathBuf {
        self.folder.path().join("migration.yaml")
    }

    /// `transload run` with its usual flags.
    pub fn command(&self) -> Command {
        let mut command = transload();
        command.arg("run").arg(self.migration()).args([
            "--auto-approve",
            "--provision",
            "--format",
            "json",
        ]);
        command
    }

    /// Runs to the end and gives the report; fails the test on any other exit code than 0.
    pub fn run(&self) -> Value {
        let output = self.command().output().expect("it runs");
        report_of(&output)
    }
}

/// The JSON report of a finished run.
pub fn report_of(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "exit {:?}\nstdout:\n{}\nstderr:\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("a JSON report")
}

/// Fails unless a command ended with that code and exactly one message of why, which it gives.
pub fn failed_with(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout:\n{}\nstderr:\n{stderr}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|l| l.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "one message, not {errors:?} in\n{stderr}");
    // The message with the lines and the hint that belong to it.
    let at = stderr.find("error: ").unwrap_or_default();
    stderr[at..].to_owned()
}

/// An account as the example expects it, without limits unless `more` says so.
pub fn account(more: &[&str]) -> Sandbox {
    let seed = root().join("examples/allclients/sandbox.yaml");
    let mut args = vec!["--seed", seed.to_str().expect("path"), "--tier", "growth"];
    if !more.contains(&"--calls-per-minute") {
        args.extend(["--calls-per-minute", "0"]);
    }
    args.extend(more);
    Sandbox::start("freshsales.yaml", &args)
}

/// How many live records of each object an account holds.
pub fn counts(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let dump = sandbox.admin_get("/dump");
    dump.as_object()
        .expect("objects")
        .iter()
        .map(|(o, rows)| {
            let live = rows.as_array().expect("rows").iter();
            (o.clone(), live.filter(|r| r["deleted"] != true).count())
        })
        .collect()
}

/// Replaces a top-level block of a YAML file: the line that begins with `key` and all indented lines after it.
pub fn replace_block(text: &str, key: &str, with: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with(key) {
            inside = true;
            out.push_str(with);
            continue;
        }
        if inside && (line.starts_with(' ') || line.trim().is_empty()) {
            continue;
        }
        inside = false;
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folder");
    for entry in fs::read_dir(from).expect("folder") {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("name");
        if name == ".transload" {
            continue;
        }
        if path.is_dir() {
            copy_tree(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("copy");
        }
    }
}

/// The counts of a step in a report.
pub fn step<'r>(report: &'r Value, name: &str) -> &'r Value {
    report["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|s| s["step"] == name)
        .unwrap_or_else(|| panic!("no step {name}"))
}

/// A file's text: UTF-8, or windows-1252 where it is none.
pub fn text_of(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    }
}

/// The rows of a CSV file by header, decoded as windows-1252 where it is no UTF-8.
pub fn csv_rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = text_of(path);
    let semicolons = text.lines().next().is_some_and(|l| l.contains(';'));
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(if semicolons { b';' } else { b',' })
        .from_reader(text.as_bytes());
    let header: Vec<String> = reader
        .headers()
        .expect("a header")
        .iter()
        .map(|h| h.trim().to_owned())
        .collect();
    reader
        .records()
        .map(|r| r.expect("a row"))
        .filter(|r| r.len() == header.len())
        .map(|r| {
            header
                .iter()
                .cloned()
                .zip(r.iter().map(|c| c.trim().to_owned()))
                .collect()
        })
        .collect()
}
