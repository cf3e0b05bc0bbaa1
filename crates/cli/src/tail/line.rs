//! A connection to the port for viewers: `docs/spec/live.md`, blocking, over TCP or TLS.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kymo_format::live::{Broken, Decoder, Hello, MAGIC, Message, Refusal, Role, VERSION};
use kymo_model::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::clock;
use crate::remote::ROOTS_ENV;

/// Time to reach the server, and for each step of saying hello.
const GREET_WITHIN: Duration = Duration::from_secs(10);
/// What is said is some bytes: who does not take them for that long has gone.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Longest time a read waits: how often it is looked after everything else.
const READ_WAITS: Duration = Duration::from_millis(500);
/// Read at a time.
const PIECE_BYTES: usize = 64 << 10;
/// The server hears of a line that is silent for this many times the time after which a word is expected.
const SILENT_TIMES: u32 = 3;

/// Why there is no connection (any more).
#[derive(Debug)]
pub(super) enum Lost {
    /// It broke, or was not to be had: another may be.
    Broken(String),
    /// The server said why.
    Refused { code: Refusal, why: String, wait: Duration },
}

impl Lost {
    fn at(what: &str, error: &io::Error) -> Self {
        Self::Broken(format!("{what}: {error}"))
    }
}

impl From<Broken> for Lost {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.to_string())
    }
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or an address, which the certificate has to be for.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) has_tls: bool,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Io {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(piece),
            Self::Tls(stream) => stream.read(piece),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

/// A connection that was welcomed.
pub(super) struct Line {
    io: Io,
    decoder: Decoder,
    piece: Vec<u8>,
    word_every: Duration,
    said_at: Instant,
    heard_at: Instant,
    /// The server's clock when it welcomed.
    pub(super) welcomed_at: Timestamp,
}

impl Line {
    /// Connects and says hello. Blocks for some ten seconds at most for each step.
    pub(super) fn open(address: &Address, token: &str) -> Result<Self, Lost> {
        let io = connect(address)?;
        let now = Instant::now();
        let mut line = Self {
            io,
            decoder: Decoder::of_server(),
            piece: vec![0; PIECE_BYTES],
            word_every: GREET_WITHIN,
            said_at: now,
            heard_at: now,
            welcomed_at: Timestamp::default(),
        };
        let hello = Hello {
            version: VERSION,
            role: Role::Viewer,
            token: token.to_owned(),
            key: None,
            program: concat!("kymo ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let mut bytes = MAGIC.to_vec();
        Message::Hello(hello).encode(&mut bytes);
        line.write(&bytes)?;
        loop {
            match line.decoder.next()? {
                Some(Message::Welcome { word_every_s, at, .. }) => {
                    line.word_every = Duration::from_secs(word_every_s.clamp(1, 3600));
                    line.welcomed_at = at;
                    line.decoder.greeted();
                    let waits = line.io.socket().set_read_timeout(Some(READ_WAITS));
                    waits.map_err(|error| Lost::at("the connection", &error))?;
                    return Ok(line);
                }
                Some(Message::Refused { code, why, wait_ms }) => {
                    return Err(Lost::Refused { code, why, wait: Duration::from_millis(wait_ms) });
                }
                Some(_) => return Err(Lost::Broken("expected a welcome, found something else".to_owned())),
                None if line.heard_at.elapsed() > GREET_WITHIN => {
                    return Err(Lost::Broken("the server does not answer".to_owned()));
                }
                None => line.read()?,
            }
        }
    }

    pub(super) fn say(&mut self, message: &Message) -> Result<(), Lost> {
        self.write(&message.bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        self.said_at = Instant::now();
        self.io.write(bytes).map_err(|error| Lost::at("the connection broke", &error))
    }

    /// The next message of those that came; pings are answered here.
    pub(super) fn next(&mut self) -> Result<Option<Message>, Lost> {
        loop {
            match self.decoder.next()? {
                Some(Message::Ping { at }) => {
                    self.say(&Message::Pong { asked_at: at, at: clock::now() })?;
                }
                Some(Message::Refused { code, why, wait_ms }) => {
                    return Err(Lost::Refused { code, why, wait: Duration::from_millis(wait_ms) });
                }
                other => return Ok(other),
            }
        }
    }

    /// Waits until something comes, half a second at most, and says a word when it is time.
    pub(super) fn wait(&mut self) -> Result<(), Lost> {
        if self.said_at.elapsed() >= self.word_every {
            self.say(&Message::Ping { at: clock::now() })?;
        }
        self.read()?;
        if self.heard_at.elapsed() > self.word_every * SILENT_TIMES {
            return Err(Lost::Broken("nothing comes any more".to_owned()));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Lost> {
        match self.io.read(&mut self.piece) {
            Ok(0) => Err(Lost::Broken("the server closed the connection".to_owned())),
            Ok(count) => {
                self.heard_at = Instant::now();
                self.decoder.feed(&self.piece[..count]);
                Ok(())
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(Lost::at("the connection broke", &error)),
        }
    }

    /// Nothing was heard because nothing was read: it does not count against the server.
    pub(super) fn was_held_up(&mut self) {
        self.heard_at = Instant::now();
    }
}

fn connect(address: &Address) -> Result<Io, Lost> {
    let Address { host, port, has_tls } = address;
    let place = format!("{host}:{port}");
    let unreachable = |error: &io::Error| Lost::at(&format!("cannot reach {place}"), error);
    let bare = host.trim_matches(['[', ']']);
    let addresses = (bare, *port).to_socket_addrs().map_err(|error| unreachable(&error))?;
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    let mut connected = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, GREET_WITHIN) {
            Ok(stream) => {
                connected = Some(stream);
                break;
            }
            Err(error) => failed = error,
        }
    }
    let stream = connected.ok_or_else(|| unreachable(&failed))?;
    stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(GREET_WITHIN)))
        .and_then(|()| stream.set_write_timeout(Some(WRITE_WITHIN)))
        .map_err(|error| unreachable(&error))?;
    if !has_tls {
        return Ok(Io::Plain(stream));
    }
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| Lost::Broken(format!("{bare:?} is no name that a certificate could be for")))?;
    let connection = ClientConnection::new(Arc::new(tls()?), name)
        .map_err(|error| Lost::Broken(format!("TLS to {place}: {error}")))?;
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .map_err(|error| Lost::at(&format!("TLS to {place}"), &error))?;
    }
    Ok(Io::Tls(Box::new(stream)))
}

/// The same certificates as requests have.
fn tls() -> Result<ClientConfig, Lost> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = std::env::var_os(ROOTS_ENV)
        && let Ok(certificates) = CertificateDer::pem_file_iter(path)
    {
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Lost::Broken(format!("TLS: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
