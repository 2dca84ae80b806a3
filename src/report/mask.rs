//! Values that are not for everybody: the shape of a text without its letters and digits.

/// Letters as `x`, digits as `9`, everything else as it is, at most 60 characters: enough to see what happened to a text,
/// too little to know whose it is.
pub fn masked(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == 60 {
            out.push('\u{2026}');
            break;
        }
        out.push(match c {
            c if c.is_uppercase() => 'X',
            c if c.is_alphabetic() => 'x',
            c if c.is_numeric() => '9',
            c if c.is_control() => ' ',
            c => c,
        });
    }
    out
}

/// The text on one line, at most 60 characters.
pub fn shortened(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(60)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(60).is_some() {
        out.push('\u{2026}');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_stays_and_the_person_goes() {
        assert_eq!(masked("Zoë O'Hara-7\n(555)"), "Xxx X'Xxxx-9 (999)");
        assert_eq!(masked(&"a".repeat(70)).chars().count(), 61);
        assert_eq!(shortened("a\nb"), "a b");
        assert_eq!(shortened(&"a".repeat(70)).chars().count(), 61);
    }
}
