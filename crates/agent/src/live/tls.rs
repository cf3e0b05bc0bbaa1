//! TLS as the requests over HTTP have it: the same certificates are trusted, and the same code computes.

use std::io;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// A connection to a host, before its first byte.
///
/// Errors: a host that no certificate can be for; certificates of the settings that are none.
pub(super) fn connection(host: &str) -> io::Result<ClientConnection> {
    let mut roots = RootCertStore::empty();
    let own = crate::sending::own_certificates();
    if own.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    } else {
        roots.add_parsable_certificates(own.iter().map(|one| CertificateDer::from(one.der().to_vec())));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::other(format!("{host}: expected a host's name, found: {error}")))?;
    ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)
}
