//! From a migration file to the resolved migration: connections, tier, and the mapping with its additions.

use super::{attachments, literal, pace, platform};
use crate::{
    diag::{Code, Diagnostic, Diagnostics, Span},
    mapping::{
        Attachments, DestinationConnection, HttpConnection, Migration, SandboxConnection,
        SecretRef, SourceConnection,
    },
    pace::Pace,
    platform::{Connect, Http, Object, OpKind, Platform},
    spec::{Node, SpecFile},
    value::Scalar,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The parts of a migration beside its mapping.
pub struct Choices {
    /// The tier of the destination account.
    pub tier: Option<String>,
    /// Where records are read.
    pub source: SourceConnection,
    /// The folder of files beside an API source.
    pub beside: Option<PathBuf>,
    /// Where they are written.
    pub destination: DestinationConnection,
    /// Files that records name.
    pub attachments: Attachments,
    /// `approve: none`.
    pub approval_waived: bool,
    /// `pace:`.
    pub pace: Option<Pace>,
}

impl Choices {
    /// Puts the migration together.
    pub fn with(
        self,
        file: &SpecFile,
        mapping: crate::mapping::Mapping,
        base: Option<Platform>,
    ) -> Migration {
        Migration {
            path: file.path.clone(),
            folder: file.folder().to_path_buf(),
            mapping: mapping.into(),
            tier: self.tier,
            source: self.source,
            beside: self.beside,
            base: base.map(Arc::new),
            destination: self.destination,
            attachments: self.attachments,
            approval_waived: self.approval_waived,
            pace: self.pace.map(Arc::new),
        }
    }
}

/// Reads connections and tier.
pub fn lower(
    file: &SpecFile,
    source: &Platform,
    destination: &Platform,
    out: &mut Diagnostics,
) -> Option<Choices> {
    let node = file.root();
    let folder = file.folder();
    let from = node
        .entry("source")
        .and_then(|e| source_of(&e.value, e.key_span, folder, source, out));
    let to = node
        .entry("destination")
        .and_then(|e| destination_of(&e.value, e.key_span, folder, destination, out));
    let tier = tier(node, destination, out);
    let around = pace::Around {
        source,
        destination,
        tier: tier.as_deref(),
        to: to.as_ref(),
    };
    let pace = pace::lower(file, &around, out);
    Some(Choices {
        tier,
        source: from?,
        beside: node
            .get("source")
            .and_then(|s| s.get_text("beside"))
            .map(|path| folder.join(path)),
        destination: to?,
        attachments: attachments::lower(node.get("attachments"), folder, out),
        approval_waived: node.get_text("approve") == Some("none"),
        pace,
    })
}

fn tier(node: &Node, platform: &Platform, out: &mut Diagnostics) -> Option<String> {
    let tier = node.get("tier")?;
    let name = tier.text()?;
    if platform.tiers.iter().any(|t| t == name) {
        return Some(name.to_owned());
    }
    out.push(
        Diagnostic::new(
            Code::UnknownTier,
            tier.span,
            format!("{} has no tier `{name}`", platform.title),
        )
        .did_you_mean(name, platform.tiers.iter().map(String::as_str)),
    );
    None
}

fn source_of(
    node: &Node,
    span: Span,
    folder: &Path,
    platform: &Platform,
    out: &mut Diagnostics,
) -> Option<SourceConnection> {
    match (node.get("folder"), node.get("http"), node.get("sandbox")) {
        (Some(named), ..) => {
            if let Some(beside) = node.entry("beside") {
                out.push(
                    Diagnostic::new(
                        Code::ConnectionKind,
                        beside.key_span,
                        "`beside` names the files that an API does not give, and this is a folder of files",
                    )
                    .hint("remove it"),
                );
            }
            if !matches!(platform.connect, Connect::Files(_)) {
                wrong(
                    named.span,
                    platform,
                    "a folder",
                    "`http:` or `sandbox:`",
                    out,
                );
                return None;
            }
            Some(SourceConnection::Folder {
                folder: folder.join(named.text()?),
                encoding: node.get_text("encoding").map(str::to_owned),
                zone: zone(node.get("zone"), out),
            })
        }
        (_, Some(http), _) => {
            let rules = api(http.span, platform, "an API", out)?;
            Some(SourceConnection::Http(http_connection(
                http, span, folder, rules, out,
            )?))
        }
        (.., Some(sandbox)) => {
            api(sandbox.span, platform, "a simulated API", out)?;
            if let Some(from) = sandbox.entry("from")
                && platform.variant.is_none()
            {
                out.push(
                    Diagnostic::new(
                        Code::ConnectionKind,
                        from.key_span,
                        format!(
                            "nothing says how an export of {} is read: its file is no variant of another",
                            platform.title
                        ),
                    )
                    .hint("write `seed: FILE.yaml`, or `variant: {of: …}` in the platform file"),
                );
            }
            Some(SourceConnection::Sandbox(sandbox_connection(
                sandbox, folder, platform, out,
            )))
        }
        _ => None,
    }
}

fn destination_of(
    node: &Node,
    span: Span,
    folder: &Path,
    platform: &Platform,
    out: &mut Diagnostics,
) -> Option<DestinationConnection> {
    match (node.get("folder"), node.get("http"), node.get("sandbox")) {
        // Files can be written for any destination: its wire forms are known.
        (Some(named), ..) => Some(DestinationConnection::Folder {
            folder: folder.join(named.text()?),
        }),
        (_, Some(http), _) => {
            let rules = api(http.span, platform, "an API", out)?;
            Some(DestinationConnection::Http(http_connection(
                http, span, folder, rules, out,
            )?))
        }
        (.., Some(sandbox)) => {
            api(sandbox.span, platform, "a simulated API", out)?;
            Some(DestinationConnection::Sandbox(sandbox_connection(
                sandbox, folder, platform, out,
            )))
        }
        // `sandbox:` without settings is a sandbox with the defaults.
        _ => node
            .entry("sandbox")
            .map(|_| DestinationConnection::Sandbox(SandboxConnection::default())),
    }
}

fn api<'p>(
    span: Span,
    platform: &'p Platform,
    what: &str,
    out: &mut Diagnostics,
) -> Option<&'p Http> {
    match &platform.connect {
        Connect::Http(http) => Some(http),
        Connect::Files(_) => {
            wrong(span, platform, what, "`folder:`", out);
            None
        }
    }
}

