//! What an answer means: the table of answers, in one place. Pure.
//!
//! | answer | verdict |
//! |---|---|
//! | 2xx with JSON or nothing | done |
//! | 2xx with an error at the declared member | refused, or denied by the declared words |
//! | 2xx with HTML, broken JSON or a body cut short | unknown |
//! | 3xx | elsewhere: never followed, the secret stays here |
//! | 401, 403 | denied |
//! | 404, 410 | gone |
//! | 408, 5xx | unknown |
//! | 429 | too many |
//! | any other 4xx | refused; tried again first where the platform lists it under `retry` |
//! | none: refused connection, no such host, TLS | not sent |
//! | none: timeout, reset | unknown |

use super::{exchange::Raw, member};
use serde_json::Value;

/// Characters of a body that are shown when it carries no reasons.
const SHOWN: usize = 500;

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// It was done; the body, or null for an empty one.
    Done {
        status: u16,
        body: Value,
    },
    Refused {
        status: u16,
        reasons: Vec<String>,
    },
    /// Refused for now, by a status the platform lists as worth another try.
    Later {
        status: u16,
        reasons: Vec<String>,
    },
    Denied {
        status: u16,
        reasons: Vec<String>,
    },
    Gone {
        reasons: Vec<String>,
    },
    TooMany,
    /// It never left. `hopeless`: trying again changes nothing.
    NotSent {
        why: String,
        hopeless: bool,
    },
    /// The effect is not known.
    Unknown {
        why: String,
        cause: Cause,
    },
    /// A redirect.
    Elsewhere {
        why: String,
    },
    /// The caller asked to stop before there was an answer.
    Cancelled,
}

impl Verdict {
    /// The same without the secret, which a server may repeat where it gives its reasons.
    pub(super) fn without(mut self, secret: &str) -> Verdict {
        let mask = |text: &mut String| {
            if secret.len() > 3 && text.contains(secret) {
                *text = text.replace(secret, "***");
            }
        };
        match &mut self {
            Verdict::Refused { reasons, .. }
            | Verdict::Later { reasons, .. }
            | Verdict::Denied { reasons, .. }
            | Verdict::Gone { reasons } => reasons.iter_mut().for_each(mask),
            Verdict::NotSent { why, .. }
            | Verdict::Unknown { why, .. }
            | Verdict::Elsewhere { why } => mask(why),
            Verdict::Done { .. } | Verdict::TooMany | Verdict::Cancelled => {}
        }
        self
    }
}

/// Why an effect is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// No answer.
    Lost,
    /// The server is in trouble.
    Trouble,
    /// An answer nobody can read: a web page, or no HTTP.
    Unreadable,
    /// JSON that is cut short or broken.
    Torn,
}

/// Where answers carry reasons.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reasons<'a> {
    /// Dotted path in answers whose status says failure.
    pub(super) messages: Option<&'a str>,
    /// Dotted path in answers whose status says success.
    pub(super) error: Option<&'a str>,
    /// Words of such an error that mean that the key is refused.
    pub(super) denied: &'a [String],
}

/// Reads an answer. `retry`: statuses worth another try.
pub(super) fn judge(raw: Raw, at: Reasons<'_>, retry: &[u16]) -> Verdict {
    let messages = at.messages;
    let (status, body, html, location) = match raw {
        Raw::Cancelled => return Verdict::Cancelled,
        Raw::NotSent { why, hopeless } => return Verdict::NotSent { why, hopeless },
        Raw::Lost { why } => {
            return Verdict::Unknown {
                why,
                cause: Cause::Lost,
            };
        }
        Raw::Answer {
            status,
            body,
            html,
            location,
            ..
        } => (status, body, html, location),
    };
    match status {
        200..=299 => match body {
            Ok(body) => in_success(read_body(status, &body, html), at),
            Err(why) => torn(status, &why),
        },
        300..=399 => Verdict::Elsewhere {
            why: match location {
                Some(host) => format!(
                    "status {status}: it redirects to {host}, which is not followed; check the base address and the key"
                ),
                None => {
                    format!("status {status}: it redirects; check the base address and the key")
                }
            },
        },
        429 => Verdict::TooMany,
        408 | 500..=599 => Verdict::Unknown {
            why: with_reasons(status, &reasons(&body, messages)),
            cause: Cause::Trouble,
        },
        400..=499 => {
            let reasons = reasons(&body, messages);
            match status {
                401 | 403 => Verdict::Denied { status, reasons },
                404 | 410 => Verdict::Gone { reasons },
                _ if retry.contains(&status) => Verdict::Later { status, reasons },
                _ => Verdict::Refused { status, reasons },
            }
        }
        _ => unreadable(status, "no status of HTTP"),
    }
}

