//! Doing it: sessions to the target, and what came of it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use kymo::sending::mail::{MailErrorKind, MailOptions, MailReport};
use kymo::sending::package::{PackageError, Plan, PlanOptions, file_name, free_name};
use kymo::sending::{Gate, Local, SendReason, SendReport, SendSettings, mail, send_these};

use super::choice::Chosen;
use super::outcome::{Code, Outcome, Went, Written};
use super::target::Target;

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) bytes: u64,
    pub(super) bytes_total: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) chosen: Chosen,
    pub(super) target: Target,
    /// A person was just asked, and said yes.
    pub(super) is_asked: bool,
    /// Also what went by mail before.
    pub(super) again: bool,
}

impl Job {
    pub(super) fn run(&self, tell: &dyn Fn(Progress), stop: &AtomicBool) -> Outcome {
        let mut outcome = match &self.target {
            Target::File(path) => self.save(path, tell, stop),
            Target::Folder(folder) if !folder.is_dir() => Outcome::failed(
                Code::Target,
                format!("{}: expected a folder that is there", folder.display()),
            ),
            Target::Folder(folder) => {
                self.save(&free_name(folder, &file_name(&self.chosen.sessions)), tell, stop)
            }
            Target::Mail(settings) => self.mail(settings, tell, stop),
            Target::Server(settings) => self.server(settings, tell, stop),
        };
        outcome.unreadable.splice(0..0, self.chosen.unreadable.iter().cloned());
        if !outcome.unreadable.is_empty() {
            outcome.becomes(Code::Unreadable);
        }
        outcome
    }

    fn went(&self, places: &[usize]) -> Vec<Went> {
        let sessions = places.iter().filter_map(|&at| self.chosen.sessions.get(at));
        let what = |session: &Local| if session.is_running { "so_far" } else { "whole" };
        sessions.map(|session| Went { id: session.summary.id.clone(), what: what(session) }).collect()
    }

    fn save(&self, path: &Path, tell: &dyn Fn(Progress), stop: &AtomicBool) -> Outcome {
        let plan = Plan::new(&self.chosen.sessions, PlanOptions::default());
        let Some(package) = plan.packages.first() else {
            return Outcome { unreadable: plan.unreadable, ..Outcome::default() };
        };
        let mut progress = Progress { bytes: 0, bytes_total: package.bytes() };
        let mut more = |bytes| {
            progress.bytes += bytes;
            tell(progress);
        };
        match package.save(path, &mut more, &|| stop.load(Ordering::Relaxed)) {
            Ok(left_out) => {
                let bytes = progress.bytes;
                Outcome {
                    sessions: self.went(&package.sessions()),
                    package: Some(Written { path: path.to_owned(), bytes }),
                    bytes,
                    unreadable: plan.unreadable.into_iter().chain(left_out).collect(),
                    ..Outcome::default()
                }
            }
            Err(PackageError::Stopped) => Outcome::failed(Code::Cancelled, "cancelled: no file was made"),
            Err(PackageError::Target(error)) => {
                let text = match error.kind() {
                    ErrorKind::AlreadyExists => "there is a file of that name: expected another".to_owned(),
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                        format!("no room for {} bytes: {error}", package.bytes())
                    }
                    _ => error.to_string(),
                };
                Outcome::failed(Code::Target, format!("{}: {text}", path.display()))
            }
        }
    }

    /// Splits what is meant into what may leave and what consent holds.
    fn allowed(&self, settings: &SendSettings, outcome: &mut Outcome) -> Vec<Local> {
        let (open, held): (Vec<Local>, Vec<Local>) = self
            .chosen
            .sessions
            .iter()
            .cloned()
            .partition(|session| self.may_leave(settings, &session.folder));
        if !held.is_empty() {
            let products: std::collections::BTreeSet<&str> =
                held.iter().map(|session| session.summary.product.as_str()).collect();
            let products: Vec<&str> = products.into_iter().collect();
            outcome.failed.push(format!(
                "{} of {} are held: the person has not consented to sending. Ask them, then say --i-was-asked",
                match held.len() {
                    1 => "1 session".to_owned(),
                    count => format!("{count} sessions"),
                },
                products.join(", ")
            ));
            outcome.becomes(Code::Held);
        }
        open
    }

    /// By the person's word just now, or what is stored. What was refused stays refused, whatever the settings say here.
    fn may_leave(&self, settings: &SendSettings, folder: &Path) -> bool {
        if self.is_asked {
            return true;
        }
        let product = folder.parent().unwrap_or(folder);
        let is_stored = product.join("consent.json").exists();
        let settings =
            SendSettings { consent_required: settings.consent_required || is_stored, ..settings.clone() };
        Gate::new(product, &settings).is_open(SendReason::Rule)
    }

    fn mail(&self, settings: &SendSettings, tell: &dyn Fn(Progress), stop: &AtomicBool) -> Outcome {
        let mut outcome = Outcome::default();
        let sessions = self.allowed(settings, &mut outcome);
        let Some(mail) = settings.mail.as_ref().filter(|_| !sessions.is_empty()) else { return outcome };
        let may_leave = || sessions.iter().all(|session| self.may_leave(settings, &session.folder));
        let is_stopped = || stop.load(Ordering::Relaxed);
        let options = MailOptions { again: self.again, may_leave: &may_leave, stop: &is_stopped };
        let mut progress =
            |now: mail::MailProgress| tell(Progress { bytes: now.bytes, bytes_total: now.bytes_total });
        let report = mail::send(&sessions, mail, &options, &mut progress);
        take_report(&mut outcome, report);
        outcome
    }

    /// The one place that knows how sessions go to a server.
    fn server(&self, settings: &SendSettings, tell: &dyn Fn(Progress), stop: &AtomicBool) -> Outcome {
        let mut outcome = Outcome::default();
        let sessions = self.allowed(settings, &mut outcome);
        if sessions.is_empty() {
            return outcome;
        }
        let total: u64 =
            sessions.iter().flat_map(|session| &session.fragments).map(|fragment| fragment.bytes).sum();
        // The pass tells how far a fragment is; those before it are done.
        let mut done = BTreeMap::new();
        let mut progress = |now: kymo::sending::Progress| {
            done.insert((now.session, now.fragment), now.bytes);
            tell(Progress { bytes: done.values().sum(), bytes_total: total });
        };
        let reason = if self.is_asked { SendReason::UserAsked } else { SendReason::Rule };
        // What consent holds was left out; a *no* that comes meanwhile counts before the next piece.
        let is_held = || !sessions.iter().all(|session| self.may_leave(settings, &session.folder));
        let is_stopped = || stop.load(Ordering::Relaxed) || is_held();
        let report = send_these(&sessions, settings, reason, &mut progress, &is_stopped);
        outcome.server.clone_from(&settings.server);
        if !report.held.is_empty() || is_held() {
            outcome.failed.push("held: the person took the consent back".to_owned());
            outcome.becomes(Code::Held);
        }
        take_server_report(&mut outcome, report, stop.load(Ordering::Relaxed));
        outcome
    }
}

