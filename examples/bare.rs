//! The least that any tool must do with files of records: reads every CSV file of a folder with the `csv` crate and
//! writes each as JSON lines, all values as texts, on all cores file by file. What `benches/w/run` compares with.
//!
//! ```text
//! cargo run --release --example bare -- IN OUT [THREADS]
//! ```

use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Mutex,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(to)) = (args.next(), args.next()) else {
        return Err("usage: bare IN OUT [THREADS]".into());
    };
    let threads = match args.next() {
        Some(n) => n.to_string_lossy().parse()?,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    fs::create_dir_all(&to)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|e| e == "csv") {
            files.push((entry.metadata()?.len(), entry.path()));
        }
    }
    // The largest last: whoever is free takes one off the end.
    files.sort();
    let files = Mutex::new(files);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((_, path)) = files.lock().ok().and_then(|mut f| f.pop()) {
                    if let Err(error) = copy(&path, &to)
                        && let Ok(mut failed) = failed.lock()
                    {
                        *failed = Some(format!("{}: {error}", path.display()));
                    }
                }
            });
        }
    });
    match failed.into_inner()? {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn copy(path: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(1 << 20)
        .from_path(path)?;
    let mut keys = Vec::new();
    for header in reader.headers()? {
        keys.push(format!("{}:", serde_json::to_string(header)?));
    }
    let name = path.file_stem().unwrap_or_default();
    let out = File::create(to.join(name).with_extension("jsonl"))?;
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let mut mark = b'{';
        for (key, cell) in keys.iter().zip(&record) {
            out.write_all(&[mark])?;
            out.write_all(key.as_bytes())?;
            serde_json::to_writer(&mut out, cell)?;
            mark = b',';
        }
        out.write_all(b"}\n")?;
    }
    out.flush()?;
    Ok(())
}
