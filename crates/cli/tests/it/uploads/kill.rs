//! The server is killed while files come in.

use std::process::{Command, Stdio};

use kymo_testkit::kymo::wait_for;
use kymo_testkit::record_requests::record_fragments;
use kymo_testkit::requests::requests;
use kymo_testkit::{Kymo, Random};
use tempfile::TempDir;

use super::{check, counter, session};
use crate::KYMO;

/// Times that it dies.
const KILLS: usize = 12;

#[test]
fn killed_again_and_again_it_has_every_event_once() {
    let mut random = Random::seeded(20_261_121);
    // Some thirty commits.
    let mut all = requests();
    for _ in 0..3 {
        all.extend_from_within(..10_000);
    }
    let folder = TempDir::new().unwrap();
    for (number, file) in (1..).zip(record_fragments(&all, 7).unwrap()) {
        std::fs::write(folder.path().join(format!("{number}.kymo")), file).unwrap();
    }
    let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
    kymo.kill();
    let mut import = Command::new(KYMO)
        .args(["import", folder.path().to_str().unwrap(), "--server", &format!("http://{address}")])
        .args(["--token", &kymo.ingest_token])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut died = 0;
    for _ in 0..KILLS {
        let place = ["before_commit", "after_commit"][random.below(2) as usize];
        let wish = format!("{place}:{}", 1 + random.below(4));
        kymo.start_on(&address, &[("KYMO_DIE_AT", wish.as_str()), ("KYMO_FLUSH_AFTER_MS", "40")]);
        // It dies by itself, or the import is done.
        let is_done = wait_for("a death or the end of the import", || {
            let is_done = import.try_wait().unwrap().is_some();
            (is_done || !kymo.is_alive()).then_some(is_done)
        });
        if is_done {
            break;
        }
        kymo.wait_for_end();
        died += 1;
    }
    println!("died {died} times");
    assert!(died >= 5, "it died {died} times");
    if !kymo.is_alive() {
        kymo.start_on(&address, &[]);
    }
    assert!(import.wait().unwrap().success());
    check(&kymo, folder.path());
    assert_eq!(session(&kymo)["event_count"], all.len());
    assert_eq!(counter(&kymo, "stored"), all.len() as u64);
    println!("{} were sent again", counter(&kymo, "duplicate"));
}
