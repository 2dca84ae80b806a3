//! Addresses: the account's base, and the address of one call from an operation's template.
//!
//! What is put into a template is data and stays within its place: it is encoded, and cannot climb out of
//! its part of the path. Only the base decides where the secret goes.

use super::options::{ConnectError, RestOptions};
use crate::platform::Http;
use std::fmt::Write as _;
use url::{Host, Url};

/// The base address of an account.
#[derive(Clone, Debug)]
pub(super) struct Base {
    url: Url,
    /// Without a slash at the end.
    text: String,
}

impl Base {
    pub(super) fn new(
        platform: &str,
        http: &Http,
        options: &RestOptions,
    ) -> Result<Base, ConnectError> {
        let text = match &options.base {
            Some(base) => base.clone(),
            None => filled_base(platform, http, options)?,
        };
        let bad = |address: &str, why: &str| ConnectError::BadBase {
            address: address.to_owned(),
            why: why.to_owned(),
        };
        let url = Url::parse(text.trim())
            .map_err(|e| bad("given", &format!("it is no web address ({e})")))?;
        let shown = format!(
            "{}://{}{}",
            url.scheme(),
            host_port(&url),
            url.path().trim_end_matches('/')
        );
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(&shown, "it carries a user or password; use `secret`"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad(&shown, "it carries a `?` or `#` part"));
        }
        match url.scheme() {
            "https" if url.host().is_some() => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(bad(
                    &shown,
                    "plain http is only for this machine; write https",
                ));
            }
            _ => return Err(bad(&shown, "it must begin with https://")),
        }
        Ok(Base { url, text: shown })
    }

    /// Host and port, for people.
    pub(super) fn host(&self) -> String {
        host_port(&self.url)
    }

    pub(super) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// The address of a path below the base, with its query.
    pub(super) fn below(&self, path: &str, query: &[(String, String)]) -> Option<Url> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = Url::parse(&format!("{}{slash}{path}", self.text)).ok()?;
        self.own(with_query(url, query))
    }

    /// The address of a path at the root of the same server.
    pub(super) fn at_root(&self, path: &str) -> Option<Url> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        let root = format!("{}://{}", self.url.scheme(), self.host());
        self.own(Url::parse(&format!("{root}{slash}{path}")).ok()?)
    }

    /// A link the server gave: whole, from the root, or beside `from`. `None` when it leads to another server.
    pub(super) fn follow(&self, from: &Url, link: &str) -> Option<Url> {
        self.own(from.join(link).ok()?)
    }

    /// The root of the server.
    pub(super) fn root(&self) -> Option<Url> {
        self.at_root("/")
    }

    /// True for an address on the same server.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        self.own(url.clone()).is_some()
    }

    fn own(&self, url: Url) -> Option<Url> {
        (url.origin() == self.url.origin() && url.username().is_empty() && url.password().is_none())
            .then_some(url)
    }
}

fn host_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn with_query(mut url: Url, query: &[(String, String)]) -> Url {
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

fn filled_base(platform: &str, http: &Http, options: &RestOptions) -> Result<String, ConnectError> {
    let mut base = http.base.clone();
    for (name, _) in &http.params {
        let value = options
            .params
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.trim())
            .filter(|v| !v.is_empty())
            .ok_or_else(|| ConnectError::MissingParam {
                platform: platform.to_owned(),
                name: name.clone(),
            })?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || "?#@\\{}".contains(c);
        if value.contains(odd) || value.contains("//") {
            return Err(ConnectError::BadParam { name: name.clone() });
        }
        base = base.replace(&format!("{{{name}}}"), value.trim_matches('/'));
    }
    Ok(base)
}

/// Why a template cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfilled(pub(super) String);

/// Puts encoded values into a path template.
pub(super) fn fill_path(template: &str, values: &[(&str, &str)]) -> Result<String, Unfilled> {
    fill(template, values, |out, name, value| {
        // An empty part would address the collection, one of dots its parent.
        if value.is_empty() || value == "." || value == ".." {
            return Err(Unfilled(format!("`{name}` is empty or made of dots")));
        }
        encode(out, value);
        Ok(())
    })
}

/// Puts values into a query template as they are; the address encodes them.
pub(super) fn fill_text(template: &str, values: &[(&str, &str)]) -> Result<String, Unfilled> {
    fill(template, values, |out, _, value| {
        out.push_str(value);
        Ok(())
    })
}

