//! Backups made while events come in, and folders made of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use kymo_testkit::Kymo;
use kymo_testkit::kymo::{post, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::KYMO;

/// Connections that send while the backup is made.
const SENDERS: usize = 4;
/// Batches that have to be answered before it begins.
const BATCHES_BEFORE: usize = 60;

fn batch(sender: usize, number: usize) -> Value {
    let events = (0..10).map(|at| {
        let session = format!("sender-{sender}-{}", (number + at) % 7);
        json!({"type": "log", "message": format!("{sender}/{number}/{at}"), "date": "2026-11-20T12:00:00Z",
               "@ref:session": session, "@user": {"identity": session}})
    });
    events.collect()
}

/// Texts by session, each with its times and sequence.
fn contents(kymo: &Kymo) -> BTreeMap<String, (Value, BTreeMap<String, Value>)> {
    let sessions = kymo.sessions().into_iter().map(|session| {
        let events = kymo.events(&session).into_iter();
        let events = events.map(|event| (event["message"].as_str().expect("a text").to_owned(), event));
        (session["id"].as_str().expect("an id").to_owned(), (session, events.collect()))
    });
    sessions.collect()
}

fn restore(from: &Path, to: &Path) -> Output {
    let output = Command::new(KYMO).arg("restore").arg("--from").arg(from).arg("--data").arg(to).output();
    output.expect("the program starts")
}

/// A server on the folder that `from` becomes.
fn restored(from: &Path, original: &Kymo) -> Kymo {
    let mut kymo = Kymo::new(KYMO);
    let output = restore(from, &kymo.data());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    kymo.read_token.clone_from(&original.read_token);
    kymo.ingest_token.clone_from(&original.ingest_token);
    kymo.start();
    kymo
}

#[test]
fn a_backup_taken_during_ingest_is_equal_up_to_its_moment() {
    let mut kymo = Kymo::with_project(KYMO);
    assert!(kymo.stop().success());
    // Segments come and are merged all the time.
    kymo.start_with(&[("KYMO_FLUSH_AFTER_MS", "20"), ("KYMO_LOG", "warn")]);
    let folder = TempDir::new().expect("a folder");
    let to = folder.path().join("backup");
    let answered: Mutex<Vec<Value>> = Mutex::default();
    let done = AtomicBool::new(false);
    let mut before = Vec::new();
    let (url, token) = (kymo.url().to_owned(), kymo.ingest_token.clone());
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (answered, done, url, token) = (&answered, &done, &url, &token);
            scope.spawn(move || {
                let mut numbers = 0..;
                while !done.load(Ordering::Relaxed) {
                    let batch = batch(sender, numbers.next().expect("numbers do not end"));
                    assert_eq!(post(url, token, &batch.to_string()), Ok(202));
                    answered.lock().expect("not poisoned").push(batch);
                }
            });
        }
        wait_for("some batches", || (answered.lock().unwrap().len() >= BATCHES_BEFORE).then_some(()));
        before.clone_from(&answered.lock().unwrap());
        let told = kymo.command(&["backup", "--to", to.to_str().expect("text")]);
        assert!(told.contains("files"), "{told}");
        let at_end = answered.lock().unwrap().len();
        wait_for("ingest to go on", || (answered.lock().unwrap().len() > at_end).then_some(()));
        done.store(true, Ordering::Relaxed);
    });
    let copy = restored(&to, &kymo);
    let (all, found) = (contents(&kymo), contents(&copy));
    let texts: BTreeMap<&str, &Value> =
        found.values().flat_map(|(_, events)| events).map(|(text, event)| (text.as_str(), event)).collect();
    let sent = before.iter().flat_map(|batch| batch.as_array().expect("a list"));
    let mut count = 0;
    for event in sent {
        let text = event["message"].as_str().expect("a text");
        assert!(texts.contains_key(text), "{text} was answered before the backup began");
        count += 1;
    }
    assert!(count >= BATCHES_BEFORE * 10);
    for (id, (session, events)) in &found {
        assert_eq!(session["event_count"].as_u64(), Some(events.len() as u64), "{id}");
        let (now, all_events) = &all[id];
        for same in ["id", "external_id", "started_at", "users", "kind", "project"] {
            assert_eq!(session[same], now[same], "{id} {same}");
        }
        for (text, event) in events {
            assert_eq!(Some(event), all_events.get(text), "{text}");
        }
        // What is missing came later than everything that is there.
        let newest = events.values().map(|event| event["sequence"].as_u64()).max();
        let first_missing = all_events.iter().filter(|(text, _)| !events.contains_key(*text));
        let first_missing = first_missing.map(|(_, event)| event["sequence"].as_u64()).min();
        assert!(first_missing.is_none_or(|missing| missing > newest.expect("not empty")), "{id}");
    }
    assert!(texts.len() < all.values().map(|(_, events)| events.len()).sum(), "ingest went on");
    // The restored folder is a folder like others: what is sent again is known, and new things come in.
    assert_eq!(copy.post_events(&before[0]), Ok(202));
    assert_eq!(contents(&copy).len(), found.len());
    assert_eq!(copy.get("/api/v1/status")["dropped"]["duplicate"], 10);
}

