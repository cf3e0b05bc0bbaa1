//! A session that is followed at the real server while it runs.

mod tls;
mod viewer;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use kymo::sending::SendSettings;
use kymo_format::live::{Command, Decoder, MAGIC, Message, VERSION};
use kymo_model::{SessionId, Timestamp};
use kymo_testkit::Kymo;
use kymo_testkit::fault_proxy::{Counts, FaultProxy, Faults};
use kymo_testkit::kymo::{program, wait_for};
use tempfile::TempDir;

use self::viewer::{Followed, Signpost, Viewer, to_the_end};
use super::player::{FLUSH_MS, Player};
use crate::part;

const ON: [(&str, &str); 3] = [
    ("KYMO__LIVE__ENABLED", "true"),
    ("KYMO__LIVE__LISTEN_AGENTS", "127.0.0.1:0"),
    ("KYMO__LIVE__LISTEN_VIEWERS", "127.0.0.1:0"),
];

/// Short, so that nobody waits; the order of the real ones.
pub(crate) fn timing() -> kymo::testing::LiveTiming {
    kymo::testing::LiveTiming {
        look_every: Duration::from_millis(20),
        state_every: Duration::from_millis(20),
        back_off_first: Duration::from_millis(10),
        back_off_max: Duration::from_millis(100),
        off_wait: Duration::from_millis(100),
        // Followers get everything, on a slow machine, too.
        end_within: Duration::from_secs(30),
    }
}

/// A server with live on, and a folder of sessions.
struct World {
    kymo: Kymo,
    address: String,
    admin: String,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let (mut kymo, address) = Kymo::on_a_lasting_address(program());
        kymo.command(&["project", "set", "Shop", "live.enabled=true"]);
        let admin = kymo.command(&["token", "add", "--project", "Shop", "--scope", "admin"]);
        kymo.kill();
        kymo.start_on(&address, &ON);
        Self { kymo, address, admin, folder: TempDir::new().unwrap() }
    }

    fn restart(&mut self) {
        self.kymo.kill();
        self.kymo.start_on(&self.address, &ON);
    }

    fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// To the server itself. Nothing goes there but what is followed.
    fn settings(&self) -> SendSettings {
        self.settings_to(&format!("http://{}", self.address))
    }

    fn settings_to(&self, url: &str) -> SendSettings {
        SendSettings {
            server: Some(url.to_owned()),
            token: kymo::sending::Secret::new(&self.kymo.ingest_token),
            auto_send_sessions: false,
            auto_send_on_error: false,
            live: true,
            ..SendSettings::default()
        }
    }

    fn viewer(&self) -> Viewer {
        Viewer::connect(&self.kymo, &self.kymo.read_token)
    }

    fn port(&self) -> u16 {
        self.kymo.get("/api/v1/live")["agents"]["port"].as_u64().unwrap() as u16
    }
}

/// Every record of the session's file came, and nothing else.
fn check(followed: &Followed, world: &World, session: SessionId) {
    let sessions = part::sessions(world.path());
    let file = sessions.iter().find(|one| one.id() == session).unwrap();
    assert_eq!(followed.missed, []);
    assert_eq!(followed.records.len(), file.records.len());
    for (record, (sequence, text)) in file.records.iter().zip(&followed.records) {
        assert_eq!((record.sequence, &record.message()), (*sequence, text));
    }
}

/// Looks one after the other at which a proxy has nothing new to count.
const LOOKS_SETTLED: u32 = 10;

/// What went through a proxy, once it has nothing on its way any more.
fn settled(proxy: &FaultProxy) -> Counts {
    let (mut last, mut same) = (proxy.counts(), 0);
    wait_for("an end of what is in the proxy", || {
        let now = proxy.counts();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same >= LOOKS_SETTLED).then(|| last.clone())
    })
}

#[test]
fn it_is_followed_from_the_start_and_from_now_over_fragments_to_its_end() {
    let world = World::new();
    let mut player = Player::start(world.path(), &world.settings());
    player.tell("log 2000");
    player.tell("close");
    player.tell("log 300");
    let mut watcher = world.viewer();
    let session = watcher.find(&[]);
    let mut from_start = Followed::default();
    assert!(!from_start.follow(&mut watcher, session, true, |it| it.records.len() >= 2300).unwrap());
    assert_eq!(from_start.records.keys().next(), Some(&1));
    // Somebody else, from now on, while it goes on in other fragments.
    let later = to_the_end(world.viewer(), session, false, Followed::default());
    for _ in 0..3 {
        player.tell("log 700");
        player.tell("close");
    }
    // The first comes back, and has everything after what it had.
    let last = to_the_end(watcher, session, true, from_start);
    player.tell("log 200");
    player.tell("end");
    let (from_start, from_now) = (last.join().unwrap(), later.join().unwrap());
    check(&from_start, &world, session);
    assert_eq!(from_start.reason.as_deref(), Some("normal"));
    assert_eq!(from_now.reason.as_deref(), Some("normal"));
    assert_eq!(from_now.records.keys().next_back(), from_start.records.keys().next_back());
    let first = from_now.records.keys().next();
    assert!(first > Some(&2000), "in the fragment of then: {first:?}");
    player.close();
    assert_eq!(part::leftovers(world.path()), ["send-status.json"], "no lease stays");
}

