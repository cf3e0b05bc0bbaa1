//! Bringing sessions away, step by step: what, where, how, and what came of it.
//!
//! ```text
//!  which application -> what -> where -> how (a form) -> working -> what came of it
//!          <- Esc: one step back; from the first one it ends ->
//! ```
//!
//! The screens follow from the state alone. What is done is the caller's, on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind};
use crossterm::execute;

use super::input::Input;
use super::theme::Theme;
use super::{Message, Waker, is_control_c, pack_view, terminal};
use crate::error::ViewError;

/// What a person may choose from.
#[derive(Clone, Debug, Default)]
pub struct PackOffer {
    /// At least one; with several it is asked which.
    pub applications: Vec<PackApplication>,
    /// What the forms say at first.
    pub defaults: PackDefaults,
    /// Colours may be used.
    pub has_colors: bool,
}

/// An application that has sessions.
#[derive(Clone, Debug, Default)]
pub struct PackApplication {
    /// Product and name.
    pub title: String,
    /// At least one.
    pub choices: Vec<PackChoice>,
    /// What a person should know, such as what runs.
    pub notes: Vec<String>,
}

/// A set of sessions.
#[derive(Clone, Debug, Default)]
pub struct PackChoice {
    /// In words.
    pub title: String,
    /// More of it; may be empty.
    pub detail: String,
    /// How many.
    pub sessions: usize,
    /// Of them on the disk.
    pub bytes: u64,
}

/// What the forms say at first.
#[derive(Clone, Debug, Default)]
pub struct PackDefaults {
    /// By mail.
    pub mail: PackMail,
    /// A package file.
    pub file: String,
    /// A folder.
    pub folder: String,
    /// Drives that are there: their folder and what is free on them.
    pub drives: Vec<PackDrive>,
    /// The server's address.
    pub server: String,
    /// Its token is known, and shown to nobody.
    pub token: String,
}

/// A drive that can be taken away.
#[derive(Clone, Debug, Default)]
pub struct PackDrive {
    /// Where it is mounted.
    pub folder: String,
    /// Bytes that are free.
    pub free: Option<u64>,
}

/// How mail is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackMail {
    /// To whom; several with commas between them.
    pub to: String,
    /// From whom.
    pub from: String,
    /// To whom answers go; may be empty.
    pub reply_to: String,
    /// Name of the mail server, with `:PORT` if it is another.
    pub server: String,
    /// `tls`, `starttls` or `none`.
    pub security: String,
    /// Login; may be empty.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackTarget {
    /// By mail.
    Mail(PackMail),
    /// That file.
    File(String),
    /// A new file in that folder.
    Folder(String),
    /// A server, by its address and token.
    Server {
        /// Its address.
        url: String,
        /// A token of scope ingest.
        token: String,
        /// Remove here what it has.
        purge: bool,
    },
}

