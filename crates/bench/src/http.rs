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
    token: String,
    request: Vec<u8>,
}

impl Connection {
    /// Connects to `http://HOST:PORT`.
    pub(crate) fn open(url: &str, token: &str) -> anyhow::Result<Self> {
        let host = url.strip_prefix("http://").context("expected an http URL")?;
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: host.to_owned(),
            token: token.to_owned(),
            request: Vec::new(),
        })
    }

    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        self.ask("GET", path, &[])
    }

    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> anyhow::Result<u16> {
        Ok(self.ask("POST", path, body)?.0)
    }

    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.host,
            self.token,
            body.len()
        )?;
        self.request.extend_from_slice(body);
        self.stream.get_mut().write_all(&self.request)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status line")?;
        let mut length = 0;
        let mut is_chunked = false;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                bail!("the connection was closed in an answer");
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            is_chunked |= header.starts_with("transfer-encoding:");
        }
        if is_chunked {
            bail!("a chunked answer where one of known length was expected");
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok((status, answer))
    }
}
