//! What a person sees and does.

use tempfile::TempDir;

use super::files::{self, editor, file, golden};
use super::pty::Pty;

const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";

/// With `KYMO_SCREENS` set, for a person's own eyes.
fn look(name: &str, text: &str) {
    if std::env::var_os("KYMO_SCREENS").is_some() {
        println!("=== {name}\n{text}\n");
    }
}

#[test]
fn a_session_is_walked_through_by_keys() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.kymo", &editor(7));
    for cells in [(80, 24), (120, 40), (40, 15)] {
        let mut pty = Pty::open(&path, cells);
        let text = pty.shows("crashed");
        pty.shows("62 events");
        pty.shows("spell check");
        look(&format!("session {cells:?}"), &pty.text());
        assert!(text.contains("Editor 2.4.1"), "{text}");
        pty.keys("e");
        pty.shows(" 61 ");
        pty.until("the error selected", |text| text.contains("cannot save a.txt"));
        pty.keys(ENTER);
        pty.shows("SaveError: cannot write");
        look(&format!("details {cells:?}"), &pty.text());
        pty.keys("\tG");
        pty.shows("Template");
        look(&format!("end of details {cells:?}"), &pty.text());
        pty.keys(ESCAPE);
        pty.until("no details", |text| !text.contains("Template"));
        pty.keys("i");
        pty.shows("Session");
        look(&format!("about {cells:?}"), &pty.text());
        pty.keys("i?");
        pty.shows("next, previous error");
        look(&format!("keys {cells:?}"), &pty.text());
        pty.keys("xq");
        assert_eq!(pty.ends(), 0);
    }
}

