//! Handles that a process has from the one that started it.

use std::io;

/// Closes every handle but standard input, output and error.
///
/// For the beginning of `main` only: nothing else in the process may have opened one yet.
pub(crate) fn close_all_but_standard() {
    const FIRST: libc::c_uint = 3;
    #[cfg(target_os = "linux")]
    {
        // SAFETY: takes three numbers and touches no memory. No handle of this process's own is open yet, so none is closed
        // under anybody's hands.
        let done = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0) };
        if done == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Unsupported {
            return;
        }
    }
    // A kernel before 5.9: one by one, as many as such a process may have by default.
    for handle in FIRST..1024 {
        // SAFETY: as above; a handle that is not open gives an error and nothing else.
        unsafe { libc::close(handle as libc::c_int) };
    }
}

/// In a child after a fork: closes a connection of the parent's, whose threads, which would do it, are not here. It stays open
/// in the parent.
#[cfg(feature = "live")]
pub(crate) fn close_parents(socket: std::sync::Arc<std::net::TcpStream>) {
    use std::os::fd::AsRawFd;
    // SAFETY: takes a number. Whoever else has a share of this socket is a thread of the parent's and its copy of memory that
    // nobody reads here; this share is forgotten, so nothing closes the number again.
    unsafe { libc::close(socket.as_raw_fd()) };
    std::mem::forget(socket);
}
