//! Drives that can be taken away: what is mounted where desks mount them.

use kymo_viewer::pack::PackDrive;

/// Where removable drives are mounted on the systems of the day.
const PLACES: [&str; 3] = ["/media/", "/run/media/", "/Volumes/"];
/// More would not be a list to choose from.
const DRIVES_MAX: usize = 8;

/// Those that are mounted now.
pub(super) fn mounted() -> Vec<PackDrive> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let folders = folders(&text).into_iter().take(DRIVES_MAX);
    folders.map(|folder| PackDrive { free: free_bytes(&folder), folder }).collect()
}

/// The fifth column of `mountinfo` is where it is mounted; blanks and the like are octal there.
fn folders(mountinfo: &str) -> Vec<String> {
    let mut folders: Vec<String> = mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(unescaped)
        .filter(|folder| PLACES.iter().any(|place| folder.starts_with(place)))
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = byte {
            whole.push(char::from(byte));
            whole.push_str(&part[3..]);
        } else {
            whole.push('\\');
            whole.push_str(part);
        }
    }
    whole
}

#[cfg(unix)]
fn free_bytes(folder: &str) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &str) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_are_found_by_where_they_are_mounted() {
        let text = "\
36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw
41 36 8:17 / /media/ann/USB\\040STICK rw - vfat /dev/sdb1 rw
42 36 8:18 / /mediafiles rw - ext4 /dev/sdc rw
43 36 8:33 / /run/media/ann/A\\134B rw - exfat /dev/sdd1 rw
";
        assert_eq!(folders(text), ["/media/ann/USB STICK", "/run/media/ann/A\\B"]);
        assert_eq!(unescaped("a\\9zz\\04"), "a\\9zz\\04");
    }
}
