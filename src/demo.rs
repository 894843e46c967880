//! An embedded origin that plays an outage.
