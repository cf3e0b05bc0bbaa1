//! Which certificates are trusted: Mozilla's list, or those in the file that `SSL_CERT_FILE` names alone, as of
//! programs that send (`docs/sending.md`).

use ureq::tls::{PemItem, RootCerts, parse_pem};

/// Names a PEM file.
pub(crate) const ROOTS_ENV: &str = "SSL_CERT_FILE";

/// For requests.
pub(crate) fn root_certificates() -> RootCerts {
    let said = std::env::var_os(ROOTS_ENV).and_then(|path| std::fs::read(path).ok());
    let certificates: Vec<_> = said
        .iter()
        .flat_map(|pem| parse_pem(pem))
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}
