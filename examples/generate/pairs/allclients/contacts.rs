//! Contacts.csv, in UTF-8 with a byte order mark.

use super::{
    super::{
        random::Random,
        sheet::{Row, Sheet},
    },
    date, other_case, time,
    users::{NOT_INVITED, OWNERS, UNKNOWN},
};

const HEADER: &[&str] = &[
    "ContactID",
    "First Name",
    "Last Name",
    "Company",
    "Email",
    "Other Email",
    "Phone 1",
    "Phone 2",
    "Phone 3",
    "Phone 4",
    "Address",
    "City",
    "State",
    "Postal Code",
    "Birthday",
    "Other First Name",
    "Other Last Name",
    "Other Birthday",
    "Category",
    "Source",
    "Groups",
    "Tags",
    "Owner Email",
    "Add Date",
    "Edit Date",
    "Gift Idea",
    "Policies",
    "Renewal Date",
    "Client Type",
    "Newsletter",
];

/// Exceptions come again every so many contacts.
pub const SLOTS: usize = 160;

const FIRST: &[&str] = &[
    "Alex", "Bailey", "Casey", "Devon", "Emery", "Frankie", "Gray", "Harper", "Indy", "Jules",
    "Kai", "Logan", "Morgan", "Noel", "Oakley", "Parker", "Quinn", "Riley", "Sage", "Taylor",
];
const LAST: &[&str] = &[
    "Archer", "Baker", "Carter", "Dyer", "Fletcher", "Glover", "Hooper", "Keeler", "Mason",
    "Nailor", "Potter", "Sawyer", "Slater", "Tanner", "Turner", "Weaver",
];
const COMPANY: &[&str] = &[
    "Northwind Sample LLC",
    "Example Roofing",
    "Placeholder Dental",
    "Acme Sample Supply",
    "Test Harbor Logistics",
    "",
    "",
];
const CITY: &[(&str, &str, &str)] = &[
    ("Springfield", "IL", "62701"),
    ("Madison", "WI", "53703"),
    ("Des Moines", "IA", "50309"),
    ("Omaha", "NE", "68102"),
    ("Duluth", "MN", "55802"),
];
const GROUPS: &[&str] = &[
    "Book Club",
    "Golf Day",
    "Past Clients",
    "Prospects",
    "Holiday Cards",
    "Investors",
];
const TAGS: &[&str] = &[
    "VIP",
    "Referral",
    "Newsletter",
    "Cold",
    "Open House",
    "Expired",
];

/// Names in other scripts: first, last, and an address in ASCII.
const SCRIPTS: &[(&str, &str)] = &[
    ("さくら", "例田"),
    ("Ирина", "Примерова"),
    ("سارة", "المثال"),
    ("Ελένη", "Παραδείγματος"),
    ("अनिता", "उदाहरण"),
    ("민지", "예시"),
    ("Thị Ánh", "Nguyễn"),
    ("שרה", "דוגמה"),
    ("王芳", "示例"),
    ("Łucja", "Przykładowska"),
    ("Zo\u{0308}e", "E\u{0301}xemple"),
];

/// The contacts in file order.
pub fn contacts(count: usize, random: &mut Random) -> Vec<Row> {
    let mut contacts: Vec<Row> = Vec::with_capacity(count);
    for i in 0..count {
        let mut row = ordinary(i, random);
        exception(i, &mut row, &contacts);
        contacts.push(row);
    }
    contacts
}

/// The file. Two rows of each round are broken.
pub fn sheet(contacts: &[Row]) -> Sheet {
    let mut sheet = Sheet::new(HEADER, "\n");
    for (i, row) in contacts.iter().enumerate() {
        match i % SLOTS {
            80 => sheet.push_short(row, 3),
            81 => sheet.push_unquoted(row),
            _ => sheet.push(row),
        }
    }
    sheet
}

