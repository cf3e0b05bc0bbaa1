//! The same, asked in the terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kymo::sending::{Criteria, Local, MailSecurity, Secret, SendSettings, package};
use kymo_viewer::pack::{
    PackApplication, PackChoice, PackDefaults, PackMail, PackOffer, PackProgress, PackRequest, PackResult,
    PackTarget, ask,
};

use super::choice::{self, Chosen};
use super::drives;
use super::job::{Job, Progress};
use super::outcome::{Code, Outcome};
use super::target::{self, Target, host_and_port};
use crate::args::Pack;

/// What stands behind a choice on the screen.
struct Set {
    title: &'static str,
    /// Of these sessions of the application.
    sessions: Vec<Local>,
    /// Also what went by mail before.
    again: bool,
}

pub(super) fn run(args: &Pack) -> anyhow::Result<ExitCode> {
    let settings = match target::settings(args) {
        Ok(settings) => settings,
        Err(text) => return finish(&Outcome::failed(Code::Usage, text)),
    };
    let (folders, mut unreadable) = match choice::folders(args) {
        Ok(found) => found,
        Err(outcome) => return finish(&outcome),
    };
    let all = choice::all(&folders, &mut unreadable);
    if let Some(id) = args.sessions.iter().find(|id| !all.iter().any(|session| session.summary.id == **id)) {
        return finish(&Outcome::failed(Code::NotFound, format!("there is no session {id}")));
    }
    if all.is_empty() {
        return finish(&Outcome { unreadable, ..Outcome::default() });
    }
    let mut by_folder: BTreeMap<PathBuf, Vec<Local>> = BTreeMap::new();
    for session in all {
        by_folder.entry(session.folder.clone()).or_default().push(session);
    }
    let applications: Vec<(String, Vec<Set>)> =
        by_folder.into_values().map(|sessions| (title(&sessions), sets(args, &sessions))).collect();
    let offer = PackOffer {
        applications: offered(&applications),
        defaults: defaults(&settings, &applications),
        // See no-color.org: set and not empty.
        has_colors: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let work = move |request: &PackRequest, tell: &dyn Fn(PackProgress), stop: &AtomicBool| {
        result(&work(&applications, &unreadable, &settings, request, tell, stop))
    };
    match ask(offer, Arc::new(work))? {
        Some(result) => {
            // The screen is gone; what was done stays to be read.
            for line in &result.lines {
                println!("{line}");
            }
            Ok(ExitCode::from(result.code))
        }
        None => Ok(ExitCode::from(Code::Cancelled as u8)),
    }
}

fn finish(outcome: &Outcome) -> anyhow::Result<ExitCode> {
    outcome.print(false)?;
    Ok(outcome.exit_code())
}

fn title(sessions: &[Local]) -> String {
    sessions.last().map_or_else(String::new, |session| {
        let summary = &session.summary;
        format!("{} {}", summary.product, summary.application)
    })
}

/// What a person may choose of an application's sessions, the narrowest first.
fn sets(args: &Pack, sessions: &[Local]) -> Vec<Set> {
    let fitting = |criteria: Criteria| -> Vec<Local> {
        sessions.iter().filter(|session| criteria.fits(session)).cloned().collect()
    };
    let named: Vec<Local> =
        sessions.iter().filter(|session| args.sessions.contains(&session.summary.id)).cloned().collect();
    let said = choice::criteria(args);
    let mut sets = Vec::new();
    let set = |title, sessions| Set { title, sessions, again: false };
    if !named.is_empty() {
        sets.push(Set { again: true, ..set("This session", named) });
    } else if said != Criteria::default() {
        sets.push(set("What was asked for", fitting(said)));
    } else {
        let last = sessions.last().cloned().into_iter().collect();
        sets.push(Set { again: true, ..set("The last session", last) });
    }
    sets.push(set("What was not sent before", fitting(Criteria::NEW)));
    let bad = Criteria { crashed: true, with_errors: true, ..Criteria::default() };
    sets.push(set("With errors, or crashed", fitting(bad)));
    sets.push(Set { again: true, ..set("Everything", fitting(Criteria::ALL)) });
    sets
}

fn offered(applications: &[(String, Vec<Set>)]) -> Vec<PackApplication> {
    let running = |(title, sets): &(String, Vec<Set>)| {
        let runs = sets.last().is_some_and(|all| all.sessions.iter().any(|session| session.is_running));
        runs.then(|| title.clone())
    };
    let all_running: Vec<String> = applications.iter().filter_map(running).collect();
    applications
        .iter()
        .map(|one| {
            let (title, sets) = one;
            let mut notes = Vec::new();
            if all_running.contains(title) {
                notes.push(format!("{title} runs: what there is of that session so far is packed."));
            }
            let others: Vec<&str> =
                all_running.iter().filter(|other| *other != title).map(String::as_str).collect();
            if !others.is_empty() {
                notes.push(format!("Also running, and not among these: {}.", others.join(", ")));
            }
            PackApplication { title: title.clone(), choices: sets.iter().map(choice_of).collect(), notes }
        })
        .collect()
}

fn choice_of(set: &Set) -> PackChoice {
    let bytes =
        set.sessions.iter().flat_map(|session| &session.fragments).map(|fragment| fragment.bytes).sum();
    let errors = set
        .sessions
        .iter()
        .filter(|session| session.summary.tally.errors + session.summary.tally.fatal > 0)
        .count();
    let moment =
        |session: &Local| session.summary.started_at.chars().take(16).collect::<String>().replace('T', " ");
    let detail = match (set.sessions.as_slice(), errors) {
        ([one], 0) => format!("of {} UTC", moment(one)),
        ([one], _) => format!("of {} UTC, with errors", moment(one)),
        (_, 0) => String::new(),
        (_, errors) => format!("{errors} with errors"),
    };
    PackChoice { title: set.title.to_owned(), detail, sessions: set.sessions.len(), bytes }
}

fn defaults(settings: &SendSettings, applications: &[(String, Vec<Set>)]) -> PackDefaults {
    let newest: Vec<Local> = applications
        .first()
        .and_then(|(_, sets)| sets.first())
        .map(|set| set.sessions.clone())
        .unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let mail = settings.mail.clone().unwrap_or_default();
    let port = mail.port.map(|port| format!(":{port}")).unwrap_or_default();
    let security = match mail.security {
        MailSecurity::Tls => "tls",
        MailSecurity::StartTls => "starttls",
        MailSecurity::None => "none",
    };
    PackDefaults {
        mail: PackMail {
            to: mail.to.join(", "),
            from: mail.from,
            reply_to: mail.reply_to.unwrap_or_default(),
            server: format!("{}{port}", mail.server),
            security: security.to_owned(),
            user: mail.user.unwrap_or_default(),
            password: mail.password.reveal().to_owned(),
        },
        file: here.join(package::file_name(&newest)).display().to_string(),
        folder: here.display().to_string(),
        drives: drives::mounted(),
        server: settings.server.clone().unwrap_or_default(),
        token: settings.token.reveal().to_owned(),
    }
}

fn work(
    applications: &[(String, Vec<Set>)],
    unreadable: &[String],
    settings: &SendSettings,
    request: &PackRequest,
    tell: &dyn Fn(PackProgress),
    stop: &AtomicBool,
) -> Outcome {
    let found = applications.get(request.application).and_then(|(_, sets)| sets.get(request.choice));
    let Some(set) = found else { return Outcome::failed(Code::Failed, "no such choice") };
    let target = match target_of(settings, &request.target) {
        Ok(target) => target,
        Err(text) => return Outcome::failed(Code::Usage, text),
    };
    let chosen = Chosen { sessions: set.sessions.clone(), unreadable: unreadable.to_vec() };
    let text = match &request.target {
        PackTarget::Mail(_) => "sending by mail",
        PackTarget::File(_) | PackTarget::Folder(_) => "writing the package",
        PackTarget::Server { .. } => "sending to the server",
    };
    tell(PackProgress { text: text.to_owned(), bytes: (0, 0) });
    // Who sits here and sends is the person who was asked.
    let job = Job { chosen, target, is_asked: true, again: set.again };
    let tell = |progress: Progress| {
        tell(PackProgress { text: text.to_owned(), bytes: (progress.bytes, progress.bytes_total) });
    };
    job.run(&tell, stop)
}

fn target_of(settings: &SendSettings, target: &PackTarget) -> Result<Target, String> {
    let mut settings = settings.clone();
    Ok(match target {
        PackTarget::File(path) => Target::File(home(path)),
        PackTarget::Folder(path) => Target::Folder(home(path)),
        PackTarget::Server { url, token, purge } => {
            settings.server = Some(url.clone());
            settings.token = Secret::new(token.clone());
            settings.purge_sent_sessions = *purge;
            Target::Server(Box::new(settings))
        }
        PackTarget::Mail(said) => {
            let mut mail = settings.mail.take().unwrap_or_default();
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            (mail.server, mail.port) = host_and_port(&said.server)?;
            mail.to =
                said.to.split(',').map(str::trim).filter(|to| !to.is_empty()).map(str::to_owned).collect();
            mail.from.clone_from(&said.from);
            (mail.reply_to, mail.user) = (some(&said.reply_to), some(&said.user));
            mail.password = Secret::new(said.password.clone());
            mail.security = match said.security.as_str() {
                "starttls" => MailSecurity::StartTls,
                "none" => MailSecurity::None,
                _ => MailSecurity::Tls,
            };
            settings.mail = Some(mail);
            Target::Mail(Box::new(settings))
        }
    })
}

/// `~` is what people type for their folder.
fn home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn result(outcome: &Outcome) -> PackResult {
    let mut lines = outcome.good_lines();
    lines.extend(outcome.bad_lines());
    if outcome.package.is_some() {
        lines.push(String::new());
        lines.push("Whoever gets the file opens it by: kymo open FILE".to_owned());
    }
    PackResult { is_good: outcome.how == Code::Done, lines, code: outcome.code }
}
