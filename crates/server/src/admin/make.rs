//! Making projects, tokens and one-time codes: the same for the API and the command line.

use std::time::Duration;

use axum::http::StatusCode;
use kymo_model::{ProjectId, Timestamp};
use kymo_store::{Action, Actor, NewToken, Project, ProjectPk, Scope, Store};

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
/// Longest time a token may be made for; one that shall hold for longer is made without an end.
const TOKEN_HOLDS_DAYS_MAX: u64 = 3650;

/// A token to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WantedToken<'text> {
    pub(crate) scope: &'text str,
    pub(crate) name: Option<&'text str>,
    pub(crate) expires_in_seconds: Option<u64>,
    /// An existing key to adopt.
    pub(crate) key: Option<&'text str>,
}

/// Makes a project.
pub(crate) async fn project(
    store: &Store,
    name: &str,
    id: Option<&str>,
    origins: &[String],
    by: &Actor,
) -> Result<ProjectId, Problem> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Problem::input("expected a name for the project"));
    }
    origins.iter().try_for_each(|origin| settings::check_origin(origin)).map_err(Problem::input)?;
    let projects = store.projects().await?;
    if projects.iter().any(|project| project.name == name) {
        let detail = format!("there is a project named {name} already");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let id: ProjectId = match id {
        Some(id) => {
            id.parse().map_err(|error| Problem::input(format!("{id:?} is not a project id: {error}")))?
        }
        None => free_id(name, &projects)?,
    };
    store.add_project(&id, name, origins).await?;
    let made = store.projects().await?.into_iter().find(|project| project.id == id).map(|project| project.pk);
    store.record(by, Action::ProjectAdd, made, Some(id.as_str())).await?;
    Ok(id)
}

/// `My Shop!` becomes `my-shop`, or `my-shop-2` if that is taken.
fn free_id(name: &str, projects: &[Project]) -> Result<ProjectId, Problem> {
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
        .ok_or_else(|| Problem::input("expected an --id for this project"))
}

/// Makes a token; its number, and the token itself, which nobody is told again.
pub(crate) async fn token(
    store: &Store,
    project: ProjectPk,
    wanted: WantedToken<'_>,
    created_by: Option<&str>,
    by: &Actor,
) -> Result<(i64, String), Problem> {
    let word = wanted.scope;
    let scope = Scope::from_word(word).ok_or_else(|| {
        Problem::input(format!("{word:?} is not a scope: expected ingest, browser, read or admin"))
    })?;
    let secret = match wanted.key {
        Some(key) => {
            let plain = key.bytes().all(|byte| byte.is_ascii_graphic());
            if !(KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&key.len()) || !plain {
                return Err(Problem::input(format!(
                    "expected a key of {KEY_CHARS_MIN} to {KEY_CHARS_MAX} visible ASCII characters"
                )));
            }
            key.to_owned()
        }
        None => format!("kymo_{}_{}", scope.as_str(), new_secret()?),
    };
    let expires_at = wanted.expires_in_seconds.map(|seconds| end(store.now(), seconds)).transpose()?;
    let label: String = secret.chars().take(LABEL_CHARS.min(secret.len() / 2)).collect();
    let name = wanted.name.map(str::trim);
    let token = NewToken { project, scope, secret: &secret, label: &label, name, created_by, expires_at };
    let pk = store.add_token(&token, by).await?;
    Ok((pk, secret))
}

fn end(now: Timestamp, seconds: u64) -> Result<Timestamp, Problem> {
    if (1..=TOKEN_HOLDS_DAYS_MAX * 24 * 60 * 60).contains(&seconds) {
        return Ok(now.plus(Duration::from_secs(seconds)));
    }
    Err(Problem::input(format!("expires: expected 1 second to {TOKEN_HOLDS_DAYS_MAX} days")))
}

/// A one-time code for that member, or for the first one; it holds until then.
pub(crate) async fn login_code(
    store: &Store,
    member: Option<&str>,
    by: &Actor,
) -> Result<(String, Timestamp), Problem> {
    let code = new_secret()?;
    let expires_at = store.now().plus(LINK_HOLDS_FOR);
    store.add_login_code(&code, member, expires_at, by).await?;
    Ok((code, expires_at))
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
