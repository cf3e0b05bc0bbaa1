//! Commands of the `kymo` program: done by the running server through its socket, or by the
//! program itself on a folder that no server uses.

pub(crate) mod make;
pub(crate) mod people;

use std::path::{Path, PathBuf};

use kymo_store::{Action, Actor, Finding, MemberChange, Project, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::Problem;
use crate::settings;
use crate::uploads::import::{self, Imported};

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Make a project.
    ProjectAdd {
        /// What people call it.
        name: String,
        /// Its id; made from the name if not given.
        id: Option<String>,
        /// Web origins that may send with a `browser` token.
        origins: Vec<String>,
    },
    /// List the projects.
    ProjectList,
    /// Tell what a project is set to.
    ProjectShow {
        /// Its name or id.
        project: String,
    },
    /// Change settings of a project.
    ProjectSet {
        /// Its name or id.
        project: String,
        /// What to change, as `PATCH /api/v1/projects/{id}` takes it.
        change: Value,
    },
    /// Make a token, or adopt an existing key.
    TokenAdd {
        /// Name or id of the project.
        project: String,
        /// `ingest`, `browser`, `read` or `admin`.
        scope: String,
        /// The existing key.
        key: Option<String>,
        /// What people call it.
        name: Option<String>,
        /// How long it holds; for ever if not given.
        expires_in_seconds: Option<u64>,
    },
    /// List the tokens of a project.
    TokenList {
        /// Its name or id.
        project: String,
    },
    /// A token stops to hold.
    TokenRevoke {
        /// The token, or with `project` the number that the list has.
        token: String,
        /// Name or id of the project.
        project: Option<String>,
    },
    /// Add a member, with a one-time code.
    MemberAdd {
        /// What they sign in with.
        name: String,
        /// They administer the server.
        is_admin: bool,
        /// `PROJECT=ROLE`.
        roles: Vec<String>,
    },
    /// List the members.
    MemberList,
    /// Remove a member.
    MemberRemove {
        /// Their name.
        name: String,
    },
    /// Give a member a role in a project.
    MemberRole {
        /// Their name.
        name: String,
        /// Name or id of the project.
        project: String,
        /// `reader`, `member`, `admin`, or `none` to take it away.
        role: String,
    },
    /// Make a one-time code for signing in.
    LoginCode {
        /// For whom; for the first member if not given.
        member: Option<String>,
        /// They forgot their password: it is removed, and their browsers are signed out.
        remove_password: bool,
    },
    /// Tell what a person should know about the folder and the server.
    Doctor,
    /// Import files of sessions.
    Import {
        /// Name or id of the project.
        project: String,
        /// The files, as absolute paths.
        files: Vec<PathBuf>,
    },
    /// Write a backup.
    Backup {
        /// The new folder, as an absolute path.
        to: PathBuf,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Lines to print.
    Lines {
        /// The lines.
        lines: Vec<String>,
    },
    /// A project with its settings, as `GET /api/v1/projects/{id}` gives it.
    Project {
        /// The project.
        project: Value,
    },
    /// A one-time code.
    Code {
        /// The code.
        code: String,
        /// Where the running server listens, if one runs.
        url: Option<String>,
    },
    /// What was found.
    Findings {
        /// One for each check.
        findings: Vec<Finding>,
    },
    /// What was imported.
    Imported {
        /// Of these files.
        imported: Imported,
    },
    /// It was not done.
    Refused {
        /// Why, and what was expected.
        reason: String,
    },
}

/// Does it.
///
/// # Errors
/// The reason as a sentence, for the person who typed the command.
pub async fn perform(store: &Store, command: Command) -> Result<Reply, String> {
    performed(store, command).await.map_err(Problem::into_detail)
}

async fn performed(store: &Store, command: Command) -> Result<Reply, Problem> {
    let by = Actor::command_line();
    let nothing_to_say = Reply::Lines { lines: Vec::new() };
    match command {
        Command::ProjectAdd { name, id, origins } => {
            let id = make::project(store, &name, id.as_deref(), &origins, &by).await?;
            Ok(Reply::Lines { lines: vec![id.to_string()] })
        }
        Command::ProjectList => {
            let projects = store.projects().await?;
            let lines = projects.iter().map(|project| format!("{}\t{}", project.id, project.name)).collect();
            Ok(Reply::Lines { lines })
        }
        Command::ProjectShow { project } => {
            Ok(Reply::Project { project: settings::shown(&project_named(store, &project).await?) })
        }
        Command::ProjectSet { project, change } => {
            let project = project_named(store, &project).await?;
            store.change_project(project.pk, |settings| settings::merge(settings, &change)).await?;
            let target = settings::changed_keys(&change);
            store.record(&by, Action::ProjectChange, Some(project.pk), Some(&target)).await?;
            Ok(nothing_to_say)
        }
        Command::TokenAdd { project, scope, key, name, expires_in_seconds } => {
            let project = project_named(store, &project).await?.pk;
            let (name, key) = (name.as_deref(), key.as_deref());
            let wanted = make::WantedToken { scope: &scope, name, expires_in_seconds, key };
            let (_, secret) = make::token(store, project, wanted, None, &by).await?;
            Ok(Reply::Lines { lines: vec![secret] })
        }
        Command::TokenList { project } => people::tokens(store, &project).await,
        Command::TokenRevoke { token, project: None } => {
            store.revoke_token(&token, &by).await?;
            Ok(nothing_to_say)
        }
        Command::TokenRevoke { token, project: Some(project) } => {
            let project = project_named(store, &project).await?.pk;
            let number = token.parse().map_err(|_| {
                Problem::input(format!("{token:?}: expected the number that `kymo token list` has"))
            })?;
            store.revoke_token_of(project, number, &by).await?;
            Ok(nothing_to_say)
        }
        Command::MemberAdd { name, is_admin, roles } => people::add(store, &name, is_admin, &roles).await,
        Command::MemberList => people::list(store).await,
        Command::MemberRemove { name } => {
            store.remove_member(&name, &by).await?;
            Ok(nothing_to_say)
        }
        Command::MemberRole { name, project, role } => people::set_role(store, &name, &project, &role).await,
        Command::LoginCode { member, remove_password } => {
            login_code(store, member.as_deref(), remove_password).await
        }
        Command::Doctor => Ok(Reply::Findings { findings: store.examine().await }),
        Command::Import { project, files } => {
            let project = project_named(store, &project).await?.pk;
            let imported = import::from_disk(store, project, files).await.map_err(Problem::input)?;
            Ok(Reply::Imported { imported })
        }
        Command::Backup { to } => backup(store, &to).await,
    }
}

async fn login_code(store: &Store, member: Option<&str>, remove_password: bool) -> Result<Reply, Problem> {
    let by = Actor::command_line();
    if remove_password {
        let name =
            member.ok_or_else(|| Problem::input("expected the member whose password is to be removed"))?;
        store.change_member(name, &MemberChange { remove_password, ..MemberChange::default() }, &by).await?;
    }
    let (code, _) = make::login_code(store, member, &by).await?;
    Ok(Reply::Code { code, url: None })
}

/// By id, else by name.
async fn project_named(store: &Store, project: &str) -> Result<Project, Problem> {
    let mut projects = store.projects().await?;
    let at = projects
        .iter()
        .position(|known| known.id.as_str() == project)
        .or_else(|| projects.iter().position(|known| known.name == project))
        .ok_or_else(|| {
            Problem::not_found(format!("there is no project {project:?}: make it with `kymo project add`"))
        })?;
    Ok(projects.swap_remove(at))
}

async fn backup(store: &Store, to: &Path) -> Result<Reply, Problem> {
    let told = |error: StoreError| {
        let reason =
            std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
        Problem::input(format!("the backup was not made: {error}{reason}"))
    };
    let manifest = store.backup(to).await.map_err(told)?;
    let (made_at, files, bytes) = (&manifest.made_at, manifest.files.len(), manifest.bytes());
    Ok(Reply::Lines { lines: vec![format!("{}\t{made_at}\t{files} files\t{bytes} bytes", to.display())] })
}

/// A one-time link for a server that listens on `url`.
///
/// # Errors
/// The reason as a sentence.
pub async fn new_login_url(store: &Store, url: &str) -> Result<String, String> {
    let made = make::login_code(store, None, &Actor::command_line()).await;
    let (code, _) = made.map_err(Problem::into_detail)?;
    Ok(format!("{url}/login?code={code}"))
}