fn unreadable(status: u16, why: &str) -> Verdict {
    Verdict::Unknown {
        why: format!("status {status}: {why}"),
        cause: Cause::Unreadable,
    }
}

fn torn(status: u16, why: &str) -> Verdict {
    Verdict::Unknown {
        why: format!("status {status}: {why}"),
        cause: Cause::Torn,
    }
}

/// An error that the server sends with a status of success.
fn in_success(verdict: Verdict, at: Reasons<'_>) -> Verdict {
    let (Verdict::Done { status, body }, Some(path)) = (&verdict, at.error) else {
        return verdict;
    };
    let Some(found) = member::at(body, path).filter(|v| !v.is_null()) else {
        return verdict;
    };
    let mut reasons = Vec::new();
    collect(found, &mut reasons);
    if reasons.is_empty() {
        return verdict;
    }
    let status = *status;
    let refuses_key = reasons.iter().any(|r| {
        let reason = r.to_lowercase();
        at.denied.iter().any(|d| reason.contains(&d.to_lowercase()))
    });
    if refuses_key {
        Verdict::Denied { status, reasons }
    } else {
        Verdict::Refused { status, reasons }
    }
}

fn read_body(status: u16, body: &[u8], html: bool) -> Verdict {
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        return Verdict::Done {
            status,
            body: Value::Null,
        };
    }
    if html || trimmed.starts_with(b"<") {
        return unreadable(status, "a web page instead of JSON");
    }
    match serde_json::from_slice(trimmed) {
        Ok(body) => Verdict::Done { status, body },
        Err(e) => torn(
            status,
            &format!(
                "no readable JSON ({} bytes, fault at line {} column {})",
                body.len(),
                e.line(),
                e.column()
            ),
        ),
    }
}

/// `status 502: reasons`.
pub(super) fn with_reasons(status: u16, reasons: &[String]) -> String {
    if reasons.is_empty() {
        format!("status {status}")
    } else {
        format!("status {status}: {}", reasons.join("; "))
    }
}

/// The reasons of an answer: those at the declared path, else the beginning of the body.
fn reasons(body: &Result<Vec<u8>, String>, messages: Option<&str>) -> Vec<String> {
    let Ok(body) = body else {
        return Vec::new();
    };
    if let (Some(path), Ok(json)) = (messages, serde_json::from_slice::<Value>(body))
        && let Some(found) = member::at(&json, path)
    {
        let mut out = Vec::new();
        collect(found, &mut out);
        if !out.is_empty() {
            return out;
        }
    }
    let text = shown(&String::from_utf8_lossy(body));
    if text.is_empty() {
        Vec::new()
    } else {
        vec![text]
    }
}

/// Texts, lists of texts, and texts by field name.
fn collect(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(s) if !s.trim().is_empty() => out.push(shown(s)),
        Value::Array(list) => list.iter().for_each(|v| collect(v, out)),
        Value::Object(map) => {
            for (name, value) in map {
                let mut inner = Vec::new();
                collect(value, &mut inner);
                out.extend(inner.into_iter().map(|text| format!("{name}: {text}")));
            }
        }
        _ => {}
    }
}

