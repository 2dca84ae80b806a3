//! EmailTemplates: an index and one HTML file for each template.

use super::super::{
    File,
    sheet::{Row, Sheet},
};

const HEADER: &[&str] = &["id", "name", "subject", "file"];

/// A picture of one point.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// The files.
pub fn files() -> Vec<File> {
    let mut index = Sheet::new(HEADER, "\n");
    let mut files = Vec::new();
    for (n, (name, subject, file, html)) in templates().into_iter().enumerate() {
        let mut row = Row::new(HEADER);
        row.set("id", (n + 1).to_string())
            .set("name", name)
            .set("subject", subject)
            .set("file", file);
        index.push(&row);
        if let Some(html) = html {
            files.push((format!("EmailTemplates/{file}"), html));
        }
    }
    files.insert(0, ("EmailTemplates/index.csv".to_owned(), index.utf8()));
    files
}

type Template = (&'static str, &'static str, &'static str, Option<Vec<u8>>);

fn templates() -> Vec<Template> {
    let page =
        |body: String| Some(format!("<html>\n<body>\n{body}\n</body>\n</html>\n").into_bytes());
    vec![
        (
            "Welcome",
            "Welcome, {{FirstName}}",
            "welcome.html",
            page("<img src=\"https://img.example.com/logo.png?w=200&amp;v=2\" alt=\"Logo\">\n<p>Welcome, {{FirstName}}!</p>".into()),
        ),
        (
            "Monthly letter",
            "News of the month",
            "monthly.html",
            page(format!("<img src=\"{PICTURE}\" alt=\"\">\n<p>Here is the news.</p>")),
        ),
        (
            "Birthday",
            "Happy birthday 🎂",
            "birthday.html",
            page("<p style=\"color:#a33\">All the best, {{FirstName}} – from all of us</p>".into()),
        ),
        (
            "Renewal, first reminder",
            "Your \"policy\" ends soon",
            "renewal-1.html",
            page("<p>Dear {{FirstName}} {{LastName}},</p>\n<p>it ends on {{RenewalDate}}.</p>".into()),
        ),
        (
            "Holiday card",
            "Happy holidays",
            "holiday.html",
            page(format!("<img src='{PICTURE}'>\n<img src=\"https://img.example.com/tree.jpg\">\n<img src='{PICTURE}'>")),
        ),
        // No subject: the name stands in for it.
        ("Thank you", "", "thanks.html", page("<p>Thank you!</p>".into())),
        // An old file in Windows-1252.
        (
            "Café evening",
            "Café evening",
            "cafe.html",
            Some(b"<p>Join us at the caf\xE9 \x96 free entry</p>\n".to_vec()),
        ),
        (
            "Spring letter",
            "Spring",
            "archive/spring.html",
            page("<h1>Spring</h1>".into()),
        ),
        // The file was not exported.
        ("Lost template", "Lost", "lost.html", None),
    ]
}
