//! The executable with real windows on an X server that draws into memory (Xvfb), and without any.

#[expect(clippy::unwrap_used, reason = "a part of tests: what fails here fails them")]
mod display;
#[expect(clippy::unwrap_used, reason = "the same")]
mod lines;
#[expect(clippy::unwrap_used, reason = "the same")]
mod windows;
