//! An embedded origin that replays an outage on the loopback interface: app and web endpoints with
//! their own certificate authority and resolvers, seen from several vantages. A scenario, which is
//! data, defines how each behaves and when. The failures are real: connections get no answer,
//! certificates expire, name lookups are refused. The origin does not know what the probes find.

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
