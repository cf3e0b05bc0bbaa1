//! Requests as bytes: what HTTP libraries will not send is what doors are for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A server that says nothing for so long has forgotten the connection: the longest that one is held
/// is five seconds.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Of the first answer; `None` where the connection was closed without one.
    pub status: Option<u16>,
    /// Everything that came, heads and bodies.
    pub text: String,
}

/// The body of a request, made of one piece any number of times, so that large ones take no memory here.
#[derive(Clone, Debug)]
pub struct Body<'a> {
    piece: &'a [u8],
    times: usize,
    is_chunked: bool,
}

impl<'a> Body<'a> {
    /// These bytes, with their length announced.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Self::repeated(bytes, 1)
    }

    /// These bytes that many times.
    pub fn repeated(piece: &'a [u8], times: usize) -> Self {
        Self { piece, times, is_chunked: false }
    }

    /// The same without a length: each piece is a chunk.
    #[must_use]
    pub fn chunked(self) -> Self {
        Self { is_chunked: true, ..self }
    }

    fn framing(&self) -> String {
        if self.is_chunked {
            return "transfer-encoding: chunked".to_owned();
        }
        format!("content-length: {}", self.piece.len() * self.times)
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        for _ in 0..self.times {
            if self.is_chunked {
                write!(stream, "{:x}\r\n", self.piece.len())?;
            }
            stream.write_all(self.piece)?;
            if self.is_chunked {
                stream.write_all(b"\r\n")?;
            }
        }
        if self.is_chunked { stream.write_all(b"0\r\n\r\n") } else { Ok(()) }
    }
}

/// Sends a request on a connection of its own. The head is given in lines; host, length and `connection:
/// close` are added, the host only where there is none.
pub fn request(url: &str, head: &str, body: &Body<'_>) -> Answer {
    let host = url.trim_start_matches("http://");
    let host_line = if head.contains("\nhost:") { String::new() } else { format!("host: {host}\r\n") };
    let head = head.trim_end().replace('\n', "\r\n");
    let head = format!("{head}\r\n{host_line}{}\r\nconnection: close\r\n\r\n", body.framing());
    converse(host, |stream| {
        stream.write_all(head.as_bytes())?;
        body.send(stream)
    })
}

/// Sends these bytes and waits for the server to close.
pub fn exchange(url: &str, bytes: &[u8]) -> Answer {
    converse(url.trim_start_matches("http://"), |stream| stream.write_all(bytes))
}

/// Sends these bytes and says that there are no more.
pub fn break_off(url: &str, bytes: &[u8]) -> Answer {
    converse(url.trim_start_matches("http://"), |stream| {
        stream.write_all(bytes)?;
        stream.shutdown(std::net::Shutdown::Write)
    })
}

/// Reads while it sends: a server that refuses may answer and close before it has everything.
fn converse(host: &str, send: impl FnOnce(&mut TcpStream) -> std::io::Result<()>) -> Answer {
    let mut stream = TcpStream::connect(host).expect("the server listens");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a socket");
    let mut incoming = stream.try_clone().expect("a socket");
    let reader = std::thread::spawn(move || {
        let mut received = Vec::new();
        let ended = incoming.read_to_end(&mut received);
        let is_silent = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!is_silent, "the server neither answered nor closed");
        received
    });
    // A server that has refused the rest may have closed already.
    let _ = send(&mut stream);
    let received = reader.join().expect("an answer or an end");
    let text = String::from_utf8_lossy(&received).into_owned();
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    Answer { status, text }
}
