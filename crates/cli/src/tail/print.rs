//! Lines on standard output, and what a person should know on standard error.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write, stdout};

use kymo_filter::{Query, Subject, event_fits};
use kymo_format::ReadRecord;
use kymo_viewer::lines::{EventLine, Look, TextLine};
use kymo_viewer::session::LazyEvent;

use super::whose::Whose;

/// Prints what fits. Lines wait until [`flush`](Self::flush); who does not take them holds up the reading, so nothing
/// piles up here.
pub(super) struct Printer {
    out: BufWriter<Stdout>,
    query: Option<Query>,
    is_json: bool,
    look: Look<'static>,
    is_tagged: bool,
    /// Some events could not be had.
    pub(super) is_incomplete: bool,
}

impl Printer {
    pub(super) fn new(query: Option<Query>, is_json: bool, is_tagged: bool) -> Self {
        // See no-color.org: set and not empty.
        let may_color = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            out: BufWriter::new(stdout()),
            query,
            is_json,
            look: Look { tag: None, has_colors: may_color && stdout().is_terminal() },
            is_tagged,
            is_incomplete: false,
        }
    }

    pub(super) fn record(&mut self, whose: &Whose, record: &ReadRecord) -> io::Result<()> {
        let lazy = LazyEvent::new(record);
        let facts = |query: &Query| (!query.root.is_about(Subject::Event)).then_some(&whose.facts);
        if !self.query.as_ref().is_none_or(|query| event_fits(&query.root, &lazy, facts(query))) {
            return Ok(());
        }
        if self.is_json {
            serde_json::to_writer(&mut self.out, &EventLine::new(Some(whose.session), record))?;
            return self.out.write_all(b"\n");
        }
        let text = TextLine::of(record).text(self.look(whose));
        self.out.write_all(text.as_bytes())
    }

    /// An event as the server's store has it, which fits.
    #[cfg(feature = "server")]
    pub(super) fn stored(&mut self, whose: &Whose, event: &serde_json::Value) -> io::Result<()> {
        if self.is_json {
            return writeln!(self.out, "{event}");
        }
        let text = TextLine::of_stored(event).text(self.look(whose));
        self.out.write_all(text.as_bytes())
    }

    fn look<'whose>(&self, whose: &'whose Whose) -> Look<'whose> {
        Look { tag: self.is_tagged.then_some(whose.tag.as_str()), ..self.look }
    }

    /// What was printed is out.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Whoever read standard output has gone: seen without a line to write where the system tells.
    pub(super) fn is_in_vain() -> bool {
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let out = stdout();
            let mut asked = [PollFd::new(&out, PollFlags::empty())];
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut asked, Some(&at_once)).is_ok()
                && asked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
        }
        #[cfg(not(unix))]
        false
    }

    /// On standard error, after the lines that came before.
    pub(super) fn say(&mut self, what: &str) -> io::Result<()> {
        self.out.flush()?;
        // Its reader may be gone, as that of standard output.
        writeln!(io::stderr(), "kymo: {}", kymo_viewer::harmless(what))
    }
}
