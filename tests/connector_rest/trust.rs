//! Who gets the key, and what is ever said about it: certificates, redirects, logs and error texts.

use crate::server::{CONTACT, KEY, Server, demo, json, soon, with};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    io::{Read as _, Write},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tracing_subscriber::fmt::MakeWriter;
use transload::connector::{
    Stop,
    rest::{ConnectError, Rest, RestOptions},
};

fn tls(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/connector_rest/tls")
        .join(name)
}

/// Serves one answer over and over with that certificate; gives the port.
fn https(certificate: &str) -> u16 {
    let pem = std::fs::read(tls(certificate)).unwrap();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(&pem).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, socket);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}

async fn probe(certificate: &str, ca: Option<&str>) -> Result<(), Stop> {
    let options = RestOptions {
        base: Some(format!("https://localhost:{}/api", https(certificate))),
        ca_file: ca.map(tls),
        ..RestOptions::default()
    };
    soon(Rest::new(demo(""), options).unwrap().probe()).await
}

#[tokio::test]
async fn a_certificate_must_be_trusted_valid_and_for_that_host() {
    probe("localhost.pem", Some("ca.pem")).await.unwrap();
    for (certificate, ca) in [
        ("localhost.pem", None),
        ("other.pem", Some("ca.pem")),
        ("expired.pem", Some("ca.pem")),
        ("localhost.pem", Some("other.pem")),
    ] {
        let begun = Instant::now();
        let stop = probe(certificate, ca).await.unwrap_err();
        let Stop::Unreachable { why, .. } = &stop else {
            panic!("{certificate}: {stop:?}")
        };
        assert!(
            why.contains("certificate") && why.contains("ca_file"),
            "{why}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "no use in trying again"
        );
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_named() {
    for path in [tls("no-such-file.pem"), Path::new(file!()).to_owned()] {
        let options = RestOptions {
            base: Some("https://crm.example/api".to_owned()),
            ca_file: Some(path.clone()),
            ..RestOptions::default()
        };
        let fault = Rest::new(demo(""), options).err().unwrap();
        assert!(matches!(fault, ConnectError::CaFile { .. }), "{fault:?}");
        assert!(
            fault.to_string().contains(path.to_str().unwrap()),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_redirect_never_carries_the_key_away() {
    let other = Server::start(|_| json(200, "{}")).await;
    let to = format!("http://{}/api/contacts/1", other.address);
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let server = Server::start(move |_| with(status, "location", &to)).await;
        let rest = server.rest();
        assert!(soon(rest.get(CONTACT, "1")).await.is_err());
        soon(rest.create(CONTACT, b"{}")).await.unwrap();
        soon(rest.update(CONTACT, "1", b"{}")).await.unwrap();
    }
    assert!(other.seen().is_empty());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn neither_the_key_nor_a_person_stands_in_logs_and_errors() {
    const PERSON: &str = "ada.lovelace";
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut said = Vec::new();
    for reaction in [
        json(401, ""),
        json(404, ""),
        json(500, ""),
        json(200, "<html>"),
        json(400, r#"{"errors":{"message":"no"}}"#),
        with(
            302,
            "location",
            format!("https://x.example/?q={PERSON}&key={KEY}"),
        ),
        crate::server::Reaction::HangUp,
        crate::server::Reaction::CutShort("{".to_owned()),
    ] {
        let server = Server::script(vec![reaction]).await;
        let rest = server.rest();
        let record = format!(r#"{{"email":"{PERSON}@x.example"}}"#);
        said.push(format!(
            "{:?}",
            soon(rest.lookup(CONTACT, "email", PERSON)).await
        ));
        said.push(format!("{:?}", soon(rest.get(CONTACT, PERSON)).await));
        said.push(format!(
            "{:?}",
            soon(rest.create(CONTACT, record.as_bytes())).await
        ));
        said.push(format!(
            "{:?}",
            soon(rest.upsert(CONTACT, "emails", PERSON, record.as_bytes())).await
        ));
    }
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = socket.local_addr().unwrap();
    let server = Server::script(vec![json(500, "")]).await;
    let rest = server.rest_with(demo(""), |o| o.base = Some(format!("http://{nobody}/api")));
    said.push(format!(
        "{:?}",
        soon(rest.lookup(CONTACT, "email", PERSON)).await
    ));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("GET /lookup"), "{logged}");
    said.push(logged);
    for text in said {
        assert!(!text.contains(KEY), "{text}");
        assert!(!text.contains(PERSON), "{text}");
    }
}

#[test]
fn a_key_that_fits_in_no_header_is_refused_without_a_word_of_it() {
    let options = RestOptions {
        base: Some("https://crm.example/api".to_owned()),
        secret: Some(transload::secret::Secret::new("sch\u{f6}n\nkey")),
        ..RestOptions::default()
    };
    let fault = Rest::new(demo(""), options).err().unwrap();
    assert!(matches!(fault, ConnectError::BadSecret { .. }));
    assert!(!format!("{fault} {fault:?}").contains("key\""));
}
