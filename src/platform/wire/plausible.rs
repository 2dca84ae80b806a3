//! Whether a text can be an e-mail address, a web address or a telephone number.
//!
//! Plausible, not proven: nothing is looked up. What is refused here is held for a person, because servers
//! tend to turn it into nothing with a success answer.

use email_address::{EmailAddress, Options};

/// True for one bare address with a domain that has a dot.
pub fn is_email(text: &str) -> bool {
    usual_email(text.as_bytes())
        || EmailAddress::parse_with_options(
            text,
            Options {
                minimum_sub_domains: 2,
                allow_domain_literal: false,
                allow_display_text: false,
            },
        )
        .is_ok()
}

/// The plain ASCII addresses that nearly all are; the rest goes through the full grammar.
fn usual_email(b: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', b) else {
        return false;
    };
    let (local, domain) = (&b[..at], &b[at + 1..]);
    let word = |c: &u8| c.is_ascii_alphanumeric();
    let dotted = |part: &[u8], extra: &[u8]| {
        part.split(|c| *c == b'.')
            .all(|l| !l.is_empty() && l.iter().all(|c| word(c) || extra.contains(c)))
    };
    let labels = domain
        .split(|c| *c == b'.')
        .all(|l| l.len() <= 63 && l.first() != Some(&b'-') && l.last() != Some(&b'-'));
    local.len() <= 64
        && domain.len() <= 253
        && domain.contains(&b'.')
        && dotted(local, b"_-+'")
        && dotted(domain, b"-")
        && labels
}

/// True for `http` and `https` addresses and for bare names (`example.com/path`): a host with a dot, no blanks.
pub fn is_url(text: &str) -> bool {
    usual_url(text.as_bytes()) || any_url(text)
}

/// Names and paths of plain ASCII letters, without a port: nearly all there are.
fn usual_url(b: &[u8]) -> bool {
    let rest = b
        .strip_prefix(b"https://")
        .or_else(|| b.strip_prefix(b"http://"))
        .unwrap_or(b);
    let (mut dots, mut label) = (0, 0);
    for (i, c) in rest.iter().enumerate() {
        match c {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => label += 1,
            b'-' if label > 0 && rest.get(i + 1).is_some_and(u8::is_ascii_alphanumeric) => {
                label += 1;
            }
            b'.' if label > 0 => {
                dots += 1;
                label = 0;
            }
            b'/' => {
                return dots > 0 && label > 1 && rest[i..].iter().all(u8::is_ascii_graphic);
            }
            _ => return false,
        }
    }
    dots > 0 && label > 1
}