/// One line, without control characters, at most 500 characters.
fn shown(text: &str) -> String {
    let line: String = text
        .trim_matches(|c: char| c.is_control() || c.is_whitespace())
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN + 1)
        .collect();
    if line.chars().count() > SHOWN {
        let cut: String = line.chars().take(SHOWN).collect();
        return format!("{}…", cut.trim_end());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderMap;
    use serde_json::json;

    fn answer(status: u16, body: &str) -> Verdict {
        answered(status, Ok(body.as_bytes().to_vec()), false)
    }

    fn answered(status: u16, body: Result<Vec<u8>, String>, html: bool) -> Verdict {
        let raw = Raw::Answer {
            status,
            body,
            html,
            location: Some("login.example".to_owned()),
            headers: HeaderMap::new(),
        };
        let at = Reasons {
            messages: Some("errors.message"),
            error: Some("results.error"),
            denied: &["authentication failed".to_owned()],
        };
        judge(raw, at, &[423, 429, 503])
    }

    fn is_unknown(v: &Verdict, expected: Cause) -> bool {
        matches!(v, Verdict::Unknown { cause, .. } if *cause == expected)
    }

    #[test]
    fn success_needs_a_readable_body() {
        assert_eq!(
            answer(201, r#" {"id":1} "#),
            Verdict::Done {
                status: 201,
                body: json!({"id": 1})
            }
        );
        assert_eq!(
            answer(204, ""),
            Verdict::Done {
                status: 204,
                body: Value::Null
            }
        );
        assert_eq!(
            answer(200, "true"),
            Verdict::Done {
                status: 200,
                body: json!(true)
            }
        );
        for cut in [
            answer(200, r#"{"id":1"#),
            answered(200, Err("cut short".to_owned()), false),
        ] {
            assert!(is_unknown(&cut, Cause::Torn), "{cut:?}");
        }
        for bad in [
            answer(200, "\n<!DOCTYPE html>"),
            answered(200, Ok(b"{}".to_vec()), true),
        ] {
            assert!(is_unknown(&bad, Cause::Unreadable), "{bad:?}");
        }
    }

    #[test]
    fn every_status_has_its_row() {
        for status in [400, 402, 405, 409, 413, 415, 422, 499] {
            assert!(
                matches!(answer(status, ""), Verdict::Refused { status: s, .. } if s == status)
            );
        }
        for status in [401, 403] {
            assert!(matches!(answer(status, ""), Verdict::Denied { .. }));
        }
        for status in [404, 410] {
            assert!(matches!(answer(status, ""), Verdict::Gone { .. }));
        }
        for status in [408, 500, 501, 502, 503, 504, 520, 599] {
            assert!(is_unknown(&answer(status, ""), Cause::Trouble), "{status}");
        }
        for status in [301, 302, 304, 307] {
            assert!(
                matches!(answer(status, ""), Verdict::Elsewhere { why } if why.contains("login.example"))
            );
        }
        assert_eq!(answer(429, "anything"), Verdict::TooMany);
        assert!(matches!(answer(423, ""), Verdict::Later { .. }));
        assert!(is_unknown(&answer(700, ""), Cause::Unreadable));
    }

    #[test]
    fn reasons_come_from_the_declared_place() {
        let reasons = |body: &str| match answer(400, body) {
            Verdict::Refused { reasons, .. } => reasons,
            other => panic!("{other:?}"),
        };
        assert_eq!(reasons(r#"{"errors":{"message":["a","b"]}}"#), ["a", "b"]);
        assert_eq!(reasons(r#"{"errors":{"message":"a\nb"}}"#), ["a b"]);
        assert_eq!(
            reasons(r#"{"errors":{"message":{"name":["is blank"]}}}"#),
            ["name: is blank"]
        );
        assert_eq!(reasons(r#"{"login":"failed"}"#), [r#"{"login":"failed"}"#]);
        assert_eq!(reasons(" \u{1b}[31mno \r\n"), ["[31mno"]);
        assert!(reasons("").is_empty());
        let long = &reasons(&"é".repeat(2000))[0];
        assert_eq!(long.chars().count(), 501);
        assert!(long.ends_with('…'));
    }
}
