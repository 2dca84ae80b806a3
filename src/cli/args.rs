//! What can be typed. Each command turns its arguments into resolved options by itself.

use super::commands;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "transload",
    version,
    about = "Moves a company from one CRM to another: checked, planned, proved",
    long_about = "Moves a company from one CRM to another. YAML files describe the platforms and, pair by pair, \
                  what becomes what; transload checks them, plans the order, loads through the real APIs (or a \
                  simulated server), and keeps an account of every record.",
    after_help = "Exit codes: 0 done · 1 findings · 2 usage or configuration · 3 nothing selected · 4 not approved · \
                  5 held above the limit · 6 waits for a person · 7 another run is active · 70 internal · \
                  75 temporary, run again · 130/143 stopped cleanly",
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Work as if started in this folder.
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Say more on stderr (-v: steps, -vv: calls, -vvv: everything). Never shows secrets or field values.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check specs: platforms, mappings, migrations. Offline, all faults at once.
    Validate(Validate),
    /// Explain a diagnostic code, or the code of a hold.
    Explain(Explain),
    /// Print the JSON Schema of a kind of spec, or its keys as tables.
    Schema(Schema),
    /// Look at the source and the destination, and keep what is found as a schema lock. Writes to neither.
    Discover(commands::discover::DiscoverArgs),
    /// Show what a run would do: batches, custom fields, calls and hours.
    Plan(PlanArgs),
    /// Propose a draft mapping for two platforms, or measure proposals against known mappings.
    Propose(super::commands::propose::Propose),
    /// Make the pair page: what moves, what stays, what it costs, and why.
    Page(super::commands::page::PageArgs),
    /// Do the admin's checklist on a simulated account: custom fields, users, records of pick-lists.
    Provision(commands::provision::ProvisionArgs),
    /// Read a source behind an API into files, so that plans, samples and runs need no call to it.
    Extract(commands::extract::ExtractArgs),
    /// Load a slice that shows everything, read it back, compare it field by field.
    Sample(commands::sample::SampleArgs),
    /// Say that the last sample is right: what a full run needs.
    Approve(commands::approve::ApproveArgs),
    /// Run a migration, or go on with it. The same command resumes after any stop.
    Run(RunArgs),
    /// Load what was created or changed at the source since, and report what was deleted there.
    Delta(commands::delta::DeltaArgs),
    /// Show where a migration stands.
    Status(commands::status::StatusArgs),
    /// Write the documents for people: what the mapping hands off, and the admin's checklist.
    Handoff(commands::handoff::HandoffArgs),
    /// What is held: list, show, decide in a sheet, try again.
    Holds(Holds),
    /// Compare the source with what the destination really holds; reads no ledger, writes nothing.
    Reconcile(commands::reconcile::ReconcileArgs),
    /// Explain one source record: its values op by op, decisions, history, and what is there now.
    Trace(commands::trace::TraceArgs),
    /// Undo what the migration did, and only that; keep what people changed since.
    Rollback(commands::rollback::RollbackArgs),
    /// Export every operation of every run, or verify the ledger's hash chain.
    Audit(Audit),
    /// Serve a simulated platform over HTTP on loopback.
    Sandbox(SandboxArgs),
    /// Print a completion script for a shell.
    Completions(Completions),
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// Files or folders.
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// How to print findings.
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
    /// Warnings count as findings for the exit code.
    #[arg(long)]
    pub strict: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FindingFormat {
    /// With excerpts.
    Text,
    /// One line each.
    Short,
    /// One JSON document.
    Json,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A code (`E0103`), its name (`unknown-key`), the code of a hold (`join_none`), or nothing for the list.
    pub code: Option<String>,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// The kind of spec.
    #[arg(value_enum)]
    pub kind: SchemaKind,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = SchemaFormat::Json)]
    pub format: SchemaFormat,
}

/// How a schema is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// JSON Schema, for editors and validators.
    Json,
    /// Tables of all keys, for people.
    Markdown,
}

