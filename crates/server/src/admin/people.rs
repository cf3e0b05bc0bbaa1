//! Commands about members and tokens.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kymo_model::Timestamp;
use kymo_store::{Actor, MemberChange, Project, ProjectPk, Role, Store, Token};

use super::{Reply, make, project_named};
use crate::problem::Problem;

/// Adds a member with roles `PROJECT=ROLE`; the reply has a one-time code for them.
pub(super) async fn add(
    store: &Store,
    name: &str,
    is_admin: bool,
    roles: &[String],
) -> Result<Reply, Problem> {
    let by = Actor::command_line();
    let mut given = Vec::new();
    for assignment in roles {
        let (project, role) = assignment
            .rsplit_once('=')
            .ok_or_else(|| Problem::input(format!("{assignment}: expected PROJECT=ROLE")))?;
        given.push((project_named(store, project).await?.pk, role_of(role)?));
    }
    let name = store.add_member(name, is_admin, &given, &by).await?;
    let (code, _) = make::login_code(store, Some(&name), &by).await?;
    Ok(Reply::Code { code, url: None })
}

/// The members: name, tab, what they are.
pub(super) async fn list(store: &Store) -> Result<Reply, Problem> {
    let projects: BTreeMap<ProjectPk, Project> =
        store.projects().await?.into_iter().map(|project| (project.pk, project)).collect();
    let lines = store.members().await?.into_iter().map(|member| {
        let mut roles: Vec<String> = member
            .roles
            .iter()
            .filter_map(|(pk, role)| Some(format!("{}={}", projects.get(pk)?.id, role.as_str())))
            .collect();
        if member.is_admin {
            roles.insert(0, "admin".to_owned());
        }
        format!("{}\t{}", member.name, roles.join(" "))
    });
    Ok(Reply::Lines { lines: lines.collect() })
}

/// Gives a member a role in a project; `none` takes it away.
pub(super) async fn set_role(store: &Store, name: &str, project: &str, role: &str) -> Result<Reply, Problem> {
    let project = project_named(store, project).await?.pk;
    let role = if role == "none" { None } else { Some(role_of(role)?) };
    let change = MemberChange { roles: vec![(project, role)], ..MemberChange::default() };
    store.change_member(name, &change, &Actor::command_line()).await?;
    Ok(Reply::Lines { lines: Vec::new() })
}

/// The role of that word.
pub(crate) fn role_of(word: &str) -> Result<Role, Problem> {
    Role::from_word(word)
        .ok_or_else(|| Problem::input(format!("{word:?} is not a role: expected reader, member or admin")))
}

/// The tokens of a project: number, first characters, scope and name, with tabs between them.
pub(super) async fn tokens(store: &Store, project: &str) -> Result<Reply, Problem> {
    let project = project_named(store, project).await?.pk;
    let (now, tokens) = (store.now(), store.tokens_of(project).await?);
    Ok(Reply::Lines { lines: tokens.iter().map(|token| token_line(token, now)).collect() })
}

fn token_line(token: &Token, now: Timestamp) -> String {
    let name = token.name.as_deref().unwrap_or("-");
    let mut line = format!("{}\t{}…\t{}\t{name}", token.pk, token.label, token.scope.as_str());
    // Writing to a String cannot fail.
    match token.expires_at {
        Some(end) if end <= now => drop(write!(line, "\texpired {end}")),
        Some(end) => drop(write!(line, "\texpires {end}")),
        None => line.push_str("\tno end"),
    }
    match token.last_used_at {
        Some(used) => drop(write!(line, "\tused {used}")),
        None => line.push_str("\tnot used"),
    }
    line
}
