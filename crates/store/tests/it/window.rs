//! What is recognised when it is sent again, and for how long; idle sessions; and the folder's lock.

use std::sync::Arc;
use std::time::Duration;

use kymo_model::{DropReason, EndReason, SessionState};
use kymo_store::{Folder, StoreErrorKind};

use crate::stand::{Stand, line, submission};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn an_event_is_known_for_a_day_and_forgotten_after_two() {
    let (mut stand, shop) = Stand::new().await;
    assert_eq!(stand.submit(shop, vec![line("run-00001", 0, "a")]).await.unwrap(), 1);
    // The begin is in the middle of a day: the window holds across its end.
    stand.pass_time(23 * HOUR);
    let again = stand.store().submit(submission(shop, vec![line("run-00001", 0, "a")])).await.unwrap();
    assert_eq!((again.stored, again.dropped[&DropReason::Duplicate]), (0, 1));
    // Also by a server that was started in between.
    stand.reopen().await;
    assert_eq!(stand.submit(shop, vec![line("run-00001", 0, "a")]).await.unwrap(), 0);
    // The repetition counts as having been seen: two days from now.
    stand.pass_time(49 * HOUR);
    assert_eq!(stand.submit(shop, vec![line("run-00001", 0, "a")]).await.unwrap(), 1);
    stand.close().await;
}

#[tokio::test]
async fn the_same_bytes_of_another_token_or_project_are_other_events() {
    let (mut stand, shop) = Stand::new().await;
    let farm = stand.add_project("farm").await;
    let twice = vec![line("run-00001", 0, "a"), line("run-00001", 0, "a")];
    assert_eq!(stand.submit(shop, twice.clone()).await.unwrap(), 1, "twice in one request");
    assert_eq!(stand.submit(farm, twice.clone()).await.unwrap(), 1, "another project");
    let mut other = submission(shop, twice);
    other.token = 2;
    assert_eq!(stand.store().submit(other).await.unwrap().stored, 1, "another token");
    assert_eq!(stand.events(shop, "run-00001").await.unwrap().len(), 2);
    stand.close().await;
}

#[tokio::test]
async fn upkeep_ends_what_is_idle_by_the_clock() {
    let (mut stand, shop) = Stand::new().await;
    stand.submit(shop, vec![line("run-00001", 0, "a")]).await.unwrap();
    stand.pass_time(Duration::from_nanos(299_999_999_999));
    stand.store().upkeep().await.unwrap();
    assert_eq!(stand.session(shop, "run-00001").await.state(), SessionState::Running);
    stand.pass_time(Duration::from_nanos(1));
    stand.store().upkeep().await.unwrap();
    assert_eq!(stand.session(shop, "run-00001").await.state(), SessionState::Ended(EndReason::TimedOut));
    let store = Arc::clone(stand.store());
    store.close().await.unwrap();
    assert_eq!(store.upkeep().await.unwrap_err().kind(), StoreErrorKind::Retry, "nobody is left to do it");
    drop(store);
    stand.close().await;
}

#[tokio::test]
async fn one_folder_one_store() {
    let (mut stand, _) = Stand::new().await;
    let refused = Folder::open(&stand.folder()).unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Retry);
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    stand.close().await;
    drop(Folder::open(&stand.folder()).unwrap());
}