/// Kinds of spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// `specs/platforms/*.yaml`
    Platform,
    /// `specs/mappings/*.yaml`
    Mapping,
    /// `migration.yaml`
    Migration,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// How to print the plan.
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub format: PlanFormat,
    /// Do not count source records (touches no export file; calls are then not known).
    #[arg(long)]
    pub offline: bool,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a page or a ticket.
    Markdown,
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Run without an approved sample. The waiver is written into the ledger.
    #[arg(long)]
    pub auto_approve: bool,
    /// Read a source behind an API anew, whatever was read before.
    #[arg(long)]
    pub refresh: bool,
    /// Create through the sandbox's admin plane what only an admin can create. Only for a sandbox destination.
    #[arg(long)]
    pub provision: bool,
    /// Append events as JSON lines to this file (`-`: stdout; the books then go to stderr).
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Where the migration's pace says to stop: wait, and go on by itself, instead of ending with 75.
    #[arg(long)]
    pub wait: bool,
    /// How to print the books.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Override the destination's limit of calls per minute, downwards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls_per_minute: Option<u64>,
    /// Memory for joins and merges (`1GiB`, `500MB`); what outgrows it stands in a file below `.transload` while the run
    /// lasts. Without it half of the machine's memory.
    #[arg(long, value_name = "SIZE", value_parser = super::memory_size::parse)]
    pub memory: Option<u64>,
    /// The migration file, its mapping or the account's address has another name since the last run, and is the same: go on
    /// with the ledger in this folder.
    #[arg(long)]
    pub renamed: bool,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Arguments of `holds`.
#[derive(Debug, Args)]
pub struct Holds {
    /// What to do.
    #[command(subcommand)]
    pub action: HoldsAction,
}

/// What to do with holds.
#[derive(Debug, Subcommand)]
pub enum HoldsAction {
    /// List what is held: step, record key, line, reason.
    List(HoldsList),
    /// Show one hold in full: reason, source cells, where it stands in export and specs, what would release it.
    Show(commands::holds_show::HoldsShow),
    /// Write the sheet for decisions: a row for each hold with reason and proposed fix.
    Export(commands::holds_export::HoldsExport),
    /// Take a sheet of decisions back: checks all of it, notes it down, runs nothing.
    Import(commands::holds_import::HoldsImport),
    /// Run only what is held and what waits for it: decided, or with its cause gone.
    Retry(commands::holds_retry::HoldsRetry),
}

/// Arguments of `holds list`.
#[derive(Debug, Args)]
pub struct HoldsList {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Only this reason.
    #[arg(long)]
    pub code: Option<String>,
    /// Only this step.
    #[arg(long)]
    pub step: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = HoldsFormat::Text)]
    pub format: HoldsFormat,
}

/// How holds are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HoldsFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a spreadsheet.
    Csv,
}

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// What to do.
    #[command(subcommand)]
    pub action: AuditAction,
}

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub enum AuditAction {
    /// Recompute the hash chain and name the first broken entry.
    Verify {
        /// The migration file.
        #[arg(default_value = "migration.yaml")]
        migration: PathBuf,
    },
    /// Every operation of every run: what went where, by which step, decided how, with which end.
    Export(commands::audit::ExportArgs),
}

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// The platform file.
    pub platform: PathBuf,
    /// Port on loopback; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Keep the data in this file (default: in memory).
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// What the account holds at first: a YAML file, object name to records.
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// The folder of an export whose records a simulated source holds; for a platform file that is a variant.
    #[arg(long, value_name = "FOLDER")]
    pub fill: Option<PathBuf>,
    /// Tier of the account.
    #[arg(long)]
    pub tier: Option<String>,
    /// The key that callers must send.
    #[arg(long, default_value = "sandbox-key")]
    pub key: String,
    /// A quirk other than the platform's default, `name=value`; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub quirk: Vec<String>,
    /// A fault and its rate, `drop_after=0.05`; may be repeated. Faults: rate_limited, denied, server_error, drop_before,
    /// drop_after, slow, truncated, html, forgotten, partial_bulk, late_job.
    #[arg(long, value_name = "NAME=RATE")]
    pub fault: Vec<String>,
    /// Seed of the fault generator.
    #[arg(long, default_value_t = 7)]
    pub random_seed: u64,
    /// Calls per minute instead of the platform's limits; 0 switches limits off.
    #[arg(long, value_name = "N")]
    pub calls_per_minute: Option<u64>,
    /// Also stop when stdin closes: ends with the script or test that started it.
    #[arg(long)]
    pub stop_with_stdin: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
