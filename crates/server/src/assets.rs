//! The embedded page. Files under `/assets/` have hashed names and are kept by browsers for ever;
//! every other path that is not an API's is a state of the page and gets `index.html`.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::problem::Problem;

#[derive(Embed)]
#[folder = "../../ui/dist"]
struct Page;

/// Serves a file of the page, or the page itself.
pub(crate) fn serve(uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Problem::not_found("there is no such API path").into_response();
    }
    let is_file = path.contains('.') && Page::get(path).is_some();
    if !is_file && path.starts_with("assets/") {
        return Problem::not_found("there is no such file").into_response();
    }
    let name = if is_file { path } else { "index.html" };
    let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let (encoding, file) = best_encoding(name, headers);
    let Some(file) = file else { return StatusCode::NOT_FOUND.into_response() };
    let tag = tag(&file.metadata.sha256_hash());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, content_type(name))
        .header(header::CACHE_CONTROL, cache)
        .header(header::VARY, "accept-encoding")
        .header(header::ETAG, tag);
    if known {
        response = response.status(StatusCode::NOT_MODIFIED);
    } else if let Some(encoding) = encoding {
        response = response.header(header::CONTENT_ENCODING, encoding);
    }
    let body = if known { Body::empty() } else { Body::from(file.data.into_owned()) };
    response.body(body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn best_encoding(name: &str, headers: &HeaderMap) -> (Option<&'static str>, Option<EmbeddedFile>) {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for (encoding, suffix) in [("br", "br"), ("gzip", "gz")] {
        if accepted.split(',').any(|one| one.split(';').next().is_some_and(|one| one.trim() == encoding))
            && let Some(file) = Page::get(&format!("{name}.{suffix}"))
        {
            return (Some(encoding), Some(file));
        }
    }
    (None, Page::get(name))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

/// The tag of an answer whose content has that hash: what two share by chance is 1 in 2^96.
pub(crate) fn tag(hash: &[u8]) -> String {
    format!("\"{}\"", hex(&hash[..12]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
