//! Files that records name: where they are read, with the keys of their hosts; and what became of them, for reports.

use super::{
    commands::state_folder,
    exit::{Exit, Failure},
};
use crate::{
    connector::{
        Cancel,
        download::{Downloads, Host, HostKey, Hosts, Settings},
        retry::Backoff,
    },
    mapping::{FileHost, Mapping, Migration, SecretRef},
    report::books::FileBooks,
    run::Outcome,
    secret::Secret,
};

/// The reader of files of a migration. Reads nothing yet.
///
/// # Errors
/// When a key cannot be had, or cannot be sent.
pub fn downloads(migration: &Migration, cancel: &Cancel) -> Result<Downloads, Failure> {
    let attachments = &migration.attachments;
    let hosts: Result<Vec<Host>, Failure> = attachments.hosts.iter().map(with_key).collect();
    Ok(reader(migration, hosts?, cancel))
}

/// The same for a command that asks which files may be read and reads none: it needs no keys.
pub fn rules(migration: &Migration) -> Downloads {
    let hosts = migration.attachments.hosts.iter();
    let hosts = hosts.map(|h| host(h, None)).collect();
    reader(migration, hosts, &Cancel::new())
}

fn reader(migration: &Migration, hosts: Vec<Host>, cancel: &Cancel) -> Downloads {
    let attachments = &migration.attachments;
    Downloads::new(Settings {
        hosts: Hosts::new(hosts),
        max: attachments.max,
        timeout: attachments.timeout,
        read_back: attachments.read_back,
        folder: state_folder(&migration.path).join("attachments"),
        backoff: Backoff::of(&migration.mapping.source.limits),
        cancel: cancel.clone(),
    })
}

fn with_key(named: &FileHost) -> Result<Host, Failure> {
    let usage = |why: String| Failure::new(Exit::Usage, why);
    let secret = match &named.secret {
        None => None,
        Some(SecretRef::Env(name)) => {
            Some(Secret::from_env(name).map_err(|e| usage(e.to_string()))?)
        }
        Some(SecretRef::File(path)) => {
            Some(Secret::from_file(path).map_err(|e| usage(e.to_string()))?)
        }
    };
    let key = match secret {
        None => None,
        Some(secret) => Some(
            HostKey::new(&named.name, &named.header, &named.value, &secret)
                .map_err(|e| usage(e.to_string()))?,
        ),
    };
    Ok(host(named, key))
}

fn host(named: &FileHost, key: Option<HostKey>) -> Host {
    Host {
        name: named.name.clone(),
        port: named.port,
        internal: named.internal,
        plain: named.plain,
        key,
    }
}

/// The files that a run sent, by step.
pub fn books(mapping: &Mapping, done: &Outcome) -> Vec<FileBooks> {
    done.sent_files
        .iter()
        .map(|(id, checked)| FileBooks {
            step: mapping
                .steps
                .get(id.ix())
                .map_or_else(String::new, |s| s.name.clone()),
            verified: checked.verified,
            size_only: checked.size_only,
            not_verifiable: checked.not_verifiable,
            differs: checked.differs,
        })
        .collect()
}