fn wrong(span: Span, platform: &Platform, what: &str, instead: &str, out: &mut Diagnostics) {
    let how = match platform.connect {
        Connect::Files(_) => "files in a folder",
        Connect::Http(_) => "an API",
    };
    out.push(
        Diagnostic::new(
            Code::ConnectionKind,
            span,
            format!("{} is reached by {how}, and this is {what}", platform.title),
        )
        .hint(format!("write {instead}")),
    );
}

/// A zone by its name.
pub(super) fn zone(node: Option<&Node>, out: &mut Diagnostics) -> Option<String> {
    let node = node?;
    let name = node.text()?;
    if crate::platform::zone::find(name).is_none() {
        out.push(
            Diagnostic::new(
                Code::BadLiteral,
                node.span,
                format!("`{name}` is no known zone"),
            )
            .hint("write an IANA name such as `America/Chicago`, or an offset such as `-06:00`"),
        );
        return None;
    }
    Some(name.to_owned())
}

fn http_connection(
    node: &Node,
    span: Span,
    folder: &Path,
    rules: &Http,
    out: &mut Diagnostics,
) -> Option<HttpConnection> {
    let base = node.get("base");
    if let Some(base) = base {
        base_address(base, out);
    }
    let mut params = Vec::new();
    for entry in node.get_entries("params") {
        match rules.params.iter().find(|(name, _)| *name == entry.key) {
            Some(_) => params.push((
                entry.key.clone(),
                entry.value.text().unwrap_or("").to_owned(),
            )),
            None => out.push(
                Diagnostic::new(
                    Code::ConnectionParam,
                    entry.key_span,
                    format!("the base address has no parameter `{}`", entry.key),
                )
                .did_you_mean(&entry.key, rules.params.iter().map(|(n, _)| n.as_str())),
            ),
        }
    }
    if base.is_none() {
        for (name, _) in &rules.params {
            if !params.iter().any(|(n, _)| n == name) {
                out.push(
                    Diagnostic::new(
                        Code::ConnectionParam,
                        span,
                        format!("the base address needs `{name}`"),
                    )
                    .hint(format!("add `params: {{{name}: …}}`, or a whole `base:`")),
                );
            }
        }
    }
    let secret = match node.get("secret") {
        None => None,
        Some(secret) => Some(secret_ref(secret, folder, out)?),
    };
    Some(HttpConnection {
        base: base.and_then(Node::text).map(str::to_owned),
        params,
        secret,
        calls_per_minute: node
            .get_int("calls_per_minute")
            .and_then(|n| u64::try_from(n).ok()),
        timeout_seconds: match node.get_text("timeout").and_then(literal::number) {
            Some(Scalar::Seconds(seconds)) => u64::try_from(seconds).ok().filter(|s| *s > 0),
            _ => None,
        },
        idle_pages: node
            .get_int("idle_pages")
            .and_then(|n| u64::try_from(n).ok()),
    })
}

