//! Forms: those of several parts as the JSON record that the rest of the simulated API works with, plain ones as
//! parameters.
//!
//! A file part becomes an object with its name, its size in bytes, its type and its BLAKE3 checksum; the content stands
//! beside it.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest as _, Multipart, Request},
    http::{HeaderMap, header},
};
use serde_json::{Map, Value, json};

/// True when the request says that its body is a form of several parts.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| {
            v.trim_start()
                .to_ascii_lowercase()
                .starts_with("multipart/form-data")
        })
}

/// Names and values of a plain form; none of another body.
pub(super) fn pairs(headers: &HeaderMap, body: &[u8]) -> Vec<(String, String)> {
    let plain = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| {
            v.trim_start()
                .to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded")
        });
    if !plain {
        return Vec::new();
    }
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// A request's body as JSON, and the files that came with it.
pub(super) struct Sent {
    /// The body as JSON where it is a form; as it is where it is none, or cannot be read as one.
    pub body: Bytes,
    /// Contents of files by their checksum.
    pub files: Vec<(String, Bytes)>,
}

/// Reads a request.
pub(super) async fn as_json(headers: &HeaderMap, body: Bytes) -> Sent {
    let mut files = Vec::new();
    if !is_form(headers) {
        return Sent { body, files };
    }
    let body = match parts(headers, body, &mut files).await {
        Some(record) => Value::Object(record).to_string().into(),
        // No JSON either: it is refused as what it is.
        None => Bytes::from_static(b"--"),
    };
    Sent { body, files }
}

async fn parts(
    headers: &HeaderMap,
    body: Bytes,
    files: &mut Vec<(String, Bytes)>,
) -> Option<Map<String, Value>> {
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers.clone();
    let mut form = Multipart::from_request(request, &()).await.ok()?;
    let mut record = Map::new();
    while let Some(part) = form.next_field().await.ok()? {
        let name = part.name()?.to_owned();
        let value = match part.file_name().map(str::to_owned) {
            Some(file) => {
                let kind = part.content_type().map(str::to_owned);
                let content = part.bytes().await.ok()?;
                let sum = blake3::hash(&content).to_hex().to_string();
                let value = json!({
                    "name": file,
                    "bytes": content.len(),
                    "type": kind,
                    "blake3": sum,
                });
                files.push((sum, content));
                value
            }
            None => Value::String(part.text().await.ok()?),
        };
        record.insert(name, value);
    }
    Some(record)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn headers(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())])
    }

    #[tokio::test]
    async fn files_become_name_size_and_checksum() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"file_name\"\r\n\r\nA b\r\n--x\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
        let got = as_json(&headers("multipart/form-data; boundary=x"), body.into()).await;
        assert_eq!(got.files[0].1, "hello");
        let got: Value = serde_json::from_slice(&got.body).unwrap();
        assert_eq!(got["file_name"], "A b");
        assert_eq!(got["file"]["name"], "a.txt");
        assert_eq!(got["file"]["bytes"], 5);
        assert_eq!(
            got["file"]["blake3"],
            blake3::hash(b"hello").to_hex().as_str()
        );
    }

    #[tokio::test]
    async fn what_is_no_form_stays_and_a_broken_form_is_no_json() {
        let json = as_json(&headers("application/json"), "{}".into()).await;
        assert_eq!(json.body, "{}");
        let broken = as_json(&headers("multipart/form-data"), "{}".into()).await;
        assert!(serde_json::from_slice::<Value>(&broken.body).is_err());
    }
}
