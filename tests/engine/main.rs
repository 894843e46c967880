//! One check, one outcome: the engine against local servers that misbehave exactly as scripted.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod alternative_services;
#[cfg(feature = "http3")]
mod caddy;
mod diagnosis;
mod dns_addresses;
mod every_address;
mod exchanges;
mod faults;
mod grpc_timeout;
mod insecure;
mod journeys;
mod kept_connections;
mod listening;
mod load;
mod measurements;
mod phases;
mod protocol_phases;
mod proxy_trust;
mod python_servers;
mod repeat_commands;
mod secret_leaks_in_faults;
mod shared_credentials;
mod single_request;
mod starttls_programs;
mod test_servers;
