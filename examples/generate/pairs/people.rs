//! Made-up people and firms that several exports share.

use super::random::Random;

/// First names.
pub const FIRST: &[&str] = &[
    "Alex", "Bailey", "Casey", "Devon", "Emery", "Frankie", "Gray", "Harper", "Indy", "Jules",
    "Kai", "Logan", "Morgan", "Noel", "Oakley", "Parker", "Quinn", "Riley", "Sage", "Taylor",
];

/// Last names; some are in other scripts or hold marks that careless programs break.
pub const LAST: &[&str] = &[
    "Archer",
    "Baker",
    "Carter",
    "Dyer",
    "Fletcher",
    "Glover",
    "Hooper",
    "Keeler",
    "Mason",
    "Nailor",
    "Potter",
    "O'Sample",
    "Ñandú",
    "Müller-Beispiel",
    "例田",
    "Przykładowska",
];

/// Firms that do not exist.
const FIRM: &[&str] = &[
    "Northwind Sample",
    "Example Roofing",
    "Placeholder Dental",
    "Acme Sample Supply",
    "Test Harbor Logistics",
    "Beispiel & Söhne",
    "Sample, Sample and Sample",
    "Invented \"Quote\" Works",
];

/// Cities with their state or region, postal code and country.
pub const CITY: &[(&str, &str, &str, &str)] = &[
    ("Springfield", "IL", "62701", "United States"),
    ("Madison", "WI", "53703", "United States"),
    ("Gdańsk", "Pomorskie", "80-001", "Poland"),
    ("Köln", "NRW", "50667", "Germany"),
    ("København", "Hovedstaden", "1050", "Denmark"),
];

/// The name of firm number `i`: all differ.
pub fn firm(i: usize) -> String {
    let name = FIRM.get(i % FIRM.len()).copied().unwrap_or_default();
    match i / FIRM.len() {
        0 => name.to_owned(),
        n => format!("{name} {}", n + 1),
    }
}

/// An instant in UTC in ISO 8601: `2023-05-04T09:08:07Z`.
pub fn instant(random: &mut Random, years: (usize, usize)) -> String {
    format!(
        "{}T{:02}:{:02}:{:02}Z",
        day(random, years),
        random.below(24),
        random.below(60),
        random.below(60)
    )
}

/// A day: `2023-05-04`.
pub fn day(random: &mut Random, years: (usize, usize)) -> String {
    format!(
        "{}-{:02}-{:02}",
        random.between(years.0, years.1),
        random.between(1, 12),
        random.between(1, 28)
    )
}

/// A number nobody has.
pub fn phone(random: &mut Random) -> String {
    format!("+1 555 010 {:04}", random.between(100, 199))
}
