//! `kymo tail`: which sessions, from where on, and how it ends.

use std::path::PathBuf;

use super::Server;

pub(super) const HELP: &str = "\
Exit codes:
    0  the session that was followed has ended, or nobody reads what is printed
    1  something else went wrong: no server at first, a wrong filter
    2  wrong arguments
    3  as 0, but some events could not be had: standard error says which
    4  live is off, on the server or for the project
    5  the token is refused
    6  the session is not known, or does not run
  130  Ctrl-C, as shells say it

A line that breaks is gone on with where it broke. What comes is printed as of `kymo export --format text`, with whose it is
where no SESSION is named; with --json as of `kymo events --json`.";

#[derive(Debug, clap::Args)]
#[command(mut_arg("token", |token| token.required(false).required_unless_present("local")))]
pub(crate) struct Tail {
    /// Only this session, until it ends; without it all that run and fit
    pub(crate) session: Option<String>,
    // No comment for help: a name in capitals would need quotes there.
    #[arg(
        long,
        value_name = "FOLDER",
        num_args = 0..=1,
        help = "Programs on this machine instead, by the files in FOLDER; without it, those of this user"
    )]
    #[expect(
        clippy::option_option,
        reason = "whether it is given, and whether with a folder, are two questions"
    )]
    pub(crate) local: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(crate) server: Server,
    /// Only sessions of a user whose id or name contains this
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Only sessions of this application
    #[arg(long, value_name = "NAME")]
    pub(crate) app: Option<String>,
    /// Only events that fit this filter, such as 'level:>=warn "disk full" -category:Http*'
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,
    /// From the first event of each session on; without it from now on
    #[arg(long)]
    pub(crate) from_start: bool,
    /// Behind the event of this sequence
    #[arg(long, value_name = "N", requires = "session", conflicts_with = "from_start")]
    pub(crate) after: Option<u64>,
    /// Where to connect, if not where the server says, such as behind a forwarded port
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "local")]
    pub(crate) live_address: Option<String>,
}
