//! Delivers one message: one attempt, then a few more with a growing wait in between.

use std::process::Stdio;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::mpsc::UnboundedSender;
use url::Url;

use super::backoff::Backoff;
use super::change::Change;
use crate::export::endpoint::{Answer, Endpoint};
use crate::model::{NetworkRules, Redactor, SafeText, io_reason, message};

/// The most bytes of a program's standard error that are kept.
const STDERR_LIMIT: u64 = 1_000;

/// One message to be delivered.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The message in one sentence.
    pub(super) summary: SafeText,
    pub(super) transport: Transport,
    /// The most attempts.
    pub(super) attempts: u32,
    /// The timeout of one attempt.
    pub(super) timeout: Duration,
    pub(super) redactor: Redactor,
    pub(super) network: NetworkRules,
}

/// How a message gets to its receiver.
#[derive(Debug)]
pub(super) enum Transport {
    /// An HTTP POST.
    Post { url: String, headers: HeaderMap, body: Vec<u8> },
    /// A program, run without a shell.
    Run { command: Vec<String>, environment: Vec<(&'static str, String)>, input: Vec<u8> },
}

/// The result of one attempt. `Retry` has the wait that the receiver asks for, if any, and the
/// reason.
enum Attempt {
    Delivered,
    Retry(Option<Duration>, SafeText),
    Refused(SafeText),
}

/// What became of one message.
#[derive(Debug)]
pub(super) struct DeliveryResult {
    /// The index of the receiver.
    pub(super) receiver: usize,
    pub(super) change: Change,
    /// The message in one sentence.
    pub(super) summary: SafeText,
    /// Why it was not delivered.
    pub(super) result: Result<(), SafeText>,
}

/// Delivers the messages of one receiver, in order. After a failure the remaining ones are held
/// back, so that a receiver never gets the end of something before its start.
pub(super) async fn in_order(
    receiver: usize,
    deliveries: Vec<(Change, Delivery)>,
    backoff: Backoff,
    results: UnboundedSender<DeliveryResult>,
) {
    for (change, delivery) in deliveries {
        let result = delivery.deliver(backoff).await;
        let failed = result.is_err();
        let result = DeliveryResult { receiver, change, summary: delivery.summary, result };
        if results.send(result).is_err() || failed {
            return;
        }
    }
}

impl Delivery {
    async fn deliver(&self, backoff: Backoff) -> Result<(), SafeText> {
        let mut attempt = 1;
        loop {
            let (after, why) = match self.attempt().await {
                Attempt::Delivered => return Ok(()),
                Attempt::Refused(why) => return Err(why),
                Attempt::Retry(after, why) => (after, why),
            };
            if attempt >= self.attempts {
                let times = if attempt == 1 { "1 attempt".to_owned() } else { format!("{attempt} attempts") };
                return Err(SafeText::message(&format!("{why} ({times})")));
            }
            let wait = after.unwrap_or_default().min(backoff.longest).max(backoff.before(attempt));
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn attempt(&self) -> Attempt {
        match &self.transport {
            Transport::Post { url, headers, body } => self.post(url, headers, body).await,
            Transport::Run { command, environment, input } => {
                match tokio::time::timeout(self.timeout, self.run(command, environment, input)).await {
                    Ok(attempt) => attempt,
                    Err(_) => Attempt::Retry(None, SafeText::message("the program did not end in time")),
                }
            }
        }
    }

    async fn post(&self, url: &str, headers: &HeaderMap, body: &[u8]) -> Attempt {
        let Ok(url) = Url::parse(url) else {
            return Attempt::Refused(SafeText::message("not a URL"));
        };
        let endpoint = match Endpoint::new(url, headers.clone(), self.timeout, None, self.network) {
            Ok(endpoint) => endpoint,
            Err(error) => return Attempt::Refused(self.redactor.message(error.to_string())),
        };
        match endpoint.post(body.to_vec(), is_worth_retrying).await {
            Answer::Accepted(_) => Attempt::Delivered,
            Answer::Retry(after, why) => Attempt::Retry(after, self.redactor.message(&why)),
            Answer::Refused(why) => Attempt::Refused(self.redactor.message(&why)),
        }
    }

    async fn run(&self, command: &[String], environment: &[(&'static str, String)], input: &[u8]) -> Attempt {
        let Some((program, arguments)) = command.split_first() else {
            return Attempt::Refused(SafeText::message("it names no program"));
        };
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A program that does not end in time is killed with this future.
            .kill_on_drop(true)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                return Attempt::Refused(
                    self.redactor.message(message!("{program} cannot be run: {}", io_reason(&error))),
                );
            }
        };
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program may leave its input unread.
                let _ = stdin.write_all(input).await;
            }
        };
        let listen = async {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = (&mut stderr).take(STDERR_LIMIT).read_to_end(&mut said).await;
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            }
            said
        };
        let ((), said, status) = tokio::join!(feed, listen, child.wait());
        match status {
            Ok(status) if status.success() => Attempt::Delivered,
            Ok(status) => {
                let said = String::from_utf8_lossy(&said);
                Attempt::Retry(None, self.redactor.message(message!("{program}: {status}: {}", said.trim())))
            }
            Err(error) => Attempt::Retry(None, self.redactor.message(message!("{program}: {}", io_reason(&error)))),
        }
    }
}

/// Whether a status means that the server is busy or broken, rather than that it rejects the
/// message.
fn is_worth_retrying(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
}
