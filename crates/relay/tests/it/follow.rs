//! Following: from now, from the start, with a cursor, through cuts, by many at once.

use kymo_format::Header;
use kymo_format::live::{Command, Message, Role, header_payload};
use kymo_model::SessionId;
use kymo_relay::{Kept, Key, Limits, Relay};
use tokio::io::AsyncWriteExt;

use super::agent::{Agent, Doors, PROJECT, SESSION, greet, header, relay, relay_behind};
use super::viewer::Follower;

const KEY: Key = Key { project: PROJECT, session: SESSION };

fn from_to(first: u64, last: u64) -> Vec<u64> {
    (first..=last).collect()
}

/// An agent that is registered.
async fn registered(relay: &Relay) -> Agent {
    let agent = Agent::new(relay);
    agent.log(10);
    start(&agent).await;
    agent
}

async fn start(agent: &Agent) {
    let running = agent.clone();
    tokio::spawn(async move { running.run().await });
    let mut changes = agent.relay.changes();
    while agent.relay.live(KEY).is_none() {
        changes.changed().await.unwrap();
    }
}

#[tokio::test]
async fn from_now_on() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    let mut follower = Follower::open(&relay, None, false).await;
    assert!(follower.until(|follower| !follower.told.is_empty()).await);
    agent.log(5);
    assert!(follower.until(|follower| follower.last() == 15).await);
    // At once, and before the first byte.
    let opened = Message::Opened { channel: 1, first_sequence: 11 };
    assert_eq!(follower.told, [opened.clone(), opened]);
    // The frame that was being written comes whole; the cursor says what of it is new.
    assert_eq!(follower.sequences[follower.sequences.len() - 5..], from_to(11, 15));
    assert_eq!(relay.counted().missed, 0);
}

#[tokio::test]
async fn from_now_on_is_told_before_there_is_anything() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    start(&agent).await;
    let mut follower = Follower::open(&relay, None, false).await;
    assert!(follower.until(|follower| !follower.told.is_empty()).await);
    assert_eq!(follower.told, [Message::Opened { channel: 1, first_sequence: 1 }]);
}

#[tokio::test]
async fn from_the_start_through_the_end() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    agent.log(3000);
    let mut follower = Follower::open(&relay, None, true).await;
    assert!(follower.until(|follower| follower.last() == 3010).await);
    agent.log(1);
    agent.end();
    assert!(follower.until(|follower| follower.closed.is_some()).await);
    assert_eq!((follower.closed.clone(), &follower.sequences), (Some("normal".into()), &from_to(1, 3011)));
}

#[tokio::test]
async fn two_share_what_the_agent_sends_and_a_late_reader_of_old_lines_has_their_own() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    let mut first = Follower::open(&relay, Some(10), false).await;
    let mut second = Follower::open(&relay, Some(10), false).await;
    agent.log(100);
    for follower in [&mut first, &mut second] {
        assert!(follower.until(|follower| follower.last() == 110).await);
    }
    assert_eq!((relay.counted().follows, relay.counted().followers), (1, 2));
    // The first frame of this file is behind the place from which the two were fed.
    agent.log(2000);
    let mut late = Follower::open(&relay, Some(2100), false).await;
    assert!(late.until(|follower| follower.last() == 2110).await);
    assert_eq!(relay.counted().follows, 1);
    let mut early = Follower::open(&relay, None, true).await;
    assert!(early.until(|follower| follower.last() == 2110).await);
    assert_eq!(early.sequences, from_to(1, 2110));
}

#[tokio::test]
async fn who_comes_back_with_a_cursor_has_everything_once() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    let mut follower = Follower::open(&relay, None, true).await;
    assert!(follower.until(|follower| follower.last() == 10).await);
    let mut all = follower.sequences.clone();
    drop(follower);
    agent.log(500);
    let mut follower = Follower::open(&relay, Some(10), true).await;
    assert!(follower.until(|follower| follower.last() == 510).await);
    all.extend(follower.sequences.iter().filter(|sequence| **sequence > 10));
    assert_eq!(all, from_to(1, 510));
}

