//! Sessions that were silent for too long go, with everything of theirs, and the disk gets smaller; what
//! runs, is pinned or is young enough stays whole.

use std::time::Duration;

use kymo_model::Timestamp;
use kymo_store::{
    EventFilter, EventOrder, Item, ProjectPk, Projects, SessionFilter, StoreErrorKind, UserDescription,
};
use kymo_tracker::Signal;

use crate::stand::{BEGIN, Stand, line, submission, summary};

const DAY: Duration = Duration::from_hours(24);
const EVERYTHING: EventFilter = EventFilter {
    query: None,
    text: None,
    severity: None,
    errors_only: false,
    kind: None,
    reference_id: None,
    sequence: None,
    from: None,
    to: None,
};

async fn keep_days(stand: &Stand, project: ProjectPk, days: Option<u32>) {
    let changed = stand.store().change_project(project, |settings| {
        settings.retention_days = days;
        Ok(())
    });
    changed.await.unwrap();
}

/// Lines of a session as they come now.
fn lines(stand: &Stand, session: &str, count: usize, text: &str) -> Vec<Item> {
    let since = stand.now().since(BEGIN).as_millis() as u64;
    let seed = session.bytes().fold(0, |seed, byte| seed * 31 + u64::from(byte));
    let noisy = |at: usize| format!("{text} {at} {}", noise(seed + at as u64, 200));
    (0..count).map(|at| line(session, since + at as u64, &noisy(at))).collect()
}

/// The session, so that it is in a segment and ended.
async fn store_lines(stand: &Stand, project: ProjectPk, session: &str, count: usize, text: &str) {
    stand.submit(project, lines(stand, session, count, text)).await.unwrap();
}

/// Text that zstd cannot make small.
fn noise(seed: u64, length: usize) -> String {
    let mut random = kymo_testkit::Random::new(seed);
    (0..length).map(|_| char::from(33 + random.below(90) as u8)).collect()
}

/// Does all upkeep that is due, by turns: each is bounded.
async fn tidy(stand: &Stand) {
    stand.store().flush().await.unwrap();
    for _ in 0..40 {
        stand.store().upkeep().await.unwrap();
    }
    stand.store().flush().await.unwrap();
}

async fn names(stand: &Stand) -> Vec<String> {
    let rows = stand.store().sessions(&SessionFilter::default(), None, 1000).await.unwrap();
    let mut names: Vec<String> = rows.iter().map(|(_, row)| row.key.text().to_owned()).collect();
    names.sort();
    names
}

async fn is_there(stand: &Stand, project: ProjectPk, session: &str) -> bool {
    match stand.store().session(&Projects::one(project), session).await {
        Ok(_) => true,
        Err(error) if error.kind() == StoreErrorKind::NotFound => false,
        Err(error) => panic!("{error}"),
    }
}

async fn counter(stand: &Stand, name: &str) -> u64 {
    let status = stand.store().status(&Projects::All).await.unwrap();
    status.counters.get(name).copied().unwrap_or(0)
}

fn segment_bytes(stand: &Stand) -> u64 {
    stand.segment_files().iter().map(|file| std::fs::metadata(file).unwrap().len()).sum()
}

