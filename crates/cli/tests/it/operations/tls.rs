//! The port with TLS, asked by a client that trusts one root.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::KYMO;

/// Writes a certificate for this machine with its key, and returns its root.
pub(crate) fn write_certificate(folder: &Path) -> String {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    root_pem
}

/// The same, and a client that trusts no other's root.
fn new_certificate(folder: &Path) -> Agent {
    let root_pem = write_certificate(folder);
    let trusted = Certificate::from_pem(root_pem.as_bytes()).unwrap().to_owned();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[trusted])).build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        // A connection that is kept would keep its certificate.
        .max_idle_connections(0)
        .build()
        .into()
}

#[test]
fn the_port_speaks_tls_and_takes_new_certificates() {
    let mut kymo = Kymo::with_project(KYMO);
    assert!(kymo.stop().success());
    let first = new_certificate(&kymo.data());
    let file = kymo.data().join("kymo.toml");
    // Beside the file: a relative path counts from there.
    fs::write(&file, "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n").unwrap();
    kymo.start();
    let url = kymo.url().to_owned();
    assert!(url.starts_with("https://"), "{url}");
    let answer = first.get(format!("{url}/livez")).call().expect("trusted");
    assert_eq!(answer.into_body().read_to_string().unwrap(), "ok");
    let posted = first
        .post(format!("{url}/api/v2/events"))
        .header("authorization", format!("Bearer {}", kymo.ingest_token))
        .send(r#"[{"message": "m", "@user": {"identity": "ann"}}]"#);
    assert_eq!(posted.expect("an answer").status(), 202);

    // The cookie is for TLS only.
    let link = kymo.command(&["login"]);
    let code = link.strip_prefix(&format!("{url}/login?")).expect("a link of this server");
    let signed_in = first.post(format!("{url}/login")).header("origin", url.as_str()).send(code).unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; Secure") && cookie.contains("HttpOnly"), "{cookie}");

    // Who speaks plainly, or says nothing, keeps nobody else from being served.
    let address = url.strip_prefix("https://").unwrap();
    let _silent = TcpStream::connect(address).unwrap();
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told);
    assert!(!told.starts_with(b"HTTP"));

    // Another root: the client of the first is not served any more, without a restart.
    let second = new_certificate(&kymo.data());
    let is_served = |agent: &Agent| agent.get(format!("{url}/livez")).call().is_ok();
    wait_for("the new certificate", || is_served(&second).then_some(()));
    assert!(!is_served(&first));
    assert!(kymo.stop().success());

    fs::write(&file, "[server.tls]\ncertificate = \"cert.pem\"\n").unwrap();
    let refused = kymo.run(&["config", "check"]);
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        reason.contains("server.tls.certificate and server.tls.key: expected both or neither"),
        "{reason}"
    );
    fs::write(&file, "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"cert.pem\"\n").unwrap();
    let refused = kymo.run(&["serve", "--listen", "127.0.0.1:0"]);
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && reason.contains("expected a private key"), "{reason}");
}
