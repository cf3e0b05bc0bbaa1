//! Speed figures with their targets and peers.
