//! What somebody who runs a server relies on: configuration, readiness, a stop that ends, and the doctor.

mod backup;
mod retention;
pub(crate) mod tls;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use kymo_testkit::Kymo;
use kymo_testkit::kymo::wait_for;
use serde_json::{Value, json};

use crate::KYMO;

fn status_of(url: &str) -> (u16, String) {
    let answer = ureq::get(url).config().http_status_as_error(false).build().call().expect("an answer");
    (answer.status().as_u16(), answer.into_body().read_to_string().expect("text"))
}

fn event(text: &str) -> Value {
    json!([{"type": "log", "message": text, "date": "2026-11-20T12:00:00Z", "@user": {"identity": "ann"}}])
}

#[test]
fn a_file_in_the_data_folder_is_the_configuration() {
    let mut kymo = Kymo::with_project(KYMO);
    assert_eq!(status_of(&format!("{}/livez", kymo.url())), (200, "ok".to_owned()));
    assert_eq!(status_of(&format!("{}/readyz", kymo.url())), (200, "ok".to_owned()));
    assert!(kymo.stop().success());
    let file = kymo.data().join("kymo.toml");
    // A disk with a tebibyte to spare is not this one.
    fs::write(&file, "[limits]\nfree_mib = 1048576\n[server]\npublic_hosts = [\"logs.test\"]\n").unwrap();
    kymo.start();
    let (status, body) = status_of(&format!("{}/readyz", kymo.url()));
    assert_eq!(status, 503, "{body}");
    let problem: Value = serde_json::from_str(&body).expect("a problem");
    assert_eq!(problem["detail"], "disk: too little space is free");
    assert_eq!(status_of(&format!("{}/livez", kymo.url())).0, 200);
    let named = ureq::get(format!("{}/livez", kymo.url())).header("host", "logs.test").call();
    assert_eq!(named.expect("known by that name").status(), 200);
    assert!(kymo.stop().success());
    let printed = kymo.command(&["config", "print", "--sources"]);
    assert!(printed.contains("free_mib = 1048576  # "), "{printed}");
    assert!(printed.contains("kymo.toml:2"), "{printed}");

    fs::write(&file, "[limits]\nfree_mb = 1\n").unwrap();
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["config", "check"]] {
        let refused = kymo.run(args);
        let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success());
        assert!(reason.contains("kymo.toml:2:1: there is no key limits.free_mb: did you mean"), "{reason}");
    }
    fs::write(&file, "").unwrap();
    assert!(kymo.run(&["config", "check"]).status.success());
}

#[test]
fn a_stop_ends_though_connections_are_open_and_loses_nothing() {
    let mut kymo = Kymo::with_project(KYMO);
    let address = kymo.url().strip_prefix("http://").expect("an address").to_owned();
    // One that never says anything, one in the middle of a head, and one that streams.
    let mut idle = TcpStream::connect(&address).unwrap();
    let mut half = TcpStream::connect(&address).unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nHost: localh").unwrap();
    let mut streaming = TcpStream::connect(&address).unwrap();
    let request = format!(
        "GET /api/v1/changes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        kymo.read_token
    );
    streaming.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 12];
    streaming.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    for number in 0..20 {
        assert_eq!(kymo.post_events(&event(&format!("line {number}"))), Ok(202));
    }
    assert!(kymo.stop().success());
    for connection in [&mut idle, &mut half, &mut streaming] {
        // Closed, politely or not.
        let _ = connection.read_to_end(&mut Vec::new());
    }
    kymo.start();
    assert_eq!(kymo.sessions()[0]["event_count"], 20);
}

fn doctor(kymo: &Kymo) -> (Output, Vec<Value>) {
    let output = kymo.run(&["doctor", "--json"]);
    let findings = serde_json::from_slice(&output.stdout).expect("JSON");
    (output, findings)
}

fn grade<'a>(findings: &'a [Value], check: &str) -> &'a str {
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.and_then(|finding| finding["grade"].as_str()).unwrap_or("none")
}

#[test]
fn the_doctor_sees_what_is_wrong_and_changes_nothing() {
    let mut kymo = Kymo::with_project(KYMO);
    assert_eq!(kymo.post_events(&event("one")), Ok(202));
    let (output, findings) = doctor(&kymo);
    assert!(output.status.success(), "{findings:?}");
    for check in ["folder", "queue", "disk", "catalog", "last event", "clock", "tail", "segments"] {
        assert_eq!(grade(&findings, check), "ok", "{check}: {findings:?}");
    }
    assert!(kymo.command(&["doctor"]).contains("0 of at most 1024 submissions wait"));
    assert!(kymo.stop().success());
    kymo.start_with(&[("KYMO_FLUSH_AFTER_MS", "1")]);
    let segments = kymo.data().join("segments");
    let segment = wait_for("a segment", || {
        let mut files = fs::read_dir(&segments).ok()?.flatten().map(|entry| entry.path());
        files.find(|path| path.extension().is_some_and(|extension| extension == "parquet"))
    });
    assert!(kymo.stop().success());
    assert!(kymo.command(&["doctor"]).contains("no server runs on the folder"));

    let orphan = segments.join("000000009999.parquet");
    fs::write(&orphan, "left").unwrap();
    fs::set_permissions(kymo.data(), Permissions::from_mode(0o755)).unwrap();
    let (output, findings) = doctor(&kymo);
    assert!(output.status.success(), "warnings are no failures");
    assert_eq!((grade(&findings, "segments"), grade(&findings, "folder")), ("warn", "warn"));
    assert!(orphan.exists(), "it looks and touches nothing");
    fs::rename(&segment, segments.join("elsewhere")).unwrap();
    let (output, findings) = doctor(&kymo);
    assert_eq!((output.status.code(), grade(&findings, "segments")), (Some(1), "fail"));
    let catalog = kymo.data().join("catalog.db");
    fs::write(&catalog, "no database").unwrap();
    assert_eq!(grade(&doctor(&kymo).1, "catalog"), "fail");
    fs::remove_file(&catalog).unwrap();
    assert_eq!(grade(&doctor(&kymo).1, "catalog"), "fail");
    assert!(!catalog.exists());
}
