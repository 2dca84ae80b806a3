//! The pairs that example exports can be made for: one module each, and what they share.

pub mod actimo;
pub mod actimo_xlsx;
pub mod allclients;
pub mod interactive;
pub mod people;
pub mod random;
pub mod sheet;
pub mod smartdesk;
pub mod usercom;

/// Path under the export folder, and content.
pub type File = (String, Vec<u8>);

/// The source platforms that exports can be made for.
pub const NAMES: [&str; 6] = [
    "allclients",
    "interactive",
    "smartdesk",
    "actimo",
    "actimo_xlsx",
    "usercom",
];

/// The files of an export.
pub fn export(pair: &str, contacts: usize, seed: u64) -> Vec<File> {
    match pair {
        "allclients" => allclients::export(contacts, seed),
        "usercom" => usercom::export(contacts, seed),
        "actimo" => actimo::export(contacts, seed),
        "actimo_xlsx" => actimo_xlsx::export(contacts, seed),
        "smartdesk" => smartdesk::export(contacts, seed),
        "interactive" => interactive::export(contacts, seed),
        _ => Vec::new(),
    }
}
