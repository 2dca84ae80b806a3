//! One try to read a file: redirects followed one by one, the body counted, hashed and written as it comes.

use super::{
    hosts::Inside,
    name::{of_disposition, percent_decoded, safe},
};
use crate::connector::causes::causes;
use reqwest::{
    Client, Response, StatusCode,
    header::{
        CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
        LOCATION, RETRY_AFTER,
    },
};
use std::{error::Error, fmt::Write as _, time::Duration};
use tokio::io::AsyncWriteExt as _;
use url::Url;

/// Most redirects.
const HOPS: usize = 5;

/// Why a file was not read: the code and the words of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The code.
    pub code: &'static str,
    /// In words, without what may be secret in the address.
    pub words: String,
}

impl Missed {
    /// A file whose host does not give it.
    pub(in crate::connector) fn unavailable(url: &Url, why: String) -> Missed {
        Missed {
            code: "file_unavailable",
            words: format!("the file at {} cannot be read: {why}", shown(url)),
        }
    }

    fn gone(url: &Url, status: StatusCode) -> Missed {
        Missed {
            code: "file_missing",
            words: format!("the file at {} is not there: status {status}", shown(url)),
        }
    }

    fn large(url: &Url, bytes: Option<u64>, max: u64) -> Missed {
        let has = bytes.map_or("more".to_owned(), |b| format!("{b} bytes"));
        Missed {
            code: "file_too_large",
            words: format!(
                "the file at {} has {has}, and {max} are the most",
                shown(url)
            ),
        }
    }
}

/// An address without what may be secret in it: no name, password, query or fragment.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // They fail for addresses that can carry none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// The same for a text of which nobody knows whether it is an address. `None` when nothing is left out of it.
pub fn bare(text: &str) -> Option<String> {
    let text = text.trim();
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    let secret = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    secret.then(|| shown(&url))
}

/// How an address is asked.
pub(in crate::connector) struct Hop {
    pub(in crate::connector) client: Client,
    pub(in crate::connector) header: Option<(HeaderName, HeaderValue)>,
}

/// How a try ended without a file.
pub(in crate::connector) enum Fault {
    /// Trying again does not help.
    Missed(Missed),
    /// It may, after that time where the host says one.
    Again {
        why: Missed,
        after: Option<Duration>,
    },
    /// It cannot be kept.
    Disk(std::io::Error),
}

/// Takes a body: to a file where there is one, and always into its checksum.
pub(in crate::connector) struct Sink {
    file: Option<tokio::fs::File>,
    sum: ring::digest::Context,
    bytes: u64,
    max: u64,
}

impl Sink {
    /// An empty one for at most so many bytes.
    pub(in crate::connector) fn new(file: Option<tokio::fs::File>, max: u64) -> Sink {
        Sink {
            file,
            sum: ring::digest::Context::new(&ring::digest::SHA256),
            bytes: 0,
            max,
        }
    }

    /// The checksum in hexadecimal, and the size, when everything is written.
    pub(in crate::connector) async fn close(mut self) -> std::io::Result<(String, u64)> {
        if let Some(file) = &mut self.file {
            file.flush().await?;
        }
        Ok((hex(self.sum), self.bytes))
    }
}

pub(super) fn hex(sum: ring::digest::Context) -> String {
    let mut out = String::with_capacity(64);
    for byte in sum.finish().as_ref() {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// What stands beside a body.
pub(in crate::connector) struct Answered {
    /// Its type, as the host calls it.
    pub(in crate::connector) kind: Option<String>,
    /// Its name, made harmless.
    pub(in crate::connector) name: Option<String>,
}

/// Reads what is at an address into a sink. Every address on the way is judged before it is asked.
pub(in crate::connector) async fn follow(
    first: Url,
    judge: &(dyn Fn(&Url) -> Result<Hop, Missed> + Send + Sync),
    sink: &mut Sink,
) -> Result<Answered, Fault> {
    let mut url = first;
    for _ in 0..=HOPS {
        let Hop { client, header } = judge(&url).map_err(Fault::Missed)?;
        let mut request = client.get(url.clone());
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|e| unsent(&url, e))?;
        let status = response.status();
        if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            url = next(&url, response.headers())?;
            continue;
        }
        check(&url, &response)?;
        return body(&url, response, sink).await;
    }
    let why = format!("more than {HOPS} redirects");
    Err(Fault::Missed(Missed::unavailable(&url, why)))
}

