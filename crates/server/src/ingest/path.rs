//! Agents' spellings of the foreign paths.
//!
//! Agents put their path behind whatever server URL they are given: one that ends in a slash makes
//! two of it, one with a path becomes a prefix (a proxy may have stripped it or not). Loupe's
//! servers take any case and a trailing slash, so its agents' users write what they like.

/// The path as the routes have it; `None` if it is no foreign path, or is spelled like that already.
///
/// | spelled | means |
/// |---|---|
/// | `//api/v2/events`, `/logs/api/v2/events` | `/api/v2/events` |
/// | `/Loupe/LOG/`, `/logs/loupe/log` | `/loupe/log` |
/// | `/logs/in/TOKEN/loupe/log` | `/in/TOKEN/loupe/log` |
pub(crate) fn canonical_path(path: &str) -> Option<String> {
    let canonical = of_loupe(path).or_else(|| {
        let at = path.find("/api/v2/")?;
        Some(path[at..].to_owned())
    });
    canonical.filter(|canonical| canonical != path)
}

/// Whether a post to this path comes from an agent that drops messages on most answers.
pub(crate) fn is_post_of_page(path: &str) -> bool {
    of_loupe(path).is_some()
}

fn of_loupe(path: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    let (rest, log) = path.rsplit_once('/')?;
    let (rest, loupe) = rest.rsplit_once('/')?;
    if !loupe.eq_ignore_ascii_case("loupe") || !log.eq_ignore_ascii_case("log") {
        return None;
    }
    let token = rest.rsplit_once('/').and_then(|(before, token)| {
        let (_, word) = before.rsplit_once('/')?;
        (word.eq_ignore_ascii_case("in") && !token.is_empty()).then_some(token)
    });
    Some(token.map_or_else(|| "/loupe/log".to_owned(), |token| format!("/in/{token}/loupe/log")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let rows = [
            ("/loupe/log", None),
            ("/in/abc/loupe/log", None),
            ("/api/v2/events", None),
            ("/Loupe/log", Some("/loupe/log")),
            ("/loupe/Log", Some("/loupe/log")),
            ("/LOUPE/LOG/", Some("/loupe/log")),
            ("/loupe/log//", Some("/loupe/log")),
            ("//loupe/log", Some("/loupe/log")),
            ("/base/path/loupe/log", Some("/loupe/log")),
            ("/in/AbC/Loupe/Log/", Some("/in/AbC/loupe/log")),
            ("/base/In/AbC/loupe/log", Some("/in/AbC/loupe/log")),
            ("/in//loupe/log", Some("/loupe/log")),
            ("//api/v2/events", Some("/api/v2/events")),
            ("/base/api/v2/events/session/heartbeat", Some("/api/v2/events/session/heartbeat")),
            ("/", None),
            ("/loupe/logout", None),
            ("/loupe/log/x", None),
            ("/Gibraltar/log/things", None),
            ("/log", None),
            ("loupe/log", None),
            ("", None),
        ];
        for (path, expected) in rows {
            assert_eq!(canonical_path(path).as_deref(), expected, "{path}");
        }
    }
}