fn any_url(text: &str) -> bool {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) => {
            if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
                return false;
            }
            rest
        }
        None => text,
    };
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    // A colon starts a port; an `@` would be a user name, which no company's address has.
    let host = match authority.split_once(':') {
        Some((host, port)) => {
            if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
                return false;
            }
            host
        }
        None => authority,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let labels = || host.split('.');
    labels().count() >= 2
        && labels().all(|l| {
            !l.is_empty()
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.chars()
                    .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
        && labels()
            .next_back()
            .is_some_and(|l| l.chars().count() >= 2 || l.bytes().all(|b| b.is_ascii_digit()))
}

/// True for 3 to 20 digits with the usual marks between them and at most one leading `+`. An extension (`x12`,
/// `ext. 12`) is fine unless `strict`, which is for servers that turn what they cannot read into nothing.
pub fn is_phone(text: &str, strict: bool) -> bool {
    usual_phone(text.as_bytes()) || any_phone(text, strict)
}

/// Digits and ASCII marks, a `+` only at the start.
fn usual_phone(b: &[u8]) -> bool {
    let rest = b.strip_prefix(b"+").unwrap_or(b);
    let mut digits = 0;
    for c in rest {
        match c {
            b'0'..=b'9' => digits += 1,
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {}
            _ => return false,
        }
    }
    (3..=20).contains(&digits)
}

fn any_phone(text: &str, strict: bool) -> bool {
    let main = match text.find(|c: char| c.is_ascii_alphabetic() || c == '#') {
        None => text,
        Some(_) if strict => return false,
        Some(at) => {
            let (main, extension) = text.split_at(at);
            let word = extension.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let name = &extension[..extension.len() - word.len()];
            let digits = word.trim_start_matches(['.', ':', '#', ' ']);
            let known = ["", "x", "ext", "extension"]
                .iter()
                .any(|k| k.eq_ignore_ascii_case(name));
            if !known
                || digits.is_empty()
                || digits.len() > 8
                || !digits.bytes().all(|b| b.is_ascii_digit())
            {
                return false;
            }
            main
        }
    };
    let main = main.trim_matches([' ', ',', ';']);
    let rest = main.trim_start_matches(['(', ' ']);
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    (3..=20).contains(&digits)
        && rest.chars().all(|c| {
            c.is_ascii_digit()
                || matches!(
                    c,
                    ' ' | '\u{a0}' | '-' | '\u{2013}' | '\u{2011}' | '.' | '/' | '(' | ')'
                )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        for good in [
            "a@b.co",
            "Dana.Reed+x@agency.example",
            "o'neil@x.example",
            "grüße@bücher.example",
            "a!b@x.example",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@b.co",
            "a@b",
            "a@b..co",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.co",
            "a b@c.co",
            "a@b.co, c@d.co",
            "a@b.co;c@d.co",
            "Dana <a@b.co>",
            "a@-b.co",
            "a@[1.2.3.4]",
            "a@b@c.co",
            "a@b.co ",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn web_addresses() {
        for good in [
            "https://example.com",
            "HTTP://example.com/a?b#c",
            "example.com",
            "www.bücher.example/ä",
            "http://10.0.0.1:8080/x",
            "example.com:443",
        ] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "",
            "example",
            "http://",
            "http://localhost",
            "ftp://example.com",
            "exa mple.com",
            "javascript:alert(1)",
            "https://.com",
            "https://a..b",
            "n/a",
            "http://a.b:x",
            "-.com",
            "a.-b",
            "me@example.com",
            "a.b\n.com",
            "e.g",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn telephone_numbers() {
        for good in [
            "+1 (312) 555-0100",
            "(312) 555-0100",
            "312.555.0100",
            "112",
            "030/1234567",
            "0049 30 123",
        ] {
            assert!(is_phone(good, true), "{good}");
        }
        for extended in [
            "312-555-0100 x12",
            "312-555-0100 ext. 12",
            "312-555-0100 #4",
        ] {
            assert!(is_phone(extended, false), "{extended}");
            assert!(!is_phone(extended, true), "{extended}");
        }
        for bad in [
            "",
            "call me",
            "n/a",
            "12",
            "++1 312 555",
            "312 555 0100 (Bob)",
            "1-800-FLOWERS",
            "123456789012345678901",
            "x12",
            "312-555-0100 x",
            "555+0100",
            "--",
            "５５５０１００",
        ] {
            assert!(!is_phone(bad, false), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (is_email(&text), is_url(&text), is_phone(&text, false));
        }

        #[test]
        fn near_misses_never_panic(text in "[a-z0-9@.:/+() x#é-]{0,24}") {
            let _ = (is_email(&text), is_url(&text), is_phone(&text, false));
        }

        #[test]
        fn the_quick_way_accepts_nothing_the_grammar_refuses(text in "[a-c.@+'_-]{1,14}") {
            if usual_email(text.as_bytes()) {
                prop_assert!(EmailAddress::is_valid(&text), "{}", text);
            }
        }

        #[test]
        fn the_quick_ways_accept_nothing_the_full_ones_refuse(url in "(https?://)?[a-b0.:/?#@ -]{1,12}", phone in "[0-9+() ./x-]{1,12}") {
            if usual_url(url.as_bytes()) {
                prop_assert!(any_url(&url), "{}", url);
            }
            if usual_phone(phone.as_bytes()) {
                prop_assert!(any_phone(&phone, true), "{}", phone);
            }
        }
    }
}
