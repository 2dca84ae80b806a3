//! A User.com export: owners, companies, contacts and what belongs to them, all made up.
//!
//! Booleans stand as `t` and `f`, choices in braces with PostgreSQL quoting, properties as JSON. Exceptions come by
//! position (contact `i` has the one of slot `i % SLOTS`), so each is there at any size.

use super::{
    File, people,
    random::Random,
    sheet::{Sheet, csv, sheet, texts},
};

/// Exceptions come again every so many contacts.
pub const SLOTS: usize = 80;

/// Owners: id, e-mail, name. The last has no user at the destination.
const OWNERS: &[[&str; 3]] = &[
    ["7", "jan.nowak@app.example", "Jan Nowak"],
    ["8", "Ola.Lis@app.example", "Ola Lis"],
    ["9", "filip.mazur@app.example", "Filip Mazur"],
    ["10", "zofia.krol@app.example", "Zofia Król"],
];

/// Pipeline, stage, position, probability.
const STAGES: &[[&str; 4]] = &[
    ["Main", "New", "1", "10"],
    ["Main", "Audit", "2", "33.5"],
    ["Main", "Won", "3", "100"],
    ["Partners", "First call", "1", "12.4"],
    ["Partners", "Signed", "2", "99.6"],
];

/// The files of the export folder.
pub fn export(contacts: usize, seed: u64) -> Vec<File> {
    let random = |file: &str| Random::new(seed, file);
    let (companies, deals) = (contacts / 5, contacts / 4);
    let owners = sheet(&["id", "email", "name"], OWNERS.iter().map(|o| texts(o)));
    let pipelines = sheet(&["name"], ["Main", "Partners"].map(|n| texts(&[n])));
    let stages = STAGES.iter().enumerate().map(|(i, s)| {
        let mut row = vec![(i + 1).to_string()];
        row.extend(texts(s));
        row
    });
    let stages = sheet(
        &["id", "pipeline", "name", "position", "probability"],
        stages,
    );
    vec![
        csv("owners.csv", owners),
        csv("pipelines.csv", pipelines),
        csv("stages.csv", stages),
        csv(
            "companies.csv",
            companies_sheet(companies, &mut random("companies")),
        ),
        csv(
            "contacts.csv",
            contacts_sheet(contacts, companies, &mut random("contacts")),
        ),
        csv(
            "deals.csv",
            deals_sheet((contacts, companies, deals), &mut random("deals")),
        ),
        csv("events.csv", events(contacts, &mut random("events"))),
        csv(
            "activities.csv",
            activities(contacts, &mut random("activities")),
        ),
        csv("segments.csv", segments()),
        csv("segment_members.csv", members(contacts)),
        csv("conversations.csv", conversations(contacts)),
        csv("messages.csv", messages(contacts)),
    ]
}

fn owner(random: &mut Random) -> String {
    let at = random.below(OWNERS.len());
    OWNERS.get(at).map_or("", |o| o[0]).to_owned()
}