#[test]
fn what_is_said_comes_at_once_while_somebody_follows() {
    let world = World::new();
    // By itself nothing would be written for ten minutes.
    let slow = (FLUSH_MS, "600000".to_owned());
    let mut player = Player::start_with(world.path(), &world.settings(), 1 << 20, &[slow]);
    let mut viewer = world.viewer();
    let session = viewer.find(&[]);
    player.tell("say 0");
    // One is said when the one before was seen: nothing but the recorder's haste brings it.
    let mut number = 0;
    let all = |it: &Followed| {
        if it.records.values().any(|text| *text == format!("number {number}")) {
            number += 1;
            player.tell(&format!("say {number}"));
        }
        number == 10
    };
    Followed::default().follow(&mut viewer, session, true, all).unwrap();
    player.close();
}

#[test]
fn restarts_of_the_server_and_the_program_and_cut_lines_cost_no_record() {
    let mut world = World::new();
    let proxy = FaultProxy::raw(&format!("127.0.0.1:{}", world.port()), 11, Faults::none());
    let post = Signpost::start(proxy.port(), false);
    let settings = world.settings_to(&post.url("127.0.0.1"));
    let mut player = Player::start(world.path(), &settings);
    let mut viewer = world.viewer();
    let first = viewer.find(&[]);
    let mut followed = Followed::default();
    player.tell("log 500");
    followed.follow(&mut viewer, first, true, |it| it.records.len() >= 500).unwrap();
    // Lines that are cut every few frames; with less than a frame at a time nobody would get on.
    proxy.set(Faults { cuts: 100, cut_after_bytes: Some(200_000..=400_000), ..Faults::none() });
    // Faults are for new lines; that of before may not have ended yet.
    proxy.cut_now();
    player.tell_only("log 12000");
    followed.follow(&mut viewer, first, true, |it| it.records.len() >= 12_500).unwrap();
    assert!(proxy.counts().cuts > 1, "{:?}", proxy.counts());
    proxy.set(Faults::none());
    // A server that is killed and comes back, at another port.
    world.restart();
    proxy.set_upstream(&format!("127.0.0.1:{}", world.port()));
    player.tell_only("log 1000");
    let mut viewer = world.viewer();
    assert_eq!(viewer.find(&[]), first);
    followed.follow(&mut viewer, first, true, |it| it.records.len() >= 13_500).unwrap();
    player.tell("end");
    player.close();
    // The program starts again: another session, whose end ends the follower as well.
    let mut player = Player::start(world.path(), &settings);
    let second = viewer.find(&[first]);
    player.tell("log 50");
    let mut next = Followed::default();
    next.follow(&mut viewer, second, true, |it| it.records.len() >= 50).unwrap();
    let to_the_end = to_the_end(viewer, second, true, next);
    player.tell("end");
    let next = to_the_end.join().unwrap();
    player.close();
    check(&next, &world, second);
    let sessions = part::sessions(world.path());
    let file = sessions.iter().find(|one| one.id() == first).unwrap();
    for (record, (sequence, text)) in file.records.iter().zip(&followed.records) {
        assert_eq!((record.sequence, &record.message()), (*sequence, text));
    }
}

#[test]
fn nothing_is_asked_or_connected_without_consent_and_a_no_ends_it() {
    let world = World::new();
    let proxy = FaultProxy::raw(&format!("127.0.0.1:{}", world.port()), 3, Faults::none());
    let post = Signpost::start(proxy.port(), false);
    let settings = SendSettings { consent_required: true, ..world.settings_to(&post.url("127.0.0.1")) };
    let mut player = Player::start(world.path(), &settings);
    player.tell("log 100");
    player.wait_for("live_held", 1);
    assert_eq!((post.asked(), proxy.counts().connections), (0, 0));
    player.tell("consent 1");
    let mut viewer = world.viewer();
    let session = viewer.find(&[]);
    let mut followed = Followed::default();
    followed.follow(&mut viewer, session, true, |it| it.records.len() >= 100).unwrap();
    player.wait_for("live_connected", 1);
    // While it is followed.
    let after = followed.records.keys().next_back().copied();
    let open = Message::Open { channel: 2, session, after, from_start: false };
    viewer.say(&open);
    player.wait_for("live_follows", 1);
    player.tell("consent 0");
    player.wait_for("live_held", 1);
    player.wait_for("live_follows", 0);
    player.wait_for("live_connected", 0);
    let counts = settled(&proxy);
    let asked = post.asked();
    player.tell("log 100");
    player.wait_for("live_looks 10", 1);
    let after = settled(&proxy);
    assert_eq!(
        (post.asked(), after.connections, after.bytes_up),
        (asked, counts.connections, counts.bytes_up)
    );
    player.close();
    assert_eq!(settled(&proxy).bytes_up, counts.bytes_up, "nor does its end");
}

