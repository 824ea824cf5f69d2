//! Templates become text.

use askama::Template;

/// Fills a template. It fails only where writing to a String does, which never happens.
pub(crate) fn fill(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}
