//! Windows and failures on disk, append-only: the only code that touches the files.
