//! A signal to stop, shared by everything that waits.
//!
//! It says only that somebody asked; what is finished first is decided where the signal is read.

use std::sync::Arc;
use tokio::sync::watch;

/// A signal to stop. Clones share it; it cannot be taken back.
#[derive(Clone, Debug)]
pub struct Cancel {
    asked: Arc<watch::Sender<bool>>,
}

impl Cancel {
    /// A signal nobody has given yet.
    pub fn new() -> Cancel {
        Cancel {
            asked: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Asks everybody who holds a clone to stop.
    pub fn cancel(&self) {
        self.asked.send_replace(true);
    }

    /// True once somebody asked.
    pub fn is_cancelled(&self) -> bool {
        *self.asked.borrow()
    }

    /// Returns once somebody asked; at once when that was before.
    pub async fn cancelled(&self) {
        let mut asked = self.asked.subscribe();
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = asked.wait_for(|asked| *asked).await;
    }
}

impl Default for Cancel {
    fn default() -> Cancel {
        Cancel::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_signal_reaches_those_who_wait_and_those_who_come_later() {
        let cancel = Cancel::new();
        let waiting = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.cancelled().await }
        });
        assert!(!cancel.is_cancelled());
        let early = tokio::time::timeout(Duration::from_millis(20), cancel.cancelled()).await;
        assert!(early.is_err());
        cancel.cancel();
        waiting.await.unwrap();
        cancel.cancelled().await;
        assert!(cancel.is_cancelled());
    }
}
