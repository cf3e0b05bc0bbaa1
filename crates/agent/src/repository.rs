//! Where sessions lie on the disk: a folder for each product, in it one for each application.
//!
//! ```text
//!   ROOT/PRODUCT/APPLICATION/20261121T181530Z-ID.0001.kymo   fragments of a session, oldest first
//!                            20261121T181530Z-ID.session     what it is, for lists
//!                            20261121T181530Z-ID.spool       while it runs, or until it is recovered
//!                            20261121T181530Z-ID.spill
//!                            20261121T181530Z-ID.sent, 20261121T181530Z-ID.wish             what arrived at a server, what is wished to (feature `send`)
//!                            prune.lock, send.lock, send-status.json
//!   ROOT/PRODUCT/consent.json
//! ```
//!
//! Any number of processes share one: each writes files of its own only, and what is of a process that is gone is
//! locked before it is touched. Locks are the system's (`flock`), so they end with whoever holds them.

use std::io;
use std::path::{Path, PathBuf};

mod consent;
pub(crate) mod leases;
pub(crate) mod names;
mod prune;
mod recover;
mod summary;

pub use consent::{Consent, ConsentState};
#[cfg(feature = "live")]
pub(crate) use leases::Leases;
use names::FileName;
pub(crate) use prune::prune;
#[cfg(feature = "send")]
pub(crate) use prune::remove_words;
pub use prune::{Pruned, Retention};
pub(crate) use recover::recover_until;
pub use recover::{Recovered, recover, recover_below};
pub use summary::Summary;

/// Where the repository lies, for all programs of a machine or a user.
pub const REPOSITORY_ENV: &str = "KYMO_REPOSITORY";
/// Applications of a repository that are looked at: far more than a machine has.
const FOLDERS_MAX: usize = 10_000;

/// Where a repository may lie, best first: what the program or the environment says, and nothing else then; or what
/// the service manager gives; the system's place, for root; the user's; and a folder for temporary files.
pub fn roots(said: Option<&Path>) -> Vec<PathBuf> {
    let from_env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = said.map(Path::to_owned).or_else(|| from_env(REPOSITORY_ENV)) {
        return vec![path];
    }
    let mut roots = Vec::new();
    // systemd's `StateDirectory=`; there may be several, of which the first is ours.
    if let Some(given) = from_env("STATE_DIRECTORY") {
        roots.extend(
            given
                .to_str()
                .and_then(|given| given.split(':').next())
                .map(|first| Path::new(first).join("kymo")),
        );
    }
    roots.extend(platform_roots(&from_env));
    roots.push(std::env::temp_dir().join(format!("kymo-{}", owner())));
    roots
}

