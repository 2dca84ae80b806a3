//! An Actimo export: users, companies, contacts with their scores, surveys and automations, all made up.
//!
//! Exceptions come by position (contact `i` has the one of slot `i % SLOTS`), so each is there at any size, and a
//! test can name the record it looks at. Cells are separated by semicolons.

use super::{
    File, people,
    random::Random,
    sheet::{Sheet, texts},
};

/// Exceptions come again every so many contacts.
pub const SLOTS: usize = 80;

/// Users: id, e-mail, name. The last has no user at the destination.
const USERS: &[[&str; 3]] = &[
    ["11", "sofie.lund@workplace.example", "Sofie Lund"],
    ["12", "Aksel.Bech@workplace.example", "Aksel Bech"],
    ["14", "liv.dam@workplace.example", "Liv Dam"],
    ["15", "emil.krogh@workplace.example", "Emil Krogh"],
    ["13", "mads.friis@workplace.example", "Mads Friis"],
];

const PATHS: &[&str] = &["Onboarding", "Safety; heights", "Køkken 1", "Sales basics"];
const TAGS: &[&str] = &["VIP", "Night shift", "Union", "New"];
const DEPARTMENT: &[&str] = &["Drift", "Salg", "Køkken", ""];

/// The files of the export folder.
pub fn export(contacts: usize, seed: u64) -> Vec<File> {
    let random = |file: &str| Random::new(seed, file);
    let companies = contacts / 8;
    let users = sheet(
        &["user_id", "email", "name"],
        USERS.iter().map(|u| texts(u)),
    );
    vec![
        ("users.csv".to_owned(), users.utf8_marked()),
        (
            "companies.csv".to_owned(),
            companies_sheet(companies, &mut random("companies")).utf8_marked(),
        ),
        (
            "contacts.csv".to_owned(),
            contacts_sheet(contacts, companies, &mut random("contacts")).utf8_marked(),
        ),
        (
            "surveys.csv".to_owned(),
            surveys(contacts, &mut random("surveys")).utf8_marked(),
        ),
        ("automations.csv".to_owned(), automations().utf8_marked()),
    ]
}

fn sheet(header: &'static [&'static str], rows: impl IntoIterator<Item = Vec<String>>) -> Sheet {
    super::sheet::separated(header, ';', rows)
}

/// A moment as the vendor writes it, in the account's zone.
fn moment(random: &mut Random, years: (usize, usize)) -> String {
    people::instant(random, years)
        .replace(['T', 'Z'], " ")
        .trim()
        .to_owned()
}

fn owner(random: &mut Random) -> String {
    USERS
        .get(random.below(USERS.len()))
        .map_or("", |u| u[0])
        .to_owned()
}

fn company_id(i: usize) -> String {
    (901 + i).to_string()
}

fn companies_sheet(count: usize, random: &mut Random) -> Sheet {
    let rows = (0..count).map(|i| {
        vec![
            company_id(i),
            people::firm(i),
            random.pick(&["Retail", "Software", "Biavl", ""]).to_owned(),
            random.pick(&["8", "640", ""]).to_owned(),
            random.pick(&["1250000.50", "98000", ""]).to_owned(),
            random.pick(DEPARTMENT).to_owned(),
            owner(random),
            moment(random, (2016, 2020)),
            moment(random, (2021, 2025)),
        ]
    });
    sheet(
        &[
            "company_id",
            "name",
            "industry",
            "employee_count",
            "annual_revenue",
            "department_name",
            "owner_id",
            "created_at",
            "updated_at",
        ],
        rows,
    )
}

fn some_of(random: &mut Random, all: &[&str]) -> String {
    let (count, start) = (random.below(3), random.below(all.len()));
    (0..count)
        .filter_map(|n| all.get((start + n) % all.len()).copied())
        .collect::<Vec<_>>()
        .join("|")
}

