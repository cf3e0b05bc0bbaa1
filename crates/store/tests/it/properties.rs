//! Whatever is submitted, flushed, merged and opened again, in any order: the store answers as a
//! plain list of everything accepted would.

use std::time::Duration;

use kymo_model::{Event, EventKind, Exception, SessionId, Severity, Timestamp, User, Value};
use kymo_store::{
    EventCursor, EventFilter, EventOrder, Item, ProjectPk, Projects, SessionFilter, Submission,
};
use kymo_testkit::Random;
use kymo_tracker::{Incoming, Role, SessionKey, Signal};

use crate::expected::{Expected, Owner, density, owner_of};
use crate::stand::{BEGIN, Stand};

const SEEDS: u64 = 8;
const STEPS: u64 = 60;
/// Dates: few enough to meet again, and all within the silence that splits a session.
const DATES: u64 = 200;
const DATE_STEP: Duration = Duration::from_secs(3);
const WORDS: [&str; 8] = ["Disk", "ÄRGER", "straße", "日本語", "full", "a\tb\"c", "%_!", ""];

#[tokio::test]
async fn answers_are_those_of_a_plain_list() {
    let seed = std::env::var("KYMO_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = seed.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    for seed in seeds {
        println!("KYMO_SEED={seed}");
        let (stand, shop) = Stand::new().await;
        let farm = stand.add_project("farm").await;
        let mut run =
            Run { stand, random: Random::new(seed), expected: Expected::default(), projects: [shop, farm] };
        for _ in 0..STEPS {
            run.step().await;
        }
        run.check_everything().await;
        run.stand.reopen().await;
        run.check_everything().await;
        run.stand.close().await;
    }
}

struct Run {
    stand: Stand,
    random: Random,
    expected: Expected,
    projects: [ProjectPk; 2],
}

impl Run {
    async fn step(&mut self) {
        match self.random.below(40) {
            0..=2 => self.stand.store().flush().await.unwrap(),
            3..=4 => self.stand.reopen().await,
            5 => {
                // Tomorrow's flush merges whatever is there, and what was sent long ago is new.
                self.stand.pass_time(Duration::from_hours(49));
                self.expected.forget();
            }
            6..=15 => self.check_one().await,
            _ => self.submit().await,
        }
        self.stand.pass_time(Duration::from_millis(self.random.below(3000)));
    }

    /// Three at once: they share a commit.
    async fn submit(&mut self) {
        let all = [self.submission(), self.submission(), self.submission()];
        let store = self.stand.store();
        let [first, second, third] = all.clone().map(|submission| store.submit(submission));
        let (first, second, third) = tokio::join!(biased; first, second, third);
        for (submission, receipt) in all.iter().zip([first, second, third]) {
            let receipt = receipt.unwrap();
            assert_eq!(receipt.stored, self.expected.submit(submission));
            let dropped: u64 = receipt.dropped.values().sum();
            assert_eq!(receipt.stored + dropped, submission.items.len() as u64);
        }
    }

    fn submission(&mut self) -> Submission {
        let below = 1 + self.random.below(40);
        let count = self.random.below(below);
        let items = (0..count).map(|_| self.item()).collect();
        let id = self.name("run-0000");
        let signals = if self.random.below(5) == 0 { vec![Signal { id, close: false }] } else { Vec::new() };
        let (project, token) = (self.projects[self.random.below(2) as usize], self.random.below(2) as i64);
        Submission { items, signals, ..Submission::new(project, token) }
    }

    fn name(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", self.random.below(4))
    }

    fn item(&mut self) -> Item {
        let key = match self.random.below(9) {
            0..=4 => Some(SessionKey::External(self.name("run-0000"))),
            5..=7 => Some(SessionKey::Identity(self.name("user-"))),
            _ => None,
        };
        let by_id = matches!(key, Some(SessionKey::External(_)));
        let role = match self.random.below(30) {
            0 if by_id => Role::Start,
            1 if by_id => Role::Heartbeat,
            _ => Role::Ordinary,
        };
        let event = self.event();
        let fingerprint = match self.random.below(3) {
            0 => None,
            // Few enough to meet again.
            1 => Some([self.random.below(200) as u8; 16]),
            _ => Some(std::array::from_fn(|_| self.random.below(256) as u8)),
        };
        Item { incoming: Incoming::new(key, role, event), fingerprint }
    }

    fn date(&mut self) -> Timestamp {
        BEGIN.plus(DATE_STEP * self.random.below(DATES) as u32)
    }

