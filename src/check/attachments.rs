//! `attachments:` of a migration: how large files may be, and where those behind web addresses are read.

use super::{literal, migration::secret_ref};
use crate::{
    diag::{Code, Diagnostic, Diagnostics},
    mapping::{Attachments, FileHost},
    spec::{Entry, Node},
    value::Scalar,
};
use std::{path::Path, time::Duration};

/// Reads them; what is not said holds as preset.
pub fn lower(node: Option<&Node>, folder: &Path, out: &mut Diagnostics) -> Attachments {
    let mut found = Attachments::default();
    let Some(node) = node else {
        return found;
    };
    let amount = |key| node.get_text(key).and_then(literal::number);
    if let Some(Scalar::Bytes(bytes)) = amount("max") {
        found.max = u64::try_from(bytes).unwrap_or(found.max);
    }
    if let Some(Scalar::Seconds(seconds)) = amount("timeout") {
        found.timeout = Duration::from_secs(u64::try_from(seconds).unwrap_or_default().max(1));
    }
    found.read_back = node.get_bool("read_back").unwrap_or(true);
    for entry in node.get_entries("hosts") {
        found.hosts.extend(host(entry, folder, out));
    }
    found
}

fn host(entry: &Entry, folder: &Path, out: &mut Diagnostics) -> Option<FileHost> {
    let (above, named) = match entry.key.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", entry.key.as_str()),
    };
    // An address reads the host as it reads it later: small letters, numbers in their usual form.
    let url = url::Url::parse(&format!("probe://{named}")).ok();
    let port = url.as_ref().and_then(url::Url::port);
    let name = url::Url::parse(&format!("https://{named}"))
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned));
    let Some(name) = name else {
        out.push(
            Diagnostic::new(Code::BadLiteral, entry.key_span, "this is no host")
                .hint("write it without scheme and path: `files.example.com`"),
        );
        return None;
    };
    if !above.is_empty() && !name.contains('.') {
        out.push(
            Diagnostic::new(
                Code::BadLiteral,
                entry.key_span,
                format!("`{}` would mean half of the web", entry.key),
            )
            .hint("name the hosts, or those below a domain of yours: `*.files.example.com`"),
        );
        return None;
    }
    let node = &entry.value;
    let secret = match node.get("secret") {
        None => None,
        Some(secret) => Some(secret_ref(secret, folder, out)?),
    };
    let value = node.get("value");
    if let Some(value) = value.filter(|v| v.text().is_none_or(|t| !t.contains("{secret}"))) {
        out.push(
            Diagnostic::new(
                Code::BadLiteral,
                value.span,
                "the value of the header has no place for the key",
            )
            .hint("write `{secret}` where it belongs: `\"Bearer {secret}\"`"),
        );
    }
    let plain = node.get_bool("plain").unwrap_or(false);
    if let (true, Some(place)) = (plain, node.entry("secret")) {
        out.push(
            Diagnostic::new(
                Code::BadLiteral,
                place.key_span,
                "a key would go over plain HTTP, where everybody on the way can read it",
            )
            .hint("leave `plain` out, or the key"),
        );
    }
    Some(FileHost {
        name: format!("{above}{name}"),
        port,
        secret,
        header: node
            .get_text("header")
            .unwrap_or("authorization")
            .to_ascii_lowercase(),
        value: value
            .and_then(Node::text)
            .unwrap_or("Bearer {secret}")
            .to_owned(),
        internal: node.get_bool("internal").unwrap_or(false),
        plain,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mapping::SecretRef, spec::Project};

    fn read(text: &str) -> (Attachments, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("migration.yaml");
        std::fs::write(&path, format!("spec: migration/v1\nattachments: {text}\n")).unwrap();
        let project = Project::load(&[&path]);
        let mut out = Diagnostics::default();
        let root = project.migrations[0].root();
        let found = lower(root.get("attachments"), Path::new("/m"), &mut out);
        let said = out.sorted().iter().map(|d| d.message.clone()).collect();
        (found, said)
    }

    #[test]
    fn hosts_are_read_as_addresses_read_them() {
        let (found, said) = read(
            "{hosts: {Files.Example.com: {}, '*.cdn.example.com': {secret: env:KEY}, '127.1:8080': {internal: true}, '[::1]:443': {plain: true}}, max: 1MB, timeout: 2m}",
        );
        assert_eq!(said, Vec::<String>::new());
        assert_eq!((found.max, found.timeout.as_secs()), (1_000_000, 120));
        let names: Vec<_> = found
            .hosts
            .iter()
            .map(|h| (h.name.as_str(), h.port))
            .collect();
        assert_eq!(
            names,
            [
                ("files.example.com", None),
                ("*.cdn.example.com", None),
                ("127.0.0.1", Some(8080)),
                ("[::1]", Some(443)),
            ]
        );
        assert_eq!(found.hosts[1].secret, Some(SecretRef::Env("KEY".into())));
        assert_eq!(found.hosts[1].value, "Bearer {secret}");
        assert!(found.hosts[2].internal && found.hosts[3].plain);
    }

    #[test]
    fn faults_are_told() {
        for (text, why) in [
            ("{hosts: {'*.com': {}}}", "half of the web"),
            (
                "{hosts: {a.example: {secret: abcdef}}}",
                "no place of a secret",
            ),
            (
                "{hosts: {a.example: {secret: env:K, value: abc}}}",
                "no place for the key",
            ),
            (
                "{hosts: {a.example: {secret: env:K, plain: true}}}",
                "over plain HTTP",
            ),
        ] {
            let (_, said) = read(text);
            assert!(said.iter().any(|s| s.contains(why)), "{text}: {said:?}");
        }
        assert_eq!(read("{}").0.max, 25_000_000);
    }
}
