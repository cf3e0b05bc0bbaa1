//! The command line. Its help is the reference; a golden file keeps it from changing unseen.

#[cfg(feature = "server")]
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

#[cfg(any(feature = "open", feature = "server"))]
use clap::ValueEnum;
use clap::{Parser, Subcommand};

#[cfg(feature = "pack")]
mod pack;
#[cfg(feature = "open")]
mod tail;

#[cfg(feature = "pack")]
pub(crate) use pack::{Pack, Security};
#[cfg(feature = "open")]
pub(crate) use tail::Tail;

/// Records what software does as sessions you can open.
#[derive(Debug, Parser)]
#[command(name = "kymo", version, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "server")]
    /// Run the server on one data folder
    Serve(Serve),
    #[cfg(feature = "server")]
    /// Projects: what owns sessions and what tokens belong to
    Project {
        #[command(subcommand)]
        command: Project,
    },
    #[cfg(feature = "server")]
    /// Tokens: what programs send and read with
    Token {
        #[command(subcommand)]
        command: Token,
    },
    #[cfg(feature = "server")]
    /// Members: people who sign in, and what they may do in which project
    Member {
        #[command(subcommand)]
        command: Member,
    },
    #[cfg(feature = "server")]
    /// Print a new one-time link for signing in to the page
    Login(Login),
    #[cfg(feature = "server")]
    /// Configuration of the server: what holds, and whether a file is in order
    Config {
        #[command(subcommand)]
        command: Config,
    },
    #[cfg(any(feature = "pack", feature = "server"))]
    /// Say how a data folder and the server on it are, or a folder of programs' sessions, and what to do
    Doctor(Doctor),
    #[cfg(feature = "server")]
    /// Copy everything to a new folder, with the server running or stopped
    Backup(Backup),
    #[cfg(feature = "server")]
    /// Make a data folder of a backup
    Restore(Restore),
    #[cfg(feature = "open")]
    /// Look into session files: draws them in the terminal, or prints their events
    #[command(after_help = EXIT_HELP)]
    Open(Open),
    #[cfg(feature = "open")]
    /// Write the events of session files as JSON, CSV or text
    #[command(after_help = EXIT_HELP)]
    Export(Export),
    #[cfg(feature = "pack")]
    /// Bring sessions of programs away: in a file, by mail, to a server; without arguments it asks
    #[command(after_help = pack::HELP)]
    Pack(Box<Pack>),
    #[cfg(feature = "server")]
    /// Send session files to a server; run again, it goes on where it was
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    #[cfg(feature = "open")]
    /// List sessions of a server, or of a folder of session files, newest start first
    Sessions(Sessions),
    #[cfg(feature = "server")]
    /// Print the events of one session, in order, or of all that fit a filter, newest first
    Events(Events),
    #[cfg(feature = "open")]
    /// Print what programs record while they run: of a server, or on this machine without one
    #[command(after_help = tail::HELP)]
    Tail(Tail),
    /// Show the window that a program asks for on standard input, and answer on standard output
    #[cfg(feature = "dialogs")]
    #[command(hide = true)]
    Dialog,
    #[cfg(feature = "pack")]
    /// Wait for the end of a program and send its sessions then; programs start it themselves
    #[command(hide = true)]
    Helper,
}

#[cfg(feature = "server")]
/// The data folder.
#[derive(Debug, clap::Args)]
pub(crate) struct Folder {
    /// Data folder; works with the server running on it and without
    #[arg(long, value_name = "DIR", env = "KYMO_DATA", default_value = "kymo-data")]
    pub(crate) data: PathBuf,
}

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Data folder [default: kymo-data]
    #[arg(long, value_name = "DIR", env = "KYMO_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration [default: kymo.toml in the data folder, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8390]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Host name under which the server is reached, beside addresses and localhost (repeatable)
    #[arg(long = "public-host", value_name = "NAME")]
    pub(crate) public_hosts: Vec<String>,
    /// Address of a proxy in front of the server, whose X-Forwarded-For is believed (repeatable)
    #[arg(long = "trusted-proxy", value_name = "ADDR")]
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

#[cfg(feature = "server")]
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print what holds, as a file that says the same
    Print {
        /// Say of each value where it is from
        #[arg(long)]
        sources: bool,
        #[command(flatten)]
        serve: Serve,
    },
    /// Say whether a file is in order, and if not, where
    Check {
        /// The file; if not given, what the server would start with
        file: Option<PathBuf>,
        #[command(flatten)]
        serve: Serve,
    },
}

#[cfg(feature = "server")]
/// The keys of `project set`.
const SETTINGS_HELP: &str = "\
Keys:
  name                what people call it
  origins             web origins that may send with a browser token, commas between them
  split_after         silence after which a user gets a new session [default: 15m]
  idle_after          silence after which a session is shown as ended [default: 5m]
  close_grace         how long events still join after an agent ended the session [default: 2m]
  browser_idle_after  idle_after of browser sessions [default: 30m]
  retention_days      days without activity after which a session is removed [default: as the server
                      is set, which is never unless somebody says otherwise]
  client:KEY          a setting that agents fetch: @@DataExclusions, @@IncludePrivateInformation,
                      @@UserAgentBotPatterns, @@log:SOURCE, @@TYPE:SOURCE, or a key of your own

