//! A connection to the server's port for agents: TCP, or TLS over it, read and written with a patience.
//!
//! Every wait is cut into turns, after each of which who waits is asked whether it is to go on: the program's end, a *no*, a
//! follower who left.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kymo_format::live::{Decoder, Hello, MAGIC, Message, Role, VERSION};
use kymo_model::Timestamp;
use rustls::ClientConnection;

use super::Lines;
use super::found::Door;
use super::tls;

/// Time to reach one of the server's addresses.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Who was reached says who it is, and whether we may come in, within that time.
pub(super) const GREET_WITHIN: Duration = Duration::from_secs(10);
/// How long a wait goes on without a look.
const TURN: Duration = Duration::from_millis(250);
/// Read at a time.
pub(super) const READ_BYTES: usize = 8 * 1024;

/// Asked after each turn of a wait; an error ends it.
pub(super) type Patience<'a> = dyn FnMut() -> io::Result<()> + 'a;

/// A connection.
pub(super) struct Link {
    socket: Arc<TcpStream>,
    tls: Option<Box<ClientConnection>>,
    read_timeout: Option<Duration>,
    lines: Arc<Lines>,
    peer: String,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.lines.forget(&self.socket);
        // A child that was forked off has a share of it, which would keep it open. What was said still goes.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn failed(text: String) -> io::Error {
    io::Error::other(text)
}

impl Link {
    /// Connects, with TLS where the server has it.
    ///
    /// Errors: in words, with the place.
    pub(super) fn connect(door: &Door, lines: &Arc<Lines>, patience: &mut Patience<'_>) -> io::Result<Self> {
        let peer = format!("{}:{}", door.host, door.port);
        let socket = reach(door, &peer, patience)?;
        // Small messages, each of which somebody waits for.
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(TURN))?;
        let socket = Arc::new(socket);
        lines.remember(&socket);
        let tls = if door.is_tls { Some(Box::new(tls::connection(&door.host)?)) } else { None };
        let mut link = Self { socket, tls, read_timeout: None, lines: Arc::clone(lines), peer };
        link.shake_hands(patience)?;
        Ok(link)
    }

    fn shake_hands(&mut self, patience: &mut Patience<'_>) -> io::Result<()> {
        let until = Instant::now() + GREET_WITHIN;
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            patience()?;
            self.push(patience).and_then(|()| self.pull(TURN)).map_err(|error| {
                failed(format!("{}: expected TLS with a certificate that holds, found: {error}", self.peer))
            })?;
            if Instant::now() > until {
                return Err(failed(format!("{}: expected an end of the TLS handshake", self.peer)));
            }
        }
        Ok(())
    }

    /// Says hello and waits for the answer: the decoder of what comes after it, and the seconds of the welcome.
    ///
    /// Errors: [`Refused`] inside, where the server does not want it.
    pub(super) fn greet(
        &mut self,
        role: Role,
        token: &str,
        key: Option<[u8; 16]>,
        patience: &mut Patience<'_>,
    ) -> io::Result<(Decoder, Duration)> {
        let program = crate::session::AGENT.to_owned();
        let hello = Hello { version: VERSION, role, token: token.to_owned(), key, program };
        let mut bytes = MAGIC.to_vec();
        Message::Hello(hello).encode(&mut bytes);
        let (until, peer) = (Instant::now() + GREET_WITHIN, self.peer.clone());
        // Asked at each turn: words of another kind could come for ever.
        let mut patience = || {
            patience()?;
            let is_late = Instant::now() > until;
            if is_late { Err(failed(format!("{peer}: expected a welcome, found none"))) } else { Ok(()) }
        };
        patience()?;
        self.write(&bytes, &mut patience)?;
        let (mut decoder, mut room) = (Decoder::of_server(), vec![0; READ_BYTES]);
        loop {
            match decoder.next().map_err(|broken| failed(format!("{}: {broken}", self.peer)))? {
                Some(Message::Welcome { word_every_s, .. }) => {
                    decoder.greeted();
                    return Ok((decoder, Duration::from_secs(word_every_s.clamp(1, 3600))));
                }
                Some(Message::Refused { code, why, wait_ms }) => {
                    let why = format!("{} refused: {why}", self.peer);
                    return Err(io::Error::other(Refused {
                        code,
                        why,
                        wait: Duration::from_millis(wait_ms),
                    }));
                }
                Some(_) => {}
                None => {
                    patience()?;
                    match self.read(&mut room, TURN)? {
                        Some(0) => {
                            let text = "expected a welcome, found the end of the connection";
                            return Err(failed(format!("{}: {text}", self.peer)));
                        }
                        Some(count) => decoder.feed(&room[..count]),
                        None => {}
                    }
                }
            }
        }
    }

    /// Writes all of it.
    pub(super) fn write(&mut self, bytes: &[u8], patience: &mut Patience<'_>) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return write_plain(&self.socket, bytes, patience) };
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = tls.writer().write(rest)?;
            rest = &rest[taken..];
            push_tls(tls, &self.socket, patience)?;
        }
        Ok(())
    }

    /// What came: so many bytes, 0 at the end of the connection, `None` if nothing did for so long.
    pub(super) fn read(&mut self, room: &mut [u8], time: Duration) -> io::Result<Option<usize>> {
        if self.tls.is_none() {
            self.set_read_timeout(time)?;
            return match (&*self.socket).read(room) {
                Ok(count) => Ok(Some(count)),
                Err(error) if is_timeout(&error) || error.kind() == io::ErrorKind::Interrupted => Ok(None),
                Err(error) => Err(error),
            };
        }
        loop {
            if let Some(tls) = &mut self.tls {
                match tls.reader().read(room) {
                    Ok(count) => return Ok(Some(count)),
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
                    Err(error) if is_timeout(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            match self.pull(time) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
                Err(error) => return Err(error),
            }
        }
    }

    fn set_read_timeout(&mut self, time: Duration) -> io::Result<()> {
        if self.read_timeout != Some(time) {
            // Nothing at all would be for ever.
            self.socket.set_read_timeout(Some(time.max(Duration::from_millis(1))))?;
            self.read_timeout = Some(time);
        }
        Ok(())
    }

    fn push(&mut self, patience: &mut Patience<'_>) -> io::Result<()> {
        self.tls.as_mut().map_or(Ok(()), |tls| push_tls(tls, &self.socket, patience))
    }

    /// What came of TLS; false if nothing did for so long.
    fn pull(&mut self, time: Duration) -> io::Result<bool> {
        self.set_read_timeout(time)?;
        let Some(tls) = &mut self.tls else { return Ok(false) };
        match tls.read_tls(&mut &*self.socket) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if is_timeout(&error) || error.kind() == io::ErrorKind::Interrupted => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        if let Err(error) = tls.process_new_packets() {
            // The other side is told why, as far as it listens.
            let _ = tls.write_tls(&mut &*self.socket);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(true)
    }

    /// Whether the other side closed it, for who only writes. Waits a millisecond.
    pub(super) fn is_closed(&mut self) -> bool {
        let mut room = [0; 1024];
        !matches!(self.read(&mut room, Duration::from_millis(1)), Ok(None | Some(1..)))
    }

    /// Nothing more is said.
    pub(super) fn end(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut &*self.socket);
        }
        // Whoever closed it before has been told.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Nothing more leaves, what was said and is not on its way yet included, as far as the system can do that.
    pub(super) fn abort(self) {
        // Closed at once: what waits to be sent is thrown away.
        #[cfg(unix)]
        let _ = rustix::net::sockopt::set_socket_linger(&*self.socket, Some(Duration::ZERO));
    }

    /// After [`end`](Self::end): until the other side has everything and closes, too, or the time is over. Closed
    /// before that, what came and was not read would take along what is on its way.
    pub(super) fn linger(&mut self, until: Instant) {
        let mut room = [0; 1024];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !matches!(self.read(&mut room, left.min(TURN)), Ok(None | Some(1..))) {
                return;
            }
        }
    }

    pub(super) fn socket(&self) -> &Arc<TcpStream> {
        &self.socket
    }

    pub(super) fn peer(&self) -> &str {
        &self.peer
    }
}

