//! Builds reqwest clients that do nothing behind our back: no redirect, no retry, no referer, no
//! proxy from the environment, no lookup of their own, no session and (unless asked) no
//! connection kept. One client for each distinct way to connect, on shared TLS configurations.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::Client;
use rustls::ClientConfig;

use crate::model::{Captures, HttpVersionPreference, Probe, Step, Tls, Transport};

use super::error::EngineError;
use super::marks::{MarkLayer, PinnedNames};
use super::tls;
use super::tls::SystemRoots;

/// The most response headers accepted: real sites send more than hyper's 100. Interim answers
/// (1xx) are bounded by the timeout alone: hyper has no limit of them. Where they come faster than
/// they are parsed, at some 40 MB/s, they hold a thread up for a second at a stretch, and what that
/// delays is `prober_overloaded` and not `down`.
const HEADERS: usize = 256;

/// The largest HTTP/2 header list accepted, in bytes after decompression. HTTP/1 heads are
/// bounded by hyper at about 400 KiB.
const HEADER_LIST: u32 = 256 * 1024;

/// What is sent where the probe names no user agent.
const USER_AGENT: &str = concat!("uptick/", env!("CARGO_PKG_VERSION"));

/// What a client's behaviour depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientKey {
    pub(super) tls: Tls,
    pub(super) version: HttpVersionPreference,
    pub(super) proxy: Option<String>,
    pub(super) source: Option<IpAddr>,
}

impl ClientKey {
    /// What a probe's transport asks for. `own` is false on a redirect to another origin, which
    /// is not shown our client certificate.
    pub(super) fn new(transport: &Transport, own: bool) -> ClientKey {
        // The server name is part of a request's route, not of its client.
        let mut tls = Tls { server_name: None, ..transport.tls.clone() };
        if !own {
            tls.client_cert = None;
            tls.client_key = None;
        }
        let proxy = transport.proxy.as_ref().and_then(|proxy| proxy.fill(&Captures::new()).ok());
        ClientKey { tls, version: transport.http_version, proxy, source: transport.source_address }
    }
}

/// The clients of an engine.
#[derive(Debug, Default)]
pub(super) struct Clients {
    roots: SystemRoots,
    configs: HashMap<Tls, ClientConfig>,
    fresh: Mutex<HashMap<ClientKey, Client>>,
    /// Clients that keep a connection, by probe; taken out while a check uses them.
    kept: Mutex<HashMap<(String, ClientKey), Client>>,
}

impl Clients {
    /// Reads the certificate and key files of these probes and builds their clients. The system's
    /// root certificates cost milliseconds: they are read now only if a probe needs them.
    pub(super) fn new(probes: &[Arc<Probe>]) -> Result<Clients, EngineError> {
        let mut clients = Clients::default();
        let transports = probes.iter().flat_map(|probe| {
            let session = probe.session.as_ref().map(|session| &session.transport);
            std::iter::once(&probe.transport).chain(session).map(|transport| (&probe.name, transport))
        });
        for (name, transport) in transports {
            for own in [true, false] {
                let key = ClientKey::new(transport, own);
                if !clients.configs.contains_key(&key.tls) {
                    let config = tls::config(&key.tls, &clients.roots)?;
                    clients.configs.insert(key.tls.clone(), config);
                }
                let built = clients.fresh(&key);
                built.map_err(|reason| EngineError::Client { probe: name.clone(), reason })?;
            }
        }
        if probes.iter().any(|probe| needs_system_roots(probe)) {
            clients.roots.load();
        }
        Ok(clients)
    }

    /// A client that keeps no connection.
    ///
    /// # Errors
    /// Why it cannot be built.
    pub(super) fn fresh(&self, key: &ClientKey) -> Result<Client, String> {
        let mut fresh = lock(&self.fresh);
        if let Some(client) = fresh.get(key) {
            return Ok(client.clone());
        }
        let client = self.build(key, 0)?;
        fresh.insert(key.clone(), client.clone());
        Ok(client)
    }

    /// Takes the client that keeps this probe's connection.
    ///
    /// # Errors
    /// Why it cannot be built.
    pub(super) fn take_kept(&self, probe: &str, key: &ClientKey) -> Result<Client, String> {
        match lock(&self.kept).remove(&(probe.to_owned(), key.clone())) {
            Some(client) => Ok(client),
            None => self.build(key, 1),
        }
    }

    /// Whether there is one that an earlier check has used.
    pub(super) fn is_kept(&self, probe: &str, key: &ClientKey) -> bool {
        lock(&self.kept).contains_key(&(probe.to_owned(), key.clone()))
    }

    /// Gives it back for the next check.
    pub(super) fn give_back(&self, probe: &str, key: ClientKey, client: Client) {
        lock(&self.kept).insert((probe.to_owned(), key), client);
    }

    fn build(&self, key: &ClientKey, kept_connections: usize) -> Result<Client, String> {
        let config = self.configs.get(&key.tls).ok_or("its TLS settings were not prepared")?;
        let mut config = config.clone();
        config.alpn_protocols = tls::alpn(key.version);
        let mut builder = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(PinnedNames)
            .connector_layer(MarkLayer)
            .pool_max_idle_per_host(kept_connections)
            .http1_max_headers(HEADERS)
            .http2_max_header_list_size(HEADER_LIST)
            .local_address(key.source)
            .user_agent(USER_AGENT);
        builder = match key.version {
            HttpVersionPreference::Auto => builder,
            HttpVersionPreference::Http1 => builder.http1_only(),
            HttpVersionPreference::Http2 => builder.http2_prior_knowledge(),
        };
        if let Some(proxy) = &key.proxy {
            builder =
                builder.proxy(reqwest::Proxy::all(proxy).map_err(|_| "the proxy's URL cannot be used".to_owned())?);
        }
        builder.build().map_err(|error| error.without_url().to_string())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn needs_system_roots(probe: &Probe) -> bool {
    let is_https = |step: &Step| {
        let url = step.request.url.to_string();
        url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    };
    let needs = |transport: &Transport, steps: &[Step]| {
        transport.tls.ca_file.is_none() && !transport.tls.insecure && steps.iter().any(is_https)
    };
    needs(&probe.transport, &probe.steps)
        || probe.session.as_ref().is_some_and(|session| needs(&session.transport, &session.steps))
}
