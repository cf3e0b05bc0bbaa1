//! What holds for every request: the host it names, and headers that keep the page safe.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::ingest;
use crate::problem::Problem;
use crate::state::AppState;

/// Nothing but our own files; see the page's sources.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Refuses requests that name a host we are not known by: a foreign page could otherwise point a
/// name of its own at this address and read along (DNS rebinding). Addresses cannot be rebound.
pub(crate) async fn host(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    if named.is_some_and(|named| is_known(named, &state.public_hosts)) {
        return next.run(request).await;
    }
    if ingest::is_post_of_page(request.uri().path()) {
        return ingest::refuse_post_of_page(&state).await;
    }
    let detail =
        "this server is not known by that host name: use its address, or start it with --public-host NAME";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
}

fn is_known(named: &str, public_hosts: &[String]) -> bool {
    let name = match named.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => named.rsplit_once(':').map_or(named, |(name, _)| name),
    };
    let is_address = name.parse::<IpAddr>().is_ok();
    is_address
        || name.eq_ignore_ascii_case("localhost")
        || public_hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// Adds the headers that keep the page safe.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Where the port speaks TLS, cookies are for TLS only.
pub(crate) async fn secure_cookies(mut response: Response) -> Response {
    let cookies: Vec<HeaderValue> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
    response.headers_mut().remove(header::SET_COOKIE);
    for cookie in cookies {
        let secure = HeaderValue::from_bytes(&[cookie.as_bytes(), b"; Secure"].concat());
        response.headers_mut().append(header::SET_COOKIE, secure.unwrap_or(cookie));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_given_names_are_known() {
        let given = ["logs.example".to_owned()];
        let rows = [
            ("127.0.0.1:8390", true),
            ("[::1]:8390", true),
            ("192.168.1.2", true),
            ("localhost:1", true),
            ("LOGS.example:443", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example:80", false),
            ("", false),
        ];
        for (named, expected) in rows {
            assert_eq!(is_known(named, &given), expected, "{named}");
        }
    }
}
