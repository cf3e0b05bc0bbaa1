//! Commands on a data folder: through the server that uses it, or alone under its lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use kymo_server::{Command, Imported, Reply, ask, perform};
use kymo_store::{Clock, Finding, Folder, Grade, Store, SystemClock};
use kymo_viewer::harmless;

use crate::args::{Backup, Doctor, Login, Member, Project, Restore, Token};
use crate::print::{self, print_lines};
use crate::settings;

pub(crate) fn project(command: Project) -> anyhow::Result<()> {
    match command {
        Project::Add { name, id, origins, folder } => {
            lines(&folder.data, Command::ProjectAdd { name, id, origins })
        }
        Project::List { folder } => listed(&folder.data, Command::ProjectList),
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
        Token::Add { project, scope, key, name, expires, folder } => {
            let expires_in_seconds =
                expires.map(|time| settings::seconds(&time).context("--expires")).transpose()?;
            let scope = scope.word().to_owned();
            lines(&folder.data, Command::TokenAdd { project, scope, key, name, expires_in_seconds })
        }
        Token::List { project, folder } => listed(&folder.data, Command::TokenList { project }),
        Token::Revoke { token, project, folder } => {
            lines(&folder.data, Command::TokenRevoke { token, project })
        }
    }
}

pub(crate) fn member(command: Member) -> anyhow::Result<()> {
    match command {
        Member::Add { name, admin, roles, folder } => {
            link(&folder.data, Command::MemberAdd { name, is_admin: admin, roles })
        }
        Member::List { folder } => listed(&folder.data, Command::MemberList),
        Member::Remove { name, folder } => lines(&folder.data, Command::MemberRemove { name }),
        Member::Role { name, project, role, folder } => {
            lines(&folder.data, Command::MemberRole { name, project, role: role.word().to_owned() })
        }
    }
}

pub(crate) fn login(login: Login) -> anyhow::Result<()> {
    let Login { member, remove_password, folder } = login;
    link(&folder.data, Command::LoginCode { member, remove_password })
}

/// Prints the one-time link that the command makes.
fn link(data: &Path, command: Command) -> anyhow::Result<()> {
    match done(data, command)? {
        Reply::Code { code, url: Some(url) } => print_lines(&[format!("{url}/login?code={code}")]),
        Reply::Code { code, url: None } => {
            print_lines(&[format!("start the server, then open its URL with /login?code={code}")])
        }
        other => bail!("unexpected answer {other:?}"),
    }
}

pub(crate) fn backup(args: &Backup) -> anyhow::Result<()> {
    if !args.folder.data.exists() {
        bail!("there is no data folder {}", args.folder.data.display());
    }
    // The server has another working directory.
    let to = std::path::absolute(&args.to).with_context(|| args.to.display().to_string())?;
    lines(&args.folder.data, Command::Backup { to })
}

pub(crate) fn doctor(args: &Doctor) -> anyhow::Result<()> {
    let data = &args.folder.data;
    let findings = match ask(data, &Command::Doctor)? {
        Some(Reply::Findings { findings }) => findings,
        Some(other) => bail!("unexpected answer {other:?}"),
        // Not as other commands do it: opening the folder would change what is to be looked at.
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(kymo_store::examine(data, SystemClock.now(), None))
        }
    };
    if args.json {
        print_lines(&[serde_json::to_string(&findings)?])?;
    } else {
        print_lines(&findings.iter().flat_map(finding_lines).collect::<Vec<_>>())?;
    }
    let failed = findings.iter().filter(|finding| finding.grade == Grade::Fail).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", findings.len());
    }
    Ok(())
}

fn finding_lines(finding: &Finding) -> Vec<String> {
    let grade = match finding.grade {
        Grade::Ok => "ok",
        Grade::Warn => "warn",
        Grade::Fail => "FAIL",
    };
    print::finding_lines(grade, &finding.check, &finding.found, finding.advice.as_deref())
}

pub(crate) fn restore(args: &Restore) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let manifest = runtime.block_on(kymo_store::restore(&args.from, &args.data))?;
    let (made_at, files, bytes) = (&manifest.made_at, manifest.files.len(), manifest.bytes());
    print_lines(&[format!("{}\t{made_at}\t{files} files\t{bytes} bytes", args.data.display())])
}

/// Imports files, given as absolute paths, into the folder.
pub(crate) fn import(data: &Path, project: &str, files: Vec<PathBuf>) -> anyhow::Result<Imported> {
    if !data.exists() {
        bail!("there is no data folder {}", data.display());
    }
    match done(data, Command::Import { project: project.to_owned(), files })? {
        Reply::Imported { imported } => Ok(imported),
        other => bail!("unexpected answer {other:?}"),
    }
}

fn lines(data: &Path, command: Command) -> anyhow::Result<()> {
    match done(data, command)? {
        Reply::Lines { lines } => print_lines(&lines),
        other => bail!("unexpected answer {other:?}"),
    }
}

/// Prints rows of columns with tabs between them, of which some are what somebody typed.
fn listed(data: &Path, command: Command) -> anyhow::Result<()> {
    match done(data, command)? {
        Reply::Lines { lines } => {
            let row = |line: &String| line.split('\t').map(harmless).collect::<Vec<_>>().join("\t");
            print_lines(&lines.iter().map(row).collect::<Vec<_>>())
        }
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
