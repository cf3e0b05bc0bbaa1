//! What is set for a project, and what users say about its events.

use std::time::Duration;

use kymo_model::{Event, EventKind, SessionState, Timestamp};
use kymo_store::{
    Change, EventFilter, EventOrder, Item, ProjectPk, ProjectSettings, Projects, SessionFilter,
    SessionLimits, StoreErrorKind, UserDescription,
};
use kymo_tracker::{Incoming, Role, SessionKey, SessionRow};
use sqlx::Executor;
use tokio::sync::broadcast::Receiver;

use crate::stand::{BEGIN, Stand, line};

const MINUTE: Duration = Duration::from_mins(1);

/// An event of that identity, dated that long after the begin.
fn of_user(user: &str, after: Duration) -> Item {
    let time = BEGIN.plus(after);
    let key = Some(SessionKey::Identity(user.to_owned()));
    let event = Event::new(EventKind::Log, time, time);
    let incoming = Incoming::new(key, Role::Ordinary, event);
    Item { incoming, fingerprint: None }
}

async fn limit(stand: &Stand, project: ProjectPk, limits: SessionLimits) {
    let changed = stand.store().change_project(project, |settings| {
        settings.session_limits = limits;
        Ok(())
    });
    changed.await.unwrap();
}

async fn sessions(stand: &Stand, project: ProjectPk) -> Vec<SessionRow> {
    let filter = SessionFilter { projects: Projects::one(project), ..SessionFilter::default() };
    let rows = stand.store().sessions(&filter, None, 100).await.unwrap();
    rows.into_iter().map(|(_, row)| row).collect()
}

#[tokio::test]
async fn a_limit_holds_from_the_next_commit_on_and_for_its_project_only() {
    let (mut stand, shop) = Stand::new().await;
    let farm = stand.add_project("farm").await;
    for project in [shop, farm] {
        stand.submit(project, vec![of_user("ann", Duration::ZERO)]).await.unwrap();
    }
    limit(&stand, shop, SessionLimits { split_after: Some(30 * 60), ..SessionLimits::default() }).await;
    for project in [shop, farm] {
        stand.submit(project, vec![of_user("ann", 20 * MINUTE)]).await.unwrap();
    }
    assert_eq!((sessions(&stand, shop).await.len(), sessions(&stand, farm).await.len()), (1, 2));
    // Also after a restart; and the default comes back.
    stand.reopen().await;
    stand.submit(shop, vec![of_user("ann", 49 * MINUTE)]).await.unwrap();
    assert_eq!(sessions(&stand, shop).await.len(), 1);
    limit(&stand, shop, SessionLimits::default()).await;
    stand.submit(shop, vec![of_user("ann", 65 * MINUTE)]).await.unwrap();
    assert_eq!(sessions(&stand, shop).await.len(), 2);
    stand.close().await;
}

/// A notice that takes longer does not come: idle sessions are looked for every two seconds.
const NOTICE_WITHIN: Duration = MINUTE;

/// The next notice: the project and how many of its sessions changed.
async fn changed(changes: &mut Receiver<Change>) -> (ProjectPk, usize) {
    let change = tokio::time::timeout(NOTICE_WITHIN, changes.recv()).await.expect("a notice").unwrap();
    (change.project, change.sessions.len())
}

#[tokio::test]
async fn silence_ends_sessions_by_the_limit_of_their_project_and_kind() {
    let (mut stand, shop) = Stand::new().await;
    // The site before the farm: whoever ended its session too early would tell so first.
    let [site, farm] = [stand.add_project("site").await, stand.add_project("farm").await];
    for project in [shop, farm, site] {
        stand.submit(project, vec![of_user("ann", Duration::ZERO)]).await.unwrap();
    }
    stand.close().await;
    let browser =
        "UPDATE session SET kind = 'browser' WHERE project_pk = (SELECT pk FROM project WHERE id = 'site')";
    stand.catalog().await.execute(browser).await.unwrap();
    stand.open().await.unwrap();
    limit(&stand, shop, SessionLimits { idle_after: Some(60), ..SessionLimits::default() }).await;

    let mut changes = stand.store().changes();
    let is_running = async |project| sessions(&stand, project).await[0].state() == SessionState::Running;
    let mut ended = Vec::new();
    for (minutes, project) in [(1, shop), (4, farm), (25, site)] {
        assert!(is_running(project).await);
        stand.pass_time(minutes * MINUTE);
        assert_eq!(changed(&mut changes).await, (project, 1), "after {ended:?}");
        assert!(!is_running(project).await);
        ended.push(project);
    }
    stand.close().await;
}

type Edit = fn(&mut ProjectSettings);

