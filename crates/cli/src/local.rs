//! Commands on a data folder: through the server that uses it, or alone under its lock.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use kymo_server::{Command, Reply, ask, perform};
use kymo_store::{Folder, Store, SystemClock};

use crate::args::{Project, Token};
use crate::print::print_lines;
use crate::settings;

pub(crate) fn project(command: Project) -> anyhow::Result<()> {
    match command {
        Project::Add { name, id, origins, folder } => {
            lines(&folder.data, Command::ProjectAdd { name, id, origins })
        }
        Project::List { folder } => lines(&folder.data, Command::ProjectList),
        Project::Show { project, json, folder } => {
            match done(&folder.data, Command::ProjectShow { project })? {
                Reply::Project { project } if json => print_lines(&[project.to_string()]),
                Reply::Project { project } => print_lines(&settings::lines(&project)),
                other => bail!("unexpected answer {other:?}"),
            }
        }
        Project::Set { project, settings, unset, folder } => {
            let change = settings::change(&settings, &unset)?;
            lines(&folder.data, Command::ProjectSet { project, change })
        }
    }
}

pub(crate) fn token(command: Token) -> anyhow::Result<()> {
    match command {
        Token::Add { project, scope, key, folder } => {
            lines(&folder.data, Command::TokenAdd { project, scope: scope.word().to_owned(), key })
        }
        Token::Revoke { token, folder } => lines(&folder.data, Command::TokenRevoke { token }),
    }
}

pub(crate) fn login(data: &Path) -> anyhow::Result<()> {
    match done(data, Command::LoginCode)? {
        Reply::Code { code, url: Some(url) } => print_lines(&[format!("{url}/login?code={code}")]),
        Reply::Code { code, url: None } => {
            print_lines(&[format!("start the server, then open its URL with /login?code={code}")])
        }
        other => bail!("unexpected answer {other:?}"),
    }
}

fn lines(data: &Path, command: Command) -> anyhow::Result<()> {
    match done(data, command)? {
        Reply::Lines { lines } => print_lines(&lines),
        other => bail!("unexpected answer {other:?}"),
    }
}

fn done(data: &Path, command: Command) -> anyhow::Result<Reply> {
    let reply = match ask(data, &command)? {
        Some(reply) => reply,
        None => alone(data, command)?,
    };
    match reply {
        Reply::Refused { reason } => bail!(reason),
        done => Ok(done),
    }
}

/// Does the command with no server running.
fn alone(data: &Path, command: Command) -> anyhow::Result<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(Folder::open(data)?, Arc::new(SystemClock)).await?;
        let reply = perform(&store, command).await.unwrap_or_else(|reason| Reply::Refused { reason });
        store.close().await?;
        Ok(reply)
    })
}
