//! Data connections: a session file on its way from an agent.

use std::sync::Arc;

use kymo_format::live::{Chunks, Decoder, Hello, Refusal};
use kymo_format::{Item, Reader};

use crate::backlog::Spill;
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
    let after = run.after();
    if !connected(&run, follow) {
        return relay.refuse(io, Refusal::Key, "nobody follows any more", 0).await;
    }
    add(&relay.inner.counters.follows, 1);
    let held = Held::new(&relay.inner.counters.followed);
    let ended = carry(relay, io, decoder, &session, &run, follow).await;
    drop(held);
    over(relay, &session, &run, follow, after);
    ended
}

/// False if nobody waits for it any more.
fn connected(run: &Run, follow: u64) -> bool {
    let mut state = run.state();
    let is_awaited = !state.is_over && state.upstream == Upstream::Asked(follow);
    if is_awaited {
        state.upstream = Upstream::Connected(follow);
        state.backlog.marks_do_not_hold();
    }
    is_awaited
}

/// Whoever fed it is gone. If there is more to come, it is asked for again.
fn over(relay: &Relay, session: &Arc<Session>, run: &Arc<Run>, follow: u64, had: u64) {
    let has = run.after();
    {
        let mut state = run.state();
        if !state.is_fed_by(follow) {
            return;
        }
        state.upstream = Upstream::Nobody;
        if has > had {
            state.is_hopeful();
        }
    }
    run.grown.notify_waiters();
    let is_whole = session.ended_by().is_some_and(|(_, last)| has >= last);
    match (is_whole, has > had) {
        (true, _) => {}
        (false, true) => relay.feed(session),
        (false, false) => relay.feed_later(session, run),
    }
}

async fn carry(
    relay: &Relay,
    io: &mut impl Io,
    decoder: Decoder,
    session: &Session,
    run: &Arc<Run>,
    follow: u64,
) -> Result<(), Ended> {
    write(io, &relay.welcome()).await?;
    let mut stopping = relay.stopping();
    let mut chunks = Chunks::default();
    chunks.feed(&decoder.rest());
    let mut reader = Reader::new();
    reader.feed(&kymo_format::MAGIC);
    loop {
        if !pass(relay, run, &mut chunks, &mut reader, follow)? || is_alone(relay, session) {
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

/// Nobody has said for long that the agent may still be here.
fn is_alone(relay: &Relay, session: &Session) -> bool {
    session.away_since().is_some_and(|since| since.elapsed() > relay.inner.limits.word_every * 3)
}

/// Whole chunks into the backlog; false when nobody follows any more, or another connection feeds it.
fn pass(
    relay: &Relay,
    run: &Arc<Run>,
    chunks: &mut Chunks,
    reader: &mut Reader,
    follow: u64,
) -> Result<bool, Ended> {
    let mut has_grown = false;
    while let Some(chunk) = chunks.next()? {
        reader.feed(&chunk.bytes);
        let (mut records, mut last) = (0, None);
        while let Some(item) = reader.next() {
            if let Item::Record(record) = item {
                records += 1;
                last = Some(record.sequence);
            }
        }
        add(&relay.inner.counters.records, records);
        let mut state = run.state();
        if !state.is_fed_by(follow) {
            return Ok(false);
        }
        state.came(&chunk.what, chunk.bytes.into(), last);
        let too_much = state.backlog.too_much();
        drop(state);
        if let Some(spill) = too_much {
            write_down(relay, run, spill);
        }
        has_grown = true;
    }
    if has_grown {
        run.grown.notify_waiters();
    }
    Ok(true)
}

/// To the disk, however slow that is: nobody waits for it.
fn write_down(relay: &Relay, run: &Arc<Run>, spill: Spill) {
    let (run, folder) = (Arc::clone(run), relay.inner.limits.folder.clone());
    tokio::task::spawn_blocking(move || {
        let mut next = Some(spill);
        while let Some(spill) = next {
            let written = spill.write(&folder);
            let mut state = run.state();
            state.backlog.written(&spill, written);
            next = state.backlog.too_much();
        }
    });
}
