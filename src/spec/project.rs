//! A set of spec files that belong together, with everything they name read in.
//!
//! This is the only place where specs touch the disk: what comes out is complete, so that `check` needs
//! no file. A folder is searched for spec files; a migration brings its mapping, a mapping its two
//! platforms and its value-map tables. A file named but missing is a finding at the place that names it.
//! Nothing here judges what the files mean.

use super::{
    Node, SpecFile, SpecKind,
    load::{load_file, read_text},
};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Files, Span};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

/// Folders below which nothing is searched.
const MAX_FOLDER_DEPTH: usize = 32;

/// A value-map table that a spec names with `file:`.
#[derive(Clone, Debug)]
pub struct Table {
    /// The spec that names it.
    pub spec: FileId,
    /// Its path as the spec writes it.
    pub named: String,
    /// The table itself; its text is in [`Project::files`].
    pub file: FileId,
}

/// Which of its two platforms a mapping means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The platform read.
    Source,
    /// The platform written.
    Destination,
}

impl Side {
    /// The key that names it in a mapping.
    pub fn key(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Destination => "destination",
        }
    }
}

/// Spec files with all that they name. When `diagnostics` holds no error, every reference between files
/// resolves and every tree has the shape of its kind.
#[derive(Debug, Default)]
pub struct Project {
    /// Every file read, tables included.
    pub files: Files,
    /// The platform files, each once.
    pub platforms: Vec<SpecFile>,
    /// The mapping files, each once.
    pub mappings: Vec<SpecFile>,
    /// The migration files, each once.
    pub migrations: Vec<SpecFile>,
    /// The value-map tables.
    pub tables: Vec<Table>,
    /// What reading and the check of shapes found.
    pub diagnostics: Diagnostics,
    /// Real path to file, so that nothing is read twice; `None` when it gave no spec.
    seen: BTreeMap<PathBuf, Option<FileId>>,
    /// The file that a key of another file names.
    links: BTreeMap<(FileId, &'static str), FileId>,
}

impl Project {
    /// Reads files and folders. A path that names nothing is a finding.
    pub fn load<P: AsRef<Path>>(paths: &[P]) -> Project {
        let mut project = Project::default();
        for path in paths {
            let path = path.as_ref();
            if path.is_dir() {
                let mut found = Vec::new();
                search(path, 0, &mut found);
                for file in found {
                    project.add(&file);
                }
            } else {
                project.add(path);
            }
        }
        // Migrations may bring new mappings, and mappings new platforms.
        let mut at = 0;
        while at < project.migrations.len() {
            project.follow_migration(at);
            at += 1;
        }
        at = 0;
        while at < project.mappings.len() {
            project.follow_mapping(at);
            at += 1;
        }
        at = 0;
        while at < project.platforms.len() {
            project.follow_platform(at);
            at += 1;
        }
        project
    }

    /// The mapping that a migration names.
    pub fn mapping_of(&self, migration: &SpecFile) -> Option<&SpecFile> {
        let file = self.links.get(&(migration.file, "mapping"))?;
        self.mappings.iter().find(|m| m.file == *file)
    }

    /// A platform that a mapping names.
    pub fn platform_of(&self, mapping: &SpecFile, side: Side) -> Option<&SpecFile> {
        let file = self.links.get(&(mapping.file, side.key()))?;
        self.platforms.iter().find(|p| p.file == *file)
    }

    /// The platform file that a migration reads from instead of its mapping's source.
    pub fn source_of(&self, migration: &SpecFile) -> Option<&SpecFile> {
        let file = self.links.get(&(migration.file, "platform"))?;
        self.platforms.iter().find(|p| p.file == *file)
    }

    /// The file of the platform that a platform file is a variant of.
    pub fn variant_base(&self, platform: &SpecFile) -> Option<&SpecFile> {
        let file = self.links.get(&(platform.file, "variant"))?;
        self.platforms.iter().find(|p| p.file == *file)
    }

    /// The text of a table as `spec` names it, and its id for findings.
    pub fn table(&self, spec: FileId, named: &str) -> Option<(FileId, &str)> {
        let table = self
            .tables
            .iter()
            .find(|t| t.spec == spec && t.named == named)?;
        Some((table.file, self.files.text(table.file)))
    }

    /// Every spec file, platforms first.
    pub fn specs(&self) -> impl Iterator<Item = &SpecFile> {
        self.platforms
            .iter()
            .chain(&self.mappings)
            .chain(&self.migrations)
    }

