//! The audit log: who signed in and who changed what. It is bounded, newest kept.

use std::time::Duration;

use kymo_model::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use crate::catalog::projects::{ProjectPk, Projects};
use crate::error::StoreError;

/// Most rows kept: a hundred changes a day for three years, some 15 MB.
const ROWS_MAX: i64 = 100_000;
/// Most rows of failed sign-ins: whoever tries passwords writes these, and must not push the others out.
const FAILED_ROWS_MAX: i64 = 10_000;
/// Rows are kept for thirteen months: a year can be looked back on as a whole.
const KEPT_FOR: Duration = Duration::from_hours(400 * 24);
/// Rows between two looks at what is too old or too many.
const TRIM_EVERY: i64 = 64;
/// Longest target: a project's name with some words.
const TARGET_CHARS_MAX: usize = 300;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Somebody signed in.
    SignIn,
    /// Somebody tried to, with a wrong password.
    SignInFailed,
    /// Somebody signed out.
    SignOut,
    /// A session of a browser was ended from elsewhere.
    SessionEnd,
    /// A one-time link was made.
    LinkMake,
    /// A member was added.
    MemberAdd,
    /// A member was made, or is no more, an admin of the server.
    MemberChange,
    /// A member was removed.
    MemberRemove,
    /// A member has a new role in a project.
    RoleSet,
    /// A member has no role in a project any more.
    RoleRemove,
    /// A password was set.
    PasswordSet,
    /// A password was removed.
    PasswordRemove,
    /// A token was made.
    TokenAdd,
    /// A token was revoked.
    TokenRevoke,
    /// A project was made.
    ProjectAdd,
    /// A project's settings were changed.
    ProjectChange,
    /// A person asked for all of a program's session.
    SessionRequest,
    /// A program that runs was told to do something.
    SessionCommand,
    /// Data left the server as a whole list.
    Export,
    /// Data was erased.
    Erase,
}

impl Action {
    /// The word used in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignInFailed => "sign_in.failed",
            Self::SignOut => "sign_out",
            Self::SessionEnd => "session.end",
            Self::LinkMake => "link.make",
            Self::MemberAdd => "member.add",
            Self::MemberChange => "member.change",
            Self::MemberRemove => "member.remove",
            Self::RoleSet => "role.set",
            Self::RoleRemove => "role.remove",
            Self::PasswordSet => "password.set",
            Self::PasswordRemove => "password.remove",
            Self::TokenAdd => "token.add",
            Self::TokenRevoke => "token.revoke",
            Self::ProjectAdd => "project.add",
            Self::ProjectChange => "project.change",
            Self::SessionRequest => "session.request",
            Self::SessionCommand => "session.command",
            Self::Export => "export",
            Self::Erase => "erase",
        }
    }
}

/// Who does something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: String,
    address: Option<String>,
}

impl Actor {
    /// A member, or whoever gave that name.
    pub fn member(name: &str, address: Option<String>) -> Self {
        Self { name: name.to_owned(), address }
    }

    /// A program, by the first characters of its token. Names of members have no spaces, so nobody is
    /// called like that.
    pub fn token(label: &str, address: Option<String>) -> Self {
        Self { name: format!("token {label}"), address }
    }

    /// Whoever may open the data folder.
    pub fn command_line() -> Self {
        Self { name: "command line".to_owned(), address: None }
    }

    /// The name that the log has.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the log; rises.
    pub pk: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a member's name, `token` and its first characters, or `command line`.
    pub actor: String,
    /// What was done; a word of [`Action`].
    pub action: String,
    /// In which project, if in one.
    pub project: Option<ProjectPk>,
    /// To what.
    pub target: Option<String>,
    /// From where.
    pub address: Option<String>,
}

pub(crate) async fn append(
    writer: &mut SqliteConnection,
    now: Timestamp,
    by: &Actor,
    action: Action,
    project: Option<ProjectPk>,
    target: Option<&str>,
) -> Result<(), StoreError> {
    let target = target.map(|target| target.chars().take(TARGET_CHARS_MAX).collect::<String>());
    let row = sqlx::query(
        "INSERT INTO audit (at, actor, action, project_pk, target, address) VALUES ($1, $2, $3, $4, $5, $6) \
         RETURNING pk",
    )
    .bind(now.as_unix_nanos())
    .bind(&by.name)
    .bind(action.as_str())
    .bind(project.map(|project| project.0))
    .bind(target)
    .bind(&by.address)
    .fetch_one(&mut *writer)
    .await?;
    let pk: i64 = row.get(0);
    if pk % TRIM_EVERY == 0 { trim(writer, pk, now).await } else { Ok(()) }
}

async fn trim(writer: &mut SqliteConnection, newest: i64, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM audit WHERE pk <= $1 OR at < $2")
        .bind(newest - ROWS_MAX)
        .bind(now.as_unix_nanos().saturating_sub(KEPT_FOR.as_nanos() as i64))
        .execute(&mut *writer)
        .await?;
    sqlx::query(
        "DELETE FROM audit WHERE action = $1 AND pk <= \
         (SELECT pk FROM audit WHERE action = $1 ORDER BY pk DESC LIMIT 1 OFFSET $2)",
    )
    .bind(Action::SignInFailed.as_str())
    .bind(FAILED_ROWS_MAX)
    .execute(writer)
    .await?;
    Ok(())
}

/// Newest first; of the whole server only if all projects are meant.
pub(crate) async fn page(
    readers: &SqlitePool,
    projects: &Projects,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT pk, at, actor, action, project_pk, target, address FROM audit WHERE pk < ",
    );
    query.push_bind(before.unwrap_or(i64::MAX));
    projects.push_condition(&mut query);
    query.push(" ORDER BY pk DESC LIMIT ").push_bind(i64::from(limit));
    let rows = query.build().fetch_all(readers).await?;
    Ok(rows
        .iter()
        .map(|row| AuditEntry {
            pk: row.get("pk"),
            at: Timestamp::from_unix_nanos(row.get("at")),
            actor: row.get("actor"),
            action: row.get("action"),
            project: row.get::<Option<i64>, _>("project_pk").map(ProjectPk),
            target: row.get("target"),
            address: row.get("address"),
        })
        .collect())
}
