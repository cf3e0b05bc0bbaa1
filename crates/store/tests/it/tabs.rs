//! Tabs in the store: page loads are stored under ids of their own and read as one session, also
//! when they are taken apart after they were written into a segment.

use std::time::Duration;

use kymo_model::{DropReason, Event, EventKind};
use kymo_store::{EventFilter, EventOrder, Item, Projects, SessionFilter};
use kymo_tracker::{Incoming, LoadId, Page, Role, SessionKey, SessionRow, Visit};

use crate::stand::{BEGIN, Stand, submission};

/// Message `number` of a page load of the tab `agent`.
fn message(load: &str, number: u64) -> Item {
    let time = BEGIN.plus(Duration::from_secs(number));
    let mut event = Event::new(EventKind::Log, time, time);
    event.body = Some(format!("{load}{number}"));
    let visit = Visit { id: "the visit".into(), from_cookie: true, seen_at: time };
    let page = Page { sequence: Some(number), load: LoadId::of(Some(load)), visit: Some(visit) };
    let key = Some(SessionKey::Tab("agent".into()));
    let mut fingerprint = [0; 16];
    fingerprint[0] = load.as_bytes()[0];
    fingerprint[1] = number as u8;
    let incoming = Incoming { page: Some(page), ..Incoming::new(key, Role::Ordinary, event) };
    Item { incoming, fingerprint: Some(fingerprint) }
}

struct Tabs {
    stand: Stand,
    shop: kymo_store::ProjectPk,
}

impl Tabs {
    async fn post(&self, words: &str) {
        let items = words.split_whitespace().map(|word| message(&word[..1], word[1..].parse().unwrap()));
        self.stand.store().submit(submission(self.shop, items.collect())).await.unwrap();
    }

    async fn rows(&self) -> Vec<SessionRow> {
        let filter = SessionFilter { visit: Some("the visit".into()), ..SessionFilter::default() };
        let mut rows = self.stand.store().sessions(&filter, None, 10).await.unwrap();
        rows.sort_by_key(|(_, row)| row.started_at);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Messages of every session in order, read in pages of two.
    async fn outcome(&self) -> Vec<String> {
        let mut all = Vec::new();
        for row in self.rows().await {
            let (mut texts, mut after) = (Vec::new(), None);
            loop {
                let (store, everything) = (self.stand.store(), EventFilter::default());
                let page = store
                    .events(self.shop, Some(row.id), everything, EventOrder::Sequence, after, 2)
                    .await
                    .unwrap();
                assert_eq!(page.total, row.event_count);
                texts.extend(page.events.into_iter().map(|event| event.message.unwrap()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let to = row.last_activity_at.plus(Duration::from_nanos(1));
            let density = self
                .stand
                .store()
                .density(self.shop, row.id, EventFilter::default(), (row.started_at, to), 4)
                .await
                .unwrap();
            assert_eq!(density.iter().map(|bucket| u64::from(bucket.count)).sum::<u64>(), row.event_count);
            all.push(texts.join(" "));
        }
        all
    }
}

#[tokio::test]
async fn a_tab_is_read_whole_and_taken_apart_wherever_it_lies() {
    let (stand, shop) = Stand::new().await;
    let mut tabs = Tabs { stand, shop };
    tabs.post("A1").await;
    tabs.stand.store().flush().await.unwrap();
    tabs.post("B3 B2").await;
    assert_eq!(tabs.outcome().await, ["A1 B2 B3"]);
    tabs.stand.store().flush().await.unwrap();
    tabs.post("C4").await;
    assert_eq!(tabs.outcome().await, ["A1 B2 B3 C4"]);
    tabs.stand.reopen().await;
    // The page that opened the tab goes on with a number that the tab has used.
    tabs.post("A2").await;
    assert_eq!(tabs.outcome().await, ["A1 A2", "B2 B3 C4"]);
    let before = tabs.rows().await;
    tabs.stand.reopen().await;
    assert_eq!(tabs.rows().await, before);
    tabs.post("A3 D5 A4").await;
    assert_eq!(tabs.outcome().await, ["A1 A2 A3 A4", "B2 B3 C4 D5"]);
    tabs.stand.store().flush().await.unwrap();
    assert_eq!(tabs.outcome().await, ["A1 A2 A3 A4", "B2 B3 C4 D5"]);
}

#[tokio::test]
async fn repeats_are_counted_for_their_session() {
    let (stand, shop) = Stand::new().await;
    let mut tabs = Tabs { stand, shop };
    tabs.post("A1 A2 A2").await;
    tabs.post("A1 A2").await;
    tabs.stand.reopen().await;
    tabs.post("A1 B2").await;
    tabs.post("B2").await;
    let counts: Vec<(u64, Option<u64>)> = tabs
        .rows()
        .await
        .iter()
        .map(|row| (row.event_count, row.dropped.get(&DropReason::Duplicate).copied()))
        .collect();
    assert_eq!(counts, [(2, Some(4)), (1, Some(1))]);
    let status = tabs.stand.store().status(&Projects::one(shop)).await.unwrap();
    assert_eq!((status.counters["accepted"], status.counters["stored"]), (8, 3));
    assert_eq!(status.counters["duplicate"], 5);
}
