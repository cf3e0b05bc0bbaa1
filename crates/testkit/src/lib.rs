//! What tests share: real processes, real clients, a failing disk.
