//! Spec files with faults, each beside what must be found: `tests/cases/check/<name>/`.
//!
//! A comment `#~ error[E0103] 5: words of the message` says that the next line that is no such comment has
//! this finding at this column (in characters, from 1); several may be stacked, and the words may be left
//! out. Where no comment can stand, `expect.txt` holds lines `file:line:column CODE words of the message`.
//! A folder must have exactly the findings that it names. `UPDATE=1` prints the comments that are missing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_macros,
    reason = "a panic is how a test reports"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use transload::{
    check,
    diag::{Code, render_text},
    spec::Project,
};

/// A finding, expected or made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    column: usize,
    code: String,
    message: String,
}

impl Finding {
    fn place(&self) -> (&str, usize, usize, &str) {
        (&self.file, self.line, self.column, &self.code)
    }

    /// True when `made` is what this expectation asks for.
    fn is_met_by(&self, made: &Finding) -> bool {
        self.place() == made.place() && made.message.contains(&self.message)
    }
}

fn folders() -> Vec<PathBuf> {
    // Tests run at the root of the crate; relative paths keep messages short.
    let mut folders: Vec<PathBuf> = fs::read_dir("tests/cases/check")
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    folders
}

fn all_files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            all_files(&path, out);
        } else {
            out.push(path);
        }
    }
}

fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

fn expected(folder: &Path) -> Vec<Finding> {
    let mut files = Vec::new();
    all_files(folder, &mut files);
    let mut out = Vec::new();
    for path in files {
        let name = relative(&path, folder);
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        if name == "expect.txt" {
            let lines = text.lines().filter(|l| !l.trim().is_empty());
            out.extend(
                lines.map(|l| from_list(l).unwrap_or_else(|| panic!("{}: `{l}`", path.display()))),
            );
            continue;
        }
        let mut waiting: Vec<Finding> = Vec::new();
        for (i, line) in text.lines().enumerate() {
            if let Some(comment) = line.trim_start().strip_prefix("#~") {
                let finding = from_comment(comment, &name)
                    .unwrap_or_else(|| panic!("{}:{}: `{line}`", path.display(), i + 1));
                waiting.push(finding);
                continue;
            }
            for mut finding in waiting.drain(..) {
                finding.line = i + 1;
                out.push(finding);
            }
        }
        assert!(
            waiting.is_empty(),
            "{}: a comment at the end",
            path.display()
        );
    }
    out.sort();
    out
}

/// Reads ` error[E0103] 5: words`.
fn from_comment(comment: &str, file: &str) -> Option<Finding> {
    let (head, message) = match comment.split_once(':') {
        Some((head, message)) => (head, message.trim()),
        None => (comment, ""),
    };
    let (word, rest) = head.trim().split_once('[')?;
    let (code, column) = rest.split_once(']')?;
    let known = Code::find(code)?;
    let severity = transload::diag::render::severity(known.severity());
    (severity == word).then_some(())?;
    Some(Finding {
        file: file.to_owned(),
        line: 0,
        column: column.trim().parse().ok()?,
        code: code.to_owned(),
        message: message.to_owned(),
    })
}

/// Reads `file:line:column CODE words`.
fn from_list(line: &str) -> Option<Finding> {
    let (place, rest) = line.split_once(' ')?;
    let (code, message) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    let file = parts.next()?.to_owned();
    Code::find(code)?;
    Some(Finding {
        file,
        line,
        column,
        code: code.to_owned(),
        message: message.trim().to_owned(),
    })
}

/// Everything found in a folder: all specs in it, and every YAML file at its top.
fn found(folder: &Path) -> (Vec<Finding>, String) {
    let mut paths = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    all_files(folder, &mut files);
    paths.extend(
        files
            .into_iter()
            .filter(|p| p.parent() == Some(folder) && p.extension().is_some_and(|e| e == "yaml")),
    );
    let project = Project::load(&paths);
    let all = check::check_project(&project);
    let made = all
        .sorted()
        .iter()
        .map(|d| {
            let span = d.primary.span;
            let (line, column) = project.files.line_column(span.file, span.start);
            Finding {
                file: relative(project.files.path(span.file), folder),
                line,
                column,
                code: d.code.id().to_owned(),
                message: d.message.clone(),
            }
        })
        .collect();
    let shown = render_text(&project.files, &all, false);
    (made, shown)
}

/// What differs between expected and found, in words; empty when nothing does.
fn difference(folder: &Path) -> String {
    let (mut missing, (made, shown)) = (expected(folder), found(folder));
    let mut extra = Vec::new();
    for finding in made {
        match missing.iter().position(|m| m.is_met_by(&finding)) {
            Some(i) => {
                missing.remove(i);
            }
            None => extra.push(finding),
        }
    }
    if missing.is_empty() && extra.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", folder.display());
    for f in &missing {
        text.push_str(&format!(
            "  missing  {}:{}:{} {} {}\n",
            f.file, f.line, f.column, f.code, f.message
        ));
    }
    for f in &extra {
        text.push_str(&format!(
            "  extra    {}:{}:{} {} {}\n",
            f.file, f.line, f.column, f.code, f.message
        ));
        if std::env::var_os("UPDATE").is_some() {
            let severity = Code::find(&f.code)
                .map_or("error", |c| transload::diag::render::severity(c.severity()));
            text.push_str(&format!(
                "           #~ {severity}[{}] {}: {}\n",
                f.code, f.column, f.message
            ));
        }
    }
    text.push_str(&shown);
    text
}

#[test]
fn every_case_has_exactly_its_findings() {
    let faults: Vec<String> = folders()
        .iter()
        .map(|f| difference(f))
        .filter(|d| !d.is_empty())
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_wrong_expectation_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "spec: platform/v1\n#~ error[E0103] 2: titel\ntitel: A\n#~ error[E0103] 1\nplatform: a\n";
    fs::write(folder.path().join("a.yaml"), text).unwrap();
    let difference = difference(folder.path());
    for line in [
        "missing  a.yaml:3:2 E0103 titel",
        "missing  a.yaml:5:1 E0103",
        "extra    a.yaml:3:1 E0103 `titel`",
        "extra    a.yaml:1:1 E0105 `checked`",
    ] {
        assert!(difference.contains(line), "{line}\n{difference}");
    }
}

#[test]
fn every_code_of_a_check_has_a_case() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for folder in folders() {
        seen.extend(expected(&folder).into_iter().map(|f| f.code));
    }
    let without: Vec<&str> = Code::ALL
        .iter()
        .map(|c| c.id())
        // The plan's codes need a plan to show; E0266 needs a file with 65,536 objects, which no case should be.
        .filter(|id| !id.starts_with("E03") && *id != "E0266" && !seen.contains(*id))
        .collect();
    assert!(without.is_empty(), "no case shows {without:?}");
}
