//! The same, asked in the terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use kymo::sending::{Criteria, Local, MailSecurity, Secret, SendSettings, Sent, package, select};
use kymo_viewer::pack::{
    PackApplication, PackChoice, PackDefaults, PackMail, PackOffer, PackProgress, PackRequest, PackResult,
    PackTarget, ask,
};

use super::choice::{self, Chosen};
use super::drives;
use super::job::{Job, Progress};
use super::outcome::{Code, Outcome, Went};
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
    let asked = Asked { applications, unreadable, settings, tries: Mutex::default() };
    let work = move |request: &PackRequest, tell: &dyn Fn(PackProgress), stop: &AtomicBool| {
        result(&asked.work(request, tell, stop))
    };
    match ask(offer, Arc::new(work))? {
        Some(result) => {
            // The screen is gone; what was done stays to be read, where the terminal is not gone as well.
            let mut output = std::io::stdout().lock();
            let _ = result.lines.iter().try_for_each(|line| writeln!(output, "{line}"));
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

/// Application, choice, and to whom.
type Try = (usize, usize, String);

/// What came of tries that did not bring all to those people.
#[derive(Default)]
struct Tried {
    /// What had gone of each session before the first of them.
    before: BTreeMap<String, Sent>,
    /// Sessions that went whole.
    whole: BTreeSet<String>,
    /// Sessions that went as far as they were.
    so_far: BTreeSet<String>,
}

/// What stands behind the screen.
struct Asked {
    applications: Vec<(String, Vec<Set>)>,
    unreadable: Vec<String>,
    settings: SendSettings,
    /// Mails that go *also if they went before* go no more than once by tries of the same.
    tries: Mutex<BTreeMap<Try, Tried>>,
}

impl Asked {
    fn work(&self, request: &PackRequest, tell: &dyn Fn(PackProgress), stop: &AtomicBool) -> Outcome {
        let sets = self.applications.get(request.application).map(|(_, sets)| sets);
        let Some(set) = sets.and_then(|sets| sets.get(request.choice)) else {
            return Outcome::failed(Code::Failed, "no such choice");
        };
        let target = match target_of(&self.settings, &request.target) {
            Ok(target) => target,
            Err(text) => return Outcome::failed(Code::Usage, text),
        };
        let chosen = Chosen { sessions: set.sessions.clone(), unreadable: self.unreadable.clone() };
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
        match &request.target {
            PackTarget::Mail(mail) if set.again => {
                let to = mail.to.split_whitespace().collect();
                self.mail_once(&(request.application, request.choice, to), job, &tell, stop)
            }
            _ => job.run(&tell, stop),
        }
    }

    /// Mails also what went before, but not what earlier tries of the same brought: they are gone on with.
    fn mail_once(&self, what: &Try, job: Job, tell: &dyn Fn(Progress), stop: &AtomicBool) -> Outcome {
        let tries = || self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = sent_of(&job.chosen.sessions);
        let tried = tries().remove(what);
        let mut tried = tried.unwrap_or_else(|| Tried { before: now.clone(), ..Tried::default() });
        let mut outcome = Outcome { unreadable: job.chosen.unreadable, ..Outcome::default() };
        if !outcome.unreadable.is_empty() {
            outcome.becomes(Code::Unreadable);
        }
        let (mut begun, mut others) = (Vec::new(), Vec::new());
        for session in job.chosen.sessions {
            let id = &session.summary.id;
            if tried.whole.contains(id) {
                outcome.sessions.push(Went { id: id.clone(), what: "before" });
            } else if tried.so_far.contains(id) || now.get(id) != tried.before.get(id) {
                begun.push(session);
            } else {
                others.push(session);
            }
        }
        for (sessions, again) in [(begun, false), (others, true)] {
            // What one session is refused for may not hold for others.
            let goes_on = matches!(outcome.how, Code::Done | Code::Unreadable | Code::Refused);
            if sessions.is_empty() || !goes_on {
                continue;
            }
            let chosen = Chosen { sessions, unreadable: Vec::new() };
            let part = Job { chosen, target: job.target.clone(), again, ..job };
            add(&mut outcome, part.run(tell, stop));
        }
        for went in &outcome.sessions {
            match went.what {
                "so_far" => tried.so_far.insert(went.id.clone()),
                _ => tried.whole.insert(went.id.clone()),
            };
        }
        // When all went, who asks once more wants all of it once more.
        if !matches!(outcome.how, Code::Done | Code::Unreadable) {
            tries().insert(what.clone(), tried);
        }
        outcome
    }
}

/// What is known by now to have gone of these sessions, by their ids.
fn sent_of(sessions: &[Local]) -> BTreeMap<String, Sent> {
    let folders: BTreeSet<&Path> = sessions.iter().map(|session| session.folder.as_path()).collect();
    // What cannot be read now could not be sent, either.
    let found = folders.into_iter().filter_map(|folder| select(folder, Criteria::ALL).ok()).flatten();
    found.map(|session| (session.summary.id, session.sent)).collect()
}

fn add(outcome: &mut Outcome, part: Outcome) {
    outcome.becomes(part.how);
    outcome.sessions.extend(part.sessions);
    outcome.mails = part.mails.map_or(outcome.mails, |mails| Some(outcome.mails.unwrap_or(0) + mails));
    outcome.bytes += part.bytes;
    outcome.unreadable.extend(part.unreadable);
    for text in part.failed {
        if !outcome.failed.contains(&text) {
            outcome.failed.push(text);
        }
    }
    outcome.notes.extend(part.notes);
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
