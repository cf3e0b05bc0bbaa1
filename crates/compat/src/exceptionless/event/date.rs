//! Dates as clients write them.

use jiff::civil;
use jiff::tz::TimeZone;
use kymo_model::Timestamp;

/// ISO 8601 with any offset (JavaScript: `Z` and milliseconds, .NET: local offset and 100 ns),
/// or without one, which is read as UTC. `None` for anything else and outside the years that a
/// [`Timestamp`] spans.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment,
        Err(_) => TimeZone::UTC.to_timestamp(text.parse::<civil::DateTime>().ok()?).ok()?,
    };
    i64::try_from(moment.as_nanosecond()).ok().map(Timestamp::from_unix_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_clients() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(parse(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        };
        check("2026-11-20T16:20:42.061Z", Some("2026-11-20T16:20:42.061Z"));
        check("2026-11-20T12:00:00-06:00", Some("2026-11-20T18:00:00Z"));
        check("2026-11-20T12:00:00.1234567+05:30", Some("2026-11-20T06:30:00.1234567Z"));
        check("2026-11-20T12:00:00.123456789Z", Some("2026-11-20T12:00:00.123456789Z"));
        check("2026-11-20T12:00:00", Some("2026-11-20T12:00:00Z"));
        check("2026-11-20 12:00:00", Some("2026-11-20T12:00:00Z"));
        check("2026-11-20T12:00Z", Some("2026-11-20T12:00:00Z"));
        check("2026-11-20", Some("2026-11-20T00:00:00Z"));
        check(" 2026-11-20T12:00:00Z ", Some("2026-11-20T12:00:00Z"));
        check("0001-01-01T00:00:00", None);
        check("9999-12-31T23:59:59Z", None);
        check("2026-13-01T00:00:00Z", None);
        check("2026-11-20T12:00:00+99:00", None);
        check("yesterday", None);
        check("1790000000000", None);
        check("", None);
    }
}
