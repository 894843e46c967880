//! An embedded origin that plays an outage on the loopback interface: app and web endpoints
//! with a certificate authority and resolvers of their own, seen from several vantages, and a
//! scenario as data that says who behaves how and when. What is played is real: connections are
//! not answered, certificates expire, names are refused. It knows nothing of what is found.

mod authority;
mod cast;
mod gate;
mod listener;
mod names;
mod origin;
mod page;
mod scenario;
mod scenarios;
mod timeline;

pub use origin::{Origin, OriginError, Pace, View};
pub use page::Page;
pub use scenario::{Act, Behaviour, Endpoint, NameAct, Resolvers, Scenario, Target, Way};
pub use scenarios::{by_name, names};