#[tokio::test]
async fn what_was_silent_for_too_long_goes_and_the_rest_stays_whole() {
    let (mut stand, shop) = Stand::new().await;
    let farm = stand.add_project("farm").await;
    keep_days(&stand, shop, Some(7)).await;
    for (project, session) in [(shop, "old"), (shop, "pinned"), (shop, "running"), (farm, "elsewhere")] {
        store_lines(&stand, project, session, 200, "text").await;
    }
    let pinned = stand.session(shop, "pinned").await.id;
    stand.store().pin(pinned, "ann").await.unwrap();
    assert!(stand.store().is_pinned(pinned).await.unwrap());
    // Loose events, one before and one within the limit.
    let loose = |stand: &Stand, text: &str| {
        let mut item = line("", stand.now().since(BEGIN).as_millis() as u64, text);
        item.incoming.key = None;
        item
    };
    stand.submit(shop, vec![loose(&stand, "old and loose")]).await.unwrap();
    tidy(&stand).await;
    let before = segment_bytes(&stand);

    stand.pass_time(5 * DAY);
    store_lines(&stand, shop, "young", 20, "young").await;
    stand.submit(shop, vec![loose(&stand, "young and loose")]).await.unwrap();
    // A heartbeat keeps a session.
    let mut beat = submission(shop, Vec::new());
    beat.signals = vec![Signal { id: "running".to_owned(), close: false }];
    tidy(&stand).await;
    assert_eq!(names(&stand).await.len(), 5, "nothing is due yet");

    stand.pass_time(2 * DAY + Duration::from_secs(1));
    stand.store().submit(beat).await.unwrap();
    tidy(&stand).await;
    for _ in 0..2 {
        assert_eq!(names(&stand).await, ["elsewhere", "pinned", "running", "young"]);
        for (project, session, count) in
            [(shop, "pinned", 200), (shop, "running", 200), (shop, "young", 20), (farm, "elsewhere", 200)]
        {
            let events = stand.events(project, session).await.unwrap();
            assert_eq!(events.len(), count, "{session}");
            let row = stand.session(project, session).await;
            assert_eq!(row.event_count, count as u64, "{session}");
        }
        assert!(!is_there(&stand, shop, "old").await);
        let kept = stand.store().events(shop, None, EVERYTHING, EventOrder::Time, None, 10).await.unwrap();
        assert_eq!(summary(&kept.events), [(2, "young and loose")]);
        assert_eq!(counter(&stand, "removed_sessions").await, 1);
        assert_eq!(counter(&stand, "removed_events").await, 201);
        stand.reopen().await;
    }
    // A quarter of the rows is dead: they go with the next day at the latest.
    stand.pass_time(2 * DAY);
    tidy(&stand).await;
    let now = segment_bytes(&stand);
    assert!(now < before, "{before} bytes before, {now} now");
    assert!(counter(&stand, "removed_bytes").await > 0);
    assert_eq!(names(&stand).await, ["elsewhere", "pinned", "running", "young"]);
    // Everything goes when nothing keeps it.
    stand.store().unpin(pinned).await.unwrap();
    stand.pass_time(30 * DAY);
    tidy(&stand).await;
    assert_eq!(names(&stand).await, ["elsewhere"]);
    assert_eq!(stand.segment_files().len(), 1, "only the other project's");
    assert_eq!(stand.events(farm, "elsewhere").await.unwrap().len(), 200);
    let gone = stand.store().pin(pinned, "ann").await.unwrap_err();
    assert_eq!(gone.kind(), StoreErrorKind::NotFound);
    stand.close().await;
}

#[tokio::test]
async fn files_and_catalog_become_small_again() {
    let (mut stand, shop) = Stand::new().await;
    let catalog = stand.folder().join("catalog.db");
    for at in 0..300 {
        // Properties of sessions make the catalog large, events the segments.
        let batch =
            (0..20).flat_map(|of| lines(&stand, &format!("run-{at}-{of}"), 1, &noise(at * 20 + of, 900)));
        stand.submit(shop, batch.collect()).await.unwrap();
    }
    stand.pass_time(2 * DAY);
    tidy(&stand).await;
    stand.reopen().await;
    let (files, before) = (segment_bytes(&stand), std::fs::metadata(&catalog).unwrap().len());
    keep_days(&stand, shop, Some(1)).await;
    tidy(&stand).await;
    assert_eq!(names(&stand).await.len(), 0);
    assert_eq!(
        (counter(&stand, "removed_sessions").await, counter(&stand, "removed_events").await),
        (6000, 6000)
    );
    assert_eq!(counter(&stand, "removed_bytes").await, files, "every byte is counted");
    assert_eq!(stand.segment_files().len(), 0);
    stand.reopen().await;
    let after = std::fs::metadata(&catalog).unwrap().len();
    println!("catalog: {before} bytes before, {after} now");
    // What it keeps for the tail, and some rows.
    assert!(after < 5 << 20 && before > 6 << 20, "{before} bytes before, {after} now");
    stand.close().await;
}

