//! Data connections and control connections that do not end together, step by step.

use std::time::Duration;

use kymo_format::live::{Command, Decoder, Message, Role, header_payload};
use kymo_relay::{Key, Limits, Relay, Subscription, Told};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, timeout};

use super::agent::{Agent, PROJECT, SESSION, greet, header, relay};
use super::viewer::Follower;

const KEY: Key = Key { project: PROJECT, session: SESSION };

/// A control connection of which the test says each word.
struct Control {
    io: DuplexStream,
    decoder: Decoder,
}

fn port(relay: &Relay) -> DuplexStream {
    let (ours, theirs) = duplex(1 << 20);
    let relay = relay.clone();
    tokio::spawn(async move { relay.agent_connection(theirs, None).await });
    ours
}

impl Control {
    async fn register(agent: &Agent) -> Self {
        let mut io = port(&agent.relay);
        greet(&mut io, Role::Agent, "agent", None).await;
        let header = header_payload(&header()).unwrap();
        io.write_all(&Message::Register { header, counts: agent.counts() }.bytes()).await.unwrap();
        let mut decoder = Decoder::of_server();
        decoder.greeted();
        let mut control = Self { io, decoder };
        // The first thing the server says is about the clock: then it is registered.
        assert!(matches!(control.next().await, Message::Ping { .. } | Message::Command { .. }));
        control
    }

    async fn say(&mut self, message: &Message) {
        self.io.write_all(&message.bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Message {
        loop {
            if let Some(message) = self.decoder.next().unwrap() {
                return message;
            }
            let mut buffer = [0; 4096];
            let count = self.io.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the server let it go");
            self.decoder.feed(&buffer[..count]);
        }
    }

    async fn command(&mut self) -> (u64, Command) {
        loop {
            if let Message::Command { number, command } = self.next().await {
                return (number, command);
            }
        }
    }

    /// The key and the sequence of the next follow.
    async fn follow(&mut self) -> ([u8; 16], u64) {
        loop {
            if let (_, Command::Follow { after, key }) = self.command().await {
                return (key, after);
            }
        }
    }
}

/// A data connection.
async fn data(relay: &Relay, key: [u8; 16]) -> DuplexStream {
    let mut io = port(relay);
    let welcome = greet(&mut io, Role::Data, "", Some(key)).await;
    assert!(matches!(welcome, Some(Message::Welcome { .. })), "{welcome:?}");
    io
}

/// A data connection that is used and closed at once.
async fn nothing(relay: &Relay, key: [u8; 16]) {
    drop(data(relay, key).await);
}

async fn away(relay: &Relay) {
    let mut changes = relay.changes();
    while relay.live(KEY).is_some() {
        changes.changed().await.unwrap();
    }
}

/// How the session ended, for one who takes everything.
async fn closed(subscription: &mut Subscription) -> Option<String> {
    loop {
        if let Told::Closed { reason, .. } = subscription.next().await {
            return reason;
        }
    }
}

#[tokio::test]
async fn the_last_records_may_come_after_the_control_connection_has_ended() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    let mut control = Control::register(&agent).await;
    let mut follower = Follower::open(&relay, None, true).await;
    let (key, after) = control.follow().await;
    assert_eq!(after, 0);
    let mut data = data(&relay, key).await;
    let begin = agent.bytes();
    data.write_all(&begin).await.unwrap();
    assert!(follower.until(|follower| follower.last() == 1000).await);
    agent.log(500);
    agent.end();
    control.say(&Message::Ended { reason: "normal".into(), last_sequence: 1500 }).await;
    drop(control);
    away(&relay).await;
    // Followers look again by now.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    data.write_all(&agent.bytes()[begin.len()..]).await.unwrap();
    drop(data);
    assert!(follower.until(|follower| follower.closed.is_some()).await);
    assert_eq!((follower.closed.as_deref(), follower.last()), (Some("normal"), 1500));
}

#[tokio::test(start_paused = true)]
async fn who_never_brings_the_data_is_not_waited_for_once_it_has_gone() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    let mut control = Control::register(&agent).await;
    let mut subscription = relay.subscribe(KEY, Some(0));
    control.follow().await;
    control.say(&Message::Ended { reason: "normal".into(), last_sequence: 1000 }).await;
    drop(control);
    away(&relay).await;
    let reason = timeout(Duration::from_mins(1), closed(&mut subscription)).await;
    assert_eq!(reason.expect("it is told"), Some("normal".into()));
}

