//! System packages, where installing them needs no question.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// The package manager; its list is brought up to date once.
#[derive(Default)]
pub(crate) struct Apt {
    updated: bool,
}

impl Apt {
    /// Installs the packages, or says why not and what a person would type.
    pub(crate) fn install(&mut self, packages: &[&str]) -> Result<()> {
        let names = packages.join(" ");
        let Some(sudo) = privilege() else {
            bail!("needs root to be installed here; on Debian: sudo apt-get install {names}");
        };
        if process::find_in_path(&["apt-get"]).is_none() {
            bail!("has to be installed by hand; Debian's packages are: {names}");
        }
        if !self.updated {
            process::run(apt_get(sudo).arg("update"))?;
            self.updated = true;
        }
        process::run(apt_get(sudo).args(["install", "-y", "--no-install-recommends"]).args(packages))
    }
}

#[derive(Clone, Copy)]
enum Privilege {
    Root,
    Sudo,
}

fn privilege() -> Option<Privilege> {
    let is_root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if is_root {
        Some(Privilege::Root)
    } else {
        process::succeeds(Command::new("sudo").args(["-n", "true"])).then_some(Privilege::Sudo)
    }
}

fn apt_get(privilege: Privilege) -> Command {
    let mut command = match privilege {
        Privilege::Root => Command::new("env"),
        Privilege::Sudo => {
            let mut command = Command::new("sudo");
            command.args(["-n", "env"]);
            command
        }
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]);
    command
}