#[tokio::test]
async fn a_late_event_of_a_removed_session_begins_anew() {
    let (mut stand, shop) = Stand::new().await;
    store_lines(&stand, shop, "run-1", 3, "before").await;
    stand.pass_time(Duration::from_hours(1));
    tidy(&stand).await;
    let first = stand.session(shop, "run-1").await.id;
    keep_days(&stand, shop, Some(1)).await;
    stand.pass_time(3 * DAY);
    tidy(&stand).await;
    assert!(!is_there(&stand, shop, "run-1").await);
    // Dated when the session was there.
    stand.submit(shop, vec![line("run-1", 50, "late")]).await.unwrap();
    let row = stand.session(shop, "run-1").await;
    assert_ne!(row.id, first);
    assert_eq!(summary(&stand.events(shop, "run-1").await.unwrap()), [(1, "late")]);
    tidy(&stand).await;
    stand.reopen().await;
    assert_eq!(summary(&stand.events(shop, "run-1").await.unwrap()), [(1, "late")]);
    stand.close().await;
}

/// The task that commits keeps rows of busy projects in memory: not those of removed sessions.
#[tokio::test]
async fn a_removed_session_is_not_remembered() {
    let (mut stand, shop) = Stand::new().await;
    keep_days(&stand, shop, Some(1)).await;
    store_lines(&stand, shop, "run-1", 3, "before").await;
    let first = stand.session(shop, "run-1").await.id;
    stand.pass_time(3 * DAY);
    // The project is busy, so its rows stay in memory.
    store_lines(&stand, shop, "run-2", 1, "busy").await;
    tidy(&stand).await;
    assert_eq!(names(&stand).await, ["run-2"]);
    stand.submit(shop, vec![line("run-1", 50, "late")]).await.unwrap();
    let row = stand.session(shop, "run-1").await;
    assert_ne!(row.id, first);
    assert_eq!((row.event_count, row.next_sequence), (1, 2));
    stand.close().await;
}

#[tokio::test]
async fn a_session_in_the_tail_waits_for_its_segment() {
    let (mut stand, shop) = Stand::new().await;
    keep_days(&stand, shop, Some(1)).await;
    store_lines(&stand, shop, "run-1", 3, "text").await;
    // The server was down for days.
    stand.close().await;
    stand.pass_time(3 * DAY);
    stand.open().await.unwrap();
    tidy(&stand).await;
    assert!(!is_there(&stand, shop, "run-1").await);
    assert_eq!(counter(&stand, "removed_events").await, 3);
    assert_eq!(
        (stand.segment_files().len(), stand.store().status(&Projects::All).await.unwrap().tail_events),
        (0, 0)
    );
    stand.close().await;
}

#[tokio::test]
async fn the_servers_default_holds_where_a_project_says_nothing() {
    let (mut stand, shop) = Stand::new().await;
    let farm = stand.add_project("farm").await;
    keep_days(&stand, farm, Some(100)).await;
    for project in [shop, farm] {
        store_lines(&stand, project, "run-1", 3, "text").await;
    }
    let said =
        UserDescription { email: None, text: Some("it broke".into()), data: None, received_at: stand.now() };
    stand.store().describe(shop, "ref-1", &said).await.unwrap();
    stand.pass_time(50 * DAY);
    tidy(&stand).await;
    assert!(is_there(&stand, shop, "run-1").await, "kept for ever if nobody says otherwise");
    stand.store().set_default_retention(Some(30));
    stand.pass_time(DAY);
    tidy(&stand).await;
    assert!(!is_there(&stand, shop, "run-1").await);
    assert!(is_there(&stand, farm, "run-1").await);
    let described: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM user_description")
        .fetch_one(&mut stand.catalog().await)
        .await
        .unwrap();
    assert_eq!(described, 0);
    for wrong in [0, 36_501] {
        let refused = stand.store().change_project(farm, |settings| {
            settings.retention_days = Some(wrong);
            Ok(())
        });
        let refused = refused.await.unwrap_err();
        assert!(refused.to_string().contains("expected 1 to 36500"), "{refused}");
    }
    assert!(stand.now() > Timestamp::default());
    stand.close().await;
}

