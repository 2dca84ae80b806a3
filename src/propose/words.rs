//! Names as sets of words, and how near two of them are.
//!
//! The groups hold words that mean the same in customer records of any vendor; they know no vendor and no pair.

/// Words of one meaning. A word may stand in several groups.
const GROUPS: &[&[&str]] = &[
    &[
        "company",
        "account",
        "organisation",
        "organization",
        "firm",
        "employer",
        "business",
    ],
    &[
        "contact",
        "person",
        "people",
        "individual",
        "subscriber",
        "employee",
    ],
    &["lead", "prospect"],
    &["deal", "opportunity"],
    &[
        "owner",
        "assignee",
        "assigned",
        "responsible",
        "rep",
        "agent",
        "user",
        "author",
        "member",
    ],
    &["first", "given", "forename"],
    &["last", "family", "surname"],
    &["phone", "telephone", "tel", "number"],
    &["mobile", "cell", "cellphone", "phone"],
    &["email", "mail"],
    &["zip", "zipcode", "postcode", "postal", "plz"],
    &["state", "region", "province", "county"],
    &["address", "street"],
    &["city", "town", "locality"],
    &["website", "domain", "url", "web", "homepage", "site"],
    &["employees", "employee", "headcount", "staff"],
    &["revenue", "turnover"],
    &["industry", "sector", "vertical", "branch"],
    &["amount", "value", "price", "sum", "worth"],
    &["close", "closing", "closed", "expected"],
    &["due", "deadline"],
    &["title", "subject", "summary", "headline", "name", "label"],
    &[
        "body",
        "text",
        "content",
        "description",
        "details",
        "note",
        "notes",
        "message",
        "comment",
        "html",
    ],
    &[
        "start", "begin", "from", "started", "starts", "begins", "at",
    ],
    &["due", "end", "finish", "at", "start", "until"],
    &["end", "ended", "ends", "finish", "until"],
    &[
        "done",
        "completed",
        "complete",
        "finished",
        "status",
        "closed",
    ],
    &["stage", "phase", "step"],
    &["lifecycle", "lifecyclestage"],
    &["kind", "type", "category"],
    &["position", "order", "rank", "sequence"],
    &["probability", "likelihood", "chance"],
    &[
        "about",
        "parent",
        "related",
        "regarding",
        "target",
        "who",
        "what",
        "linked",
        "contact",
    ],
    &["parent", "mother", "head"],
    &["file", "attachment", "document", "path"],
    &["location", "place", "venue"],
    &["active", "enabled"],
    &["tags", "tag", "labels", "keywords"],
    &["job", "role"],
    &["activity", "engagement", "interaction", "touch"],
    &["task", "todo", "reminder", "event", "activity"],
    &["appointment", "meeting", "event"],
    &[
        "note",
        "comment",
        "conversation",
        "chat",
        "message",
        "remark",
    ],
    &["document", "attachment", "file", "upload"],
    &["list", "segment", "audience"],
    &["template", "letter"],
    &["campaign", "mailing"],
];

/// Words that say little beside others.
const SOFT: &[&str] = &[
    "id", "date", "time", "of", "count", "number", "no", "annual", "the", "value", "text", "to",
    "at", "on", "code", "is",
];

/// A name taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of a name in snake case, camel case, kebab case or with spaces; abbreviations like `e-mail` are one.
    pub fn of(name: &str) -> Words {
        let mut words: Vec<String> = Vec::new();
        let mut word = String::new();
        let mut was_lower = false;
        for c in name.replace("e-mail", "email").chars() {
            if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
                push(&mut words, &mut word);
            }
            was_lower = c.is_lowercase() || c.is_ascii_digit();
            if c.is_alphanumeric() {
                word.extend(c.to_lowercase());
            }
        }
        push(&mut words, &mut word);
        Words(words)
    }

    /// The same without words that only name the object or the form of a key, unless nothing else is left.
    pub fn without(&self, words: &[&str]) -> Words {
        let left: Vec<String> = self
            .0
            .iter()
            .filter(|w| !words.contains(&w.as_str()))
            .cloned()
            .collect();
        if left.is_empty() {
            self.clone()
        } else {
            Words(left)
        }
    }

    /// How near two names are, from 0 (nothing in common) to 1 (the same words).
    pub fn near(&self, other: &Words) -> f64 {
        let (a, b) = (self.half(other), other.half(self));
        let total = self.weight() + other.weight();
        if total == 0.0 {
            return 0.0;
        }
        let shared = (a + b) / total;
        // One mistyped or shortened word is still that word.
        let spelt = strsim::jaro_winkler(&self.0.concat(), &other.0.concat());
        if spelt > 0.93 {
            shared.max(0.9 * spelt)
        } else {
            shared
        }
    }

    fn half(&self, other: &Words) -> f64 {
        self.0
            .iter()
            .map(|w| {
                let best = other.0.iter().map(|o| akin(w, o)).fold(0.0, f64::max);
                best * weight(w)
            })
            .sum()
    }

    fn weight(&self) -> f64 {
        self.0.iter().map(|w| weight(w)).sum()
    }
}

fn push(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

fn weight(word: &str) -> f64 {
    if SOFT.contains(&word) { 0.3 } else { 1.0 }
}

/// How near two words are: the same, one the plural of the other, of one meaning, or strangers.
fn akin(a: &str, b: &str) -> f64 {
    if a == b || a.strip_suffix('s') == Some(b) || b.strip_suffix('s') == Some(a) {
        return 1.0;
    }
    if GROUPS.iter().any(|g| g.contains(&a) && g.contains(&b)) {
        return 0.85;
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn near(a: &str, b: &str) -> f64 {
        Words::of(a).near(&Words::of(b))
    }

    #[test]
    fn names_are_taken_apart_at_marks_and_capitals() {
        for name in [
            "first_name",
            "firstName",
            "First Name",
            "first-name",
            "FirstName",
        ] {
            assert_eq!(Words::of(name), Words::of("first name"), "{name}");
        }
        assert_eq!(Words::of("Contact E-Mail"), Words::of("contact e mail"));
        assert_eq!(Words::of("e-mail"), Words::of("email"));
    }

    #[test]
    fn same_words_are_nearest_then_same_meanings_then_nothing() {
        assert!((near("close_date", "Close Date") - 1.0).abs() < 1e-9);
        assert!(near("postcode", "zipcode") > 0.8);
        assert!(near("postcode", "zipcode") < 1.0);
        assert!(near("employee_count", "number_of_employees") > 0.65);
        assert!(near("lifecycle_stage", "lifecycle") > near("stage", "lifecycle"));
        assert!(near("city", "tags") < 1e-9);
        assert!(near("", "tags") < 1e-9);
    }

    #[test]
    fn it_is_the_same_both_ways() {
        for (a, b) in [
            ("owner_email", "owner"),
            ("value", "amount"),
            ("industri", "industry"),
        ] {
            assert!((near(a, b) - near(b, a)).abs() < 1e-9, "{a} {b}");
        }
    }
}
