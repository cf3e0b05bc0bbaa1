//! The socket in the data folder through which commands reach the running server: one line of JSON
//! each way. Only the folder's owner can open it.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo_store::Folder;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::admin::{Command, Reply, perform};
use crate::state::AppState;

/// Longest command line: every setting of a project at its limit, escaped, and some space.
const LINE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Longest path a Unix socket address takes on Linux, less the terminating zero.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// A command is a few catalog rows; a server that takes longer hangs.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Takes the socket, before anybody is told that the server is there. A folder whose path is too
/// long for a socket gets none; commands then need the server stopped.
pub(crate) fn bind(root: &Path) -> Option<UnixListener> {
    let path = Folder::control_socket(root);
    // Left over from a server that was killed: the lock says that none runs.
    let _ = fs::remove_file(&path);
    match try_bind(&path) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "no control socket: commands need the server stopped");
            None
        }
    }
}

fn try_bind(path: &Path) -> std::io::Result<UnixListener> {
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        return Err(std::io::Error::other("the folder's path is too long for a socket"));
    }
    // The folder is 0700, so nobody else can connect before the permissions are set.
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers commands until the server stops.
pub(crate) async fn serve(listener: UnixListener, state: AppState, url: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (state, url) = (state.clone(), url.clone());
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &state, &url).await {
                tracing::debug!(%error, "a command broke off");
            }
        });
    }
}

async fn answer(stream: UnixStream, state: &AppState, url: &str) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(read.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    let reply = match serde_json::from_str::<Command>(&line) {
        Ok(command) => perform(&state.store, command).await,
        Err(error) => Err(format!("the command could not be read: {error}")),
    };
    // A new or revoked token holds from the next request on.
    let refreshed = state.access_changed().await.map_err(|error| error.to_string());
    let reply = match refreshed.and(reply) {
        Ok(Reply::Code { code, .. }) => Reply::Code { code, url: Some(url.to_owned()) },
        Ok(reply) => reply,
        Err(reason) => Reply::Refused { reason },
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await
}

/// Asks the server that uses the folder. `None`: no server listens there. Blocking.
///
/// # Errors
/// The connection broke, or the answer is not one.
pub fn ask(root: &Path, command: &Command) -> std::io::Result<Option<Reply>> {
    let path: PathBuf = Folder::control_socket(root);
    let Ok(mut stream) = BlockingStream::connect(&path) else { return Ok(None) };
    // A backup or an import takes as long as the disk does; a server that dies closes the socket.
    let is_long = matches!(command, Command::Backup { .. } | Command::Import { .. });
    stream.set_read_timeout((!is_long).then_some(ANSWER_WITHIN))?;
    let mut text = serde_json::to_string(command)?;
    text.push('\n');
    stream.write_all(text.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(Some(serde_json::from_str(&line)?))
}
