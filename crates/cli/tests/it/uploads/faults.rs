//! A line that cuts, delays and answers itself, and a server that is killed: everything comes, once.

use std::process::{Command, Stdio};

use kymo_testkit::kymo::wait_for;
use kymo_testkit::{FaultProxy, Faults, Kymo, Random};

use super::client::Client;
use super::{check, counter, session, session_files};
use crate::KYMO;

/// Rounds with a seed each; `KYMO_ROUNDS` says more.
const ROUNDS: u64 = 4;
/// Runs of the sender in a round: each goes on where the one before gave up.
const RUNS_MAX: u32 = 60;

#[test]
fn whatever_the_line_does_it_comes_once() {
    let rounds = std::env::var("KYMO_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let mut seeds = Random::seeded(20_261_121);
    for round in 0..rounds {
        let seed = seeds.number();
        println!("round {round}, seed {seed}");
        one_round(seed);
    }
}

fn one_round(seed: u64) {
    let mut random = Random::new(seed);
    let (folder, files) = session_files(1 + random.below(4) as usize);
    let (mut kymo, address) = Kymo::on_a_lasting_address(KYMO);
    let proxy = FaultProxy::start(&address, seed, Faults::mixed());
    // Requests that are refused for their size are the sender's to give up on, and to come back to.
    let harsh = || Faults { answers: vec![(503, 10), (500, 10), (413, 5)], ..Faults::mixed() };
    let mut kills = 0;
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(runs <= RUNS_MAX, "it does not come to an end");
        proxy.set(if runs > RUNS_MAX / 2 { Faults::none() } else { harsh() });
        let mut import = Command::new(KYMO)
            .args(["import", folder.path().to_str().unwrap(), "--server", &proxy.url()])
            .args(["--token", &kymo.ingest_token])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The server may die after so many bytes, and comes back.
        if kills < 3 && random.below(2) == 0 {
            let until = proxy.counts().bytes_up + random.below(120_000);
            let is_done = wait_for("some bytes, or the end", || {
                let is_done = import.try_wait().unwrap().is_some();
                (is_done || proxy.counts().bytes_up >= until).then_some(is_done)
            });
            if !is_done {
                kymo.kill();
                kymo.start_on(&address, &[]);
                kills += 1;
            }
        }
        if import.wait().unwrap().success() {
            break;
        }
    }
    let counts = proxy.counts();
    println!("{runs} runs, {kills} kills, {counts:?}");
    assert!(counts.faults() > 0, "the line was never at fault");
    check(&kymo, folder.path());
    let complete = Client::new(&kymo).begin(&files[0]).1["fragments"].clone();
    assert!(complete.as_array().unwrap().iter().all(|one| one["complete"] == true), "{complete}");
    assert_eq!(session(&kymo)["event_count"], 10_000);
    assert_eq!(counter(&kymo, "stored"), 10_000);
}

#[test]
fn two_senders_of_one_fragment_add_up_to_one() {
    let kymo = Kymo::with_project(KYMO);
    let (folder, files) = session_files(1);
    assert_eq!(Client::new(&kymo).begin(&files[0]).0, 200);
    let file = &files[0];
    let send = |piece: usize| {
        let client = Client::new(&kymo);
        let mut offset = 0;
        while offset < file.len() {
            let end = file.len().min(offset + piece);
            let (status, found, complete) = client.append(1, offset, &file[offset..end], end == file.len());
            assert!(matches!(status, 204 | 409), "{status}");
            if complete.as_deref() == Some("?1") {
                return;
            }
            offset = found.unwrap() as usize;
        }
    };
    std::thread::scope(|scope| {
        for piece in [7_000, 11_000, 30_000] {
            scope.spawn(move || send(piece));
        }
    });
    check(&kymo, folder.path());
    assert_eq!((counter(&kymo, "stored"), counter(&kymo, "duplicate")), (10_000, 0));
}

#[test]
fn a_head_with_a_key_is_its_senders_to_send() {
    let kymo = Kymo::with_project(KYMO);
    let (_, files) = session_files(1);
    for _ in 0..2 {
        let answer = ureq::post(format!("{}/api/v1/uploads", kymo.url()))
            .header("authorization", format!("Bearer {}", kymo.ingest_token))
            .header("idempotency-key", "a-key")
            .send(&files[0][..4096])
            .unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
}