Times are written as 90s, 20m, 1h30m or 7d. Example:
  kymo project set shop split_after=20m 'client:@@DataExclusions=password,*token*'";

#[cfg(feature = "server")]
#[derive(Debug, Subcommand)]
pub(crate) enum Project {
    /// Make a project; prints its id
    Add {
        /// What people call it
        name: String,
        /// Its id in URLs and scripts; made from the name if not given
        #[arg(long)]
        id: Option<String>,
        /// Web origin that may send with a browser token, such as <https://shop.example> (repeatable)
        #[arg(long = "origin", value_name = "URL")]
        origins: Vec<String>,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the projects: id, tab, name
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Print what a project is set to
    Show {
        /// Its name or id
        project: String,
        /// As one JSON object
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// Change settings of a project; they hold from the next request on
    #[command(after_help = SETTINGS_HELP)]
    Set {
        /// Its name or id
        project: String,
        /// What to set
        #[arg(value_name = "KEY=VALUE")]
        settings: Vec<String>,
        /// Go back to the default of this key, or remove it (repeatable)
        #[arg(long, value_name = "KEY")]
        unset: Vec<String>,
        #[command(flatten)]
        folder: Folder,
    },
}

#[cfg(feature = "server")]
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; prints it, once and for all
    Add {
        /// Name or id of the project it is for
        #[arg(long, value_name = "NAME")]
        project: String,
        /// What it may do
        #[arg(long)]
        scope: Scope,
        /// Adopt this existing key of another system instead of making a new token
        #[arg(long, value_name = "EXISTING")]
        key: Option<String>,
        /// What people call it; no other token of the project has the same
        #[arg(long)]
        name: Option<String>,
        /// How long it holds, such as 12h or 90d; until it is revoked if not given
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the tokens of a project: number, first characters, scope, name, end, last use
    List {
        /// Name or id of the project
        #[arg(long, value_name = "NAME")]
        project: String,
        #[command(flatten)]
        folder: Folder,
    },
    /// End a token: it stops to hold at once
    Revoke {
        /// The token; with --project, the number that the list has
        token: String,
        /// Name or id of its project
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        #[command(flatten)]
        folder: Folder,
    },
}

#[cfg(feature = "server")]
#[derive(Debug, Subcommand)]
pub(crate) enum Member {
    /// Add a member; prints a one-time link for them
    Add {
        /// What they sign in with, such as their e-mail address
        name: String,
        /// They administer the server, and so every project
        #[arg(long)]
        admin: bool,
        /// What they may do in a project: reader, member or admin (repeatable)
        #[arg(long = "role", value_name = "PROJECT=ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the members: name, tab, roles
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Remove a member; their browsers are signed out at once
    Remove {
        /// Their name
        name: String,
        #[command(flatten)]
        folder: Folder,
    },
    /// Give a member a role in a project
    Role {
        /// Their name
        name: String,
        /// Name or id of the project
        project: String,
        /// What they may do
        role: Role,
        #[command(flatten)]
        folder: Folder,
    },
}

#[cfg(feature = "server")]
/// What a member may do in a project.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Role {
    /// Read everything but settings
    Reader,
    /// Share views and pin sessions as well
    Member,
    /// Everything: settings, tokens, members, erasing
    Admin,
    /// Nothing any more
    None,
}

#[cfg(feature = "server")]
impl Role {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::None => "none",
        }
    }
}

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// For whom; for the first member, admin, if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) member: Option<String>,
    /// Remove their password, which they forgot, and sign their browsers out
    #[arg(long, requires = "member")]
    pub(crate) remove_password: bool,
    #[command(flatten)]
    pub(crate) folder: Folder,
}

#[cfg(feature = "server")]
/// What a token may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Scope {
    /// Send events and read the project's client settings
    Ingest,
    /// Send from pages of the project's web origins
    Browser,
    /// Read the project
    Read,
    /// Read and administer the project
    Admin,
}

#[cfg(feature = "server")]
impl Scope {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Browser => "browser",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

#[cfg(any(feature = "pack", feature = "server"))]
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    // No comment for help: a name in capitals would need quotes there.
    #[cfg(feature = "pack")]
    #[arg(
        long,
        value_name = "FOLDER",
        num_args = 0..=1,
        help = "Of this folder of programs' sessions instead; without FOLDER, that of this user"
    )]
    #[expect(
        clippy::option_option,
        reason = "whether it is given, and whether with a folder, are two questions"
    )]
    pub(crate) local: Option<Option<PathBuf>>,
    /// As one JSON list
    #[arg(long)]
    pub(crate) json: bool,
    #[cfg(feature = "server")]
    #[command(flatten)]
    pub(crate) folder: Folder,
}

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// The backup: a new folder
    #[arg(long, value_name = "NEWDIR")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) folder: Folder,
}

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// The backup
    #[arg(long, value_name = "BACKUP")]
    pub(crate) from: PathBuf,
    /// The data folder to make: not there yet, or empty
    #[arg(long, value_name = "NEWDIR")]
    pub(crate) data: PathBuf,
}

