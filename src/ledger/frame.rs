//! Frames: entries that are written together, as one row of the journal and in few bytes.
//!
//! A frame is a byte for its form and then item after item: kind, step, part, key and what the kind says. Steps stand by their
//! number in the table `steps`; so that no number can get another name unseen, a writer says the name of each step that it mentions
//! once, in an item of its own. What is written for every record has an encoding of its own, the rest is JSON.
//!
//! Says nothing about where a frame stands and what vouches for it: [`super::stretch`].

use super::{
    entry::{Entry, Intent},
    kinds,
    words::{Origin, WriteOp},
    written::{Written, WrittenFields},
};
use std::fmt;

/// The form of a frame, its first byte.
const FORM: u8 = 1;
/// The item that says the name of a step.
const NAME: u8 = 0;

/// Of an intent, beside the number of its call: it goes with a chunk.
const CHUNK: u8 = 8;
/// Of an intent: there is something to look it up by.
const MATCH_KEY: u8 = 16;
/// Of an intent: what members held before follows.
const BEFORE: u8 = 32;
/// Of a confirmation, beside the number of its origin: what was written follows.
const WRITTEN: u8 = 4;
/// Of a confirmation: when the destination says that the record was changed follows.
const STAMP: u8 = 8;

/// Why a frame cannot be read, or an entry not be written.
#[derive(Debug)]
pub(super) struct Strange(String);

impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<serde_json::Error> for Strange {
    fn from(error: serde_json::Error) -> Self {
        Strange(error.to_string())
    }
}

fn strange<T>(what: &str) -> Result<T, Strange> {
    Err(Strange(what.to_owned()))
}

/// A frame that is being put together.
#[derive(Default)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    json: Vec<u8>,
    entries: i64,
}

impl Frame {
    /// How many entries it holds.
    pub fn entries(&self) -> i64 {
        self.entries
    }

    /// The frame.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Begins the next one.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries = 0;
    }

    /// Says the name of a step, before the first entry that mentions it.
    pub fn name(&mut self, step: i64, name: &str) {
        self.begin(NAME, step);
        self.text(name.as_bytes());
    }

    fn begin(&mut self, kind: u8, step: i64) {
        if self.bytes.is_empty() {
            self.bytes.push(FORM);
        }
        self.bytes.push(kind);
        self.number(step.cast_unsigned());
    }

    fn number(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            if number < 0x80 {
                return self.bytes.push(low);
            }
            self.bytes.push(low | 0x80);
            number >>= 7;
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }

    /// Adds an entry. `step`: the number of its step, 0 for none.
    ///
    /// # Errors
    /// When it has no JSON form, or one too long.
    pub fn push(&mut self, step: i64, entry: &Entry) -> Result<(), Strange> {
        let (_, key, part) = entry.place();
        self.begin(entry.code(), step);
        self.number(u64::from(part));
        self.text(key.as_bytes());
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        match entry {
            Entry::Intended(intent) => self.intent(intent)?,
            Entry::Confirmed {
                dest_id,
                origin,
                fingerprint,
                written,
                ..
            } => self.confirmation(dest_id, *origin, *fingerprint, written.as_ref()),
            other => {
                self.bytes.extend_from_slice(other.said(&mut self.json)?);
            }
        }
        let Ok(length) = u32::try_from(self.bytes.len() - at - 4) else {
            return strange("an entry is too long");
        };
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        self.entries += 1;
        Ok(())
    }

    fn intent(&mut self, intent: &Intent) -> Result<(), Strange> {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        self.bytes.push(
            intent.op.code()
                | flag(intent.chunk.is_some(), CHUNK)
                | flag(intent.match_key.is_some(), MATCH_KEY)
                | flag(intent.before.is_some(), BEFORE),
        );
        self.bytes
            .extend_from_slice(&intent.fingerprint.to_le_bytes());
        for text in [&intent.chunk, &intent.match_key].into_iter().flatten() {
            self.text(text.as_bytes());
        }
        if let Some(before) = &intent.before {
            serde_json::to_writer(&mut self.bytes, before)?;
        }
        Ok(())
    }

    fn confirmation(
        &mut self,
        dest_id: &str,
        origin: Origin,
        fingerprint: u64,
        written: Option<&Written>,
    ) {
        let stamp = written.and_then(|w| w.stamp.as_deref());
        let mut flags = origin.code();
        if written.is_some() {
            flags |= WRITTEN;
        }
        if stamp.is_some() {
            flags |= STAMP;
        }
        self.bytes.push(flags);
        self.bytes.extend_from_slice(&fingerprint.to_le_bytes());
        self.text(dest_id.as_bytes());
        if let Some(written) = written {
            self.text(written.fields.bytes());
        }
        if let Some(stamp) = stamp {
            self.text(stamp.as_bytes());
        }
    }
}

