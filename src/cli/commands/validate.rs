//! `transload validate`: all faults of all files, offline.

use crate::{
    check,
    cli::{
        args::{FindingFormat, Validate},
        exit::{Exit, Failure},
        out,
    },
    diag::{self, Severity},
    spec::Project,
};

/// Checks files and folders.
///
/// # Errors
/// When nothing was found to check.
pub fn run(args: &Validate) -> Result<Exit, Failure> {
    let project = Project::load(&args.paths);
    let found = check::check_project(&project);
    let specs = project.specs().count();
    if specs == 0 && found.is_empty() {
        let paths: Vec<String> = args.paths.iter().map(|p| p.display().to_string()).collect();
        return Err(Failure::new(
            Exit::Nothing,
            format!("no spec files under {}", paths.join(", ")),
        )
        .hint("a spec is a .yaml file whose first key is `spec:`"));
    }
    let (errors, warnings) = (found.count(Severity::Error), found.count(Severity::Warning));
    match args.format {
        FindingFormat::Text => {
            out::result(&diag::render_text(&project.files, &found, true));
            out::result(&format!(
                "{specs} files checked: {errors} {}, {warnings} {}",
                plural(errors, "error"),
                plural(warnings, "warning")
            ));
        }
        FindingFormat::Short => out::result(&diag::render_short(&project.files, &found)),
        FindingFormat::Json => {
            out::result(&diag::render_json(&project.files, &found).to_string());
        }
    }
    Ok(if errors > 0 || (args.strict && warnings > 0) {
        Exit::Findings
    } else {
        Exit::Done
    })
}

fn plural(n: usize, noun: &str) -> String {
    format!("{noun}{}", if n == 1 { "" } else { "s" })
}
