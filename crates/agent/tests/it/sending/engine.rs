//! The engine in a program that runs: what it sends, when, and what it does when something dies.

use kymo_testkit::fault_proxy::{FaultProxy, Faults};
use kymo_testkit::kymo::wait_for;

use super::World;
use super::player::Player;

#[test]
fn closed_fragments_go_while_it_runs_and_the_rest_with_the_next_start() {
    let world = World::new();
    let mut player = Player::start(world.path(), &world.settings());
    player.tell("log 2000");
    player.tell("close");
    // Everything but the fragment that was begun just now.
    wait_for("the closed fragments", || (world.stored() >= 2000).then_some(()));
    wait_for("the status", || (world.status().bytes_pending == 0).then_some(()));
    let status = world.status();
    assert!(status.is_elected && status.pid == player.child.id() && status.bytes_sent > 50_000, "{status:?}");
    assert!(status.last_success_at.is_some() && status.last_failure.is_none(), "{status:?}");
    player.tell("log 10");
    assert!(player.tell("end") < 2_000, "the end waits for nothing that is sent");
    player.close();
    assert!(!world.sessions()[0].sent.is_whole);
    // The next start of the program sends what was left over.
    let player = Player::start(world.path(), &world.settings());
    world.wait_until_sent();
    player.close();
    world.send(&world.settings());
    world.check();
}

#[test]
fn what_grows_goes_when_it_is_wished_and_the_rest_when_the_process_was_killed() {
    let world = World::new();
    let settings = kymo::sending::SendSettings { auto_send_sessions: false, ..world.settings() };
    let mut player = Player::start_with(world.path(), &settings, 20 << 20, &[]);
    player.tell("log 300");
    player.tell("error 7");
    assert_eq!(world.kymo.sessions().len(), 0, "nobody wished anything");
    player.tell("wish 0");
    wait_for("the session so far", || (world.stored() >= 301).then_some(()));
    wait_for("the wish to be gone", || world.sessions()[0].wish.is_none().then_some(()));
    // Nothing more is wished, so nothing more goes; then all of it, through its end.
    player.tell("log 300");
    let before = world.stored();
    player.tell("wish 1");
    wait_for("the session so far", || (world.stored() >= 601).then_some(()));
    assert!(before < 601 && world.sessions()[0].wish.as_ref().unwrap().through_end);
    player.tell_only("log 100000");
    wait_for("more of it", || (world.stored() >= 2_000).then_some(()));
    player.kill();
    // Whoever comes next recovers it and sends the rest, by the wish alone.
    let next = Player::start(world.path(), &settings);
    wait_for("the rest", || world.sessions()[0].sent.is_whole.then_some(()));
    wait_for("the wish to be gone", || world.sessions()[0].wish.is_none().then_some(()));
    next.close();
    assert_eq!(world.send(&settings).notes, [""; 0]);
    world.check();
}

#[test]
fn a_server_that_is_away_and_back_has_everything() {
    let mut world = World::new();
    world.kymo.kill();
    let mut player = Player::start(world.path(), &world.settings());
    player.tell("log 500");
    player.tell("close");
    wait_for("a failure", || world.status().last_failure.filter(|text| text.contains("expected an answer")));
    let status =
        wait_for("what is pending", || Some(world.status()).filter(|status| status.bytes_pending > 0));
    assert!(status.failures > 0 && status.next_try_at.is_some(), "{status:?}");
    assert!(player.tell("failures") > 0);
    world.start_server();
    wait_for("the fragment", || (world.stored() >= 500).then_some(()));
    wait_for("a good word", || (world.status().failures == 0).then_some(()));
    player.close();
    world.send(&world.settings());
    world.check();
}

#[test]
fn a_program_and_a_server_that_are_killed_in_the_middle_of_it_go_on_where_they_were() {
    let mut world = World::new();
    let proxy = FaultProxy::start(&format!("http://{}", world.address), 1, slow());
    let settings = world.settings_to(&proxy.url());
    let mut player = Player::start_with(world.path(), &settings, 8 << 20, &[]);
    player.tell("log 9000");
    player.tell("close");
    wait_for("a part of it", || (proxy.counts().bytes_up > 150_000).then_some(()));
    player.kill();
    let sent = proxy.counts().bytes_up;
    let mut player = Player::start_with(world.path(), &settings, 8 << 20, &[]);
    wait_for("more of it", || (proxy.counts().bytes_up > sent + 100_000).then_some(()));
    world.kymo.kill();
    world.start_server();
    proxy.set(Faults::none());
    player.tell("log 1");
    world.wait_until_sent();
    player.close();
    world.send(&world.settings());
    world.check();
    // Little was sent twice: pieces that were on their way.
    let files: u64 = world.sessions().iter().flat_map(|one| &one.fragments).map(|one| one.bytes).sum();
    let sent = proxy.counts().bytes_up;
    assert!(sent < files * 3 / 2 + 600_000, "{sent} bytes for {files}");
}

fn slow() -> Faults {
    Faults { bytes_per_second: Some(400_000), ..Faults::none() }
}

#[test]
fn the_end_of_a_program_does_not_wait_for_a_server_that_says_nothing() {
    let world = World::new();
    // It takes connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut player = Player::start(world.path(), &world.settings_to(&url));
    player.tell("log 500");
    let (_connection, _) = silent.accept().unwrap();
    let took = player.tell("end");
    // Its connections are closed, so it is far from its bound; this leaves room for a busy machine.
    assert!(took < 2_000, "{took} ms");
    player.close();
}
