//! Sessions of programs in the store: what is kept of them, how they are found, and when their files go.

use std::sync::Arc;
use std::time::Duration;

use kymo_filter::{Query, Subject};
use kymo_model::{EndReason, Event, EventKind, SessionId, SessionState};
use kymo_store::{
    FragmentState, Item, Progress, ProjectPk, Projects, SessionFilter, StoreErrorKind, Submission, Wanted,
};
use kymo_tracker::{Beat, End, Incoming, Role, SessionKey, Told, ToldEnd};

use crate::stand::{BEGIN, Stand};

const RUN: SessionId = SessionId::from_u128(0x0192_f0c1_2b3c_8d4e_9f50_6172_8394_a5b6);
const BYTES: &[u8] = b"the bytes of a fragment";

fn told(end: Option<EndReason>) -> Told {
    Told {
        key: SessionKey::Process(RUN.to_string()),
        started_at: BEGIN,
        properties: vec![("service.name".into(), "till".into())],
        user: None,
        previous: Some(SessionId::from_u128(7)),
        recorded: 9,
        lost: vec![("disk_full".into(), 3)],
        end: end.map(|reason| ToldEnd { at: BEGIN, reason, recovered: true }),
        arrival: 0,
    }
}

fn numbered(number: u64) -> Item {
    let mut event = Event::new(EventKind::Log, BEGIN, BEGIN);
    event.body = Some(format!("event {number}"));
    let key = Some(SessionKey::Process(RUN.to_string()));
    let incoming = Incoming { number: Some(number), ..Incoming::new(key, Role::Ordinary, event) };
    Item { incoming, fingerprint: None }
}

/// The first fragment with some events, whole.
async fn send(stand: &Stand, shop: ProjectPk, numbers: impl IntoIterator<Item = u64>, told: Told) -> u64 {
    let store = stand.store();
    let told = vec![told];
    store.submit(Submission { told: told.clone(), ..Submission::new(shop, 1) }).await.unwrap();
    let mut upload = store.upload(shop, RUN, 1).await.unwrap();
    store.append(&mut upload, BYTES.to_vec()).await.unwrap();
    let bytes = upload.bytes + BYTES.len() as u64;
    let advance = upload.progress(Progress { bytes, frame_at: 0, next_sequence: 9, is_complete: false });
    let items = numbers.into_iter().map(numbered).collect();
    let submission = Submission { items, told, upload: Some(advance), ..Submission::new(shop, 1) };
    store.submit(submission).await.unwrap().stored
}

async fn found(stand: &Stand, filter: &str) -> usize {
    let query = Query::parse(filter, Subject::Session, stand.now()).unwrap();
    let filter = SessionFilter { query: Some(query), ..SessionFilter::default() };
    stand.store().sessions(&filter, None, 10).await.unwrap().len()
}

#[tokio::test]
async fn a_run_is_kept_and_found_by_how_it_is() {
    let (mut stand, shop) = Stand::new().await;
    assert_eq!(stand.store().upload(shop, RUN, 1).await.unwrap_err().kind(), StoreErrorKind::NotFound);
    assert_eq!(send(&stand, shop, [1, 2, 5], told(None)).await, 3);
    let before = stand.session(shop, &RUN.to_string()).await;
    stand.reopen().await;
    assert_eq!(stand.session(shop, &RUN.to_string()).await, before);
    assert_eq!(before.process.as_ref().unwrap().missing(), 6);
    let there = FragmentState { fragment: 1, bytes: BYTES.len() as u64, is_complete: false };
    assert_eq!(stand.store().uploads(shop, RUN).await.unwrap(), [there]);
    // Known after a start as well: the numbers are in the row.
    assert_eq!(send(&stand, shop, [5, 6, 1], told(None)).await, 1);
    for (filter, count) in [("state:running", 1), ("state:silent", 0), ("state:ended", 0), ("end:*", 0)] {
        assert_eq!(found(&stand, filter).await, count, "{filter}");
    }
    stand.pass_time(Duration::from_mins(3));
    stand.store().upkeep().await.unwrap();
    let row = stand.session(shop, &RUN.to_string()).await;
    assert_eq!((row.state(), row.silent_since()), (SessionState::Silent, Some(BEGIN)));
    let running = SessionFilter { running: Some(false), ..SessionFilter::default() };
    assert!(stand.store().sessions(&running, None, 10).await.unwrap().is_empty(), "silent is not ended");
    for (filter, count) in [("state:running", 0), ("state:silent", 1), ("state:ended", 0), ("end:*", 0)] {
        assert_eq!(found(&stand, filter).await, count, "{filter}");
    }
    for reason in [EndReason::LostPower, EndReason::Killed] {
        // Of two found out afterwards at one moment it is the word that decides: whichever, it stays.
        send(&stand, shop, [], told(Some(reason))).await;
    }
    stand.reopen().await;
    let row = stand.session(shop, &RUN.to_string()).await;
    let expected = ToldEnd { at: BEGIN, reason: EndReason::LostPower, recovered: true };
    assert_eq!(row.end, Some(End::Told(expected)));
    for (filter, count) in [("state:ended", 1), ("end:lost_power", 1), ("end:killed", 0), ("end:*", 1)] {
        assert_eq!(found(&stand, filter).await, count, "{filter}");
    }
    stand.close().await;
}

