//! The smallest HTTP/1.1 client that can load a server without taking its cores: one connection,
//! one request at a time, answers read whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};

/// An answer later than this is a failure.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A kept-alive connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    line: String,
}

impl Connection {
    /// Connects to `http://HOST:PORT`.
    pub(crate) fn open(url: &str) -> anyhow::Result<Self> {
        let host = url.strip_prefix("http://").context("expected an http URL")?;
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        Ok(Self { stream: BufReader::new(stream), host: host.to_owned(), line: String::new() })
    }

    /// `GET path` with that token; status and body.
    pub(crate) fn get(&mut self, path: &str, token: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let host = &self.host;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
        self.send(request.as_bytes())
    }

    /// Sends a whole request; status and body of its answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        self.stream.get_mut().write_all(request)?;
        self.line.clear();
        self.stream.read_line(&mut self.line)?;
        let status = self.line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.context("no status line")?;
        let mut length = 0;
        let mut is_chunked = false;
        loop {
            self.line.clear();
            if self.stream.read_line(&mut self.line)? == 0 {
                bail!("the connection was closed in an answer");
            }
            let Some((name, value)) = self.line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
            is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        if is_chunked {
            bail!("a chunked answer where one of known length was expected");
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok((status, answer))
    }
}
