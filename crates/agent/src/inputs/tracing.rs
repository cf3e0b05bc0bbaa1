//! `tracing`: a layer that records events as they are, with the spans around them.
//!
//! Hot: `on_event` without spans (`cargo xtask bench agent`, `tracing_burst_p50`). On its usual path it does not
//! allocate, lock, or look anything up but the callsite, by one hash.
//!
//! A span is told by the first event within it: before that nobody has to know of it. What was told is void in another
//! fragment or session; then it is told again.

use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::filter;
use crate::record::{FieldKind, with_gathered};
use crate::recorder::record;

mod callsites;
mod foreign;
mod span;
mod values;

use span::Span;
use values::Values;

/// Records what `tracing` tells; by itself everything. [`tracing_layer`] goes by our [filter](crate::set_filter).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct KymoLayer;

/// A layer for a subscriber of `tracing-subscriber` that records events with their values as they are, with target,
/// place, errors and the spans around them. It lets through what [`set_filter`](crate::set_filter) says, without a
/// word in what other layers see, and takes further filters, such as `EnvFilter`, by `with_filter`.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(kymo::tracing_layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let request = tracing::info_span!("request", path = "/cart");
///     let _within = request.enter();
///     tracing::info!(items = 3, total = 17.5, "the cart was shown");
/// });
/// ```
pub fn tracing_layer<S>() -> Filtered<KymoLayer, impl Filter<S> + use<S>, S>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    KymoLayer.with_filter(OurFilter)
}

/// What [`filter`] says, as `tracing` asks for it: once for each callsite, and again when it changes.
#[derive(Debug)]
struct OurFilter;

impl<S> Filter<S> for OurFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        filter::current().admits(metadata.target(), callsites::severity(*metadata.level()))
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let is_admitted = filter::current().admits(metadata.target(), callsites::severity(*metadata.level()));
        if is_admitted { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(filter::current().lowest().map_or(LevelFilter::OFF, callsites::level))
    }
}

impl<S> Layer<S> for KymoLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let known = callsites::of(event.metadata());
        if known.is_foreign {
            return foreign::record(event);
        }
        if !known.callsite.is_enabled() {
            return;
        }
        with_gathered(|gathered| {
            let mut values = Values::new(gathered);
            event.record(&mut values);
            let mut parts = values.finish(known.is_stand_in.then(|| event.metadata()));
            let span = context.event_span(event);
            let extensions = span.as_ref().map(|span| span.extensions());
            let node = extensions.as_ref().and_then(|extensions| extensions.get::<Arc<Span>>());
            let news = node.and_then(|node| node.news());
            if let Some(news) = &news {
                parts.get_or_insert_default().spans(&news.spans);
            }
            if let Some(parts) = &parts {
                gathered.push_parts(parts);
            }
            if let Some(node) = node {
                gathered.push(FieldKind::Span, node.id());
            }
            let is_recorded = record(known.callsite, gathered);
            if let (Some(node), Some(news), true) = (node, &news, is_recorded) {
                node.told(news);
            }
        });
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let parent = span.parent().and_then(|parent| node(&parent));
        let node = Arc::new(Span::new(attributes, parent));
        span.extensions_mut().replace(node);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(node) = node(&span)
        {
            node.record(values);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(node) = node(&span)
        {
            node.close();
        }
    }
}

fn node<'span, R>(span: &tracing_subscriber::registry::SpanRef<'span, R>) -> Option<Arc<Span>>
where
    R: LookupSpan<'span>,
{
    span.extensions().get::<Arc<Span>>().cloned()
}
