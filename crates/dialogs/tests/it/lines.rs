//! What needs no window: requests that are none, and machines without a screen.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn dialogs(request: &[u8], display: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kymo-dialogs"));
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "RUST_BACKTRACE", "DBUS_SESSION_BUS_ADDRESS"]
    {
        command.env_remove(name);
    }
    if let Some(display) = display {
        command.env("DISPLAY", display);
    }
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // It may end before it has read all of it.
    let _ = child.stdin.take().unwrap().write_all(request);
    child.wait_with_output().unwrap()
}

#[test]
fn a_request_that_is_none_is_answered_so() {
    let too_long = format!("{{\"kind\":\"error\",\"details\":\"{}\"}}\n", "x".repeat(1 << 20));
    for (request, expected) in [
        (&b""[..], "found nothing"),
        (b"\n", "found nothing"),
        (b"yes\n", "one JSON object"),
        (b"{\"version\":1,\"kind\":\"mail\"}\n", "found `mail`"),
        (b"{\"version\":2,\"kind\":\"error\"}\n", "found 2"),
        (b"\xff\xfe\x00\n", "one JSON object"),
        (too_long.as_bytes(), "found a longer one"),
    ] {
        let output = dialogs(request, None);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(2), "{expected}: {text}");
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(answer["error"].as_str().unwrap().contains(expected), "{expected}: {text}");
        assert_eq!(text.matches('\n').count(), 1, "one line");
    }
}

#[test]
fn without_a_screen_the_caller_is_told() {
    // No display, one that is not there, and one that is no name at all.
    for display in [None, Some(":64999"), Some("nonsense")] {
        let output = dialogs(b"{\"version\":1,\"kind\":\"error\"}\n", display);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{display:?}: {text}");
        assert!(text.contains("kymo dialog: no window can be shown: "), "{display:?}: {text}");
        assert_eq!(output.stdout, b"", "{display:?}");
    }
}