#[test]
fn details_tell_everything() {
    let folder = TempDir::new().unwrap();
    let mut pty = Pty::open(&file(&folder, "a.kymo", &editor(7)), (100, 60));
    pty.shows("62 events");
    pty.keys("e");
    pty.shows(" 61 ");
    pty.keys(ENTER);
    let text = pty.shows("Template");
    for part in [
        "cannot save a.txt",
        "+00:01:02.000",
        "error (17)",
        "main (12)",
        "ref-1",
        "src/store.rs:17",
        "SaveError: cannot write",
        "at save  src/store.rs:17",
        "caused by io::Error: disk full",
        "volume = sda",
        "request  path=/save",
        "\"free\": 0",
        "cannot save {}",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    pty.keys("i");
    let text = pty.shows("found out afterwards");
    for part in
        ["signal 11", "Ann Okafor", "7 ring_full", "62: 1 error, 1 warn, 60 info", "host.name = build-7"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_filter_says_where_it_is_wrong_and_then_fits() {
    let folder = TempDir::new().unwrap();
    let mut pty = Pty::open(&files::requests(&folder), (80, 24));
    pty.shows("10,000 events");
    pty.keys("/lvel:fatal");
    let text = pty.shows("there is no field lvel; did you mean level?");
    look("a wrong filter", &text);
    assert!(pty.cells("lvel").iter().all(vt100::Cell::underline), "{text}");
    assert!(pty.cells(":fatal").iter().all(|cell| !cell.underline()), "{text}");
    pty.keys(ENTER);
    pty.shows("there is no field lvel");
    pty.keys("\t");
    pty.until("no complaint", |text| !text.contains("there is no field"));
    pty.keys(ENTER);
    let text = pty.shows("10 of 10,000");
    pty.shows("Request 999 of 10000 done");
    look("a filter", &text);
    // The same number as the recording has of them.
    pty.keys("G");
    pty.shows("Request 9999 of 10000 done");
    pty.keys("/ category:Gen.Cache");
    pty.keys(ENTER);
    pty.shows("no event fits");
    pty.keys("c");
    pty.shows("10,000 events");
    pty.keys("/xyz");
    pty.shows("/ xyz");
    pty.keys(ESCAPE);
    pty.until("the old filter", |text| !text.contains("xyz"));
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
}

#[test]
fn errors_and_times_are_jumped_to() {
    let folder = TempDir::new().unwrap();
    let mut pty = Pty::open(&files::requests(&folder), (120, 40));
    pty.shows("10,000 events");
    let text = pty.shows("Request 0 of");
    look("requests", &text);
    pty.keys("eee");
    pty.until("the third error", |text| text.contains("E Gen") || text.contains("F Gen"));
    let third = pty.text();
    pty.keys("E");
    pty.until("the second", |text| text != third);
    pty.keys("G");
    pty.shows(" 10,000 ");
    pty.keys("e");
    pty.shows("no error after this one");
    pty.keys("t16:99\r");
    pty.shows("is no time: expected 16:20");
    pty.keys("\u{15}+2s\r");
    pty.until("two seconds after", |text| text.contains("16:58:12.356") && text.contains("Request 5596 of"));
    pty.keys("r");
    pty.shows("+00:00:02.");
    // Clicks: on a row, and on the kymogram's end.
    pty.keys("g");
    pty.shows("Request 0 of");
    pty.keys("\u{1b}[<0;118;2M");
    pty.until("near the end", |text| text.lines().last().is_some_and(|line| line.contains(" 9,")));
    pty.keys("\u{1b}[<64;10;20M");
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
}

#[test]
fn a_folder_is_a_list_of_sessions() {
    let folder = TempDir::new().unwrap();
    file(&folder, "deep/er/a.kymo", &editor(7));
    files::requests(&folder);
    std::fs::copy(golden(), folder.path().join("old.kymo")).unwrap();
    for cells in [(80, 24), (120, 40), (40, 15)] {
        let mut pty = Pty::open(folder.path(), cells);
        pty.until("all counted", |text| !text.contains("being read") && text.contains("3 sessions"));
        let text = pty.shows("10,000");
        look(&format!("sessions {cells:?}"), &text);
        let lines: Vec<&str> = text.lines().collect();
        let place = |part: &str| lines.iter().position(|line| line.contains(part)).unwrap();
        assert!(place("Gen bulk") < place("Editor") && place("Editor") < place("shop"), "{text}");
        pty.keys("/version:2.*\r");
        pty.shows("1 of 3");
        pty.keys("\r");
        pty.shows("62 events");
        pty.keys(ESCAPE);
        pty.shows("1 of 3");
        pty.keys("/level:fatal\u{15}level:fatal\r");
        pty.until("the other", |text| text.contains("Gen bulk") && !text.contains("Editor"));
        pty.keys("q");
        assert_eq!(pty.ends(), 0);
    }
}

#[test]
fn without_colours_letters_and_attributes_say_it() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.kymo", &editor(7));
    let args = ["open", path.to_str().unwrap()];
    let colored = |pty: &Pty| {
        pty.shows("62 events");
        pty.shows("█");
        pty.cells("█")[0].fgcolor() != vt100::Color::Default
    };
    let plain = Pty::start(&args, (80, 24), &[("NO_COLOR", "1")]);
    assert!(!colored(&plain));
    let mut bright = Pty::start(&args, (80, 24), &[]);
    assert!(colored(&bright));
    bright.keys("e");
    bright.shows("cannot save");
    let error = &bright.cells("cannot save")[0];
    assert!(matches!(error.fgcolor(), vt100::Color::Idx(0..16)) && error.bold(), "{error:?}");
}

#[test]
fn the_terminal_is_given_back() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.kymo", &editor(7));
    let mut pty = Pty::open(&path, (80, 24));
    pty.shows("62 events");
    pty.signal("-TERM");
    assert_eq!(pty.ends(), 143);
    let mut pty = Pty::open(&path, (80, 24));
    pty.shows("62 events");
    pty.keys("\u{3}");
    assert_eq!(pty.ends(), 0);
}

#[test]
fn damage_stands_beside_what_can_be_read() {
    let folder = TempDir::new().unwrap();
    let whole = editor(7);
    // A byte of the last record's block, before the index.
    let cut = file(&folder, "cut.kymo", &whole[..whole.len() / 2]);
    let mut pty = Pty::open(&cut, (120, 24));
    let text = pty.shows("cut.kymo breaks off: its last");
    assert!(text.contains("Editor 2.4.1"), "{text}");
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
    let mut bytes = std::fs::read(files::requests_in(&folder, files::small_frames())).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let pty = Pty::open(&file(&folder, "requests.kymo", &bytes), (120, 24));
    let text = pty.shows("lost: events");
    assert!(text.contains("Request 0 of"), "{text}");
    let foreign = file(&folder, "notes.txt", b"these are notes");
    let pty = Pty::open(&foreign, (120, 24));
    pty.shows("notes.txt is no session file: expected the first bytes of a session file");
}

#[test]
fn any_size_of_the_terminal_is_drawn_in() {
    let folder = TempDir::new().unwrap();
    let mut pty = Pty::open(&file(&folder, "a.kymo", &editor(7)), (80, 24));
    pty.shows("62 events");
    pty.keys("e\r");
    pty.shows("SaveError: cannot write");
    for cells in [(9, 4), (20, 6), (1, 1), (200, 60), (100, 5), (40, 15), (80, 24)] {
        pty.resize(cells);
        let is_drawn = |text: &str| match cells {
            (..10, _) | (_, ..5) => {
                text.starts_with(&"too small"[..usize::from(cells.0.min(9))]) || text.starts_with('…')
            }
            _ => text.contains("Editor"),
        };
        pty.until(&format!("drawn in {cells:?}"), is_drawn);
    }
    pty.shows("62 events");
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
}

#[test]
fn a_pane_in_a_terminal_of_five_rows_ends_nothing() {
    let folder = TempDir::new().unwrap();
    let mut pty = Pty::open(&file(&folder, "a.kymo", &editor(7)), (80, 5));
    pty.shows("62 events");
    for keys in [ENTER, ESCAPE, "i", "i"] {
        pty.keys(keys);
    }
    pty.keys("q");
    assert_eq!(pty.ends(), 0);
}
