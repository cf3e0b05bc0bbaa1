//! How large a file is: the target of the format, on recorded messages, in the rhythm of an agent.

use kymo_format::Settings;
use kymo_model::{Timestamp, Value};
use kymo_testkit::record_requests::{Form, Rhythm, record_requests};
use kymo_testkit::requests::{Request, requests, requests_by_microsecond};

use crate::reading::read;

/// Bytes a message on disk. A Loupe session file has 34.4, zstd over plain JSON lines 8.0.
const TARGET: f64 = 6.0;
/// With everything formatted before, as from the `log` crate, and microseconds that no recording has: no target of
/// anybody, a measure that must not grow unseen.
const TEXT_MAX: f64 = 6.7;

fn bytes_a_message(list: &[Request], form: Form, rhythm: Rhythm) -> f64 {
    let (bytes, _) = record_requests(list, form, rhythm, Settings::default()).unwrap();
    bytes.len() as f64 / list.len() as f64
}

#[test]
fn ten_thousand_messages_are_small() {
    for list in [requests(), requests_by_microsecond()] {
        for form in [Form::Typed, Form::Dynamic] {
            // Every two seconds, and at once for each of 500 warnings and worse: a block for every 20 messages.
            let bytes = bytes_a_message(&list, form, Rhythm::Urgent(0));
            assert!(bytes <= TARGET, "{form:?}: expected at most {TARGET} bytes a message, found {bytes:.2}");
        }
        let bytes = bytes_a_message(&list, Form::Text, Rhythm::Urgent(0));
        assert!(bytes <= TEXT_MAX, "expected at most {TEXT_MAX} bytes a message, found {bytes:.2}");
    }
}

#[test]
fn they_come_back_with_everything() {
    for form in [Form::Typed, Form::Dynamic, Form::Text] {
        let list = requests();
        let (bytes, _) = record_requests(&list, form, Rhythm::Urgent(0), Settings::default()).unwrap();
        let read = read(&bytes);
        assert_eq!(read.records().len(), list.len());
        for (record, request) in read.records().into_iter().zip(&list) {
            let event = record.to_event(Timestamp::default());
            let text = |name: &str| event.attributes.get(name).and_then(Value::to_scalar_text);
            let description = text("description").unwrap_or_else(|| {
                let [path, status, elapsed] =
                    ["path", "status", "elapsed_ms"].map(|name| text(name).unwrap_or_default());
                format!("path={path} status={status} elapsed_ms={elapsed}")
            });
            assert_eq!(event.body.as_deref(), Some(request.caption().as_str()));
            assert_eq!(description, request.description());
            assert_eq!(event.time.as_unix_nanos(), request.time_nanos);
            assert_eq!(event.severity.number(), request.severity());
            assert_eq!(event.category.as_deref(), Some(request.category()));
            assert_eq!(text("thread.name"), Some(format!("worker-{}", request.thread)));
            assert_eq!(text("kymo.details"), request.details());
            assert_eq!(event.user.and_then(|user| user.id), request.user());
            assert_eq!(text("code.file.path").as_deref(), Some("src/generator/bulk.rs"));
        }
    }
}
