//! Which servers choose HTTP/2 but accept no WebSocket over it. Each is tried once an hour; in between a WebSocket uses
//! HTTP/1.1 from the start, which saves a connection that would only find that out again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::connect::route::{Endpoint, Route};

/// How long a server counts as one that accepts no WebSocket over HTTP/2.
const KEPT: Duration = Duration::from_hours(1);

/// The most servers that are remembered: captured values may lead to any number of them.
const MOST: usize = 10_000;

/// The servers that made no offer, by origin and endpoint, and when that was seen.
#[derive(Debug, Default)]
pub(crate) struct TunnelOffers(Mutex<HashMap<(String, Endpoint), Instant>>);

impl TunnelOffers {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, Endpoint), Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn are_missing(&self, route: &Route) -> bool {
        let seen = self.lock().get(&key(route)).copied();
        seen.is_some_and(|seen| seen.elapsed() < KEPT)
    }

    pub(crate) fn note_missing(&self, route: &Route) {
        let mut seen = self.lock();
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(key(route), Instant::now());
    }
}

fn key(route: &Route) -> (String, Endpoint) {
    (route.origin.clone(), route.endpoint.clone())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::engine::connect::route::route;
    use crate::model::Transport;

    #[tokio::test(start_paused = true)]
    async fn a_server_without_an_offer_is_asked_again_after_an_hour() {
        let to = |url: &str| {
            let url = Url::parse(url).expect("a URL");
            route(&Transport::default(), &url, &url, None).expect("a route")
        };
        let offers = TunnelOffers::default();
        let (one, other) = (to("wss://one.test/socket"), to("wss://other.test/socket"));
        assert!(!offers.are_missing(&one));
        offers.note_missing(&one);
        assert!(offers.are_missing(&one) && !offers.are_missing(&other));
        tokio::time::advance(KEPT).await;
        assert!(!offers.are_missing(&one));
    }
}
