//! The ops `phone`, `url` and `email`: how to reach somebody, checked and in one form.

use super::text;
use bumpalo::{Bump, collections::String as BumpString};

/// Country codes of regions (ISO 3166), and the digit that stands before a national number there.
const REGIONS: &[(&str, &str, &str)] = &[
    ("AR", "54", "0"),
    ("AT", "43", "0"),
    ("AU", "61", "0"),
    ("BE", "32", "0"),
    ("BR", "55", "0"),
    ("CA", "1", "1"),
    ("CH", "41", "0"),
    ("CL", "56", ""),
    ("CN", "86", "0"),
    ("CO", "57", ""),
    ("CZ", "420", ""),
    ("DE", "49", "0"),
    ("DK", "45", ""),
    ("EE", "372", ""),
    ("ES", "34", ""),
    ("FI", "358", "0"),
    ("FR", "33", "0"),
    ("GB", "44", "0"),
    ("GR", "30", ""),
    ("HR", "385", "0"),
    ("HU", "36", "06"),
    ("IE", "353", "0"),
    ("IL", "972", "0"),
    ("IN", "91", "0"),
    ("IT", "39", ""),
    ("JP", "81", "0"),
    ("KR", "82", "0"),
    ("LT", "370", "0"),
    ("LU", "352", ""),
    ("LV", "371", ""),
    ("MX", "52", ""),
    ("NL", "31", "0"),
    ("NO", "47", ""),
    ("NZ", "64", "0"),
    ("PL", "48", ""),
    ("PT", "351", ""),
    ("RO", "40", "0"),
    ("SE", "46", "0"),
    ("SG", "65", ""),
    ("SI", "386", "0"),
    ("SK", "421", "0"),
    ("TR", "90", "0"),
    ("UA", "380", "0"),
    ("US", "1", "1"),
    ("ZA", "27", "0"),
];

/// The country code of a region and the digits before its national numbers.
pub(crate) fn region(name: &str) -> Option<(&'static str, &'static str)> {
    REGIONS
        .iter()
        .find(|(r, _, _)| r.eq_ignore_ascii_case(name.trim()))
        .map(|(_, code, trunk)| (*code, *trunk))
}

/// A telephone number as digits with a leading `+` where the country is known. `None` when it has letters, or not 3
/// to 15 digits.
pub(crate) fn phone<'a>(
    found: &str,
    region: Option<(&str, &str)>,
    arena: &'a Bump,
) -> Option<&'a str> {
    let mut digits = BumpString::with_capacity_in(found.len() + 4, arena);
    let mut plus = false;
    let mut bracket_zero = false;
    let trimmed = found.trim();
    // `+49 (0) 30 …`: the bracketed zero is not dialled with the country code.
    let skip_zero = trimmed.starts_with('+') && trimmed.contains("(0)");
    for (i, c) in trimmed.char_indices() {
        match c {
            '0' if skip_zero && !bracket_zero && trimmed[..i].ends_with('(') => {
                bracket_zero = true;
            }
            '0'..='9' => digits.push(c),
            '+' if i == 0 => plus = true,
            ' ' | '\t' | '\u{a0}' | '-' | '\u{2010}'..='\u{2015}' | '.' | '/' | '(' | ')' => {}
            _ => return None,
        }
    }
    let mut national: &str = &digits;
    if !plus && let Some(rest) = national.strip_prefix("00") {
        plus = true;
        national = rest;
    }
    let mut out = BumpString::with_capacity_in(national.len() + 5, arena);
    if plus {
        out.push('+');
    } else if let Some((code, trunk)) = region {
        out.push('+');
        out.push_str(code);
        if !trunk.is_empty() {
            national = national.strip_prefix(trunk).unwrap_or(national);
        }
    }
    out.push_str(national);
    let count = out.len() - usize::from(out.starts_with('+'));
    (!national.is_empty() && (3..=15).contains(&count)).then(|| out.into_bump_str())
}

