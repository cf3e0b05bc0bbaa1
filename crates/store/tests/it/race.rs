//! Readers beside commits, flushes and merges.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kymo_model::SessionId;
use kymo_store::{EventCursor, EventFilter, EventOrder, ProjectPk, Store, StoredEvent};

use crate::stand::{BEGIN, Stand, line};

const LASTS: Duration = Duration::from_secs(6);
const BATCH: u64 = 7;

struct Shared {
    store: Arc<Store>,
    shop: ProjectPk,
    session: SessionId,
    answered: AtomicU64,
    done: AtomicBool,
}

/// The session's events are numbered by date as well as by arrival, so that any page shows a gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_sees_everything_answered_and_no_gap() {
    let (mut stand, shop) = Stand::new().await;
    stand.submit(shop, vec![line("run-00001", 1, "1")]).await.unwrap();
    let session = stand.session(shop, "run-00001").await.id;
    let shared = Arc::new(Shared {
        store: Arc::clone(stand.store()),
        shop,
        session,
        answered: AtomicU64::new(1),
        done: AtomicBool::new(false),
    });
    let writer = tokio::spawn(write(Arc::clone(&shared)));
    let noise = tokio::spawn(write_elsewhere(Arc::clone(&shared)));
    let readers = [
        tokio::spawn(read_whole(Arc::clone(&shared))),
        tokio::spawn(read_whole(Arc::clone(&shared))),
        tokio::spawn(read_pages(Arc::clone(&shared))),
        tokio::spawn(read_density(Arc::clone(&shared))),
    ];
    let started = Instant::now();
    let mut flushes = 0;
    while started.elapsed() < LASTS {
        shared.store.flush().await.unwrap();
        flushes += 1;
    }
    shared.done.store(true, Ordering::SeqCst);
    writer.await.unwrap();
    noise.await.unwrap();
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.unwrap();
    }
    println!("{} events, {flushes} flushes, {reads} reads", shared.answered.load(Ordering::SeqCst));
    // Eight flushes are a merge.
    assert!(flushes > 16 && reads > 16, "too little happened: {flushes} flushes, {reads} reads");
    drop(shared);
    stand.close().await;
}

async fn write(shared: Arc<Shared>) {
    let mut next = 2;
    while !shared.done.load(Ordering::SeqCst) {
        let items = (next..next + BATCH).map(|number| line("run-00001", number, &number.to_string()));
        let submission = crate::stand::submission(shared.shop, items.collect());
        assert_eq!(shared.store.submit(submission).await.unwrap().stored, BATCH);
        next += BATCH;
        shared.answered.store(next - 1, Ordering::SeqCst);
    }
}

/// Segments hold more than one session, and some flushes nothing of the one that is read.
async fn write_elsewhere(shared: Arc<Shared>) {
    for number in 0.. {
        if shared.done.load(Ordering::SeqCst) {
            return;
        }
        let session = format!("other-{:05}", number % 50);
        let items = vec![line(&session, number, &number.to_string())];
        shared.store.submit(crate::stand::submission(shared.shop, items)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn read_whole(shared: Arc<Shared>) -> u64 {
    let mut reads = 0;
    while !shared.done.load(Ordering::SeqCst) {
        let answered = shared.answered.load(Ordering::SeqCst);
        let page = page(&shared, None, 1_000_000).await;
        assert!(page.len() as u64 >= answered, "{answered} were answered, {} found", page.len());
        check_contiguous(&page, 1);
        reads += 1;
    }
    reads
}

/// Page by page, while the session grows.
async fn read_pages(shared: Arc<Shared>) -> u64 {
    let mut reads = 0;
    while !shared.done.load(Ordering::SeqCst) {
        let answered = shared.answered.load(Ordering::SeqCst);
        let (mut after, mut found) = (None, 0);
        while found < answered {
            let page = page(&shared, after, 500).await;
            check_contiguous(&page, found + 1);
            found += page.len() as u64;
            let last = page.last().expect("there is more");
            after = Some(EventCursor { time: last.time, sequence: last.sequence });
            reads += 1;
        }
    }
    reads
}

async fn read_density(shared: Arc<Shared>) -> u64 {
    let mut reads = 0;
    while !shared.done.load(Ordering::SeqCst) {
        let answered = shared.answered.load(Ordering::SeqCst);
        let to = BEGIN.plus(Duration::from_hours(1));
        let found = shared
            .store
            .density(shared.shop, shared.session, EventFilter::default(), (BEGIN, to), 100)
            .await
            .unwrap();
        let count: u32 = found.iter().map(|bucket| bucket.count).sum();
        assert!(u64::from(count) >= answered && u64::from(count - 1).is_multiple_of(BATCH), "{count}");
        reads += 1;
    }
    reads
}

async fn page(shared: &Shared, after: Option<EventCursor>, limit: usize) -> Vec<StoredEvent> {
    let everything = EventFilter::default();
    let page = shared
        .store
        .events(shared.shop, Some(shared.session), everything, EventOrder::Time, after, limit)
        .await;
    page.unwrap().events
}

fn check_contiguous(events: &[StoredEvent], first: u64) {
    for (event, expected) in events.iter().zip(first..) {
        assert_eq!(event.sequence, expected);
        assert_eq!(event.message.as_deref(), Some(expected.to_string().as_str()));
    }
}
