//! An Interactive export: owners, companies, contacts and what belongs to them, all made up.
//!
//! Exceptions come by position (contact `i` has the one of slot `i % SLOTS`), so each is there at any size, and a
//! test can name the record it looks at.

use super::{
    File, people,
    random::Random,
    sheet::{Row, Sheet, csv, sheet, texts},
};

/// Exceptions come again every so many contacts.
pub const SLOTS: usize = 100;

/// Owners: id, e-mail, name. `o5` has no user at the destination; `o2` is written in other case there.
const OWNERS: &[[&str; 3]] = &[
    ["o1", "ana.ruiz@example-agency.example", "Ana Ruiz"],
    ["o2", "ben.okoye@example-agency.example", "Ben Okoye"],
    ["o3", "chloe.martin@example-agency.example", "Chloé Martin"],
    ["o4", "Dai.Nakamura@example-agency.example", "Dai Nakamura"],
    ["o5", "petra.lang@example-agency.example", "Petra Lang"],
];

/// Lifecycle stages, as the source calls them.
const LIFECYCLES: &[&str] = &[
    "Subscriber",
    "Lead",
    "Marketing Qualified",
    "Sales Qualified",
    "Customer",
    "Evangelist",
];

/// Pipelines with their stages and probabilities. `Sales` is the destination's default pipeline, `Renewals` is there
/// with its first stage, `Partners` is not there.
const STAGES: &[(&str, &[(&str, &str)])] = &[
    (
        "Sales",
        &[
            ("New", "10"),
            ("Qualification", "30"),
            ("Trial", "60"),
            ("Won", "100"),
            ("Lost", "0"),
        ],
    ),
    (
        "Renewals",
        &[("To renew", "40"), ("In talks", "70"), ("Renewed", "100")],
    ),
    ("Partners", &[("Intro", "20"), ("Signed", "100")]),
];

const INDUSTRY: &[&str] = &[
    "Software",
    "Banking",
    "Retail",
    "Hospital & Health Care",
    "Falconry",
    "",
];

const CONTACT: &[&str] = &[
    "contact_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "mobile",
    "job_title",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "lifecycle_stage",
    "lead_status",
    "lead_status_history",
    "buying_phase",
    "owner_id",
    "created_at",
    "updated_at",
    "Favourite Product",
    "Loyalty Points",
    "Contract End",
    "Region",
    "Newsletter",
];

/// The files of the export folder.
pub fn export(contacts: usize, seed: u64) -> Vec<File> {
    let random = |file: &str| Random::new(seed, file);
    let companies = contacts / 4;
    let deals = contacts / 3;
    let mut files = vec![
        csv("owners.csv", owners()),
        csv("lifecycle_stages.csv", lifecycles()),
        csv("pipelines.csv", pipelines()),
        csv("stages.csv", stages()),
        csv(
            "companies.csv",
            companies_sheet(companies, &mut random("companies")),
        ),
        csv(
            "contacts.csv",
            contacts_sheet(contacts, &mut random("contacts")),
        ),
        csv(
            "contact_companies.csv",
            associations(contacts, companies, &mut random("associations")),
        ),
        csv(
            "deals.csv",
            deals_sheet((contacts, companies, deals), &mut random("deals")),
        ),
        csv(
            "engagements.csv",
            engagements((contacts, companies, deals), &mut random("engagements")),
        ),
        csv(
            "notes.csv",
            notes((contacts, companies, deals), &mut random("notes")),
        ),
    ];
    files.extend(attachments((contacts, companies, deals)));
    files
}

fn owners() -> Sheet {
    sheet(
        &["owner_id", "email", "name"],
        OWNERS.iter().map(|o| texts(o)),
    )
}

fn lifecycles() -> Sheet {
    let rows = LIFECYCLES
        .iter()
        .enumerate()
        .map(|(i, name)| vec![(*name).to_owned(), (i + 1).to_string()]);
    sheet(&["name", "position"], rows)
}

fn pipelines() -> Sheet {
    sheet(&["pipeline"], STAGES.iter().map(|(name, _)| texts(&[name])))
}