fn ordinary(i: usize, random: &mut Random) -> Row {
    let mut row = Row::new(HEADER);
    let (first, last) = (random.pick(FIRST), random.pick(LAST));
    let domain = random.pick(&["mail.example", "family.example", "clients.example"]);
    row.set("ContactID", (10_001 + i).to_string())
        .set("First Name", first)
        .set("Last Name", last)
        .set("Company", random.pick(COMPANY))
        .set(
            "Email",
            format!("{first}.{last}.{}@{domain}", i + 1).to_lowercase(),
        )
        .set("Phone 1", phone(random));
    if random.chance(30) {
        row.set("Phone 2", phone(random));
    }
    if random.chance(10) {
        row.set("Phone 3", phone(random))
            .set("Phone 4", phone(random));
    }
    if random.chance(15) {
        row.set("Other Email", format!("second.{}@{domain}", i + 1));
    }
    if random.chance(80) {
        let number = random.between(1, 999);
        let (city, state, code) = CITY[random.below(CITY.len())];
        row.set("Address", format!("{number} Sample Street"))
            .set("City", city)
            .set("State", state)
            .set("Postal Code", code);
    }
    if random.chance(50) {
        row.set("Birthday", birthday(random));
    }
    if random.chance(20) {
        row.set("Other First Name", random.pick(FIRST))
            .set("Other Last Name", last)
            .set("Other Birthday", birthday(random));
    }
    row.set(
        "Category",
        random.pick(&["Client", "Prospect", "Vendor", ""]),
    )
    .set(
        "Source",
        random.pick(&["Website", "Referral", "Open House", ""]),
    )
    .set("Groups", some_of(random, GROUPS, 3))
    .set("Tags", some_of(random, TAGS, 3))
    .set("Owner Email", random.pick(OWNERS))
    .set("Add Date", stamp(random, (2015, 2021)))
    .set("Edit Date", stamp(random, (2022, 2024)))
    .set(
        "Gift Idea",
        random.pick(&["Coffee", "Garden tools", "Book", "", ""]),
    )
    .set("Policies", random.pick(&["0", "1", "2", "3", "12", ""]))
    .set(
        "Client Type",
        random.pick(&["Buyer", "Seller", "Investor", "Past client", ""]),
    )
    .set("Newsletter", random.pick(&["Yes", "No", ""]));
    if random.chance(60) {
        row.set("Renewal Date", date(random, (2024, 2027)));
    }
    row
}

