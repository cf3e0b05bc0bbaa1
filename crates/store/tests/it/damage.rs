//! Files that were damaged or left behind.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kymo_store::{Projects, StoreError, StoreErrorKind};

use crate::stand::{Stand, line, summary};

const TEXTS: u64 = 3000;

/// A session in each of two segments.
async fn two_segments() -> (Stand, kymo_store::ProjectPk) {
    let (stand, shop) = Stand::new().await;
    for session in ["damaged-1", "healthy-1"] {
        let items = (0..TEXTS).map(|number| line(session, number, &format!("text {number}"))).collect();
        stand.submit(shop, items).await.unwrap();
        stand.store().flush().await.unwrap();
    }
    assert_eq!(stand.segment_files().len(), 2);
    (stand, shop)
}

#[tokio::test]
async fn a_damaged_segment_spoils_its_own_sessions_only() {
    for damage in [cut_in_half, empty, overwrite_the_middle, overwrite_the_footer, remove] {
        let (mut stand, shop) = two_segments().await;
        stand.close().await;
        damage(&stand.segment_files()[0]);
        stand.open().await.unwrap();
        let spoilt = stand.events(shop, "damaged-1").await.unwrap_err();
        assert_eq!(spoilt.kind(), StoreErrorKind::Corrupt, "{spoilt:?}");
        assert_eq!(stand.events(shop, "healthy-1").await.unwrap().len() as u64, TEXTS);
        // What comes in is stored and flushed as ever.
        stand.submit(shop, vec![line("healthy-1", TEXTS, "more")]).await.unwrap();
        stand.store().flush().await.unwrap();
        assert_eq!(stand.events(shop, "healthy-1").await.unwrap().len() as u64, TEXTS + 1);
        // Merging cannot read it either, and says so; nothing else is lost by that.
        stand.pass_time(Duration::from_hours(24));
        assert!(stand.store().flush().await.is_err());
        assert_eq!(stand.events(shop, "healthy-1").await.unwrap().len() as u64, TEXTS + 1);
        stand.close().await;
    }
}

fn cut_in_half(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

fn empty(file: &Path) {
    fs::write(file, "").unwrap();
}

fn overwrite_the_middle(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let (quarter, half) = (bytes.len() / 8, bytes.len() / 2);
    bytes[quarter..half].fill(0x5a);
    fs::write(file, bytes).unwrap();
}

fn overwrite_the_footer(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let end = bytes.len();
    bytes[end - 200..end - 8].fill(0x5a);
    fs::write(file, bytes).unwrap();
}

fn remove(file: &Path) {
    fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn files_that_nobody_lists_go_at_the_next_start() {
    let (mut stand, shop) = two_segments().await;
    stand.close().await;
    let listed = stand.segment_files();
    let folder = stand.folder().join("segments");
    fs::write(folder.join("000000000099.parquet"), "written, never listed").unwrap();
    fs::write(folder.join("000000000100.writing"), "half").unwrap();
    stand.open().await.unwrap();
    assert_eq!(stand.segment_files(), listed);
    assert_eq!(stand.events(shop, "damaged-1").await.unwrap().len() as u64, TEXTS);
    stand.close().await;
}

/// Merged segments take their inputs' place, also on the disk.
#[tokio::test]
async fn merging_removes_what_it_merged() {
    let (mut stand, shop) = two_segments().await;
    stand.pass_time(Duration::from_hours(24));
    stand.store().flush().await.unwrap();
    assert_eq!(stand.store().status(&Projects::All).await.unwrap().segments, 1);
    assert_eq!(stand.segment_files().len(), 1);
    for _ in 0..2 {
        for session in ["damaged-1", "healthy-1"] {
            assert_eq!(stand.events(shop, session).await.unwrap().len() as u64, TEXTS);
        }
        stand.reopen().await;
    }
    stand.close().await;
}

#[tokio::test]
async fn a_damaged_tail_says_which_row_at_the_start() {
    let (mut stand, shop) = Stand::new().await;
    stand.submit(shop, vec![line("run-00001", 0, "one")]).await.unwrap();
    stand.submit(shop, vec![line("run-00001", 1, "two")]).await.unwrap();
    stand.close().await;
    for damage in ["x'00'", "x''", "substr(batch, 1, length(batch) / 2)", "zeroblob(length(batch))"] {
        let whole = replace_batch(&stand, damage).await;
        let error = stand.open().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}: {error:?}");
        let told = chain(&error);
        assert!(told.contains("tail") && told.contains('2'), "{damage}: {told}");
        restore_batch(&stand, whole).await;
    }
    stand.open().await.unwrap();
    let events = stand.events(shop, "run-00001").await.unwrap();
    assert_eq!(summary(&events), [(1, "one"), (2, "two")]);
    stand.close().await;
}

/// Puts something else in the place of the second batch; returns what was there.
async fn replace_batch(stand: &Stand, expression: &str) -> Vec<u8> {
    let mut catalog = stand.catalog().await;
    let whole =
        sqlx::query_scalar("SELECT batch FROM tail WHERE pk = 2").fetch_one(&mut catalog).await.unwrap();
    let update = format!("UPDATE tail SET batch = {expression} WHERE pk = 2");
    sqlx::raw_sql(sqlx::AssertSqlSafe(update)).execute(&mut catalog).await.unwrap();
    whole
}

async fn restore_batch(stand: &Stand, whole: Vec<u8>) {
    let update = sqlx::query("UPDATE tail SET batch = $1 WHERE pk = 2").bind(whole);
    update.execute(&mut stand.catalog().await).await.unwrap();
}

/// The message and its causes.
fn chain(error: &StoreError) -> String {
    let first: Option<&dyn std::error::Error> = Some(error);
    let causes = std::iter::successors(first, |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
