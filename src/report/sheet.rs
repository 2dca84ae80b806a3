//! Sheets for people: CSV that a spreadsheet shows as it is.
//!
//! A text that a spreadsheet would take for a formula gets a quote in front. Sheets that come back (those of holds) are
//! read without it; what is loaded is never altered.

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

/// What a spreadsheet takes for the start of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// True for texts that get a quote in front: formulas, and what already looks like one with its quote.
fn is_guarded(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some('\'') => chars
            .next()
            .is_some_and(|c| c == '\'' || FORMULA.contains(&c)),
        Some(c) => FORMULA.contains(&c),
        None => false,
    }
}

/// A cell that no spreadsheet takes for a formula. [`plain`] gives back what was put in.
pub fn cell(text: &str) -> String {
    match is_guarded(text) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// A cell without the quote that [`cell`] put before it.
pub fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_guarded(cell) || is_guarded(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_are_neutralised_and_commas_are_quoted() {
        let text = csv(&["a", "b"], [["=1+1", "x,y"], ["-5", "plain"]]);
        assert_eq!(text, "a,b\n'=1+1,\"x,y\"\n'-5,plain\n");
    }

    proptest! {
        #[test]
        fn cells_come_back_as_they_were(text in "['=+@\t-]{0,3}[a-z'=]{0,3}") {
            let guarded = cell(&text);
            prop_assert!(!guarded.starts_with(FORMULA), "{guarded:?}");
            prop_assert_eq!(plain(&guarded), text.as_str());
        }
    }
}
