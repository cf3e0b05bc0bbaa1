//! What is kept of people: the audit log is bounded, and last uses survive.

use std::time::Duration;

use kymo_store::{Action, Actor, NewToken, Projects, Scope};
use sqlx::Row;

use crate::stand::{BEGIN, Stand};

const ROWS_MAX: u32 = 100_000;
const FAILED_ROWS_MAX: u32 = 10_000;
/// Rows between two looks at what is too many.
const TRIM_EVERY: u32 = 64;

async fn fill(stand: &Stand, action: &str, count: u32) {
    let insert = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < $2) \
                  INSERT INTO audit (at, actor, action) SELECT $3, 'somebody', $1 FROM number";
    sqlx::query(insert)
        .bind(action)
        .bind(count)
        .bind(BEGIN.as_unix_nanos())
        .execute(&mut stand.catalog().await)
        .await
        .expect("rows");
}

async fn count(stand: &Stand, condition: &'static str) -> u32 {
    let query = format!("SELECT COUNT(*) FROM audit WHERE {condition}");
    let row = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_one(&mut stand.catalog().await).await;
    row.expect("a count").get(0)
}

async fn record(stand: &Stand, count: u32) {
    for _ in 0..count {
        stand.store().record(&Actor::command_line(), Action::Export, None, None).await.expect("a row");
    }
}

#[tokio::test]
async fn the_audit_log_is_bounded_and_failed_sign_ins_do_not_push_the_rest_out() {
    let (mut stand, _) = Stand::new().await;
    record(&stand, 1).await;
    fill(&stand, "sign_in.failed", FAILED_ROWS_MAX + 500).await;
    record(&stand, TRIM_EVERY).await;
    let failed = count(&stand, "action = 'sign_in.failed'").await;
    assert!((FAILED_ROWS_MAX - 1..=FAILED_ROWS_MAX).contains(&failed), "{failed}");
    assert_eq!(count(&stand, "action = 'export'").await, 1 + TRIM_EVERY);

    fill(&stand, "member.add", ROWS_MAX).await;
    record(&stand, TRIM_EVERY).await;
    let all = count(&stand, "1 = 1").await;
    assert!(all <= ROWS_MAX + TRIM_EVERY, "{all}");
    assert_eq!(count(&stand, "action = 'sign_in.failed'").await, 0, "older than the newest");

    stand.pass_time(Duration::from_hours(401 * 24));
    record(&stand, TRIM_EVERY).await;
    assert_eq!(count(&stand, "action <> 'export'").await, 0, "older than thirteen months");
    let newest = stand.store().audit(&Projects::All, None, 1).await.expect("a page");
    assert_eq!((newest[0].action.as_str(), newest[0].at), ("export", stand.now()));
    stand.close().await;
}

#[tokio::test]
async fn a_use_that_was_not_written_yet_is_written_when_the_store_closes() {
    let (mut stand, shop) = Stand::new().await;
    let token = NewToken {
        project: shop,
        scope: Scope::Read,
        secret: "secret",
        label: "sec",
        name: None,
        created_by: None,
        expires_at: None,
    };
    let pk = stand.store().add_token(&token, &Actor::command_line()).await.expect("a token");
    stand.pass_time(Duration::from_hours(1));
    stand.store().note_token_use(pk);
    let used = stand.now();
    stand.reopen().await;
    let kept = stand.store().tokens_of(shop).await.expect("tokens")[0].last_used_at.expect("it was used");
    assert!(kept <= used && used.since(kept) < Duration::from_mins(1), "{kept} {used}");
    stand.close().await;
}
