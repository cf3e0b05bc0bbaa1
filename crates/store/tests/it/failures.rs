//! A catalog that fails in the middle of a commit.

use kymo_model::Timestamp;
use kymo_store::{EventFilter, EventOrder, Projects, StoreErrorKind};
use kymo_tracker::Signal;

use crate::stand::{Stand, line, submission, summary};

/// Whatever statement fails: nothing of it is stored, and sent again it is stored once.
#[tokio::test]
async fn a_failed_commit_stores_nothing_and_a_second_try_everything() {
    for table in ["seen", "session", "mark", "project", "tail", "counter"] {
        let (mut stand, shop) = Stand::new().await;
        stand.submit(shop, vec![line("run-00001", 0, "before")]).await.unwrap();
        break_table(&stand, table).await;
        let mut loose = line("", 1, "loose");
        loose.incoming.key = None;
        let mut batch = submission(
            shop,
            vec![
                line("run-00001", 10, "one"),
                loose,
                line("run-00002", 20, "two"),
                line("run-00001", 30, "three"),
            ],
        );
        batch.signals = vec![Signal { id: "nobody-knows-me".to_owned(), close: false }];
        for _ in 0..2 {
            let refused = stand.store().submit(batch.clone()).await.unwrap_err();
            assert_eq!(refused.kind(), StoreErrorKind::Retry, "{table}");
        }
        let events = stand.events(shop, "run-00001").await.unwrap();
        assert_eq!(summary(&events), [(1, "before")], "{table}");
        let status = stand.store().status(&Projects::All).await.unwrap();
        assert_eq!((status.counters["stored"], status.tail_events), (1, 1), "{table}");

        mend(&stand).await;
        assert_eq!(stand.store().submit(batch.clone()).await.unwrap().stored, 4, "{table}");
        assert_eq!(stand.store().submit(batch).await.unwrap().stored, 0, "{table}");
        for _ in 0..2 {
            let events = stand.events(shop, "run-00001").await.unwrap();
            assert_eq!(summary(&events), [(1, "before"), (2, "one"), (3, "three")], "{table}");
            let row = stand.session(shop, "run-00001").await;
            assert_eq!((row.event_count, row.next_sequence), (3, 4), "{table}");
            let loose = stand
                .store()
                .events(shop, None, EventFilter::default(), EventOrder::Time, None, 10)
                .await
                .unwrap();
            assert_eq!(summary(&loose.events), [(1, "loose")], "{table}");
            assert_eq!(stand.store().status(&Projects::All).await.unwrap().counters["stored"], 5, "{table}");
            stand.reopen().await;
        }
        stand.close().await;
    }
}

#[tokio::test]
async fn a_failed_flush_leaves_the_tail_and_a_second_one_takes_it() {
    let (mut stand, shop) = Stand::new().await;
    stand.submit(shop, vec![line("run-00001", 0, "one"), line("run-00001", 1, "two")]).await.unwrap();
    break_table(&stand, "session_segment").await;
    stand.store().flush().await.unwrap_err();
    let whole = [(1, "one"), (2, "two")];
    assert_eq!(summary(&stand.events(shop, "run-00001").await.unwrap()), whole);
    mend(&stand).await;
    stand.store().flush().await.unwrap();
    let status = stand.store().status(&Projects::All).await.unwrap();
    assert_eq!((status.segments, status.tail_events), (1, 0));
    assert_eq!(summary(&stand.events(shop, "run-00001").await.unwrap()), whole);
    stand.reopen().await;
    assert_eq!(stand.segment_files().len(), 1, "what the failed one wrote is gone");
    assert_eq!(summary(&stand.events(shop, "run-00001").await.unwrap()), whole);
    stand.close().await;
}

/// What comes faster than it can be written waits, and is refused to be sent again in the end.
#[tokio::test]
async fn what_finds_no_room_is_refused_and_taken_later() {
    let (mut stand, shop) = Stand::new().await;
    break_table(&stand, "session_segment").await;
    let text = |at: u64| format!("{at}{}", "x".repeat(1024 * 1024));
    let four = |first: u64| (first..first + 4).map(|at| line("run-00001", at, &text(at))).collect::<Vec<_>>();
    let mut held = 0;
    let refused = loop {
        match stand.submit(shop, four(held)).await {
            Ok(stored) => held += stored,
            Err(refused) => break refused,
        }
        assert!(held < 100, "nothing is refused");
    };
    assert_eq!(refused.kind(), StoreErrorKind::Retry);
    let status = stand.store().status(&Projects::All).await.unwrap();
    assert_eq!((status.counters["overload"], status.tail_events as u64), (1, held));
    mend(&stand).await;
    // Waits for the flush that makes room, and no longer.
    assert_eq!(stand.submit(shop, four(held)).await.unwrap(), 4);
    assert_eq!(stand.session(shop, "run-00001").await.event_count, held + 4);
    stand.close().await;
}

/// The upkeep meets the same failures as a commit.
#[tokio::test]
async fn a_failed_time_out_is_made_up_for() {
    let (mut stand, shop) = Stand::new().await;
    stand.submit(shop, vec![line("run-00001", 0, "one")]).await.unwrap();
    break_table(&stand, "session").await;
    stand.pass_time(std::time::Duration::from_mins(6));
    // Twice the time between two ticks of the upkeep.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert!(stand.session(shop, "run-00001").await.end.is_none());
    mend(&stand).await;
    let mut tries = 0;
    while stand.session(shop, "run-00001").await.end.is_none() {
        tries += 1;
        assert!(tries < 100, "it is not closed");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(stand.submit(shop, vec![line("run-00001", 5, "two")]).await.unwrap(), 1);
    assert_eq!(stand.session(shop, "run-00001").await.event_count, 2);
    stand.close().await;
}

/// Every change of the table fails, as with a full disk.
async fn break_table(stand: &Stand, table: &str) {
    let mut catalog = stand.catalog().await;
    for change in ["INSERT", "UPDATE"] {
        let trigger = format!(
            "CREATE TRIGGER broken_{change} BEFORE {change} ON {table} \
             BEGIN SELECT RAISE(ABORT, 'broken by the test'); END"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut catalog).await.unwrap();
    }
}

async fn mend(stand: &Stand) {
    let mut catalog = stand.catalog().await;
    let mend = "DROP TRIGGER broken_INSERT; DROP TRIGGER broken_UPDATE";
    sqlx::raw_sql(mend).execute(&mut catalog).await.unwrap();
}

#[tokio::test]
async fn a_folder_of_a_newer_version_is_refused() {
    let (mut stand, _) = Stand::new().await;
    stand.close().await;
    let mut catalog = stand.catalog().await;
    let newer = "UPDATE meta SET value = '999' WHERE name = 'schema_version'";
    sqlx::raw_sql(newer).execute(&mut catalog).await.unwrap();
    assert_eq!(stand.open().await.unwrap_err().kind(), StoreErrorKind::Upgrade);
    assert!(stand.now() > Timestamp::default());
}