#[test]
fn a_backup_of_a_stopped_server_and_what_cannot_be_restored() {
    let mut kymo = Kymo::with_project(KYMO);
    assert_eq!(kymo.post_events(&batch(0, 0)), Ok(202));
    let ended = || kymo.sessions().iter().all(|session| session["state"] == "ended").then_some(());
    wait_for("the sessions to end", ended);
    let before = contents(&kymo);
    assert!(kymo.stop().success());
    kymo.start_with(&[("KYMO_FLUSH_AFTER_MS", "1")]);
    let segments = kymo.data().join("segments");
    let is_flushed = || std::fs::read_dir(&segments).ok()?.next()?.ok();
    wait_for("a segment", is_flushed);
    assert!(kymo.stop().success());
    let folder = TempDir::new().expect("a folder");
    let to = folder.path().join("backup");
    let backup = |to: &Path| kymo.run(&["backup", "--to", to.to_str().expect("text")]);
    assert!(backup(&to).status.success());
    let refused = backup(&to);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is there already"), "{refused:?}");
    assert!(contents(&restored(&to, &kymo)) == before, "another content");

    let target = folder.path().join("restored");
    let refused = |from: &Path, expected: &str| {
        let output = restore(from, &target);
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && reason.contains(expected), "expected {expected:?}: {reason}");
        assert!(!target.exists(), "nothing is left");
    };
    refused(&kymo.data(), "is not a backup: manifest.json");
    refused(&folder.path().join("none"), "is not a backup");
    let segment: PathBuf = std::fs::read_dir(to.join("segments")).unwrap().next().unwrap().unwrap().path();
    // A file of its own: the backup's may be a link to the server's.
    let whole = std::fs::read(&segment).unwrap();
    let put = |bytes: &[u8]| {
        std::fs::remove_file(&segment).unwrap();
        std::fs::write(&segment, bytes).unwrap();
    };
    put(&whole[..whole.len() - 1]);
    refused(&to, "bytes, expected");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    put(&flipped);
    refused(&to, "is damaged");
    std::fs::remove_file(&segment).unwrap();
    refused(&to, "cannot be read");
    std::fs::write(&segment, &whole).unwrap();
    let manifest = std::fs::read_to_string(to.join("manifest.json")).unwrap();
    let write = |text: &str| std::fs::write(to.join("manifest.json"), text).unwrap();
    for (found, other, expected) in [
        ("\"kymo backup\"", "\"another backup\"", "it says it is a"),
        ("\"version\": 2", "\"version\": 3", "this program reads version 2"),
        ("\"segments/", "\"../segments/", "a backup has no file"),
    ] {
        write(&manifest.replace(found, other));
        refused(&to, expected);
    }
    write(&manifest[..manifest.len() / 2]);
    refused(&to, "is not a backup");
    write(&manifest);
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("mine"), "").unwrap();
    let output = restore(&to, &target);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"), "{output:?}");
    std::fs::remove_file(target.join("mine")).unwrap();
    assert!(restore(&to, &target).status.success(), "an empty folder will do");
}
