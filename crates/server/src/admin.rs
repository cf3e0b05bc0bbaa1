//! Commands of the `kymo` program: done by the running server through its socket, or by the
//! program itself on a folder that no server uses.

use std::time::Duration;

use kymo_model::ProjectId;
use kymo_store::{Project, Scope, Store, StoreErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::new_secret;
use crate::problem::Problem;
use crate::settings;

/// How long a one-time link holds.
const LINK_HOLDS_FOR: Duration = Duration::from_hours(24);
/// Shortest existing key that may be adopted as a token; clients require as much.
const KEY_CHARS_MIN: usize = 10;
/// Longest, so that a log line or header with it stays a line.
const KEY_CHARS_MAX: usize = 200;
/// Characters of a token that are kept to tell it apart.
const LABEL_CHARS: usize = 12;

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
    },
    /// A token stops to hold.
    TokenRevoke {
        /// The token.
        token: String,
    },
    /// Make a one-time code for signing in.
    LoginCode,
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
    match command {
        Command::ProjectAdd { name, id, origins } => add_project(store, &name, id, &origins).await,
        Command::ProjectList => {
            let projects = store.projects().await.map_err(|error| error.to_string())?;
            let lines = projects.iter().map(|project| format!("{}\t{}", project.id, project.name)).collect();
            Ok(Reply::Lines { lines })
        }
        Command::ProjectShow { project } => {
            Ok(Reply::Project { project: settings::shown(&project_named(store, &project).await?) })
        }
        Command::ProjectSet { project, change } => {
            let pk = project_named(store, &project).await?.pk;
            let changed = store.change_project(pk, |settings| settings::merge(settings, &change)).await;
            changed.map_err(|error| error.to_string())?;
            Ok(Reply::Lines { lines: Vec::new() })
        }
        Command::TokenAdd { project, scope, key } => add_token(store, &project, &scope, key).await,
        Command::TokenRevoke { token } => {
            store.revoke_token(&token).await.map_err(|error| error.to_string())?;
            Ok(Reply::Lines { lines: Vec::new() })
        }
        Command::LoginCode => Ok(Reply::Code { code: new_login_code(store).await?, url: None }),
    }
}

async fn add_project(
    store: &Store,
    name: &str,
    id: Option<String>,
    origins: &[String],
) -> Result<Reply, String> {
    let name = name.trim();
    if name.is_empty() {
        return Err("expected a name for the project".to_owned());
    }
    origins.iter().try_for_each(|origin| settings::check_origin(origin))?;
    let projects = store.projects().await.map_err(|error| error.to_string())?;
    if projects.iter().any(|project| project.name == name) {
        return Err(format!("there is a project named {name} already"));
    }
    let id: ProjectId = match id {
        Some(id) => id.parse().map_err(|error| format!("{id:?} is not a project id: {error}"))?,
        None => free_id(name, &projects)?,
    };
    store.add_project(&id, name, origins).await.map_err(|error| error.to_string())?;
    Ok(Reply::Lines { lines: vec![id.to_string()] })
}

/// `My Shop!` becomes `my-shop`, or `my-shop-2` if that is taken.
fn free_id(name: &str, projects: &[Project]) -> Result<ProjectId, String> {
    let letters = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    let slug: String = letters.take(40).collect();
    let parts: Vec<&str> = slug.split('-').filter(|part| !part.is_empty()).collect();
    let stem = if parts.is_empty() { "project".to_owned() } else { parts.join("-") };
    let candidates = std::iter::once(stem.clone()).chain((2..).map(|number| format!("{stem}-{number}")));
    candidates
        .into_iter()
        .find(|id| projects.iter().all(|project| project.id.as_str() != id))
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| "expected an --id for this project".to_owned())
}

/// By id, else by name.
async fn project_named(store: &Store, project: &str) -> Result<Project, String> {
    let mut projects = store.projects().await.map_err(|error| error.to_string())?;
    let at = projects
        .iter()
        .position(|known| known.id.as_str() == project)
        .or_else(|| projects.iter().position(|known| known.name == project))
        .ok_or_else(|| format!("there is no project {project:?}: make it with `kymo project add`"))?;
    Ok(projects.swap_remove(at))
}

async fn add_token(store: &Store, project: &str, scope: &str, key: Option<String>) -> Result<Reply, String> {
    let project = project_named(store, project).await?;
    let scope = Scope::from_word(scope)
        .ok_or_else(|| format!("{scope:?} is not a scope: expected ingest, browser, read or admin"))?;
    let token = match key {
        Some(key) => {
            let plain = key.bytes().all(|byte| byte.is_ascii_graphic());
            if !(KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&key.len()) || !plain {
                return Err(format!(
                    "expected a key of {KEY_CHARS_MIN} to {KEY_CHARS_MAX} visible ASCII characters"
                ));
            }
            key
        }
        None => format!(
            "kymo_{}_{}",
            scope.as_str(),
            new_secret().map_err(|_| "the system gave no random numbers")?
        ),
    };
    let label: String = token.chars().take(LABEL_CHARS.min(token.len() / 2)).collect();
    store.add_token(project.pk, scope, &token, &label).await.map_err(|error| match error.kind() {
        StoreErrorKind::Input => error.to_string(),
        _ => format!("the token could not be kept: {error}"),
    })?;
    Ok(Reply::Lines { lines: vec![token] })
}

async fn new_login_code(store: &Store) -> Result<String, String> {
    let code = new_secret().map_err(|_: Problem| "the system gave no random numbers")?;
    let expires_at = store.now().plus(LINK_HOLDS_FOR);
    store.add_login_code(&code, expires_at).await.map_err(|error| error.to_string())?;
    Ok(code)
}

/// A one-time link for a server that listens on `url`.
///
/// # Errors
/// The reason as a sentence.
pub async fn new_login_url(store: &Store, url: &str) -> Result<String, String> {
    Ok(format!("{url}/login?code={}", new_login_code(store).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_from_names() {
        let rows = [("My Shop!", "my-shop"), ("  ", "project"), ("Ärger", "rger"), ("a--b", "a-b")];
        for (name, expected) in rows {
            assert_eq!(free_id(name, &[]).unwrap().as_str(), expected, "{name}");
        }
    }
}
