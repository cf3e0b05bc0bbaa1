//! The executable with real windows on an X server that draws into memory (Xvfb), and without any.

mod display;
mod lines;
mod windows;