    /// Reads one file unless it was read before.
    fn add(&mut self, path: &Path) -> Option<FileId> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if let Some(known) = self.seen.get(&real) {
            return *known;
        }
        // Taking `name/..` out of a path is wrong where `name` is a link; then it is shown as it is.
        let short = tidy(path);
        let same = fs::canonicalize(&short).is_ok_and(|p| p == real);
        let shown = if same { &short } else { path };
        let spec = load_file(shown, &mut self.files, &mut self.diagnostics);
        let id = spec.as_ref().map(|s| s.file);
        self.seen.insert(real, id);
        let spec = spec?;
        match spec.kind {
            SpecKind::Platform => self.platforms.push(spec),
            SpecKind::Mapping => self.mappings.push(spec),
            SpecKind::Migration => self.migrations.push(spec),
        }
        id
    }

    /// Reads what a migration names: its mapping, its tables, and whether its seed is there.
    fn follow_migration(&mut self, at: usize) {
        let migration = self.migrations[at].clone();
        self.read_tables(&migration);
        for side in ["source", "destination"] {
            if let Some(seed) = migration
                .root()
                .get(side)
                .and_then(|d| d.get("sandbox"))
                .and_then(|s| s.get("seed"))
            {
                self.require_file(&migration, seed);
            }
        }
        let folder = match migration.root().get("specs") {
            Some(node) => {
                let folder = migration.folder().join(node.text().unwrap_or(""));
                if !folder.is_dir() {
                    self.missing(
                        node.span,
                        format!("the folder `{}` does not exist", tidy(&folder).display()),
                        "name the folder that holds `mappings/` and `platforms/`",
                    );
                    return;
                }
                Some(folder)
            }
            None => specs_above(migration.folder()),
        };
        let root = migration.root();
        self.link(
            &migration,
            root.get("mapping"),
            "mapping",
            "mappings",
            folder.as_deref(),
        );
        let instead = root.get("source").and_then(|s| s.get("platform"));
        self.link(
            &migration,
            instead,
            "platform",
            "platforms",
            folder.as_deref(),
        );
    }

    /// Reads the platform that a variant is one of, which stands beside it.
    fn follow_platform(&mut self, at: usize) {
        let platform = self.platforms[at].clone();
        let of = platform.root().get("variant").and_then(|v| v.get("of"));
        if of.is_none() {
            return;
        }
        let beside = platform.folder().join("..");
        let folder = match platform.folder().file_name() {
            Some(name) if name == "platforms" => Some(beside),
            _ => specs_above(platform.folder()),
        };
        self.link(&platform, of, "variant", "platforms", folder.as_deref());
    }

    /// Reads what a mapping names: its platforms and its tables.
    fn follow_mapping(&mut self, at: usize) {
        let mapping = self.mappings[at].clone();
        self.read_tables(&mapping);
        // `specs/mappings/NAME.yaml` has its platforms beside its folder; a mapping elsewhere looks upwards.
        let beside = mapping.folder().join("..");
        let folder = match mapping.folder().file_name() {
            Some(name) if name == "mappings" && beside.join("platforms").is_dir() => Some(beside),
            _ => specs_above(mapping.folder()),
        };
        for side in [Side::Source, Side::Destination] {
            let node = mapping.root().get(side.key());
            self.link(&mapping, node, side.key(), "platforms", folder.as_deref());
        }
    }

    /// Reads `FOLDER/SUB/NAME.yaml`, NAME being what a node says, and remembers it under a key.
    fn link(
        &mut self,
        from: &SpecFile,
        node: Option<&Node>,
        key: &'static str,
        sub: &str,
        folder: Option<&Path>,
    ) {
        let Some(node) = node else {
            return;
        };
        let Some(name) = node.text().filter(|n| is_file_stem(n)) else {
            return;
        };
        let Some(folder) = folder else {
            self.missing(
                node.span,
                format!("`{name}` is not found: there is no folder `specs` here or above"),
                "put the file into `specs/`, or name that folder with `specs:`",
            );
            return;
        };
        let path = folder.join(sub).join(format!("{name}.yaml"));
        if !path.is_file() {
            let known = stems(&folder.join(sub));
            self.diagnostics.push(
                Diagnostic::new(
                    Code::MissingFile,
                    node.span,
                    format!("the file `{}` does not exist", tidy(&path).display()),
                )
                .did_you_mean(name, known.iter().map(String::as_str)),
            );
            return;
        }
        let wanted = match sub {
            "mappings" => SpecKind::Mapping,
            _ => SpecKind::Platform,
        };
        let Some(file) = self.add(&path) else { return };
        let Some(found) = self.specs().find(|s| s.file == file).map(|s| s.kind) else {
            return;
        };
        if found == wanted {
            self.links.insert((from.file, key), file);
        } else {
            let message = format!(
                "`{}` is a {}, and a {} is named here",
                self.files.path(file).display(),
                found.name(),
                wanted.name()
            );
            self.missing(node.span, message, "name another file, or move this one");
        }
    }

