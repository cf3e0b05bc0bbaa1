//! Purging, bandwidth, what the server refuses.

use std::time::Instant;

use kymo::sending::SendSettings;
use kymo_testkit::fault_proxy::{FaultProxy, Faults};
use kymo_testkit::kymo::wait_for;

use super::World;
use super::player::Player;

#[test]
fn what_is_purged_was_confirmed_before_and_goes_with_all_that_is_said_of_it() {
    let world = World::new();
    let proxy = FaultProxy::start(&format!("http://{}", world.address), 5, Faults::answer(503));
    let settings = SendSettings { purge_sent_sessions: true, ..world.settings_to(&proxy.url()) };
    let mut player = Player::start(world.path(), &settings);
    player.tell("log 2000");
    player.tell("close");
    wait_for("a failure", || (world.status().failures > 1).then_some(()));
    let fragments = world.sessions()[0].fragments.len();
    assert!(fragments > 2, "nothing was confirmed: all {fragments} are there");
    // The last answer to a fragment is lost: the server has it, and nobody knows.
    proxy.set(Faults { lost_answers: 50, ..Faults::none() });
    // And the one before, which a session goes on from after a loss of power.
    wait_for("all but the last two to be purged", || {
        (world.sessions()[0].fragments.len() == 2 && world.stored() >= 2000).then_some(())
    });
    assert!(world.sessions()[0].is_running);
    player.tell("log 10");
    player.close();
    proxy.set(Faults::none());
    let report = world.send(&settings);
    assert!(report.whole.len() == 1 && report.purged > 0, "{report:?}");
    let left: Vec<_> = std::fs::read_dir(world.files())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["prune.lock", "send.lock", "send-status.json"].contains(&name.as_str()))
        .collect();
    assert_eq!(left, [""; 0]);
    // No event is missing, and its end is there.
    let session = world.kymo.sessions().remove(0);
    assert_eq!(
        (&session["process"]["missing"], &session["state"]),
        (&0.into(), &"ended".into()),
        "{session}"
    );
    assert!(session["event_count"].as_u64().unwrap() >= 2010);
}

#[test]
fn sending_keeps_to_its_limit() {
    let world = World::new();
    let mut player = Player::start(world.path(), &SendSettings::default());
    player.tell("log 1500");
    player.close();
    let bytes: u64 = world.sessions()[0].fragments.iter().map(|one| one.bytes).sum();
    let settings = SendSettings { bytes_per_second: Some(bytes / 4), ..world.settings() };
    let started = Instant::now();
    let report = world.send(&settings);
    // It can only be slower. The first piece waits for nothing.
    assert!(started.elapsed().as_millis() >= 3_000, "{:?} for {bytes} bytes", started.elapsed());
    assert_eq!((report.bytes, report.whole.len()), (bytes, 1));
    world.check();
}

#[test]
fn a_token_that_may_not_send_and_an_address_of_nobody_are_said() {
    let world = World::new();
    let mut player = Player::start(world.path(), &SendSettings::default());
    player.tell("log 10");
    player.close();
    let token = kymo::sending::Secret::new(&world.kymo.read_token);
    let report = world.send(&SendSettings { token, ..world.settings() });
    let text = &report.failed[0].1;
    assert!(text.contains("POST http://127.0.0.1") && text.contains("expected 200, found 403"), "{text}");
    assert_eq!(world.status().last_failure.as_ref(), Some(text));
    let report = world.send(&SendSettings { server: Some("kymo.example".to_owned()), ..world.settings() });
    assert!(report.failed[0].1.contains("expected https://HOST"), "{report:?}");
    // A copy that was changed: the server has more than there is here.
    assert_eq!(world.send(&world.settings()).whole.len(), 1);
    let fragment = world.sessions()[0].fragments[0].path.clone();
    let file = std::fs::File::options().write(true).open(&fragment).unwrap();
    file.set_len(file.metadata().unwrap().len() - 5).unwrap();
    let report = world.send(&world.settings());
    assert!(report.whole.is_empty() && report.failed.is_empty(), "{report:?}");
    assert_eq!((report.short.len(), report.notes.len()), (1, 1), "{report:?}");
    assert!(report.notes[0].contains("bytes at the server, found"), "{report:?}");
}
