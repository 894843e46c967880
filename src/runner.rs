//! Drives a plan through any probe function, bounded, until done or told to stop.