#[tokio::test]
async fn whoever_comes_when_there_are_no_more_runs_has_a_place_in_the_last() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    (0..20).for_each(|_| agent.log(50));
    let running = agent.clone();
    tokio::spawn(async move { running.run().await });
    let mut changes = relay.changes();
    while relay.live(KEY).is_none() {
        changes.changed().await.unwrap();
    }
    let _others = [900, 800, 700, 600].map(|after| relay.subscribe(KEY, Some(after)));
    let mut late = Follower::open(&relay, None, true).await;
    assert!(late.until(|follower| follower.last() == 1000).await);
    assert_eq!(late.sequences, (1..=1000).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_after_the_end_is_told_of_it() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    let mut control = Control::register(&agent).await;
    control.say(&Message::Ended { reason: "normal".into(), last_sequence: 1000 }).await;
    drop(control);
    away(&relay).await;
    // Who has everything is told at once, who lacks some of it once nobody brings that any more.
    for after in [1000, 10] {
        let mut subscription = relay.subscribe(KEY, Some(after));
        let before = Instant::now();
        assert_eq!(closed(&mut subscription).await, Some("normal".into()), "after {after}");
        assert_eq!(before.elapsed() < Duration::from_secs(1), after == 1000);
    }
    // Of one that was never here nothing is known: it may come back, and is not waited for for ever.
    let stranger = Key { session: kymo_model::SessionId::from_u128(77), ..KEY };
    let mut subscription = relay.subscribe(stranger, Some(10));
    let reason = timeout(Duration::from_hours(1), closed(&mut subscription)).await;
    assert_eq!(reason.expect("it is told"), None);
}

/// The line is gone, and nobody said so: the data connection stays open, and nothing comes.
#[tokio::test(start_paused = true)]
async fn a_half_open_data_connection_is_not_waited_for() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    let mut control = Control::register(&agent).await;
    let mut follower = Follower::open(&relay, None, true).await;
    let dead = data(&relay, control.follow().await.0).await;
    let again = timeout(Duration::from_mins(1), control.follow()).await;
    let mut alive = data(&relay, again.expect("it is asked again").0).await;
    alive.write_all(&agent.bytes()).await.unwrap();
    assert!(follower.until(|follower| follower.last() == 1000).await);
    assert_eq!((relay.counted().follows, relay.counted().followed, relay.counted().silent), (2, 1, 1));
    // Where everything came, a line may be still for as long as it likes.
    let _stays = relay.subscribe(KEY, Some(0));
    for _ in 0..20 {
        control.say(&Message::Ping { at: kymo_model::Timestamp::from_unix_nanos(1) }).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert_eq!((relay.counted().follows, relay.counted().followed), (2, 1));
    drop(dead);
}

#[tokio::test]
async fn who_registers_again_is_asked_again_and_what_comes_by_the_line_before_is_not_taken() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    let mut control = Control::register(&agent).await;
    let mut follower = Follower::open(&relay, None, true).await;
    let mut before = data(&relay, control.follow().await.0).await;
    let begin = agent.bytes();
    before.write_all(&begin).await.unwrap();
    assert!(follower.until(|follower| follower.last() == 1000).await);
    agent.log(500);
    let mut control = Control::register(&agent).await;
    let (key, after) = control.follow().await;
    assert_eq!(after, 1000);
    let mut after = data(&relay, key).await;
    before.write_all(&agent.bytes()[begin.len()..]).await.unwrap();
    assert_eq!(before.read(&mut [0; 1]).await.unwrap_or(0), 0, "it stays open");
    after.write_all(&agent.bytes()).await.unwrap();
    assert!(follower.until(|follower| follower.last() == 1500).await);
    assert_eq!((relay.counted().records, relay.counted().followed), (1000 + 500 + 1500, 1));
}

/// Its beginning is there twice then, and the second time without what the agent will not send again.
#[tokio::test(start_paused = true)]
async fn where_the_line_breaks_within_a_frame_that_comes_again_nobody_begins_there() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(20);
    let cut = agent.bytes().len();
    agent.log(40);
    let mut control = Control::register(&agent).await;
    let mut first = relay.subscribe(KEY, Some(0));
    for length in [agent.bytes().len(), cut] {
        let (key, _) = control.follow().await;
        let mut broken = data(&relay, key).await;
        broken.write_all(&agent.bytes()[..length]).await.unwrap();
        drop(broken);
    }
    assert_eq!(control.follow().await.1, 60);
    assert_eq!(first.next().await, Told::Opened { first_sequence: 1 });
    let mut second = Follower::open(&relay, Some(20), true).await;
    let has_all = timeout(Duration::from_mins(1), second.until(|follower| follower.last() == 60));
    assert!(has_all.await.expect("nothing is missing"));
    assert_eq!((second.sequences.len(), relay.counted().follows), (60, 2));
}

