//! What the codes of holds mean: the entries of `docs/holds.md`, for `transload explain`.
//!
//! One page for all of them, embedded in the binary. A test holds the page against the codes that the engine makes.

/// The page.
const PAGE: &str = include_str!("../../docs/holds.md");

/// Every code with the first sentence of its entry, in the order of the page.
pub fn all() -> Vec<(&'static str, &'static str)> {
    entries()
        .map(|(code, text)| {
            let first = text.trim_start();
            let end = first.find(". ").map_or(first.len(), |at| at + 1);
            (code, first.get(..end).unwrap_or(first))
        })
        .collect()
}

/// The entry of a code, as Markdown. A refusal may carry the status of the answer: `refused_422`.
pub fn find(code: &str) -> Option<String> {
    let wanted = code.trim().to_ascii_lowercase();
    let is = |known: &str| known == wanted || (known == "refused" && wanted.starts_with("refused"));
    entries()
        .find(|(known, _)| is(known))
        .map(|(known, text)| format!("# {known} (a hold)\n\n{}\n", text.trim()))
}

fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGE.split("\n## `").skip(1).filter_map(|part| {
        let (code, text) = part.split_once("`\n")?;
        Some((code, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_what_it_is_and_what_to_do() {
        let all = all();
        assert!(all.len() > 20, "{}", all.len());
        for (code, first) in all {
            assert!(first.len() > 20 && first.len() < 200, "{code}: {first}");
            let text = find(code).unwrap_or_default().replace('\n', " ");
            assert!(text.contains("*What to do:*"), "{code}");
        }
        assert!(find("REFUSED_422").is_some());
        assert!(find("no_such_code").is_none());
    }
}
