//! Files as a whole: packages of many sessions, copies that broke off, the door of the API, the data folder itself.

use std::path::Path;

use kymo_format::{Header, MAGIC};
use kymo_model::SessionId;
use kymo_testkit::Kymo;
use kymo_testkit::record_requests::{header, record_fragments_as};
use kymo_testkit::requests::requests;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{check, counter, download, import, kymo, session, session_files};
use crate::KYMO;

/// Fragments of several sessions, one behind another; each but the first without the magic.
fn package(sessions: usize) -> Vec<u8> {
    let all = requests();
    let mut bytes = MAGIC.to_vec();
    for number in 0..sessions {
        let session = SessionId::from_u128(header().session.as_u128() + number as u128);
        let header = Header { session, ..header() };
        for file in record_fragments_as(&header, &all[..1000 * (number + 1)], 2).unwrap() {
            bytes.extend_from_slice(&file[MAGIC.len()..]);
        }
    }
    bytes
}

fn counts(kymo: &Kymo) -> Vec<u64> {
    let mut counts: Vec<u64> =
        kymo.sessions().iter().map(|session| session["event_count"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    counts
}

/// Posts a file to the door of the API.
fn post(kymo: &Kymo, token: &str, bytes: &[u8]) -> (u16, Value) {
    let client: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = client
        .post(format!("{}/api/v1/projects/shop/import", kymo.url()))
        .header("authorization", format!("Bearer {token}"))
        .content_type("application/octet-stream")
        .send(bytes)
        .unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
}

fn uploads(kymo: &Kymo) -> usize {
    std::fs::read_dir(kymo.data().join("uploads")).unwrap().count()
}

#[test]
fn a_package_goes_in_by_every_door_and_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("all.kymo");
    let bytes = package(3);
    std::fs::write(&path, &bytes).unwrap();
    let mut kymo = Kymo::with_project(KYMO);
    let admin = kymo.command(&["token", "add", "--project", "Shop", "--scope", "admin"]);
    assert_eq!(post(&kymo, &kymo.read_token, &bytes).0, 403);
    assert_eq!(post(&kymo, &admin, b"no session file").0, 422);
    let (status, answer) = post(&kymo, &admin, &bytes);
    assert_eq!((status, &answer["notes"]), (200, &json!([])));
    let states = |answer: &Value| {
        let of = |one: &Value| one["state"].as_str().unwrap().to_owned();
        answer["sessions"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(states(&answer), ["new"; 3]);
    assert_eq!(counts(&kymo), [1000, 2000, 3000]);
    let there = uploads(&kymo);
    assert_eq!(there, 6, "and nothing that was on its way");
    let id = answer["sessions"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(kymo.get(&format!("/api/v1/sessions/{id}"))["event_count"], 1000);
    assert_eq!(states(&post(&kymo, &admin, &bytes).1), ["there_already"; 3]);
    let lines = import(&kymo, &path);
    assert!(lines[3].starts_with("3 sessions: 0 new, 0 gone on with, 3 there already; 0 bytes"), "{lines:?}");
    assert_eq!((counter(&kymo, "stored"), counter(&kymo, "duplicate")), (6000, 0));
    kymo.kill();

    let by_network = Kymo::with_project(KYMO);
    assert!(import(&by_network, &path)[3].starts_with("3 sessions: 3 new"));
    assert_eq!(counts(&by_network), [1000, 2000, 3000]);
}

/// `kymo import --data`: exit code, output, what was said.
fn import_here(kymo: &Kymo, path: &Path) -> (Option<i32>, String, String) {
    let output = kymo.run(&["import", path.to_str().unwrap(), "--project", "Shop"]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_data_folder_takes_files_with_the_server_running_or_stopped() {
    let (folder, _) = session_files(3);
    let mut kymo = Kymo::with_project(KYMO);
    assert!(kymo.stop().success());
    let (code, output, said) = import_here(&kymo, &folder.path().join("s.0001.kymo"));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(output.contains("\tnew\t") && output.contains("1 sessions: 1 new"), "{output}");
    kymo.start();
    check(&kymo, folder.path());
    let (code, output, _) = import_here(&kymo, folder.path());
    assert!(code == Some(0) && output.contains("there already\t0 bytes sent"), "{output}");
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("all.kymo"), package(2)).unwrap();
    let (code, output, said) = import_here(&kymo, &other);
    assert!(output.contains("2 sessions: 1 new"), "{output}{said}");
    // The first session of the package is another recording of the one that is there: it is not mixed with it.
    assert_eq!(code, Some(0));
    assert_eq!(counter(&kymo, "stored"), 12_000);
    let output = kymo.run(&["import", folder.path().to_str().unwrap(), "--project", "Nobody"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no project \"Nobody\""));
}

#[test]
fn a_copy_that_broke_off_is_not_taken_for_all_there_is() {
    let server = Kymo::with_project(KYMO);
    let (folder, files) = session_files(3);
    let whole = std::fs::read(folder.path().join("s.0001.kymo")).unwrap();
    std::fs::write(folder.path().join("s.0001.kymo"), &whole[..whole.len() / 2]).unwrap();
    import(&server, folder.path());
    assert_ne!(session(&server)["process"]["missing"], 0);
    // Later all of it comes.
    std::fs::write(folder.path().join("s.0001.kymo"), &whole).unwrap();
    assert!(import(&server, folder.path())[0].contains("gone on with"));
    assert_eq!(session(&server)["process"]["missing"], 0);
    check(&server, folder.path());

    // What a server gave out has no indexes: the originals are no longer in what they tell.
    let one = TempDir::new().unwrap();
    let path = download(&server, one.path());
    let other = Kymo::with_project(KYMO);
    import(&other, &path);
    check(&other, folder.path());
    import(&other, folder.path());
    check(&other, folder.path());

    // Somebody said that half of it was all.
    let third = Kymo::with_project(KYMO);
    let client = super::client::Client::new(&third);
    assert_eq!(client.begin(&files[0][..4096]).0, 200);
    assert_eq!(client.append(1, 0, &files[0][..files[0].len() / 2], true).0, 204);
    let token = &third.ingest_token;
    let args = ["import", folder.path().to_str().unwrap(), "--server", third.url(), "--token", token];
    let output = kymo(&args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("fragment 1 is complete on the server with"), "{said}");
    assert_ne!(session(&third)["process"]["missing"], 0, "and it is to be seen");
}

#[test]
fn a_backup_brings_the_files_back() {
    let mut server = Kymo::with_project(KYMO);
    let (folder, _) = session_files(2);
    import(&server, folder.path());
    let place = TempDir::new().unwrap();
    let before = std::fs::read(download(&server, place.path())).unwrap();
    let backup = place.path().join("backup");
    server.command(&["backup", "--to", backup.to_str().unwrap()]);
    assert!(server.stop().success());
    let mut restored = Kymo::new(KYMO);
    restored.command(&["restore", "--from", backup.to_str().unwrap()]);
    restored.read_token.clone_from(&server.read_token);
    restored.ingest_token.clone_from(&server.ingest_token);
    restored.start();
    assert_eq!(std::fs::read(download(&restored, place.path())).unwrap(), before);
    assert!(import(&restored, folder.path())[0].contains("there already\t0 bytes sent"));
}

#[test]
fn a_package_sent_as_one_fragment_brings_its_first_session_only() {
    let server = Kymo::with_project(KYMO);
    let client = super::client::Client::new(&server);
    let bytes = package(2);
    assert_eq!(client.begin(&bytes).0, 200);
    assert_eq!(client.append(1, 0, &bytes, true).0, 204);
    assert_eq!((counts(&server), counter(&server, "unreadable")), (vec![1000], 1));
}