fn contacts_sheet(count: usize, companies: usize, random: &mut Random) -> Sheet {
    let mut emails: Vec<String> = Vec::with_capacity(count);
    let rows = (0..count).map(|i| {
        let (first, last) = (random.pick(people::FIRST), random.pick(people::LAST));
        let mut email = format!("{}.{}@workers.example", first.to_lowercase(), i + 1);
        let mut updated = moment(random, (2021, 2024));
        let mut company = company_id(random.below(companies));
        let mut owned = owner(random);
        let mut score = format!("{}.{:02}", random.below(100), random.below(100));
        let mut rate = match random.below(3) {
            0 => format!("{} %", random.below(101)),
            1 => format!("{}%", random.below(101)),
            _ => format!("{}.5", random.below(100)),
        };
        let mut paths = some_of(random, PATHS);
        let mut last_seen = match random.below(3) {
            0 => people::day(random, (2024, 2025)),
            _ => moment(random, (2024, 2025)),
        };
        let (mut ready, mut deals) = (
            random.pick(&["no", "no", "yes", ""]),
            random.pick(&["0", "0", "0", "2", ""]),
        );
        match i % SLOTS {
            4 => {
                if let Some(same) = emails.get(i - 1) {
                    email = same.to_uppercase();
                    updated = "2025-06-01 08:00:00".to_owned();
                }
            }
            10 => email.clear(),
            11 => owned.clear(),
            12 => owned = "99".to_owned(),
            13 => company.clear(),
            14 => company = "7".to_owned(),
            20 => score = "high".to_owned(),
            21 => rate = "most of it".to_owned(),
            22 => last_seen = "yesterday".to_owned(),
            23 => score.clear(),
            24 => paths = PATHS.join("|"),
            // Just before midnight in Copenhagen: still that day.
            25 => last_seen = "2025-01-31 23:59:59".to_owned(),
            3 | 30 => {
                ready = "no";
                deals = "0";
            }
            _ => {}
        }
        if matches!(i % SLOTS, 3 | 4) {
            (ready, deals) = ("no", "0");
        }
        emails.push(email.clone());
        vec![
            (40_001 + i).to_string(),
            format!("E{}", 1 + i),
            first.to_owned(),
            last.to_owned(),
            email,
            "+45".to_owned(),
            format!("20 10 {:02} {:02}", random.below(100), random.below(100)),
            company,
            random.pick(DEPARTMENT).to_owned(),
            owned,
            match i % 6 {
                0 => String::new(),
                _ => format!("E{}", 1 + i / 6 * 6),
            },
            score,
            rate,
            random.below(400).to_string(),
            random.below(90).to_string(),
            random.below(12).to_string(),
            format!("{}%", random.below(101)),
            last_seen,
            paths,
            some_of(random, TAGS),
            moment(random, (2016, 2020)),
            updated,
            ready.to_owned(),
            deals.to_owned(),
            random
                .pick(&["Locker 12", "", "Left-handed; \"tall\""])
                .to_owned(),
            random.pick(&["2026-01-31", "", "2027-12-01"]).to_owned(),
        ]
    });
    sheet(
        &[
            "contact_id",
            "employee_id",
            "first_name",
            "last_name",
            "email",
            "phone_country_code",
            "mobile",
            "company_id",
            "department_name",
            "owner_id",
            "manager_id",
            "engagement_score",
            "training_completion_rate",
            "message_open_count",
            "message_click_count",
            "survey_responses",
            "survey_engagement_rate",
            "last_engagement_date",
            "assigned_training_paths",
            "tags",
            "created_at",
            "updated_at",
            "data1",
            "data2",
            "data3",
            "data4",
        ],
        rows,
    )
}

fn surveys(contacts: usize, random: &mut Random) -> Sheet {
    let rows = (0..contacts).map(|i| {
        vec![
            format!("S{}", i + 1),
            ["Pulse March", "Pulse June"][i % 2].to_owned(),
            (40_001 + i).to_string(),
            "How was the week?".to_owned(),
            random
                .pick(&["Fine", "Busy; but good", "\"So so\"", ""])
                .to_owned(),
            moment(random, (2025, 2025)),
        ]
    });
    sheet(
        &[
            "answer_id",
            "survey",
            "contact_id",
            "question",
            "answer",
            "answered_at",
        ],
        rows,
    )
}

fn automations() -> Sheet {
    let rows = [
        [
            "1",
            "flow",
            "Welcome",
            "Contact created",
            "department is Drift",
            "Send message 4",
        ],
        [
            "2",
            "training",
            "Onboarding",
            "First login",
            "",
            "Assign path Onboarding",
        ],
        [
            "3",
            "survey",
            "Pulse March",
            "First of the month",
            "active",
            "Send survey",
        ],
    ];
    sheet(
        &[
            "automation_id",
            "type",
            "name",
            "trigger",
            "conditions",
            "actions",
        ],
        rows.iter().map(|r| texts(r)),
    )
}
