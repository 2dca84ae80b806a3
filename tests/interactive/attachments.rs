//! INT-08, files behind web addresses: read from allowed hosts only, sent once, compared with their copies.

use crate::support::{
    Example, Sandbox,
    file_server::{FileServer, Habit},
    report_of, root, step, transload,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

/// A sandbox and an example with two contacts and these attachments: id, name, and where the file is.
fn world(
    attachments: &[(&str, &str, String)],
    settings: &str,
    more: &[&str],
) -> (Sandbox, Example) {
    let seed = root().join("examples/interactive/sandbox.yaml");
    let mut args = vec!["--seed", seed.to_str().expect("path"), "--tier", "pro"];
    args.extend(["--calls-per-minute", "0"]);
    args.extend(more);
    let sandbox = Sandbox::start("freshsales.yaml", &args);
    let example = Example::against("interactive", &sandbox);
    let first = |rows: usize| {
        move |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("text");
            let kept: Vec<&str> = text.lines().take(rows + 1).collect();
            format!("{}\n", kept.join("\n")).into_bytes()
        }
    };
    example.edit_export("contacts.csv", first(2));
    for file in [
        "companies.csv",
        "contact_companies.csv",
        "deals.csv",
        "engagements.csv",
        "notes.csv",
    ] {
        example.edit_export(file, first(0));
    }
    example.edit_export("attachments.csv", |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        let mut out = format!("{}\n", text.lines().next().expect("a header"));
        for (id, name, file) in attachments {
            // What the export says about the size is a lie for some of them: the bytes count.
            out.push_str(&format!(
                "{id},ct-1001,{name},24,{file},2024-05-06T07:08:09Z\n"
            ));
        }
        out.into_bytes()
    });
    example.own_specs(|name, text| match name {
        "interactive.yaml" => {
            format!("{text}\nlimits: {{retry: {{tries: 3, wait: 50ms, wait_max: 200ms}}}}\n")
        }
        _ => text,
    });
    example.edit(|text| {
        format!(
            "{}\napprove: none\n{settings}\n",
            text.replace("max_share: \"30%\"", "max_share: \"100%\"")
        )
    });
    (sandbox, example)
}

fn allow(server: &FileServer, more: &str) -> String {
    format!(
        "attachments: {{hosts: {{\"{}\": {{internal: true{more}}}}}, timeout: 2s}}",
        server.host
    )
}

/// Code and words of held attachments by key.
fn held(example: &Example) -> BTreeMap<String, (String, String)> {
    let output = transload()
        .args(["holds", "list", "--step", "attachment", "--format", "json"])
        .arg(example.migration())
        .output()
        .expect("it runs");
    let rows: Value = serde_json::from_slice(&output.stdout).expect("json");
    let text = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
    rows.as_array()
        .expect("rows")
        .iter()
        .map(|r| (text(r, "key"), (text(r, "code"), text(r, "words"))))
        .collect()
}

/// The documents of the account by their name.
fn documents(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    let all = sandbox.records("document");
    let named: BTreeMap<String, Value> = all
        .iter()
        .map(|d| {
            (
                d["fields"]["name"].as_str().expect("a name").to_owned(),
                d["fields"]["file"].clone(),
            )
        })
        .collect();
    assert_eq!(named.len(), all.len(), "no document twice: {all:?}");
    named
}

fn gives(body: &[u8]) -> Habit {
    Habit::Gives(
        vec![("content-type", "application/pdf".to_owned())],
        body.to_vec(),
    )
}

fn run(example: &Example) -> Value {
    report_of(
        &example
            .command()
            .env("FILES_KEY", "k-123")
            .output()
            .expect("it runs"),
    )
}

