//! The tasks that quinn would run in the background, driven by the task that waits for the connection
//! instead: when a check ends, all of its work ends.

use std::future::Future;
use std::io;
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;
use std::time::Instant;

use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};

use crate::engine::transport::beside::beside;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Collects the tasks that quinn spawns.
#[derive(Default)]
struct Spawner(Mutex<Vec<Task>>);

impl std::fmt::Debug for Spawner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}

impl Runtime for Spawner {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, task: Task) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}

/// The tasks of one connection.
#[derive(Default)]
pub(crate) struct Tasks {
    spawner: Arc<Spawner>,
    running: Vec<Task>,
}

impl Tasks {
    /// The runtime on which quinn spawns its tasks.
    pub(crate) fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::<Spawner>::clone(&self.spawner)
    }

    /// Polls each task once.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) {
        self.running.append(&mut self.spawner.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.running.retain_mut(|task| task.as_mut().poll(context).is_pending());
    }

    /// Waits for a future while driving the tasks.
    pub(crate) async fn beside<F: Future>(&mut self, future: F) -> F::Output {
        beside(future, |context| self.poll(context)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_spawned_task_goes_on_while_somebody_waits_and_not_without() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let mut tasks = Tasks::default();
        tasks.runtime().spawn(Box::pin(async move {
            let _ = send.send(7);
        }));
        tokio::task::yield_now().await;
        assert_eq!(tasks.running.len(), 0);
        assert_eq!(tasks.beside(receive).await, Ok(7));
        assert_eq!(tasks.running.len(), 0, "a task that has ended is let go");
    }
}
