//! A viewer for the tests: follows, takes what it has already once, and remembers what it was told.

use kymo_format::live::{Decoder, Message, Role};
use kymo_format::{Item, Reader};
use kymo_relay::Relay;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::agent::{SESSION, greet};

pub(crate) struct Follower {
    io: DuplexStream,
    decoder: Decoder,
    reader: Reader,
    /// Everything that came, once each, in order.
    pub(crate) sequences: Vec<u64>,
    /// Stretches that it was told it missed.
    pub(crate) missed: Vec<(u64, u64)>,
    /// How the session ended, or nothing, when nothing more will come.
    pub(crate) closed: Option<String>,
    /// Other messages.
    pub(crate) told: Vec<Message>,
    texts_are_right: bool,
}

impl Follower {
    pub(crate) async fn connect(relay: &Relay, token: &str) -> Self {
        Self::connect_by(relay, token, 2048).await
    }

    /// By a connection that holds that many bytes.
    pub(crate) async fn connect_by(relay: &Relay, token: &str, bytes_max: usize) -> Self {
        let (mut ours, theirs) = duplex(bytes_max);
        let relay = relay.clone();
        tokio::spawn(async move { relay.viewer_connection(theirs).await });
        let welcome = greet(&mut ours, Role::Viewer, token, None).await;
        assert!(matches!(welcome, Some(Message::Welcome { .. })), "{welcome:?}");
        let mut decoder = Decoder::of_server();
        decoder.greeted();
        Self {
            io: ours,
            decoder,
            reader: Reader::new(),
            sequences: Vec::new(),
            missed: Vec::new(),
            closed: None,
            told: Vec::new(),
            texts_are_right: true,
        }
    }

    pub(crate) async fn open(relay: &Relay, after: Option<u64>, from_start: bool) -> Self {
        let mut follower = Self::connect(relay, "viewer").await;
        follower.say(&Message::Open { channel: 1, session: SESSION, after, from_start }).await;
        follower
    }

    pub(crate) async fn say(&mut self, message: &Message) {
        self.io.write_all(&message.bytes()).await.unwrap();
    }

    pub(crate) fn last(&self) -> u64 {
        self.sequences.last().copied().unwrap_or(0)
    }

    /// Takes what comes until that holds; false if the connection ended.
    pub(crate) async fn until(&mut self, mut holds: impl FnMut(&Self) -> bool) -> bool {
        loop {
            while let Some(message) = self.decoder.next().unwrap() {
                self.take(message);
            }
            if holds(self) {
                assert!(self.texts_are_right);
                return true;
            }
            let mut buffer = [0; 1024];
            match self.io.read(&mut buffer).await {
                Ok(count) if count > 0 => self.decoder.feed(&buffer[..count]),
                _ => return false,
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Data { bytes, .. } => {
                self.reader.feed(&bytes);
                while let Some(item) = self.reader.next() {
                    match item {
                        Item::Record(record) if record.sequence > self.last() => {
                            let text = format!("line {} of the test, which", record.sequence);
                            self.texts_are_right &= record.message().starts_with(&text);
                            self.sequences.push(record.sequence);
                        }
                        Item::Damage(damage) => panic!("{damage:?}"),
                        _ => {}
                    }
                }
            }
            Message::Opened { .. } => {
                self.reader = Reader::new();
                self.told.push(message);
            }
            Message::Missed { first, last, .. } => self.missed.push((first, last)),
            Message::Closed { reason, .. } => self.closed = Some(reason.unwrap_or_default()),
            other => self.told.push(other),
        }
    }
}