/// `env:NAME` or `file:PATH`; anything else may be a secret itself and is refused without repeating it.
pub(super) fn secret_ref(node: &Node, folder: &Path, out: &mut Diagnostics) -> Option<SecretRef> {
    let text = node.text()?;
    let found = match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Some(SecretRef::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Some(SecretRef::File(folder.join(path))),
        _ => None,
    };
    if found.is_none() {
        literal_secret(
            node.span,
            "this is no place of a secret; if it is the secret itself, consider it lost and replace it",
            out,
        );
    }
    found
}

/// A base address must not carry a name and password or a key.
fn base_address(node: &Node, out: &mut Diagnostics) {
    let text = node.text().unwrap_or("");
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
                literal_secret(
                    node.span,
                    "an address with a name, password or query may hold a secret; consider it lost and replace it",
                    out,
                );
            }
        }
        _ => out.push(
            Diagnostic::new(Code::BadLiteral, node.span, "this is no web address")
                .hint("write it with its scheme: `https://acme.example/api`"),
        ),
    }
}

fn literal_secret(span: Span, why: &str, out: &mut Diagnostics) {
    out.push(
        Diagnostic::new(Code::LiteralSecret, span, why)
            .hint("secrets stand outside of spec files: `secret: env:NAME` or `secret: file:PATH`"),
    );
}

fn sandbox_connection(
    node: &Node,
    folder: &Path,
    platform: &Platform,
    out: &mut Diagnostics,
) -> SandboxConnection {
    let mut quirks = Vec::new();
    for entry in node.get_entries("quirks") {
        let Some(quirk) = platform.quirks.iter().find(|q| q.name == entry.key) else {
            out.push(
                Diagnostic::new(
                    Code::UnknownQuirk,
                    entry.key_span,
                    format!("{} has no quirk `{}`", platform.title, entry.key),
                )
                .did_you_mean(&entry.key, platform.quirks.iter().map(|q| q.name.as_str())),
            );
            continue;
        };
        let value = entry.value.text().unwrap_or("");
        if quirk.options.iter().any(|o| o == value) {
            quirks.push((entry.key.clone(), value.to_owned()));
        } else {
            out.push(
                Diagnostic::new(
                    Code::UnknownQuirk,
                    entry.value.span,
                    format!("the quirk `{}` has no option `{value}`", entry.key),
                )
                .did_you_mean(value, quirk.options.iter().map(String::as_str)),
            );
        }
    }
    SandboxConnection {
        from: node.get_text("from").map(|p| folder.join(p)),
        seed: node.get_text("seed").map(|p| -> PathBuf { folder.join(p) }),
        provision: node.get_bool("provision").unwrap_or(false),
        quirks,
        calls_per_minute: node
            .get_int("calls_per_minute")
            .and_then(|n| u64::try_from(n).ok()),
        faults: node
            .get_entries("faults")
            .iter()
            .filter_map(|e| Some((e.key.clone(), e.value.text()?.parse().ok()?)))
            .collect(),
        random_seed: node
            .get_int("random_seed")
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(0),
    }
}

/// Holds what the mapping reads against what the source can give: each object has a list, is found below one that
/// has, or comes from a file beside the API.
pub fn readable(migration: &Migration, node: &Node, out: &mut Diagnostics) {
    let Some(entry) = node.entry("source") else {
        return;
    };
    let platform = &migration.mapping.source;
    if matches!(platform.connect, Connect::Files(_)) {
        return;
    }
    let listed = |o: &Object| o.op(OpKind::List).is_some();
    let (mut lost, mut filed) = (Vec::new(), Vec::new());
    for id in migration.mapping.source_objects() {
        let Some(object) = platform.objects.get(id.ix()) else {
            continue;
        };
        let below = object.op(OpKind::Children).is_some_and(|op| {
            op.parents
                .iter()
                .all(|(p, _)| platform.objects.get(p.ix()).is_some_and(listed))
        });
        match (&object.rows, listed(object) || below) {
            (Some(_), _) => filed.push(object),
            (None, false) => lost.push(object),
            (None, true) => {}
        }
    }
    for object in lost {
        out.push(
            Diagnostic::new(
                Code::SourceUnreadable,
                entry.key_span,
                format!(
                    "the mapping reads `{}`, and {} has no way to read it",
                    object.name, platform.title
                ),
            )
            .related(
                object.span,
                "it has no `list`, no `children` of a listed object and no `rows`",
            )
            .hint(
                "declare the operation in the platform file, or `rows:` for a file beside the API",
            ),
        );
    }
    if let (Some(first), None) = (filed.first(), &migration.beside) {
        let names: Vec<&str> = filed.iter().map(|o| o.name.as_str()).collect();
        out.push(
            Diagnostic::new(
                Code::SourceUnreadable,
                entry.key_span,
                format!(
                    "{} does not give {}: they are read from files, and nothing says where these are",
                    platform.title,
                    platform::read::join(&names)
                ),
            )
            .related(first.span, "read from a file")
            .hint("add `beside: FOLDER` to `source:`"),
        );
    }
}
