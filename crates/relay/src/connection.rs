//! Messages of a connection, both ways. An idle one holds no buffer.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use kymo_format::live::{Broken, Decoder, Message};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Read at a time, on the stack.
const READ_BYTES: usize = 8 * 1024;
/// Somebody who does not take a message for that long has gone.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Messages that wait for one connection; who does not take them any more has gone.
const WAITING_MAX: usize = 256;

/// Any connection.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Why a connection ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The other side closed it, or it broke.
    Closed,
    /// What came is not the protocol.
    Broken,
    /// Nothing came, or was taken, for too long.
    Silent,
    /// It may not be here any more, and was told so.
    LetGo,
}

impl From<Broken> for Ended {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

/// Reads what is there; the buffer is on the stack while it does, and nowhere while it waits.
pub(crate) async fn read_some(
    io: &mut (impl AsyncRead + Unpin),
    mut take: impl FnMut(&[u8]),
) -> Result<(), Ended> {
    poll_fn(|context| {
        let mut room = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut room);
        match Pin::new(&mut *io).poll_read(context, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                take(buffer.filled());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => Poll::Ready(Err(Ended::Closed)),
        }
    })
    .await
}

/// The next message.
pub(crate) async fn next(io: &mut (impl AsyncRead + Unpin), decoder: &mut Decoder) -> Result<Message, Ended> {
    loop {
        if let Some(message) = decoder.next()? {
            return Ok(message);
        }
        decoder.shrink();
        read_some(io, |bytes| decoder.feed(bytes)).await?;
    }
}

pub(crate) async fn write(io: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Ended> {
    let written = timeout(WRITE_WITHIN, async {
        io.write_all(bytes).await?;
        io.flush().await
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Ended::Closed),
        Err(_) => Err(Ended::Silent),
    }
}

/// Messages on their way to a connection, from whoever has some.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    count: usize,
    is_closed: bool,
}

impl Mailbox {
    fn locked(&self) -> MutexGuard<'_, Waiting> {
        // It is whole after any panic: bytes are appended, flags set.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message; false if the connection is gone.
    pub(crate) fn put(&self, message: &Message) -> bool {
        let mut waiting = self.locked();
        if waiting.is_closed || waiting.count >= WAITING_MAX {
            waiting.is_closed = true;
            drop(waiting);
            self.came.notify_one();
            return false;
        }
        message.encode(&mut waiting.bytes);
        waiting.count += 1;
        drop(waiting);
        self.came.notify_one();
        true
    }

    /// The connection ends once it has sent what waits.
    pub(crate) fn close(&self) {
        self.locked().is_closed = true;
        self.came.notify_one();
    }

    /// What waits; `None` once it is closed and empty.
    pub(crate) async fn take(&self) -> Option<Vec<u8>> {
        loop {
            {
                let mut waiting = self.locked();
                if !waiting.bytes.is_empty() {
                    waiting.count = 0;
                    return Some(std::mem::take(&mut waiting.bytes));
                }
                if waiting.is_closed {
                    return None;
                }
            }
            self.came.notified().await;
        }
    }
}
