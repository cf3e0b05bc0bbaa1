//! `kymo doctor --local`: how a folder of programs' sessions is, whether what should leave it does, and what to do.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kymo::sending::{Criteria, Local, SendStatus, select};
use kymo::{Consent, ConsentState};
use kymo_viewer::size_text;
use serde::Serialize;

use super::choice::stem;
use crate::print::{finding_lines, print_lines};

/// Held by the process that sends for an application, and what it says of how that goes.
const SEND_LOCK: &str = "send.lock";
const SEND_STATUS: &str = "send-status.json";
/// Files of one kind that are named.
const NAMED_MAX: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Ok,
    Warn,
    Fail,
}

/// As the checks of a data folder are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: String,
    grade: Grade,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

fn ok(check: &str, found: impl Into<String>) -> Finding {
    Finding { check: check.to_owned(), grade: Grade::Ok, found: found.into(), advice: None }
}

fn warn(check: &str, found: impl Into<String>, advice: &str) -> Finding {
    Finding {
        check: check.to_owned(),
        grade: Grade::Warn,
        found: found.into(),
        advice: Some(advice.to_owned()),
    }
}

fn fail(check: &str, found: impl Into<String>, advice: &str) -> Finding {
    Finding { grade: Grade::Fail, ..warn(check, found, advice) }
}

pub(crate) fn doctor(root: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let root = match root {
        Some(root) => root.to_owned(),
        None => crate::repository::root()?,
    };
    let findings = examine(&root);
    if json {
        print_lines(&[serde_json::to_string(&findings)?])?;
    } else {
        print_lines(&findings.iter().flat_map(lines).collect::<Vec<_>>())?;
    }
    let failed = findings.iter().filter(|finding| finding.grade == Grade::Fail).count();
    if failed > 0 {
        anyhow::bail!("{failed} of {} checks failed", findings.len());
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(finding: &Finding) -> Vec<String> {
    let grade = match finding.grade {
        Grade::Ok => "ok",
        Grade::Warn => "warn",
        Grade::Fail => "FAIL",
    };
    finding_lines(grade, &finding.check, &finding.found, finding.advice.as_deref())
}

/// Looks, and changes nothing: what waits to be recovered is told, not recovered.
fn examine(root: &Path) -> Vec<Finding> {
    let folders = match kymo::application_folders(root, None, None) {
        Ok(folders) => folders,
        Err(error) => {
            let advice = "give the folder that the programs keep their sessions in; see docs/repository.md";
            return vec![fail("folder", format!("{}: {error}", root.display()), advice)];
        }
    };
    let mut findings =
        vec![ok("folder", format!("{}: {}", root.display(), counted(folders.len(), "application")))];
    let mut products: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for folder in folders {
        products.entry(folder.parent().unwrap_or(root).to_owned()).or_default().push(folder);
    }
    for (product, applications) in products {
        findings.push(consent(root, &product));
        for folder in applications {
            application(&folder, &mut findings);
        }
    }
    findings
}

fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

fn name(folder: &Path) -> String {
    let part = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("{} {}", folder.parent().map(part).unwrap_or_default(), part(folder))
}

fn consent(root: &Path, product: &Path) -> Finding {
    let name = product.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match Consent::read(root, &name) {
        Ok(consent) => match consent.state {
            ConsentState::Granted => ok("consent", format!("{name}: granted")),
            ConsentState::Refused => ok("consent", format!("{name}: refused; nothing is sent by itself")),
            _ => ok("consent", format!("{name}: nobody was asked, or answered")),
        },
        Err(error) => fail(
            "consent",
            error.to_string(),
            "nothing is sent while it cannot be read: remove the file, and the person is asked again",
        ),
    }
}

fn application(folder: &Path, findings: &mut Vec<Finding>) {
    let name = name(folder);
    let sessions = match select(folder, Criteria::ALL) {
        Ok(sessions) => sessions,
        Err(error) => {
            findings.push(fail(
                "sessions",
                format!("{name}: {error}"),
                "who runs this has to be able to read the folder",
            ));
            return;
        }
    };
    findings.push(stock(&name, &sessions));
    findings.extend(unreadable(folder, &name, &sessions));
    findings.extend(wishes(&name, &sessions));
    findings.push(sender(folder, &name));
    findings.extend(status(folder, &name));
}

fn stock(name: &str, sessions: &[Local]) -> Finding {
    let unsent: Vec<&Local> = sessions.iter().filter(|session| Criteria::NEW.fits(session)).collect();
    let bytes: u64 =
        unsent.iter().flat_map(|session| &session.fragments).map(|fragment| fragment.bytes).sum();
    let running = sessions.iter().filter(|session| session.is_running).count();
    ok(
        "sessions",
        format!(
            "{name}: {}, {running} running; {} not sent whole, {}",
            counted(sessions.len(), "session"),
            unsent.len(),
            size_text(bytes)
        ),
    )
}

fn unreadable(folder: &Path, name: &str, sessions: &[Local]) -> Option<Finding> {
    let mut odd = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, file) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // By session: one that runs may have begun a fragment since, or one in which nothing stands yet.
        let is_known = || {
            path.metadata().is_ok_and(|found| found.len() == 0)
                || sessions
                    .iter()
                    .flat_map(|session| &session.fragments)
                    .any(|fragment| stem(&fragment.path) == stem(&path))
        };
        let has = |ending: &str| path.extension().is_some_and(|found| found == ending);
        let is_odd = !file.starts_with("kymo-") && !is_known() || File::open(&path).is_err();
        if has("damaged") || has("kymo") && is_odd {
            odd.push(file);
        }
    }
    odd.sort();
    let listed = odd.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    (!odd.is_empty()).then(|| {
        warn(
            "files",
            format!("{name}: {} cannot be read or have no summary: {listed}", counted(odd.len(), "file")),
            "look into them by kymo open; they are not sent by themselves",
        )
    })
}

