//! Draws a view and prints messages above it. The run updates the view; a thread draws it a few
//! times per second.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::screen::{Screen, clip, width};

/// The time between two drawings: fast enough for the eye, and hardly any work.
const REDRAW: Duration = Duration::from_millis(200);
/// The most messages that wait for stderr; beyond that the oldest are dropped.
const MESSAGES: usize = 1_000;
/// The longest that the end of a run waits until messages are printed.
const LAST_DRAW_TIMEOUT: Duration = Duration::from_secs(1);

/// Something that can be drawn.
pub(crate) trait View: Send + 'static {
    /// The lines that fit the screen, without line feeds.
    fn lines(&self, screen: Screen) -> Vec<String>;
}

/// A view and the thread that draws it.
pub(crate) struct Painter<V: View> {
    shared: Arc<Shared<V>>,
}

struct Shared<V> {
    state: Mutex<State<V>>,
    changed: Condvar,
}

struct State<V> {
    view: V,
    messages: VecDeque<String>,
    /// The number of messages that were dropped.
    dropped: u64,
    /// Whether the thread is writing a message.
    is_writing: bool,
    mode: Mode,
    has_thread: bool,
}

/// What happens to the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It is not drawn: there is no terminal.
    Hidden,
    /// It is drawn repeatedly.
    Live,
    /// It is about to be left on the screen as it is.
    Freezing,
    /// It stays on the screen and is not drawn again.
    Frozen,
    /// It is about to be removed from the screen, and the thread to end.
    Closing,
    /// The thread has ended.
    Closed,
}

