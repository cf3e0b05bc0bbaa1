//! The folder in which programs keep their sessions.

use std::path::PathBuf;

use anyhow::anyhow;
use kymo::REPOSITORY_ENV;

/// Where the programs of this user keep their sessions: the first of the places that is there.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let roots = kymo::repository_roots(None);
    roots.iter().find(|root| root.is_dir()).cloned().ok_or_else(|| {
        let tried: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
        anyhow!(
            "no program has kept a session in {}: expected the folder, or its name in {REPOSITORY_ENV}",
            tried.join(", ")
        )
    })
}
