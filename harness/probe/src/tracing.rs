//! What a program tells by `tracing`, as lines of the replay.

use crate::instrument::say;
use std::fmt::{self, Write as _};
use tracing_core::{
    Event, Field, Subscriber,
    field::Visit,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer},
    registry::{LookupSpan, Scope},
};

/// A layer that makes each event of a node's code a line of the run's replay, with the time and the node's name, and with
/// the spans that it happened in. Outside a simulation and a live run it does nothing.
///
/// Install it once, before `squall::main`; `LevelFilter` chooses what is told:
///
/// ```
/// use tracing_subscriber::{filter::LevelFilter, layer::{Layer as _, SubscriberExt as _}, util::SubscriberInitExt as _};
///
/// let lines = squall_probe::tracing::ReplayLayer.with_filter(LevelFilter::INFO);
/// tracing_subscriber::registry().with(lines).init();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayLayer;

/// Whether this is a simulation, or a process that writes its records down.
fn is_heard() -> bool {
    #[cfg(feature = "sim")]
    if crate::sim::is_active() {
        return true;
    }
    #[cfg(feature = "live")]
    if crate::live::is_active() {
        return true;
    }
    false
}

/// A span's fields, as they are shown.
struct Fields(String);

/// Writes fields as `name=value`, and the message as it is.
struct Shown<'a>(&'a mut String);

impl Visit for Shown<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = if field.name() == "message" {
            write!(self.0, "{space}{value:?}")
        } else {
            write!(self.0, "{space}{}={value:?}", field.name())
        };
    }
}

impl<S> Layer<S> for ReplayLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = String::new();
        attributes.record(&mut Shown(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Fields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(Fields(fields)) = span.extensions_mut().get_mut()
        {
            values.record(&mut Shown(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !is_heard() {
            return;
        }
        let mut line = format!("{} ", event.metadata().level());
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            line.push_str(span.name());
            if let Some(Fields(fields)) = span.extensions().get()
                && !fields.is_empty()
            {
                let _ = write!(line, "{{{fields}}}");
            }
            line.push_str(": ");
        }
        let mut told = String::new();
        event.record(&mut Shown(&mut told));
        say(&(line + &told));
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use crate::{
        record::NodeId,
        sim::{self, Names, tests::runs_here},
    };
    use tracing::{field::Empty, info, info_span};
    use tracing_subscriber::layer::SubscriberExt as _;

    #[tokio::test(start_paused = true)]
    async fn an_event_is_a_line_of_its_node_with_its_spans() {
        let _told_here =
            tracing::subscriber::set_default(tracing_subscriber::registry().with(ReplayLayer));
        // There is no simulation yet.
        info!("nobody hears it");
        sim::install(1, &["a".to_owned()], Names::default(), Box::new(|_| ()));
        sim::with(|world| runs_here(world, NodeId(0)));
        let outer = info_span!("outer", key = 7, later = Empty);
        outer.record("later", "x");
        outer.in_scope(|| {
            info_span!("inner").in_scope(|| info!(count = 3, "told"));
        });
        sim::with(|world| world.cut_power(NodeId(0)));
        info!("it is dead");
        let said = sim::uninstall().said;
        assert_eq!(said.len(), 1, "{said:?}");
        let (at, node, line) = &said[0];
        assert_eq!((*at, *node), (0, NodeId(0)));
        assert_eq!(line, "INFO outer{key=7 later=\"x\"}: inner: told count=3");
    }
}