#[tokio::test]
async fn a_change_is_made_as_a_whole_or_not_at_all() {
    let (mut stand, shop) = Stand::new().await;
    stand.add_project("farm").await;
    let project = async || {
        let projects = stand.store().projects().await.unwrap();
        projects.into_iter().find(|project| project.pk == shop).unwrap()
    };
    let before = project().await;
    assert_eq!((before.config_version, before.session_limits), (1, SessionLimits::default()));
    let refused: [(Edit, &str); 9] = [
        (|settings| settings.name = "farm".into(), "there is a project named farm already"),
        (|settings| settings.name = "a\nb".into(), "expected a name"),
        (|settings| settings.name = "x".repeat(101), "the name has 101 characters, expected at most 100"),
        (|settings| settings.origins = vec![String::new(); 101], "expected at most 100 origins, found 101"),
        (|settings| settings.session_limits.close_grace = Some(0), "close_grace is 0 s"),
        (|settings| settings.session_limits.idle_after = Some(901), "idle_after is 901 s"),
        (|settings| drop(settings.client_settings.insert(" ".into(), String::new())), "found an empty one"),
        (|settings| drop(settings.client_settings.insert("k".repeat(301), String::new())), "301 characters"),
        (|settings| drop(settings.client_settings.insert("k".into(), "é".repeat(2001))), "2001 characters"),
    ];
    for (change, expected) in refused {
        let changed = stand.store().change_project(shop, |settings| {
            settings.client_settings.insert("a".into(), "1".into());
            change(settings);
            Ok(())
        });
        let error = changed.await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Input);
        assert!(error.to_string().contains(expected), "{error}");
    }
    let refusal = stand.store().change_project(shop, |_| Err("no".to_owned())).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.to_string().as_str()), (StoreErrorKind::Input, "no"));
    assert_eq!(project().await, before);

    let set = async |key: &'static str, value: &'static str| {
        let changed = stand.store().change_project(shop, |settings| {
            settings.client_settings.insert(key.into(), value.into());
            Ok(())
        });
        changed.await.unwrap();
        project().await.config_version
    };
    assert_eq!((set("a", "1").await, set("a", "1").await, set("a", "2").await), (2, 2, 3));
    limit(&stand, shop, SessionLimits { idle_after: Some(60), ..SessionLimits::default() }).await;
    assert_eq!(project().await.config_version, 3, "agents fetch nothing of that");
    let kept = project().await;
    stand.reopen().await;
    let projects = stand.store().projects().await.unwrap();
    assert_eq!(projects.iter().find(|project| project.pk == shop), Some(&kept));
    stand.close().await;
}

fn said(text: &str, received_at: Timestamp) -> UserDescription {
    UserDescription {
        email: Some("ann@a.test".into()),
        text: Some(text.into()),
        data: Some("{}".into()),
        received_at,
    }
}

#[tokio::test]
async fn descriptions_are_found_by_the_events_of_their_id() {
    let (mut stand, shop) = Stand::new().await;
    let farm = stand.add_project("farm").await;
    let mut items: Vec<Item> = (0..5000).map(|n| line("run-00001", n, &format!("{n}"))).collect();
    for (n, item) in items.iter_mut().enumerate() {
        item.incoming.event.reference_id = (n % 10 != 0).then(|| format!("reference-{}", n % 4000));
    }
    stand.submit(shop, items).await.unwrap();
    let store = stand.store();
    store.describe(shop, "reference-3", &said("early", BEGIN)).await.unwrap();
    store.describe(shop, "reference-3", &said("late", BEGIN.plus(MINUTE))).await.unwrap();
    store.describe(shop, "reference-3999", &said("other", BEGIN)).await.unwrap();
    store.describe(shop, "reference-99999", &said("of nothing", BEGIN)).await.unwrap();
    store.describe(farm, "reference-4", &said("of another project", BEGIN)).await.unwrap();
    let events = stand.events(shop, "run-00001").await.unwrap();
    let check = async |stand: &Stand| {
        let found = stand.store().descriptions(shop, &events).await.unwrap();
        let expected =
            [("reference-3", said("late", BEGIN.plus(MINUTE))), ("reference-3999", said("other", BEGIN))];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected.map(|(id, said)| (id.to_owned(), said)));
    };
    check(&stand).await;
    stand.reopen().await;
    check(&stand).await;
    assert_eq!(stand.store().descriptions(shop, &[]).await.unwrap().len(), 0);
    // Both events of that id are found, in the tail and in a segment.
    let filter = EventFilter { reference_id: Some("reference-3".into()), ..EventFilter::default() };
    let session = stand.session(shop, "run-00001").await.id;
    for _ in 0..2 {
        let page = stand
            .store()
            .events(shop, Some(session), filter.clone(), EventOrder::Time, None, 10)
            .await
            .unwrap();
        let texts: Vec<_> = page.events.iter().filter_map(|event| event.message.as_deref()).collect();
        assert_eq!((page.total, texts), (2, vec!["3", "4003"]));
        stand.store().flush().await.unwrap();
    }
    stand.close().await;
}
