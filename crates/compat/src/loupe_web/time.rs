//! Dates as the agents write them.

use jiff::civil;
use jiff::tz::Offset;
use kymo_model::Timestamp;

/// `YYYY-MM-DDTHH:mm:ss`.
const SECONDS_LEN: usize = 19;
const NANOS_PER_MILLI: i32 = 1_000_000;
/// Digits of a fraction that a [`Timestamp`] can hold.
const NANO_DIGITS: usize = 9;

/// `YYYY-MM-DDTHH:mm:ss[.fraction]` and `±HH:MM` or `Z`; `None` for anything else and outside
/// the years that a [`Timestamp`] spans.
///
/// The agents write milliseconds with at least two digits instead of three, so one or two digits
/// are a number of milliseconds and not a decimal fraction: `.07` and `.7` are 7 ms, `.45` is
/// 45 ms. (Their time zones can be wrong as well - half hours west of Greenwich by one hour - but
/// a wrong one looks like a right one, so offsets are taken as they come.)
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (seconds, rest) = text.split_at_checked(SECONDS_LEN)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            rest.split_at(rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len()))
        }
        None => ("0", rest),
    };
    let moment = civil_of(seconds.as_bytes(), nanos_of(fraction)?)?;
    let moment = offset_of(zone.as_bytes())?.to_timestamp(moment).ok()?;
    i64::try_from(moment.as_nanosecond()).ok().map(Timestamp::from_unix_nanos)
}

fn civil_of(text: &[u8], nanos: i32) -> Option<civil::DateTime> {
    let in_place = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if in_place.iter().any(|&(at, separator)| text[at] != separator) {
        return None;
    }
    let two = |at: usize| i8::try_from(number(&text[at..at + 2])?).ok();
    let year = i16::try_from(number(&text[..4])?).ok()?;
    civil::DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, nanos).ok()
}

fn nanos_of(fraction: &str) -> Option<i32> {
    match fraction.len() {
        0 => None,
        1 | 2 => Some(number(fraction.as_bytes())? * NANOS_PER_MILLI),
        digits => {
            let taken = digits.min(NANO_DIGITS);
            let missing = u32::try_from(NANO_DIGITS - taken).ok()?;
            Some(number(&fraction.as_bytes()[..taken])? * 10_i32.pow(missing))
        }
    }
}

fn offset_of(zone: &[u8]) -> Option<Offset> {
    let (sign, rest) = match zone {
        b"Z" | b"z" => return Some(Offset::UTC),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = rest else { return None };
    let minutes = number(&[*m1, *m2]).filter(|&minutes| minutes < 60)?;
    Offset::from_seconds(sign * (number(&[*h1, *h2])? * 3600 + minutes * 60)).ok()
}

/// At most nine digits, nothing else.
fn number(digits: &[u8]) -> Option<i32> {
    digits
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_agents() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(parse(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        };
        check("2026-11-20T16:25:32.804+00:00", Some("2026-11-20T16:25:32.804Z"));
        check("2026-11-20T16:31:10+00:00", Some("2026-11-20T16:31:10Z"));
        check("2026-11-20T16:25:32.07+00:00", Some("2026-11-20T16:25:32.007Z"));
        check("2026-11-20T16:25:32.7+00:00", Some("2026-11-20T16:25:32.007Z"));
        check("2026-11-20T16:25:32.45+00:00", Some("2026-11-20T16:25:32.045Z"));
        check("2026-11-20T16:25:32.00+00:00", Some("2026-11-20T16:25:32Z"));
        check("2026-11-20T16:25:32.045+00:00", Some("2026-11-20T16:25:32.045Z"));
        check("2026-11-20T16:25:32.1234+00:00", Some("2026-11-20T16:25:32.1234Z"));
        check("2026-11-20T16:25:32.1234567891+00:00", Some("2026-11-20T16:25:32.123456789Z"));
        check("2026-11-20T12:00:00.100-06:00", Some("2026-11-20T18:00:00.1Z"));
        check("2026-11-20T12:00:00.100-04:30", Some("2026-11-20T16:30:00.1Z"));
        check("2026-11-20T12:00:00.100+05:45", Some("2026-11-20T06:15:00.1Z"));
        check("2026-11-20T12:00:00Z", Some("2026-11-20T12:00:00Z"));
        check(" 2026-11-20T12:00:00.5Z ", Some("2026-11-20T12:00:00.005Z"));
        check("1969-12-31T23:59:59.999Z", Some("1969-12-31T23:59:59.999Z"));
        check("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z"));
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "",
            "yesterday",
            "1790000000000",
            "2026-11-20",
            "2026-11-20T16:25:32",
            "2026-11-20 16:25:32Z",
            "2026-11-20T16:25:32.+00:00",
            "2026-11-20T16:25:32.1.2Z",
            "2026-11-20T16:25:32+0000",
            "2026-11-20T16:25:32+00:60",
            "2026-11-20T16:25:32+99:00",
            "2026-11-20T16:25:32ZZ",
            "2026-13-20T16:25:32Z",
            "2026-02-30T16:25:32Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T16:25:61Z",
            "-026-11-20T16:25:32Z",
            "2026-11-20T16:25:3xZ",
            "NaN-NaN-NaNTNaN:NaN:NaN.NaN+00:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "２０２６-11-20T16:25:32Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