#[test]
fn files_are_read_from_allowed_hosts_only_and_never_larger_than_they_may_be() {
    let stranger = FileServer::start(&[("/x", gives(b"not for us"))]);
    let named = Habit::Gives(
        vec![
            ("content-type", "application/pdf".to_owned()),
            (
                "content-disposition",
                "attachment; filename=\"../../offer \u{1}1.pdf\"".replace('\u{1}', ""),
            ),
        ],
        b"%PDF one".to_vec(),
    );
    let page = Habit::Gives(
        vec![("content-type", "text/html".to_owned())],
        b"<p>Sign in</p>".to_vec(),
    );
    let turns = vec![
        Habit::Refuses(503),
        Habit::Cuts { says: 9, gives: 4 },
        gives(b"%PDF three"),
    ];
    let server = FileServer::start(&[
        ("/ok", named),
        ("/moved", Habit::Sends("/two.pdf?sig=abc".to_owned())),
        ("/two.pdf", gives(b"%PDF two")),
        ("/flaky", Habit::Turns(turns)),
        ("/away", Habit::Sends(stranger.url("/x"))),
        (
            "/inside",
            Habit::Sends("http://169.254.169.254/latest".to_owned()),
        ),
        ("/round", Habit::Sends("/round".to_owned())),
        (
            "/large",
            Habit::Cuts {
                says: 26_000_000,
                gives: 1000,
            },
        ),
        ("/pours", Habit::Pours(26_000_000)),
        (
            "/short",
            Habit::Cuts {
                says: 5000,
                gives: 10,
            },
        ),
        (
            "/long",
            Habit::Overflows {
                says: 10,
                gives: 5000,
            },
        ),
        ("/page", page),
        ("/sleeps", Habit::Sleeps),
        ("/refused", Habit::Refuses(403)),
    ]);
    let (_, port) = server.host.split_once(':').expect("a port");
    let rows: Vec<(&str, &str, String)> = vec![
        ("a-ok", "one.pdf", server.url("/ok")),
        ("a-moved", "two.pdf", server.url("/moved")),
        ("a-flaky", "three.pdf", server.url("/flaky")),
        ("a-long", "long.pdf", server.url("/long")),
        ("a-local", "offer 1.txt", "files/offer 1.txt".to_owned()),
        ("b-away", "away", server.url("/away")),
        ("b-inside", "inside", server.url("/inside")),
        ("b-stranger", "stranger", stranger.url("/x?token=geheim")),
        ("b-ftp", "ftp", "ftp://127.0.0.1/x".to_owned()),
        (
            "b-resolved",
            "resolved",
            format!("http://localhost:{port}/ok"),
        ),
        (
            "b-name",
            "name",
            format!("http://user:pw@{}/ok", server.host),
        ),
        ("c-large", "large", server.url("/large")),
        ("c-pours", "pours", server.url("/pours")),
        ("d-gone", "gone.pdf", server.url("/gone")),
        ("e-short", "short", server.url("/short")),
        ("e-page", "page", server.url("/page")),
        ("e-sleeps", "sleeps", server.url("/sleeps")),
        ("e-refused", "refused", server.url("/refused")),
        ("e-round", "round", server.url("/round")),
    ];
    // A name that is allowed, and that leads inside.
    let more = format!(", secret: env:FILES_KEY}}, \"localhost:{port}\": {{plain: true");
    let (sandbox, example) = world(&rows, &allow(&server, &more), &[]);
    let report = run(&example);

    // What could be read is there, byte by byte.
    let local =
        std::fs::read(example.folder.path().join("export/files/offer 1.txt")).expect("the file");
    let there = documents(&sandbox);
    let wanted: &[(&str, &str, &[u8])] = &[
        ("one.pdf", "offer 1.pdf", b"%PDF one"),
        ("two.pdf", "two.pdf", b"%PDF two"),
        ("three.pdf", "flaky", b"%PDF three"),
        ("long.pdf", "long", b"yyyyyyyyyy"),
        ("offer 1.txt", "offer 1.txt", &local),
    ];
    assert_eq!(there.len(), wanted.len(), "{there:?}");
    for (name, file, content) in wanted {
        let document = &there[*name];
        assert_eq!(document["name"], *file, "{name}");
        assert_eq!(
            document["blake3"],
            blake3::hash(content).to_hex().as_str(),
            "{name}"
        );
    }
    assert_eq!(there["one.pdf"]["type"], "application/pdf");
    let files = &report["files"][0];
    assert_eq!(
        (&files["step"], &files["verified"]),
        (&json!("attachment"), &json!(5))
    );
    assert_eq!(step(&report, "attachment")["held"], 14);

    // The rest waits, each with its reason.
    let held = held(&example);
    for (key, code, words) in [
        ("b-away", "file_refused", "allows no files from"),
        (
            "b-inside",
            "file_refused",
            "allows no files from 169.254.169.254",
        ),
        ("b-stranger", "file_refused", "allows no files from"),
        ("b-ftp", "file_refused", "no web address"),
        ("b-resolved", "file_refused", "address of a private network"),
        ("b-name", "file_refused", "a name or a password"),
        (
            "c-large",
            "file_too_large",
            "26000000 bytes, and 25000000 are the most",
        ),
        ("c-pours", "file_too_large", "25000000 are the most"),
        ("d-gone", "file_missing", "status 404"),
        ("e-short", "file_unavailable", "cut short"),
        ("e-page", "file_unavailable", "a web page"),
        ("e-sleeps", "file_unavailable", "within 2 s"),
        ("e-refused", "file_unavailable", "status 403"),
        ("e-round", "file_unavailable", "redirects"),
    ] {
        let (found, said) = &held[key];
        assert_eq!(found, code, "{key}: {said}");
        assert!(said.contains(words), "{key}: {said}");
        assert!(
            !said.contains("geheim") && !said.contains("user:pw"),
            "{said}"
        );
    }
    // A trace says as little of the addresses as holds do, and that nothing was sent.
    for key in ["b-name", "b-stranger"] {
        for format in ["json", "text"] {
            let output = transload()
                .arg("trace")
                .arg(example.migration())
                .args([&format!("attachment/{key}"), "--format", format])
                .env("FILES_KEY", "k-123")
                .output()
                .expect("it runs");
            assert!(output.status.success(), "{output:?}");
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                !told.contains("geheim") && !told.contains("user:pw"),
                "{told}"
            );
            assert!(!told.contains("request: "), "{told}");
            if format == "json" {
                let told: Value = serde_json::from_str(&told).expect("json");
                let step = &told["steps"][0];
                assert_eq!(step["decision"], "held", "{told}");
                assert_eq!(step["requests"], json!([]), "{told}");
            }
        }
    }
    assert_eq!(
        stranger.seen(),
        [],
        "a host that is not allowed is not even asked"
    );
    assert!(
        server
            .seen()
            .iter()
            .all(|(_, key)| key.as_deref() == Some("Bearer k-123"))
    );
    assert_eq!((server.times("/short"), server.times("/gone")), (3, 1));
    assert!(
        !example
            .folder
            .path()
            .join(".transload/attachments")
            .read_dir()
            .is_ok_and(|d| d.count() > 0)
    );

    // The ledger has the checksum of what was read; no address with its secrets, no key.
    let output = transload()
        .args(["audit", "export", "--format", "json"])
        .arg(example.migration())
        .output()
        .expect("it runs");
    let trail = String::from_utf8_lossy(&output.stdout).into_owned();
    let sha = support_sha(b"%PDF two");
    assert!(trail.contains(&sha), "{trail}");
    assert!(!trail.contains("k-123") && !trail.contains("geheim"));

    // Later the file is there: it alone is sent.
    server.set("/gone", gives(b"%PDF late"));
    let again = run(&example);
    assert_eq!(step(&again, "attachment")["created"], 1);
    assert_eq!(again["calls_write"], 1);
    let there = documents(&sandbox);
    assert_eq!(there.len(), wanted.len() + 1);
    assert_eq!(there["gone.pdf"]["bytes"], 9);
    assert_eq!(
        (server.times("/ok"), server.times("/two.pdf")),
        (1, 1),
        "what is there is not read again"
    );
}

