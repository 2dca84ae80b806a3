//! Sizes on the command line: `64KiB`, `500MB`, `1GiB`, or plain bytes.

/// Units by their factor in bytes.
const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// The bytes of a size.
///
/// # Errors
/// What is wrong with it, for the command line.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size: write it like 1GiB, 500MB or 65536");
    let text = text.trim();
    let unit = UNITS.iter().find_map(|(unit, factor)| {
        let number = text.strip_suffix(unit)?;
        Some((number, *factor))
    });
    let (number, factor) = unit.unwrap_or((text, 1));
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_are_bytes() {
        for (text, bytes) in [
            ("1GiB", 1 << 30),
            ("500MB", 500_000_000),
            ("64 KiB", 65_536),
            ("7B", 7),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(bytes));
        }
        for none in ["", "GiB", "1gib", "-1MB", "1.5GiB", "99999999999GiB"] {
            assert!(parse(none).is_err_and(|e| e.contains("1GiB")), "{none}");
        }
    }
}