#[tokio::test]
async fn a_data_connection_that_breaks_is_gone_on_with() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    agent.log(1000);
    *agent.break_after.lock().unwrap() = Some(3000);
    let mut follower = Follower::open(&relay, None, true).await;
    assert!(follower.until(|follower| follower.last() == 1010).await);
    assert_eq!(follower.sequences, from_to(1, 1010));
    assert_eq!(relay.counted().follows, 2);
}

#[tokio::test]
async fn an_agent_that_goes_and_comes_back_is_gone_on_with() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    let mut follower = Follower::open(&relay, None, true).await;
    assert!(follower.until(|follower| follower.last() == 10).await);
    agent.cut();
    let mut changes = relay.changes();
    while relay.live(KEY).is_some() {
        changes.changed().await.unwrap();
    }
    agent.log(50);
    start(&agent).await;
    assert!(follower.until(|follower| follower.last() == 60).await);
    assert_eq!((follower.sequences, follower.missed), (from_to(1, 60), vec![]));
}

#[tokio::test]
async fn who_does_not_read_is_told_what_they_missed_and_holds_up_nobody() {
    let kept = Kept { memory: 8 << 10, file: 16 << 10 };
    let relay = relay(Limits { kept, ..Limits::default() });
    let agent = registered(&relay).await;
    let mut slow = Follower::open(&relay, Some(10), false).await;
    let mut quick = Follower::open(&relay, Some(10), false).await;
    assert!(slow.until(|follower| !follower.told.is_empty()).await);
    for _ in 0..400 {
        agent.log(50);
        let last = agent.last();
        assert!(quick.until(|follower| follower.last() == last).await);
    }
    let last = agent.last();
    assert!(slow.until(|follower| follower.last() == last).await);
    assert!(!slow.missed.is_empty());
    // What came and what was missed are everything, in order.
    let told: u64 = slow.missed.iter().map(|(first, last)| last - first + 1).sum();
    assert!(slow.sequences.len() as u64 + told >= last - 10, "{} {told}", slow.sequences.len());
    let missed = |sequence: &u64| slow.missed.iter().any(|(first, last)| (first..=last).contains(&sequence));
    assert!((11..=last).all(|sequence| slow.sequences.binary_search(&sequence).is_ok() || missed(&sequence)));
    let came: Vec<u64> = quick.sequences.iter().copied().filter(|sequence| *sequence > 10).collect();
    assert_eq!((came, quick.missed), (from_to(11, last), vec![]));
}

#[tokio::test]
async fn behind_what_is_in_memory_lies_a_file() {
    let kept = Kept { memory: 8 << 10, file: 64 << 20 };
    let relay = relay(Limits { kept, ..Limits::default() });
    let agent = registered(&relay).await;
    let mut slow = Follower::open(&relay, None, true).await;
    assert!(slow.until(|follower| !follower.told.is_empty()).await);
    let mut quick = Follower::open(&relay, None, true).await;
    for _ in 0..200 {
        agent.log(50);
        let last = agent.last();
        assert!(quick.until(|follower| follower.last() == last).await);
    }
    let last = agent.last();
    assert!(slow.until(|follower| follower.last() == last).await);
    assert_eq!((slow.sequences, slow.missed), (from_to(1, last), vec![]));
}

#[tokio::test]
async fn when_nobody_follows_any_more_the_agent_is_told_to_stop() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    let mut follower = Follower::open(&relay, None, true).await;
    assert!(follower.until(|follower| follower.last() == 10).await);
    follower.say(&Message::Close { channel: 1 }).await;
    let mut changes = relay.changes();
    while relay.counted().followers > 0 {
        changes.changed().await.unwrap();
    }
    while !agent.commands.lock().unwrap().contains(&Command::Stop) {
        tokio::task::yield_now().await;
    }
    assert_eq!(relay.live(KEY).unwrap().followers, 0);
}

