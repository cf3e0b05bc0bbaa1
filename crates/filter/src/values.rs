//! Values of numbers, durations, moments and levels. An error is what was expected.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use kymo_model::{Severity, Timestamp};

const UNITS: [(&str, f64); 6] =
    [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("w", 604_800.0)];

const LEVELS: [(&str, Severity); 9] = [
    ("trace", Severity::TRACE),
    ("debug", Severity::DEBUG),
    ("info", Severity::INFO),
    ("warn", Severity::WARN),
    ("error", Severity::ERROR),
    ("fatal", Severity::FATAL),
    // Words of other systems.
    ("information", Severity::INFO),
    ("warning", Severity::WARN),
    ("critical", Severity::FATAL),
];
/// Numbers of a level.
const LEVEL_WIDTH: u8 = 4;
/// The worst severity.
pub(crate) const WORST: Severity = match Severity::from_number(24) {
    Some(worst) => worst,
    None => Severity::FATAL,
};

/// Names of levels, for suggestions.
pub(crate) fn level_names() -> impl Iterator<Item = &'static str> {
    LEVELS.iter().map(|(name, _)| *name)
}

/// A level's first and last number, or a number twice.
pub(crate) fn severity(text: &str) -> Result<(Severity, Severity), String> {
    let folded = crate::text::fold(text);
    if let Some((_, first)) = LEVELS.iter().find(|(name, _)| *name == folded) {
        let last = Severity::from_number(first.number() + LEVEL_WIDTH - 1).unwrap_or(*first);
        return Ok((*first, last));
    }
    let number = text.parse::<u8>().ok().and_then(Severity::from_number);
    number.map(|number| (number, number)).ok_or_else(|| {
        format!(
            "{text:?} is no level: expected trace, debug, info, warn, error, fatal, or a number from 1 to 24"
        )
    })
}

pub(crate) fn number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{text:?} is no number"))
}

/// Seconds.
pub(crate) fn duration(text: &str) -> Result<f64, String> {
    let expected = || {
        format!(
            "{text:?} is no duration: expected seconds, or numbers with ms, s, m, h, d or w, such as 1h30m"
        )
    };
    if let Ok(seconds) = number(text) {
        return Ok(seconds);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits =
            rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let letters = rest[digits..].find(|letter: char| !letter.is_ascii_alphabetic());
        let end = letters.map_or(rest.len(), |letters| digits + letters);
        let unit = UNITS.iter().find(|(unit, _)| *unit == &rest[digits..end]);
        let (Ok(amount), Some((_, width))) = (rest[..digits].parse::<f64>(), unit) else {
            return Err(expected());
        };
        seconds += amount * width;
        rest = &rest[end..];
    }
    if text.is_empty() { Err(expected()) } else { Ok(seconds) }
}

/// A stretch of time: as long as what is not written of it. `[first, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) first: Timestamp,
    pub(crate) end: Timestamp,
}

/// `now`, `now-7d`, a date, or a date and time; without an offset it is UTC.
pub(crate) fn time(text: &str, now: Timestamp) -> Result<Stretch, String> {
    let stretch = match text.strip_prefix("now") {
        Some(shift) => relative(shift, now).map(|first| (first, Duration::from_nanos(1))),
        None => absolute(text),
    };
    let (first, width) = stretch.ok_or_else(|| {
        format!("{text:?} is no time: expected now, now-7d, 2026-11-20, 2026-11-20T16:20 or 2026-11-20T16:20:42.061Z")
    })?;
    Ok(Stretch { first, end: first.plus(width) })
}

fn relative(shift: &str, now: Timestamp) -> Option<Timestamp> {
    if shift.is_empty() {
        return Some(now);
    }
    let span = Duration::try_from_secs_f64(duration(shift.get(1..)?).ok()?).ok()?;
    match shift.as_bytes().first()? {
        b'-' => Some(now.minus(span)),
        b'+' => Some(now.plus(span)),
        _ => None,
    }
}

fn absolute(text: &str) -> Option<(Timestamp, Duration)> {
    let in_range =
        |moment: jiff::Timestamp| i64::try_from(moment.as_nanosecond()).ok().map(Timestamp::from_unix_nanos);
    let in_utc =
        |civil: DateTime| civil.to_zoned(TimeZone::UTC).ok().and_then(|zoned| in_range(zoned.timestamp()));
    let Some((_, clock)) = text.split_once(['T', 't']) else {
        let midnight = text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight());
        return Some((in_utc(midnight)?, Duration::from_hours(24)));
    };
    let clock = clock.split(['Z', 'z', '+', '-']).next().unwrap_or_default();
    let width = match (clock.contains('.'), clock.matches(':').count()) {
        (true, _) => Duration::from_nanos(1),
        (false, 2) => Duration::from_secs(1),
        (false, _) => Duration::from_mins(1),
    };
    let moment = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => in_range(moment)?,
        Err(_) => in_utc(text.parse::<DateTime>().ok()?)?,
    };
    Some((moment, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let rows = [
            ("60", 60.0),
            ("1.5h", 5400.0),
            ("90s", 90.0),
            ("1h30m", 5400.0),
            ("250ms", 0.25),
            ("2w", 1_209_600.0),
        ];
        for (text, expected) in rows {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
        for bad in ["", "h", "1x", "1h30", "--1", "1.2.3s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_as_wide_as_they_are_written() {
        let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let check = |text: &str, first: &str, width: Duration| {
            let found = time(text, now).unwrap();
            assert_eq!(
                (found.first.to_string().as_str(), found.end.since(found.first)),
                (first, width),
                "{text}"
            );
        };
        let (day, minute, second) =
            (Duration::from_hours(24), Duration::from_mins(1), Duration::from_secs(1));
        let instant = Duration::from_nanos(1);
        check("2026-11-20", "2026-11-20T00:00:00Z", day);
        check("2026-11-20T16:20", "2026-11-20T16:20:00Z", minute);
        check("2026-11-20T16:20Z", "2026-11-20T16:20:00Z", minute);
        check("2026-11-20T16:20:42", "2026-11-20T16:20:42Z", second);
        check("2026-11-20T16:20:42+02:00", "2026-11-20T14:20:42Z", second);
        check("2026-11-20T16:20:42.061Z", "2026-11-20T16:20:42.061Z", instant);
        check("now", "2026-09-21T14:13:20Z", instant);
        check("now-7d", "2026-09-14T14:13:20Z", instant);
        check("now+1h30m", "2026-09-21T15:43:20Z", instant);
        for bad in [
            "",
            "tomorrow",
            "now7d",
            "now-",
            "now-x",
            "2026-13-01",
            "2026-11-20T25:00",
            "99999-01-01",
            "nowé1",
        ] {
            assert!(time(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn levels_are_four_numbers() {
        let numbers = |text: &str| severity(text).map(|(low, high)| (low.number(), high.number()));
        assert_eq!(numbers("Warn"), Ok((13, 16)));
        assert_eq!(numbers("critical"), Ok((21, 24)));
        assert_eq!(numbers("14"), Ok((14, 14)));
        assert!(numbers("25").is_err() && numbers("loud").is_err());
    }
}
