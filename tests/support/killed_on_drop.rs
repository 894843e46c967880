//! A process that does not outlive the test that started it, even if the test fails.

use std::ops::{Deref, DerefMut};
use std::process::Child;

/// A child process that is killed and reaped when it is dropped.
pub struct KilledOnDrop(Child);

impl From<Child> for KilledOnDrop {
    fn from(child: Child) -> KilledOnDrop {
        KilledOnDrop(child)
    }
}

impl Deref for KilledOnDrop {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for KilledOnDrop {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // If the test succeeded, it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