fn reach(door: &Door, peer: &str, patience: &mut Patience<'_>) -> io::Result<TcpStream> {
    let found = (door.host.as_str(), door.port).to_socket_addrs();
    let found = found.map_err(|error| failed(format!("{peer}: expected an address, found: {error}")))?;
    let mut last = failed(format!("{peer}: expected an address, found none"));
    for address in found {
        patience()?;
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = failed(format!("{peer}: expected a connection, found: {error}")),
        }
    }
    Err(last)
}

fn write_plain(socket: &TcpStream, bytes: &[u8], patience: &mut Patience<'_>) -> io::Result<()> {
    let (mut socket, mut rest) = (socket, bytes);
    while !rest.is_empty() {
        match socket.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                rest = &rest[count..];
                // Whoever takes a little each time is waited for, too.
                if !rest.is_empty() {
                    patience()?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => patience()?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn push_tls(tls: &mut ClientConnection, socket: &TcpStream, patience: &mut Patience<'_>) -> io::Result<()> {
    let mut socket = socket;
    while tls.wants_write() {
        match tls.write_tls(&mut socket) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(_) if tls.wants_write() => patience()?,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => patience()?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The server did not let us in.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: kymo_format::live::Refusal,
    pub(super) why: String,
    pub(super) wait: Duration,
}

impl Refused {
    /// It, if an error is one.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.why)
    }
}

impl std::error::Error for Refused {}

/// The time of now, for pings.
pub(super) fn now() -> Timestamp {
    crate::clock::now()
}
