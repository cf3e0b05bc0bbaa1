//! Conditional GET: an answer that the caller has already is not sent again.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::assets;

/// Tags JSON answers by what is in them, and answers 304 to whoever names the tag. What changes with
/// every commit cannot be known without being read, so this saves sending, not reading.
pub(in crate::api) async fn tag(request: Request, next: Next) -> Response {
    if *request.method() != Method::GET {
        return next.run(request).await;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The handler built it in memory already.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = tag_of(&body);
    let has_it = known.is_some_and(|known| names(&known, &tag));
    set_headers(&mut parts.headers, &tag);
    if has_it {
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.status = StatusCode::NOT_MODIFIED;
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(body))
}

fn tag_of(body: &[u8]) -> String {
    assets::tag(&Sha256::digest(body))
}

fn names(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn set_headers(headers: &mut HeaderMap, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    // Kept by the caller alone, and asked about each time.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_others() {
        let tag = tag_of(b"{}");
        assert_ne!(tag, tag_of(b"[]"));
        let rows = [
            (tag.clone(), true),
            (format!("\"a\", W/{tag}"), true),
            ("*".into(), true),
            ("\"a\"".into(), false),
        ];
        for (known, expected) in rows {
            assert_eq!(names(&HeaderValue::from_str(&known).unwrap(), &tag), expected, "{known}");
        }
    }
}
