//! The agent and what it is made of. So far one part: the session file.

use crate::report::{self, Figure};
use crate::{Wish, format};

/// A quick run counts a figure as missed when it falls short by more than this.
const SLACK_QUICK: f64 = 0.25;

pub(crate) fn run(wish: Wish) -> anyhow::Result<()> {
    let figures: Vec<Figure> = format::figures(wish)?;
    report::print("agent", &figures, if wish.quick { SLACK_QUICK } else { 0.0 }, wish.json);
    Ok(())
}
