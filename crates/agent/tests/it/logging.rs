//! What comes through `log`, directly and by way of `tracing-log`.

use kymo_model::{Severity, Value};

use crate::part;

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_that_logs() {
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).filter("info,shop=trace,quiet=off").start();
    kymo::install_log().unwrap();
    assert!(kymo::install_log().is_err(), "one at a time");
    let host = String::from("db-eu-17");
    log::info!("plain");
    log::warn!("formatted for {host}");
    log::error!(target: "shop.cart", item = 17, price = 2.5, sold = true, name:? = host, absent:? = None::<u8>; "no item {}", 17);
    log::trace!(target: "shop.cart", huge = u64::MAX; "fine");
    log::debug!("not this");
    log::error!(target: "quiet", "nor this");
    log::logger().log(
        &log::Record::builder()
            .args(format_args!("from elsewhere"))
            .level(log::Level::Info)
            .target("shop.script")
            .file(Some(&String::from("till.lua")))
            .line(Some(7))
            .build(),
    );
    kymo::set_filter("debug").unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Debug);
    log::debug!("now this");
}

#[test]
fn messages_of_log_have_their_place_and_their_values() {
    let folder = tempfile::tempdir().unwrap();
    part::play("logging::plays_a_program_that_logs", folder.path(), &[]);
    let session = part::only(folder.path());
    let found: Vec<(Severity, &str, String)> = session
        .records
        .iter()
        .map(|record| (record.severity, record.category().unwrap(), record.message()))
        .filter(|(_, category, _)| !category.starts_with("kymo."))
        .collect();
    let expected = [
        (Severity::INFO, "it::logging", "plain"),
        (Severity::WARN, "it::logging", "formatted for db-eu-17"),
        (Severity::ERROR, "shop.cart", "no item 17"),
        (Severity::TRACE, "shop.cart", "fine"),
        (Severity::INFO, "shop.script", "from elsewhere"),
        (Severity::DEBUG, "it::logging", "now this"),
    ];
    assert_eq!(found, expected.map(|(severity, category, text)| (severity, category, text.to_owned())));
    let attributes = &session.records[2].attributes;
    assert_eq!(
        attributes.0,
        [
            ("item".to_owned(), Value::Int(17)),
            ("price".to_owned(), Value::Float(2.5)),
            ("sold".to_owned(), Value::Bool(true)),
            ("name".to_owned(), Value::Text("\"db-eu-17\"".to_owned())),
            ("absent".to_owned(), Value::Text("None".to_owned())),
        ]
    );
    assert_eq!(session.records[3].attributes.0[0].1, Value::Text(u64::MAX.to_string()));
    let source = &session.records[0].callsite.source;
    assert!(source.file.as_ref().unwrap().ends_with("logging.rs") && source.line.is_some());
    let elsewhere = &session.records[4].callsite.source;
    assert_eq!((elsewhere.file.as_deref(), elsewhere.line), (Some("till.lua"), Some(7)));
}

#[test]
#[ignore = "played by other tests"]
fn plays_a_program_whose_log_goes_through_tracing() {
    use tracing_subscriber::layer::SubscriberExt;
    let Some(folder) = part::folder() else { return };
    let _session = part::builder(&folder).filter("info,quiet=off").start();
    let subscriber = tracing_subscriber::registry().with(kymo::tracing_layer());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tracing_log::LogTracer::init().unwrap();
    log::warn!(target: "shop.cart", "by a detour {}", 1);
    log::warn!(target: "quiet", "not this");
}

#[test]
fn messages_that_come_through_tracing_log_have_their_own_place() {
    let folder = tempfile::tempdir().unwrap();
    part::play("logging::plays_a_program_whose_log_goes_through_tracing", folder.path(), &[]);
    let session = part::only(folder.path());
    assert_eq!(session.messages(), ["by a detour 1"]);
    let record = &session.records[0];
    assert_eq!((record.severity, record.category()), (Severity::WARN, Some("shop.cart")));
    let source = &record.callsite.source;
    assert!(source.file.as_ref().unwrap().ends_with("logging.rs") && source.line.is_some(), "{source:?}");
    assert_eq!(source.module.as_deref(), Some("it::logging"));
}
