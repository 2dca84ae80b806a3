//! The hosts that files may be read from, and the client that asks nobody else.

use super::{
    address::is_public,
    follow::{Hop, Missed, shown},
};
use crate::secret::Secret;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderName, HeaderValue},
    redirect, retry,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};
use url::{Host as UrlHost, Url};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// A host that files may be read from.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name in small letters, or its address; `*.files.example` for every host below `files.example`.
    pub name: String,
    /// Its port; `None`: the usual one of the scheme.
    pub port: Option<u16>,
    /// True when it may have an address of a private network or of this machine.
    pub internal: bool,
    /// True when it may be asked over plain HTTP.
    pub plain: bool,
    /// The key that is sent to it; `None` sends none.
    pub key: Option<HostKey>,
}

/// A key for one host.
#[derive(Clone, Debug)]
pub struct HostKey {
    header: HeaderName,
    value: HeaderValue,
}

/// Why a host cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The header or the key cannot be sent.
    #[error("the key for {host} cannot be sent in the header `{header}`")]
    Key {
        /// The host.
        host: String,
        /// The header.
        header: String,
    },
}

impl HostKey {
    /// A key in a header; `{secret}` in `template` is its place.
    ///
    /// # Errors
    /// When they cannot stand in a header.
    pub fn new(
        host: &str,
        header: &str,
        template: &str,
        secret: &Secret,
    ) -> Result<HostKey, HostError> {
        let fault = || HostError::Key {
            host: host.to_owned(),
            header: header.to_owned(),
        };
        let name = HeaderName::from_bytes(header.as_bytes()).map_err(|_| fault())?;
        let text = template.replace("{secret}", secret.expose());
        let mut value = HeaderValue::from_str(&text).map_err(|_| fault())?;
        value.set_sensitive(true);
        Ok(HostKey {
            header: name,
            value,
        })
    }
}

/// The hosts that may be asked.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    list: Arc<[Host]>,
    client: Arc<OnceLock<Result<Client, String>>>,
}

impl Hosts {
    /// These hosts and no others.
    pub fn new(list: Vec<Host>) -> Hosts {
        Hosts {
            list: list.into(),
            client: Arc::default(),
        }
    }

    /// Whether and how an address may be asked; else why not.
    pub(super) fn judge(&self, url: &Url) -> Result<Hop, Missed> {
        let host = self.find(url)?;
        let client = self.client.get_or_init(|| {
            let list = Arc::clone(&self.list);
            let inside = Guard(Arc::new(move |name: &str| {
                list.iter().any(|h| h.internal && fits(&h.name, name))
            }));
            client(inside)
        });
        match client {
            Ok(client) => Ok(Hop {
                client: client.clone(),
                header: host
                    .key
                    .as_ref()
                    .filter(|_| url.scheme() == "https" || is_here(url))
                    .map(|k| (k.header.clone(), k.value.clone())),
            }),
            Err(why) => Err(Missed::unavailable(url, format!("no client: {why}"))),
        }
    }