#[tokio::test]
async fn files_go_with_their_session_and_are_asked_for_again() {
    let (mut stand, shop) = Stand::new().await;
    send(&stand, shop, 1..5, told(Some(EndReason::Normal))).await;
    let folder = stand.folder().join("uploads");
    let files = || std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(std::fs::read(&files()[0]).unwrap(), BYTES);
    std::fs::write(folder.join("stray"), b"of nobody").unwrap();
    stand.reopen().await;
    assert_eq!(files().len(), 1);
    // What is lost of a file is asked for again, and its events are known.
    std::fs::write(&files()[0], b"the").unwrap();
    stand.reopen().await;
    assert_eq!((stand.store().uploads(shop, RUN).await.unwrap(), files()), (vec![], vec![]));
    assert_eq!(send(&stand, shop, 1..7, told(None)).await, 2);

    let changed = stand.store().change_project(shop, |settings| {
        settings.retention_days = Some(1);
        Ok(())
    });
    changed.await.unwrap();
    stand.store().flush().await.unwrap();
    stand.pass_time(Duration::from_hours(48));
    for _ in 0..3 {
        stand.store().upkeep().await.unwrap();
    }
    let gone = stand.store().session(&Projects::All, &RUN.to_string()).await.unwrap_err();
    assert_eq!(gone.kind(), StoreErrorKind::NotFound);
    assert_eq!(stand.store().uploads(shop, RUN).await.unwrap(), []);
    // At once, not at the next start, where what nobody lists goes.
    assert_eq!(files().len(), 0);
    stand.close().await;
}

fn beat(stand: &Stand, errors: u64) -> Beat {
    let key = SessionKey::Process(String::new());
    Beat {
        key,
        heard_at: stand.now(),
        recorded: 40,
        messages: 38,
        errors,
        lost: vec![("ring_full".into(), 3)],
    }
}

#[tokio::test]
async fn beats_cost_one_commit_and_keep_a_process_running() {
    let (mut stand, shop) = Stand::new().await;
    send(&stand, shop, [], told(None)).await;
    stand.pass_time(Duration::from_secs(170));
    let mut changes = stand.store().changes();
    for errors in 0..50 {
        stand.store().beat(shop, RUN, beat(&stand, errors)).unwrap();
    }
    stand.store().beat(shop, SessionId::from_u128(99), beat(&stand, 1)).unwrap();
    stand.store().upkeep().await.unwrap();
    let row = stand.session(shop, &RUN.to_string()).await;
    assert_eq!((row.error_count, row.process.as_ref().unwrap().messages), (49, 38));
    assert_eq!(changes.try_recv().unwrap().sessions, [row.id]);
    assert!(changes.try_recv().is_err(), "one commit");
    assert_eq!(found(&stand, "error:true").await, 1);
    stand.pass_time(Duration::from_secs(170));
    stand.store().upkeep().await.unwrap();
    assert_eq!(found(&stand, "state:running").await, 1);
    stand.pass_time(Duration::from_secs(10));
    stand.store().upkeep().await.unwrap();
    assert_eq!(found(&stand, "state:silent").await, 1);
    stand.reopen().await;
    let row = stand.session(shop, &RUN.to_string()).await;
    assert_eq!(row.process.as_ref().unwrap().awaited_errors, 49);
    assert!(stand.store().session(&Projects::All, &SessionId::from_u128(99).to_string()).await.is_err());
    stand.close().await;
}

