//! Loupe's levels turned into severities.

use kymo_model::{Severity, Value};

/// The severity of a level: its number, or its name in any case; `None` for any other value.
/// 0, *none*, is what an application gets that names no level.
pub(super) fn of_level(level: &Value) -> Option<Severity> {
    const WORDS: [(&str, Severity); 13] = [
        ("critical", Severity::FATAL),
        ("fatal", Severity::FATAL),
        ("error", Severity::ERROR),
        ("err", Severity::ERROR),
        ("warning", Severity::WARN),
        ("warn", Severity::WARN),
        ("information", Severity::INFO),
        ("informational", Severity::INFO),
        ("info", Severity::INFO),
        ("none", Severity::INFO),
        ("verbose", Severity::DEBUG),
        ("debug", Severity::DEBUG),
        ("trace", Severity::TRACE),
    ];
    let text = level.to_scalar_text()?;
    match text.trim() {
        "1" => Some(Severity::FATAL),
        "2" => Some(Severity::ERROR),
        "4" => Some(Severity::WARN),
        "0" | "8" => Some(Severity::INFO),
        "16" => Some(Severity::DEBUG),
        word => WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, severity)| severity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_all_forms() {
        let check = |json: &str, expected: Option<&str>| {
            let severity = of_level(&serde_json::from_str(json).unwrap());
            assert_eq!(severity.map(Severity::text), expected, "{json}");
        };
        check("1", Some("fatal"));
        check("2", Some("error"));
        check("4", Some("warn"));
        check("8", Some("info"));
        check("16", Some("debug"));
        check("0", Some("info"));
        check("4.0", Some("warn"));
        check(r#""4""#, Some("warn"));
        check(r#""error""#, Some("error"));
        check(r#"" Warning ""#, Some("warn"));
        check(r#""Verbose""#, Some("debug"));
        check(r#""CRITICAL""#, Some("fatal"));
        check("3", None);
        check("-1", None);
        check("true", None);
        check(r#""loud""#, None);
        check(r#""""#, None);
        check("[2]", None);
    }
}
