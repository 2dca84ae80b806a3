//! `transload sandbox`: serves a simulated platform on loopback until it is stopped.

use crate::{
    check,
    cli::{
        args::SandboxArgs,
        begin, connect,
        exit::{Exit, Failure},
        fill, out,
    },
    diag,
    sandbox::{self, SandboxOptions},
    spec::Project,
};
use std::sync::Arc;

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// When the platform file has errors, or the port or data file cannot be used.
pub fn run(args: &SandboxArgs) -> Result<Exit, Failure> {
    if !args.platform.is_file() {
        return Err(Failure::new(
            Exit::Usage,
            format!("cannot find {}", args.platform.display()),
        )
        .hint("name a platform file, for example specs/platforms/NAME.yaml"));
    }
    let project = Project::load(&[&args.platform]);
    let mut found = project.diagnostics.clone();
    // A variant brings its platform along; the file that was named comes first.
    let platform = match project.platforms.first() {
        Some(file) => {
            let (platform, more) = check::check_platform(file);
            found.extend(more);
            found.extend(check::check_variant(&project, file));
            platform
        }
        None => None,
    };
    if !found.is_empty() {
        out::note(&diag::render_text(&project.files, &found, true));
    }
    let Some(platform) = platform.filter(|_| !found.has_errors()) else {
        return Err(Failure::new(
            Exit::Findings,
            format!("{} has errors", args.platform.display()),
        ));
    };
    let fill = match &args.fill {
        None => sandbox::Seed::default(),
        Some(folder) => {
            let base = project
                .platforms
                .first()
                .and_then(|file| project.variant_base(file))
                .and_then(|file| check::check_platform(file).0);
            let Some(base) = base else {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "nothing says how an export of {} is read: its file is no variant of another",
                        platform.title
                    ),
                )
                .hint("`--seed FILE` fills it with records from a YAML file"));
            };
            fill::from_export(&base, &platform, folder)?
        }
    };
    let options = SandboxOptions {
        fill,
        port: args.port,
        data: args.data.clone(),
        seed: connect::seed(args.seed.as_deref())?,
        tier: args.tier.clone(),
        quirks: args
            .quirk
            .iter()
            .map(|q| pair(q, "quirk"))
            .collect::<Result<_, _>>()?,
        calls_per_minute: args.calls_per_minute.filter(|n| *n > 0),
        unlimited: args.calls_per_minute == Some(0),
        faults: connect::faults(
            &args
                .fault
                .iter()
                .map(|f| {
                    let (name, rate) = pair(f, "fault")?;
                    let rate = rate.parse().ok().filter(|r| (0.0..=1.0).contains(r));
                    rate.map(|r| (name, r)).ok_or_else(|| {
                        Failure::new(
                            Exit::Usage,
                            format!("the rate of `--fault {f}` is not between 0 and 1"),
                        )
                    })
                })
                .collect::<Result<Vec<(String, f64)>, Failure>>()?,
        )?,
        fault_seed: args.random_seed,
        key: args.key.clone(),
        ..SandboxOptions::default()
    };
    let runtime = begin::runtime()?;
    let result = runtime.block_on(async {
        let sandbox = sandbox::start(Arc::new(platform), options)
            .await
            .map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
        out::result(&format!(
            "base {}\nadmin {}\nkey {}",
            sandbox.base_url, sandbox.admin_url, sandbox.key
        ));
        if args.stop_with_stdin {
            tokio::select! {
                () = wait() => {}
                () = stdin_closed() => {}
            }
        } else {
            wait().await;
        }
        sandbox.stop().await;
        Ok(Exit::Done)
    });
    runtime.shutdown_background();
    result
}

fn pair(text: &str, what: &str) -> Result<(String, String), Failure> {
    text.split_once('=')
        .map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned()))
        .ok_or_else(|| Failure::new(Exit::Usage, format!("`--{what} {text}` is not NAME=VALUE")))
}

/// Ends when whoever holds the other end of stdin is gone.
async fn stdin_closed() {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut rest = std::io::stdin().lock();
        let _ = std::io::copy(&mut rest, &mut std::io::sink());
        let _ = tell.send(());
    });
    let _ = told.await;
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut term) = signal(SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
        }
    } else {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(not(unix))]
async fn wait() {
    let _ = tokio::signal::ctrl_c().await;
}
