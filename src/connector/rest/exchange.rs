//! One call on the wire: sent once, answered or not.
//!
//! It tells apart what certainly never left from what may have arrived, and reads the answer to its end. It
//! judges nothing and tries nothing again.

use super::payload::{FilePart, Payload};
use crate::connector::{cancel::Cancel, causes::causes};
use reqwest::{
    Client, Method, Response,
    header::{CONTENT_TYPE, HeaderMap, LOCATION},
    multipart::{Form, Part},
};
use std::{error::Error, time::Duration};
use url::Url;

/// Largest answer that is read, in bytes (after decompression).
const ANSWER_MAX: usize = 64 << 20;

/// What came back.
#[derive(Debug)]
pub(super) enum Raw {
    Answer {
        status: u16,
        headers: HeaderMap,
        /// The body; the error says why it could not be read to its end.
        body: Result<Vec<u8>, String>,
        /// True when the server calls it a web page.
        html: bool,
        /// Host of a redirect.
        location: Option<String>,
    },
    /// Certainly not arrived.
    NotSent { why: String, hopeless: bool },
    /// Sent, and no answer came.
    Lost { why: String },
    /// Given up because the caller asked to stop.
    Cancelled,
}

/// How long things may take.
#[derive(Clone, Copy)]
pub(super) struct Patience<'w> {
    /// How often it is told that a call has no answer yet, and who is told for how long.
    pub(super) waiting: (Duration, &'w (dyn Fn(Duration) + Sync)),
    pub(super) timeout: Duration,
    /// After the caller asked to stop; `None`: nothing is lost by stopping at once.
    pub(super) grace: Option<Duration>,
}

/// Sends one request and reads its answer.
pub(super) async fn exchange(
    client: &Client,
    method: &'static str,
    url: &Url,
    payload: &Payload,
    patience: Patience<'_>,
    cancel: &Cancel,
) -> Raw {
    let method = match method {
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "DELETE" => Method::DELETE,
        "PATCH" => Method::PATCH,
        _ => Method::GET,
    };
    let request = client.request(method, url.clone());
    let request = match payload {
        Payload::None => request,
        Payload::Json(body) => request
            .header(CONTENT_TYPE, "application/json")
            .body(body.clone()),
        Payload::Pairs(pairs) => request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(pairs.encoded()),
        Payload::Form { fields, files } => match form(fields, files).await {
            Ok(form) => request.multipart(form),
            Err(why) => {
                return Raw::NotSent {
                    why,
                    hopeless: true,
                };
            }
        },
    };
    let whole = async {
        match request.send().await {
            Ok(response) => read(response).await,
            Err(e) => no_answer(e),
        }
    };
    let stopped = async {
        cancel.cancelled().await;
        if let Some(grace) = patience.grace {
            tokio::time::sleep(grace).await;
        }
    };
    let begun = tokio::time::Instant::now();
    let told = async {
        loop {
            tokio::time::sleep(patience.waiting.0).await;
            (patience.waiting.1)(begun.elapsed());
        }
    };
    tokio::select! {
        biased;
        raw = whole => raw,
        () = told => Raw::Cancelled,
        () = tokio::time::sleep(patience.timeout) => Raw::Lost {
            why: format!("no answer within {} s", patience.timeout.as_secs_f64()),
        },
        () = stopped => match patience.grace {
            // It was sent: the caller must know that its effect is open.
            Some(_) => Raw::Lost { why: "stopped on request before the answer came".to_owned() },
            None => Raw::Cancelled,
        },
    }
}

async fn read(mut response: Response) -> Raw {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let html = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/html"));
    let location = headers
        .get(LOCATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|to| response.url().join(to).ok())
        .and_then(|to| to.host_str().map(str::to_owned));
    let mut body = Vec::new();
    let body = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > ANSWER_MAX => {
                break Err(format!("an answer of more than {} MiB", ANSWER_MAX >> 20));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break Ok(body),
            Err(e) => {
                break Err(format!(
                    "the answer was cut short: {}",
                    chain(&e.without_url())
                ));
            }
        }
    };
    Raw::Answer {
        status,
        headers,
        body,
        html,
        location,
    }
}

fn no_answer(e: reqwest::Error) -> Raw {
    let e = e.without_url();
    if e.is_builder() {
        return Raw::NotSent {
            why: chain(&e),
            hopeless: true,
        };
    }
    if e.is_connect() {
        let hopeless = bad_certificate(&e);
        let mut why = chain(&e);
        if hopeless {
            why.push_str("; for a certificate of your own give `ca_file`");
        }
        return Raw::NotSent { why, hopeless };
    }
    Raw::Lost { why: chain(&e) }
}

/// True when the server's certificate is not trusted: waiting does not heal that.
fn bad_certificate(e: &(dyn Error + 'static)) -> bool {
    causes(e).any(|error| {
        matches!(
            error.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    })
}

/// An error with its causes, each said once. Holds no address.
fn chain(e: &(dyn Error + 'static)) -> String {
    let mut out = e.to_string();
    let mut next = e.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !out.contains(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        next = cause.source();
    }
    out
}

async fn form(fields: &[(String, String)], files: &[FilePart]) -> Result<Form, String> {
    let mut form = Form::new();
    for (name, value) in fields {
        form = form.text(name.clone(), value.clone());
    }
    for file in files {
        let mut part = plain(file).await?;
        if let Some(kind) = &file.kind {
            // A type that is none is left out.
            part = match part.mime_str(kind) {
                Ok(typed) => typed,
                Err(_) => plain(file).await?,
            };
        }
        form = form.part(file.field.clone(), part);
    }
    Ok(form)
}

/// A file as a part, with the type that its path shows.
async fn plain(file: &FilePart) -> Result<Part, String> {
    let part = Part::file(&file.path)
        .await
        .map_err(|e| format!("cannot read {}: {e}", file.path.display()))?;
    Ok(match &file.name {
        Some(name) => part.file_name(name.clone()),
        None => part,
    })
}