/// SHA-256 in hexadecimal.
fn support_sha(content: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("f");
    std::fs::write(&path, content).expect("a file");
    transload::connector::download::checksum(&path)
        .expect("a sum")
        .0
}

#[test]
fn copies_are_compared_and_a_wrong_one_is_told() {
    let rows = [
        ("a-1", "offer 1.txt", "files/offer 1.txt".to_owned()),
        ("a-2", "plan-2.bin", "files/plan-2.bin".to_owned()),
    ];
    for (quirk, class) in [
        ("page", "not_verifiable"),
        ("denied", "not_verifiable"),
        ("gives", "verified"),
    ] {
        let quirk = format!("file_url={quirk}");
        let (sandbox, example) = world(&rows, "", &["--quirk", &quirk]);
        let report = example.run();
        assert_eq!(report["files"][0][class], 2, "{quirk}: {}", report["files"]);
        assert_eq!(documents(&sandbox).len(), 2);
        assert!(held(&example).is_empty());
    }
    let (sandbox, example) = world(&rows, "attachments: {read_back: false}", &[]);
    assert_eq!(example.run()["files"][0]["not_verifiable"], 2);
    let routes = sandbox.admin_get("/calls");
    assert_eq!(routes["by_route"]["GET /_files/"], Value::Null, "{routes}");
    let (sandbox, example) = world(&rows, "", &[]);
    let rule = json!({"faults": [{"fault": "truncated", "rate": 1.0, "method": "GET", "path": "/_files/*/*/*"}]});
    assert_eq!(sandbox.admin_post("/faults", &rule).0, 200);
    let report = example.run();
    assert_eq!(report["files"][0]["differs"], 2, "{}", report["files"]);
    let waiting = held(&example);
    let (code, words) = &waiting["a-2"];
    assert_eq!(code, "file_differs");
    assert!(
        words.contains("has 1500 bytes, and 3001 were sent; remove "),
        "{words}"
    );
    // It is not sent a second time, and goes on waiting for a person.
    let again = example.run();
    assert_eq!(again["calls_write"], 0);
    assert_eq!(held(&example), waiting);
    assert_eq!(documents(&sandbox).len(), 2);
}

