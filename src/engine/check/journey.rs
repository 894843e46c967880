//! One pass over the steps of a probe, in order: a step may use what earlier steps captured, and
//! after a step that fails the rest are skipped.

use tokio::time::Instant;

use crate::engine::check::alt_svc::AltServices;
use crate::engine::check::assets::PageLoad;
use crate::engine::check::capture;
use crate::engine::check::step::StepRun;
use crate::engine::check::step_result::StepResult;
use crate::engine::check::token::{Fetched, Tokens};
use crate::engine::exchange::requester::Requester;
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::session::Session;
use crate::model::{Auth, Probe, Redactor, Secret, Step, StepOutcome, Timings};

/// What all journeys share; one instance serves the whole run.
#[derive(Debug)]
pub(crate) struct JourneyContext {
    pub(crate) requester: Requester,
    pub(crate) tokens: Tokens,
}

/// Runs the steps. The result is that of the last step that ran; the timings are sums over all.
pub(crate) async fn run(
    context: &JourneyContext,
    probe: &Probe,
    session: &mut Session,
    deadline: Deadline,
) -> StepResult {
    let began = Instant::now();
    let mut all = StepResult::default();
    let mut steps = Vec::new();
    let tells_steps = probe.steps.len() > 1 || probe.steps.iter().any(|step| step.name.is_some());
    for (place, step) in probe.steps.iter().enumerate() {
        if all.failure.is_some() {
            steps.push(outcome(place, step, None));
            continue;
        }
        let mut answered = take_step(context, probe, step, session, deadline).await;
        if tells_steps {
            steps.push(outcome(place, step, Some(&answered)));
        }
        if let Some(failure) = &mut answered.failure
            && probe.steps.len() > 1
        {
            failure.step.get_or_insert_with(|| name_of(place, step));
        }
        answered.timings.add_all(&all.timings);
        answered.close_time += all.close_time;
        answered.http3_offered |= all.http3_offered;
        all.warnings.append(&mut answered.warnings);
        answered.warnings = std::mem::take(&mut all.warnings);
        all.redirects.append(&mut answered.redirects);
        answered.redirects = std::mem::take(&mut all.redirects);
        all.assets.append(&mut answered.assets);
        answered.assets = std::mem::take(&mut all.assets);
        all.exchanges.append(&mut answered.exchanges);
        answered.exchanges = std::mem::take(&mut all.exchanges);
        all = answered;
    }
    // The answer that a value was captured from contains it.
    all.exchanges.iter_mut().filter(|_| !session.captures.is_empty()).for_each(|kept| kept.redact(&session.redactor));
    all.note_total(began);
    all.steps = steps;
    all
}

fn name_of(place: usize, step: &Step) -> String {
    step.name.clone().unwrap_or_else(|| format!("step {}", place + 1))
}

fn outcome(place: usize, step: &Step, answered: Option<&StepResult>) -> StepOutcome {
    StepOutcome {
        name: name_of(place, step),
        asked: answered.is_some(),
        class: answered.and_then(|answered| answered.failure.as_ref()).map(|failure| failure.class),
        status: answered.and_then(|answered| answered.status),
        timings: answered.map_or_else(Timings::default, |answered| answered.timings),
    }
}

/// One step: its token, its request, what is captured from the answer, and what the page links to.
async fn take_step(
    context: &JourneyContext,
    probe: &Probe,
    step: &Step,
    session: &mut Session,
    deadline: Deadline,
) -> StepResult {
    let began = Instant::now();
    let mut answered = ask(context, probe, step, session, deadline).await;
    if answered.failure.is_none()
        && let Err(fault) = capture_all(step, session, &answered).await
    {
        let url = answered.page.as_ref().map(|page| page.url.clone());
        answered.fail(&fault, Vec::new(), url.as_ref(), probe, step, &session.redactor);
    }
    if answered.failure.is_none() && (step.expect.alt_svc || step.warn.alt_svc) {
        // Boxed: most checks do not need this future.
        let services = AltServices { requester: &context.requester, probe, step, session, deadline };
        Box::pin(services.check(&mut answered)).await;
        if !step.expect.alt_svc {
            answered.warn_instead("alt-svc");
        }
    }
    if answered.failure.is_none()
        && let Some(assets) = &step.expect.assets
    {
        PageLoad { requester: &context.requester, probe, step, session, deadline }.load(assets, &mut answered).await;
    }
    if answered.failure.is_none()
        && let Some(assets) = &step.warn.assets
    {
        let loaded = std::mem::take(&mut answered.assets);
        PageLoad { requester: &context.requester, probe, step, session, deadline }.load(assets, &mut answered).await;
        answered.assets.splice(0..0, loaded);
        answered.warn_instead("assets");
    }
    answered.note_total(began);
    answered
}

/// Keeps the captured values, and treats them as secret from then on.
async fn capture_all(step: &Step, session: &mut Session, answered: &StepResult) -> Result<(), Fault> {
    let Some(page) = answered.page.as_ref().filter(|_| !step.captures.is_empty()) else { return Ok(()) };
    let taken = capture::take(&step.captures, page, &answered.body, &session.jar).await?;
    session.redactor = session.redactor.with(taken.iter().map(|(_, value)| Secret::new(value)));
    session.captures.extend(taken);
    Ok(())
}

/// Sends the request, with a token if it needs one. A token from an earlier check that is refused
/// may have been revoked: a new one is fetched, and the request is sent once more.
async fn ask(
    context: &JourneyContext,
    probe: &Probe,
    step: &Step,
    session: &mut Session,
    deadline: Deadline,
) -> StepResult {
    let Some(Auth::OAuth2(oauth)) = &step.request.auth else {
        return exchange(context, probe, step, session, deadline).await;
    };
    let mut is_repeated = false;
    loop {
        let fetched = match context.tokens.get(&context.requester, probe, oauth, session, deadline).await {
            Ok(fetched) => fetched,
            Err(fault) => return not_asked(&fault, probe, step, session),
        };
        if session.token.as_ref() != Some(&fetched.secret) {
            session.redactor = redactor_with(&fetched, session);
        }
        session.token = Some(fetched.secret.clone());
        let answered = exchange(context, probe, step, session, deadline).await;
        let is_refused = answered.status == Some(401) && answered.failure.is_some();
        if is_repeated || !(is_refused && fetched.kept) {
            return answered;
        }
        context.tokens.forget(oauth, session, &fetched.secret);
        is_repeated = true;
    }
}

async fn exchange(
    context: &JourneyContext,
    probe: &Probe,
    step: &Step,
    session: &mut Session,
    deadline: Deadline,
) -> StepResult {
    StepRun { requester: &context.requester, probe, step, session, deadline, home: None }.run().await
}

fn not_asked(fault: &Fault, probe: &Probe, step: &Step, session: &Session) -> StepResult {
    let mut answered = StepResult::default();
    answered.fail(fault, Vec::new(), None, probe, step, &session.redactor);
    answered
}

/// The session's redactor, extended by the token.
fn redactor_with(fetched: &Fetched, session: &Session) -> Redactor {
    let build = || session.redactor.with([fetched.secret.clone()]);
    if session.captures.is_empty() && session.token.is_none() {
        fetched.redactor.get_or_init(build).clone()
    } else {
        build()
    }
}