#[tokio::test(start_paused = true)]
async fn what_hinders_a_follow_answers_no_command() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    let mut control = Control::register(&agent).await;
    let mut follows = Vec::new();
    for after in [20, 10, 0] {
        follows.push(relay.subscribe(KEY, Some(after)));
    }
    let mut numbers = Vec::new();
    for _ in 0..3 {
        numbers.push(control.command().await.0);
    }
    let mut asked = Vec::new();
    for _ in 0..5 {
        let relay = relay.clone();
        asked.push(tokio::spawn(async move { relay.command(KEY, Command::Roll).await }));
        numbers.push(control.command().await.0);
    }
    let hindered = |number: &u64| Message::Done { number: *number, hindered: Some("no".into()) };
    for number in &numbers[..3] {
        control.say(&hindered(number)).await;
    }
    for number in &numbers[3..] {
        control.say(&Message::Done { number: *number, hindered: None }).await;
    }
    for answer in asked {
        assert_eq!(answer.await.unwrap(), Ok(()));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn who_follows_from_now_does_not_wait_for_a_reader_of_old_lines() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(12_000);
    let mut control = Control::register(&agent).await;
    let _old = relay.subscribe(KEY, Some(0));
    assert_eq!(control.follow().await.1, 0);
    let _now = relay.subscribe(KEY, None);
    let asked = timeout(Duration::from_mins(1), control.follow()).await;
    assert_eq!(asked.expect("a run of its own").1, 12_000);
    // Nobody has more than there is.
    let beyond = relay.subscribe(KEY, Some(u64::MAX));
    assert_eq!(beyond.reached(), (12_000, 12_000));
}

#[tokio::test]
async fn a_long_header_comes_in_messages_that_are_as_long_as_they_may_be() {
    let relay = relay(Limits::default());
    let header = kymo_format::Header { agent: "long ".repeat(30_000), ..header() };
    let agent = Agent::of(&relay, &header);
    agent.log(10);
    let mut control = Control::register(&agent).await;
    let mut follower = Follower::open(&relay, None, true).await;
    let mut data = data(&relay, control.follow().await.0).await;
    data.write_all(&agent.bytes()).await.unwrap();
    assert!(follower.until(|follower| follower.last() == 10).await);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_brings_nothing_is_asked_again_after_longer_and_longer_pauses() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    let mut control = Control::register(&agent).await;
    let mut follower = Follower::open(&relay, None, true).await;
    let mut pauses = Vec::new();
    for round in 0..12 {
        let asked = Instant::now();
        let (number, key) = loop {
            if let (number, Command::Follow { key, .. }) = control.command().await {
                break (number, key);
            }
        };
        pauses.push(asked.elapsed().as_millis() as u64);
        match round {
            0..=8 => nothing(&relay, key).await,
            _ => control.say(&Message::Done { number, hindered: Some("no".into()) }).await,
        }
        // A word of the agent is no reason to ask at once.
        control.say(&Message::State(agent.counts())).await;
    }
    let whole = |pause: &u64| pause.next_multiple_of(10) / 100;
    let pauses: Vec<u64> = pauses.iter().map(whole).collect();
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 100, 100, 100, 100]);
    // Once something came, it is asked again at once.
    let mut some = data(&relay, control.follow().await.0).await;
    some.write_all(&agent.bytes()).await.unwrap();
    assert!(follower.until(|follower| follower.last() == 1000).await);
    agent.log(1);
    let asked = Instant::now();
    drop(some);
    assert_eq!(control.follow().await.1, 1000);
    assert!(asked.elapsed() < Duration::from_millis(50));
}

/// The program is cut off when it has said that it ended, and comes back to bring the rest.
#[tokio::test(start_paused = true)]
async fn who_ended_may_come_back_within_ten_seconds_with_the_rest() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    agent.end();
    let mut control = Control::register(&agent).await;
    let mut follower = Follower::open(&relay, None, true).await;
    let (key, _) = control.follow().await;
    let ended = Message::Ended { reason: "normal".into(), last_sequence: 1000 };
    control.say(&ended).await;
    nothing(&relay, key).await;
    drop(control);
    away(&relay).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let mut control = Control::register(&agent).await;
    control.say(&ended).await;
    let mut data = data(&relay, control.follow().await.0).await;
    data.write_all(&agent.bytes()).await.unwrap();
    drop(data);
    assert!(follower.until(|follower| follower.closed.is_some()).await);
    assert_eq!((follower.closed.as_deref(), follower.last()), (Some("normal"), 1000));
}

#[tokio::test(start_paused = true)]
async fn data_of_an_agent_that_has_long_gone_are_not_taken() {
    let relay = relay(Limits::default());
    let agent = Agent::new(&relay);
    agent.log(1000);
    let mut control = Control::register(&agent).await;
    let _follower = relay.subscribe(KEY, Some(0));
    let mut data = data(&relay, control.follow().await.0).await;
    drop(control);
    away(&relay).await;
    let gone = Instant::now();
    let mut sent = 0;
    // It never is silent for long.
    while relay.counted().followed > 0 && gone.elapsed() < Duration::from_mins(5) {
        agent.log(1);
        let bytes = agent.bytes();
        // It is closed between two looks.
        let _ = data.write_all(&bytes[sent..]).await;
        sent = bytes.len();
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(
        gone.elapsed().as_secs(),
        110,
        "three times as long as a word may be missing, and until the next piece"
    );
}
