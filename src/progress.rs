//! The live view on a terminal. A dedicated thread draws it on stderr, so that a paused terminal,
//! or a pipe that nobody reads, delays no check. It knows neither the answer nor its formats.

mod board;
mod painter;
mod pass_line;
mod row;
mod screen;

pub(crate) use board::{Board, BoardFacts};
pub(crate) use painter::Painter;
pub(crate) use pass_line::PassLine;