#[cfg(any(feature = "open", feature = "server"))]
/// A server to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// The server's URL
    #[arg(long = "server", value_name = "URL", env = "KYMO_SERVER", default_value = "http://127.0.0.1:8390")]
    pub(crate) url: String,
    /// A token of scope read or admin
    #[arg(long, value_name = "T", env = "KYMO_TOKEN", hide_env_values = true, required = true)]
    pub(crate) token: Option<String>,
    /// One JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(feature = "open")]
/// What the commands on session files end with.
const EXIT_HELP: &str = "\
Exit codes: 0 everything was read; 1 nothing could be done; 2 wrong arguments; 3 some of the files is damaged:
what could be read was written, and standard error says what was lost and where";

#[cfg(feature = "open")]
#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// A session file, which is opened with the others of its session beside it, or a folder of them
    #[arg(value_name = "FILE|FOLDER")]
    pub(crate) path: PathBuf,
    /// Print the events instead of drawing, one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    /// Only events that fit this filter, such as 'level:>=warn "disk full" -category:Http*'
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,
}

#[cfg(feature = "server")]
/// What `kymo import` ends with.
const IMPORT_HELP: &str = "\
Exit codes:
  0  the server has all of it
  1  it could not be sent: what was sent stays, run it again
  3  some of it could not be read or added and was passed over; the server has the rest";

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// A session file, which is sent with the others of its session beside it, a package of many sessions, or a folder of
    /// them
    #[arg(value_name = "FILE|FOLDER")]
    pub(crate) path: PathBuf,
    /// The server's URL
    #[arg(long = "server", value_name = "URL", env = "KYMO_SERVER", default_value = "http://127.0.0.1:8390")]
    pub(crate) url: String,
    /// A token of scope ingest or admin
    #[arg(
        long,
        value_name = "T",
        env = "KYMO_TOKEN",
        hide_env_values = true,
        required_unless_present = "data"
    )]
    pub(crate) token: Option<String>,
    /// The server's data folder, on this machine: no network and no token is needed, and the server may be stopped
    #[arg(long, value_name = "DIR", requires = "project")]
    pub(crate) data: Option<PathBuf>,
    /// With --data, whose sessions they are: name or id of the project
    #[arg(long, value_name = "NAME", requires = "data")]
    pub(crate) project: Option<String>,
}

#[cfg(feature = "open")]
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// A session file, which is read with the others of its session beside it, or a folder of them
    #[arg(value_name = "FILE|FOLDER")]
    pub(crate) path: PathBuf,
    /// One JSON object per line, CSV as a server exports it, or a readable line each
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) format: ExportFormat,
    /// Only events that fit this filter, such as 'level:>=warn "disk full" -category:Http*'
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,
    /// Where to, instead of standard output; there when it is complete
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[cfg(feature = "open")]
/// How events are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum ExportFormat {
    Json,
    Csv,
    Text,
}

#[cfg(feature = "open")]
#[derive(Debug, clap::Args)]
#[command(mut_arg("token", |token| token.required(false).required_unless_present("local")))]
pub(crate) struct Sessions {
    // No comment for help: a name in capitals would need quotes there.
    #[arg(
        long,
        value_name = "FOLDER",
        num_args = 0..=1,
        help = "Sessions of this folder of session files instead; without FOLDER, of the programs of this user"
    )]
    #[expect(
        clippy::option_option,
        reason = "whether it is given, and whether with a folder, are two questions"
    )]
    pub(crate) local: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(crate) server: Server,
    /// Only this project
    #[arg(long, value_name = "ID", conflicts_with = "local")]
    pub(crate) project: Option<String>,
    /// Only sessions that fit this filter, such as 'user:ann level:>=error duration:>1m'
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,
    /// Only sessions of a user whose id or name contains this
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Only sessions with errors
    #[arg(long)]
    pub(crate) errors: bool,
    /// Only running or only ended ones
    #[arg(long, value_parser = ["running", "ended"])]
    pub(crate) state: Option<String>,
    /// At most so many; all of them with --json, 50 without, if not given
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(crate) struct Events {
    /// The session's id, or the id its agent gave it; without it, the filter is for all sessions
    #[arg(required_unless_present = "filter")]
    pub(crate) session: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    /// Only events that fit this filter, such as 'level:>=warn "disk full" -category:Http*'
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,
    /// Only this project
    #[arg(long, value_name = "ID", conflicts_with = "session")]
    pub(crate) project: Option<String>,
    /// Only events of this severity and worse
    #[arg(long, value_parser = ["trace", "debug", "info", "warn", "error", "fatal"])]
    pub(crate) severity: Option<String>,
    /// Only events that contain this text
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// At most so many; 50 of all sessions without --json, else all of them, if not given
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}