fn fill(
    template: &str,
    values: &[(&str, &str)],
    put: impl Fn(&mut String, &str, &str) -> Result<(), Unfilled>,
) -> Result<String, Unfilled> {
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        let value = values
            .iter()
            .find(|(n, _)| *n == name)
            .ok_or_else(|| Unfilled(format!("nothing fills `{{{name}}}`")))?;
        put(&mut out, name, value.1)?;
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// Everything but letters, digits and `-._~` as `%XX`.
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn http() -> Http {
        Http {
            base: "https://{alias}/api".to_owned(),
            mount: "/api".to_owned(),
            params: vec![("alias".to_owned(), crate::value::Type::Text)],
            auth_header: "authorization".to_owned(),
            auth_value: "{secret}".to_owned(),
            ..Http::default()
        }
    }

    fn base(text: &str) -> Result<Base, ConnectError> {
        let options = RestOptions {
            base: Some(text.to_owned()),
            ..RestOptions::default()
        };
        Base::new("Thing", &http(), &options)
    }

    fn param(value: &str) -> Result<Base, ConnectError> {
        let options = RestOptions {
            params: vec![("alias".to_owned(), value.to_owned())],
            ..RestOptions::default()
        };
        Base::new("Thing", &http(), &options)
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for good in [
            "http://127.0.0.1:8080/api/",
            "http://localhost/api",
            "http://[::1]:9",
            "https://crm.example/api",
        ] {
            assert!(base(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://crm.example/api", "plain http"),
            ("http://127.0.0.1.example/api", "plain http"),
            ("http://10.0.0.1/", "plain http"),
            ("ftp://crm.example", "must begin with https"),
            ("crm.example/api", "no web address"),
            ("https://me:secret@crm.example", "user or password"),
            ("https://crm.example/?key=secret", "`?` or `#`"),
        ] {
            let got = base(bad).unwrap_err().to_string();
            assert!(got.contains(why), "{bad}: {got}");
            assert!(!got.contains("secret@") && !got.contains("key="), "{got}");
        }
    }

    #[test]
    fn parameters_fill_the_declared_base() {
        let b = param("acme.example/crm/sales").unwrap();
        assert_eq!(b.text, "https://acme.example/crm/sales/api");
        assert!(matches!(param(" "), Err(ConnectError::MissingParam { .. })));
        for bad in ["https://x.example", "a@b", "a b", "a?b", "a\\b"] {
            assert!(
                matches!(param(bad), Err(ConnectError::BadParam { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_link_to_another_server_is_not_followed() {
        let b = base("https://crm.example/api").unwrap();
        let from = b.below("/contacts", &[]).unwrap();
        assert_eq!(
            b.follow(&from, "?page=2").unwrap().as_str(),
            "https://crm.example/api/contacts?page=2"
        );
        assert!(b.follow(&from, "https://crm.example/api/x").is_some());
        for bad in [
            "https://other.example/api",
            "http://crm.example/api",
            "//other.example/x",
            "https://crm.example:8443/api",
            "https://a@crm.example/api",
        ] {
            assert_eq!(b.follow(&from, bad), None, "{bad}");
        }
    }

    #[test]
    fn values_stay_in_their_place() {
        let path = |id| fill_path("/contacts/{id}/notes", &[("id", id)]);
        assert_eq!(path("12").unwrap(), "/contacts/12/notes");
        assert_eq!(path("a/b?c#d").unwrap(), "/contacts/a%2Fb%3Fc%23d/notes");
        assert!(path("").is_err() && path("..").is_err() && path(".").is_err());
        assert!(fill_path("/x/{other}", &[("id", "1")]).is_err());
        assert_eq!(fill_text("{q}&x", &[("q", "a b")]).unwrap(), "a b&x");
    }

    proptest! {
        #[test]
        fn no_value_climbs_out_of_its_path(id in "\\PC{0,30}") {
            let b = base("https://crm.example/api").unwrap();
            if let Ok(path) = fill_path("/contacts/{id}/restore", &[("id", &id)]) {
                let url = b.below(&path, &[]).unwrap();
                let parts: Vec<_> = url.path_segments().unwrap().collect();
                prop_assert_eq!(parts.len(), 4);
                prop_assert_eq!((parts[0], parts[1], parts[3]), ("api", "contacts", "restore"));
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
