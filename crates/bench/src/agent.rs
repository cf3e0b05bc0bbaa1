//! `bench agent`: what recording costs the program that does it, and the session file it goes to.

use crate::{Wish, format, report};

mod memory;
mod recorder;
mod recovery;

pub(crate) use recorder::play;

/// What a quick run may fall short by.
const SLACK_QUICK: f64 = 0.25;

pub(crate) fn run(wish: Wish) -> anyhow::Result<()> {
    let mut figures = recorder::figures(wish)?;
    figures.extend(memory::figures()?);
    figures.extend(recovery::figures()?);
    figures.extend(format::figures(wish)?);
    report::print("agent", &figures, if wish.quick { SLACK_QUICK } else { 0.0 }, wish.json);
    Ok(())
}
