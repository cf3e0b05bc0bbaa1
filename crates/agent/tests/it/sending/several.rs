//! Several processes: one sends for all, another takes over, and two that race are no harm.

use std::sync::Barrier;

use kymo::sending::{Criteria, SendReason, SendSettings, select, send_now};
use kymo_testkit::fault_proxy::{FaultProxy, Faults};
use kymo_testkit::kymo::wait_for;

use super::World;
use super::player::Player;

#[test]
fn one_sends_for_all_and_another_takes_over_when_it_dies() {
    let world = World::new();
    let settings = world.settings();
    let mut first = Player::start(world.path(), &settings);
    first.wait_for("elected", 1);
    let mut second = Player::start(world.path(), &settings);
    second.tell("log 400");
    second.tell("close");
    wait_for("the first to send what is the second's", || (world.stored() >= 400).then_some(()));
    assert_eq!((first.tell("elected"), second.tell("elected")), (1, 0));
    assert_eq!(world.status().pid, first.child.id());
    first.tell("log 10");
    first.kill();
    second.wait_for("elected", 1);
    // What the first left is recovered and sent by the second.
    world.wait_until_sent();
    assert_eq!(world.sessions().iter().filter(|one| one.sent.is_whole).count(), 1);
    second.close();
    world.send(&settings);
    world.check();
}

#[test]
fn two_that_race_and_a_third_that_is_killed_send_everything_once() {
    let world = World::new();
    // Recorded without a server.
    let mut player = Player::start_with(world.path(), &SendSettings::default(), 256 * 1024, &[]);
    player.tell("log 6000");
    player.close();
    let proxy = FaultProxy::start(&format!("http://{}", world.address), 3, Faults::none());
    let settings = world.settings_to(&proxy.url());
    let barrier = Barrier::new(3);
    let folders = [world.files()];
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                barrier.wait();
                let mut never = |_| {};
                let report =
                    send_now(&folders, &settings, Criteria::ALL, SendReason::Rule, &mut never, &|| false);
                let is_well = report.failed.is_empty() && report.notes.is_empty();
                assert!(!report.whole.is_empty() && is_well, "{report:?}");
            });
        }
        barrier.wait();
        Player::start(world.path(), &settings).kill();
    });
    world.send(&settings);
    world.check();
}

#[test]
fn one_sends_for_all_applications_of_the_product_where_that_is_said() {
    let world = World::new();
    // Another application of the same product, whose program does not run any more.
    let mut player = Player::start(world.path(), &SendSettings::default());
    player.tell("log 50");
    player.close();
    let office = world.files().with_file_name("office");
    std::fs::rename(world.files(), &office).unwrap();
    let player = Player::start(world.path(), &world.settings());
    wait_for("its own", || (world.kymo.sessions().len() == 1).then_some(()));
    assert!(!select(&office, Criteria::ALL).unwrap()[0].sent.is_whole);
    player.close();
    let all = SendSettings { send_all_applications: true, ..world.settings() };
    let player = Player::start(world.path(), &all);
    wait_for("the other's", || select(&office, Criteria::ALL).unwrap()[0].sent.is_whole.then_some(()));
    let status = || kymo::sending::SendStatus::read(world.files().parent().unwrap());
    wait_for("its word", || (status().pid == player.child.id()).then_some(()));
    player.close();
}
