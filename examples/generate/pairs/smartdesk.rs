//! A SmartDesk export: users, accounts, contacts, leads and what belongs to them, all made up.
//!
//! Exceptions come by position (contact `i` has the one of slot `i % SLOTS`), so each is there at any size, and a
//! test can name the record it looks at.

use super::{
    File, people,
    random::Random,
    sheet::{Sheet, csv, sheet, texts},
};

/// Exceptions come again every so many contacts.
pub const SLOTS: usize = 80;

/// Users: e-mail, name, role. The last two have no user at the destination yet.
const USERS: &[[&str; 3]] = &[
    ["noor.haddad@desk.example", "Noor Haddad", "Manager"],
    ["sam.whitby@desk.example", "Sam Whitby", "Sales"],
    ["elif.demir@desk.example", "Elif Demir", "Sales"],
    ["tara.odell@desk.example", "Tara Odell", "Sales"],
    ["ivo.kern@desk.example", "", "Service"],
];

/// Stages with their probabilities. `Needs analysis` and `Proposal` have other names at the destination, `On hold` has
/// no place there.
const STAGES: &[(&str, &str)] = &[
    ("New", "10"),
    ("Qualification", "30"),
    ("Needs analysis", "45"),
    ("Proposal", "65"),
    ("Negotiation", "90"),
    ("Won", "100"),
    ("Lost", "0"),
    ("On hold", "5"),
];

/// The files of the export folder.
pub fn export(contacts: usize, seed: u64) -> Vec<File> {
    let random = |file: &str| Random::new(seed, file);
    let (accounts, leads, deals) = (contacts / 4, contacts / 4, contacts / 3);
    let all = (contacts, accounts, deals, leads);
    let mut files = vec![
        csv("users.csv", users()),
        csv(
            "accounts.csv",
            accounts_sheet(accounts, &mut random("accounts")),
        ),
        csv(
            "contacts.csv",
            contacts_sheet(contacts, accounts, &mut random("contacts")),
        ),
        csv("leads.csv", leads_sheet(leads, &mut random("leads"))),
        csv(
            "pipelines.csv",
            sheet(&["pipeline"], [texts(&["Sales Pipeline"])]),
        ),
        csv("stages.csv", stages()),
        csv("deals.csv", deals_sheet(all, &mut random("deals"))),
        csv("tasks.csv", tasks(all, &mut random("tasks"))),
        csv("activities.csv", activities(all, &mut random("activities"))),
        csv("campaigns.csv", campaigns()),
    ];
    files.extend(templates());
    files
}

fn users() -> Sheet {
    sheet(&["email", "name", "role"], USERS.iter().map(|u| texts(u)))
}

/// The owner as the export writes it: the case differs.
fn owner(random: &mut Random) -> String {
    let email = USERS.get(random.below(USERS.len())).map_or("", |u| u[0]);
    match random.below(5) {
        0 => email.to_uppercase(),
        _ => email.to_owned(),
    }
}

/// A day as the vendor writes it.
fn day(random: &mut Random, years: (usize, usize)) -> String {
    format!(
        "{:02}/{:02}/{}",
        random.between(1, 28),
        random.between(1, 12),
        random.between(years.0, years.1)
    )
}

fn account_id(i: usize) -> String {
    format!("A{}", 201 + i)
}

fn contact_id(i: usize) -> String {
    format!("C{}", 3001 + i)
}

fn deal_id(i: usize) -> String {
    format!("D{}", 701 + i)
}

fn lead_id(i: usize) -> String {
    format!("L{}", 501 + i)
}

/// The name of account `i`; number 9 has the name of number 8.
fn account_name(i: usize) -> String {
    people::firm(if i == 9 { 8 } else { i })
}

fn accounts_sheet(count: usize, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let (city, _, _, country) = people::CITY[random.below(people::CITY.len())];
        vec![
            account_id(i),
            account_name(i),
            random
                .pick(&["IT", "Finance", "Healthcare", "Beekeeping", ""])
                .to_owned(),
            random.pick(&["3", "75", "1200", ""]).to_owned(),
            match i % 7 {
                3 => String::new(),
                _ => format!("https://desk-{i}.example"),
            },
            people::phone(random),
            city.to_owned(),
            country.to_owned(),
            owner(random),
            people::instant(random, (2016, 2020)),
            people::instant(random, (2021, 2025)),
            random.pick(&["Gold", "Silver", ""]).to_owned(),
        ]
    });
    sheet(
        &[
            "id",
            "name",
            "industry",
            "employee_count",
            "website",
            "phone",
            "city",
            "country",
            "owner_email",
            "created_at",
            "updated_at",
            "Account Tier",
        ],
        rows,
    )
}