impl<V: View> Painter<V> {
    /// Draws on stderr if `visible`; otherwise only prints messages.
    #[must_use]
    pub(crate) fn new(view: V, visible: bool) -> Painter<V> {
        let mode = if visible { Mode::Live } else { Mode::Hidden };
        let state = State { view, messages: VecDeque::new(), dropped: 0, is_writing: false, mode, has_thread: false };
        let painter = Painter { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) };
        if visible {
            painter.start(&mut painter.shared.lock());
        }
        painter
    }

    /// Changes the view, which is redrawn soon. A hidden view is not changed.
    pub(crate) fn update(&self, change: impl FnOnce(&mut V)) {
        let mut state = self.shared.lock();
        if state.mode != Mode::Hidden {
            change(&mut state.view);
        }
    }

    /// Prints a message above the view. Does not wait.
    pub(crate) fn say(&self, text: &str) {
        let mut state = self.shared.lock();
        if state.messages.len() == MESSAGES {
            state.messages.pop_front();
            state.dropped += 1;
        }
        state.messages.push_back(text.to_owned());
        self.start(&mut state);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Leaves the view on the screen as it is and continues below it. A terminal that echoes Ctrl-C
    /// has moved the cursor by then, so drawing over the view would miss it by a line.
    pub(crate) fn freeze(&self) {
        let mut state = self.shared.lock();
        if state.mode == Mode::Live {
            state.mode = Mode::Freezing;
            drop(state);
            self.shared.changed.notify_all();
        }
    }

    /// Removes the view once all messages are printed. If stderr is blocked, it waits only
    /// [`LAST_DRAW_TIMEOUT`].
    pub(crate) fn finish(self) {
        let mut state = self.shared.lock();
        if !state.has_thread {
            return;
        }
        state.mode = if state.mode == Mode::Live { Mode::Closing } else { Mode::Closed };
        self.shared.changed.notify_all();
        let end = Instant::now() + LAST_DRAW_TIMEOUT;
        while state.mode != Mode::Closed || !state.messages.is_empty() || state.is_writing {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Starts the thread. If that fails, nothing is drawn, but checks continue.
    fn start(&self, state: &mut State<V>) {
        if !state.has_thread {
            let shared = Arc::clone(&self.shared);
            let draw = move || shared.draw(&mut io::stderr());
            state.has_thread = thread::Builder::new().name("screen".to_owned()).spawn(draw).is_ok();
        }
    }
}

impl<V: View> Shared<V> {
    fn draw(&self, out: &mut impl Write) {
        let mut drawn = Drawn::default();
        // A run that is over at once does not draw the view.
        let mut state = self.sleep(self.lock());
        loop {
            let screen = Screen::of_stderr();
            let messages: Vec<String> = state.messages.drain(..).collect();
            let dropped = std::mem::take(&mut state.dropped);
            let mode = state.mode;
            let lines = match mode {
                Mode::Live | Mode::Freezing => state.view.lines(screen),
                Mode::Hidden | Mode::Frozen | Mode::Closing | Mode::Closed => Vec::new(),
            };
            state.is_writing = true;
            drop(state);
            if mode == Mode::Closed {
                drawn.leave();
            }
            let is_open = drawn.replace(out, &messages, dropped, lines, screen).is_ok();
            state = self.lock();
            state.is_writing = false;
            match (mode, state.mode) {
                (Mode::Freezing, _) => {
                    drawn.leave();
                    if state.mode == Mode::Freezing {
                        state.mode = Mode::Frozen;
                    }
                }
                (Mode::Closing, _) => state.mode = Mode::Closed,
                _ => {}
            }
            self.changed.notify_all();
            if !is_open || state.mode == Mode::Closed && state.messages.is_empty() {
                // If nobody reads stderr any more, the run continues nevertheless.
                state.messages.clear();
                state.mode = Mode::Closed;
                self.changed.notify_all();
                return;
            }
            state = self.sleep(state);
        }
    }

    /// Waits for something to print, or for the next drawing.
    fn sleep<'s>(&'s self, mut state: MutexGuard<'s, State<V>>) -> MutexGuard<'s, State<V>> {
        let end = Instant::now() + REDRAW;
        loop {
            if !state.messages.is_empty() || matches!(state.mode, Mode::Freezing | Mode::Closing | Mode::Closed) {
                return state;
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.mode == Mode::Live && left.is_zero() {
                return state;
            }
            state = if state.mode == Mode::Live {
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines that are on the screen.
#[derive(Debug, Default)]
struct Drawn {
    /// The width of each line, in columns.
    widths: Vec<usize>,
}

impl Drawn {
    /// Replaces the lines on the screen by messages, which scroll away, followed by other lines.
    fn replace(
        &mut self,
        out: &mut impl Write,
        messages: &[String],
        dropped: u64,
        lines: Vec<String>,
        screen: Screen,
    ) -> io::Result<()> {
        let lines: Vec<String> =
            lines.into_iter().take(screen.height.saturating_sub(1)).map(|line| clip(&line, screen.width)).collect();
        let mut text = String::new();
        if !self.widths.is_empty() {
            // A screen that became narrower has wrapped them.
            let rows: usize = self.widths.iter().map(|width| width.div_ceil(screen.width.max(1)).max(1)).sum();
            text.push_str(&format!("\r\x1b[{rows}A\x1b[J"));
        }
        if dropped > 0 {
            text.push_str(&format!("note: {dropped} messages were dropped: nobody read them\n"));
        }
        for message in messages {
            text.push_str(message);
            text.push('\n');
        }
        for line in &lines {
            text.push_str(line);
            text.push('\n');
        }
        self.widths = lines.iter().map(|line| width(line)).collect();
        if text.is_empty() {
            return Ok(());
        }
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Leaves the drawn lines where they are.
    fn leave(&mut self) {
        self.widths.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Screen = Screen { width: 20, height: 4 };

    fn replaced(drawn: &mut Drawn, messages: &[&str], lines: &[&str], screen: Screen) -> String {
        let mut out = Vec::new();
        let messages: Vec<String> = messages.iter().map(|text| (*text).to_owned()).collect();
        let lines = lines.iter().map(|text| (*text).to_owned()).collect();
        drawn.replace(&mut out, &messages, 0, lines, screen).expect("memory takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_view_is_drawn_over_itself_and_messages_stay_above_it() {
        let mut drawn = Drawn::default();
        assert_eq!(replaced(&mut drawn, &[], &["a", "b"], SCREEN), "a\nb\n");
        assert_eq!(replaced(&mut drawn, &["hi"], &["c"], SCREEN), "\r\x1b[2A\x1b[Jhi\nc\n");
        assert_eq!(replaced(&mut drawn, &[], &[], SCREEN), "\r\x1b[1A\x1b[J");
        assert_eq!(replaced(&mut drawn, &[], &[], SCREEN), "");
    }

    #[test]
    fn no_line_is_wider_than_the_screen_and_one_row_is_left_for_the_cursor() {
        let mut drawn = Drawn::default();
        let text = replaced(&mut drawn, &[], &["x".repeat(30).as_str(), "b", "c", "d"], SCREEN);
        assert_eq!(text.lines().count(), 3);
        assert!(text.lines().all(|line| width(line) <= 20), "{text}");
    }

    #[test]
    fn a_screen_that_became_narrower_has_wrapped_what_was_drawn() {
        let mut drawn = Drawn::default();
        let _ = replaced(&mut drawn, &[], &["x".repeat(20).as_str()], SCREEN);
        let text = replaced(&mut drawn, &[], &["y"], Screen { width: 8, ..SCREEN });
        assert!(text.starts_with("\r\x1b[3A\x1b[J"), "{text:?}");
    }
}
