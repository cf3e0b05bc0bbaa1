//! `kymo pack`: what, where to, and how it ends.

use std::path::PathBuf;

use clap::ValueEnum;

pub(super) const HELP: &str = "\
Without arguments, in a terminal, it asks. Else say what (--unsent, --all, --session, or any of the criteria) and where to
(--file, --folder, --mail or --server).

A file is a person's own act. Mail and a server need a person's consent where the product asks for it: what is stored counts,
or --i-was-asked, by which whoever runs this says that the person was just asked.

Exit codes:
  0  done, also when there was nothing to do, which it says
  1  something else went wrong
  2  wrong arguments or settings
  3  some could not be read; the rest is done
  4  there is no such product, application or session here
  5  could not be sent: what did not go stays, run it again
  6  refused by the server: the token, the login, a recipient, or too large
  7  the target cannot be written, has no room, or is there already
  8  cancelled
  9  held: the person has not consented";

#[derive(Clone, Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct Pack {
    /// This session, by its id (repeatable)
    #[arg(long = "session", value_name = "ID", help_heading = "What")]
    pub(crate) sessions: Vec<String>,
    /// What was not sent before
    #[arg(long, help_heading = "What")]
    pub(crate) unsent: bool,
    /// Everything
    #[arg(long, help_heading = "What", conflicts_with_all = ["sessions", "unsent"])]
    pub(crate) all: bool,
    /// Sessions that ended
    #[arg(long, help_heading = "What")]
    pub(crate) completed: bool,
    /// Sessions that crashed or were killed
    #[arg(long, help_heading = "What")]
    pub(crate) crashed: bool,
    /// Sessions that run, as far as they are on the disk
    #[arg(long, help_heading = "What")]
    pub(crate) active: bool,
    /// Sessions that were not sent whole before; the same as --unsent
    #[arg(long, help_heading = "What")]
    pub(crate) new: bool,
    /// Sessions with an error, or worse
    #[arg(long, help_heading = "What")]
    pub(crate) with_errors: bool,
    /// Only of this product
    #[arg(long, value_name = "P", help_heading = "What")]
    pub(crate) product: Option<String>,
    /// Only of this application
    #[arg(long, value_name = "A", help_heading = "What")]
    pub(crate) application: Option<String>,
    /// Where the programs keep their sessions [default: as the programs of this user do]
    #[arg(long, value_name = "DIR", help_heading = "What")]
    pub(crate) repository: Option<PathBuf>,

    /// Into this new file
    #[arg(long, value_name = "PATH", help_heading = "Where to", conflicts_with_all = ["folder", "mail", "server"])]
    pub(crate) file: Option<PathBuf>,
    /// Into a new file in this folder, such as a removable drive
    #[arg(long, value_name = "DIR", help_heading = "Where to", conflicts_with_all = ["mail", "server"])]
    pub(crate) folder: Option<PathBuf>,
    /// By mail
    #[arg(long, help_heading = "Where to", conflicts_with = "server")]
    pub(crate) mail: bool,
    /// To the server at this URL
    #[arg(long, value_name = "URL", help_heading = "Where to")]
    pub(crate) server: Option<String>,

    /// To whom (repeatable)
    #[arg(long, value_name = "ADDRESS", help_heading = "Mail", requires = "mail")]
    pub(crate) to: Vec<String>,
    /// From whom
    #[arg(long, value_name = "ADDRESS", help_heading = "Mail", requires = "mail")]
    pub(crate) from: Option<String>,
    /// To whom answers go
    #[arg(long, value_name = "ADDRESS", help_heading = "Mail", requires = "mail")]
    pub(crate) reply_to: Option<String>,
    /// The mail server
    #[arg(long, value_name = "HOST[:PORT]", help_heading = "Mail", requires = "mail")]
    pub(crate) smtp: Option<String>,
    /// TLS from the start, TLS after STARTTLS, or none [default: tls]
    #[arg(long, value_name = "HOW", help_heading = "Mail", requires = "mail", value_enum)]
    pub(crate) smtp_security: Option<Security>,
    /// The login
    #[arg(long, value_name = "NAME", help_heading = "Mail", requires = "mail")]
    pub(crate) smtp_user: Option<String>,
    /// A file with its password
    #[arg(long, value_name = "FILE", help_heading = "Mail", requires = "mail")]
    pub(crate) smtp_password_file: Option<PathBuf>,
    /// Largest mail; what is more goes in several, none is left out [default: 10485760]
    #[arg(long, value_name = "BYTES", help_heading = "Mail", requires = "mail")]
    pub(crate) mail_bytes_max: Option<u64>,
    /// Also what went by mail before
    #[arg(long, help_heading = "Mail", requires = "mail")]
    pub(crate) again: bool,

    /// A token of scope ingest
    #[arg(long, value_name = "T", env = "KYMO_TOKEN", hide_env_values = true, help_heading = "Server")]
    pub(crate) token: Option<String>,
    /// A file with the token
    #[arg(long, value_name = "FILE", help_heading = "Server", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,
    /// Remove here what the server has confirmed
    #[arg(long, help_heading = "Server", requires = "server")]
    pub(crate) purge: bool,

    /// Wait until this process has ended, at most a minute
    #[arg(long, value_name = "PID")]
    pub(crate) wait_pid: Option<u32>,
    /// Settings of the product: the section [agent] of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The person was just asked and said yes
    #[arg(long)]
    pub(crate) i_was_asked: bool,
    /// Tell the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Security {
    Tls,
    StartTls,
    None,
}
