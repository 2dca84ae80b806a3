//! From what the files say to what they mean: names resolved, types compared, every fault reported.
//!
//! Pure and offline: reads no file, no clock and no secret. After this module nobody sees `spec`.

mod attachments;
mod column;
mod create;
mod document;
mod facts;
mod field;
mod files;
mod join;
mod kind;
mod literal;
mod mapping;
mod merge;
mod migration;
mod ops;
mod pace;
mod params;
mod path;
mod place;
pub mod platform;
mod policy;
mod reasons;
mod reference;
mod rules;
mod scope;
mod signature;
mod split;
mod step;
mod template;
mod token;
mod value_map;
mod when;

use crate::{
    diag::{Code, Diagnostic, Diagnostics, Severity},
    mapping::{Mapping, Migration},
    platform::Platform,
    spec::{Node, Project, SpecFile, project::Side},
};

/// Checks a platform file by itself.
pub fn check_platform(file: &SpecFile) -> (Option<Platform>, Diagnostics) {
    let mut out = Diagnostics::default();
    let platform = platform::lower(file.root(), &mut out);
    let good = !out.has_errors();
    (platform.filter(|_| good), out)
}

/// Checks a mapping without a migration: parameters have no values, custom columns are not known. Findings
/// about its platform files are not repeated here; [`check_platform`] gives them.
pub fn check_mapping(project: &Project, file: &SpecFile) -> (Option<Mapping>, Diagnostics) {
    let mut out = Diagnostics::default();
    let mapping = platforms(project, file, None).and_then(|(source, destination, whole)| {
        let mapping = mapping::lower(project, file, source, destination, None, None, &mut out);
        mapping.filter(|_| whole)
    });
    let good = sound(project, file);
    (mapping.filter(|_| good), unless_told(project, out))
}

/// Checks a migration with its mapping. Findings about the mapping come with it, as some only show with the
/// migration's additions.
pub fn check_migration(project: &Project, file: &SpecFile) -> (Option<Migration>, Diagnostics) {
    let mut out = Diagnostics::default();
    let migration = project.mapping_of(file).and_then(|mapping_file| {
        let named = file.root().get("source").and_then(|s| s.get("platform"));
        let instead = project.source_of(file);
        if named.is_some() && instead.is_none() {
            // The file that is not there was told.
            return None;
        }
        let (mut source, destination, whole) = platforms(project, mapping_file, instead)?;
        files::instead(file.root(), &mut source, &mut out);
        let base = base_of(
            project,
            instead.or(project.platform_of(mapping_file, Side::Source))?,
        );
        if let (Some(node), Some(instead)) = (named, instead)
            && !source_platform(project, node, (instead, &source), mapping_file, &mut out)
        {
            return None;
        }
        let choices = migration::lower(file, &source, &destination, &mut out);
        let tier = choices.as_ref().and_then(|c| c.tier.clone());
        let mapping = mapping::lower(
            project,
            mapping_file,
            source,
            destination,
            Some(file.root()),
            tier.as_deref(),
            &mut out,
        );
        let migration = choices?.with(file, mapping?, base);
        migration::readable(&migration, file.root(), &mut out);
        (whole && sound(project, mapping_file) && sound(project, file)).then_some(migration)
    });
    let good = !out.has_errors();
    (migration.filter(|_| good), unless_told(project, out))
}

/// Checks everything in a project: each platform by itself, each mapping, and each migration with its mapping.
/// Findings of reading and of shapes come with them; nothing is told twice.
pub fn check_project(project: &Project) -> Diagnostics {
    let mut found = project.diagnostics.clone();
    for file in &project.platforms {
        found.extend(unless_told(project, check_platform(file).1));
        found.extend(unless_told(project, check_variant(project, file)));
    }
    for file in &project.mappings {
        found.extend(check_mapping(project, file).1);
    }
    for file in &project.migrations {
        found.extend(check_migration(project, file).1);
    }
    let mut once = Diagnostics::default();
    let mut last: Option<&crate::diag::Diagnostic> = None;
    for d in found.sorted() {
        if last != Some(d) {
            once.push(d.clone());
        }
        last = Some(d);
    }
    once
}

/// Holds a variant against the platform that it is one of. Nothing for other platform files.
pub fn check_variant(project: &Project, file: &SpecFile) -> Diagnostics {
    let mut out = Diagnostics::default();
    let mut aside = Diagnostics::default();
    if let Some(base) = base_of(project, file)
        && let Some(variant) = platform::lower(file.root(), &mut aside)
    {
        platform::variant::compare(file.root(), &variant, &base, &mut out);
    }
    out
}

/// The platform that a file is a variant of, as far as it goes.
fn base_of(project: &Project, file: &SpecFile) -> Option<Platform> {
    // Its own faults are told where it is checked.
    let mut aside = Diagnostics::default();
    platform::lower(project.variant_base(file)?.root(), &mut aside)
}

/// A platform that a migration reads from instead must be the mapping's own or a variant of it. False when it is
/// neither: nothing further can be said.
fn source_platform(
    project: &Project,
    node: &Node,
    (file, source): (&SpecFile, &Platform),
    mapping: &SpecFile,
    out: &mut Diagnostics,
) -> bool {
    let wanted = mapping.root().get_text("source").unwrap_or("");
    if source.name == wanted {
        return true;
    }
    if source.variant.as_ref().is_some_and(|v| v.of == wanted) {
        out.extend(unless_told(project, check_variant(project, file)));
        return true;
    }
    out.push(
        Diagnostic::new(
            Code::NoVariant,
            node.span,
            format!(
                "the mapping reads `{wanted}`, and `{}` is no variant of it",
                source.name
            ),
        )
        .related(source.span, "this platform")
        .hint(format!(
            "its file needs `variant: {{of: {wanted}}}` and the same objects and fields"
        )),
    );
    false
}

/// Both platforms of a mapping, as far as they go, and whether they are without errors. `instead`: the file to read
/// the source from in place of the mapping's own.
fn platforms(
    project: &Project,
    mapping: &SpecFile,
    instead: Option<&SpecFile>,
) -> Option<(Platform, Platform, bool)> {
    let mut found = Diagnostics::default();
    let mut lower = |side| {
        let file = match (side, instead) {
            (Side::Source, Some(file)) => file,
            _ => project.platform_of(mapping, side)?,
        };
        let platform = platform::lower(file.root(), &mut found)?;
        Some((platform, sound(project, file)))
    };
    let (source, destination) = (lower(Side::Source), lower(Side::Destination));
    let ((source, a), (destination, b)) = (source?, destination?);
    Some((source, destination, a && b && !found.has_errors()))
}

/// True when reading and the check of shapes found no error in a file.
fn sound(project: &Project, file: &SpecFile) -> bool {
    !project
        .diagnostics
        .sorted()
        .iter()
        .any(|d| d.severity == Severity::Error && d.primary.span.file == file.file)
}

/// Leaves out what stands in a place that the check of shapes has refused: one fault, one finding.
fn unless_told(project: &Project, found: Diagnostics) -> Diagnostics {
    let told: Vec<_> = project
        .diagnostics
        .sorted()
        .iter()
        .filter(|d| d.code != Code::MissingKey)
        .map(|d| d.primary.span)
        .collect();
    let mut out = Diagnostics::default();
    for d in found.sorted() {
        let at = d.primary.span;
        let again = told
            .iter()
            .any(|t| t.file == at.file && t.start <= at.start && at.end <= t.end);
        if !again {
            out.push(d.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests;
