//! What counts as the same cell: spreadsheets alter some that nobody touched.

use crate::cli::held::Held;

/// Equal as texts, or as numbers.
pub(super) fn same_key(a: &str, b: &str) -> bool {
    let number = |t: &str| t.trim().parse::<f64>().ok();
    a.trim() == b.trim() || (number(a).is_some() && number(a) == number(b))
}

/// The value that the sheet has for a field of a hold: that of the field it is held for.
pub(super) fn value_of<'h>(held: &'h Held, field: &str) -> &'h str {
    let hold = &held.hold;
    match hold.field.as_deref().unwrap_or("") == field {
        true => hold.value.as_deref().unwrap_or(""),
        false => "",
    }
}

/// Equal apart from what spreadsheets do to a cell that nobody touched: line ends, `true` as `TRUE`, numbers without
/// the zeros in front.
pub(super) fn same_value(a: &str, b: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_whitespace() || c.is_control());
        let words = words.filter(|w| !w.is_empty());
        words.map(str::to_lowercase).collect()
    };
    same_key(a, b) || words(a) == words(b)
}

/// Equal but for letter case and blanks around.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_do_to_a_cell_is_no_change() {
        for (was, now, expected) in [
            ("0049", "49", true),
            ("a\r\nb", "a\nb", true),
            ("true", "TRUE", true),
            ("", "", true),
            ("a", "", false),
            ("", "a", false),
            ("31/02/2026", "30/02/2026", false),
        ] {
            assert_eq!(same_value(was, now), expected, "{was:?} {now:?}");
        }
    }
}
