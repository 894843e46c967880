//! The live view on a terminal: the only code that knows indicatif.