#[tokio::test]
async fn the_list_changes_and_commands_are_answered() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    let mut viewer = Follower::connect(&relay, "commander").await;
    viewer.say(&Message::List { filter: String::new() }).await;
    assert!(viewer.until(|viewer| !viewer.told.is_empty()).await);
    assert_eq!(viewer.told, [Message::Session { session: SESSION, json: "{\"messages\":10}".into() }]);
    let command = Command::Verbosity { filter: "debug".into(), seconds: 60 };
    viewer.say(&Message::Ask { number: 5, session: SESSION, command: command.clone() }).await;
    let done = Message::Done { number: 5, hindered: None };
    assert!(viewer.until(|viewer| viewer.told.contains(&done)).await);
    assert!(agent.commands.lock().unwrap().contains(&command));
    agent.log(1);
    let changed = Message::Session { session: SESSION, json: "{\"messages\":11}".into() };
    assert!(viewer.until(|viewer| viewer.told.contains(&changed)).await);
    assert_eq!(relay.live(KEY).unwrap().clock_ahead_ns, Some(3_000_000_000));
    agent.end();
    agent.cut();
    let gone = Message::Gone { session: SESSION, reason: None };
    assert!(viewer.until(|viewer| viewer.told.contains(&gone)).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_closed_or_replaced_in_the_middle_of_a_message_is_written_to_its_end() {
    let relay = relay(Limits::default());
    let agent = registered(&relay).await;
    agent.log(1000);
    for say in [Message::Close { channel: 1 }, Message::List { filter: "none".into() }] {
        let mut viewer = Follower::connect_by(&relay, "viewer", 64).await;
        viewer.say(&Message::List { filter: String::new() }).await;
        viewer.say(&Message::Open { channel: 1, session: SESSION, after: None, from_start: true }).await;
        // The clock goes on once everybody waits: in the middle of a message, as nothing is read.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        viewer.say(&say).await;
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        viewer.say(&Message::Ping { at: kymo_model::Timestamp::from_unix_nanos(1) }).await;
        let has_answer =
            |viewer: &Follower| viewer.told.iter().any(|told| matches!(told, Message::Pong { .. }));
        assert!(viewer.until(has_answer).await, "{say:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_half_a_message_gets_nothing_behind_it() {
    let relay = relay(Limits { word_every: std::time::Duration::from_mins(10), ..Limits::default() });
    let agent = registered(&relay).await;
    agent.log(1000);
    let mut viewer = Follower::connect_by(&relay, "viewer", 64).await;
    viewer.say(&Message::Open { channel: 1, session: SESSION, after: None, from_start: true }).await;
    tokio::time::sleep(std::time::Duration::from_secs(40)).await;
    assert!(!viewer.until(|_| false).await, "it stays open");
    assert_eq!((relay.counted().silent, relay.counted().viewers), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_list_looks_at_nothing_but_what_changed() {
    const OTHERS: u128 = 50;
    let doors = Doors::default();
    let relay = relay_behind(&doors, Limits::default());
    let agent = registered(&relay).await;
    let mut others = Vec::new();
    for session in 1..=OTHERS {
        let header = Header { session: SessionId::from_u128(session), ..header() };
        let mut io = agent.connect();
        greet(&mut io, Role::Agent, "agent", None).await;
        let register = Message::Register { header: header_payload(&header).unwrap(), counts: agent.counts() };
        io.write_all(&register.bytes()).await.unwrap();
        others.push(io);
    }
    let all = OTHERS as usize + 1;
    while relay.sessions(PROJECT).len() < all {
        tokio::task::yield_now().await;
    }
    let mut viewer = Follower::connect(&relay, "viewer").await;
    viewer.say(&Message::List { filter: String::new() }).await;
    assert!(viewer.until(|viewer| viewer.told.len() == all).await);
    for round in 1..=10 {
        agent.log(1);
        assert!(viewer.until(|viewer| viewer.told.len() == all + round).await);
    }
    let filtered = doors.filtered.load(std::sync::atomic::Ordering::Relaxed);
    // Each once, then the one that changed; that its state came twice is possible.
    assert!((all + 10..all + 30).contains(&(filtered as usize)), "{filtered}");
    drop(others.pop());
    assert!(viewer.until(|viewer| viewer.told.len() == all + 11).await);
    let gone = Message::Gone { session: SessionId::from_u128(OTHERS), reason: None };
    assert_eq!(viewer.told.last(), Some(&gone));
}