/// A web address with its scheme, host in lower case. `None` when it is none: another scheme than `http`, no host,
/// a host that is no name.
pub(crate) fn web_address<'a>(found: &str, arena: &'a Bump) -> Option<&'a str> {
    let trimmed = found.trim();
    let parsed = if trimmed.contains("://") {
        url::Url::parse(trimmed)
    } else {
        url::Url::parse(&format!("https://{}", trimmed.trim_start_matches("//")))
    }
    .ok()?;
    if !matches!(parsed.scheme(), "http" | "https") || trimmed.contains(char::is_whitespace) {
        return None;
    }
    match parsed.host()? {
        url::Host::Domain(name) => {
            if !name.contains('.') || name.starts_with('.') || name.ends_with("..") {
                return None;
            }
        }
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => {}
    }
    let whole = parsed.as_str();
    let bare = parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none();
    let kept = if bare && !trimmed.ends_with('/') {
        whole.trim_end_matches('/')
    } else {
        whole
    };
    Some(arena.alloc_str(kept))
}

/// An e-mail address, trimmed and in lower case. `None` when it is none.
pub(crate) fn email<'a>(found: &'a str, arena: &'a Bump) -> Option<&'a str> {
    let trimmed = found.trim();
    let plain = email_address::Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    email_address::EmailAddress::parse_with_options(trimmed, plain).ok()?;
    Some(text::lower_in(trimmed, arena))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn phones() {
        let arena = Bump::new();
        for (found, of, expected) in [
            ("(312) 555-0142", None, Some("3125550142")),
            ("(312) 555-0142", Some("US"), Some("+13125550142")),
            ("1-312-555-0142", Some("us"), Some("+13125550142")),
            ("+48 22 123 45 67", Some("PL"), Some("+48221234567")),
            ("22 123 45 67", Some("PL"), Some("+48221234567")),
            ("0048 22 123 45 67", Some("DE"), Some("+48221234567")),
            ("030/123456", Some("DE"), Some("+4930123456")),
            ("+49 (0) 30 123456", None, Some("+4930123456")),
            ("call me", None, None),
            ("12", None, None),
            ("1234567890123456", None, None),
            ("", Some("US"), None),
            ("0", Some("DE"), None),
        ] {
            assert_eq!(
                phone(found, of.and_then(region), &arena),
                expected,
                "{found}"
            );
        }
    }

    #[test]
    fn web_addresses() {
        let arena = Bump::new();
        for (found, expected) in [
            ("Example.COM", Some("https://example.com")),
            ("http://example.com/", Some("http://example.com/")),
            ("example.com/a?b=1", Some("https://example.com/a?b=1")),
            ("ftp://example.com", None),
            ("javascript:alert(1)", None),
            ("nothing", None),
            ("two words.com", None),
            ("http://127.0.0.1:80/x", Some("http://127.0.0.1/x")),
            ("", None),
        ] {
            assert_eq!(web_address(found, &arena), expected, "{found}");
        }
    }

    #[test]
    fn emails() {
        let arena = Bump::new();
        for (found, expected) in [
            (" Ann@X.Example ", Some("ann@x.example")),
            ("ann@x", None),
            ("Ann <ann@x.example>", None),
            ("ann@@x.example", None),
            ("", None),
        ] {
            assert_eq!(email(found, &arena), expected, "{found}");
        }
    }

    proptest! {
        #[test]
        fn each_form_is_its_own_form(text in "\\PC{0,24}|[+0-9 ()/-]{0,20}|[a-z.@:/]{0,20}") {
            let arena = Bump::new();
            if let Some(once) = phone(&text, region("DE"), &arena) {
                prop_assert_eq!(phone(once, region("DE"), &arena), Some(once));
            }
            if let Some(once) = web_address(&text, &arena) {
                prop_assert_eq!(web_address(once, &arena), Some(once));
            }
            if let Some(once) = email(&text, &arena) {
                prop_assert_eq!(email(once, &arena), Some(once));
            }
        }
    }
}
