//! Values that are not for everybody: the shape of a text without its letters and digits.

use crate::value::{
    Type,
    mask::{form, shape},
};

/// Most characters of a text that is shown beside others.
const SHOWN_MAX: usize = 60;

/// Letters as `x`, digits as `9`, everything else as it is, at most 60 characters: enough to see what happened to a text,
/// too little to know whose it is.
pub fn masked(text: &str) -> String {
    shape(text, SHOWN_MAX)
}

/// A value of a field as a shared report shows it, at its full length, so that a text that was cut still shows it.
/// Numbers, days, choices and references tell of nobody by themselves and stay.
pub fn value(data_type: Type, text: &str) -> String {
    match data_type {
        Type::Int
        | Type::Decimal
        | Type::Bytes
        | Type::Bool
        | Type::Date
        | Type::DateTime
        | Type::Enum
        | Type::MultiEnum
        | Type::Id => text.to_owned(),
        Type::Ref => key(text),
        _ => text.chars().map(form).collect(),
    }
}

/// A key: most are numbers and stay, e-mail addresses do not.
pub fn key(text: &str) -> String {
    if text.contains('@') {
        text.chars().map(form).collect()
    } else {
        text.to_owned()
    }
}

/// The text on one line, at most 60 characters.
pub fn shortened(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(SHOWN_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
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

    #[test]
    fn what_tells_of_nobody_stays() {
        assert_eq!(value(Type::Email, "a.b@c.example"), "x.x@x.xxxxxxx");
        assert_eq!(value(Type::Int, "42"), "42");
        assert_eq!(value(Type::Enum, "Customer"), "Customer");
        assert_eq!(value(Type::Text, &"a".repeat(70)).len(), 70);
        assert_eq!(value(Type::Ref, "ann@x.example"), "xxx@x.xxxxxxx");
        assert_eq!(key("10023"), "10023");
    }
}
