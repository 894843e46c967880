//! An embedded origin that plays an outage on the loopback interface: app and web endpoints
//! with a certificate authority and resolvers of their own, seen from several vantages, and a
//! scenario as data that says who behaves how and when. What is played is real: connections are
//! not answered, certificates expire, names are refused. It does not know what the probes find.

mod authority;
mod blackhole;
mod dns;
mod endpoints;
mod error;
mod listener;
mod origin;
mod response;
mod scenario;
mod scenarios;
mod timeline;

pub use error::OriginError;
pub use origin::{Origin, VantageView};
pub use response::Response;
pub use scenario::{Behaviour, DnsFault, Endpoint, Fault, Playback, Resolvers, Route, Scenario, Target};
pub use scenarios::{by_name, names};