/// What is in a frame, item after item. It ends after the first item that cannot be read.
pub(super) struct Items<'a> {
    rest: Rest<'a>,
}

/// An item of a frame.
pub(super) enum Item<'a> {
    /// A step has this number.
    Name(i64, &'a str),
    /// An entry.
    Entry(Packed<'a>),
}

/// An entry as it stands in a frame.
pub(super) struct Packed<'a> {
    /// Its kind.
    pub kind: &'static str,
    /// The number of its step, 0 for none.
    pub step: i64,
    /// The key of its record, or what stands in its place.
    pub key: &'a str,
    /// The part of its record.
    pub part: u32,
    said: &'a [u8],
}

impl<'a> Items<'a> {
    /// The items of a frame.
    ///
    /// # Errors
    /// When it has a form that this engine does not know.
    pub fn of(frame: &'a [u8]) -> Result<Items<'a>, Strange> {
        let mut rest = Rest(frame);
        match rest.byte()? {
            FORM => Ok(Items { rest }),
            form => Err(Strange(format!("this engine does not know form {form}"))),
        }
    }

    fn read(&mut self) -> Result<Item<'a>, Strange> {
        let rest = &mut self.rest;
        let kind = rest.byte()?;
        let step = rest.number()?.cast_signed();
        if kind == NAME {
            return Ok(Item::Name(step, rest.text()?));
        }
        let Some(kind) = kinds::word(kind) else {
            return Err(Strange(format!("this engine does not know kind {kind}")));
        };
        let Ok(part) = u32::try_from(rest.number()?) else {
            return strange("a part has no number");
        };
        let key = rest.text()?;
        let length = u32::from_le_bytes(rest.fixed()?);
        let said = rest.bytes(u64::from(length))?;
        Ok(Item::Entry(Packed {
            kind,
            step,
            key,
            part,
            said,
        }))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, Strange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.0.is_empty() {
            return None;
        }
        let item = self.read();
        if item.is_err() {
            self.rest.0 = &[];
        }
        Some(item)
    }
}

