//! A session and `fork(2)`: the child has none of its parent's, and begins one of its own with its first message.

use std::cell::RefCell;
use std::sync::{Arc, MutexGuard};

use kymo_model::SessionId;

use super::builder::Builder;
use super::{Running, current, start};
use crate::recorder::AfterFork;

thread_local! {
    /// Held from before a fork until after it, so that the child finds it whole and can unlock it.
    static HELD: RefCell<Option<MutexGuard<'static, Option<Arc<Running>>>>> = const { RefCell::new(None) };
}

pub(super) fn begin_anew(settings: &Builder, parent: SessionId) -> AfterFork {
    let settings = settings.clone();
    AfterFork::Run(Arc::new(move || start::start_in_child(settings.clone(), parent)))
}

/// Before a fork, in the thread that forks.
pub(crate) fn before_fork() {
    let guard = current();
    crate::inputs::before_fork();
    #[cfg(feature = "send")]
    crate::sending::policy::before_fork();
    let _ = HELD.try_with(|held| held.borrow_mut().replace(guard));
}

fn release() {
    #[cfg(feature = "send")]
    crate::sending::policy::after_fork();
    crate::inputs::after_fork();
}

/// After it, in the parent.
pub(crate) fn in_parent() {
    release();
    let _ = HELD.try_with(|held| held.borrow_mut().take());
}

