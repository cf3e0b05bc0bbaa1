//! TLS for the port: a certificate and its key from PEM files, read again when they change.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// How often the files are looked at. Certificates are renewed weeks before they end.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where certificate and key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and the root, in this order; PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why the files do not do.
#[derive(Debug)]
pub struct TlsError {
    message: String,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TlsError {}

/// What changes with every writing of a file.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// What came of a look at the files.
#[derive(Debug)]
enum Look {
    Unchanged,
    Reloaded,
    /// The files changed and do not do: what was there before holds on.
    Refused(TlsError),
}

/// The certificate that holds.
pub(crate) struct Tls {
    files: TlsFiles,
    // Locked for a clone or a replacement only.
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let config = RwLock::new(read(&files)?);
        Ok(Self { files, config })
    }

    /// For the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// Takes the files again whenever they change, for ever. New connections get what is there then.
    pub(crate) async fn watch(&self) {
        let mut seen = Stamp::default();
        loop {
            match self.look(&mut seen) {
                Look::Unchanged => {}
                Look::Reloaded => {
                    tracing::debug!(certificate = %self.files.certificate.display(), "certificate read");
                }
                Look::Refused(error) => {
                    tracing::warn!(%error, "the changed certificate does not do, the one before holds on");
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn look(&self, seen: &mut Stamp) -> Look {
        let stamp = [&self.files.certificate, &self.files.key].map(|path| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        });
        if stamp == *seen {
            return Look::Unchanged;
        }
        *seen = stamp;
        match read(&self.files) {
            Ok(config) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                Look::Reloaded
            }
            Err(error) => Look::Refused(error),
        }
    }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |path: &PathBuf, what: &str, why: &dyn fmt::Display| TlsError {
        message: format!("{}: expected {what}, PEM: {why}", path.display()),
    };
    let of_certificate = |why: &dyn fmt::Display| wrong(&files.certificate, "certificates", why);
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| of_certificate(&error))?;
    if certificates.is_empty() {
        return Err(of_certificate(&"there is none in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| {
        // What is in the file is not told.
        wrong(&files.key, "a private key", &error)
    })?;
    let do_not_fit = |error: rustls::Error| TlsError {
        message: format!(
            "{} and {} do not go together: {error}",
            files.certificate.display(),
            files.key.display()
        ),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(do_not_fit)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(do_not_fit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_broken_new_file_keeps_the_old_certificate() {
        let folder = TempDir::new().unwrap();
        let files =
            TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let write = |name: &str| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            fs::write(&files.certificate, made.cert.pem()).unwrap();
            fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        };
        let error = Tls::load(files.clone()).err().unwrap().to_string();
        assert!(error.contains("cert.pem: expected certificates, PEM"), "{error}");
        write("one.test");
        let tls = Tls::load(files.clone()).unwrap();
        let mut seen = Stamp::default();
        assert!(matches!(tls.look(&mut seen), Look::Reloaded));
        assert!(matches!(tls.look(&mut seen), Look::Unchanged));
        let holds = || Arc::as_ptr(tls.acceptor().config());
        let first = holds();
        for (file, text, expected) in [
            (&files.key, "-----BEGIN PRIVATE KEY-----\nsecret", "key.pem: expected a private key"),
            (&files.certificate, "", "cert.pem: expected certificates, PEM: there is none"),
        ] {
            fs::write(file, text).unwrap();
            let Look::Refused(error) = tls.look(&mut seen) else { panic!("it was taken") };
            let error = error.to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{error}");
            assert_eq!(holds(), first);
        }
        // A certificate with the key of another.
        write("two.test");
        let key = fs::read(&files.key).unwrap();
        write("three.test");
        fs::write(&files.key, key).unwrap();
        let Look::Refused(error) = tls.look(&mut seen) else { panic!("it was taken") };
        assert!(error.to_string().contains("do not go together"), "{error}");
        write("four.test and longer");
        assert!(matches!(tls.look(&mut seen), Look::Reloaded));
        assert_ne!(holds(), first);
    }
}