/// Changes a row to the exception of its slot. `before`: the rows above.
fn exception(i: usize, row: &mut Row, before: &[Row]) {
    let above = |n: usize| before.get(i.wrapping_sub(n)).cloned();
    match i % SLOTS {
        // The older of two, with what the newer one lacks.
        3 => {
            row.set("Company", "Example Bakery")
                .set("Phone 2", "(555) 010-0303")
                .set("Edit Date", "1/15/2022 9:00:00 AM");
        }
        5 => {
            if let Some(same) = above(2) {
                row.set("Email", same.get("Email").to_uppercase())
                    .set("Company", "")
                    .set("Phone 2", "")
                    .set("Edit Date", "6/1/2024 4:30:00 PM");
            }
        }
        // The newer of two; the older one below fills its gaps.
        7 => {
            row.set("City", "")
                .set("Gift Idea", "")
                .set("Edit Date", "6/2/2024 10:00:00 AM");
        }
        9 => {
            if let Some(same) = above(2) {
                row.set("Email", other_case(same.get("Email")))
                    .set("City", "Duluth")
                    .set("Gift Idea", "Tea")
                    .set("Edit Date", "2/2/2023 10:00:00 AM");
            }
        }
        // Three of one, edited at the same moment: the smallest id survives.
        13 => {
            row.set("Edit Date", "5/5/2024 5:05:05 PM");
        }
        n @ (14 | 15) => {
            if let Some(same) = above(n - 13) {
                row.set("Email", format!(" {} ", other_case(same.get("Email"))))
                    .set("Edit Date", "05/05/2024 5:05:05 PM");
            }
        }
        20 => {
            row.set("Email", "");
        }
        21 => {
            row.set("Email", "ask at the front desk");
        }
        24 => {
            row.set("Owner Email", UNKNOWN);
        }
        25 => {
            row.set("Owner Email", NOT_INVITED);
        }
        26 => {
            row.set("Owner Email", "");
        }
        27 => {
            row.set("Owner Email", format!(" {} ", OWNERS[0].to_uppercase()));
        }
        30 => {
            row.set("Tags", "VIP, Referral,VIP,, Snowbird ,");
        }
        31 => {
            row.set(
                "Tags",
                "VIP,Asked about the lake property in the spring of 2023",
            );
        }
        32 => {
            row.set("Groups", "Book Club, Golf Day,Past Clients, Holiday Cards");
        }
        33 => {
            row.set("Groups", "").set("Tags", "");
        }
        35 => {
            row.set("Renewal Date", "02/30/2024");
        }
        36 => {
            row.set("Renewal Date", "n/a");
        }
        37 => {
            row.set("Policies", "three");
        }
        38 => {
            row.set("Policies", "2.5");
        }
        39 => {
            row.set("Newsletter", "maybe");
        }
        n @ 40..=50 => {
            if let Some((first, last)) = SCRIPTS.get(n - 40) {
                row.set("First Name", *first)
                    .set("Last Name", *last)
                    .set("City", "Saint Paul – Minneapolis")
                    .set("Email", format!("script.{}@mail.example", i + 1));
            }
        }
        51 => {
            row.set("Company", "Sample, \"Sons\" & Co.");
        }
        52 => {
            row.set("Address", "12 Oak Street\nApt \"B\"");
        }
        53 => {
            row.set("Birthday", "07/04").set("Other Birthday", "2/29");
        }
        54 => {
            row.set("Birthday", "7/4/1980")
                .set("Other Birthday", "02/29/1984");
        }
        55 => {
            row.set("Last Name", "");
        }
        56 => {
            let padded = format!("  {}\t", row.get("Email"));
            row.set("Email", padded);
        }
        // Text that a spreadsheet would run; it must arrive as it is.
        57 => {
            row.set("Company", "=1+1").set("Gift Idea", "@home");
        }
        58 => {
            row.set("Phone 1", "+1 555 010 0158 ext. 4")
                .set("Phone 2", "555.010.0258")
                .set("Phone 3", "5550100358")
                .set("Phone 4", "   ");
        }
        // The clocks of US Central go forward at 2 AM on 3/10/2024 and back at 2 AM on 11/3/2024.
        60 => {
            row.set("Add Date", "3/10/2024 1:59:59 AM")
                .set("Edit Date", "3/10/2024 3:00:00 AM");
        }
        61 => {
            row.set("Add Date", "11/3/2024 12:59:59 AM")
                .set("Edit Date", "11/3/2024 1:30:00 AM");
        }
        62 => {
            row.set("Add Date", "3/9/2019")
                .set("Edit Date", "3/9/2024 11:05 PM");
        }
        // They are at the destination already, in other letter case (`sandbox.yaml`).
        n @ 70..=72 if i < SLOTS => {
            let email = [
                "Pat.Known@clients.example",
                "lee.known@family.example",
                "Ash.Known@mail.example",
            ];
            row.set("Email", email[n - 70]).set("Last Name", "Known");
        }
        81 => {
            row.set("Company", "Sample, Sample and Sample");
        }
        // Cut at 50 characters by the vendor.
        90 => {
            row.set(
                "Company",
                "The Example Company for Sample Goods and Test Serv",
            );
        }
        91 => {
            row.set("First Name", "Mary \"Mo\"")
                .set("Last Name", "O'Sample-Ñandú");
        }
        92 => {
            row.set("Client Type", "buyer").set("Newsletter", "YES");
        }
        _ => {}
    }
}

fn phone(random: &mut Random) -> String {
    let line = format!("{:04}", random.between(100, 199));
    match random.below(4) {
        0 => format!("555-010-{line}"),
        1 => format!("555010{line}"),
        _ => format!("(555) 010-{line}"),
    }
}

fn birthday(random: &mut Random) -> String {
    let (month, day) = (random.between(1, 12), random.between(1, 28));
    match random.below(3) {
        0 => format!("{month:02}/{day:02}"),
        1 => format!("{month}/{day}"),
        _ => format!("{month:02}/{day:02}/{}", random.between(1940, 2004)),
    }
}

fn stamp(random: &mut Random, years: (usize, usize)) -> String {
    let clock = time(random);
    let second = random.below(60);
    let (hour, half) = clock.split_once(' ').unwrap_or((&clock, "AM"));
    format!("{} {hour}:{second:02} {half}", date(random, years))
}

fn some_of(random: &mut Random, all: &[&str], most: usize) -> String {
    let count = random.below(most + 1);
    let start = random.below(all.len());
    let separator = random.pick(&[",", ", "]);
    (0..count)
        .filter_map(|n| all.get((start + n * 2) % all.len()).copied())
        .collect::<Vec<_>>()
        .join(separator)
}