fn stages() -> Sheet {
    let rows = STAGES.iter().flat_map(|(pipeline, stages)| {
        stages.iter().enumerate().map(move |(i, (name, share))| {
            let position = (i + 1).to_string();
            vec![
                format!("{}-{position}", pipeline.to_lowercase()),
                (*pipeline).to_owned(),
                (*name).to_owned(),
                position,
                (*share).to_owned(),
            ]
        })
    });
    sheet(
        &["stage_id", "pipeline", "stage", "position", "probability"],
        rows,
    )
}

fn company_id(i: usize) -> String {
    format!("co-{}", 5001 + i)
}

fn contact_id(i: usize) -> String {
    format!("ct-{}", 1001 + i)
}

fn deal_id(i: usize) -> String {
    format!("de-{}", 9001 + i)
}

fn owner(random: &mut Random) -> String {
    // One record in twelve belongs to somebody without a user.
    let at = match random.below(12) {
        0 => 4,
        n => n % 4,
    };
    OWNERS.get(at).map_or("", |o| o[0]).to_owned()
}

fn companies_sheet(count: usize, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let (city, state, zip, country) = people::CITY[random.below(people::CITY.len())];
        // Parents stand above and below their children in the file.
        let parent = match i % 10 {
            3 if i + 4 < count => company_id(i + 4),
            5 => company_id(i - 4),
            8 if i > 20 => company_id(i - 5),
            _ => String::new(),
        };
        let name = match i {
            // At the destination already, in other case.
            0 => "Northwind Sample LLC".to_owned(),
            2 => format!("  {}  ", people::firm(2)),
            _ => people::firm(i),
        };
        let website = match i % 27 {
            4 => "not a website".to_owned(),
            5 => String::new(),
            _ => format!("www.firm-{i}.example"),
        };
        vec![
            company_id(i),
            name,
            website,
            random.pick(INDUSTRY).to_owned(),
            parent,
            random.pick(&["1250000.50", "98000", "0", ""]).to_owned(),
            random.pick(&["12", "250", "4800", ""]).to_owned(),
            people::phone(random),
            format!("{} Sample Street", random.between(1, 999)),
            city.to_owned(),
            state.to_owned(),
            zip.to_owned(),
            country.to_owned(),
            owner(random),
            people::instant(random, (2016, 2020)),
            people::instant(random, (2021, 2025)),
        ]
    });
    sheet(
        &[
            "company_id",
            "name",
            "website",
            "industry",
            "parent_company_id",
            "annual_revenue",
            "employee_count",
            "phone",
            "address",
            "city",
            "state",
            "zip",
            "country",
            "owner_id",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

fn contacts_sheet(count: usize, random: &mut Random) -> Sheet {
    let mut sheet = Sheet::new(CONTACT, "\n");
    let mut before: Vec<Row> = Vec::new();
    for i in 0..count {
        let mut row = contact(i, random);
        exception(i, &mut row, &before);
        sheet.push(&row);
        before.push(row);
    }
    sheet
}

fn contact(i: usize, random: &mut Random) -> Row {
    let mut row = Row::new(CONTACT);
    let (first, last) = (random.pick(people::FIRST), random.pick(people::LAST));
    let (city, state, zip, country) = people::CITY[random.below(people::CITY.len())];
    let lifecycle = random.pick(LIFECYCLES);
    row.set("contact_id", contact_id(i))
        .set("first_name", first)
        .set("last_name", last)
        .set(
            "email",
            format!("{}.{}@clients.example", first.to_lowercase(), i + 1),
        )
        .set("phone", people::phone(random))
        .set("mobile", people::phone(random))
        .set("job_title", random.pick(&["Buyer", "Owner", "Counsel", ""]))
        .set(
            "address",
            format!("{} Example Road", random.between(1, 999)),
        )
        .set("city", city)
        .set("state", state)
        .set("zip", zip)
        .set("country", country)
        .set("lifecycle_stage", lifecycle)
        .set(
            "buying_phase",
            random.pick(&["Research", "Comparing", "Decided", ""]),
        )
        .set("owner_id", owner(random))
        .set("created_at", people::instant(random, (2016, 2020)))
        .set("updated_at", people::instant(random, (2021, 2025)))
        .set(
            "Favourite Product",
            random.pick(&["Vault", "Bridge", "Lamp, small", ""]),
        )
        .set("Loyalty Points", random.pick(&["0", "15", "2400", ""]))
        .set("Contract End", people::day(random, (2026, 2028)))
        .set("Region", random.pick(&["North", "South", "East", ""]))
        .set("Newsletter", random.pick(&["yes", "no", ""]));
    if matches!(lifecycle, "Subscriber" | "Lead" | "Marketing Qualified") {
        row.set(
            "lead_status",
            random.pick(&["New", "Attempted", "Nurturing"]),
        )
        .set(
            "lead_status_history",
            "2024-01-02 New; 2024-02-03 Attempted\n2024-03-04 \"Nurturing\", by phone",
        );
    }
    row
}

/// Changes a row to the exception of its slot. `before`: the rows above.
fn exception(i: usize, row: &mut Row, before: &[Row]) {
    let above = |n: usize| before.get(i.wrapping_sub(n)).cloned();
    match i % SLOTS {
        // The older of two, with what the newer one lacks.
        3 => {
            row.set("lifecycle_stage", "Customer")
                .set("city", "Madison")
                .set("updated_at", "2021-01-01T00:00:00Z");
        }
        5 => {
            if let Some(same) = above(2) {
                row.set("email", same.get("email").to_uppercase())
                    .set("lifecycle_stage", "Customer")
                    .set("city", "")
                    .set("updated_at", "2025-06-01T16:30:00Z");
            }
        }
        10 => {
            row.set("email", "");
        }
        11 => {
            row.set("email", "ask the assistant");
        }
        12 => {
            row.set("owner_id", "");
        }
        13 => {
            row.set("owner_id", "o9");
        }
        14 => {
            row.set("owner_id", "o5");
        }
        15 => {
            row.set("lifecycle_stage", "Friend of the house");
        }
        16 => {
            row.set("lifecycle_stage", "");
        }
        17 => {
            row.set("lifecycle_stage", " marketing qualified ")
                .set("lead_status", "Nurturing");
        }
        20 => {
            row.set("Loyalty Points", "many");
        }
        21 => {
            row.set("Contract End", "2026-02-30");
        }
        22 => {
            row.set("Newsletter", "maybe");
        }
        23 => {
            row.set("Region", "Far North");
        }
        24 => {
            row.set("last_name", "");
        }
        // At the destination already, in other case.
        30 if i < SLOTS => {
            row.set("email", "pat.known@clients.example")
                .set("last_name", "Known")
                .set("lifecycle_stage", "Customer");
        }
        _ => {}
    }
}

/// Contact `i % 10 == 4` has three companies, `i % 10 == 7` has none, the others have one.
fn associations(contacts: usize, companies: usize, random: &mut Random) -> Sheet {
    let mut rows = Vec::new();
    for i in 0..contacts {
        let count = match i % 10 {
            4 => 3,
            7 => 0,
            _ => 1,
        };
        let first = random.below(companies);
        for n in 0..count {
            // Two with the same rank: the one updated last is the main one.
            let rank = if n == 0 { 1 } else { 5 };
            rows.push(vec![
                format!("as-{}-{n}", 1001 + i),
                contact_id(i),
                company_id((first + n * 7) % companies),
                rank.to_string(),
                format!("202{}-03-0{}T10:00:00Z", 1 + n, 1 + n),
            ]);
        }
    }
    sheet(
        &[
            "association_id",
            "contact_id",
            "company_id",
            "rank",
            "updated_at",
        ],
        rows,
    )
}

fn deals_sheet((contacts, companies, count): (usize, usize, usize), random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let (pipeline, stages) = STAGES[i % STAGES.len()];
        let (mut stage, _) = stages[random.below(stages.len())];
        let mut amount = format!("{}.{:02}", random.between(100, 90_000), random.below(100));
        let mut person = contact_id(random.below(contacts));
        match i % 30 {
            // A stage that no list of stages knows.
            11 => stage = "Gone fishing",
            13 => amount = String::new(),
            17 => amount = "about 500".to_owned(),
            19 => person = String::new(),
            23 => stage = stages.last().map_or("", |s| s.0),
            _ => {}
        }
        vec![
            deal_id(i),
            format!("Deal {} – {}", i + 1, people::firm(i)),
            amount,
            people::day(random, (2024, 2027)),
            pipeline.to_owned(),
            stage.to_owned(),
            // Never right: the destination's stage decides.
            "55".to_owned(),
            company_id(random.below(companies)),
            person,
            owner(random),
            people::instant(random, (2022, 2023)),
            people::instant(random, (2024, 2025)),
        ]
    });
    sheet(
        &[
            "deal_id",
            "name",
            "amount",
            "close_date",
            "pipeline",
            "stage",
            "probability",
            "company_id",
            "contact_id",
            "owner_id",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

/// A contact, a company or a deal, in turn; each seventeenth record has a parent nobody knows.
fn parent(i: usize, (contacts, companies, deals): (usize, usize, usize)) -> String {
    match (i % 17, i % 4) {
        (16, _) => "ct-404".to_owned(),
        (_, 0 | 1) => contact_id(i % contacts),
        (_, 2) => company_id(i % companies),
        _ => deal_id(i % deals),
    }
}

fn engagements(all: (usize, usize, usize), random: &mut Random) -> Sheet {
    let rows = (0..all.0).map(|i| {
        let kind = ["call", "email", "meeting"][i % 3];
        let day = people::day(random, (2022, 2025));
        let (mut end, mut duration, mut outcome) = (String::new(), String::new(), String::new());
        match kind {
            "call" => {
                duration = random.between(20, 1800).to_string();
                outcome = random
                    .pick(&["Connected", "No answer", "Left a message", ""])
                    .to_owned();
            }
            "meeting" => end = format!("{day}T10:30:00Z"),
            _ => {}
        }
        let subject = match i % 19 {
            7 => String::new(),
            _ => format!("{kind} number {}", i + 1),
        };
        vec![
            format!("en-{}", 1 + i),
            kind.to_owned(),
            format!("{day}T09:{:02}:00Z", random.below(60)),
            end,
            owner(random),
            parent(i, all),
            duration,
            outcome,
            subject,
            format!("<p>What was said in {}.</p>", i + 1),
        ]
    });
    sheet(
        &[
            "engagement_id",
            "type",
            "timestamp",
            "end_timestamp",
            "owner_id",
            "parent_id",
            "duration",
            "outcome",
            "subject",
            "body",
        ],
        rows,
    )
}

fn notes(all: (usize, usize, usize), random: &mut Random) -> Sheet {
    let rows = (0..all.0 / 2).map(|i| {
        let body = match i % 40 {
            9 => "word ".repeat(4000),
            12 => String::new(),
            _ => format!("<p>Note <b>{}</b> &amp; more, \"quoted\"</p>", i + 1),
        };
        vec![
            format!("no-{}", 1 + i),
            parent(i, all),
            if i % 11 == 5 {
                String::new()
            } else {
                owner(random)
            },
            people::instant(random, (2022, 2025)),
            body,
        ]
    });
    sheet(
        &["note_id", "parent_id", "author_id", "created_at", "body"],
        rows,
    )
}

/// The list and the files: a text, a picture, a name with marks; one that is too large (only its size is told), one
/// that is not there and one that lies outside the folder.
fn attachments(all: (usize, usize, usize)) -> Vec<File> {
    let mut rows = Vec::new();
    let mut files = Vec::new();
    for i in 0..(all.0 / 16).max(10) {
        let name = match i % 3 {
            0 => format!("offer {}.txt", i + 1),
            1 => format!("plan-{}.bin", i + 1),
            _ => format!("größe {}.txt", i + 1),
        };
        let content: Vec<u8> = match i % 3 {
            1 => (0..=255u8).cycle().skip(i).take(3000 + i).collect(),
            _ => format!("The content of file {}.\r\n", i + 1).into_bytes(),
        };
        let (mut size, mut path) = (content.len().to_string(), format!("files/{name}"));
        match i {
            4 => size = "26214401".to_owned(),
            5 => path = "files/lost.txt".to_owned(),
            6 => path = "../migration.yaml".to_owned(),
            _ => files.push((path.clone(), content)),
        }
        rows.push(vec![
            format!("at-{}", 1 + i),
            // No parent is unknown here.
            parent(if i % 17 == 16 { i + 1 } else { i }, all),
            name,
            size,
            path,
            "2024-05-06T07:08:09Z".to_owned(),
        ]);
    }
    let list = sheet(
        &[
            "attachment_id",
            "parent_id",
            "file_name",
            "size",
            "path",
            "created_at",
        ],
        rows,
    );
    files.insert(0, csv("attachments.csv", list));
    files
}
