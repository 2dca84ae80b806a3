//! Canonical bytes: what goes into a hash, in a form that two different things never share.
//!
//! Knows no mapping; it only writes texts, numbers, flags and sets.

use std::fmt;

/// A hash of meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Fingerprint {
    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

/// Writes canonical bytes into a hash. Every part is preceded by its length or has a fixed one.
pub(super) struct Canon {
    hasher: blake3::Hasher,
}

impl Canon {
    /// A hash of something of this kind.
    pub fn new(kind: &str) -> Canon {
        let mut canon = Canon {
            hasher: blake3::Hasher::new(),
        };
        canon.text(kind);
        canon
    }

    pub fn text(&mut self, text: &str) -> &mut Canon {
        self.number(text.len());
        self.hasher.update(text.as_bytes());
        self
    }

    pub fn number(&mut self, number: usize) -> &mut Canon {
        self.hasher.update(&(number as u64).to_le_bytes());
        self
    }

    pub fn flag(&mut self, flag: bool) -> &mut Canon {
        self.number(usize::from(flag))
    }

    pub fn print(&mut self, print: Fingerprint) -> &mut Canon {
        self.hasher.update(&print.0);
        self
    }

    /// Prints whose order means nothing.
    pub fn set(&mut self, prints: impl IntoIterator<Item = Fingerprint>) -> &mut Canon {
        let mut all: Vec<Fingerprint> = prints.into_iter().collect();
        all.sort_unstable();
        self.number(all.len());
        for print in all {
            self.print(print);
        }
        self
    }

    /// A value that holds no position and no place: its derived debug text is its meaning.
    pub fn debug(&mut self, value: &impl fmt::Debug) -> &mut Canon {
        self.text(&format!("{value:?}"))
    }

    pub fn finish(&self) -> Fingerprint {
        Fingerprint(*self.hasher.finalize().as_bytes())
    }
}
