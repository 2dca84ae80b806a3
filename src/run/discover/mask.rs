//! The shape of a value without the value: letters as x, digits as 9.

/// Most characters of a shape.
const SHAPE_MAX: usize = 40;

/// The shape of a value. Marks and blanks stay, so a format can be read off and a person cannot.
pub(super) fn shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(SHAPE_MAX));
    for (n, c) in text.chars().enumerate() {
        if n == SHAPE_MAX {
            out.push('…');
            break;
        }
        out.push(match c {
            c if c.is_numeric() => '9',
            c if c.is_uppercase() => 'X',
            c if c.is_alphabetic() => 'x',
            c if c.is_control() => ' ',
            c => c,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_shape_shows_the_format_and_nobody() {
        assert_eq!(shape("Ann.Lee@x.example"), "Xxx.Xxx@x.xxxxxxx");
        assert_eq!(shape("07/04/2026 1:05 PM"), "99/99/9999 9:99 XX");
        assert_eq!(shape("Größe 漢字"), "Xxxxx xx");
        assert_eq!(shape("a\nb"), "x x");
    }

    proptest! {
        #[test]
        fn no_letter_and_no_digit_survives(text in "\\PC{0,80}") {
            let shape = shape(&text);
            prop_assert!(shape.chars().count() <= SHAPE_MAX + 1);
            for c in shape.chars().filter(|c| c.is_alphanumeric()) {
                prop_assert!(matches!(c, 'x' | 'X' | '9'), "{c}");
            }
        }
    }
}