/// What a person asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackRequest {
    /// Place in [`PackOffer::applications`].
    pub application: usize,
    /// Place in its choices.
    pub choice: usize,
    /// Where to.
    pub target: PackTarget,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackProgress {
    /// What is being done.
    pub text: String,
    /// Bytes that are done, and that there are; 0: nobody knows.
    pub bytes: (u64, u64),
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackResult {
    /// All of it went.
    pub is_good: bool,
    /// What went where, and what did not, and why.
    pub lines: Vec<String>,
    /// For who asked: the exit code.
    pub code: u8,
}

/// Does what was asked for: tells how far it is, and asks whether it is to stop.
pub type PackWork = dyn Fn(&PackRequest, &dyn Fn(PackProgress), &AtomicBool) -> PackResult + Send + Sync;

/// How long what is being done is waited for when the person, or the terminal, is gone: it stops between two pieces, and
/// clears away what it began.
const LEAVE_WAIT: Duration = Duration::from_secs(5);

/// While it lives, the terminal tells what is pasted from what is typed, where it can.
struct Pasting;

impl Pasting {
    fn begin() -> Self {
        // One that cannot types it, as before.
        let _ = execute!(std::io::stdout(), EnableBracketedPaste);
        Self
    }
}

impl Drop for Pasting {
    fn drop(&mut self) {
        let _ = execute!(std::io::stdout(), DisableBracketedPaste);
    }
}

/// Asks in the terminal what is to be brought where, and does it. Blocks until the person is done, or the terminal or a
/// signal ends it: what is being done is stopped then, and waited for up to five seconds. `None`: they went away before
/// anything was done, or nobody knows what came of it. Standard output has to be a terminal.
///
/// # Errors
/// The terminal does not work.
pub fn ask(offer: PackOffer, work: Arc<PackWork>) -> Result<Option<PackResult>, ViewError> {
    let (sender, messages) = channel();
    let waker = Waker { sender: sender.clone(), is_pending: Arc::default() };
    let mut terminal = terminal::Screen::begin(&sender)?;
    let _pasting = Pasting::begin();
    let theme = Theme { has_colors: offer.has_colors };
    let wake = waker.clone();
    let mut wizard = Wizard::new(offer, work, Arc::new(move || wake.wake()));
    let ended = run(&mut wizard, &mut terminal, &messages, &waker, theme);
    // Also where the terminal is gone.
    let result = wizard.leave(LEAVE_WAIT);
    ended.map(|()| result)
}

fn run(
    wizard: &mut Wizard,
    terminal: &mut terminal::Screen,
    messages: &Receiver<Message>,
    waker: &Waker,
    theme: Theme,
) -> Result<(), ViewError> {
    loop {
        waker.is_pending.store(false, Ordering::Release);
        wizard.take_result();
        terminal.draw(|frame| pack_view::draw(frame, wizard, theme))?;
        let Ok(first) = messages.recv() else { return Ok(()) };
        for message in std::iter::once(first).chain(messages.try_iter()) {
            match message {
                Message::Input(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    if wizard.key(key) == Next::End {
                        return Ok(());
                    }
                }
                Message::Input(Event::Paste(text)) => wizard.paste(&text),
                Message::Input(_) | Message::Wake => {}
                Message::Stop => return Ok(()),
                Message::Broken => {
                    return Err(ViewError::input("the wizard broke: please report what stands above"));
                }
            }
        }
    }
}

/// What is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Application,
    What,
    Where,
    How,
    Working,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    End,
}

/// A kind of place, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Mail,
    File,
    Folder,
    Drive(usize),
    Server,
}

/// A line of a form.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) label: &'static str,
    pub(super) input: Input,
    /// What it may be; others than these are not typed but gone through.
    pub(super) words: &'static [&'static str],
    pub(super) is_secret: bool,
}

/// The state: everything that is drawn.
pub(super) struct Wizard {
    pub(super) offer: PackOffer,
    pub(super) step: Step,
    pub(super) application: usize,
    pub(super) choice: usize,
    pub(super) place: usize,
    pub(super) fields: Vec<Field>,
    pub(super) field: usize,
    /// The place that the form is for, as what was typed stays.
    form_of: Option<usize>,
    /// What is wrong with the form.
    pub(super) wrong: Option<String>,
    pub(super) result: Option<PackResult>,
    pub(super) is_stopping: bool,
    /// It was said once more: nothing is waited for.
    is_hurried: bool,
    /// First line of the result that is shown.
    pub(super) top: usize,
    work: Arc<PackWork>,
    wake: Arc<dyn Fn() + Send + Sync>,
    progress: Arc<Mutex<PackProgress>>,
    /// Of what is being done; it closes without one where that broke.
    working: Option<Receiver<PackResult>>,
    stop: Arc<AtomicBool>,
}

const SECURITY: &[&str] = &["tls", "starttls", "none"];
const YES_NO: &[&str] = &["no", "yes"];

impl Wizard {
    pub(super) fn new(offer: PackOffer, work: Arc<PackWork>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let step = if offer.applications.len() > 1 { Step::Application } else { Step::What };
        Self {
            offer,
            step,
            application: 0,
            choice: 0,
            place: 0,
            fields: Vec::new(),
            field: 0,
            form_of: None,
            wrong: None,
            result: None,
            is_stopping: false,
            is_hurried: false,
            top: 0,
            work,
            wake,
            progress: Arc::default(),
            working: None,
            stop: Arc::default(),
        }
    }

    pub(super) fn applications(&self) -> &[PackApplication] {
        &self.offer.applications
    }

    pub(super) fn choices(&self) -> &[PackChoice] {
        self.offer.applications.get(self.application).map_or(&[], |application| &application.choices)
    }

    pub(super) fn places(&self) -> Vec<Place> {
        let drives = (0..self.offer.defaults.drives.len()).map(Place::Drive);
        [Place::Mail, Place::File, Place::Folder].into_iter().chain(drives).chain([Place::Server]).collect()
    }