#[test]
fn a_kill_between_reading_and_sending_loses_nothing_and_sends_nothing_twice() {
    let server = FileServer::start(&[
        ("/1", gives(b"%PDF one")),
        ("/2", gives(b"%PDF two")),
        ("/3", Habit::Sleeps),
    ]);
    let rows = [
        ("a-1", "1.pdf", server.url("/1")),
        ("a-2", "2.pdf", server.url("/2")),
        ("a-3", "3.pdf", server.url("/3")),
    ];
    let (sandbox, example) = world(&rows, &allow(&server, ""), &[]);
    let slow = json!({"faults": [{"fault": "slow", "rate": 1.0, "method": "POST", "path": "/documents", "millis": 60000}]});
    assert_eq!(sandbox.admin_post("/faults", &slow).0, 200);
    let mut child = example
        .command()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let begun = Instant::now();
    // The sandbox has made a document and does not answer; another file is still being read.
    while sandbox.records("document").is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "nothing was sent"
        );
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("a kill");
    child.wait().expect("an end");
    server.set("/3", gives(b"%PDF three"));
    let parts = example.folder.path().join(".transload/attachments");
    assert!(parts.is_dir(), "files that were read are left");
    let lost = json!({"faults": [{"fault": "drop_after", "method": "POST", "path": "/documents", "call": 1}]});
    assert_eq!(sandbox.admin_post("/faults", &lost).0, 200);
    run(&example);
    let there = documents(&sandbox);
    assert_eq!(there.len(), 3);
    assert_eq!(there["3.pdf"]["bytes"], 10);
    assert!(
        parts.read_dir().expect("a folder").next().is_none(),
        "nothing is left behind"
    );
    assert_eq!(run(&example)["calls_write"], 0);
}

#[test]
fn without_a_list_no_host_is_asked() {
    let server = FileServer::start(&[("/1", gives(b"%PDF one"))]);
    let rows = [("a-1", "1.pdf", server.url("/1"))];
    let (sandbox, example) = world(&rows, "", &[]);
    run(&example);
    assert_eq!(held(&example)["a-1"].0, "file_refused");
    assert!(server.seen().is_empty() && documents(&sandbox).is_empty());
}