fn contacts_sheet(count: usize, accounts: usize, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let (first, last) = (random.pick(people::FIRST), random.pick(people::LAST));
        let (city, _, postcode, country) = people::CITY[random.below(people::CITY.len())];
        // Numbers 8 and 9 share a name: only the slot below points there.
        let at = match random.below(accounts) {
            8 | 9 => 10,
            at => at,
        };
        let mut account = account_name(at);
        let mut email = format!("{}.{}@desk-clients.example", first.to_lowercase(), i + 1);
        let mut lifecycle = random.pick(&["prospect", "Qualified", "client", "customer"]);
        let mut owned = owner(random);
        match i % SLOTS {
            2 => account = format!("  {} ", account.to_uppercase()),
            3 => account = account_name(8),
            4 => account = "Nobody's Account".to_owned(),
            5 => account.clear(),
            10 => email.clear(),
            11 => email = "call first".to_owned(),
            12 => lifecycle = "regular guest",
            13 => owned = "left.long.ago@desk.example".to_owned(),
            14 => owned.clear(),
            20 if i < SLOTS => email = "jo.known@clients.example".to_owned(),
            _ => {}
        }
        vec![
            contact_id(i),
            first.to_owned(),
            last.to_owned(),
            email,
            people::phone(random),
            format!("{} Example Lane", random.between(1, 99)),
            city.to_owned(),
            postcode.to_owned(),
            country.to_owned(),
            lifecycle.to_owned(),
            account,
            owned,
            people::instant(random, (2016, 2020)),
            people::instant(random, (2021, 2025)),
            random.pick(&["E-mail", "Phone", ""]).to_owned(),
            random.pick(&["1", "50", "99", ""]).to_owned(),
        ]
    });
    sheet(
        &[
            "id",
            "first_name",
            "last_name",
            "email",
            "phone",
            "address",
            "city",
            "postcode",
            "country",
            "lifecycle_stage",
            "account_name",
            "owner_email",
            "created_at",
            "updated_at",
            "Preferred Channel",
            "Score",
        ],
        rows,
    )
}

