//! Pictures of every view, compared with those kept in `tests/node/views/pictures`. The server's clock stands still, so
//! that a picture is the same each time.

mod program;

use std::time::Duration;

use kymo_model::Timestamp;
use kymo_testkit::{Random, Script, kymo::needed};
use serde_json::{Value, json};

use crate::stand::Stand;

/// 2026-09-21T14:13:20Z.
const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
const SESSIONS: u64 = 10_000;
const EVENTS: u64 = 100_000;
/// As many as an agent sends at most.
const BATCH: u64 = 500;
/// Sessions lie within this time, of which the list shows a week.
const WITHIN: Duration = Duration::from_hours(10 * 24);
const APPLICATIONS: [&str; 4] = ["Editor", "Shop front", "Billing", "Import"];
const MESSAGES: [&str; 5] = [
    "opened the cart",
    "price of an item was looked up",
    "saved",
    "waiting for the printer",
    "asked for the list",
];

#[test]
fn every_view_looks_as_it_was_left() {
    let (empty, full) = (Stand::new(NOW), Stand::new(NOW));
    fill(&full);
    let chromium = needed("KYMO_CHROMIUM");
    let (of_empty, of_full) = (empty.sign_in(), full.sign_in());
    let now = NOW.as_unix_millis().to_string();
    let environment = [
        ("KYMO_EMPTY", empty.url()),
        ("KYMO_EMPTY_COOKIE", of_empty.as_str()),
        ("KYMO_FULL", full.url()),
        ("KYMO_FULL_COOKIE", of_full.as_str()),
        ("KYMO_NOW", now.as_str()),
        ("KYMO_CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
    ];
    let lines = Script::start_with("views/pictures.mjs", &[], &environment).finish();
    let problems: Vec<&str> = lines.iter().filter_map(|line| line["problem"].as_str()).collect();
    assert!(
        problems.is_empty(),
        "look at them with KYMO_SCREENSHOTS=FOLDER, then KYMO_GOLDEN=write:\n{}",
        problems.join("\n")
    );
    empty.stop();
    full.stop();
}

fn fill(stand: &Stand) {
    let mut random = Random::new(5);
    let step = WITHIN.as_millis() as u64 / SESSIONS;
    // None goes on beyond now.
    let begin = NOW.minus(WITHIN + Duration::from_hours(2));
    for first in (0..SESSIONS).step_by(BATCH as usize / 2) {
        let numbers = first..first + BATCH / 2;
        let sessions: Vec<Value> = numbers
            .flat_map(|number| {
                let start = begin.plus(Duration::from_millis(number * step));
                session(number, start, &mut random)
            })
            .collect();
        post(stand, &sessions);
    }
    let begin = NOW.minus(Duration::from_millis(EVENTS * 20));
    for first in (0..EVENTS).step_by(BATCH as usize) {
        let events: Vec<Value> = (first..first + BATCH).map(|number| line(number, begin)).collect();
        post(stand, &events);
    }
    program::send(stand, NOW);
    stand.flush();
}

/// Its first and its last event.
fn session(number: u64, start: Timestamp, random: &mut Random) -> [Value; 2] {
    let user = random.below(300);
    let length = Duration::from_secs(5 + random.below(3600));
    let is_error = random.below(12) == 0;
    let data = json!({
        "@ref:session": format!("session-{number:05}"),
        "@user": {"identity": format!("user-{user}"), "name": format!("Person {user}")},
        "@version": format!("2.{}.{}", random.below(3), random.below(5)),
        "service.name": APPLICATIONS[random.below(4) as usize],
        "@environment": {"machine_name": format!("desk-{}", user % 40), "o_s_name": "Windows", "o_s_version": "11"}});
    let mut last =
        json!({"type": "log", "message": "done", "date": start.plus(length).to_string(), "data": data});
    if is_error {
        last["type"] = json!("error");
        last["data"]["@simple_error"] = json!({"type": "PriceError", "message": "no price for the lamp"});
    }
    [json!({"type": "log", "message": "started", "date": start.to_string(), "data": data}), last]
}

fn line(number: u64, begin: Timestamp) -> Value {
    let date = begin.plus(Duration::from_millis(number * 20)).to_string();
    let mut data = json!({
        "@ref:session": "long-session",
        "@user": {"identity": "user-7", "name": "Person 7"},
        "@version": "2.2.4", "service.name": "Editor", "number": number, "cart": {"items": number % 9, "currency": "EUR"},
        "@environment": {"machine_name": "desk-7", "o_s_name": "Windows", "o_s_version": "11", "processor_count": 8}});
    // The same line some times over now and then.
    let message = if number % 97 < 6 { "tick" } else { MESSAGES[(number % 5) as usize] };
    if number % 1000 == 76 {
        data["@simple_error"] = json!({"type": "PriceError", "message": "no price for the lamp",
            "stack_trace": "   at Shop.Prices.Of(Item item) in Prices.cs:line 42\n   at Shop.Cart.Total() in Cart.cs:line 7"});
        return json!({"type": "error", "date": date, "data": data});
    }
    data["@level"] = json!(if number.is_multiple_of(211) { "warn" } else { "info" });
    json!({"type": "log", "source": "shop.cart", "message": message, "date": date, "data": data})
}

fn post(stand: &Stand, events: &[Value]) {
    let token = format!("Bearer {}", stand.token("ingest"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let body = serde_json::to_vec(events).expect("JSON");
    let answer = stand.send("POST", "/api/v2/events", &headers, Some(body)).expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.body);
}
