//! The shape of a text without the text: letters as x, digits as 9. Marks and blanks stay, so that a format can be read
//! off and a person cannot.

/// The shape of a text, at most so many characters of it and a mark that there were more.
pub fn shape(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (n, c) in text.chars().enumerate() {
        if n == most {
            out.push('…');
            break;
        }
        out.push(form(c));
    }
    out
}

/// The shape of one character.
pub fn form(c: char) -> char {
    match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c if c.is_control() => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_shape_shows_the_format_and_nobody() {
        assert_eq!(shape("Ann.Lee@x.example", 40), "Xxx.Xxx@x.xxxxxxx");
        assert_eq!(shape("07/04/2026 1:05 PM", 40), "99/99/9999 9:99 XX");
        assert_eq!(shape("Größe 漢字", 40), "Xxxxx xx");
        assert_eq!(shape("a\nb", 40), "x x");
        assert_eq!(shape("abcdef", 3), "xxx…");
    }

    proptest! {
        #[test]
        fn no_letter_and_no_digit_survives(text in "\\PC{0,80}") {
            let shape = shape(&text, 40);
            prop_assert!(shape.chars().count() <= 41);
            for c in shape.chars().filter(|c| c.is_alphanumeric()) {
                prop_assert!(matches!(c, 'x' | 'X' | '9'), "{c}");
            }
        }
    }
}
