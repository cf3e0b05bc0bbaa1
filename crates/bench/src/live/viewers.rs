//! Those who look on: each decodes what comes, and knows what it has.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use kymo_format::live::{Message, Role};
use kymo_format::{Item, Reader};
use kymo_model::{SessionId, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::line::{Line, Port, Wire};
use super::tally::{Tally, now_ns};
use super::tape::{Player, Tape};
use crate::process::usage;

/// What came late at the end of a run is waited for so long.
const REST_WITHIN: Duration = Duration::from_secs(15);
/// Everybody is there within that.
const THERE_WITHIN: Duration = Duration::from_mins(1);

/// So many sessions, each with so many viewers.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub(super) sessions: u64,
    pub(super) viewers: u64,
    pub(super) per_second: u64,
    pub(super) time: Duration,
    /// Viewers of the first session that open it and never read.
    pub(super) stalled: u64,
}

impl Scene {
    pub(super) fn receivers(self) -> u64 {
        self.sessions * self.viewers
    }
}

/// What came of it.
pub(super) struct Played {
    pub(super) tally: Tally,
    pub(super) server_cpu_seconds: f64,
    /// On the data connection of a session, for each message.
    pub(super) bytes_per_message: f64,
}

impl Played {
    pub(super) fn us_per_delivery(&self) -> f64 {
        self.server_cpu_seconds * 1e6 / self.tally.arrived.max(1) as f64
    }
}

/// Where agents and viewers connect, and by which tokens.
pub(super) struct Stage<'run> {
    pub(super) agents: &'run Port,
    pub(super) viewers: &'run Port,
    pub(super) ingest_token: &'run str,
    pub(super) read_token: &'run str,
    pub(super) server: u32,
}

impl Stage<'_> {
    pub(super) async fn play(&self, scene: Scene) -> anyhow::Result<Played> {
        let tape = Tape::new();
        let player = Player {
            port: self.agents.clone(),
            token: self.ingest_token.to_owned(),
            tape: Arc::clone(&tape),
            control: Arc::default(),
            data: Arc::default(),
        };
        let mut agents = JoinSet::new();
        let (sender, mut registered) = mpsc::channel(64);
        for session in 1..=scene.sessions {
            agents.spawn(player.clone().run(u128::from(session), sender.clone()));
        }
        drop(sender);
        within("programs", scene.sessions, &mut registered).await?;
        let (ends, end) = watch::channel(u64::MAX);
        let (sender, mut opened) = mpsc::channel(64);
        let mut receivers = JoinSet::new();
        for viewer in 0..scene.receivers() {
            let session = viewer % scene.sessions + 1;
            let line = self.open(session).await?;
            receivers.spawn(receive(line, end.clone(), sender.clone()));
        }
        drop(sender);
        within("viewers", scene.receivers(), &mut opened).await?;
        let mut stalled = Vec::new();
        for _ in 0..scene.stalled {
            stalled.push(self.open(1).await?);
        }
        let before = usage(self.server)?.cpu_seconds;
        let (count, bytes) = tape.play(scene.per_second, scene.time).await?;
        // Who has everything is done; of the others it is known what they lack.
        let _ = ends.send(count);
        let mut tally = Tally::default();
        while let Some(received) = receivers.join_next().await {
            tally.add(&received??, count);
        }
        let server_cpu_seconds = usage(self.server)?.cpu_seconds - before;
        agents.abort_all();
        while agents.join_next().await.is_some() {}
        Ok(Played { tally, server_cpu_seconds, bytes_per_message: bytes as f64 / count as f64 })
    }

    async fn open(&self, session: u64) -> anyhow::Result<Line> {
        let wire = Arc::<Wire>::default();
        let mut line = Line::open(self.viewers, Role::Viewer, self.read_token, None, &wire).await?;
        let session = SessionId::from_u128(u128::from(session));
        line.say(&Message::Open { channel: 1, session, after: Some(0), from_start: true }).await?;
        line.say(&Message::Ping { at: Timestamp::from_unix_nanos(now_ns()) }).await?;
        Ok(line)
    }
}

async fn within(who: &str, count: u64, came: &mut mpsc::Receiver<()>) -> anyhow::Result<()> {
    let all = async {
        for number in 0..count {
            came.recv().await.with_context(|| format!("{number} of {count} {who} came"))?;
        }
        Ok(())
    };
    tokio::time::timeout(THERE_WITHIN, all)
        .await
        .with_context(|| format!("{who} that come within a minute"))?
}

/// Takes what comes until it is everything, or nothing more comes.
async fn receive(
    mut line: Line,
    mut end: watch::Receiver<u64>,
    opened: mpsc::Sender<()>,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut reader = Reader::new();
    let mut is_over = false;
    loop {
        if tally.last() >= *end.borrow() {
            return Ok(tally);
        }
        let message = tokio::select! {
            message = line.next() => message?,
            _ = end.changed(), if !is_over => {
                is_over = true;
                continue;
            }
            () = tokio::time::sleep(REST_WITHIN), if is_over => return Ok(tally),
        };
        match message {
            Message::Data { bytes, .. } => {
                reader.feed(&bytes);
                let now_ns = now_ns();
                while let Some(item) = reader.next() {
                    match item {
                        Item::Record(record) => {
                            tally.arrived(record.sequence, record.time.as_unix_nanos(), now_ns);
                        }
                        Item::Damage(damage) => bail!("damage in what came: {damage:?}"),
                        _ => {}
                    }
                }
            }
            Message::Opened { .. } => reader = Reader::new(),
            Message::Pong { .. } => opened.send(()).await?,
            Message::Closed { why, .. } => bail!("the server closed the channel: {why}"),
            // What was missed is missing in the tally.
            _ => {}
        }
    }
}
