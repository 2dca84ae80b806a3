//! Reads a file back from the address that a server gave for it.
//!
//! The key goes to the platform's own server alone. An address elsewhere, as of a store of files, is asked without it, and
//! only on the public network.

use super::setup::Rest;
use crate::connector::{
    Stop,
    budget::Signal,
    download::{Fault, Hop, Missed, Sink, follow, public_client},
    notice::Notice,
};
use std::time::Duration;
use url::Url;

/// What an address gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A body.
    Is {
        /// Its SHA-256 checksum in hexadecimal.
        sha256: String,
        /// Its size.
        bytes: u64,
        /// Its type, as the server calls it.
        kind: Option<String>,
    },
    /// None: why not.
    NotGiven(String),
}

/// Most tries.
const TRIES: u32 = 3;

impl Rest {
    /// Reads what is at an address that the server gave, at most `max` bytes, and keeps its checksum alone.
    ///
    /// # Errors
    /// When the caller asked to stop, or the budget gives no place.
    pub async fn content(&self, address: &str, max: u64) -> Result<Content, Stop> {
        let inner = &self.inner;
        let Some(url) = inner.base.root().and_then(|r| r.join(address).ok()) else {
            return Ok(Content::NotGiven("its address is none".to_owned()));
        };
        let mut failures = 0;
        loop {
            let own = inner.base.is_own(&url);
            let permit = match own {
                false => None,
                true => Some(self.budget_place().await?),
            };
            inner.counters.sent(false);
            let mut sink = Sink::new(None, max);
            let judge = |url: &Url| match inner.base.is_own(url) {
                true => Ok(Hop {
                    client: inner.client.clone(),
                    header: None,
                }),
                false => public_client(url),
            };
            let found = tokio::select! {
                biased;
                () = inner.cancel.cancelled() => return Err(Stop::Cancelled),
                found = follow(url.clone(), &judge, &mut sink) => found,
                () = tokio::time::sleep(inner.timeout * 10) => Err(again("it takes too long")),
            };
            let signal = match &found {
                Ok(_) | Err(Fault::Missed(_)) => Signal::Fine,
                _ => Signal::Trouble,
            };
            inner.counters.answered(found.is_ok().then_some(200));
            if let Some(permit) = permit {
                permit.answered(signal, &Notice::default());
            }
            match found {
                Ok(answered) => {
                    return Ok(match sink.close().await {
                        Ok((sha256, bytes)) => Content::Is {
                            sha256,
                            bytes,
                            kind: answered.kind,
                        },
                        Err(e) => Content::NotGiven(e.to_string()),
                    });
                }
                Err(Fault::Missed(missed)) => return Ok(Content::NotGiven(missed.words)),
                Err(Fault::Disk(e)) => return Ok(Content::NotGiven(e.to_string())),
                Err(Fault::Again { why, .. }) => {
                    failures += 1;
                    if failures >= TRIES {
                        return Ok(Content::NotGiven(why.words));
                    }
                }
            }
            let wait: Duration = inner.backoff.delay(failures, &inner.jitter);
            self.pause_here(wait).await?;
        }
    }
}

fn again(why: &str) -> Fault {
    Fault::Again {
        why: Missed {
            code: "file_unavailable",
            words: why.to_owned(),
        },
        after: None,
    }
}
