//! The files that a page links to: each is requested, within limits on number, bytes and time, and
//! one that does not load is reported by its URL.

use futures_util::stream::{self, StreamExt};
use http::header;
use url::Url;

use crate::engine::check::step::StepRun;
use crate::engine::check::step_result::{Page, StepResult};
use crate::engine::exchange::requester::Requester;
use crate::engine::expectation::html::HtmlError;
use crate::engine::expectation::{html, text};
use crate::engine::fault::{Deadline, Fault};
use crate::engine::host::offload;
use crate::engine::http::body::Body;
use crate::engine::http::session::Session;
use crate::engine::http::{follow_up, request_builder};
use crate::model::{AssetOutcome, Assets, FailureClass, Mismatch, Probe, SafeText, Step, message};

/// How many files are requested at a time: as many as a browser requests over HTTP/1.1.
const AT_ONCE: usize = 6;

/// Maximum length of a recorded media type, in characters.
const TYPE: usize = 100;

/// A page whose files are to be loaded.
pub(crate) struct PageLoad<'a> {
    pub(crate) requester: &'a Requester,
    pub(crate) probe: &'a Probe,
    pub(crate) step: &'a Step,
    pub(crate) session: &'a Session,
    pub(crate) deadline: Deadline,
}

impl PageLoad<'_> {
    /// Loads the files, and fails the step if one does not load or the page links to too few.
    pub(crate) async fn load(&self, assets: &Assets, answered: &mut StepResult) {
        let Some(page) = answered.page.clone() else { return };
        let Ok(own) = request_builder::url(self.step, self.session, Some(&self.requester.urls)) else { return };
        let links = match links(assets, &page, &answered.body).await {
            Ok(links) => links,
            Err(error) => {
                let fault = Fault::new(FailureClass::AssetFailed, None, error.to_string());
                return self.fail((fault, Vec::new()), &page.url, answered);
            }
        };
        if links.len() < usize::try_from(assets.at_least).unwrap_or(usize::MAX) {
            self.fail(too_few(assets, links.len()), &page.url, answered);
            return;
        }
        let loads: Vec<_> = links.iter().map(|link| Box::pin(self.load_one(link, &own, assets.body_limit))).collect();
        let outcomes: Vec<(AssetOutcome, Option<Fault>)> = stream::iter(loads).buffered(AT_ONCE).collect().await;
        let total = outcomes.len();
        let (outcomes, faults): (Vec<_>, Vec<_>) = outcomes.into_iter().unzip();
        let mut failed =
            outcomes.iter().zip(&faults).filter_map(|(asset, fault)| fault.as_ref().map(|fault| (asset, fault)));
        let failure = failed.next().map(|(asset, first)| {
            // A fault of the prober says nothing about the page.
            let class = if first.class.is_ours() { first.class } else { FailureClass::AssetFailed };
            let count = 1 + failed.count();
            let message = message!("{count} of {total} files did not load, the first ")
                .then(&asset.url)
                .then(": ")
                .then(first.message.clone());
            (Fault::new(class, None, message), Vec::new())
        });
        answered.assets = outcomes;
        if let Some(failure) = failure {
            self.fail(failure, &page.url, answered);
        }
    }

    fn fail(&self, (fault, mismatches): (Fault, Vec<Mismatch>), url: &Url, answered: &mut StepResult) {
        answered.fail(&fault, mismatches, Some(url), self.probe, self.step, &self.session.redactor);
    }

    async fn load_one(&self, link: &Url, own: &Url, body_limit: u64) -> (AssetOutcome, Option<Fault>) {
        let mut session = self.session.clone();
        let step = follow_up::step(self.step, link, own, body_limit);
        let exchange = StepRun {
            requester: self.requester,
            probe: self.probe,
            step: &step,
            session: &mut session,
            deadline: self.deadline,
            home: Some(own),
        };
        let answered = exchange.run().await;
        let kind = answered.page.as_ref().and_then(|page| page.headers.get(header::CONTENT_TYPE));
        let asset = AssetOutcome {
            url: self.session.redactor.url(link),
            class: answered.failure.as_ref().map(|failure| failure.class),
            status: answered.status,
            content_type: kind.map(|kind| self.session.redactor.clean_bytes(kind.as_bytes(), TYPE)),
            bytes: answered.body.read,
            timings: answered.timings,
        };
        let fault = answered.failure.map(|failure| Fault::new(failure.class, failure.phase, &failure.message));
        (asset, fault)
    }
}

/// The URLs of the files to load.
async fn links(assets: &Assets, page: &Page, body: &Body) -> Result<Vec<Url>, HtmlError> {
    if body.bytes.len() <= offload::SMALL {
        return links_here(assets, page, body);
    }
    let (assets, page, body) = (assets.clone(), page.clone(), body.clone());
    offload::run(move || links_here(&assets, &page, &body)).await
}

fn links_here(assets: &Assets, page: &Page, body: &Body) -> Result<Vec<Url>, HtmlError> {
    let page_host = page.url.host_str().unwrap_or_default();
    let admits = |link: &Url| link.host_str().is_some_and(|host| assets.admits(host, page_host));
    let limit = usize::try_from(assets.limit).unwrap_or(usize::MAX);
    html::links(&text::of(&body.bytes, &page.headers), &assets.select, &page.url, limit, admits)
}

fn too_few(assets: &Assets, found: usize) -> (Fault, Vec<Mismatch>) {
    let expected = format!("at least {} links by {}", assets.at_least, assets.select.as_str());
    let message = format!("assets.at-least: expected {expected}, got {found}");
    let mismatch = Mismatch {
        assertion: "assets.at-least".to_owned(),
        expected: SafeText::message(&expected),
        actual: SafeText::message(&found.to_string()),
    };
    (Fault::new(FailureClass::AssertionFailed, None, message), vec![mismatch])
}