    fn words(&mut self) -> Option<String> {
        let count = self.random.below(4);
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.random.below(8) as usize]).collect();
        (self.random.below(5) > 0).then(|| words.join(" "))
    }

    fn event(&mut self) -> Event {
        let kind = match self.random.below(4) {
            0 => EventKind::Error,
            1 => EventKind::Other("tea".into()),
            _ => EventKind::Log,
        };
        let mut event = Event::new(kind, self.date(), self.stand.now());
        event.severity = Severity::from_number(1 + self.random.below(24) as u8).unwrap();
        event.category = self.words();
        event.body = self.words();
        if self.random.below(6) == 0 {
            event.exception = Some(Exception { message: self.words(), ..Exception::default() });
        }
        if self.random.below(2) == 0 {
            let (id, name) = (self.words(), self.words());
            event.user = Some(User { id, name }).filter(|user| *user != User::default());
        }
        if self.random.below(4) == 0 {
            event.reference_id = Some(self.name("ref-0000"));
        }
        if self.random.below(3) == 0 {
            event.attributes.push("n", Value::Int(self.random.below(100) as i64 - 50));
            event.attributes.push("text", Value::Text(self.words().unwrap_or_default()));
        }
        event
    }

    fn filter(&mut self) -> EventFilter {
        let mut filter = EventFilter::default();
        if self.random.below(3) == 0 {
            filter.text = self.words().filter(|text| !text.is_empty());
        }
        if self.random.below(4) == 0 {
            filter.severity = Severity::from_number(1 + self.random.below(24) as u8);
        }
        filter.errors_only = self.random.below(4) == 0;
        if self.random.below(4) == 0 {
            filter.kind = Some("tea".into());
        }
        if self.random.below(6) == 0 {
            filter.reference_id = Some(self.name("ref-0000"));
        }
        if self.random.below(4) == 0 {
            filter.from = Some(self.date());
        }
        if self.random.below(4) == 0 {
            filter.to = Some(self.date());
        }
        filter
    }

    async fn check_one(&mut self) {
        let owners: Vec<Owner> = self.expected.events.keys().cloned().collect();
        if owners.is_empty() {
            return;
        }
        let owner = owners[self.random.below(owners.len() as u64) as usize].clone();
        let filter = self.filter();
        let session = self.session_of(&owner).await;
        self.check_pages(&owner, session, &filter).await;
        if let Some(session) = session {
            self.check_density(&owner, session).await;
        }
    }

    /// Every owner, unfiltered; and no other session is there.
    async fn check_everything(&mut self) {
        let owners: Vec<Owner> = self.expected.events.keys().cloned().collect();
        for owner in &owners {
            let session = self.session_of(owner).await;
            self.check_pages(owner, session, &EventFilter::default()).await;
        }
        let stored: usize = self.expected.events.values().map(Vec::len).sum();
        let status = self.stand.store().status(&Projects::All).await.unwrap();
        assert_eq!(status.counters.get("stored").copied().unwrap_or_default(), stored as u64);
        let mut sessions = self.sessions().await;
        sessions.retain(|(owner, _, count)| *count > 0 || self.expected.events.contains_key(owner));
        assert_eq!(sessions.len(), owners.iter().filter(|(_, key)| key.is_some()).count());
    }

    async fn sessions(&self) -> Vec<(Owner, SessionId, u64)> {
        let rows = self.stand.store().sessions(&SessionFilter::default(), None, 500).await.unwrap();
        let row = rows.into_iter().map(|(project, row)| {
            assert_eq!(row.next_sequence, row.event_count + 1, "sequences are contiguous");
            ((project, Some(owner_of(&row.key))), row.id, row.event_count)
        });
        row.collect()
    }

    async fn session_of(&self, owner: &Owner) -> Option<SessionId> {
        owner.1.as_ref()?;
        let mut mine = self.sessions().await;
        mine.retain(|(other, ..)| other == owner);
        let [(_, id, count)] = mine[..] else { panic!("{owner:?} has the sessions {mine:?}") };
        assert_eq!(count, self.expected.events[owner].len() as u64, "{owner:?}");
        Some(id)
    }

    async fn check_pages(&mut self, owner: &Owner, session: Option<SessionId>, filter: &EventFilter) {
        let expected = self.expected.matching(owner, session, filter);
        let limit = 1 + self.random.below(60) as usize;
        // From the beginning, or from any event on.
        let skipped = self.random.below(2) * self.random.below(expected.len() as u64);
        let cursor = |sequence, time| EventCursor { time, sequence };
        let before = (skipped as usize).checked_sub(1).map(|at| &expected[at]);
        let mut after = before.map(|event| cursor(event.sequence, event.time));
        let mut found = Vec::new();
        loop {
            let store = self.stand.store();
            let page =
                store.events(owner.0, session, filter.clone(), EventOrder::Time, after, limit).await.unwrap();
            assert_eq!(page.total, expected.len() as u64, "{filter:?}");
            found.extend(page.events);
            after = page.next;
            if after.is_none() {
                break;
            }
            assert_eq!(found.len() % limit, 0, "a page that is not the last is full");
        }
        assert_eq!(found, expected[skipped as usize..], "{filter:?}");
    }

    async fn check_density(&mut self, owner: &Owner, session: SessionId) {
        let events = self.expected.matching(owner, Some(session), &EventFilter::default());
        let (one, other) = (self.date(), self.date());
        let (from, to) = (one.min(other), one.max(other).plus(Duration::from_nanos(1)));
        let buckets = 1 + self.random.below(64) as u32;
        let found = self
            .stand
            .store()
            .density(owner.0, session, EventFilter::default(), (from, to), buckets)
            .await
            .unwrap();
        let found: Vec<_> = found.iter().map(|b| (b.index, b.count, b.errors, b.worst)).collect();
        assert_eq!(found, density(&events, from, to, buckets));
    }
}
