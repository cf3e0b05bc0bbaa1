//! The connections of a process, for who has to end them: the session's end, and a child after a fork.

use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections that are open.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<Vec<Arc<TcpStream>>>);

impl Lines {
    fn locked(&self) -> MutexGuard<'_, Vec<Arc<TcpStream>>> {
        // Whole after any panic: one is added or taken out.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remember(&self, socket: &Arc<TcpStream>) {
        self.locked().push(Arc::clone(socket));
    }

    pub(super) fn forget(&self, socket: &Arc<TcpStream>) {
        self.locked().retain(|known| !Arc::ptr_eq(known, socket));
    }

    /// Ends all of them: whoever reads or writes finds that out.
    pub(super) fn cut(&self) {
        for socket in self.locked().iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// In a child after a fork, which has a share of them and none of the threads that use them: the parent alone is to
    /// have them. Not ended, which would be for the parent, too.
    pub(super) fn disown(&self) {
        #[cfg(unix)]
        if let Ok(mut sockets) = self.0.try_lock() {
            for socket in sockets.drain(..) {
                crate::raw::handles::close_parents(socket);
            }
        }
    }
}
