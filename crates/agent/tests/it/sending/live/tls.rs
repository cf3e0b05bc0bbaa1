//! Connections over TLS: with a chain that holds, and with certificates of another host or another time.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use kymo::sending::{Secret, SendSettings};
use kymo_format::live::{Message, Refusal};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::viewer::Signpost;
use crate::sending::player::Player;

/// A company's own authority, and a certificate for `localhost` by it.
struct Chain {
    authority: String,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Chain {
    fn new(ends_in: i32) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(ends_in, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self { authority, certificate, key }
    }

    /// A server that refuses whoever comes in.
    fn serve(self) -> u16 {
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate], self.key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, socket.unwrap());
                // Where the handshake fails, nobody comes in.
                if stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {
                    let why = "as this test wants it".to_owned();
                    let refused = Message::Refused { code: Refusal::TooMany, why, wait_ms: 0 };
                    let _ = stream.write_all(&refused.bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        port
    }
}

/// What the status of a program says that is told to connect to that host.
fn failure(host: &str, chain: Chain) -> String {
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("authority.pem");
    std::fs::write(&trusted, &chain.authority).unwrap();
    let post = Signpost::start(chain.serve(), true);
    let settings = SendSettings {
        server: Some(post.url(host)),
        token: Secret::new("token"),
        auto_send_sessions: false,
        live: true,
        ..SendSettings::default()
    };
    said(folder.path(), &settings, &trusted)
}

fn said(folder: &Path, settings: &SendSettings, trusted: &Path) -> String {
    let trusted = ("SSL_CERT_FILE", trusted.to_str().unwrap().to_owned());
    let mut player = Player::start_with(folder, settings, 1 << 20, &[trusted]);
    player.wait_for("live_failure", 1);
    player.close();
    std::fs::read_to_string(folder.join("failure")).unwrap()
}

#[test]
fn a_certificate_has_to_be_for_the_host_and_of_now_by_who_is_trusted() {
    let good = failure("localhost", Chain::new(4000));
    assert!(good.ends_with("refused: as this test wants it"), "{good}");
    let other_host = failure("127.0.0.1", Chain::new(4000));
    let expected = "expected TLS with a certificate that holds, found: invalid peer certificate: ";
    assert!(other_host.contains(expected) && other_host.contains("not valid for name"), "{other_host}");
    let expired = failure("localhost", Chain::new(2020));
    assert!(expired.contains(expected) && expired.contains("expired"), "{expired}");
    let other = Chain { authority: Chain::new(4000).authority, ..Chain::new(4000) };
    let unknown = failure("localhost", other);
    assert!(unknown.contains(expected), "{unknown}");
}
