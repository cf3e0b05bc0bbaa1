//! Child processes: found, run, and told about by name when they fail.

use std::env;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, anyhow, bail};

/// Runs it with the terminal's output and no input; an error names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| not_started(command, error))?;
    if !status.success() {
        bail!("`{}` failed: {status}", describe(command));
    }
    Ok(())
}

/// Runs it and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| not_started(command, error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}\n{}", describe(command), output.status, said.trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote no UTF-8", describe(command)))
}

/// Whether it starts and succeeds; nothing is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The first of these programs that `PATH` has.
pub(crate) fn find_in_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// A nested cargo.
///
/// `cargo run` tells its child about the `xtask` package by environment variables; some build
/// scripts (ring's) ask to be run again when these change, so they are taken away. Otherwise
/// `cargo test` and `cargo xtask test` would rebuild such crates in turns.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_the_package) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_the_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(name, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
}

/// Puts the program in this process's place: signals reach it directly, and its exit code is the
/// command's.
#[cfg(unix)]
pub(crate) fn become_program(mut program: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    let error = program.exec();
    Err(not_started(&program, error))
}

/// Runs the program and takes over its exit code.
#[cfg(not(unix))]
pub(crate) fn become_program(mut program: Command) -> Result<ExitCode> {
    let status = program.status().map_err(|error| not_started(&program, error))?;
    Ok(ExitCode::from(status.code().map_or(1, |code| code as u8)))
}

/// The command as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy()));
    let line = words.join(" ");
    match command.get_current_dir() {
        Some(folder) => format!("cd {} && {line}", folder.display()),
        None => line,
    }
}

/// Why a command did not even start.
pub(crate) fn not_started(command: &Command, error: std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    if error.kind() == ErrorKind::NotFound {
        anyhow!("`{program}` is not installed or not in PATH")
    } else {
        anyhow::Error::new(error).context(format!("`{}` could not be started", describe(command)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let error = run(Command::new("false").arg("--now")).unwrap_err().to_string();
        assert!(error.contains("`false --now` failed"), "{error}");
        let error = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert!(error.contains("`no-such-program` is not installed"), "{error}");
    }

    #[test]
    fn output_and_path() {
        assert_eq!(output(Command::new("echo").arg("here")).unwrap(), "here\n");
        assert!(find_in_path(&["no-such-program", "sh"]).unwrap().ends_with("sh"));
        assert_eq!(find_in_path(&["no-such-program"]), None);
    }

    #[test]
    fn nested_cargo_hears_nothing_of_xtask() {
        let told: Vec<_> = cargo().get_envs().map(|(name, _)| name.to_owned()).collect();
        assert!(told.contains(&"CARGO_PKG_NAME".into()), "{told:?}");
    }
}
