//! The live view on a terminal: drawn on stderr by a thread of its own, so that a terminal that is
//! paused, or a pipe that nobody reads, holds up no check. It knows neither the answer nor its formats.

mod board;
mod painter;
mod pass_line;
mod row;
mod screen;

pub(crate) use board::{Board, BoardFacts};
pub(crate) use painter::Painter;
pub(crate) use pass_line::PassLine;