fn leads_sheet(count: usize, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let (first, last) = (random.pick(people::FIRST), random.pick(people::LAST));
        let email = match i % 40 {
            // A contact already.
            6 => "jo.known@clients.example".to_owned(),
            _ => format!("lead.{}@desk-leads.example", i + 1),
        };
        vec![
            lead_id(i),
            first.to_owned(),
            last.to_owned(),
            format!("Company of {last}"),
            email,
            people::phone(random),
            random.pick(&["Fair", "Website", "Referral"]).to_owned(),
            random.pick(&["Open", "Working", "Ready"]).to_owned(),
            random.pick(&["Y", "N", "N", ""]).to_owned(),
            owner(random),
            people::instant(random, (2022, 2023)),
            people::instant(random, (2024, 2025)),
        ]
    });
    sheet(
        &[
            "id",
            "first_name",
            "last_name",
            "company",
            "email",
            "phone",
            "lead_source",
            "lead_status",
            "convert_flag",
            "owner_email",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

fn stages() -> Sheet {
    let rows = STAGES.iter().enumerate().map(|(i, (name, share))| {
        vec![
            format!("S{}", i + 1),
            "Sales Pipeline".to_owned(),
            (*name).to_owned(),
            (i + 1).to_string(),
            (*share).to_owned(),
        ]
    });
    sheet(
        &["id", "pipeline", "stage", "position", "probability"],
        rows,
    )
}

type Counts = (usize, usize, usize, usize);

fn deals_sheet((contacts, accounts, count, _): Counts, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        let stage = match i % 30 {
            7 => "Thinking",
            _ => STAGES[i % STAGES.len()].0,
        };
        let account = match random.below(accounts) {
            8 | 9 => 10,
            at => at,
        };
        vec![
            deal_id(i),
            format!("Order {}", i + 1),
            format!("{}.{:02}", random.between(50, 20_000), random.below(100)),
            random.pick(&["GBP", "EUR"]).to_owned(),
            day(random, (2025, 2027)),
            "Sales Pipeline".to_owned(),
            stage.to_owned(),
            match i % 9 {
                4 => String::new(),
                _ => contact_id(random.below(contacts)),
            },
            account_name(account),
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
            "currency",
            "expected_close_date",
            "pipeline",
            "stage",
            "contact_id",
            "account_name",
            "owner_email",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

fn tasks((contacts, _, deals, _): Counts, random: &mut Random) -> Sheet {
    let rows = (0..contacts / 2).map(|i| {
        let related = match i % 12 {
            5 => String::new(),
            6 => "C999999".to_owned(),
            n if n % 2 == 0 => contact_id(i % contacts),
            _ => deal_id(i % deals),
        };
        let due = day(random, (2025, 2027));
        vec![
            format!("T{}", i + 1),
            format!("Task number {}", i + 1),
            format!("What to do in {}:\n\"call\", then write", i + 1),
            match i % 3 {
                0 => due,
                _ => format!("{due} 14:{:02}", random.below(60)),
            },
            random.pick(&["Open", "Done"]).to_owned(),
            owner(random),
            related,
        ]
    });
    sheet(
        &[
            "id",
            "title",
            "description",
            "due_date",
            "status",
            "assignee_email",
            "related_id",
        ],
        rows,
    )
}

fn activities((contacts, accounts, deals, leads): Counts, random: &mut Random) -> Sheet {
    let rows = (0..contacts).map(|i| {
        let kind = ["call", "email", "meeting", "note"][i % 4];
        let at = i / 4;
        let related = match i % 5 {
            0 | 1 => contact_id(at % contacts),
            2 => account_id(10 + at % (accounts - 10)),
            3 => deal_id(at % deals),
            _ => lead_id(at % leads),
        };
        let date = day(random, (2023, 2025));
        let minute = random.below(60);
        vec![
            format!("V{}", i + 1),
            kind.to_owned(),
            match i % 23 {
                9 => String::new(),
                _ => format!("{kind} of {}", i + 1),
            },
            format!("Text of activity {}", i + 1),
            format!("{date} 09:{minute:02}"),
            match kind {
                "meeting" => format!("{date} 11:{minute:02}"),
                _ => String::new(),
            },
            match kind {
                "call" => random.between(1, 60).to_string(),
                _ => String::new(),
            },
            match kind {
                "meeting" => "Room 4, Leeds".to_owned(),
                _ => String::new(),
            },
            match kind {
                "call" | "email" => random.pick(&["in", "out"]).to_owned(),
                _ => String::new(),
            },
            related,
            owner(random),
        ]
    });
    sheet(
        &[
            "id",
            "type",
            "subject",
            "body",
            "start",
            "end",
            "duration",
            "location",
            "direction",
            "related_id",
            "owner_email",
        ],
        rows,
    )
}

fn campaigns() -> Sheet {
    let rows = (1..=6).map(|i| {
        vec![
            format!("K{i}"),
            format!("Campaign {i}"),
            ["Newsletter", "Fair"][i % 2].to_owned(),
            ["Planned", "Running", "Finished"][i % 3].to_owned(),
            format!("0{i}/02/2025"),
            format!("0{i}/05/2025"),
            (i * 1000).to_string(),
            (i * 321).to_string(),
        ]
    });
    sheet(
        &[
            "id",
            "name",
            "type",
            "status",
            "start_date",
            "end_date",
            "sends",
            "opens",
        ],
        rows,
    )
}

/// The list and the HTML files; the third has a condition in it.
fn templates() -> Vec<File> {
    let bodies = [
        "<p>Dear {{contact.first_name}},</p><p>thank you.</p>",
        "<h1>Größe &amp; Preis</h1><img src=\"https://desk.example/logo.png\">",
        "<p>{% if contact.vip %}Dear friend{% else %}Dear customer{% endif %}</p>",
    ];
    let rows = (1..=bodies.len()).map(|i| {
        vec![
            format!("E{i}"),
            format!("Template {i}"),
            match i {
                2 => String::new(),
                _ => format!("Subject {i} for {{{{contact.first_name}}}}"),
            },
            format!("templates/template-{i}.html"),
        ]
    });
    let mut files = vec![csv(
        "email_templates.csv",
        sheet(&["id", "name", "subject", "file"], rows),
    )];
    for (i, body) in (1..).zip(bodies) {
        files.push((
            format!("templates/template-{i}.html"),
            body.as_bytes().to_vec(),
        ));
    }
    files
}
