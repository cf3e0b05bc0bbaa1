//! What leaves the machine when, end to end: programs with the agent's library, the helper that sends after their end,
//! consent, real windows, a real server and a real mail server.

mod dialogs;
mod mail;
mod scenarios;
mod terminal;
mod till;
mod waiting;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stands between programs and a server, and counts what they say.
pub(crate) struct Line {
    pub(crate) url: String,
    connections: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Line {
    /// To the server of that URL. It is there as long as the test program.
    fn to(server: &str) -> Self {
        let target = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (connections, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counted = (Arc::clone(&connections), Arc::clone(&bytes));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                counted.0.fetch_add(1, Ordering::SeqCst);
                let Ok(far) = TcpStream::connect(&target) else { continue };
                let (near_again, far_again) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let up = Arc::clone(&counted.1);
                std::thread::spawn(move || pass_on(near, far, Some(&up)));
                std::thread::spawn(move || pass_on(far_again, near_again, None));
            }
        });
        Self { url, connections, bytes }
    }

    /// Connections that programs made, and bytes that they said.
    fn said(&self) -> (u64, u64) {
        (self.connections.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst))
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, counted: Option<&AtomicU64>) {
    use std::io::{Read, Write};
    let mut piece = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut piece) {
        if let Some(counted) = counted {
            counted.fetch_add(count as u64, Ordering::SeqCst);
        }
        if count == 0 || to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    // Whoever is on the other side is told; it may know already.
    let _ = to.shutdown(std::net::Shutdown::Both);
}