    pub(super) fn progress(&self) -> PackProgress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the thread has done by now.
    pub(super) fn take_result(&mut self) {
        let done = self.working.as_ref().and_then(|working| working.try_recv().ok());
        if let Some(result) = done {
            (self.step, self.result, self.top) = (Step::Done, Some(result), 0);
            self.working = None;
        }
    }

    /// The person is gone: what is being done ends, and has so long to clear away what it began.
    fn leave(mut self, wait: Duration) -> Option<PackResult> {
        self.stop.store(true, Ordering::Relaxed);
        match self.working.take() {
            Some(_) if self.is_hurried => None,
            Some(working) => working.recv_timeout(wait).ok(),
            None => self.result,
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Next {
        if is_control_c(key) && self.step != Step::Working {
            return Next::End;
        }
        match self.step {
            Step::Application => self.list(key, self.offer.applications.len()),
            Step::What => self.list(key, self.choices().len()),
            Step::Where => self.list(key, self.places().len()),
            Step::How => self.form(key),
            Step::Working => {
                if self.is_stopping && is_control_c(key) {
                    self.is_hurried = true;
                    return Next::End;
                }
                if key.code == KeyCode::Esc || is_control_c(key) {
                    self.is_stopping = true;
                    self.stop.store(true, Ordering::Relaxed);
                }
                Next::Stay
            }
            Step::Done => self.done(key),
        }
    }

    fn selected(&mut self) -> &mut usize {
        match self.step {
            Step::Application => &mut self.application,
            Step::What => &mut self.choice,
            _ => &mut self.place,
        }
    }

    fn list(&mut self, key: KeyEvent, count: usize) -> Next {
        let at = *self.selected();
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => *self.selected() = at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => *self.selected() = (at + 1).min(count.saturating_sub(1)),
            KeyCode::Home => *self.selected() = 0,
            KeyCode::End => *self.selected() = count.saturating_sub(1),
            KeyCode::Char(digit @ '1'..='9') if (digit as usize - '1' as usize) < count => {
                *self.selected() = digit as usize - '1' as usize;
                self.forth();
            }
            KeyCode::Enter | KeyCode::Right => self.forth(),
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => return self.back(),
            KeyCode::Char('q') => return Next::End,
            _ => {}
        }
        Next::Stay
    }

    fn forth(&mut self) {
        self.step = match self.step {
            Step::Application => {
                self.choice = 0;
                Step::What
            }
            // Nothing is nowhere to be brought.
            Step::What if self.choices().get(self.choice).is_none_or(|choice| choice.sessions == 0) => {
                Step::What
            }
            Step::What => Step::Where,
            _ => {
                // Who went back to look finds what was typed.
                if self.form_of != Some(self.place) {
                    self.begin_form();
                }
                Step::How
            }
        };
    }

    fn back(&mut self) -> Next {
        self.step = match self.step {
            Step::What if self.offer.applications.len() > 1 => Step::Application,
            Step::Application | Step::What => return Next::End,
            Step::Where => Step::What,
            _ => Step::Where,
        };
        Next::Stay
    }

    fn begin_form(&mut self) {
        let text = |label, text: &str| Field { label, input: Input::of(text), words: &[], is_secret: false };
        let defaults = &self.offer.defaults;
        let place = self.places().get(self.place).cloned().unwrap_or(Place::File);
        self.fields = match place {
            Place::Mail => {
                let mail = &defaults.mail;
                let security = if mail.security.is_empty() { SECURITY[0] } else { &mail.security };
                vec![
                    text("To", &mail.to),
                    text("From", &mail.from),
                    text("Reply to", &mail.reply_to),
                    text("Mail server", &mail.server),
                    Field { words: SECURITY, ..text("Security", security) },
                    text("User", &mail.user),
                    Field { is_secret: true, ..text("Password", &mail.password) },
                ]
            }
            Place::File => vec![text("File", &defaults.file)],
            Place::Folder => vec![text("Folder", &defaults.folder)],
            Place::Drive(at) => {
                let folder = defaults.drives.get(at).map_or("", |drive| drive.folder.as_str());
                vec![text("Folder", folder)]
            }
            Place::Server => vec![
                text("Address", &defaults.server),
                Field { is_secret: true, ..text("Token", &defaults.token) },
                Field { words: YES_NO, ..text("Remove here", YES_NO[0]) },
            ],
        };
        self.form_of = Some(self.place);
        // What has to be typed first.
        self.field = self.fields.iter().position(|field| field.input.text().is_empty()).unwrap_or(0);
        self.wrong = None;
    }

    fn form(&mut self, key: KeyEvent) -> Next {
        let last = self.fields.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return self.back(),
            KeyCode::Up | KeyCode::BackTab => self.field = self.field.saturating_sub(1),
            KeyCode::Down | KeyCode::Tab => self.field = (self.field + 1).min(last),
            KeyCode::Enter => self.begin(),
            _ => {
                let Some(field) = self.fields.get_mut(self.field) else { return Next::Stay };
                let is_next = matches!(key.code, KeyCode::Char(' ') | KeyCode::Right);
                if field.words.is_empty() {
                    if field.input.key(key) {
                        self.wrong = None;
                    }
                } else if is_next || key.code == KeyCode::Left {
                    let count = field.words.len();
                    let at = field.words.iter().position(|word| *word == field.input.text()).unwrap_or(0);
                    let next = if is_next { (at + 1) % count } else { (at + count - 1) % count };
                    field.input = Input::of(field.words[next]);
                }
            }
        }
        Next::Stay
    }

