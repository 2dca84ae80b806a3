//! Sheets for people: CSV that a spreadsheet shows as it is.
//!
//! A text that a spreadsheet would take for a formula gets a quote in front. These files are for people and are
//! never read back; what is loaded is never altered.

/// A CSV text with a header; empty when a row cannot be written, which memory does not refuse.
pub fn csv<R, C>(header: &[C], rows: R) -> String
where
    R: IntoIterator,
    R::Item: IntoIterator,
    <R::Item as IntoIterator>::Item: AsRef<str>,
    C: AsRef<str>,
{
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut failed = writer
        .write_record(header.iter().map(AsRef::as_ref))
        .is_err();
    for row in rows {
        failed |= writer
            .write_record(row.into_iter().map(|c| cell(c.as_ref())))
            .is_err();
    }
    match writer.into_inner() {
        Ok(bytes) if !failed => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    }
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_neutralised_and_commas_are_quoted() {
        let text = csv(&["a", "b"], [["=1+1", "x,y"], ["-5", "plain"]]);
        assert_eq!(text, "a,b\n'=1+1,\"x,y\"\n'-5,plain\n");
    }
}
