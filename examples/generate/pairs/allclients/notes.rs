//! Notes.csv, in UTF-8 with CRLF line ends.

use super::{
    super::{
        random::Random,
        sheet::{Row, Sheet},
    },
    date, other_case, time,
};

const HEADER: &[&str] = &[
    "NoteID",
    "ContactID",
    "Contact Email",
    "Date",
    "Note",
    "Created By",
];

/// Exceptions come again every so many notes.
const SLOTS: usize = 40;

const BODY: &[&str] = &[
    "Called, left a message.",
    "<p>Asked for a <b>quote</b> by Friday.</p>",
    "Met at the open house; sent the brochure &amp; the price list.",
    "<div>Wants to <a href=\"https://www.example.com/list?id=5&amp;p=2\">see the listing</a> again</div>",
    "Will renew in the spring",
];

/// The file: six notes for five contacts.
pub fn sheet(contacts: &[Row], random: &mut Random) -> Sheet {
    let mut sheet = Sheet::new(HEADER, "\r\n");
    for i in 0..contacts.len() * 6 / 5 {
        let contact = &contacts[random.below(contacts.len())];
        let mut row = Row::new(HEADER);
        row.set("NoteID", (50_001 + i).to_string())
            .set("ContactID", contact.get("ContactID"))
            .set("Contact Email", contact.get("Email").trim())
            .set(
                "Date",
                format!("{} {}", date(random, (2016, 2024)), time(random)),
            )
            .set("Note", random.pick(BODY))
            .set(
                "Created By",
                random.pick(&["Dana Reed", "Kim Ortega", "Zoë Müller", "Automation"]),
            );
        exception(i, contacts, &mut row);
        sheet.push(&row);
    }
    sheet
}

fn exception(i: usize, contacts: &[Row], row: &mut Row) {
    let email = |n: usize| contacts.get(n).map_or("", |c| c.get("Email")).trim();
    let id = |n: usize| contacts.get(n).map_or("", |c| c.get("ContactID"));
    match i % SLOTS {
        0 => {
            row.set(
                "Note",
                "<p>Said: \"call me\r\nafter lunch\"</p>\r\n<ul>\r\n  <li>price, terms</li>\n  <li>\"as is\"</li>\r\n</ul>\r\n",
            );
        }
        // By the id alone, by the address alone.
        1 => {
            row.set("ContactID", id(100)).set("Contact Email", "");
        }
        2 => {
            row.set("ContactID", "")
                .set("Contact Email", other_case(email(101)));
        }
        // The contact's address changed; the contact is not in the export; both.
        3 => {
            row.set("ContactID", "")
                .set("Contact Email", format!("former.address.{i}@mail.example"));
        }
        4 => {
            row.set("ContactID", "999999").set("Contact Email", "");
        }
        5 => {
            row.set("ContactID", "999998")
                .set("Contact Email", format!("cut.by.the.cap.{i}@mail.example"));
        }
        // The id is unknown, the address is not.
        6 => {
            row.set("ContactID", "999997")
                .set("Contact Email", email(102));
        }
        7 => {
            row.set("Date", "");
        }
        8 => {
            row.set("Created By", "");
        }
        // This half hour came twice that night.
        9 => {
            row.set("Date", "11/3/2024 1:30 AM");
        }
        // Longer than one note may be at the destination.
        10 if i < SLOTS => {
            let line = "The long story of a sample policy, told again for the file. ";
            row.set("ContactID", id(103))
                .set("Contact Email", email(103))
                .set("Note", format!("<p>{}</p>", line.repeat(300)));
        }
        11 if i < SLOTS => {
            row.set("Note", "");
        }
        12 => {
            row.set("Note", "Grüße aus Köln — 見積もりを送った 🏡\u{a0}ok");
        }
        // Contacts that are merged: the loser's id; an address that three rows share.
        13 => {
            row.set("ContactID", id(3)).set("Contact Email", email(3));
        }
        14 => {
            row.set("ContactID", "").set("Contact Email", email(13));
        }
        // A contact that is held for its own sake.
        15 => {
            row.set("ContactID", id(20)).set("Contact Email", "");
        }
        16 => {
            row.set("Date", "9/4/2018");
        }
        _ => {}
    }
}
