//! `transload propose`: a draft mapping for two platforms, or how good such drafts are for mappings that are known.

use crate::{
    check,
    cli::{
        exit::{Exit, Failure, cannot_write},
        out,
    },
    connector::files,
    ident::{FieldId, ObjectId},
    mapping::Mapping,
    platform::{Connect, Platform},
    propose::{self, Evidence},
    report,
    spec::{Project, SpecFile, project::Side},
};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Records of an object that are looked at for evidence.
const LOOKED_AT: usize = 2000;

/// Arguments of `propose`.
#[derive(Debug, Args)]
pub struct Propose {
    /// The platform file of the source.
    #[arg(required_unless_present = "measure", requires = "destination")]
    pub source: Option<PathBuf>,
    /// The platform file of the destination.
    pub destination: Option<PathBuf>,
    /// An export folder of the source: its values speak for or against a proposal.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Write the draft to this file, which must not exist yet (default: print it).
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Proposals below this confidence stand in the draft as comments.
    #[arg(long, default_value_t = 0.5, value_name = "0..1")]
    pub least: f64,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ProposeFormat::Yaml)]
    pub format: ProposeFormat,
    /// Measure instead: propose for these mappings without looking at them, and compare. With `--data` the folder holds
    /// one export folder for each source, `<source>/export`.
    #[arg(long, num_args = 1.., value_name = "MAPPING", conflicts_with_all = ["source", "destination", "out"])]
    pub measure: Vec<PathBuf>,
}

/// How a proposal is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProposeFormat {
    /// A mapping file to edit.
    Yaml,
    /// A table for people.
    Markdown,
    /// For machines.
    Json,
}

/// Proposes, or measures proposals.
///
/// # Errors
/// When a spec has errors, or a file cannot be read or written.
pub fn run(args: &Propose) -> Result<Exit, Failure> {
    if !args.measure.is_empty() {
        return measure(args);
    }
    let (Some(source), Some(destination)) = (&args.source, &args.destination) else {
        return Err(Failure::new(Exit::Usage, "two platform files are needed"));
    };
    if !(0.0..=1.0).contains(&args.least) {
        return Err(Failure::new(Exit::Usage, "--least is between 0 and 1"));
    }
    let (source, destination) = (platform(source)?, platform(destination)?);
    let evidence = match &args.data {
        Some(folder) => evidence(&source, folder)?,
        None => Evidence::default(),
    };
    let proposal = propose::propose(&source, &destination, &evidence);
    let text = match args.format {
        ProposeFormat::Yaml => propose::draft(&source, &destination, &proposal, args.least),
        ProposeFormat::Markdown => report::propose::markdown(&source, &destination, &proposal),
        ProposeFormat::Json => report::propose::json(&source, &destination, &proposal).to_string(),
    };
    match &args.out {
        None => out::result(text.trim_end()),
        Some(path) => {
            write_new(path, &text)?;
            out::note(&format!(
                "a draft is in {}: read every line, then make its first key `spec: mapping/v1`",
                path.display()
            ));
        }
    }
    Ok(Exit::Done)
}

/// Never writes over what a person may have edited.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let failed = |e: std::io::Error| cannot_write(path, &e);
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn platform(path: &Path) -> Result<Platform, Failure> {
    if !path.is_file() {
        let words = format!("cannot find the platform file {}", path.display());
        return Err(Failure::new(Exit::Usage, words));
    }
    let project = Project::load(&[path]);
    let found = project.platforms.first().map(check::check_platform);
    if let Some((Some(platform), _)) = found
        && !project.diagnostics.has_errors()
    {
        return Ok(platform);
    }
    Err(Failure::new(
        Exit::Findings,
        format!("{} is no platform file without errors", path.display()),
    )
    .hint("`transload validate` shows what is wrong"))
}

fn measure(args: &Propose) -> Result<Exit, Failure> {
    let project = Project::load(&args.measure);
    if project.mappings.is_empty() {
        return Err(Failure::new(Exit::Nothing, "no mapping files there"));
    }
    let mut rows = Vec::new();
    for file in &project.mappings {
        let mapping = mapping_of(&project, file)?;
        let folder = args
            .data
            .as_ref()
            .map(|d| d.join(&mapping.source.name).join("export"));
        let evidence = match folder.filter(|f| f.is_dir()) {
            Some(folder) => evidence(&mapping.source, &folder)?,
            None => Evidence::default(),
        };
        rows.push((mapping.name.clone(), propose::measure(&mapping, &evidence)));
    }
    out::result(&match args.format {
        ProposeFormat::Json => report::propose::measure_json(&rows).to_string(),
        _ => report::propose::measure_markdown(&rows),
    });
    Ok(Exit::Done)
}

fn mapping_of(project: &Project, file: &SpecFile) -> Result<Mapping, Failure> {
    let (mapping, _) = check::check_mapping(project, file);
    let whole = [Side::Source, Side::Destination]
        .into_iter()
        .all(|side| project.platform_of(file, side).is_some());
    mapping.filter(|_| whole).ok_or_else(|| {
        Failure::new(
            Exit::Findings,
            format!("{} has errors", file.path.display()),
        )
        .hint("`transload validate` shows what is wrong")
    })
}

/// Looks at the first records of each object that an export folder holds.
fn evidence(source: &Platform, folder: &Path) -> Result<Evidence, Failure> {
    let mut evidence = Evidence::default();
    if matches!(source.connect, Connect::Http(_)) && !folder.is_dir() {
        return Ok(evidence);
    }
    for (id, object) in (0u16..).map(ObjectId).zip(&source.objects) {
        let there = files::path_of(object, folder).is_some_and(|p| p.is_file());
        if !there {
            continue;
        }
        let columns: Vec<FieldId> = (0u16..)
            .zip(&object.fields)
            .map(|(i, _)| FieldId(i))
            .collect();
        let failed = |e: crate::connector::ExtractError| Failure::new(Exit::Usage, e.to_string());
        let mut rows = files::open(source, id, folder, &columns, &files::Overrides::default())
            .map_err(failed)?;
        let mut seen = 0;
        while let Some(page) = rows.next_page().map_err(failed)? {
            for row in 0..page.rows() {
                for (at, field) in columns.iter().enumerate() {
                    evidence.add(id, *field, page.cell(row, at).1);
                }
                seen += 1;
            }
            if seen >= LOOKED_AT {
                break;
            }
            rows.recycle(page);
        }
    }
    Ok(evidence)
}
