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
    let hosts: Result<Vec<Host>, Failure> = attachments.hosts.iter().map(host).collect();
    Ok(Downloads::new(Settings {
        hosts: Hosts::new(hosts?),
        max: attachments.max,
        timeout: attachments.timeout,
        folder: state_folder(&migration.path).join("attachments"),
        backoff: Backoff::of(&migration.mapping.source.limits),
        cancel: cancel.clone(),
    }))
}

fn host(host: &FileHost) -> Result<Host, Failure> {
    let usage = |why: String| Failure::new(Exit::Usage, why);
    let secret = match &host.secret {
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
            HostKey::new(&host.name, &host.header, &host.value, &secret)
                .map_err(|e| usage(e.to_string()))?,
        ),
    };
    Ok(Host {
        name: host.name.clone(),
        port: host.port,
        internal: host.internal,
        plain: host.plain,
        key,
    })
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
