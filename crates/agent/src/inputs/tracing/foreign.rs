//! Messages of the crate `log` that come through `tracing-log`: all share five callsites, and say where they are from
//! as values.

use std::fmt::Debug;

use tracing_core::Event;
use tracing_core::field::{Field, Visit};

use super::callsites::{self, MESSAGE};
use crate::inputs::filter;
use crate::inputs::places::Place;
use crate::record::Parts;

pub(super) fn record(event: &Event<'_>) {
    let mut said = Said::default();
    event.record(&mut said);
    let severity = callsites::severity(*event.metadata().level());
    if !filter::current().admits(&said.target, severity) {
        return;
    }
    let place = Place {
        target: said.target.clone().into(),
        module: said.module.into(),
        file: said.file.into(),
        line: said.line,
        severity: severity.number(),
    };
    match place.callsite() {
        Ok(callsite) if callsite.is_enabled() => {
            crate::recorder::record(callsite, &(said.message.as_str(), ()));
        }
        Ok(_) => {}
        Err(stand_in) => {
            let mut parts = Parts::default();
            parts.severity(severity);
            parts.category(&said.target);
            crate::recorder::record(stand_in, &(said.message.as_str(), (&parts, ())));
        }
    }
}

#[derive(Default)]
struct Said {
    message: String,
    target: String,
    module: String,
    file: String,
    line: u32,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == MESSAGE {
            self.message = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => value.clone_into(&mut self.target),
            "log.module_path" => value.clone_into(&mut self.module),
            "log.file" => value.clone_into(&mut self.file),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = u32::try_from(value).unwrap_or(0);
        }
    }
}
