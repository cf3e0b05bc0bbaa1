//! The call that keeps a session alive or ends it.

use super::query;

/// A sign of life, or the end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Session id or user identity, whichever the client goes by.
    pub id: String,
    /// The session is over.
    pub close: bool,
}

/// Reads the query of `events/session/heartbeat`; `None` without an id.
///
/// Neither known client escapes the id: `a+b c&d` arrives as `id=a+b%20c&d&close=false`
/// (Exceptionless HTTP API, observed). So the id is the raw text between `id=` and the last
/// `&close=`, percent-decoded, a `+` being a plus, without parameters that carry a key.
pub fn parse_heartbeat(raw_query: &str) -> Option<Heartbeat> {
    let query = raw_query.strip_prefix('?').unwrap_or(raw_query);
    let parts: Vec<(&str, &str)> =
        query.split('&').map(|part| (part, part.split_once('=').map_or(part, |(name, _)| name))).collect();
    let named = |name: &'static str| {
        move |&(part, found): &(&str, &str)| part.len() > found.len() && found.eq_ignore_ascii_case(name)
    };
    let start = parts.iter().position(named("id"))?;
    let close_after = parts.iter().rposition(named("close")).filter(|&at| at > start);
    let close_at = close_after.or_else(|| parts[..start].iter().rposition(named("close")));

    let raw_id = parts[start..close_after.unwrap_or(parts.len())]
        .iter()
        .filter(|(_, name)| !query::is_key_name(name))
        .map(|&(part, _)| part)
        .collect::<Vec<_>>()
        .join("&");
    let id = query::decode_percent(&raw_id["id=".len()..]);
    let close = close_at.is_some_and(|at| parts[at].0["close=".len()..].eq_ignore_ascii_case("true"));
    if id.trim().is_empty() { None } else { Some(Heartbeat { id, close }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_the_clients_write_them() {
        let check = |raw_query: &str, expected: Option<(&str, bool)>| {
            let found = parse_heartbeat(raw_query);
            assert_eq!(found.as_ref().map(|beat| (beat.id.as_str(), beat.close)), expected, "{raw_query}");
        };
        check("id=abcdefgh12345678&close=false", Some(("abcdefgh12345678", false)));
        check("?id=abcdefgh12345678&close=True", Some(("abcdefgh12345678", true)));
        check("id=a@b.test&close=true", Some(("a@b.test", true)));
        check("id=a+b%20c&d&close=false", Some(("a+b c&d", false)));
        check("id=alice+tag%20&%20co@example.test&close=true", Some(("alice+tag & co@example.test", true)));
        check("id=a&close=b&close=true", Some(("a&close=b", true)));
        check("id=a=b&close=true", Some(("a=b", true)));
        check("id=a&id=b&close=true", Some(("a&id=b", true)));
        check("close=true&id=ann", Some(("ann", true)));
        check("access_token=KEY&id=ann&close=true", Some(("ann", true)));
        check("id=ann&api_key=KEY&close=true", Some(("ann", true)));
        check("id=ann&close=true&apikey=KEY", Some(("ann", true)));
        check("close=false&id=ann&Access_Token=KEY", Some(("ann", false)));
        check("ID=ann&Close=TRUE", Some(("ann", true)));
        check("id=ann", Some(("ann", false)));
        check("id=ann&close=", Some(("ann", false)));
        check("id=ann&close", Some(("ann&close", false)));
        check("id=%E2%82%AC&close=true", Some(("€", true)));
        check("xid=ann&close=true", None);
        check("id=&close=true", None);
        check("id=%20&close=true", None);
        check("id", None);
        check("close=true", None);
        check("", None);
    }
}
