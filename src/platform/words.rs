//! Names for people from names in specs, and back.

/// A name in words: `lifecycle_stage` becomes `Lifecycle stage`.
pub fn in_words(name: &str) -> String {
    let mut words = String::with_capacity(name.len());
    for part in name.split(['_', ' ']).filter(|p| !p.is_empty()) {
        if words.is_empty() {
            let mut chars = part.chars();
            words.extend(chars.next().into_iter().flat_map(char::to_uppercase));
            words.push_str(chars.as_str());
        } else {
            words.push(' ');
            words.push_str(part);
        }
    }
    words
}

/// A name in words, each with a capital: `gift_idea` becomes `Gift Idea`.
pub fn in_title_case(name: &str) -> String {
    name.split(['_', ' '])
        .filter(|p| !p.is_empty())
        .map(in_words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The name in specs of a label: `Gift Idea` becomes `gift_idea`. Letters and digits of any script stay,
/// everything else becomes one `_`.
pub fn as_name(label: &str) -> String {
    let mut name = String::with_capacity(label.len());
    for c in label.chars() {
        if c.is_alphanumeric() {
            name.extend(c.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(name.trim_end_matches('_').len());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels() {
        assert_eq!(in_words("lifecycle_stage"), "Lifecycle stage");
        assert_eq!(in_words("id"), "Id");
        assert_eq!(in_words("__"), "");
        assert_eq!(in_title_case("gift_idea"), "Gift Idea");
        assert_eq!(as_name("Gift Idea"), "gift_idea");
        assert_eq!(as_name(" Größe (cm) "), "größe_cm");
        assert_eq!(as_name("--"), "");
    }
}
