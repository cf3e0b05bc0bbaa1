//! Levels and types of events turned into severities.

use kymo_model::{EventKind, Severity};

/// The severity of a level's name in any case, as the loggers behind the clients write them;
/// `None` for words of the application's own, and for `off`, which is a threshold rather than a
/// severity.
pub(super) fn of_level(text: &str) -> Option<Severity> {
    const WORDS: [(&str, Severity); 11] = [
        ("info", Severity::INFO),
        ("error", Severity::ERROR),
        ("debug", Severity::DEBUG),
        ("warn", Severity::WARN),
        ("warning", Severity::WARN),
        ("trace", Severity::TRACE),
        ("fatal", Severity::FATAL),
        ("critical", Severity::FATAL),
        ("information", Severity::INFO),
        ("verbose", Severity::TRACE),
        ("err", Severity::ERROR),
    ];
    let word = text.trim();
    WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, severity)| severity)
}

/// The severity of an event that names no level.
pub(in crate::exceptionless) fn of_kind(kind: &EventKind, is_critical: bool) -> Severity {
    match kind {
        EventKind::Error if is_critical => Severity::FATAL,
        EventKind::Error => Severity::ERROR,
        EventKind::NotFound => Severity::WARN,
        _ => Severity::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_in_any_case() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(of_level(text).map(Severity::text), expected, "{text}");
        };
        check("trace", Some("trace"));
        check("Debug", Some("debug"));
        check("INFO", Some("info"));
        check("Warning", Some("warn"));
        check("warn", Some("warn"));
        check("error", Some("error"));
        check("Critical", Some("fatal"));
        check(" Fatal ", Some("fatal"));
        check("off", None);
        check("audit", None);
        check("", None);
    }

    #[test]
    fn types_without_a_level() {
        let check = |kind: EventKind, is_critical: bool, expected: Severity| {
            assert_eq!(of_kind(&kind, is_critical), expected, "{kind}");
        };
        check(EventKind::Error, false, Severity::ERROR);
        check(EventKind::Error, true, Severity::FATAL);
        check(EventKind::NotFound, false, Severity::WARN);
        check(EventKind::Log, true, Severity::INFO);
        check(EventKind::Other("custom".into()), false, Severity::INFO);
    }
}
