//! Tasks.csv, in UTF-8.

use super::{
    super::{
        random::Random,
        sheet::{Row, Sheet},
    },
    date, other_case,
    users::{NOT_INVITED, OWNERS, UNKNOWN},
};

const HEADER: &[&str] = &[
    "TaskID",
    "ContactID",
    "Contact Email",
    "Title",
    "Details",
    "Due Date",
    "Status",
    "Priority",
    "Category",
    "Owner Email",
    "Completed Date",
];

/// Exceptions come again every so many tasks.
const SLOTS: usize = 40;

const TITLE: &[&str] = &[
    "Call about the renewal",
    "Send the birthday letter",
    "Follow up on the quote",
    "Check the paperwork",
];

/// The file: one task for two contacts.
pub fn sheet(contacts: &[Row], random: &mut Random) -> Sheet {
    let mut sheet = Sheet::new(HEADER, "\n");
    for i in 0..contacts.len() / 2 {
        let contact = &contacts[random.below(contacts.len())];
        let mut row = Row::new(HEADER);
        row.set("TaskID", (70_001 + i).to_string())
            .set("ContactID", contact.get("ContactID"))
            .set("Contact Email", contact.get("Email").trim())
            .set("Title", random.pick(TITLE))
            .set(
                "Details",
                random.pick(&[
                    "",
                    "",
                    "Ask for the second phone number",
                    "Bring the folder, please",
                ]),
            )
            .set("Due Date", date(random, (2023, 2026)))
            .set("Priority", random.pick(&["1", "3", "3", "5"]))
            .set("Category", random.pick(&["1", "2", "3", ""]))
            .set("Owner Email", random.pick(OWNERS));
        if random.chance(40) {
            let completed = date(random, (2023, 2024));
            row.set("Status", "closed").set("Completed Date", completed);
        } else {
            row.set("Status", "open");
        }
        exception(i, contacts, &mut row);
        if i % SLOTS == 17 {
            sheet.push_short(&row, 2);
        } else {
            sheet.push(&row);
        }
    }
    sheet
}

fn exception(i: usize, contacts: &[Row], row: &mut Row) {
    let email = |n: usize| contacts.get(n).map_or("", |c| c.get("Email")).trim();
    let id = |n: usize| contacts.get(n).map_or("", |c| c.get("ContactID"));
    match i % SLOTS {
        // Cut at 50 characters by the vendor.
        0 => {
            row.set(
                "Title",
                "Send the complete renewal documents to the new add",
            );
        }
        1 => {
            row.set("Due Date", "");
        }
        2 => {
            row.set("Status", "closed")
                .set("Completed Date", "3/10/2024");
        }
        3 => {
            row.set("Owner Email", UNKNOWN);
        }
        4 => {
            row.set("Owner Email", NOT_INVITED);
        }
        5 => {
            row.set("Owner Email", other_case(OWNERS[1]));
        }
        // By the id alone, by the address alone, by neither.
        6 => {
            row.set("ContactID", id(104)).set("Contact Email", "");
        }
        7 => {
            row.set("ContactID", "")
                .set("Contact Email", email(105).to_uppercase());
        }
        8 if i < SLOTS => {
            row.set("ContactID", "").set("Contact Email", "");
        }
        9 => {
            row.set("ContactID", "999996")
                .set("Contact Email", format!("gone.{i}@mail.example"));
        }
        10 => {
            row.set("Priority", "");
        }
        11 => {
            row.set("Priority", "2");
        }
        12 if i < SLOTS => {
            row.set("Status", "waiting");
        }
        13 if i < SLOTS => {
            row.set("Due Date", "02/30/2024");
        }
        14 if i < SLOTS => {
            row.set("Title", "");
        }
        15 => {
            row.set("Details", "First line\nsecond \"line\", with a comma");
        }
        16 => {
            row.set("Status", "Closed")
                .set("Title", "Überprüfung – 確認");
        }
        18 => {
            row.set("Owner Email", "");
        }
        _ => {}
    }
}
