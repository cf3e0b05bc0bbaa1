//! A connection of the live protocol, from who connects, and what went over it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::bail;
use kymo_format::live::{Decoder, Hello, KEY_BYTES, MAGIC, Message, Role, VERSION};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// Read at a time.
const READ_BYTES: usize = 16 << 10;
/// What a segment of TCP over IPv4 costs beside its bytes, with its acknowledgement: two heads of 20 and 32 bytes.
const SEGMENT_BYTES: u64 = 104;

/// TCP, or TLS.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Where to connect.
#[derive(Clone)]
pub(super) struct Port {
    pub(super) address: SocketAddr,
    pub(super) tls: Option<Arc<TlsConnector>>,
}

/// Bytes of all lines of a kind, both ways, each message and piece as if it were a segment of its own.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) payload: AtomicU64,
    segments: AtomicU64,
}

impl Wire {
    fn count(&self, bytes: usize) {
        self.payload.fetch_add(bytes as u64, Ordering::Relaxed);
        self.segments.fetch_add(1, Ordering::Relaxed);
    }

    /// With the heads of its segments and their acknowledgements.
    pub(super) fn bytes(&self) -> u64 {
        self.payload.load(Ordering::Relaxed) + SEGMENT_BYTES * self.segments.load(Ordering::Relaxed)
    }
}

pub(super) struct Line {
    io: Box<dyn Io>,
    decoder: Decoder,
    wire: Arc<Wire>,
}

impl Line {
    /// Connects and says hello; the server has welcomed it.
    pub(super) async fn open(
        port: &Port,
        role: Role,
        token: &str,
        key: Option<[u8; KEY_BYTES]>,
        wire: &Arc<Wire>,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(port.address).await?;
        stream.set_nodelay(true)?;
        let io: Box<dyn Io> = match &port.tls {
            Some(tls) => Box::new(tls.connect(ServerName::try_from("localhost")?, stream).await?),
            None => Box::new(stream),
        };
        let mut line = Self { io, decoder: Decoder::of_server(), wire: Arc::clone(wire) };
        let hello = Hello { version: VERSION, role, token: token.into(), key, program: "bench 1".into() };
        let mut bytes = MAGIC.to_vec();
        Message::Hello(hello).encode(&mut bytes);
        line.send(&bytes).await?;
        match line.next().await? {
            Message::Welcome { .. } => {
                line.decoder.greeted();
                Ok(line)
            }
            Message::Refused { why, .. } => bail!("the server refuses: {why}"),
            other => bail!("expected welcome or refused, found {other:?}"),
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.wire.count(bytes.len());
        self.io.write_all(bytes).await?;
        self.io.flush().await?;
        Ok(())
    }

    pub(super) async fn say(&mut self, message: &Message) -> anyhow::Result<()> {
        self.send(&message.bytes()).await
    }

    /// The next message; it may be cancelled.
    pub(super) async fn next(&mut self) -> anyhow::Result<Message> {
        loop {
            if let Some(message) = self.decoder.next()? {
                return Ok(message);
            }
            self.decoder.shrink();
            self.read().await?;
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        // On the stack, and only while something is there: fifteen thousand of these wait.
        std::future::poll_fn(|context| {
            let mut room = [0; READ_BYTES];
            let mut buffer = tokio::io::ReadBuf::new(&mut room);
            match std::pin::Pin::new(&mut self.io).poll_read(context, &mut buffer) {
                std::task::Poll::Pending => std::task::Poll::Pending,
                std::task::Poll::Ready(Err(error)) => std::task::Poll::Ready(Err(error.into())),
                std::task::Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    std::task::Poll::Ready(Err(anyhow::anyhow!("the server closed the line")))
                }
                std::task::Poll::Ready(Ok(())) => {
                    self.wire.count(buffer.filled().len());
                    self.decoder.feed(buffer.filled());
                    std::task::Poll::Ready(Ok(()))
                }
            }
        })
        .await
    }

    /// Waits until the other side closes it.
    pub(super) async fn closed(&mut self) {
        while self.io.read(&mut [0; 256]).await.is_ok_and(|count| count > 0) {}
    }
}