    /// The entry that allows an address.
    pub(super) fn find(&self, url: &Url) -> Result<&Host, Missed> {
        let refused = |why: String| Missed::refused(url, why);
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            other => return Err(refused(format!("`{other}:` is no web address"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it carries a name or a password".to_owned()));
        }
        let (Some(named), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(refused("it names no host".to_owned()));
        };
        let usual = if plain { 80 } else { 443 };
        let found = self
            .list
            .iter()
            .filter(|h| fits(&h.name, named) && h.port.unwrap_or(usual) == port);
        let Some(host) = found.max_by_key(|h| (h.key.is_some(), h.name.len())) else {
            return Err(refused(format!(
                "the migration allows no files from {}",
                authority(url)
            )));
        };
        let literal = match url.host() {
            Some(UrlHost::Ipv4(a)) => Some(IpAddr::V4(a)),
            Some(UrlHost::Ipv6(a)) => Some(IpAddr::V6(a)),
            _ => None,
        };
        if literal.is_some_and(|a| !is_public(a)) && !host.internal {
            return Err(refused(INSIDE.to_owned()));
        }
        if plain && !host.plain && !(is_here(url) && host.internal) {
            return Err(refused("it is plain http, and not https".to_owned()));
        }
        Ok(host)
    }
}

const INSIDE: &str = "its host has an address of a private network or of this machine";

/// True for an address of this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Ipv4(a)) => a.is_loopback(),
        Some(UrlHost::Ipv6(a)) => a.is_loopback(),
        Some(UrlHost::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// True when a host is meant by the name in an entry.
fn fits(entry: &str, host: &str) -> bool {
    match entry.strip_prefix("*.") {
        Some(above) => host
            .strip_suffix(above)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|rest| !rest.is_empty()),
        None => entry == host,
    }
}

/// Host and port of an address.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Whether an address of the public network may be asked without a key, and with which client.
pub(in crate::connector) fn public_client(url: &Url) -> Result<Hop, Missed> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    let anybody = Host {
        name: url.host_str().unwrap_or_default().to_owned(),
        port: url.port(),
        internal: false,
        plain: false,
        key: None,
    };
    Hosts::new(vec![anybody]).find(url)?;
    match CLIENT.get_or_init(|| client(Guard(Arc::new(|_: &str| false)))) {
        Ok(client) => Ok(Hop {
            client: client.clone(),
            header: None,
        }),
        Err(why) => Err(Missed::unavailable(url, format!("no client: {why}"))),
    }
}

fn client(guard: Guard) -> Result<Client, String> {
    // Somebody else in the process may have chosen a provider before: any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("transload/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        // What is compared and sent on is what the host holds, byte by byte.
        .no_gzip()
        .dns_resolver(Arc::new(guard))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .build()
        .map_err(|e| e.to_string())
}

/// Resolves names and keeps to the public network, at the moment of the connection: what a name meant when it was
/// judged does not count.
struct Guard(Arc<dyn Fn(&str) -> bool + Send + Sync>);

/// A name that leads inside.
#[derive(Debug, thiserror::Error)]
#[error("{INSIDE}")]
pub(super) struct Inside;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_ascii_lowercase();
        let internal = (self.0)(&host);
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let some = !found.is_empty();
            let open: Vec<SocketAddr> = found
                .into_iter()
                .filter(|a| internal || is_public(a.ip()))
                .collect();
            if some && open.is_empty() {
                return Err(Box::new(Inside) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

impl Missed {
    fn refused(url: &Url, why: String) -> Missed {
        Missed {
            code: "file_refused",
            words: format!("the file at {} is not read: {why}", shown(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &[(&str, Option<u16>, bool, bool)]) -> Hosts {
        Hosts::new(
            list.iter()
                .map(|(name, port, internal, plain)| Host {
                    name: (*name).to_owned(),
                    port: *port,
                    internal: *internal,
                    plain: *plain,
                    key: None,
                })
                .collect(),
        )
    }

    fn judged(hosts: &Hosts, url: &str) -> Result<(), String> {
        hosts
            .find(&Url::parse(url).unwrap())
            .map(|_| ())
            .map_err(|m| m.words)
    }

    #[test]
    fn only_listed_hosts_are_asked() {
        let list = hosts(&[
            ("files.example.com", None, false, false),
            ("*.cdn.example.com", None, false, false),
            ("10.0.0.7", Some(8443), true, false),
            ("old.example.com", None, false, true),
            ("127.0.0.1", Some(8080), true, false),
            ("192.168.0.9", None, false, false),
        ]);
        for good in [
            "https://files.example.com/a.pdf?sig=x",
            "https://FILES.example.com:443/a.pdf",
            "https://a.b.cdn.example.com/x",
            "https://10.0.0.7:8443/x",
            "http://old.example.com/x",
            "http://127.0.0.1:8080/x",
        ] {
            assert_eq!(judged(&list, good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("https://evil.example.com/a", "allows no files"),
            ("https://files.example.com.evil.com/a", "allows no files"),
            ("https://cdn.example.com/a", "allows no files"),
            ("https://xcdn.example.com/a", "allows no files"),
            ("https://files.example.com:8443/a", "allows no files"),
            ("http://files.example.com/a", "plain http"),
            ("https://u:p@files.example.com/a", "name or a password"),
            ("ftp://files.example.com/a", "no web address"),
            ("file:///etc/passwd", "no web address"),
            ("https://192.168.0.9/a", "private network"),
            (
                "http://0x7f.1:8081/a",
                "allows no files from 127.0.0.1:8081",
            ),
            ("https://169.254.169.254/latest", "allows no files"),
        ] {
            let said = judged(&list, bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
            assert!(!said.contains("u:p") && !said.contains("sig"), "{said}");
        }
    }

    #[test]
    fn a_key_goes_over_https_and_within_this_machine_alone() {
        let key = HostKey::new("a", "x-key", "k {secret}", &Secret::new("s")).unwrap();
        let list = Hosts::new(
            [("old.example.com", false), ("127.0.0.1", true)]
                .map(|(name, internal)| Host {
                    name: name.to_owned(),
                    port: None,
                    internal,
                    plain: true,
                    key: Some(key.clone()),
                })
                .to_vec(),
        );
        let sent = |url: &str| list.judge(&Url::parse(url).unwrap()).unwrap().header;
        assert_eq!(sent("https://old.example.com/a").unwrap().1, "k s");
        assert!(sent("http://old.example.com/a").is_none());
        assert!(sent("http://127.0.0.1/a").is_some());
        let shown = format!("{list:?}");
        assert!(!shown.contains("k s"), "{shown}");
    }

    #[tokio::test]
    async fn names_that_lead_inside_are_not_followed() {
        let look = |internal: bool| {
            let guard = Guard(Arc::new(move |_: &str| internal));
            guard.resolve("localhost".parse().unwrap())
        };
        assert!(look(false).await.err().unwrap().is::<Inside>());
        assert!(look(true).await.unwrap().next().is_some());
    }
}
