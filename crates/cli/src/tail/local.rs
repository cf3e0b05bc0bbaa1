//! Programs on this machine, by their files: no server is asked.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use kymo_filter::text;
use kymo_format::End;
use kymo_model::{SessionId, User};
use kymo_viewer::session::ChannelItem;
use kymo_viewer::tail::{From, Tail, Told};
use kymo_viewer::{Summary, find};

use super::print::Printer;
use super::whose::{Whose, application};
use super::{UNKNOWN, ended, session_id};
use crate::args;
use crate::files::recover;
use crate::repository;

/// How often files are looked at: a tenth of a second is at once for eyes, and costs a system call a file.
const POLL: Duration = Duration::from_millis(100);
/// How often it is looked whether programs are gone that left their last words in a spool.
const RECOVER_EVERY: Duration = Duration::from_secs(5);

pub(super) fn run(
    folder: Option<&Path>,
    args: &args::Tail,
    printer: &mut Printer,
) -> anyhow::Result<ExitCode> {
    let (folder, named) = match (folder, &args.session) {
        // `--local ID` reads like `ID --local`.
        (Some(name), None) if !name.exists() && name.to_str().is_some_and(|id| session_id(id).is_some()) => {
            (None, name.to_str())
        }
        (folder, session) => (folder, session.as_deref()),
    };
    let not_an_id = |id: &str| anyhow!("{id:?} is no session's id: expected one of kymo sessions --local");
    let only = named.map(|id| session_id(id).ok_or_else(|| not_an_id(id))).transpose()?;
    let root = folder.map_or_else(repository::root, |folder| Ok(folder.to_owned()))?;
    let from = match (args.from_start, args.after) {
        (true, _) => From::Start,
        (false, Some(after)) => From::After(after),
        (false, None) => From::Now,
    };
    recover(&root);
    let mut tail = Tail::new(&root, only, from)?;
    let mut told = Teller { args, printer, sessions: HashMap::new() };
    let mut recovered_at = Instant::now();
    let mut is_first = true;
    loop {
        tail.poll(&mut |news| told.take(news))?;
        for note in tail.notes() {
            told.printer.say(&note)?;
        }
        told.printer.flush()?;
        if tail.is_over() {
            return Ok(ended(told.printer));
        }
        if std::mem::take(&mut is_first) && tail.followed() == 0 {
            if let Some(only) = only {
                told.printer.say(&format!("there is no session {only} in {}", root.display()))?;
                return Ok(ExitCode::from(UNKNOWN));
            }
            told.printer.say(&format!("nothing is recorded in {} now: waiting", root.display()))?;
        }
        if Printer::is_in_vain() {
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(POLL);
        if recovered_at.elapsed() >= RECOVER_EVERY {
            recovered_at = Instant::now();
            tail.folders().iter().for_each(|folder| recover(folder));
        }
    }
}

/// Prints what is told of sessions that were asked for.
struct Teller<'run> {
    args: &'run args::Tail,
    printer: &'run mut Printer,
    sessions: HashMap<SessionId, Chosen>,
}

struct Chosen {
    whose: Whose,
    is_of_app: bool,
    /// One of its users is who was asked for; it may become so.
    is_of_user: bool,
    dropped: u64,
}

impl Teller<'_> {
    fn take(&mut self, told: Told<'_>) -> io::Result<()> {
        let Self { args, printer, sessions } = self;
        let id = told.header.session;
        let chosen = sessions.entry(id).or_insert_with(|| Chosen::new(&told, args));
        if let (ChannelItem::Record(record), false) = (&told.item, chosen.is_of_user) {
            let wanted = args.user.as_deref().map(text::fold);
            chosen.is_of_user = record.user.as_ref().is_some_and(|user| is_called(user, wanted.as_deref()));
        }
        if !(chosen.is_of_app && chosen.is_of_user) {
            if matches!(told.item, ChannelItem::End(_)) {
                sessions.remove(&id);
            }
            return Ok(());
        }
        let tag = &chosen.whose.tag;
        match told.item {
            ChannelItem::Record(record) => {
                chosen.whose.record(&record);
                printer.record(&chosen.whose, &record)
            }
            ChannelItem::Gap { first, last } => {
                printer.is_incomplete = true;
                printer.say(&format!("{tag}: events {first} to {last} are not in its files any more"))
            }
            ChannelItem::Loss { reason, total } => {
                let is_news = total > chosen.dropped;
                chosen.dropped = total;
                let text = format!("{tag}: the program dropped {total} events so far ({reason})");
                if is_news { printer.say(&text) } else { Ok(()) }
            }
            ChannelItem::Damage(damage) => {
                printer.is_incomplete = true;
                let (path, bytes, offset) = (told.path.display(), damage.bytes, damage.offset);
                let expected = damage.expected;
                printer.say(&format!(
                    "{path}: {bytes} bytes from byte {offset} on cannot be read: expected {expected}"
                ))
            }
            ChannelItem::End(End { reason, .. }) => {
                let text = format!("{tag} {id} has ended: {}", reason.as_str());
                sessions.remove(&id);
                printer.say(&text)
            }
            ChannelItem::Header(_) | ChannelItem::Closed => Ok(()),
        }
    }
}

impl Chosen {
    fn new(told: &Told<'_>, args: &args::Tail) -> Self {
        let mut whose = Whose::of(told.header);
        let app = application(&whose.facts).map(text::fold);
        let is_of_app = args.app.as_deref().is_none_or(|wanted| app == Some(text::fold(wanted)));
        let wanted = args.user.as_deref().map(text::fold);
        if let (true, Some(_)) = (is_of_app, &wanted) {
            // What it recorded before says who uses it.
            for user in users(told.path) {
                whose.user(user);
            }
        }
        let is_of_user =
            wanted.is_none() || whose.facts.users.iter().any(|user| is_called(user, wanted.as_deref()));
        Self { whose, is_of_app, is_of_user, dropped: 0 }
    }
}

fn is_called(user: &User, folded: Option<&str>) -> bool {
    let texts = [&user.id, &user.name].into_iter().flatten();
    folded.is_none_or(|part| texts.into_iter().any(|text| text::contains(text, part)))
}

fn users(path: &Path) -> Vec<User> {
    let Ok(found) = find(path) else { return Vec::new() };
    let Some(session) = found.sessions.first() else { return Vec::new() };
    Summary::of(session, &|| false).facts(session.header()).users
}
