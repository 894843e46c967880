//! A file of windows for another tool.

use std::io;
use std::io::Write;

use crate::window::Window;

/// A file that is written window by window, so that a long journal need not fit into memory.
pub(crate) trait WindowFile {
    /// Writes one window.
    ///
    /// # Errors
    /// The writer's error.
    fn window(&mut self, window: &Window, out: &mut dyn Write) -> io::Result<()>;
}
