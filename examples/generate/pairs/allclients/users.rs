//! Users.csv, in Windows-1252.

use super::super::sheet::{Row, Sheet};

const HEADER: &[&str] = &["Name", "Email", "Role", "Active"];

/// Owners whose account exists at the destination, mostly in other letter case (`sandbox.yaml`).
pub const OWNERS: &[&str] = &[
    "dana.reed@agency.example",
    "kim.ortega@agency.example",
    "zoe.mueller@agency.example",
    "jose.pena@agency.example",
    "renee.dubois@agency.example",
    "priya.nair@agency.example",
    "tom.okafor@agency.example",
    "former.agent@agency.example",
];

/// A user who has no account at the destination.
pub const NOT_INVITED: &str = "lena.brandt@agency.example";

/// An owner who is in no users file.
pub const UNKNOWN: &str = "left.long.ago@agency.example";

/// The file.
pub fn sheet() -> Sheet {
    let mut sheet = Sheet::new(HEADER, "\n");
    for (name, email, role, active) in [
        ("Dana Reed", OWNERS[0], "Admin", "Yes"),
        ("Kim Ortega", OWNERS[1], "Agent", "Yes"),
        ("Zoë Müller", OWNERS[2], "Agent", "Yes"),
        ("José Peña", OWNERS[3], "Agent", "Yes"),
        ("Renée Dubois", OWNERS[4], "Agent", "Yes"),
        ("Priya Nair", OWNERS[5], "Assistant", "Yes"),
        ("Okafor, Tom \"T.J.\"", OWNERS[6], "Agent", "Yes"),
        ("Former Agent", OWNERS[7], "Agent", "No"),
        ("Lena Brandt", NOT_INVITED, "Agent", "Yes"),
    ] {
        let mut row = Row::new(HEADER);
        row.set("Name", name)
            .set("Email", email)
            .set("Role", role)
            .set("Active", active);
        sheet.push(&row);
    }
    sheet
}