/// A reader that has a segment reads it to its end, whatever becomes of it.
#[tokio::test]
async fn pages_are_read_while_segments_go() {
    let (mut stand, shop) = Stand::new().await;
    keep_days(&stand, shop, Some(1)).await;
    for at in 0..8 {
        store_lines(&stand, shop, &format!("gone-{at}"), 50, "text").await;
        store_lines(&stand, shop, "stays", 50, &format!("text of {at}")).await;
        stand.store().flush().await.unwrap();
    }
    let stays = stand.session(shop, "stays").await.id;
    stand.store().pin(stays, "ann").await.unwrap();
    stand.pass_time(4 * DAY);
    let reading = {
        let store = std::sync::Arc::clone(stand.store());
        tokio::spawn(async move {
            for _ in 0..60 {
                let page = store.events(shop, Some(stays), EVERYTHING, EventOrder::Time, None, 1000);
                assert_eq!(page.await.unwrap().events.len(), 400);
                tokio::task::yield_now().await;
            }
        })
    };
    tidy(&stand).await;
    reading.await.unwrap();
    assert_eq!(names(&stand).await, ["stays"]);
    assert_eq!(stand.segment_files().len(), 1);
    stand.close().await;
}

/// What the catalog says of segments goes with what it says of sessions.
async fn check_listing(stand: &Stand) {
    let mut catalog = stand.catalog().await;
    let leads_nowhere: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM session_segment r WHERE r.session_id <> zeroblob(16) \
         AND NOT EXISTS (SELECT 1 FROM session WHERE id = r.session_id)",
    )
    .fetch_one(&mut catalog)
    .await
    .unwrap();
    assert_eq!(leads_nowhere, 0, "rows of sessions that are gone");
    let miscounted: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM segment s WHERE live_count <> (SELECT COALESCE(SUM(row_count), 0) \
         FROM session_segment r WHERE r.segment_pk = s.pk)",
    )
    .fetch_one(&mut catalog)
    .await
    .unwrap();
    assert_eq!(miscounted, 0, "segments with another number of live rows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_may_go_while_their_segments_are_merged() {
    let (mut stand, shop) = Stand::new().await;
    keep_days(&stand, shop, Some(1)).await;
    for round in 0..4 {
        for at in 0..8 {
            for of in 0..40 {
                store_lines(&stand, shop, &format!("{round}-gone-{at}-{of}"), 4, "text").await;
            }
            store_lines(&stand, shop, "stays", 4, &format!("text {round} {at}")).await;
            stand.store().flush().await.unwrap();
        }
        if round == 0 {
            let stays = stand.session(shop, "stays").await.id;
            stand.store().pin(stays, "ann").await.unwrap();
        }
        stand.pass_time(2 * DAY);
        let store = std::sync::Arc::clone(stand.store());
        let merging = tokio::spawn(async move {
            for _ in 0..30 {
                store.flush().await.unwrap();
            }
        });
        for _ in 0..10 {
            stand.store().upkeep().await.unwrap();
            check_listing(&stand).await;
        }
        merging.await.unwrap();
        tidy(&stand).await;
        check_listing(&stand).await;
        assert_eq!(names(&stand).await, ["stays"]);
        assert_eq!(stand.events(shop, "stays").await.unwrap().len(), (round + 1) * 32);
    }
    stand.reopen().await;
    check_listing(&stand).await;
    stand.close().await;
}
