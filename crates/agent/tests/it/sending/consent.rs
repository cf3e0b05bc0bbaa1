//! Nothing leaves before a person said yes, or after a no.

use kymo::sending::SendSettings;
use kymo_testkit::fault_proxy::{FaultProxy, Faults};
use kymo_testkit::kymo::wait_for;

use super::World;
use super::player::Player;

#[test]
fn nothing_leaves_without_consent_and_a_no_is_kept_within_a_moment() {
    let world = World::new();
    let proxy = FaultProxy::start(&format!("http://{}", world.address), 7, Faults::none());
    let settings = SendSettings { consent_required: true, ..world.settings_to(&proxy.url()) };
    let mut player = Player::start(world.path(), &settings);
    player.tell("log 500");
    player.tell("close");
    player.tell("wish 1");
    wait_for("the word that it is held", || world.status().is_held.then_some(()));
    assert_eq!(proxy.counts().connections, 0);
    player.tell("consent 1");
    wait_for("the fragment", || (world.stored() >= 500).then_some(()));
    // A slow line, so that the no comes in the middle.
    proxy.set(Faults { bytes_per_second: Some(200_000), ..Faults::none() });
    player.tell_only("log 20000");
    let sent = proxy.counts().bytes_up;
    wait_for("some of it", || (proxy.counts().bytes_up > sent + 100_000).then_some(()));
    player.tell("consent 0");
    wait_for("the word that it is held", || world.status().is_held.then_some(()));
    let connections = proxy.counts().connections;
    let stored = world.stored();
    player.tell("log 500");
    player.tell("close");
    player.tell("wish 1");
    // Passes go on, and send nothing.
    for _ in 0..3 {
        player.tell("log 10");
        player.tell("close");
    }
    assert_eq!((proxy.counts().connections, world.stored()), (connections, stored));
    // A person's own word goes beyond it.
    proxy.set(Faults::none());
    player.tell("wish_by_hand");
    wait_for("all of it", || (world.stored() > stored + 10_000).then_some(()));
    player.close();
}