fn next(url: &Url, headers: &HeaderMap) -> Result<Url, Fault> {
    let to = headers.get(LOCATION).and_then(|v| v.to_str().ok());
    to.and_then(|to| url.join(to).ok()).ok_or_else(|| {
        let why = "a redirect without an address".to_owned();
        Fault::Missed(Missed::unavailable(url, why))
    })
}

/// Judges status and headers.
fn check(url: &Url, response: &Response) -> Result<(), Fault> {
    let status = response.status();
    let missed = |why: String| Fault::Missed(Missed::unavailable(url, why));
    match status.as_u16() {
        200 => {}
        404 | 410 => return Err(Fault::Missed(Missed::gone(url, status))),
        408 | 425 | 429 | 500..=599 => {
            let after = response.headers().get(RETRY_AFTER);
            let after = after.and_then(|v| v.to_str().ok()?.trim().parse().ok());
            return Err(Fault::Again {
                why: Missed::unavailable(url, format!("status {status}")),
                after: after.map(Duration::from_secs),
            });
        }
        _ => return Err(missed(format!("status {status}"))),
    }
    let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
    if text(CONTENT_ENCODING).is_some_and(|e| !e.trim().eq_ignore_ascii_case("identity")) {
        return Err(missed("the host sends it in another coding".to_owned()));
    }
    Ok(())
}

async fn body(url: &Url, mut response: Response, sink: &mut Sink) -> Result<Answered, Fault> {
    let large = |bytes| Fault::Missed(Missed::large(url, bytes, sink.max));
    if let Some(bytes) = response.content_length().filter(|b| *b > sink.max) {
        return Err(large(Some(bytes)));
    }
    let text = |name| {
        let value: Option<&HeaderValue> = response.headers().get(name);
        value.and_then(|v| String::from_utf8(v.as_bytes().to_vec()).ok())
    };
    let kind = text(CONTENT_TYPE).map(|t| t.trim().to_owned());
    let last = url
        .path_segments()
        .and_then(Iterator::last)
        .unwrap_or_default();
    let last = String::from_utf8_lossy(&percent_decoded(last)).into_owned();
    let named = text(CONTENT_DISPOSITION).and_then(|d| of_disposition(&d));
    let name = named.as_deref().and_then(safe).or_else(|| safe(&last));
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                sink.bytes += piece.len() as u64;
                // What a host says about the size is not what counts.
                if sink.bytes > sink.max {
                    return Err(Fault::Missed(Missed::large(url, None, sink.max)));
                }
                sink.sum.update(&piece);
                if let Some(file) = &mut sink.file {
                    file.write_all(&piece).await.map_err(Fault::Disk)?;
                }
            }
            Ok(None) => return Ok(Answered { kind, name }),
            Err(e) => {
                let why = match e.is_timeout() {
                    true => "the host fell silent in the middle of it",
                    false => "it arrives cut short",
                };
                return Err(Fault::Again {
                    why: Missed::unavailable(url, why.to_owned()),
                    after: None,
                });
            }
        }
    }
}

fn unsent(url: &Url, e: reqwest::Error) -> Fault {
    let e = e.without_url();
    if is_inside(&e) {
        return Fault::Missed(Missed {
            code: "file_refused",
            words: format!("the file at {} is not read: {Inside}", shown(url)),
        });
    }
    let mut why = "the host cannot be reached".to_owned();
    if !e.is_connect() {
        "the host does not answer".clone_into(&mut why);
    }
    if let Some(cause) = root(&e) {
        why = format!("{why} ({cause})");
    }
    Fault::Again {
        why: Missed::unavailable(url, why),
        after: None,
    }
}

/// True when the name of the host led inside.
fn is_inside(e: &(dyn Error + 'static)) -> bool {
    causes(e).any(|error| error.is::<Inside>())
}

/// The last cause of an error. Holds no address.
fn root(e: &(dyn Error + 'static)) -> Option<String> {
    let mut last = e.source()?;
    while let Some(cause) = last.source() {
        last = cause;
    }
    Some(last.to_string())
}
