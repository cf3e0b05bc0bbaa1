//! Where a client puts its key.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::query;

/// Base64 with or without padding: hand-made clients forget it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key of a request: from the header `Authorization` (`Bearer KEY`, `token KEY`, or `Basic`
/// with `client:KEY`, `KEY:` or `KEY:x-oauth-basic`), else, only without that header, from the
/// query (`access_token`, `api_key`, `apikey` in this order) (Exceptionless HTTP API).
pub fn credentials(authorization: Option<&str>, raw_query: Option<&str>) -> Option<String> {
    match authorization.map(str::trim).filter(|header| !header.is_empty()) {
        Some(header) => from_header(header),
        None => from_query(raw_query?),
    }
    .filter(|key| !key.is_empty())
}

fn from_header(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
        Some(rest.to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        from_basic(rest)
    } else {
        None
    }
}

fn from_basic(encoded: &str) -> Option<String> {
    let pair = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    match (user, password) {
        ("client", key) | (key, "" | "x-oauth-basic") => Some(key.to_owned()),
        // A person's e-mail address and password: there are none of these here.
        _ => None,
    }
}

fn from_query(raw_query: &str) -> Option<String> {
    query::KEY_NAMES.iter().find_map(|known| {
        query::parts(raw_query)
            .find(|(name, value)| name.eq_ignore_ascii_case(known) && !value.is_empty())
            .map(|(_, value)| query::decode_form(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_several_places() {
        let check = |authorization: Option<&str>, query: Option<&str>, expected: Option<&str>| {
            let found = credentials(authorization, query);
            assert_eq!(found.as_deref(), expected, "{authorization:?} {query:?}");
        };
        check(Some("Bearer KEY1234567"), None, Some("KEY1234567"));
        check(Some("bearer  KEY1234567 "), None, Some("KEY1234567"));
        check(Some("Token KEY1234567"), None, Some("KEY1234567"));
        check(Some("Basic Y2xpZW50OktFWTEyMzQ1Njc="), None, Some("KEY1234567"));
        check(Some("Basic S0VZMTIzNDU2Nzp4LW9hdXRoLWJhc2lj"), None, Some("KEY1234567"));
        check(Some("basic S0VZMTIzNDU2Nzo="), None, Some("KEY1234567"));
        check(Some("basic S0VZMTIzNDU2Nzo"), None, Some("KEY1234567"));
        check(Some("Basic YW5uQGV4YW1wbGUudGVzdDpzZWNyZXQ="), None, None);
        check(Some("Basic !"), None, None);
        check(Some("Bearer"), Some("api_key=KEY"), None);
        check(Some("Digest x"), Some("api_key=KEY"), None);
        check(Some(" "), Some("api_key=KEY"), Some("KEY"));
        check(None, Some("access_token=KEY"), Some("KEY"));
        check(None, Some("apikey=B&api_key=A"), Some("A"));
        check(None, Some("type=log&API_KEY=A%2DB"), Some("A-B"));
        check(None, Some("access_token=&apikey=B"), Some("B"));
        check(None, Some("key=A"), None);
        check(None, None, None);
    }
}