    /// What is pasted is one line of the form; the end of a line begins nothing.
    fn paste(&mut self, text: &str) {
        let field = self.fields.get_mut(self.field);
        let Some(field) = field.filter(|field| self.step == Step::How && field.words.is_empty()) else {
            return;
        };
        let line = text.trim_matches(['\r', '\n']);
        let line: String =
            line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let caret = field.input.caret();
        field.input.replace(caret, 0, &line);
        self.wrong = None;
    }

    fn value(&self, label: &str) -> String {
        let field = self.fields.iter().find(|field| field.label == label);
        let text = field.map_or("", |field| field.input.text());
        // A password may begin with a blank.
        if field.is_some_and(|field| field.is_secret) { text.to_owned() } else { text.trim().to_owned() }
    }

    fn target(&self) -> Result<PackTarget, (&'static str, &'static str)> {
        let needed = |label: &'static str, what| {
            let text = self.value(label);
            if text.is_empty() { Err((label, what)) } else { Ok(text) }
        };
        let place = self.places().get(self.place).cloned().unwrap_or(Place::File);
        Ok(match place {
            Place::Mail => PackTarget::Mail(PackMail {
                to: needed("To", "an address such as ann@shop.example")?,
                from: needed("From", "your address")?,
                reply_to: self.value("Reply to"),
                server: needed("Mail server", "its name, such as mail.shop.example or localhost:2525")?,
                security: self.value("Security"),
                user: self.value("User"),
                password: self.value("Password"),
            }),
            Place::File => PackTarget::File(needed("File", "a file that is not there yet")?),
            Place::Folder | Place::Drive(_) => PackTarget::Folder(needed("Folder", "a folder")?),
            Place::Server => PackTarget::Server {
                url: needed("Address", "one such as https://kymo.example")?,
                token: needed("Token", "a token of scope ingest")?,
                purge: self.value("Remove here") == "yes",
            },
        })
    }

    fn begin(&mut self) {
        let target = match self.target() {
            Ok(target) => target,
            Err((label, expected)) => {
                self.field = self.fields.iter().position(|field| field.label == label).unwrap_or(0);
                self.wrong = Some(format!("{label}: expected {expected}"));
                return;
            }
        };
        let request = PackRequest { application: self.application, choice: self.choice, target };
        (self.step, self.is_stopping) = (Step::Working, false);
        // What came of an earlier try is no result of this one.
        (self.result, self.progress, self.stop) = (None, Arc::default(), Arc::default());
        let (sender, working) = channel();
        self.working = Some(working);
        let (work, progress) = (Arc::clone(&self.work), Arc::clone(&self.progress));
        let (stop, wake) = (Arc::clone(&self.stop), Arc::clone(&self.wake));
        std::thread::spawn(move || {
            let tell = |now| {
                *progress.lock().unwrap_or_else(PoisonError::into_inner) = now;
                wake();
            };
            // Nobody may be there to hear of it.
            let _ = sender.send(work(&request, &tell, &stop));
            wake();
        });
    }

    fn done(&mut self, key: KeyEvent) -> Next {
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.top = self.top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.top += 1,
            // Once more, to another place, or with what was mended.
            KeyCode::Char('b') | KeyCode::Left | KeyCode::Backspace => self.step = Step::How,
            KeyCode::Enter | KeyCode::Esc | KeyCode::Char('q') => return Next::End,
            _ => {}
        }
        Next::Stay
    }
}

#[cfg(test)]
mod tests;