/// After it, in the child. What was the parent's is left as it is: its threads are not here.
pub(crate) fn after_fork_in_child() {
    #[cfg(all(unix, feature = "signals"))]
    super::signals::after_fork_in_child();
    release();
    let _ = HELD.try_with(|held| {
        if let Some(mut current) = held.borrow_mut().take() {
            let parents = current.take();
            #[cfg(feature = "send")]
            if let Some(parents) = &parents {
                parents.disown_sender();
            }
            std::mem::forget(parents);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kymo_format::{Header, Item, ReadRecord, Reader};
    use kymo_model::{EndReason, SessionId};

    use crate::raw::fork;
    use crate::recorder::tests::turn;
    use crate::session::{builder, end_session};

    /// The header and the records of a session's first fragment.
    fn read(folder: &Path, session: SessionId) -> (Header, Vec<ReadRecord>) {
        let stem = format!("{:032x}.0001.kymo", session.as_u128());
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let path = names.into_iter().find(|path| path.to_string_lossy().ends_with(&stem)).unwrap();
        let mut reader = Reader::new();
        reader.feed(&std::fs::read(path).unwrap());
        reader.finish();
        let (mut header, mut records) = (None, Vec::new());
        while let Some(item) = reader.next() {
            match item {
                Item::Header(found) => header = Some((*found).clone()),
                Item::Record(record) => records.push(*record),
                _ => {}
            }
        }
        (header.unwrap(), records)
    }

    #[cfg(feature = "send")]
    #[test]
    fn a_child_that_lives_longer_has_no_share_of_its_parents_lock() {
        use std::io::Read;

        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        // Nobody is there, so it is always about to try again.
        let send = crate::sending::SendSettings {
            server: Some("http://127.0.0.1:9".to_owned()),
            ..crate::sending::SendSettings::default()
        };
        let builder = builder("Shop", "till").configured(false).panic_hook(false).repository(folder.path());
        let session = builder.send(send).start();
        let is_elected = || crate::status().unwrap().sending.unwrap().is_elected;
        while !is_elected() {
            crate::sending::nudge();
            std::thread::yield_now();
        }
        let lock = std::fs::File::open(folder.path().join("Shop/till/send.lock")).unwrap();
        assert!(lock.try_lock().is_err(), "it is held");
        let (mut waits, goes_on) = std::io::pipe().unwrap();
        let mut goes_on = Some(goes_on);
        let child = fork::child(|| {
            // Its own end of the pipe, which would keep it waiting.
            goes_on.take();
            i32::from(waits.read(&mut [0]).is_err())
        });
        session.end(EndReason::Normal, None);
        assert!(lock.try_lock().is_ok(), "the child lives, and the lock is free");
        drop(goes_on);
        assert_eq!(child.wait(), 0);
    }

    /// Connections of this process to a port of its own machine.
    #[cfg(all(feature = "live", target_os = "linux"))]
    fn connections_to(port: u16) -> usize {
        let to_port = |line: &&str| {
            let address = line.split_whitespace().nth(2).unwrap_or_default();
            address.ends_with(&format!(":{port:04X}"))
        };
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let inodes = table.lines().filter(to_port).filter_map(|line| line.split_whitespace().nth(9));
        let known: Vec<String> = inodes.map(|inode| format!("socket:[{inode}]")).collect();
        let handles = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let targets = handles.filter_map(|handle| std::fs::read_link(handle.path()).ok());
        targets.filter(|target| known.iter().any(|one| Path::new(one) == target)).count()
    }

    #[cfg(all(feature = "live", target_os = "linux"))]
    #[test]
    fn a_child_has_no_share_of_its_parents_connection() {
        use std::io::{Read, Write};
        use std::net::TcpListener;

        use kymo_format::live::Message;

        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        let (http, agents) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let url = format!("http://{}", http.local_addr().unwrap());
        let port = agents.local_addr().unwrap().port();
        let answer = std::thread::spawn(move || {
            let (mut asked, mut head) = (http.accept().unwrap().0, Vec::new());
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                asked.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let body = format!(r#"{{"enabled": true, "agents": {{"port": {port}, "tls": false}}}}"#);
            let length = body.len();
            write!(asked, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        });
        let builder = builder("Shop", "till").configured(false).panic_hook(false).repository(folder.path());
        let builder = builder.server(&url, "token").auto_send_sessions(false).live(true);
        let session = builder.start();
        let (mut control, _) = agents.accept().unwrap();
        let welcome = Message::Welcome { version: 1, word_every_s: 30, at: kymo_model::Timestamp::default() };
        control.write_all(&welcome.bytes()).unwrap();
        while crate::status().unwrap().live.unwrap().connected_since.is_none() {
            std::thread::yield_now();
        }
        answer.join().unwrap();
        let child = fork::child(|| connections_to(port) as i32);
        assert_eq!((connections_to(port), child.wait()), (1, 0));
        drop(control);
        session.end(EndReason::Normal, None);
        assert_eq!(connections_to(port), 0);
    }

    fn work(folder: &Path) -> SessionId {
        // Other tests of this process panic, as they should.
        let builder = builder("Shop", "till").configured(false).panic_hook(false).repository(folder);
        let session = builder.start();
        let (id, visit) = (session.id().unwrap(), crate::user_session("17", None));
        crate::set_filter("debug").unwrap();
        crate::event!(crate::Severity::DEBUG, "in the parent");
        let child = fork::child(|| {
            #[cfg(feature = "tracing")]
            tracing::debug!(number = 7, "in the child");
            #[cfg(not(feature = "tracing"))]
            crate::event!(crate::Severity::DEBUG, "in the child");
            // It is the parent's.
            drop(visit);
            i32::from(end_session(EndReason::Normal, None).is_none_or(|status| status.session == id))
        });
        assert_eq!(child.wait(), 0, "it had a session of its own");
        crate::event!(crate::Severity::DEBUG, "in the parent again");
        session.end(EndReason::Normal, None);
        id
    }

    #[test]
    fn a_child_begins_a_session_after_its_parents_with_the_filter_and_the_spans_of_now() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        #[cfg(feature = "tracing")]
        let id = {
            use tracing_subscriber::layer::SubscriberExt;
            let subscriber = tracing_subscriber::registry().with(crate::tracing_layer());
            tracing::subscriber::with_default(subscriber, || {
                tracing::info_span!("request", path = "/cart").in_scope(|| work(folder.path()))
            })
        };
        #[cfg(not(feature = "tracing"))]
        let id = work(folder.path());
        let sessions = folder.path().join("Shop/till");
        let told = |records: &[ReadRecord]| -> Vec<String> {
            let own = |record: &&ReadRecord| {
                record.category().is_none_or(|category| !category.starts_with("kymo."))
            };
            records.iter().filter(own).map(ReadRecord::message).collect()
        };
        let (header, records) = read(&sessions, id);
        assert_eq!(header.previous, None);
        let parents = ["17 begins", "in the parent", "17 ends", "in the parent again"];
        assert_eq!(told(&records), parents, "the visit is the parent's to end");
        let summaries = crate::sessions(folder.path()).unwrap();
        let child = summaries.iter().find(|(_, summary)| summary.id != id.to_string()).unwrap();
        assert_eq!(child.1.previous_id, Some(id.to_string()));
        let child = u128::from_str_radix(&child.1.id.replace('-', ""), 16).unwrap();
        let (header, records) = read(&sessions, SessionId::from_u128(child));
        assert_eq!((header.previous, told(&records)), (Some(id), vec!["in the child".to_owned()]));
        #[cfg(feature = "tracing")]
        {
            let span = records.iter().find_map(|record| record.span.clone()).unwrap();
            assert_eq!(span.callsite.template, "request");
        }
    }

    /// Other threads are within the locks of the inputs all the time.
    #[cfg(feature = "metrics")]
    #[test]
    fn a_child_finds_every_lock_of_the_inputs_open() {
        use std::sync::atomic::{AtomicBool, Ordering};

        use metrics::Recorder as _;

        let _turn = turn();
        let stops = AtomicBool::new(false);
        let use_all = |number: u32| {
            crate::set_filter("info").unwrap();
            drop(crate::user_session("17", None).without_heartbeats());
            let key = metrics::Key::from_name(format!("shop.{}", number % 100));
            let metadata = metrics::Metadata::new("", metrics::Level::INFO, None);
            crate::metrics_recorder().register_histogram(&key, &metadata).record(1.0);
            #[cfg(feature = "send")]
            {
                crate::set_purge_sent_sessions(false);
                crate::on_alert(|_| {});
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut number = 0;
                    while !stops.load(Ordering::Relaxed) {
                        use_all(number);
                        number += 1;
                    }
                });
            }
            for _ in 0..100 {
                let child = fork::child(|| {
                    use_all(200);
                    0
                });
                assert_eq!(child.wait(), 0);
            }
            stops.store(true, Ordering::Relaxed);
        });
    }
}
