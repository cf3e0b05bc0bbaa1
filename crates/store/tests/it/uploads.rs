//! Sessions of programs in the store: what is kept of them, how they are found, and when their files go.

use std::time::Duration;

use kymo_filter::{Query, Subject};
use kymo_model::{EndReason, Event, EventKind, SessionId, SessionState};
use kymo_store::{
    FragmentState, Item, Progress, ProjectPk, Projects, SessionFilter, StoreErrorKind, Submission,
};
use kymo_tracker::{End, Incoming, Role, SessionKey, Told, ToldEnd};

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
    stand.reopen().await;
    assert_eq!(files().len(), 0);
    stand.close().await;
}