    /// Reads the tables that `value_maps:` names with `file:`.
    fn read_tables(&mut self, spec: &SpecFile) {
        for entry in spec.root().get_entries("value_maps") {
            let Some(node) = entry.value.get("file") else {
                continue;
            };
            let Some(path) = self.require_file(spec, node) else {
                continue;
            };
            let named = node.text().unwrap_or("").to_owned();
            if self.table(spec.file, &named).is_some() {
                continue;
            }
            match read_text(&path) {
                Ok(text) => {
                    let file = self.files.add(tidy(&path), text);
                    self.tables.push(Table {
                        spec: spec.file,
                        named,
                        file,
                    });
                }
                Err((code, reason)) => self.diagnostics.push(Diagnostic::new(
                    code,
                    node.span,
                    format!("`{}` {reason}", tidy(&path).display()),
                )),
            }
        }
    }

    /// The path of a file beside a spec; a finding when it is missing or lies elsewhere.
    fn require_file(&mut self, spec: &SpecFile, node: &Node) -> Option<PathBuf> {
        let named = Path::new(node.text()?);
        // A spec from a stranger must not make the engine read files outside of its own folder.
        if !named
            .components()
            .all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
        {
            self.missing(
                node.span,
                format!(
                    "`{}` does not lie below the folder of this file",
                    named.display()
                ),
                "move the file beside the spec and write its relative path",
            );
            return None;
        }
        let path = spec.folder().join(named);
        if !path.is_file() {
            self.missing(
                node.span,
                format!("the file `{}` does not exist", tidy(&path).display()),
                "paths start at the folder of the file that names them",
            );
            return None;
        }
        Some(path)
    }

    fn missing(&mut self, span: Span, message: String, hint: &str) {
        self.diagnostics
            .push(Diagnostic::new(Code::MissingFile, span, message).hint(hint));
    }
}

/// A name that can only mean a file in one folder.
fn is_file_stem(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// The spec files below a folder, in order of path. Hidden folders (and so `.transload`) are left out.
fn search(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|e| e.path())
        .filter(|p| {
            p.file_name()
                .and_then(OsStr::to_str)
                .is_some_and(|n| !n.starts_with('.'))
        })
        .collect();
    paths.sort();
    for path in paths {
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            if depth < MAX_FOLDER_DEPTH {
                search(&path, depth + 1, out);
            }
        } else if path.extension().is_some_and(|e| e == "yaml") && begins_with_spec(&path) {
            out.push(path);
        }
    }
}

/// True when the first line of content begins with `spec:`; other YAML files are nobody's specs.
fn begins_with_spec(path: &Path) -> bool {
    use std::io::Read;
    let Ok(file) = fs::File::open(path) else {
        return false;
    };
    let mut bytes = Vec::new();
    if file.take(64 * 1024).read_to_end(&mut bytes).is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&bytes);
    text.trim_start_matches('\u{feff}')
        .lines()
        .find(|l| !l.trim().is_empty() && !l.starts_with('#') && !l.starts_with("---"))
        .is_some_and(|l| l.starts_with("spec:"))
}

/// The nearest `specs` folder at or above a folder.
fn specs_above(folder: &Path) -> Option<PathBuf> {
    let specs = |above: &Path| Some(above.join("specs")).filter(|p| p.is_dir());
    // As far as the path itself goes, so that messages show short paths.
    if !folder.components().any(|c| c == Component::ParentDir)
        && let Some(found) = folder.ancestors().find_map(specs)
    {
        return Some(found);
    }
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    fs::canonicalize(here).ok()?.ancestors().find_map(specs)
}

/// The names of the YAML files of a folder, for "did you mean".
fn stems(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// A path without `.` and `name/..`, for showing.
fn tidy(path: &Path) -> PathBuf {
    let mut out: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.last(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    let tidied: PathBuf = out.iter().collect();
    if tidied.as_os_str().is_empty() {
        return PathBuf::from(".");
    }
    tidied
}
