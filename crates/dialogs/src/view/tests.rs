//! What people meet in the windows, without a window.
