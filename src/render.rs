//! The answer as text for people and programs.
