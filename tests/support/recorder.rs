//! A server between the engine and a sandbox that passes everything on and remembers what was written.

use super::Sandbox;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
};
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// A writing call that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub method: String,
    pub path: String,
    pub body: Value,
}

/// Told of each writing call when it arrives, before the sandbox sees it.
type OnArrival = Arc<dyn Fn(&Written) + Send + Sync>;

#[derive(Clone)]
struct Shared {
    to: String,
    client: reqwest::Client,
    seen: Arc<Mutex<Vec<Written>>>,
    on_arrival: OnArrival,
}

/// Stands before a sandbox.
pub struct Recorder {
    /// Its address for the platform's API.
    pub base: String,
    seen: Arc<Mutex<Vec<Written>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Recorder {
    /// Stands before this sandbox.
    pub fn before(sandbox: &Sandbox) -> Recorder {
        Recorder::watching(sandbox, |_| {})
    }

    /// Stands before this sandbox and tells of each writing call when it arrives.
    pub fn watching(
        sandbox: &Sandbox,
        on_arrival: impl Fn(&Written) + Send + Sync + 'static,
    ) -> Recorder {
        let at = sandbox.base.find("://").expect("a scheme") + 3;
        let end = sandbox.base[at..]
            .find('/')
            .map_or(sandbox.base.len(), |i| at + i);
        let shared = Shared {
            to: sandbox.base[..end].to_owned(),
            client: super::client(),
            seen: Arc::default(),
            on_arrival: Arc::new(on_arrival),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let seen = Arc::clone(&shared.seen);
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            let app = Router::new().fallback(pass_on).with_state(shared);
            axum::serve(listener, app).await.expect("it serves");
        });
        Recorder {
            base: format!("http://{address}{}", &sandbox.base[end..]),
            seen,
            _runtime: runtime,
        }
    }

    /// What was written since the last time, in order of path.
    pub fn take(&self) -> Vec<Written> {
        let mut all = std::mem::take(&mut *self.seen.lock().expect("a lock"));
        all.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
        all
    }
}

async fn pass_on(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.path_and_query().map_or("", |p| p.as_str());
    if method != Method::GET && !path.starts_with("/_admin") {
        let written = Written {
            method: method.to_string(),
            path: path.to_owned(),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        };
        (shared.on_arrival)(&written);
        shared.seen.lock().expect("a lock").push(written);
    }
    let mut request = shared
        .client
        .request(method, format!("{}{path}", shared.to))
        .body(body);
    for (name, value) in &headers {
        if !["host", "content-length"].contains(&name.as_str()) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.expect("the sandbox answers");
    let mut out = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if !["transfer-encoding", "content-length"].contains(&name.as_str()) {
            out = out.header(name, value);
        }
    }
    let bytes = answer.bytes().await.expect("a body");
    out.body(Body::from(bytes)).expect("an answer")
}
