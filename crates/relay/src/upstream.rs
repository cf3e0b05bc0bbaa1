//! Data connections: a session file on its way from an agent.

use std::sync::Arc;

use bytes::Bytes;
use kymo_format::live::{ChunkKind, Chunks, Decoder, Hello, Refusal};
use kymo_format::{Item, Reader};

use crate::connection::{Ended, Io, read_some, write};
use crate::counters::{Held, add};
use crate::followed::{Run, Upstream};
use crate::relay::{Relay, stops};
use crate::session::Session;

pub(crate) async fn run(
    relay: &Relay,
    io: &mut impl Io,
    decoder: Decoder,
    hello: &Hello,
) -> Result<(), Ended> {
    let expected = hello.key.and_then(|key| relay.expected(&key));
    let Some((session, run, follow)) = expected else {
        let why = "the key is not known, or was used, or is older than ten seconds";
        return relay.refuse(io, Refusal::Key, why, 0).await;
    };
    if !connected(&run, follow) {
        return relay.refuse(io, Refusal::Key, "nobody follows any more", 0).await;
    }
    add(&relay.inner.counters.follows, 1);
    let held = Held::new(&relay.inner.counters.followed);
    let ended = carry(relay, io, decoder, &session, &run, follow).await;
    drop(held);
    over(relay, &session, &run, follow);
    ended
}

/// False if nobody waits for it any more.
fn connected(run: &Run, follow: u64) -> bool {
    let mut state = run.state();
    let is_awaited = !state.is_over && state.upstream == Upstream::Asked(follow);
    if is_awaited {
        state.upstream = Upstream::Connected(follow);
    }
    is_awaited
}

/// Whoever fed it is gone. If there is more to come, it is asked for again.
fn over(relay: &Relay, session: &Arc<Session>, run: &Arc<Run>, follow: u64) {
    {
        let mut state = run.state();
        if state.upstream == Upstream::Connected(follow) {
            state.upstream = Upstream::Nobody;
        }
    }
    run.grown.notify_waiters();
    let is_whole = session.ended_by().is_some_and(|(_, last)| run.after() >= last);
    if !is_whole {
        relay.feed(session);
    }
}

async fn carry(
    relay: &Relay,
    io: &mut impl Io,
    decoder: Decoder,
    session: &Session,
    run: &Run,
    follow: u64,
) -> Result<(), Ended> {
    write(io, &relay.welcome()).await?;
    let mut stopping = relay.stopping();
    let mut chunks = Chunks::default();
    chunks.feed(&decoder.rest());
    let mut reader = Reader::new();
    reader.feed(&kymo_format::MAGIC);
    loop {
        if !pass(relay, run, &mut chunks, &mut reader, follow)? {
            return Ok(());
        }
        let mut count = 0;
        tokio::select! {
            read = read_some(io, |bytes| {
                count = bytes.len();
                chunks.feed(bytes);
            }) => read?,
            // Nothing came for that long: there may be nothing, or nobody at the other end.
            () = tokio::time::sleep(relay.inner.limits.word_every) => {
                if !run.state().is_fed_by(follow) {
                    return Ok(());
                }
                if session.last_sequence().is_none_or(|last| last > run.after()) {
                    return Err(Ended::Silent);
                }
            }
            () = stops(&mut stopping) => return Ok(()),
        }
        add(&relay.inner.counters.bytes_in, count as u64);
    }
}

/// Whole chunks into the backlog; false when nobody follows any more, or another connection feeds it.
fn pass(
    relay: &Relay,
    run: &Run,
    chunks: &mut Chunks,
    reader: &mut Reader,
    follow: u64,
) -> Result<bool, Ended> {
    let mut has_grown = false;
    while let Some(chunk) = chunks.next()? {
        reader.feed(&chunk.bytes);
        let (mut records, mut last) = (0, 0);
        while let Some(item) = reader.next() {
            if let Item::Record(record) = item {
                records += 1;
                last = record.sequence;
            }
        }
        add(&relay.inner.counters.records, records);
        let mut state = run.state();
        if !state.is_fed_by(follow) {
            return Ok(false);
        }
        let bytes = Bytes::from(chunk.bytes);
        match chunk.what {
            ChunkKind::Header(_) => state.backlog.header(bytes),
            ChunkKind::Frame { first_sequence } => {
                state.backlog.mark(first_sequence);
                state.backlog.append(bytes);
            }
            ChunkKind::Block | ChunkKind::Other => state.backlog.append(bytes),
        }
        state.last_sequence = state.last_sequence.max(last);
        state.backlog.settle(&relay.inner.limits.folder);
        has_grown = true;
    }
    if has_grown {
        run.grown.notify_waiters();
    }
    Ok(true)
}