fn take_server_report(outcome: &mut Outcome, report: SendReport, is_stopped: bool) {
    outcome.sessions = [went(&report.whole, "whole"), went(&report.part, "so_far")].concat();
    outcome.bytes = report.bytes;
    outcome.notes.extend(report.notes);
    if report.purged > 0 {
        outcome.notes.push(format!("{} fragments were removed here, as the server has them", report.purged));
    }
    for id in &report.short {
        outcome.failed.push(format!("session {id}: the server does not take all of it"));
        outcome.becomes(Code::Refused);
    }
    for id in &report.declined {
        outcome.notes.push(format!("session {id}: the server does not want it"));
    }
    if is_stopped {
        outcome.failed.push("cancelled: what did not go stays, and is gone on with".to_owned());
        outcome.becomes(Code::Cancelled);
    }
    for (session, text) in report.failed {
        // What a server says about itself, it says by a number.
        let is_refused =
            ["found 401", "found 403", "found 413", "found 422"].iter().any(|part| text.contains(part));
        outcome.becomes(if is_refused { Code::Refused } else { Code::Unsent });
        outcome.failed.push(session.map_or_else(|| text.clone(), |id| format!("session {id}: {text}")));
    }
}

fn went(ids: &[kymo::SessionId], what: &'static str) -> Vec<Went> {
    ids.iter().map(|id| Went { id: id.to_string(), what }).collect()
}

fn take_report(outcome: &mut Outcome, report: MailReport) {
    outcome.sessions =
        [went(&report.whole, "whole"), went(&report.part, "so_far"), went(&report.before, "before")].concat();
    (outcome.mails, outcome.bytes) = (Some(report.mails), report.bytes);
    outcome.unreadable.extend(report.unreadable);
    for (session, text) in report.failed {
        outcome.failed.push(session.map_or_else(|| text.clone(), |id| format!("session {id}: {text}")));
    }
    match report.failure {
        None => {}
        Some(MailErrorKind::Settings) => outcome.becomes(Code::Usage),
        Some(MailErrorKind::Away) => outcome.becomes(Code::Unsent),
        Some(MailErrorKind::Refused | MailErrorKind::TooLarge | MailErrorKind::Untrusted) => {
            outcome.becomes(Code::Refused);
        }
    }
    if report.is_stopped {
        outcome.failed.push("cancelled: what did not go stays".to_owned());
        outcome.becomes(Code::Cancelled);
    }
    if report.is_held {
        outcome.failed.push("held: the person took the consent back".to_owned());
        outcome.becomes(Code::Held);
    }
}