#[cfg(all(unix, not(target_os = "macos")))]
fn platform_roots(from_env: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    if owner() == 0 {
        roots.push(PathBuf::from("/var/lib/kymo"));
    }
    roots.extend(from_env("XDG_STATE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("kymo")));
    roots.extend(from_env("HOME").map(|home| home.join(".local/state/kymo")));
    roots
}

#[cfg(target_os = "macos")]
fn platform_roots(from_env: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    from_env("HOME").map(|home| home.join("Library/Application Support/Kymo")).into_iter().collect()
}

#[cfg(not(unix))]
fn platform_roots(from_env: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    from_env("LOCALAPPDATA").map(|home| home.join("Kymo")).into_iter().collect()
}

#[cfg(unix)]
fn owner() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn owner() -> u32 {
    0
}

/// The folder of an application, in the first root where it can be made; and why the roots before it were not taken.
pub(crate) fn folder(
    roots: &[PathBuf],
    product: &str,
    application: &str,
) -> io::Result<(PathBuf, Option<String>)> {
    let mut refused = Vec::new();
    // What somebody says is taken by the system's administrator as it is; what is only tried has to be safe.
    let is_said = roots.len() == 1;
    for root in roots {
        let product = root.join(names::folder(product));
        let folder = product.join(names::folder(application));
        match make_private(root, &product, &folder, is_said) {
            Ok(()) => return Ok((folder, (!refused.is_empty()).then(|| refused.join("; ")))),
            Err(error) => refused.push(format!("{}: {error}", folder.display())),
        }
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, refused.join("; ")))
}

/// Makes a folder that only its owner may look into, and finds out whether files can be made in it. The folders of ours that are
/// there already are closed to others.
fn make_private(root: &Path, product: &Path, folder: &Path, is_said: bool) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        for checked in [root, product, folder] {
            let found = std::fs::metadata(checked)?;
            check_owner(owner(), found.uid(), is_said)?;
            // The root may be for others, too; what is below it is ours.
            if checked != root && found.uid() == owner() && found.mode() & OTHERS != 0 {
                let mode = found.mode() & 0o7777 & !OTHERS;
                std::fs::set_permissions(checked, std::fs::Permissions::from_mode(mode))?;
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (root, product, is_said);
    let probe = folder.join(format!("probe-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

/// What the group and everybody may do.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Somebody else's folder in a place for temporary files, or in a home, would let them read what is recorded, or choose where it
/// is written. The administrator may say one, such as that of a service's user.
#[cfg(unix)]
fn check_owner(us: u32, found: u32, is_said: bool) -> io::Result<()> {
    if found == us || found == 0 || (us == 0 && is_said) {
        return Ok(());
    }
    let text = format!("expected a folder of user {us} or 0, found one of {found}");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// The sessions of a repository, or of any folder below it, newest first: what their summaries say.
///
/// Folders are followed to the depth that a repository has. What cannot be read is left out; a session without a
/// summary, too: its file says all there is to say.
pub fn sessions(root: &Path) -> io::Result<Vec<(PathBuf, Summary)>> {
    let mut found = Vec::new();
    for folder in folders(root)? {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == "session")
                && let Ok(summary) = Summary::read(&path)
            {
                found.push((path, summary));
            }
        }
    }
    found.sort_by(|left, right| right.0.file_name().cmp(&left.0.file_name()));
    Ok(found)
}

/// The folders of applications in the repository under that root: of one product, or of one application of any product, if
/// they are named. In the order of their names.
///
/// Errors: what the disk says of the root.
pub fn application_folders(
    root: &Path,
    product: Option<&str>,
    application: Option<&str>,
) -> io::Result<Vec<PathBuf>> {
    let is_named = |path: &Path, name: Option<&str>| {
        name.is_none_or(|name| path.file_name().is_some_and(|found| found == names::folder(name).as_str()))
    };
    let mut found: Vec<PathBuf> = folders(root)?
        .into_iter()
        .filter(|folder| {
            let parent = folder.parent().unwrap_or(root);
            parent.parent() == Some(root) && is_named(parent, product) && is_named(folder, application)
        })
        .collect();
    found.sort();
    Ok(found)
}

/// The folder and those below it, to the depth that a repository has.
fn folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = vec![(root.to_owned(), 0)];
    let mut at = 0;
    while let Some((folder, depth)) = folders.get(at).cloned() {
        at += 1;
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if at == 1 => return Err(error),
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth < 2 && folders.len() < FOLDERS_MAX {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(folders.into_iter().map(|(folder, _)| folder).collect())
}

/// The fragments of a session that are there, with their numbers, oldest first.
pub(crate) fn fragments(folder: &Path, stem: &FileName) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut fragments: Vec<(u64, PathBuf)> = std::fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let name = name.to_str()?;
            (FileName::of(name).as_ref() == Some(stem)).then_some(())?;
            Some((FileName::number_of(name)?, entry.path()))
        })
        .collect();
    fragments.sort_unstable();
    Ok(fragments)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn only_the_owner_may_look_into_it_also_if_it_was_there() {
        let root = tempfile::tempdir().unwrap();
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let product = root.path().join("Shop");
        std::fs::create_dir(&product).unwrap();
        std::fs::set_permissions(&product, std::fs::Permissions::from_mode(0o775)).unwrap();
        let (found, refused) = folder(&[root.path().to_owned()], "Shop", "till").unwrap();
        assert_eq!((mode(&found), mode(&product), refused), (0o700, 0o700, None));
        assert_eq!(mode(root.path()), 0o755, "which is not ours alone");
        std::fs::set_permissions(&found, std::fs::Permissions::from_mode(0o750)).unwrap();
        folder(&[root.path().to_owned()], "Shop", "till").unwrap();
        assert_eq!(mode(&found), 0o700);
    }

    #[test]
    fn somebody_elses_folder_is_not_taken() {
        for (us, found, is_said, is_right) in [
            (1000, 1000, false, true),
            (1000, 0, false, true),
            (1000, 1001, false, false),
            (1000, 1001, true, false),
            (0, 0, false, true),
            (0, 1000, false, false),
            (0, 1000, true, true),
        ] {
            assert_eq!(check_owner(us, found, is_said).is_ok(), is_right, "{us} {found} {is_said}");
        }
    }

    #[test]
    fn where_the_first_cannot_be_written_the_next_is_taken_and_told() {
        let (file, second) = (tempfile::NamedTempFile::new().unwrap(), tempfile::tempdir().unwrap());
        let roots = [file.path().to_owned(), second.path().to_owned()];
        let (found, refused) = folder(&roots, "Shop", "till").unwrap();
        assert!(found.starts_with(second.path()));
        assert!(refused.unwrap().contains(&file.path().display().to_string()));
        let error = folder(&roots[..1], "Shop", "till").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(roots_of(Some("/said")), ["/said"], "and no other is tried");
        assert!(roots_of(None).len() >= 2);
    }

    fn roots_of(said: Option<&str>) -> Vec<String> {
        roots(said.map(Path::new)).iter().map(|root| root.display().to_string()).collect()
    }
}
