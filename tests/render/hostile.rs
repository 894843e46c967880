//! Hostile text in every place that a server, a certificate or a probe file can fill.
