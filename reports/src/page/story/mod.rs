//! The story of a run on a page: its cause, the strip of the whole run, the space-time diagram of what the cause is about,
//! and its life, step by step.
//!
//! A page that tells runs makes an [`Item`] of each, has [`choose`] decide how much is told, puts the texts where it
//! wants them and the traces where [`Page`](super::Page) has a place for them. The script draws what stands there.

mod budget;
mod item;
mod pack;
mod picture;
mod steps;

pub(crate) use budget::choose;
pub(crate) use item::{Item, lines, name};

/// The look of stories.
pub(crate) const STYLE: &str = include_str!("story.css");

/// Patterns and arrowheads that the diagrams refer to.
pub(crate) const SHAPES: &str = include_str!("shapes.html");

/// Draws the stories of a page.
pub(crate) fn script() -> String {
    [
        include_str!("script/data.js"),
        include_str!("script/layout.js"),
        include_str!("script/draw.js"),
        include_str!("script/control.js"),
        include_str!("script/strip.js"),
        include_str!("script/input.js"),
    ]
    .concat()
}
