//! Counts by key in bounded memory: hashes instead of texts, at most so many of them.

use crate::platform::lock::Cluster;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

/// Different keys that are kept: about 50 MB. Beyond, only keys that are known already are counted.
pub(super) const KEYS_MAX: usize = 1 << 20;
/// Groups that are shown.
const CLUSTERS_SHOWN: usize = 5;

/// The hash of a key text, trimmed, in lower case where asked.
pub(super) fn hash(text: &str, lower: bool) -> u64 {
    let text = text.trim();
    if lower && text.chars().any(|c| c.is_uppercase() || !c.is_ascii()) {
        xxh3_64(text.to_lowercase().as_bytes())
    } else {
        xxh3_64(text.as_bytes())
    }
}

/// The hash of several parts together.
pub(super) fn together(parts: &[u64]) -> u64 {
    match parts {
        [one] => *one,
        many => {
            let bytes: Vec<u8> = many.iter().flat_map(|h| h.to_le_bytes()).collect();
            xxh3_64(&bytes)
        }
    }
}

/// Records by key.
#[derive(Debug)]
pub(super) struct Tally {
    seen: HashMap<u64, Seen, FixedState>,
    /// Records without the key.
    pub blank: u64,
    /// True when there were more keys than are kept.
    pub capped: bool,
}

/// Records that share a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// How many.
    pub count: u64,
    first: u64,
    last: u64,
}

impl Tally {
    /// An empty tally.
    pub fn new() -> Tally {
        Tally {
            seen: HashMap::with_hasher(FixedState::default()),
            blank: 0,
            capped: false,
        }
    }

    /// Counts a record.
    pub fn add(&mut self, key: u64, line: u64) {
        if let Some(seen) = self.seen.get_mut(&key) {
            seen.count += 1;
            seen.last = line;
        } else if self.seen.len() < KEYS_MAX {
            let seen = Seen {
                count: 1,
                first: line,
                last: line,
            };
            self.seen.insert(key, seen);
        } else {
            self.capped = true;
        }
    }

    /// The records under a key.
    pub fn get(&self, key: u64) -> Option<&Seen> {
        self.seen.get(&key)
    }

    /// Groups of several records: how many groups, how many records in them, and the largest.
    pub fn clusters(&self) -> (u64, u64, Vec<Cluster>) {
        let mut groups: Vec<Cluster> = Vec::new();
        let (mut clusters, mut records) = (0, 0);
        for seen in self.seen.values().filter(|s| s.count > 1) {
            clusters += 1;
            records += seen.count;
            groups.push(Cluster {
                records: seen.count,
                first_line: seen.first,
                last_line: seen.last,
            });
        }
        // By line where sizes are equal, so that the hash's order does not show.
        groups.sort_by_key(|g| (std::cmp::Reverse(g.records), g.first_line, g.last_line));
        groups.truncate(CLUSTERS_SHOWN);
        (clusters, records, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_compare_alike_are_one_cluster() {
        let mut tally = Tally::new();
        for (line, text) in [
            (2, "a@x.example"),
            (3, " A@X.example "),
            (4, "b"),
            (7, "a@x.example"),
        ] {
            tally.add(hash(text, true), line);
        }
        let (clusters, records, shown) = tally.clusters();
        assert_eq!((clusters, records), (1, 3));
        assert_eq!((shown[0].first_line, shown[0].last_line), (2, 7));
        assert_ne!(hash("A", false), hash("a", false));
        assert_eq!(hash("ÄB", true), hash("äb", true));
        assert_ne!(together(&[1, 2]), together(&[2, 1]));
    }
}