/// A server that the test plays, and settings that lead there.
fn played(consent_required: bool) -> (TcpListener, Signpost, SendSettings) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let post = Signpost::start(listener.local_addr().unwrap().port(), false);
    let settings = SendSettings {
        server: Some(post.url("127.0.0.1")),
        token: kymo::sending::Secret::new("kymo_of_nobody"),
        auto_send_sessions: false,
        auto_send_on_error: false,
        live: true,
        consent_required,
        ..SendSettings::default()
    };
    (listener, post, settings)
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (connection, _) = wait_for("a connection", || listener.accept().ok());
    connection.set_nonblocking(false).unwrap();
    // What never comes fails the test.
    connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    connection
}

fn welcome() -> Vec<u8> {
    let at = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
    Message::Welcome { version: VERSION, word_every_s: 3600, at }.bytes()
}

/// What is looked for in what the agent says; `None` at the end of the connection.
fn said<T>(
    connection: &mut TcpStream,
    decoder: &mut Decoder,
    wanted: impl Fn(Message) -> Option<T>,
) -> Option<T> {
    let mut room = [0; 4096];
    loop {
        while let Some(message) = decoder.next().unwrap() {
            if matches!(message, Message::Hello(_)) {
                decoder.greeted();
            }
            if let Some(found) = wanted(message) {
                return Some(found);
            }
        }
        match connection.read(&mut room) {
            Ok(0) | Err(_) => return None,
            Ok(count) => decoder.feed(&room[..count]),
        }
    }
}

#[test]
fn a_no_before_the_welcome_keeps_the_session_here() {
    let (folder, (listener, _post, settings)) = (TempDir::new().unwrap(), played(true));
    let mut player = Player::start(folder.path(), &settings);
    player.tell("consent 1");
    let mut agent = accept(&listener);
    // The server takes its time; meanwhile there is a no.
    let mut said = vec![0; MAGIC.len()];
    agent.read_exact(&mut said).unwrap();
    player.tell("consent 0");
    // It may be gone by now.
    let _ = agent.write_all(&welcome());
    player.wait_for("live_held", 1);
    // To the end, or to its being cut off.
    let _ = agent.read_to_end(&mut said);
    let mut decoder = Decoder::of_client();
    decoder.feed(&said);
    assert!(matches!(decoder.next().unwrap(), Some(Message::Hello(_))));
    assert_eq!(decoder.next().unwrap(), None, "nothing of the session");
    player.close();
}

#[test]
fn what_is_followed_under_a_number_is_not_followed_again() {
    let (folder, (listener, _post, settings)) = (TempDir::new().unwrap(), played(false));
    let mut player = Player::start(folder.path(), &settings);
    // Should it come before the session has a file, it comes again.
    let (mut control, mut decoder) = std::iter::repeat_with(|| {
        let (mut control, mut decoder) = (accept(&listener), Decoder::of_client());
        control.write_all(&welcome()).unwrap();
        said(&mut control, &mut decoder, |it| matches!(it, Message::Register { .. }).then_some(()))
            .map(|()| (control, decoder))
    })
    .find_map(|found| found)
    .unwrap();
    let follow = Message::Command { number: 1, command: Command::Follow { after: 0, key: [7; 16] } };
    control.write_all(&follow.bytes()).unwrap();
    let mut data = accept(&listener);
    data.write_all(&welcome()).unwrap();
    control.write_all(&follow.bytes()).unwrap();
    let hindered = said(&mut control, &mut decoder, |it| match it {
        Message::Done { number: 1, hindered } => hindered,
        _ => None,
    });
    let hindered = hindered.expect("an answer");
    assert!(hindered.contains("not in use"), "{hindered}");
    assert_eq!(player.tell("live_follows"), 1);
    drop((control, data));
    player.close();
}

#[test]
fn what_somebody_asks_of_it_is_done_and_answered() {
    let world = World::new();
    let mut player = Player::start(world.path(), &world.settings());
    let mut viewer = Viewer::connect(&world.kymo, &world.admin);
    let session = viewer.find(&[]);
    player.tell("log 10");
    assert_eq!(world.kymo.sessions().len(), 0);
    assert_eq!(viewer.ask(session, Command::SendNow), None);
    wait_for("the session so far", || (world.kymo.sessions().len() == 1).then_some(()));
    assert_eq!(player.tell("fragment"), 1);
    assert_eq!(viewer.ask(session, Command::Roll), None);
    assert_eq!(player.tell("fragment"), 2);
    assert_eq!(player.tell("debug"), 0, "it is not recorded");
    let raise = |filter: &str, seconds| Command::Verbosity { filter: filter.to_owned(), seconds };
    assert_eq!(viewer.ask(session, raise("debug", 3600)), None);
    assert_eq!(player.tell("debug"), 1);
    assert_eq!(viewer.ask(session, raise("trace", 1)), None);
    player.wait_for("debug", 0);
    let hindered = viewer.ask(session, raise("inof", 60)).unwrap();
    assert!(hindered.contains("did you mean info"), "{hindered}");
    assert!(viewer.ask(session, raise("info", 100_000)).unwrap().contains("at most 86400"));
    player.close();
}
