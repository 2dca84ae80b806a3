//! An AllClients export: contacts, notes, tasks, users and e-mail templates, all made up.
//!
//! Exceptions come by position: contact `i` has the one of slot `i % 160`, notes and tasks those of 40 slots,
//! so each is there at any size, and a test can name the record it looks at.

mod contacts;
mod notes;
mod tasks;
mod templates;
mod users;

use super::{File, random::Random};

/// The files of the export folder.
pub fn export(contacts: usize, seed: u64) -> Vec<File> {
    let people = contacts::contacts(contacts, &mut Random::new(seed, "contacts"));
    let mut files = vec![
        (
            "Contacts.csv".to_owned(),
            contacts::sheet(&people).utf8_marked(),
        ),
        (
            "Notes.csv".to_owned(),
            notes::sheet(&people, &mut Random::new(seed, "notes")).utf8(),
        ),
        (
            "Tasks.csv".to_owned(),
            tasks::sheet(&people, &mut Random::new(seed, "tasks")).utf8(),
        ),
        ("Users.csv".to_owned(), users::sheet().windows_1252()),
    ];
    files.extend(templates::files());
    files
}

/// A date as the vendor writes it: `3/9/2024`, or `03/09/2024`.
fn date(random: &mut Random, years: (usize, usize)) -> String {
    let (year, month, day) = (
        random.between(years.0, years.1),
        random.between(1, 12),
        random.between(1, 28),
    );
    if random.chance(50) {
        format!("{month:02}/{day:02}/{year}")
    } else {
        format!("{month}/{day}/{year}")
    }
}

/// A time of the day: `3:22 PM`.
fn time(random: &mut Random) -> String {
    let (hour, minute) = (random.between(4, 12), random.below(60));
    let half = random.pick(&["AM", "PM"]);
    format!("{hour}:{minute:02} {half}")
}

/// Letters in turned case: another spelling of the same address.
fn other_case(address: &str) -> String {
    address
        .chars()
        .enumerate()
        .map(|(n, c)| {
            if n % 2 == 0 {
                c.to_ascii_uppercase()
            } else {
                c
            }
        })
        .collect()
}
