//! The terminal: taken, and given back as it was, whatever happens.

use std::io::{Stdout, stdout};
use std::panic;
use std::sync::mpsc::Sender;
use std::thread;

use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, event, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Message;
use crate::error::ViewError;

/// The terminal while the viewer has it.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal. Keys and signals come as messages; a panic of any thread gives the terminal back
    /// before it says anything.
    pub(super) fn begin(sender: &Sender<Message>) -> Result<Self, ViewError> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
        let on_signal = sender.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                let _ = on_signal.send(Message::Stop);
            }
        });
        let (previous, on_panic) = (panic::take_hook(), sender.clone());
        panic::set_hook(Box::new(move |what| {
            give_back();
            previous(what);
            let _ = on_panic.send(Message::Broken);
        }));
        enable_raw_mode()?;
        // From here on dropping gives the terminal back.
        let terminal = Terminal::new(CrosstermBackend::new(stdout())).inspect_err(|_| give_back())?;
        let screen = Self { terminal };
        execute!(stdout(), EnterAlternateScreen, EnableMouseCapture)?;
        let on_input = sender.clone();
        thread::spawn(move || {
            // It ends with the program, or when the terminal goes away.
            while let Ok(event) = event::read() {
                if on_input.send(Message::Input(event)).is_err() {
                    return;
                }
            }
            let _ = on_input.send(Message::Stop);
        });
        Ok(screen)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), ViewError> {
        self.terminal.draw(draw)?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Nothing can be done about what fails here: the terminal may be gone.
fn give_back() {
    let _ = execute!(stdout(), DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}
