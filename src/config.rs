//! The probe file: its TOML shape, its diagnostics, its secrets.
