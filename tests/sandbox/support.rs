//! A sandbox of a shipped platform and a plain HTTP client beside it.

use serde_json::{Value, json};
use std::sync::Arc;
use transload::{
    check::platform::lower,
    diag::{Diagnostics, FileId},
    platform::Platform,
    sandbox::{self, Sandbox, SandboxOptions},
    spec::yaml,
};

/// The platform of a text.
pub fn platform_of(text: &str) -> Platform {
    let mut diags = Diagnostics::default();
    let tree = yaml::parse(FileId(0), text, &mut diags).expect("YAML");
    let platform = lower(&tree.root, &mut diags).expect("a platform");
    assert!(diags.is_empty(), "{diags:?}");
    platform
}

/// A shipped platform.
pub fn shipped(name: &str) -> Platform {
    let path = format!("{}/specs/platforms/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    platform_of(&std::fs::read_to_string(path).expect("the shipped file"))
}

/// A sandbox and a client.
pub struct Box {
    pub server: Sandbox,
    pub http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().expect("text"))
    }

    /// The reasons of a refusal.
    pub fn reasons(&self) -> Vec<String> {
        let json = self.json();
        assert_eq!(json["errors"]["code"], json!(self.status), "{}", self.text);
        serde_json::from_value(json["errors"]["message"].clone()).expect("a list of texts")
    }
}

pub async fn start_with(options: SandboxOptions) -> Box {
    start(shipped("freshsales"), options).await
}

pub async fn start(platform: Platform, options: SandboxOptions) -> Box {
    // Fails when it was installed before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = sandbox::start(Arc::new(platform), options)
        .await
        .expect("a sandbox");
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    Box { server, http }
}

/// A sandbox without limits.
pub async fn fresh() -> Box {
    start_with(SandboxOptions {
        unlimited: true,
        ..SandboxOptions::default()
    })
    .await
}

impl Box {
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("an answer");
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: answer.text().await.expect("a body"),
        }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.http
            .request(method, format!("{}{path}", self.server.base_url))
            .header("authorization", format!("Token token={}", self.server.key))
            .header("accept", "application/json")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("POST", path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("PUT", path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let url = format!("{}{path}", self.server.admin_url);
        let mut request = self.http.request(method.parse().expect("a method"), url);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    /// Creates a record and gives what the answer holds in the envelope.
    pub async fn made(&self, path: &str, wrap: &str, record: Value) -> Value {
        let answer = self.post(path, json!({wrap: record})).await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        answer.json()[wrap].clone()
    }

    pub async fn calls(&self) -> Value {
        self.admin("GET", "/calls", Value::Null).await.json()
    }

    pub async fn dump(&self, object: &str) -> Vec<Value> {
        let all = self
            .admin("GET", &format!("/dump?object={object}"), Value::Null)
            .await
            .json();
        all[object].as_array().expect("a list").clone()
    }

    /// The id that a listing or selector shows for a name.
    pub async fn id_of(&self, path: &str, list: &str, name: &str) -> i64 {
        let json = self.get(path).await.json();
        json[list]
            .as_array()
            .expect("a list")
            .iter()
            .find(|r| r["name"] == name || r["display_name"] == name)
            .and_then(|r| r["id"].as_i64())
            .unwrap_or_else(|| panic!("{name} in {json}"))
    }
}