#[tokio::test]
async fn what_a_person_asked_for_is_known_after_a_start() {
    let (mut stand, shop) = Stand::new().await;
    send(&stand, shop, [], told(None)).await;
    let row = stand.session(shop, &RUN.to_string()).await;
    assert_eq!(stand.store().process_session(shop, RUN).await.unwrap(), Some((row.id, false)));
    stand.store().request(shop, &row.key).await.unwrap();
    stand.reopen().await;
    assert_eq!(stand.store().process_session(shop, RUN).await.unwrap(), Some((row.id, true)));
    stand.close().await;
}

#[tokio::test]
async fn what_a_project_wants_is_kept_beside_its_limits() {
    let (mut stand, shop) = Stand::new().await;
    for wanted in [Some(Wanted::None), Some(Wanted::WithErrors), None] {
        let changed = stand.store().change_project(shop, |settings| {
            settings.session_limits.idle_after = Some(60);
            settings.upload_wanted = wanted;
            Ok(())
        });
        changed.await.unwrap();
        stand.reopen().await;
        let project = stand.store().projects().await.unwrap().remove(0);
        assert_eq!((project.upload_wanted, project.session_limits.idle_after), (wanted, Some(60)));
    }
    stand.close().await;
}

#[tokio::test]
async fn a_piece_of_a_session_that_was_just_removed_is_refused() {
    let (mut stand, shop) = Stand::new().await;
    send(&stand, shop, 1..5, told(Some(EndReason::Normal))).await;
    let store = Arc::clone(stand.store());
    let mut upload = store.upload(shop, RUN, 1).await.unwrap();
    store.append(&mut upload, BYTES.to_vec()).await.unwrap();
    let changed = store.change_project(shop, |settings| {
        settings.retention_days = Some(1);
        Ok(())
    });
    changed.await.unwrap();
    store.flush().await.unwrap();
    stand.pass_time(Duration::from_hours(48));
    for _ in 0..3 {
        store.upkeep().await.unwrap();
    }
    let bytes = 2 * BYTES.len() as u64;
    let progress = Progress { bytes, frame_at: 0, next_sequence: 9, is_complete: true };
    for advance in [upload.unchanged(), upload.progress(progress)] {
        let (items, told) = (vec![numbered(5)], vec![told(None)]);
        let submission = Submission { items, told, upload: Some(advance), ..Submission::new(shop, 1) };
        assert_eq!(store.submit(submission).await.unwrap_err().kind(), StoreErrorKind::NotFound);
    }
    let gone = store.session(&Projects::All, &RUN.to_string()).await.unwrap_err();
    assert_eq!(gone.kind(), StoreErrorKind::NotFound, "it does not come back as half of one");
    drop((upload, store));
    stand.close().await;
}

#[tokio::test]
async fn files_on_their_way_in_go_whatever_happens() {
    let (mut stand, shop) = Stand::new().await;
    send(&stand, shop, 1..5, told(None)).await;
    let folder = stand.folder().join("uploads");
    let count = || std::fs::read_dir(&folder).unwrap().count();
    let arriving = [stand.store().arriving().unwrap(), stand.store().arriving().unwrap()];
    assert_eq!(count(), 3);
    drop(arriving);
    assert_eq!(count(), 1);
    // As a kill leaves it.
    std::mem::forget(stand.store().arriving().unwrap());
    assert_eq!(count(), 2);
    stand.reopen().await;
    assert_eq!(count(), 1);
    stand.close().await;
}
