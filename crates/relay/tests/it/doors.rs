//! Who does not come in, and what becomes of those who do not keep to the protocol.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kymo_format::live::{Command, MAGIC, Message, Refusal, Role};
use kymo_model::SessionId;
use kymo_relay::{Limits, Relay};
use kymo_testkit::Random;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::agent::{Agent, Doors, SESSION, greet, relay, relay_behind};
use super::viewer::Follower;

fn agent_port(relay: &Relay) -> DuplexStream {
    let (ours, theirs) = duplex(4096);
    let relay = relay.clone();
    tokio::spawn(async move { relay.agent_connection(theirs, None).await });
    ours
}

fn viewer_port(relay: &Relay) -> DuplexStream {
    let (ours, theirs) = duplex(4096);
    let relay = relay.clone();
    tokio::spawn(async move { relay.viewer_connection(theirs).await });
    ours
}

/// Why somebody is refused, whose connection then ends.
async fn refused(mut io: DuplexStream, role: Role, token: &str, key: Option<[u8; 16]>) -> (Refusal, u64) {
    let Some(Message::Refused { code, why, wait_ms }) = greet(&mut io, role, token, key).await else {
        panic!("expected to be refused")
    };
    assert!(!why.is_empty());
    assert_eq!(io.read(&mut [0; 16]).await.unwrap_or(0), 0, "it stays open");
    (code, wait_ms)
}

#[tokio::test]
async fn wrong_tokens_and_ports() {
    let relay = relay(Limits::default());
    let wait = 5 * 60 * 1000;
    assert_eq!(refused(agent_port(&relay), Role::Agent, "viewer", None).await, (Refusal::Unauthorized, wait));
    assert_eq!(refused(agent_port(&relay), Role::Agent, "off", None).await, (Refusal::Off, wait));
    assert_eq!(refused(viewer_port(&relay), Role::Viewer, "agent", None).await.0, Refusal::Unauthorized);
    assert_eq!(refused(agent_port(&relay), Role::Viewer, "viewer", None).await.0, Refusal::Unauthorized);
    assert_eq!(refused(viewer_port(&relay), Role::Agent, "agent", None).await.0, Refusal::Unauthorized);
    assert_eq!(refused(agent_port(&relay), Role::Data, "", Some([1; 16])).await.0, Refusal::Key);
    assert_eq!(refused(agent_port(&relay), Role::Data, "", None).await.0, Refusal::Key);
    assert_eq!(relay.counted().refused, 7);
}

#[tokio::test]
async fn no_more_than_there_may_be() {
    let relay = relay(Limits { agents: 1, viewers: 1, channels: 2, ..Limits::default() });
    let _agent = greet(&mut agent_port(&relay), Role::Agent, "agent", None).await;
    let mut first = agent_port(&relay);
    greet(&mut first, Role::Agent, "agent", None).await;
    assert_eq!(refused(agent_port(&relay), Role::Agent, "agent", None).await.0, Refusal::TooMany);
    let mut viewer = Follower::connect(&relay, "viewer").await;
    assert_eq!(refused(viewer_port(&relay), Role::Viewer, "viewer", None).await.0, Refusal::TooMany);
    for channel in [1, 1, 2, 3] {
        viewer.say(&Message::Open { channel, session: SESSION, after: Some(0), from_start: true }).await;
    }
    viewer.say(&Message::Ping { at: kymo_model::Timestamp::from_unix_nanos(1) }).await;
    assert!(viewer.until(|viewer| !viewer.told.is_empty()).await);
    assert_eq!(relay.counted().followers, 2);
}

#[tokio::test]
async fn sessions_of_other_projects_are_not_there() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(10);
    let running = agent.clone();
    tokio::spawn(async move { running.run().await });
    let mut changes = relay.changes();
    while relay.sessions(super::agent::PROJECT).is_empty() {
        changes.changed().await.unwrap();
    }
    let mut foreign = Follower::connect(&relay, "foreign").await;
    foreign.say(&Message::Open { channel: 1, session: SESSION, after: None, from_start: true }).await;
    assert!(foreign.until(|viewer| viewer.closed.is_some()).await);
    let command = Command::Roll;
    foreign.say(&Message::Ask { number: 1, session: SESSION, command }).await;
    let hindered = Some("the session does not run".to_owned());
    assert!(foreign.until(|viewer| !viewer.told.is_empty()).await);
    assert_eq!(foreign.told, [Message::Done { number: 1, hindered }]);
    let mut reader = Follower::connect(&relay, "viewer").await;
    reader.say(&Message::Ask { number: 2, session: SESSION, command: Command::Roll }).await;
    let hindered = Some("the token may not do this".to_owned());
    assert!(reader.until(|viewer| !viewer.told.is_empty()).await);
    assert_eq!(reader.told, [Message::Done { number: 2, hindered }]);
    assert!(agent.commands.lock().unwrap().is_empty());
    // What nobody knows is not waited for, but with a cursor it may be on its way back.
    reader
        .say(&Message::Open { channel: 9, session: SessionId::from_u128(1), after: None, from_start: false })
        .await;
    assert!(reader.until(|viewer| viewer.closed.is_some()).await);
}

