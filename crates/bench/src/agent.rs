//! `bench agent`: what recording costs the program that does it.

use crate::{Wish, report};

mod recorder;

pub(crate) use recorder::play;

/// What a quick run may fall short by.
const SLACK_QUICK: f64 = 0.25;

pub(crate) fn run(wish: Wish) -> anyhow::Result<()> {
    let figures = recorder::figures(wish)?;
    report::print("agent", &figures, if wish.quick { SLACK_QUICK } else { 0.0 }, wish.json);
    Ok(())
}
