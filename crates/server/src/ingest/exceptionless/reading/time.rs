//! The `time` of a reading request: `last 7 days`, `[now-7d TO now]`, `2016-01-01T00:00:00-now`, `all`.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kymo_model::Timestamp;

/// From when, to when; `None` is open.
pub(super) type Range = (Option<Timestamp>, Option<Timestamp>);

/// Reads it.
///
/// # Errors
/// What was expected.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Range, String> {
    let text = text.trim();
    let wrong =
        || format!("time={text}: expected such as all, last 7 days, [now-7d TO now] or 2026-01-31-now");
    let folded = text.to_lowercase();
    match folded.as_str() {
        "" | "all" | "*" => return Ok((None, None)),
        "today" => return Ok((Some(start_of_day(now)), None)),
        "yesterday" => {
            let today = start_of_day(now);
            return Ok((Some(today.minus(DAY)), Some(today)));
        }
        _ => {}
    }
    let relative = ["last ", "past ", "previous "].iter().find_map(|word| folded.strip_prefix(word));
    if let Some(span) = relative {
        return Ok((Some(now.minus(spelled(span).ok_or_else(wrong)?)), Some(now)));
    }
    let inner = text.trim_start_matches(['[', '{']).trim_end_matches([']', '}']);
    let (from, to) = halves(inner).ok_or_else(wrong)?;
    let end = |part: &str| match part.trim() {
        "*" | "" => Ok(None),
        part => moment(part, now).map(Some).ok_or_else(wrong),
    };
    Ok((end(from)?, end(to)?))
}

const DAY: Duration = Duration::from_hours(24);

fn start_of_day(now: Timestamp) -> Timestamp {
    let day = DAY.as_nanos() as i64;
    Timestamp::from_unix_nanos(now.as_unix_nanos().div_euclid(day) * day)
}

/// `a TO b`, or `a-b` where the dash is one behind which a moment begins.
fn halves(text: &str) -> Option<(&str, &str)> {
    // ASCII only: no letter changes its length.
    if let Some(at) = text.to_ascii_uppercase().find(" TO ") {
        return Some((&text[..at], &text[at + 4..]));
    }
    text.match_indices('-').map(|(at, _)| (&text[..at], &text[at + 1..])).find(|(from, to)| {
        let is_moment = |part: &str| part == "now" || part == "*" || civil(part).is_some();
        is_moment(from) && is_moment(to)
    })
}

/// `7 days`, `hour`.
fn spelled(text: &str) -> Option<Duration> {
    let (number, unit) = match text.trim().split_once(' ') {
        Some((number, unit)) => (number.parse::<u32>().ok()?, unit.trim()),
        None => (1, text.trim()),
    };
    let one = match unit.trim_end_matches('s') {
        "second" => Duration::from_secs(1),
        "minute" => Duration::from_mins(1),
        "hour" => Duration::from_hours(1),
        "day" => DAY,
        "week" => DAY * 7,
        // Good enough for a report: calendars are for billing.
        "month" => DAY * 30,
        "year" => DAY * 365,
        _ => return None,
    };
    one.checked_mul(number)
}

/// `now`, `now-7d`, a date, or a date with a time.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let Some(rest) = text.strip_prefix("now") else { return civil(text) };
    if rest.is_empty() {
        return Some(now);
    }
    let (is_back, span) = match (rest.strip_prefix('-'), rest.strip_prefix('+')) {
        (Some(span), _) => (true, span),
        (_, Some(span)) => (false, span),
        _ => return None,
    };
    let at = span.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u32 = span[..at].parse().ok()?;
    let one = match &span[at..] {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_mins(1),
        "h" | "H" => Duration::from_hours(1),
        "d" => DAY,
        "w" => DAY * 7,
        "M" => DAY * 30,
        "y" => DAY * 365,
        _ => return None,
    };
    let span = one.checked_mul(number)?;
    Some(if is_back { now.minus(span) } else { now.plus(span) })
}

/// In UTC where no zone is given.
fn civil(text: &str) -> Option<Timestamp> {
    let exact = text.parse::<jiff::Timestamp>().ok();
    let moment = exact.or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    i64::try_from(moment.as_nanosecond()).ok().map(Timestamp::from_unix_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        civil(text).unwrap()
    }

    #[test]
    fn ranges() {
        let now = civil("2026-11-21T12:30:00Z").unwrap();
        let rows = [
            ("all", (None, None)),
            ("", (None, None)),
            ("last 7 days", (Some(at("2026-11-14T12:30:00Z")), Some(now))),
            ("last hour", (Some(at("2026-11-21T11:30:00Z")), Some(now))),
            ("past 15 minutes", (Some(at("2026-11-21T12:15:00Z")), Some(now))),
            ("today", (Some(at("2026-11-21")), None)),
            ("yesterday", (Some(at("2026-11-20")), Some(at("2026-11-21")))),
            ("[now-7d TO now]", (Some(at("2026-11-14T12:30:00Z")), Some(now))),
            ("now-1h to now", (Some(at("2026-11-21T11:30:00Z")), Some(now))),
            ("{2026-01-01 TO *}", (Some(at("2026-01-01")), None)),
            ("2016-02-01T00:00:00-now", (Some(at("2016-02-01")), Some(now))),
            ("2016-02-01-2016-03-01", (Some(at("2016-02-01")), Some(at("2016-03-01")))),
            (
                "2016-02-01T10:00:00-2016-02-01T12:00:00",
                (Some(at("2016-02-01T10:00:00")), Some(at("2016-02-01T12:00:00"))),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text, now), Ok(expected), "{text}");
        }
        for wrong in [
            "soon",
            "last few days",
            "[now-7x TO now]",
            "2016-13-01-now",
            "now",
            "last 99999999999 days",
            "ŉŉŉ TO now",
        ] {
            assert!(parse(wrong, now).is_err(), "{wrong}");
        }
    }
}
