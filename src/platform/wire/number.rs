//! Whole and decimal numbers, from text and to text.
//!
//! Plain digits only: what a platform writes with separators or signs of currency is text to it.

use crate::value::glance;
use rust_decimal::Decimal;

/// A whole number: digits with an optional sign; zeros after a point are allowed (`3.0`).
pub(super) fn int(text: &str) -> Option<i64> {
    let whole = match text.split_once('.') {
        None => text,
        Some((whole, zeros)) => {
            if zeros.is_empty() || zeros.bytes().any(|b| b != b'0') {
                return None;
            }
            whole
        }
    };
    let bytes = whole.as_bytes();
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    if digits.is_empty() {
        return None;
    }
    // Counted down, so that the smallest number fits, too.
    let mut n: i64 = 0;
    for b in digits {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        n = n.checked_mul(10)?.checked_sub(i64::from(d))?;
    }
    if negative { Some(n) } else { n.checked_neg() }
}

/// A decimal number: digits with an optional sign, point and exponent, exact or nothing.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    quick_decimal(text.as_bytes()).or_else(|| slow_decimal(text))
}

/// Up to 18 digits, which fit a machine word.
fn quick_decimal(bytes: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    if digits.len() > 19 {
        return None;
    }
    let (mut n, mut seen, mut scale, mut point) = (0i64, 0u32, 0u32, false);
    for b in digits {
        match b {
            b'0'..=b'9' => {
                n = n.checked_mul(10)?.checked_add(i64::from(b - b'0'))?;
                seen += 1;
                scale += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    (seen > 0).then(|| Decimal::new(if negative { -n } else { n }, scale))
}

fn slow_decimal(text: &str) -> Option<Decimal> {
    // The library's parsers take underscores, which no platform writes.
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b'e' | b'E');
    if !text.bytes().all(plain) || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    }
}

/// Appends a decimal in its shortest form: `12.50` as `12.5`, `3.00` as `3`.
pub(super) fn write_decimal(value: &Decimal, out: &mut Vec<u8>) {
    let (mut mantissa, mut scale) = (value.mantissa().unsigned_abs(), value.scale() as usize);
    if value.is_sign_negative() && mantissa != 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    // Machine words divide far faster than the full width.
    let digits = match u64::try_from(mantissa) {
        Ok(mut small) => {
            while scale > 0 && small.is_multiple_of(10) {
                small /= 10;
                scale -= 1;
            }
            buffer.format(small)
        }
        Err(_) => {
            while scale > 0 && mantissa.is_multiple_of(10) {
                mantissa /= 10;
                scale -= 1;
            }
            buffer.format(mantissa)
        }
    }
    .as_bytes();
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if digits.len() > scale {
        let (whole, rest) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(rest);
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits);
    }
}

/// Appends a whole number.
pub(super) fn write_int(value: i64, out: &mut Vec<u8>) {
    glance::append(itoa::Buffer::new().format(value).as_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+7", 7),
            ("007", 7),
            ("3.0", 3),
            ("-12.000", -12),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(int(text), Some(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+",
            "1.",
            ".0",
            "3.5",
            "1,000",
            "1 000",
            "1e3",
            "0x1",
            "９",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "1.0.0",
        ] {
            assert_eq!(int(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_are_exact_or_nothing() {
        for (text, shown) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("12.50", "12.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0.001", "-0.001"),
            ("1e3", "1000"),
            ("1E-7", "0.0000001"),
            ("1234567890123456789.123", "1234567890123456789.123"),
            (
                "79228162514264337593543950335",
                "79228162514264337593543950335",
            ),
        ] {
            let mut out = Vec::new();
            write_decimal(&decimal(text).expect(text), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), shown, "{text}");
        }
        for text in [
            "",
            ".",
            "-",
            "+.",
            "1.2.3",
            "1_000",
            "1,5",
            "$5",
            "NaN",
            "inf",
            "1e",
            "1e999",
            "e5",
            "79228162514264337593543950336",
            "0.12345678901234567890123456789012345",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = (int(&text), decimal(&text));
        }

        #[test]
        fn number_like_text_never_panics(text in "[-+0-9.eE_]{0,40}") {
            let _ = (int(&text), decimal(&text));
        }

        #[test]
        fn decimals_survive(mantissa in any::<i64>(), scale in 0u32..20) {
            let value = Decimal::new(mantissa, scale);
            let mut out = Vec::new();
            write_decimal(&value, &mut out);
            prop_assert_eq!(decimal(std::str::from_utf8(&out).expect("digits")), Some(value));
        }

        #[test]
        fn whole_numbers_survive(value in any::<i64>()) {
            prop_assert_eq!(int(&value.to_string()), Some(value));
        }
    }
}
