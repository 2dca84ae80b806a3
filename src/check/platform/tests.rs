//! The shipped platform files, lowered and compared with what they say, and one broken file per fault.

use super::lower;
use crate::{
    diag::{Code, Diagnostics, FileId},
    platform::{Connect, Creation, NumberForm, OpKind, Platform, Tiered, Write},
    spec::yaml,
    value::Type,
};

fn lowered(text: &str) -> (Option<Platform>, Vec<(Code, String)>) {
    let mut diags = Diagnostics::default();
    let tree = yaml::parse(FileId(0), text, &mut diags).unwrap();
    let platform = lower(&tree.root, &mut diags);
    let found = diags
        .sorted()
        .iter()
        .map(|d| (d.code, d.message.clone()))
        .collect();
    (platform, found)
}

fn shipped(name: &str) -> Platform {
    let path = format!("{}/specs/platforms/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let (platform, faults) = lowered(&std::fs::read_to_string(path).unwrap());
    assert_eq!(faults, [], "{name} has no faults");
    platform.unwrap()
}

#[test]
fn the_api_platform_is_lowered_whole() {
    let p = shipped("freshsales");
    assert_eq!(p.tiers, ["growth", "pro", "enterprise"]);
    assert_eq!(p.limits.calls.len(), 2);
    assert_eq!(p.limits.calls[0].max.at(Some("pro")), 2000);
    assert_eq!(p.limits.calls[1].max, Tiered::All(400));
    assert_eq!(p.limits.calls[1].per.as_secs(), 60);
    assert_eq!(
        p.limits.left_header.as_deref(),
        Some("x-ratelimit-remaining")
    );
    assert_eq!(p.quirk("unknown_custom_field"), Some("ignore"));
    let Connect::Http(http) = &p.connect else {
        panic!("an API")
    };
    assert_eq!(http.auth_value, "Token token={secret}");
    assert_eq!(http.messages.as_deref(), Some("errors.message"));
    let denied = http.bodies.iter().find(|(n, _)| n == "denied").unwrap();
    assert_eq!(denied.1.status, 401);
    assert_eq!(
        denied.1.json,
        serde_json::json!({"login": "failed", "message": null})
    );
    let custom = p.custom.as_ref().unwrap();
    assert_eq!(custom.api_name("Gift Idea"), "cf_gift_idea");
    assert_eq!(
        custom
            .custom_type(Type::MultiEnum)
            .unwrap()
            .separator
            .as_deref(),
        Some(";")
    );
    assert!(
        p.gotchas
            .iter()
            .any(|g| g.of == p.object("pipeline").map(|(id, _)| id))
    );
}

#[test]
fn shapes_are_filled_in_and_own_operations_win() {
    let p = shipped("freshsales");
    let (_, contact) = p.object("contact").unwrap();
    let get = contact.op(OpKind::Get).unwrap();
    assert_eq!((get.method, get.path.as_str()), ("GET", "/contacts/{id}"));
    assert_eq!(
        get.query,
        [(
            "include".to_owned(),
            "sales_accounts,owner,lifecycle_stage,contact_status".to_owned()
        )]
    );
    let list = contact.op(OpKind::List).unwrap();
    assert_eq!(
        list.view,
        Some((
            "/contacts/filters".to_owned(),
            "filters".to_owned(),
            "All Contacts".to_owned()
        ))
    );
    assert_eq!(list.page.as_ref().unwrap().size, 100);
    let bulk = contact.op(OpKind::BulkUpsert).unwrap();
    assert_eq!((bulk.size, bulk.method), (100, "POST"));
    assert_eq!(bulk.job.as_ref().unwrap().get, "/job_statuses/{job}");
    let (email, _) = contact.field("email").unwrap();
    assert_eq!(bulk.keys, [("emails".to_owned(), email)]);
    let (_, task) = p.object("task").unwrap();
    assert_eq!(task.op(OpKind::Create).unwrap().status, 201);
    assert_eq!(task.op(OpKind::Update).unwrap().path, "/tasks/{id}");
    let tasks = task.op(OpKind::List).unwrap();
    assert_eq!(tasks.each[0].1, ["open", "completed"]);
    let children = task.op(OpKind::Children).unwrap();
    assert_eq!(children.parents.len(), 3);
    assert_eq!(children.of, task.field("about").map(|(id, _)| id));
    let (_, completed) = task
        .filters
        .iter()
        .find(|(name, _)| name == "completed")
        .unwrap();
    assert_eq!(completed[0].1, "true");
    let (_, user) = p.object("user").unwrap();
    assert_eq!(user.create, Creation::ByHand);
    assert_eq!(contact.create, Creation::Api);
}

#[test]
fn fields_keep_their_wire_formats() {
    let p = shipped("freshsales");
    let (account, accounts) = p.object("account").unwrap();
    let (_, contact) = p.object("contact").unwrap();
    let reference = contact
        .field("account")
        .unwrap()
        .1
        .reference
        .clone()
        .unwrap();
    assert_eq!(reference.to, [account]);
    assert_eq!(
        reference.item,
        Some((Some("id".to_owned()), Some("is_primary".to_owned())))
    );
    let (_, deal) = p.object("deal").unwrap();
    let contacts = deal.field("contact").unwrap().1.reference.clone().unwrap();
    assert_eq!(contacts.item, Some((None, None)));
    assert_eq!(
        accounts.field("revenue").unwrap().1.number,
        NumberForm::Text
    );
    assert!(deal.field("close_date").unwrap().1.blank_when_bad);
    assert_eq!(deal.field("created_at").unwrap().1.write, Write::Never);
    let (_, note) = p.object("note").unwrap();
    let about = note.field("about").unwrap().1.reference.clone().unwrap();
    assert_eq!(about.kind_path.as_deref(), Some("targetable_type"));
    assert_eq!(about.kinds[1], (account, "SalesAccount".to_owned()));
    let (_, task) = p.object("task").unwrap();
    assert!(
        task.field("done")
            .unwrap()
            .1
            .truth
            .as_ref()
            .unwrap()
            .as_number
    );
    let (_, stage) = p.object("stage").unwrap();
    assert_eq!(stage.keys[0].by.len(), 2);
    assert!(stage.keys[0].trim && stage.keys[0].lower);
    assert_eq!(stage.initial.len(), 7);
}

#[test]
fn the_file_platform_is_lowered_whole() {
    let p = shipped("allclients");
    let Connect::Files(files) = &p.connect else {
        panic!("files")
    };
    assert_eq!(files.delimiter, Some(b','));
    assert_eq!(files.zone.as_deref(), Some("America/Chicago"));
    let (_, contact) = p.object("contact").unwrap();
    assert!(contact.custom_columns);
    let rows = contact.rows.as_ref().unwrap();
    assert_eq!(
        (rows.file.as_str(), rows.format.as_str()),
        ("Contacts.csv", "csv")
    );
    assert_eq!(rows.key, [contact.field("id").unwrap().0]);
    let (_, groups) = contact.field("groups").unwrap();
    assert!(groups.values_observed && groups.values.is_none());
    assert_eq!(contact.field("created_at").unwrap().1.format.len(), 3);
    assert_eq!(contact.field("id").unwrap().1.aliases, ["Contact ID"]);
    assert_eq!(
        p.object("task")
            .unwrap()
            .1
            .field("status")
            .unwrap()
            .1
            .values
            .as_deref(),
        Some(&["open".to_owned(), "closed".to_owned()][..])
    );
}

/// A small API platform in which one line is replaced.
fn with(line: &str, by: &str) -> Vec<(Code, String)> {
    let good = "
platform: p
tiers: [small, large]
connect:
  http:
    base: https://{host}/api
    params: {host: {type: text}}
    auth: {header: authorization, value: 'Bearer {secret}'}
limits: {calls: [{max: {small: 1, large: 2}, per: 1m}]}
quirks: {lag: {use: none, of: [none, some]}}
custom_fields: {prefix: cf_, types: {text: {vendor: text}}}
shapes:
  crud: {get: {get: '/{path}/{id}', record: '{wrap}'}, create: {post: '/{path}', wrap: '{wrap}'}}
objects:
  person:
    path: people
    wrap: person
    ops: {use: crud}
    custom: {get: /fields}
    keys: [{by: [name]}]
    fields:
      id: {type: id}
      name: {type: text, required: true}
      age: {type: int, min: 0, max: 150}
      born: {type: date, format: ['%d.%m.%Y']}
      boss: {type: ref, to: [person]}
      active: {type: bool, truth: {means_true: ['1'], means_false: ['0'], as: number}}
    initial: [{name: Ann, age: 3}]
gotchas: [{id: G-1, say: x, check: none, of: person, level: warn}]
";
    assert_eq!(lowered(good).1, [], "the example itself is good");
    assert!(good.contains(line), "no such line: {line}");
    lowered(&good.replace(line, by)).1
}

#[test]
fn each_fault_has_its_code() {
    let table: &[(&str, &str, Code, &str)] = &[
        (
            "to: [person]",
            "to: [persn]",
            Code::PlatformObject,
            "no object `persn`",
        ),
        (
            "of: person",
            "of: dog",
            Code::PlatformObject,
            "no object `dog`",
        ),
        (
            "by: [name]",
            "by: [nam]",
            Code::PlatformField,
            "no field `nam`",
        ),
        ("age: 3", "agee: 3", Code::PlatformField, "no field `agee`"),
        (
            "{use: crud}",
            "{use: crod}",
            Code::PlatformShape,
            "no shape `crod`",
        ),
        (
            "create: {post:",
            "create: {post: /a, put:",
            Code::PlatformVerb,
            "has 2",
        ),
        (
            "create: {post:",
            "create: {status:",
            Code::PlatformVerb,
            "has none",
        ),
        (
            "/{path}/{id}",
            "/{path}/{idd}",
            Code::PlatformPlace,
            "nothing fills `{idd}`",
        ),
        (
            "/{path}/{id}",
            "/{path}",
            Code::PlatformPlace,
            "needs `{id}`",
        ),
        (
            "wrap: person",
            "title: x",
            Code::PlatformPlace,
            "has no `wrap`",
        ),
        (
            "{use: crud}",
            "{use: crud, upsert: {post: /a}}",
            Code::PlatformOp,
            "lacks `keys`",
        ),
        (
            "{use: crud}",
            "{use: crud, bulk_upsert: {post: /a}}",
            Code::PlatformOp,
            "`keys`, `records` and `size`",
        ),
        (
            "{use: crud}",
            "{use: crud, children: {get: '/{parent}/{parent_id}/x', of: age, parents: {person: p}}}",
            Code::PlatformOp,
            "does not point to",
        ),
        (
            "path: people",
            "create: by_hand",
            Code::PlatformOp,
            "creates records",
        ),
        (
            "age: {type: int",
            "age: {type: int, path: name",
            Code::PlatformPath,
            "same place",
        ),
        (
            "age: {type: int",
            "age: {type: int, path: name.x",
            Code::PlatformPath,
            "within",
        ),
        (
            "{small: 1, large: 2}",
            "{small: 1, huge: 2}",
            Code::PlatformTier,
            "not among the tiers",
        ),
        (
            "{small: 1, large: 2}",
            "{small: 1}",
            Code::PlatformTier,
            "no number for `large`",
        ),
        (
            "use: none",
            "use: all",
            Code::PlatformQuirk,
            "not among the options",
        ),
        (
            "name: {type: text",
            "name: {type: text, min: 1",
            Code::PlatformFieldKey,
            "does not go with",
        ),
        (
            "{type: ref, to: [person]}",
            "{type: ref}",
            Code::PlatformReference,
            "does not say",
        ),
        (
            "to: [person]",
            "to: [person], kind_path: k",
            Code::PlatformKinds,
            "no words",
        ),
        (
            "to: [person]",
            "to: [person], kind_path: k, kinds: {}",
            Code::PlatformKinds,
            "no word for `person`",
        ),
        (
            "path: people",
            "rows: {file: a.csv, key: [id]}",
            Code::PlatformRows,
            "nothing says why",
        ),
        ("%d.%m.%Y", "%K", Code::PlatformTime, "cannot be read"),
        (
            "format: ['%d.%m.%Y']",
            "zone: Mars/Base",
            Code::PlatformTime,
            "not a known zone",
        ),
        (
            "params: {host:",
            "params: {hosts:",
            Code::PlatformConnect,
            "not among `params`",
        ),
        (
            "'Bearer {secret}'",
            "Bearer",
            Code::PlatformConnect,
            "exactly once",
        ),
        ("min: 0", "min: 151", Code::PlatformRange, "above"),
        (
            "means_false: ['0']",
            "means_false: ['1']",
            Code::PlatformRange,
            "both true and false",
        ),
        (
            "means_false: ['0']",
            "means_false: [nope]",
            Code::PlatformRange,
            "as a number",
        ),
        (
            "required: true",
            "required: true, write: never",
            Code::PlatformRange,
            "never written",
        ),
        (
            "custom_fields: {prefix: cf_, types: {text: {vendor: text}}}",
            "why: x",
            Code::PlatformCustom,
            "does not say how",
        ),
        (
            "types: {text:",
            "types: {ref:",
            Code::PlatformCustom,
            "cannot have the type",
        ),
        (
            "{get: /fields}",
            "{columns: rest}",
            Code::PlatformCustom,
            "matter of files",
        ),
        (
            "[{name: Ann, age: 3}]",
            "[{age: 3}]",
            Code::PlatformInitial,
            "needs `name`",
        ),
        ("age: 3", "age: three", Code::PlatformInitial, "no int"),
        (
            "age: 3",
            "boss: Eve",
            Code::PlatformInitial,
            "no record of a new account",
        ),
        (
            "name: {type: text",
            "name: {type: text, set: nothing.at",
            Code::PlatformField,
            "no field `nothing`",
        ),
        (
            "name: {type: text",
            "name: {type: text, set: boss.nam",
            Code::PlatformField,
            "no field `nam`",
        ),
    ];
    for (line, by, code, part) in table {
        let found = with(line, by);
        assert!(
            found.iter().any(|(c, m)| c == code && m.contains(part)),
            "{line} -> {by}: expected {code:?} {part:?}, found {found:?}"
        );
    }
}

#[test]
fn rows_need_a_key_and_a_format() {
    let file = |rows: &str| {
        lowered(&format!(
            "{{platform: p, connect: {{files: {{}}}}, objects: {{a: {{rows: {rows}, fields: {{id: {{type: id}}}}}}}}}}"
        ))
        .1
    };
    assert_eq!(file("{file: a.csv, key: [id]}"), []);
    assert_eq!(file("{file: a.jsonl, hash_key: true}"), []);
    assert_eq!(file("{file: a.dat, format: csv, key: [id]}"), []);
    for (rows, part) in [
        ("{file: a.csv}", "identifies a row"),
        (
            "{file: a.csv, key: [id], hash_key: true}",
            "one or the other",
        ),
        ("{file: a.dat, key: [id]}", "does not show the format"),
        ("{file: a.csv, key: [id], sheet: One}", "no sheets"),
    ] {
        let found = file(rows);
        assert!(
            matches!(found.as_slice(), [(Code::PlatformRows, m)] if m.contains(part)),
            "{rows}: {found:?}"
        );
    }
}

#[test]
fn without_name_or_connection_there_is_no_platform() {
    assert!(lowered("{objects: {}}").0.is_none());
    assert!(lowered("{platform: p, objects: {}}").0.is_none());
    assert!(lowered("[]").0.is_none());
}

/// Findings that a case expects: code, line, column, part of the message. A comment
/// `#~ error[E0250] 5: part` stands directly above the line it is about.
fn expected(text: &str) -> Vec<(String, usize, usize, String)> {
    let mut found = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let Some(mark) = line.trim_start().strip_prefix("#~ error[") else {
            continue;
        };
        let (code, rest) = mark.split_once("] ").unwrap();
        let (column, part) = rest.split_once(": ").unwrap();
        // Stacked comments are about one line.
        let stacked = text
            .lines()
            .skip(i + 1)
            .take_while(|l| l.trim_start().starts_with("#~"));
        found.push((
            code.to_owned(),
            i + 2 + stacked.count(),
            column.parse().unwrap(),
            part.to_owned(),
        ));
    }
    found
}

#[test]
fn each_case_gives_exactly_its_findings() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/check");
    let (mut cases, mut faults) = (0, Vec::new());
    for case in std::fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("platform-") {
            continue;
        }
        cases += 1;
        let project = crate::spec::Project::load(&[&case]);
        assert!(
            project.diagnostics.is_empty(),
            "{name}: {:?}",
            project.diagnostics
        );
        let file = project.platforms.first().unwrap();
        let (_, diags) = crate::check::check_platform(file);
        let wanted = expected(project.files.text(file.file));
        let found: Vec<_> = diags
            .sorted()
            .iter()
            .map(|d| {
                let at = project
                    .files
                    .line_column(d.primary.span.file, d.primary.span.start);
                (d.code.id().to_owned(), at.0, at.1, d.message.clone())
            })
            .collect();
        assert!(!wanted.is_empty(), "{name} expects nothing");
        let same = wanted.len() == found.len()
            && wanted
                .iter()
                .zip(&found)
                .all(|(w, f)| (&w.0, w.1, w.2) == (&f.0, f.1, f.2) && f.3.contains(&w.3));
        if !same {
            faults.push(format!("{name}:\n wanted {wanted:?}\n found {found:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(cases >= 20, "only {cases} cases");
}
