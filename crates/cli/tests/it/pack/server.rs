//! To a real server.

use kymo_testkit::Kymo;
use tempfile::TempDir;

use super::{events, pack, ran};

/// The server: this program where it has one, else the one that is named.
fn server() -> Option<Kymo> {
    if cfg!(feature = "server") {
        return Some(Kymo::with_project(crate::KYMO));
    }
    std::env::var_os("KYMO_SERVER_PROGRAM")
        .map(|program| Kymo::with_project(std::path::PathBuf::from(program)))
}

#[test]
fn sessions_go_to_a_server_and_are_removed_when_it_has_them() {
    let Some(server) = server() else { return };
    let folder = TempDir::new().unwrap();
    ran(folder.path(), "till", 300);
    ran(folder.path(), "till", 5);
    let before = events(folder.path());
    let id = super::listed(folder.path())[0]["id"].as_str().unwrap().to_owned();
    let to = |args: &[&str], token: &str| {
        pack(folder.path(), &[args, &["--server", server.url(), "--token", token]].concat())
    };
    let (said, code) = to(&["--all"], "wrong");
    assert_eq!(code, 6, "{said}");
    let (said, code) = to(&["--session", &id], &server.ingest_token);
    assert_eq!((code, said["sessions"].as_array().unwrap().len()), (0, 1), "{said}");
    let (said, code) = to(&["--unsent"], &server.ingest_token);
    assert_eq!((code, said["sessions"].as_array().unwrap().len()), (0, 1), "{said}");
    let (said, code) = to(&["--unsent"], &server.ingest_token);
    assert_eq!((code, said["sessions"].as_array().unwrap().len()), (0, 0), "{said}");
    let stored = server.sessions();
    let counted: u64 = stored.iter().map(|session| session["event_count"].as_u64().unwrap()).sum();
    assert_eq!((stored.len(), counted), (2, before.len() as u64));
    let (said, code) = to(&["--all", "--purge"], &server.ingest_token);
    assert_eq!(code, 0, "{said}");
    assert_eq!(super::listed(folder.path()).len(), 0, "the server has them");
    let (said, code) = pack(folder.path(), &["--all", "--server", "http://127.0.0.1:1", "--token", "x"]);
    assert_eq!(code, 0, "nothing to send: {said}");
}
