//! Real agents, unchanged.

mod browser;
mod loupe;
mod node;
