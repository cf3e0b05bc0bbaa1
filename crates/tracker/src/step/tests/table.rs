//! The case tables of the session semantics, row by row. `better`: our outcome differs from the
//! reference's on purpose; the note says how. Durations and states are of sessions; `stored n` of
//! the table counts session records, too, and is checked over HTTP elsewhere.

use super::notation::{play, play_with_clock};

/// Row, script, outcome.
type Row<'a> = (&'a str, &'a str, &'a str);

fn check(default_key: &str, rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for (row, script, expected) in rows {
        let outcome = play(default_key, script).outcome();
        if outcome != *expected {
            wrong.push(format!("{row}: {script}\n  expected {expected}\n  found    {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn automatic_sessions() {
    check(
        "u=A",
        &[
            ("S-A1", "ev@300", "A(300,0,open)x1"),
            ("S-A2", "ev@0; ev@240", "A(0,240,open)x2"),
            ("S-A3", "ev@300 u=-", "loose 1"),
            ("S-A4", "ev@0, end@10, ev@20, end@30", "A(0,10,closed)x2; A(20,10,closed)x2"),
            ("S-A5", "start@0, start@10", "A(0,10,open)x1; duplicate_start 1"),
            (
                "S-A6",
                "ev@0, ev@10, ev@60, end@60, ev@60 u=-, ev@0 u=B, start@30 u=B, ev@60 u=B",
                "A(0,60,closed)x4; B(0,60,open)x3; loose 1",
            ),
            // better: kept, though nothing is shown; the event they end may still arrive
            ("S-A8", "end@0, end@10", "hidden A(0,0,closed)x1; hidden A(10,0,closed)x1"),
            ("S-A9", "hb@10", "A(10,0,open)x0; heartbeat 1"),
            ("S-A10", "end@0", "hidden A(0,0,closed)x1"),
            ("S-A10 late event", "end@10; ev@0", "A(0,10,closed)x2"),
            ("S-A11", "hb@0, hb@30, hb@60", "A(0,60,open)x0; heartbeat 3"),
            ("S-A13 better: start moves back", "ev@60; ev@0", "A(0,60,open)x2"),
            ("S-A15 better: split at the limit", "ev@-3600, ev@0", "A(-3600,0,open)x1; A(0,0,open)x1"),
            ("S-A15 exactly the limit", "ev@-900, ev@0", "A(-900,900,open)x2"),
            ("S-A15 1 ms more", "ev@-900.001, ev@0", "A(-900.001,0,open)x1; A(0,0,open)x1"),
            ("S-A16", "ev@0; clock 1201; ev@901", "A(0,0,open)x1; A(901,0,open)x1"),
            ("S-A16 job", "ev@0; clock 1201; ev@901; idle", "A(0,0,timed_out)x1; A(901,0,timed_out)x1"),
            ("S-A18", "ev@0, ev@10 u=B, ev@20", "A(0,20,open)x2; B(10,0,open)x1"),
            // Blank identities have no key; `compat` decides that.
            ("S-A20", "ev@0 u=-", "loose 1"),
            ("S-A21", "ev@0 u=-, ev@10", "A(10,0,open)x1; loose 1"),
            ("S-A24 better: second session", "ev@0; end@20; ev@60", "A(0,20,closed)x2; A(60,0,open)x1"),
            ("S-A24 1 ms later", "ev@0; end@20; ev@20.001", "A(0,20,closed)x2; A(20.001,0,open)x1"),
            ("S-A24 not later", "ev@0; end@20; ev@20", "A(0,20,closed)x3"),
            ("S-A25 better: second session", "start@0; end@20; start@60", "A(0,20,closed)x2; A(60,0,open)x1"),
            ("S-A25 8 ms later", "start@0; end@20; start@20.008", "A(0,20,closed)x2; A(20.008,0,open)x1"),
            ("S-A25 in one batch", "start@0, end@20, start@60", "A(0,20,closed)x2; A(60,0,open)x1"),
            ("S-A25 inside", "start@0; end@20; start@10", "A(0,20,closed)x2; duplicate_start 1"),
            ("S-A26", "start@0; start@30", "A(0,30,open)x1; duplicate_start 1"),
            ("S-A29 better: ignored", "ev@0, end@10, hb@20", "A(0,10,closed)x2; late_heartbeat 1"),
            ("S-A29 in batches", "ev@0; end@10; hb@20", "A(0,10,closed)x2; late_heartbeat 1"),
            ("S-A29 long after", "ev@0; end@10; hb@1000", "A(0,10,closed)x2; A(1000,0,open)x0; heartbeat 1"),
            ("S-A30 better: no session", "start@0 u=-; clock 601; idle", "loose 1"),
            ("S-A31", "end@0 u=-, hb@0 u=-", "loose 1; heartbeat 1"),
            ("S-A32", "ev@0 u=- n=Alice", "loose 1"),
            ("S-P9 better: counted", "ev@0, err@10", "A(0,10,open)x2 1 errors"),
        ],
    );
}

/// S-A22: rows are of one project, and ids differ because arrivals do.
#[test]
fn same_identity_in_two_projects() {
    let first = play("u=A", "ev@0");
    let second = play("u=A", "ev@1 u=B; ev@0");
    let ids = |world: &super::notation::World| {
        let rows = world.sessions();
        rows.iter().find(|row| row.key.text() == "A").unwrap().id
    };
    assert_ne!(ids(&first), ids(&second));
}

#[test]
fn sessions_by_external_id() {
    check(
        "s=12345678",
        &[
            ("S-M1", "ev@300", "12345678(300,0,open)x1"),
            ("S-M2", "ev@0; ev@240", "12345678(0,240,open)x2"),
            ("S-M3", "ev@0, start@10, end@20, ev@30", "12345678(0,30,closed)x4"),
            // better: the second end is kept, too
            ("S-M4", "ev@0, end@10, ev@20, end@30", "12345678(0,30,closed)x4"),
            ("S-M5", "start@0, ev@10, end@60", "12345678(0,60,closed)x3"),
            ("S-M7", "end@0, end@10", "hidden 12345678(0,10,closed)x2"),
            ("S-M7 late event", "end@0, end@10; ev@-5", "12345678(-5,15,closed)x3"),
            ("S-M8", "hb@10", "12345678(10,0,open)x0; heartbeat 1"),
            ("S-M9", "end@0", "hidden 12345678(0,0,closed)x1"),
            ("S-M10", "ev@0 u=A, ev@0 u=A s=123456789", "A(0,0,open)x1; 123456789(0,0,open)x1"),
            ("S-M13 better: one record", "start@0; end@20; ev@60", "12345678(0,60,closed)x3"),
            // Retransmits never get here; what does is a second start.
            ("S-M14", "start@0; start@30", "12345678(0,30,open)x1; duplicate_start 1"),
            ("S-M15", "start@0, start@10", "12345678(0,10,open)x1; duplicate_start 1"),
            ("S-M17 better: start moves back", "ev@60; ev@0", "12345678(0,60,open)x2"),
            ("S-M18", "ev@0 u=-, ev@10", "12345678(10,0,open)x1; loose 1"),
            ("S-M19 better: found", "ev@0; clock 90000; ev@90000", "12345678(0,90000,open)x2"),
            ("S-M20 closed", "ev@0; clock 420; idle", "12345678(0,0,timed_out)x1"),
            ("S-M20", "ev@0; clock 420; idle; clock 600; ev@600", "12345678(0,600,open)x2"),
            ("S-M20 by identity", "ev@0 u=A; clock 420; idle; clock 600; ev@600 u=A", "A(0,600,open)x2"),
            ("S-M22", "start@0", "12345678(0,0,open)x1"),
            ("heartbeat after end", "ev@0; end@10; hb@20", "12345678(0,10,closed)x2; late_heartbeat 1"),
            ("heartbeat before end", "ev@5; end@10; hb@0", "12345678(0,10,closed)x2; heartbeat 1"),
            (
                "event after call",
                "ev@300; close 12345678; clock 9000; ev@9000",
                "12345678(300,8700,closed)x2",
            ),
            (
                "start after call",
                "start@0; close 12345678; start@310",
                "12345678(0,310,closed)x1; duplicate_start 1",
            ),
        ],
    );
}

#[test]
fn m24_identity_learned_later() {
    let world = play("s=X", "start@0, ev@1, ev@2, err@3; ev@10 s=X u=dave n=Dave");
    assert_eq!(world.outcome(), "X(0,10,open)x5 1 errors");
    let row = world.sessions()[0];
    assert_eq!(row.current_user().unwrap().id.as_deref(), Some("dave"));
}

#[test]
fn signals_and_closing() {
    let j6 = "ev@0, ev@0 u=A s=123456789; clock 240; beat A";
    let j6_both = format!("{j6}; beat 123456789; clock 300; idle 180");
    let j6 = format!("{j6}; clock 300; idle 180");
    let rows: Vec<(&str, &str, &str)> = vec![
        ("S-J1", "ev@0; idle 60", "A(0,0,timed_out)x1"),
        ("S-J2", "ev@0; clock 230; beat A; clock 300; idle 60", "A(0,230,timed_out)x1"),
        ("S-J2 beat first", "clock 230; beat A; clock 300; ev@0; idle 60", "A(0,230,timed_out)x1"),
        ("S-J3", "ev@0; clock 250; beat A; clock 300; idle 60", "A(0,250,open)x1"),
        ("S-J3 beat first", "clock 250; beat A; clock 300; ev@0; idle 60", "A(0,250,open)x1"),
        ("S-J5", "ev@0; idle 3600", "A(0,0,open)x1"),
        ("S-J6", &j6, "A(0,240,open)x1; 123456789(0,0,timed_out)x1"),
        ("S-J7", &j6_both, "A(0,240,open)x1; 123456789(0,240,open)x1"),
        ("S-J8 better: at once", "start@270; close A", "A(270,30,closed)x1"),
        ("S-J10", "ev@0; clock 250; beat A; clock 610; idle", "A(0,250,timed_out)x1"),
        ("S-J11", "ev@0, ev@200; clock 100; beat A", "A(0,200,open)x2"),
        ("S-J13", "beat nobody-1", "mark nobody-1 beat"),
        ("S-J15", "start@0 u=-; clock 301; idle", "loose 1"),
        (
            "S-J17 better: one session",
            "clock 0; ev@0; clock 300; beat A; clock 600; beat A; clock 960; beat A; idle; clock 970; ev@970",
            "A(0,970,open)x2",
        ),
        (
            "S-J18 better: new session",
            "clock 0; ev@0; clock 60; close A; idle; clock 240; ev@240",
            "A(0,60,closed)x1; A(240,0,open)x1",
        ),
        ("beat after an end", "ev@290; end@295; beat A", "A(290,5,closed)x2"),
        ("beat after a call", "ev@290; close A; clock 330; beat A", "A(290,10,closed)x1"),
        ("call repeated", "ev@290; close A; clock 310; close A", "A(290,10,closed)x1"),
        ("beat undoes idle", "ev@0; idle; clock 400; beat A", "A(0,400,open)x1"),
        ("beat too late", "ev@0; idle; clock 901; beat A", "A(0,0,timed_out)x1; mark A beat"),
        ("mark: newest stays", "close A; clock 310; beat A", "mark A beat"),
        ("mark: call", "close A; ev@250, ev@290", "A(250,50,closed)x2"),
        ("mark: call, old events", "close A; ev@-3600", "A(-3600,0,closed)x1"),
        ("mark: call, too old", "close A; clock 421; ev@250", "A(250,0,open)x1"),
        ("mark: later batch joins", "close A; ev@250, ev@290; ev@295", "A(250,50,closed)x3"),
        ("mark: beat of a later session", "beat A; ev@-3600", "A(-3600,0,open)x1; mark A beat"),
        ("mark: beat forgotten", "beat A; clock 7501; ev@7500", "A(7500,0,open)x1"),
        ("mark: last of two", "close A; ev@0, end@10, ev@20", "A(0,10,closed)x2; A(20,280,closed)x1"),
        ("mark: external", "beat X-1; ev@250 s=X-1", "X-1(250,50,open)x1"),
        ("external wins", "ev@290 s=A; ev@290; beat A", "A(290,0,open)x1; A(290,10,open)x1"),
        (
            "identity's latest only",
            "ev@-700; idle; start@-600; close A; end@250; start@260; end@270; clock 320; beat A",
            "A(-700,1000,closed)x3; A(260,10,closed)x2",
        ),
    ];
    check("u=A", &rows);
}

#[test]
fn close_calls_beside_the_last_batch() {
    check(
        "u=A",
        &[
            (
                "start among late events",
                "ev@290; close A; clock 410; ev@310, start@350, ev@400",
                "A(290,20,closed)x2; A(350,50,open)x2",
            ),
            ("in the grace time", "ev@290; close A; clock 420; ev@420", "A(290,130,closed)x2"),
            ("after it", "ev@290; close A; clock 420.001; ev@420", "A(290,10,closed)x1; A(420,0,open)x1"),
            ("after it, dated before", "ev@290; close A; clock 600; ev@299", "A(290,10,closed)x2"),
            ("its own end", "ev@290; close A; ev@295, end@299", "A(290,10,closed)x3"),
            (
                "start 8 ms later",
                "start@290; close A; start@300.008",
                "A(290,10,closed)x1; A(300.008,0,open)x1",
            ),
            ("its own start again", "start@290; close A; start@290", "A(290,10,closed)x1; duplicate_start 1"),
            ("heartbeat", "ev@290; close A; hb@305", "A(290,10,closed)x1; late_heartbeat 1"),
            ("heartbeat dated before", "ev@290; close A; hb@295", "A(290,10,closed)x1; heartbeat 1"),
            (
                "three pages",
                "start@280; close A; clock 301; start@300.5; close A; clock 302; start@301.5, ev@301.75; ev@300.75, ev@281",
                "A(280,20,closed)x2; A(300.5,0.5,closed)x2; A(301.5,0.25,open)x2",
            ),
        ],
    );
}

/// The same with the client's clock five minutes off: (script, ahead, behind). Dates in scripts
/// are true time; in outcomes they are the client's.
#[test]
fn clocks_five_minutes_off() {
    let cases = [
        (
            "reload without an end event",
            "ev@290; close A; clock 301; start@300.5, ev@301; clock 302; ev@301.5",
            "A(590,0,closed)x1; A(600.5,1,open)x3",
            "A(-10,310,closed)x1; A(0.5,1,open)x3",
        ),
        (
            "last batch after the call",
            "start@280; close A; clock 330; ev@299; clock 331; start@330",
            "A(580,19,closed)x2; A(630,0,open)x1",
            "A(-20,320,closed)x2; A(30,0,open)x1",
        ),
        (
            "S-J18",
            "clock 0; ev@0; clock 60; close A; clock 240; ev@240",
            "A(300,0,closed)x1; A(540,0,open)x1",
            "A(-300,360,closed)x1; A(-60,0,open)x1",
        ),
        (
            "S-A24 with heartbeat calls",
            "ev@290; beat A; clock 320; beat A; end@320; clock 380; ev@380; clock 381; beat A",
            "A(590,30,closed)x2; A(680,0,open)x1",
            "A(-10,330,closed)x2; A(80,301,open)x1",
        ),
        (
            "S-A25 with heartbeat calls",
            "start@290; clock 320; beat A; end@320; start@320.008",
            "A(590,30,closed)x2; A(620.008,0,open)x1",
            "A(-10,330,closed)x2; A(20.008,0,open)x1",
        ),
        (
            "S-J17",
            "clock 0; ev@0; clock 300; beat A; clock 600; beat A; clock 960; beat A; clock 970; ev@970",
            "A(300,970,open)x2",
            "A(-300,1260,open)x2",
        ),
        (
            "S-A29",
            "ev@290; end@295; hb@299; beat A",
            "A(590,5,closed)x2; late_heartbeat 1",
            "A(-10,5,closed)x2; late_heartbeat 1",
        ),
    ];
    for (name, script, ahead, behind) in cases {
        assert_eq!(play_with_clock("u=A", script, 300.0).outcome(), ahead, "{name}, ahead");
        assert_eq!(play_with_clock("u=A", script, -300.0).outcome(), behind, "{name}, behind");
    }
}

#[test]
fn which_session() {
    check(
        "u=A",
        &[
            ("start later than events", "ev@10; start@0", "A(0,10,open)x2"),
            ("start after the end's arrival", "ev@5; end@10; start@0", "A(0,10,closed)x3"),
            ("end known first", "end@10; start@0", "A(0,10,closed)x2"),
            ("bridge joins the earlier", "ev@0; ev@1000; ev@500", "A(0,500,open)x2; A(1000,0,open)x1"),
            (
                "late event of an ended one",
                "ev@0; end@100; ev@200; ev@50",
                "A(0,100,closed)x3; A(200,0,open)x1",
            ),
            (
                "late event of the next",
                "ev@0; end@100; ev@200; ev@150",
                "A(0,100,closed)x2; A(150,50,open)x2",
            ),
            ("late end does not split", "ev@0; ev@20; end@10", "A(0,20,open)x3"),
            ("an end before its session", "ev@5; end@0", "hidden A(0,0,closed)x1; A(5,0,open)x1"),
            ("last of two ends", "ev@0; end@20; end@10", "A(0,20,closed)x3"),
            ("end undoes idle", "ev@0; idle; end@310", "A(0,310,closed)x2"),
            ("end after heartbeat", "ev@0; hb@20; end@10", "A(0,20,closed)x2; heartbeat 1"),
            (
                "heartbeat between two",
                "ev@0; end@10; ev@600; hb@20",
                "A(0,10,closed)x2; A(600,0,open)x1; late_heartbeat 1",
            ),
        ],
    );
}
