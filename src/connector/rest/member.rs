//! Dotted members of JSON answers. Reads only; knows no platform.

use serde_json::Value;

/// The member at a dotted path; numbers step into arrays. An empty path is the value itself.
pub(super) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |v, part| match v {
        Value::Object(map) => map.get(part),
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The same by value.
pub(super) fn take(value: Value, path: Option<&str>) -> Option<Value> {
    let mut value = value;
    for part in path.unwrap_or("").split('.').filter(|p| !p.is_empty()) {
        value = match value {
            Value::Object(mut map) => map.remove(part)?,
            Value::Array(mut list) => {
                let ix = part.parse::<usize>().ok()?;
                if ix >= list.len() {
                    return None;
                }
                list.swap_remove(ix)
            }
            _ => return None,
        };
    }
    Some(value)
}

/// Texts and numbers as text; nothing else.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The text at a dotted path.
pub(super) fn text_at(value: &Value, path: &str) -> Option<String> {
    at(value, path).and_then(text)
}

/// A whole number at a dotted path; a text of digits is one too.
pub(super) fn count_at(value: &Value, path: &str) -> Option<u64> {
    match at(value, path)? {
        Value::Number(n) => n.as_u64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

/// True and false, also as 1, 0, `true`, `false`.
pub(super) fn truth_at(value: &Value, path: &str) -> Option<bool> {
    match at(value, path)? {
        Value::Bool(b) => Some(*b),
        Value::Number(n) => n.as_i64().map(|n| n != 0),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

/// All texts at a dotted path that runs through arrays without naming a position (`choices.value`).
pub(super) fn texts_at(value: &Value, path: &str) -> Vec<String> {
    let mut found = vec![value];
    for part in path.split('.').filter(|p| !p.is_empty()) {
        found = flat(found)
            .into_iter()
            .filter_map(|v| v.as_object()?.get(part))
            .collect();
    }
    flat(found).into_iter().filter_map(text).collect()
}

fn flat(values: Vec<&Value>) -> Vec<&Value> {
    values
        .into_iter()
        .flat_map(|v| match v {
            Value::Array(list) => list.iter().collect(),
            other => vec![other],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_found_by_dotted_paths() {
        let v = json!({"a": {"b": [{"c": 1}, {"c": "x"}]}, "n": null});
        assert_eq!(at(&v, "a.b.1.c"), Some(&json!("x")));
        assert_eq!(at(&v, ""), Some(&v));
        assert_eq!(at(&v, "a.z.c"), None);
        assert_eq!(at(&v, "n.x"), None);
        assert_eq!(text_at(&v, "a.b.0.c").as_deref(), Some("1"));
        assert_eq!(text_at(&v, "n"), None);
        assert_eq!(take(v.clone(), Some("a.b.1.c")), Some(json!("x")));
        assert_eq!(take(v.clone(), None), Some(v.clone()));
        assert_eq!(take(v, Some("a.b.2")), None);
    }

    #[test]
    fn texts_run_through_arrays() {
        let v = json!({"choices": [{"id": 1, "value": "Red"}, {"value": 7}, {"other": 1}]});
        assert_eq!(texts_at(&v, "choices.value"), ["Red", "7"]);
        assert_eq!(
            texts_at(&json!({"choices": ["a", "b"]}), "choices"),
            ["a", "b"]
        );
        assert!(texts_at(&v, "nothing.here").is_empty());
    }

    #[test]
    fn numbers_and_truths_come_in_several_forms() {
        let v = json!({"a": "12", "b": 12, "c": -1, "t": "true", "one": 1});
        assert_eq!((count_at(&v, "a"), count_at(&v, "b")), (Some(12), Some(12)));
        assert_eq!(count_at(&v, "c"), None);
        assert_eq!(
            (truth_at(&v, "t"), truth_at(&v, "one")),
            (Some(true), Some(true))
        );
    }
}