fn wishes(name: &str, sessions: &[Local]) -> Option<Finding> {
    let wished: Vec<&Local> = sessions.iter().filter(|session| session.wish.is_some()).collect();
    let waiting = wished.iter().filter(|session| !session.is_running).count();
    if waiting > 0 {
        let found =
            format!("{name}: {} that ended are to be sent and are not yet", counted(waiting, "session"));
        return Some(warn(
            "wishes",
            found,
            "the next start of the program sends them, or now: kymo pack --unsent --server URL",
        ));
    }
    (!wished.is_empty())
        .then(|| ok("wishes", format!("{name}: {} to be sent", counted(wished.len(), "session"))))
}

fn sender(folder: &Path, name: &str) -> Finding {
    match File::open(folder.join(SEND_LOCK)) {
        Ok(file) if file.try_lock_shared().is_err() => {
            ok("sender", format!("{name}: a process sends for it"))
        }
        Ok(_) => ok("sender", format!("{name}: nobody sends for it just now")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            ok("sender", format!("{name}: nobody has sent for it yet"))
        }
        Err(error) => {
            fail("sender", format!("{name}: {SEND_LOCK}: {error}"), "who sends has to be able to open it")
        }
    }
}

/// What the last sender said of how it went.
fn status(folder: &Path, name: &str) -> Option<Finding> {
    folder.join(SEND_STATUS).exists().then(|| {
        let status = SendStatus::read(folder);
        let success = status.last_success_at.as_deref().unwrap_or("never");
        let failure = status.last_failure.as_deref().filter(|_| status.failures > 0);
        match failure {
            Some(failure) => warn(
                "sending",
                format!("{name}: to {} fails: {failure}; last success: {success}", status.server),
                "is the server's address right, does it run, and is the token one of scope ingest?",
            ),
            None if status.is_held => warn(
                "sending",
                format!("{name}: held, as the person has not consented"),
                "nothing is wrong; a person who is asked, or asks by kymo pack, has it sent",
            ),
            None => ok("sending", format!("{name}: to {} went well, last {success}", status.server)),
        }
    })
}