impl Packed<'_> {
    /// The entry. `step`: the name of its step, empty for none.
    ///
    /// # Errors
    /// When it is not what this engine writes.
    pub fn entry(&self, step: &str) -> Result<Entry, Strange> {
        let mut rest = Rest(self.said);
        let entry = match self.kind {
            "intended" => self.intent(step, &mut rest)?,
            "confirmed" => self.confirmation(step, &mut rest)?,
            kind => {
                let json = text(rest.0)?;
                rest.0 = &[];
                Entry::from_columns(kind, step, self.key, self.part, json)?
            }
        };
        match rest.0 {
            [] => Ok(entry),
            _ => strange("something follows that belongs to nothing"),
        }
    }

    fn intent(&self, step: &str, rest: &mut Rest<'_>) -> Result<Entry, Strange> {
        let flags = rest.byte()?;
        let op = WriteOp::from_code(flags & !(CHUNK | MATCH_KEY | BEFORE));
        let fingerprint = u64::from_le_bytes(rest.fixed()?);
        let chunk = rest.text_if(flags & CHUNK != 0)?;
        let match_key = rest.text_if(flags & MATCH_KEY != 0)?;
        let mut before = None;
        if flags & BEFORE != 0 {
            before = Some(serde_json::from_slice(rest.0)?);
            rest.0 = &[];
        }
        let Some(op) = op else {
            return strange("a call of no kind");
        };
        Ok(Entry::Intended(Intent {
            step: step.to_owned(),
            key: self.key.to_owned(),
            part: self.part,
            op,
            fingerprint,
            chunk,
            match_key,
            before,
        }))
    }

    fn confirmation(&self, step: &str, rest: &mut Rest<'_>) -> Result<Entry, Strange> {
        let flags = rest.byte()?;
        let Some(origin) = Origin::from_code(flags & !(WRITTEN | STAMP)) else {
            return strange("an origin of no kind");
        };
        let fingerprint = u64::from_le_bytes(rest.fixed()?);
        let dest_id = rest.text()?.to_owned();
        let mut written = None;
        if flags & WRITTEN != 0 {
            let length = rest.number()?;
            let fields = WrittenFields::from_bytes(rest.bytes(length)?.to_vec());
            let Some(fields) = fields else {
                return strange("what was written is no list of fields");
            };
            let stamp = rest.text_if(flags & STAMP != 0)?;
            written = Some(Written { fields, stamp });
        }
        Ok(Entry::Confirmed {
            step: step.to_owned(),
            key: self.key.to_owned(),
            part: self.part,
            dest_id,
            origin,
            fingerprint,
            written,
        })
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Strange> {
        match self.0.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.0 = tail;
                Ok(*head)
            }
            None => strange("it ends too early"),
        }
    }

    fn byte(&mut self) -> Result<u8, Strange> {
        let [byte] = self.fixed()?;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, Strange> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        strange("a number is too long")
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], Strange> {
        let split = usize::try_from(length)
            .ok()
            .and_then(|l| self.0.split_at_checked(l));
        match split {
            Some((head, tail)) => {
                self.0 = tail;
                Ok(head)
            }
            None => strange("it ends too early"),
        }
    }

    fn text(&mut self) -> Result<&'a str, Strange> {
        let length = self.number()?;
        text(self.bytes(length)?)
    }

    fn text_if(&mut self, is: bool) -> Result<Option<String>, Strange> {
        match is {
            true => Ok(Some(self.text()?.to_owned())),
            false => Ok(None),
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, Strange> {
    str::from_utf8(bytes).map_err(|e| Strange(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Vec<u8> {
        let mut frame = Frame::default();
        frame.name(300, "contact");
        let held = Entry::Released {
            step: "contact".to_owned(),
            key: "k".repeat(200),
        };
        let intent = Intent {
            step: "contact".to_owned(),
            key: "1".to_owned(),
            part: 70_000,
            ..Intent::default()
        };
        for entry in [held, Entry::Intended(intent)] {
            assert!(frame.push(300, &entry).is_ok());
        }
        assert_eq!(frame.entries(), 2);
        frame.bytes().to_vec()
    }

    /// What can be read of a frame: names, entries, and whether something cannot.
    fn read(bytes: &[u8]) -> (usize, Vec<Entry>, bool) {
        let (mut names, mut entries, mut strange) = (0, Vec::new(), false);
        let Ok(items) = Items::of(bytes) else {
            return (0, entries, true);
        };
        for item in items {
            match item {
                Ok(Item::Name(step, name)) => {
                    assert_eq!((step, name), (300, "contact"));
                    names += 1;
                }
                Ok(Item::Entry(packed)) => match packed.entry("contact") {
                    Ok(entry) => entries.push(entry),
                    Err(_) => strange = true,
                },
                Err(_) => strange = true,
            }
        }
        (names, entries, strange)
    }

    #[test]
    fn what_is_cut_off_is_never_taken_for_whole() {
        let whole = frame();
        let (names, entries, strange) = read(&whole);
        assert_eq!((names, entries.len(), strange), (1, 2, false));
        assert_eq!(entries[1].place(), ("contact", "1", 70_000));
        for end in 0..whole.len() {
            let (_, entries, strange) = read(&whole[..end]);
            assert!(strange || entries.len() < 2, "{end}");
        }
    }

    #[test]
    fn what_a_later_engine_writes_is_refused() {
        let mut other_form = frame();
        other_form[0] = FORM + 1;
        assert!(read(&other_form).2);
        let mut other_kind = frame();
        // Form, the item that names a step (two bytes of number, length, name), then the first entry.
        other_kind[1 + 1 + 2 + 1 + 7] = 250;
        let (_, entries, strange) = read(&other_kind);
        assert!(strange && entries.is_empty());
        let mut longer = frame();
        longer.push(0);
        assert!(read(&longer).2);
    }
}
