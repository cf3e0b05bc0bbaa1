//! `bench agent`: what recording costs the program that does it, the session file it goes to, and sending that.

use crate::{Wish, format, report};

mod memory;
mod recorder;
mod recovery;
mod send;

pub(crate) use recorder::play;

/// What a quick run may fall short by.
const SLACK_QUICK: f64 = 0.25;

pub(crate) fn run(wish: Wish) -> anyhow::Result<()> {
    let mut figures = Vec::new();
    if !wish.only_send {
        figures.extend(recorder::figures(wish)?);
        figures.extend(memory::figures()?);
        figures.extend(recovery::figures()?);
        figures.extend(format::figures(wish)?);
    }
    figures.extend(send::figures(wish)?);
    report::print("agent", &figures, if wish.quick { SLACK_QUICK } else { 0.0 }, wish.json);
    Ok(())
}
