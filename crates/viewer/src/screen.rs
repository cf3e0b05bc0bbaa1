//! The viewer: a list of sessions, the events of one, and what a person does with them.
//!
//! One thread draws and takes messages: keys, signals, and that there is something new. It reads no file but one
//! frame for a jump to a time: see [`crate::session`]. What is shown follows from the pages' state alone; drawing changes nothing but where a list
//! begins.

mod details;
mod events;
mod events_view;
mod filter_bar;
mod help;
mod input;
mod kymogram;
mod overview;
pub mod pack;
mod pack_view;
mod paint;
mod sessions;
mod terminal;
mod theme;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use kymo_model::Timestamp;
use ratatui::Frame;

use crate::error::ViewError;
use crate::session::{Found, find};
use events::EventsPage;
use sessions::SessionsPage;
use theme::Theme;

/// What to view and how.
pub struct View<'view> {
    /// A session file or a folder.
    pub path: &'view Path,
    /// The filter of events to begin with.
    pub filter: Option<&'view str>,
    /// Colours may be used.
    pub has_colors: bool,
    /// What relative times in filters count from.
    pub now: &'view dyn Fn() -> Timestamp,
}

/// Why the viewer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person closed it.
    Asked,
    /// A signal ended it, or its terminal went away.
    Terminated,
}

/// What the drawing thread is told.
#[derive(Debug)]
enum Message {
    Input(Event),
    /// There is something new to draw.
    Wake,
    Stop,
    /// Another thread panicked; the terminal is as it was before.
    Broken,
}

/// Tells the drawing thread once that there is something new, however often it is called.
#[derive(Clone)]
struct Waker {
    sender: Sender<Message>,
    is_pending: Arc<AtomicBool>,
}

impl Waker {
    fn wake(&self) {
        if !self.is_pending.swap(true, Ordering::AcqRel) {
            // Nobody draws any more.
            let _ = self.sender.send(Message::Wake);
        }
    }
}

/// What comes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Stay,
    Back,
    Open(usize),
    Help,
    Quit,
}

/// Draws sessions in the terminal until the person closes it. Blocks. Standard output has to be a terminal.
///
/// # Errors
/// There is no session file, or the terminal does not work.
pub fn view(view: &View<'_>) -> Result<Ended, ViewError> {
    let found = find(view.path)?;
    if found.sessions.is_empty() {
        let mut sentences = vec![format!("no session files (*.kymo) in {}", view.path.display())];
        sentences.extend(found.notes);
        return Err(ViewError::input(sentences.join("; ")));
    }
    let (sender, messages) = channel();
    let waker = Waker { sender: sender.clone(), is_pending: Arc::default() };
    let mut terminal = terminal::Screen::begin(&sender)?;
    let mut viewer = Viewer::new(view, found, waker.clone());
    loop {
        waker.is_pending.store(false, Ordering::Release);
        terminal.draw(|frame| viewer.draw(frame))?;
        let Ok(first) = messages.recv() else { return Ok(Ended::Terminated) };
        for message in std::iter::once(first).chain(messages.try_iter()) {
            match message {
                Message::Input(event) if viewer.input(&event) == Next::Quit => return Ok(Ended::Asked),
                Message::Input(_) | Message::Wake => {}
                Message::Stop => return Ok(Ended::Terminated),
                Message::Broken => {
                    return Err(ViewError::input("the viewer broke: please report what stands above"));
                }
            }
        }
    }
}

/// What is shown.
struct Viewer<'view> {
    view: &'view View<'view>,
    theme: Theme,
    waker: Waker,
    /// Where there are several.
    sessions: Option<SessionsPage>,
    events: Option<EventsPage>,
    help: bool,
}

impl<'view> Viewer<'view> {
    fn new(view: &'view View<'view>, mut found: Found, waker: Waker) -> Self {
        let theme = Theme { has_colors: view.has_colors };
        let mut viewer = Self { view, theme, waker, sessions: None, events: None, help: false };
        if found.sessions.len() == 1 {
            viewer.events = found.sessions.pop().map(|session| viewer.page_of(session));
        } else {
            viewer.sessions = Some(SessionsPage::new(view.path, found, viewer.waker.clone()));
        }
        viewer
    }

    fn page_of(&self, session: crate::session::SessionFiles) -> EventsPage {
        let waker = self.waker.clone();
        let mut page = EventsPage::new(session, move || waker.wake());
        if let Some(filter) = self.view.filter {
            page.begin_with(filter, (self.view.now)());
        }
        page
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        let (theme, has_list) = (self.theme, self.sessions.is_some());
        if let Some(page) = &mut self.events {
            page.draw(frame, theme, has_list);
        } else if let Some(page) = &mut self.sessions {
            page.draw(frame, theme);
        }
        if self.help {
            help::draw(frame, theme, self.events.is_some());
        }
    }

    fn input(&mut self, event: &Event) -> Next {
        let now = (self.view.now)();
        let next = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                if is_control_c(*key) {
                    return Next::Quit;
                }
                if self.help {
                    self.help = false;
                    return Next::Stay;
                }
                match (&mut self.events, &mut self.sessions) {
                    (Some(page), _) => page.key(*key, now),
                    (None, Some(page)) => page.key(*key, now),
                    (None, None) => Next::Quit,
                }
            }
            Event::Mouse(mouse) => match (&mut self.events, &mut self.sessions) {
                (Some(page), _) => page.mouse(*mouse),
                (None, Some(page)) => page.mouse(*mouse),
                (None, None) => Next::Stay,
            },
            _ => Next::Stay,
        };
        match next {
            Next::Help => self.help = true,
            Next::Back if self.sessions.is_some() => self.events = None,
            Next::Open(at) => {
                let session = self.sessions.as_ref().and_then(|page| page.session(at));
                self.events = session.map(|session| self.page_of(session));
            }
            Next::Quit => return Next::Quit,
            Next::Back | Next::Stay => {}
        }
        Next::Stay
    }
}

fn is_control_c(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}