/// Whatever comes, the connection ends or waits, and others go on.
#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(10);
    let running = agent.clone();
    tokio::spawn(async move { running.run().await });
    let mut follower = None;
    let mut changes = relay.changes();
    while follower.is_none() {
        if relay.sessions(super::agent::PROJECT).is_empty() {
            changes.changed().await.unwrap();
        } else {
            follower = Some(Follower::open(&relay, None, true).await);
        }
    }
    let mut follower = follower.unwrap();
    let mut random = Random::seeded(20_261_121);
    for round in 0..200 {
        let mut io = if round % 2 == 0 { agent_port(&relay) } else { viewer_port(&relay) };
        let mut bytes = if random.below(3) > 0 { MAGIC.to_vec() } else { Vec::new() };
        bytes.extend((0..random.below(200)).map(|_| random.number() as u8));
        let _ = io.write_all(&bytes).await;
        drop(io);
    }
    // An oversize hello, and one that is torn and left.
    let mut io = agent_port(&relay);
    io.write_all(&MAGIC).await.unwrap();
    io.write_all(&[1, 0xff, 0xff, 0x7f]).await.unwrap();
    assert_eq!(io.read(&mut [0; 16]).await.unwrap_or(0), 0);
    agent.log(5);
    assert!(follower.until(|follower| follower.last() == 15).await);
    assert!(relay.counted().broken > 0);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_let_go() {
    let relay = relay(Limits { word_every: Duration::from_secs(30), ..Limits::default() });
    // Nothing at all; a byte and no more; a hello and no register; a viewer that never pings.
    let mut silent = agent_port(&relay);
    let mut slow = agent_port(&relay);
    slow.write_all(&MAGIC[..1]).await.unwrap();
    let mut greeted = agent_port(&relay);
    greet(&mut greeted, Role::Agent, "agent", None).await;
    let mut viewer = viewer_port(&relay);
    greet(&mut viewer, Role::Viewer, "viewer", None).await;
    for io in [&mut silent, &mut slow, &mut greeted, &mut viewer] {
        assert_eq!(io.read(&mut [0; 16]).await.unwrap_or(0), 0);
    }
    assert_eq!((relay.counted().silent, relay.counted().agents, relay.counted().viewers), (4, 0, 0));
}

#[tokio::test]
async fn a_server_that_stops_tells_everybody_when_to_come_back() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    let running = agent.clone();
    let ended = tokio::spawn(async move { running.run().await });
    let mut changes = relay.changes();
    while relay.sessions(super::agent::PROJECT).is_empty() {
        changes.changed().await.unwrap();
    }
    let mut viewer = Follower::connect(&relay, "viewer").await;
    relay.stop(Duration::from_secs(20));
    ended.await.unwrap();
    assert!(!viewer.until(|_| false).await, "it stays open");
    assert!(
        matches!(viewer.told[..], [Message::Refused { code: Refusal::Stopping, .. }]),
        "{:?}",
        viewer.told
    );
}

#[tokio::test(start_paused = true)]
async fn whose_token_does_not_hold_any_more_is_let_go() {
    let doors = Doors::default();
    let relay = relay_behind(&doors, Limits::default());
    let agent = Agent::new(&relay);
    agent.log(10);
    let running = agent.clone();
    let ended = tokio::spawn(async move { running.run().await });
    let mut viewer = Follower::connect(&relay, "viewer").await;
    viewer.say(&Message::Open { channel: 1, session: SESSION, after: Some(0), from_start: true }).await;
    assert!(viewer.until(|viewer| viewer.last() == 10).await);
    let say = Message::Ping { at: kymo_model::Timestamp::from_unix_nanos(1) };
    // They stay for as long as it holds.
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(29)).await;
        agent.log(1);
        viewer.say(&say).await;
    }
    assert!(viewer.until(|viewer| viewer.last() == 20).await);
    doors.are_shut.store(true, Ordering::Relaxed);
    let shut = Instant::now();
    while relay.counted().agents + relay.counted().viewers > 0 && shut.elapsed() < Duration::from_mins(1) {
        tokio::time::sleep(Duration::from_secs(5)).await;
        agent.log(1);
    }
    // The data connection ends with the next that comes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counted = relay.counted();
    assert_eq!((counted.agents, counted.viewers, counted.followed, counted.refused), (0, 0, 0, 2));
    ended.await.unwrap();
    assert!(!viewer.until(|_| false).await, "it stays open");
    let last = viewer.told.last();
    assert!(matches!(last, Some(Message::Refused { code: Refusal::Unauthorized, .. })), "{last:?}");
}

#[tokio::test]
async fn who_comes_while_the_server_stops_is_told_another_time_each() {
    let relay = relay(Limits::default());
    relay.stop(Duration::from_secs(20));
    let mut waits = Vec::new();
    for _ in 0..10 {
        let (code, wait_ms) = refused(agent_port(&relay), Role::Agent, "agent", None).await;
        assert_eq!(code, Refusal::Stopping);
        waits.push(wait_ms);
        assert_eq!(refused(viewer_port(&relay), Role::Viewer, "viewer", None).await.0, Refusal::Stopping);
    }
    waits.sort_unstable();
    assert!(waits.windows(2).all(|two| two[1] - two[0] >= 500) && waits[9] < 20_000, "{waits:?}");
    assert!(waits[9] > 15_000, "{waits:?}");
}
