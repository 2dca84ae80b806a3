//! The fingerprint of a record: whether what would be written is what was written before.
//!
//! Covered is each entry that has a value, or a blank that clears: a hash of the destination field's name and the
//! value in a canonical form. An entry that is added to the mapping and has no value in a record therefore
//! changes nothing for it. References count by the key they were looked up by (after merges), never by the
//! destination's id, so that a fingerprint is the same on a fresh account. Decimals count by value, not by digits.

use crate::value::Value;
use xxhash_rust::xxh3::xxh3_64;

/// Collects the entries of one record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fingerprint {
    bytes: Vec<u8>,
    /// Nobody wants it: nothing is collected, and it is 0.
    pub off: bool,
}

impl Fingerprint {
    /// Starts over.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Adds an entry. `name` is the hash of the destination field's name.
    pub fn value(&mut self, name: u64, value: &Value<'_>, clears: bool) {
        match value {
            _ if self.off => {}
            Value::Absent | Value::Bad(_) => {}
            Value::Blank if !clears => {}
            value => {
                self.bytes.extend_from_slice(&name.to_le_bytes());
                self.push(value);
            }
        }
    }

    /// Adds a reference by the key it was looked up by.
    pub fn reference(&mut self, name: u64, key: &str) {
        if self.off {
            return;
        }
        self.bytes.extend_from_slice(&name.to_le_bytes());
        self.tagged(9, key.as_bytes());
    }

    /// Adds a reference that another record stands in for: when the right one is there, the record has changed.
    pub fn stand_in(&mut self, name: u64, key: &str) {
        if self.off {
            return;
        }
        self.bytes.extend_from_slice(&name.to_le_bytes());
        self.tagged(10, key.as_bytes());
    }

    /// Adds which part of a record this is.
    pub fn part(&mut self, part: u16, parts: u16) {
        if parts > 1 {
            self.bytes.extend_from_slice(&part.to_le_bytes());
            self.bytes.extend_from_slice(&parts.to_le_bytes());
        }
    }

    /// The fingerprint of what was added.
    pub fn finish(&self) -> u64 {
        if self.off {
            return 0;
        }
        xxh3_64(&self.bytes)
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        self.bytes.push(tag);
        self.bytes
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    fn push(&mut self, value: &Value<'_>) {
        match value {
            Value::Absent | Value::Blank | Value::Bad(_) => self.bytes.push(0),
            Value::Text(t) => self.tagged(1, t.as_bytes()),
            Value::Int(i) => self.tagged(2, &i.to_le_bytes()),
            Value::Decimal(d) => self.tagged(3, &d.normalize().serialize()),
            Value::Bool(b) => self.tagged(4, &[u8::from(*b)]),
            Value::Date(d) => {
                let [y0, y1] = d.year().to_le_bytes();
                let day = [y0, y1, d.month().cast_unsigned(), d.day().cast_unsigned()];
                self.tagged(5, &day);
            }
            Value::DateTime(t) => self.tagged(6, &t.as_nanosecond().to_le_bytes()),
            Value::List(items) => {
                self.tagged(7, &(items.len() as u64).to_le_bytes());
                for item in *items {
                    self.push(item);
                }
            }
            // Destination ids are never part of it; their keys are added by `reference`.
            Value::Dest(_) => self.bytes.push(8),
        }
    }
}

/// The hash that stands for a destination field.
pub(crate) fn name_hash(name: &str) -> u64 {
    xxh3_64(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn of(entries: &[(u64, Value<'_>, bool)]) -> u64 {
        let mut print = Fingerprint::default();
        for (name, value, clears) in entries {
            print.value(*name, value, *clears);
        }
        print.finish()
    }

    #[test]
    fn nothing_to_write_changes_nothing() {
        let base = of(&[(1, Value::Text("a"), false)]);
        assert_eq!(
            base,
            of(&[(1, Value::Text("a"), false), (2, Value::Blank, false)])
        );
        assert_eq!(
            base,
            of(&[(2, Value::Absent, true), (1, Value::Text("a"), false)])
        );
        assert_ne!(
            base,
            of(&[(1, Value::Text("a"), false), (2, Value::Blank, true)])
        );
    }

    #[test]
    fn values_do_not_run_together() {
        let ab = [Value::Text("a"), Value::Text("b")];
        let one = [Value::Text("ab")];
        assert_ne!(
            of(&[(1, Value::List(&ab), false)]),
            of(&[(1, Value::List(&one), false)])
        );
        assert_ne!(
            of(&[(1, Value::Text("a"), false)]),
            of(&[(2, Value::Text("a"), false)])
        );
        assert_ne!(
            of(&[(1, Value::Text("1"), false)]),
            of(&[(1, Value::Int(1), false)])
        );
        let (short, long) = (Decimal::new(15, 1), Decimal::new(1500, 3));
        assert_eq!(
            of(&[(1, Value::Decimal(short), false)]),
            of(&[(1, Value::Decimal(long), false)])
        );
    }
}