/// Texts as a PostgreSQL array: `{a,"b,c","with \"q\""}`.
fn braces(items: &[&str]) -> String {
    let quoted = items.iter().map(|i| {
        if i.contains([',', '"', '{', '}', '\\', ' ']) {
            format!("\"{}\"", i.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            (*i).to_owned()
        }
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

fn companies_sheet(count: usize, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        // Number 7 is number 6 once more.
        let at = if i == 7 { 6 } else { i };
        vec![
            (5001 + i).to_string(),
            people::firm(at),
            format!("firm-{at}.example"),
            random.pick(&["IT", "Retail", "Ceramics", ""]).to_owned(),
            people::phone(random),
            format!("ul. Przykładowa {}", random.between(1, 99)),
            "Gdańsk".to_owned(),
            "Poland".to_owned(),
            random.pick(&["t", "f", ""]).to_owned(),
            owner(random),
            people::instant(random, (2016, 2020)),
            people::instant(random, (2021, 2025)),
        ]
    });
    sheet(
        &[
            "id",
            "name",
            "domain",
            "industry",
            "phone",
            "address",
            "city",
            "country",
            "partner",
            "assigned_to",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

fn contacts_sheet(count: usize, companies: usize, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let (first, last) = (random.pick(people::FIRST), random.pick(people::LAST));
        let mut email = format!("{}.{}@app-users.example", first.to_lowercase(), i + 1);
        let mut phone = people::phone(random);
        let mut custom_id = format!("u{}", i + 1);
        let mut event = random.pick(&["", "page_view", "call", "email", "meeting"]);
        let mut heard = people::instant(random, (2024, 2025)).replace('Z', ".123456Z");
        let tags: &[&[&str]] = &[&[], &["Partner"], &["Partner", "Big, old"], &["with \"q\""]];
        let mut tags = braces(tags[random.below(tags.len())]);
        let mut newsletter = random.pick(&["t", "f", ""]).to_owned();
        let mut properties = match random.below(3) {
            0 => String::new(),
            1 => "{\"plan\": \"pro, yearly\", \"seats\": 12}".to_owned(),
            _ => "{\"plan\": \"free\"}".to_owned(),
        };
        match i % SLOTS {
            // Chat-only visitors.
            3..=5 => {
                email.clear();
                phone.clear();
                custom_id.clear();
                heard.clear();
                event = "";
            }
            10 => email.clear(),
            11 => tags = braces(&["A tag of more than forty characters in all"]),
            12 => properties = "{not json".to_owned(),
            13 => newsletter = "maybe".to_owned(),
            _ => {}
        }
        let born = match random.below(3) {
            0 => people::day(random, (1960, 2000)),
            1 => format!(
                "{:02}.{:02}.{}",
                random.between(1, 28),
                random.between(1, 12),
                random.between(1960, 2000)
            ),
            _ => String::new(),
        };
        vec![
            (70_001 + i).to_string(),
            custom_id,
            first.to_owned(),
            last.to_owned(),
            email,
            phone,
            (5001 + random.below(companies)).to_string(),
            event.to_owned(),
            heard,
            String::new(),
            match i % 9 {
                2 if i % SLOTS > 5 => "fcm-token".to_owned(),
                _ => String::new(),
            },
            tags,
            braces(
                [&["Tea"][..], &["Tea", "Long walks"], &[]]
                    .get(random.below(3))
                    .copied()
                    .unwrap_or_default(),
            ),
            newsletter,
            born,
            properties,
            owner(random),
            people::instant(random, (2016, 2020)),
            people::instant(random, (2021, 2025)),
        ]
    });
    sheet(
        &[
            "id",
            "custom_id",
            "first_name",
            "last_name",
            "email",
            "phone_number",
            "company_id",
            "last_event_type",
            "last_heard",
            "push_key",
            "fcm_key",
            "tags",
            "interests",
            "newsletter",
            "born",
            "properties",
            "assigned_to",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

/// Contacts that other records name: none of the chat-only ones.
fn somebody(i: usize, contacts: usize) -> String {
    let at = i % contacts;
    let at = if matches!(at % SLOTS, 3..=5) { 0 } else { at };
    (70_001 + at).to_string()
}

fn deals_sheet((contacts, companies, count): (usize, usize, usize), random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let at = i % STAGES.len();
        vec![
            (300 + i).to_string(),
            format!("Contract {}", i + 1),
            format!("{}.50", random.between(10, 9000)),
            STAGES[at][0].to_owned(),
            (at + 1).to_string(),
            match at {
                2 | 4 => "Good price".to_owned(),
                _ => String::new(),
            },
            match i % 10 {
                6 => "Too late".to_owned(),
                _ => String::new(),
            },
            people::day(random, (2025, 2027)),
            somebody(i * 3, contacts),
            (5001 + random.below(companies)).to_string(),
            owner(random),
            people::instant(random, (2022, 2023)),
            people::instant(random, (2024, 2025)),
        ]
    });
    sheet(
        &[
            "id",
            "name",
            "value",
            "pipeline",
            "stage_id",
            "closed_won_reason",
            "closed_lost_reason",
            "expected_close_date",
            "user_id",
            "company_id",
            "assigned_to",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

fn events(contacts: usize, random: &mut Random) -> Sheet {
    let rows = (0..contacts / 4).map(|i| {
        let day = people::day(random, (2025, 2026));
        vec![
            (41_001 + i).to_string(),
            format!("Event {}", i + 1),
            format!("{day}T10:00:00Z"),
            match i % 5 {
                2 => String::new(),
                _ => format!("{day}T11:15:00Z"),
            },
            braces(&["jan.nowak@app.example", "guest@elsewhere.example"][..i % 3]),
            somebody(i * 2, contacts),
            owner(random),
        ]
    });
    sheet(
        &[
            "id",
            "title",
            "start",
            "end",
            "attendees",
            "user_id",
            "assigned_to",
        ],
        rows,
    )
}

fn activities(contacts: usize, random: &mut Random) -> Sheet {
    let rows = (0..contacts / 2).map(|i| {
        let kind = ["call", "email_open", "email_click", "push"][i % 4];
        vec![
            (52_001 + i).to_string(),
            kind.to_owned(),
            format!("Number {}", i + 1),
            people::instant(random, (2024, 2025)),
            match kind {
                "call" => random.between(5, 900).to_string(),
                _ => String::new(),
            },
            somebody(i, contacts),
            owner(random),
        ]
    });
    sheet(
        &[
            "id",
            "activity_type",
            "name",
            "datetime",
            "duration",
            "user_id",
            "assigned_to",
        ],
        rows,
    )
}

fn segments() -> Sheet {
    let rows = [
        ["1", "Tea drinkers", "{\"interest\": \"Tea\"}"],
        ["2", "Newsletter, all", "{\"newsletter\": true}"],
    ];
    sheet(&["id", "name", "definition"], rows.iter().map(|r| texts(r)))
}

/// More members of the first segment than one call takes, some of both, one that is said twice, and some that do
/// not move.
fn members(contacts: usize) -> Sheet {
    let of_first = (0..contacts).filter(|i| i % 2 == 1).map(|i| (i, "1"));
    let of_second = (0..contacts).filter(|i| i % 8 == 7).map(|i| (i, "2"));
    let rows = of_first
        .chain(of_second)
        .chain([(1, "1")])
        .enumerate()
        .map(|(n, (i, segment))| {
            vec![
                format!("m{}", n + 1),
                segment.to_owned(),
                (70_001 + i).to_string(),
            ]
        });
    sheet(&["id", "segment_id", "user_id"], rows)
}

fn conversations(contacts: usize) -> Sheet {
    let rows = (0..contacts / 5).map(|i| {
        vec![
            format!("chat-{}", i + 1),
            somebody(i * 5, contacts),
            format!("2025-04-{:02}T08:00:00Z", 1 + i % 28),
        ]
    });
    sheet(&["id", "user_id", "started_at"], rows)
}

/// Messages stand out of order in the file; the eighth chat is long.
fn messages(contacts: usize) -> Sheet {
    let mut rows = Vec::new();
    for i in 0..contacts / 5 {
        let count = if i % 64 == 7 { 400 } else { 3 };
        for n in (0..count).rev() {
            rows.push(vec![
                format!("msg-{}-{n:03}", i + 1),
                format!("chat-{}", i + 1),
                format!(
                    "2025-04-{:02}T{:02}:{:02}:00Z",
                    1 + i % 28,
                    8 + n / 60,
                    n % 60
                ),
                match n % 2 {
                    0 => String::new(),
                    _ => "Jan".to_owned(),
                },
                format!(
                    "<p>Line {n} of chat {} &amp; so on, in many words</p>",
                    i + 1
                ),
            ]);
        }
    }
    sheet(
        &["id", "conversation_id", "sent_at", "author", "body"],
        rows,
    )
}
