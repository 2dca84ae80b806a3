//! A segment that takes no more entries. What keys that are whole numbers went to stands in the order of the numbers, so
//! that an entry needs no key and no place of its own: a look-up touches the set of numbers, which is small, and the id.

use super::{
    By, IdEntry, IdState, Name,
    open::{Segment, id_of},
};
use crate::value::Ranks;
use std::{borrow::Cow, fmt::Write as _};

/// Bytes of an entry in [`Sealed::ids`].
const STRIDE: usize = 16;
/// Longest id that stands in its entry: one byte is for the flags, one for the length.
const SHORT: usize = STRIDE - 2;
/// Stands for the length when the id is among the long ones.
const LONG: u8 = 127;
/// Records of a segment that are near anyway.
const NEAR: usize = 4096;

const NOTHING: IdEntry<'static> = IdEntry {
    dest_id: "",
    fingerprint: 0,
    state: IdState::Open,
    origin: None,
    second_pass: false,
};

/// Records by name.
#[derive(Default)]
pub(super) struct Sealed {
    /// First parts of records whose key is a whole number.
    numbers: Ranks,
    /// For each of them, in order: its flags, the length of its id and the id; or its place and length in `long`.
    ids: String,
    /// Their fingerprints; as far as the last that is not 0.
    prints: Vec<u64>,
    long: String,
    /// All other records.
    others: Segment,
}

impl Sealed {
    /// What an open segment holds.
    pub fn of(open: &Segment) -> Sealed {
        let mut numbers = Vec::with_capacity(open.len());
        let mut others = Segment::default();
        for (at, (key, part, entry)) in (0..).zip(open.iter()) {
            let name = Name::new(key, part);
            match name.by {
                By::Number(number) => numbers.push((number, at)),
                By::Hash(_) => others.insert(name, &entry),
            }
        }
        Sealed::new(numbers, others, |at| open.entry_at(at as usize))
    }

    /// Both in one; entries of `newer` win.
    pub fn merged(older: &Sealed, newer: &Sealed) -> Sealed {
        const NEWER: u32 = 1 << 31;
        let mut numbers = Vec::with_capacity(older.numbers.len() + newer.numbers.len());
        let old = (0..NEWER).zip(older.numbers.numbers());
        let kept = old.filter(|(_, number)| newer.numbers.find(*number).is_none());
        numbers.extend(kept.map(|(at, number)| (number, at)));
        let new = (NEWER..).zip(newer.numbers.numbers());
        numbers.extend(new.map(|(at, number)| (number, at)));
        let mut others = Segment::default();
        for (key, part, entry) in older.others.iter().chain(newer.others.iter()) {
            others.insert(Name::new(key, part), &entry);
        }
        Sealed::new(numbers, others, |at| match at.checked_sub(NEWER) {
            Some(at) => newer.entry(at as usize),
            None => older.entry(at as usize),
        })
    }

    /// Of numbers, each once, with what `entry` says about them.
    fn new<'e>(
        mut numbers: Vec<(u64, u32)>,
        mut others: Segment,
        entry: impl Fn(u32) -> Option<IdEntry<'e>>,
    ) -> Sealed {
        numbers.sort_unstable();
        let mut sealed = Sealed {
            numbers: Ranks::of(
                &numbers
                    .iter()
                    .map(|(number, _)| *number)
                    .collect::<Vec<_>>(),
            ),
            ids: String::with_capacity(numbers.len() * STRIDE),
            ..Sealed::default()
        };
        for (_, at) in numbers {
            // Without an entry the others would stand in wrong places; there is one for every place.
            sealed.push(&entry(at).unwrap_or(NOTHING));
        }
        sealed.prints.shrink_to_fit();
        sealed.long.shrink_to_fit();
        others.shrink();
        sealed.others = others;
        sealed
    }

    fn push(&mut self, entry: &IdEntry<'_>) {
        let id = id_of(entry);
        let at = self.ids.len() / STRIDE;
        self.ids.push(char::from(entry.flags()));
        match u8::try_from(id.len()) {
            Ok(len) if id.len() <= SHORT => {
                self.ids.push(char::from(len));
                self.ids.push_str(id);
            }
            _ => {
                self.ids.push(char::from(LONG));
                let (place, len) = (self.long.len(), id.len());
                // A text takes what is written to it.
                let _ = write!(self.ids, "{place:08x}{len:06x}");
                self.long.push_str(id);
            }
        }
        let end = (at + 1) * STRIDE;
        self.ids.extend((self.ids.len()..end).map(|_| '\0'));
        if entry.fingerprint != 0 {
            self.prints.resize(at, 0);
            self.prints.push(entry.fingerprint);
        }
    }

    /// The entry of the number with this place.
    #[inline]
    fn entry(&self, at: usize) -> Option<IdEntry<'_>> {
        let start = at * STRIDE;
        let [flags, len] = *self.ids.as_bytes().get(start..)?.first_chunk()?;
        let text = start + 2;
        let id = match len {
            LONG => self.long_id(self.ids.get(text..text + SHORT)?)?,
            len => self.ids.get(text..text + usize::from(len))?,
        };
        let fingerprint = self.prints.get(at).copied().unwrap_or(0);
        Some(IdEntry::of(id, fingerprint, flags))
    }

    #[cold]
    fn long_id(&self, place: &str) -> Option<&str> {
        let (at, len) = place.split_at_checked(8)?;
        let at = usize::from_str_radix(at, 16).ok()?;
        let len = usize::from_str_radix(len, 16).ok()?;
        self.long.get(at..at + len)
    }

    /// What is known about a record.
    #[inline]
    pub fn get(&self, name: Name<'_>) -> Option<IdEntry<'_>> {
        match name.by {
            By::Number(number) => self.entry(self.numbers.find(number)?),
            By::Hash(_) => self.others.get(name),
        }
    }

    /// True when something is.
    pub fn has(&self, name: Name<'_>) -> bool {
        match name.by {
            By::Number(number) => self.numbers.find(number).is_some(),
            By::Hash(_) => self.others.has(name),
        }
    }

    /// Looks at the entries of some numbers; what it gives means nothing.
    #[inline]
    pub fn touch(&self, numbers: &[u64]) -> u8 {
        if self.numbers.len() <= NEAR {
            return 0;
        }
        let bytes = self.ids.as_bytes();
        let found = numbers.iter().filter_map(|n| self.numbers.find(*n));
        let seen = found.filter_map(|at| bytes.get(at * STRIDE));
        seen.fold(0, |all, byte| all ^ byte)
    }

    fn each_number(&self) -> impl Iterator<Item = (u64, IdEntry<'_>)> {
        let numbers = self.numbers.numbers().into_iter().enumerate();
        numbers.filter_map(|(at, number)| Some((number, self.entry(at)?)))
    }

    /// Every record.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, u32, IdEntry<'_>)> {
        let numbers = self.each_number();
        let numbers = numbers.map(|(number, entry)| (Cow::Owned(number.to_string()), 0, entry));
        let others = self.others.iter();
        numbers.chain(others.map(|(key, part, entry)| (Cow::Borrowed(key), part, entry)))
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.numbers.len() + self.others.len()
    }

    /// Bytes of text.
    pub fn text(&self) -> usize {
        self.long.len() + self.others.text()
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.numbers.bytes()
            + self.ids.capacity()
            + self.prints.capacity() * size_of::<u64>()
            + self.long.capacity()
            + self.others.bytes()
    }
}
