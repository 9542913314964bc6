//! A truncated SVD kept up to date while the rows of a sparse matrix arrive in batches.
//!
//! ```text
//! cargo run --release --example streaming_svd -- --k 32 --batches 50
//! ```

mod common;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use common::say;
use hadamard::plot::streaming::{StreamedRun, streamed_svd};
use hadamard::ssvd::{
    Adaptive, Augmentation, Csr, CsrCsc, Exact, Gkl, LanczosOptions, Rpi, TruncatedSvd, UpdateOptions,
    UpdateTruncatedSvd, UpdatingSvd, lanczos, read_edges, read_libsvm, read_matrix_market, read_npz,
};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Start from the truncated SVD of the first rows of a sparse matrix, let the other rows arrive in batches, and compare
/// each way of updating with a decomposition from scratch: time, error, condition, memory.
#[derive(Parser)]
#[command(
    after_help = "Example: cargo run --release --example streaming_svd -- --method rpi --k 32 --checkpoint state
With a matrix: cargo run --release --example streaming_svd -- --input ratings.mtx --method rpi --checkpoint state"
)]
struct Options {
    /// A sparse matrix: .mtx (Matrix Market), .npz (scipy), .svm or .libsvm, else an edge list; without it a random
    /// graph with power-law degrees is made
    #[arg(long)]
    input: Option<PathBuf>,
    /// Read every edge of an edge list in both directions
    #[arg(long)]
    symmetric: bool,
    /// Nodes of the random graph
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..))]
    n: u32,
    /// Mean degree of the random graph
    #[arg(long, default_value_t = 10.0)]
    degree: f64,
    /// Seed of the random graph and of the random starts
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Ways of updating, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "exact,gkl,rpi,adaptive")]
    method: Vec<Method>,
    /// Singular triplets kept
    #[arg(long, default_value_t = 16)]
    k: usize,
    /// Directions that gkl, rpi and adaptive keep of a batch (adaptive: at most)
    #[arg(long, default_value_t = 16)]
    l: usize,
    /// Share of the rows known at the start
    #[arg(long, default_value_t = 0.5)]
    first: f64,
    /// Batches that the other rows come in
    #[arg(long, default_value_t = 40)]
    batches: usize,
    /// Number of batches after which errors are measured against a fresh decomposition
    #[arg(long, default_value_t = 8)]
    checks: usize,
    /// Stop after this many batches (with --checkpoint: go on later with --resume)
    #[arg(long)]
    stop_after: Option<usize>,
    /// Write the state to this file after every batch (one method only)
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// Go on from the checkpoint instead of from the first rows
    #[arg(long, requires = "checkpoint")]
    resume: bool,
    /// Folder of the pictures
    #[arg(long, default_value = "out/streaming_svd")]
    out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// All directions of a batch
    Exact,
    /// l directions by Golub-Kahan-Lanczos
    Gkl,
    /// l directions by random power iteration
    Rpi,
    /// As many directions as leave out 1e-4 of the energy of a batch
    Adaptive,
}

/// One method's result.
struct Outcome {
    run: StreamedRun,
    seconds: f64,
    svd: TruncatedSvd,
    rows: usize,
    orthogonality: f64,
    condition: f64,
    rebases: u64,
    memory: usize,
    /// Decompositions at the checks: (rows, SVD).
    checked: Vec<(usize, TruncatedSvd)>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("streaming_svd: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if options.checkpoint.is_some() && options.method.len() != 1 {
        return Err("--checkpoint holds one state: choose one method, as in --method rpi".into());
    }
    if !(options.first > 0.0 && options.first <= 1.0) {
        return Err(format!(
            "--first {} is not a share of the rows: give 0.5 for half of them",
            options.first
        )
        .into());
    }
    if options.batches == 0 || options.checks == 0 {
        return Err("--batches and --checks count from 1: give --batches 40 --checks 8".into());
    }
    let matrix = match &options.input {
        Some(path) => read(path, options.symmetric)?,
        None => power_law_graph(options)?,
    };
    let (m, n) = (matrix.nrows(), matrix.ncols());
    let start = ((m as f64 * options.first) as usize).clamp(1.min(m), m);
    if options.k == 0 || options.k > start.min(n) {
        let most = start.min(n);
        return Err(format!(
            "--k {} of the first {start} rows of {m} x {n}: give --k 1 to {most}",
            options.k
        )
        .into());
    }
    let ends: Vec<usize> = (1..=options.batches)
        .map(|i| start + (m - start) * i / options.batches)
        .collect();

    let outcomes = options
        .method
        .iter()
        .map(|&method| {
            let l = options.l;
            match method {
                Method::Exact => stream(&matrix, start, &ends, options, "exact", Exact),
                Method::Gkl => stream(&matrix, start, &ends, options, "gkl", Gkl { l }),
                Method::Rpi => stream(&matrix, start, &ends, options, "rpi", Rpi { l, t: 3 }),
                Method::Adaptive => {
                    let method = Adaptive {
                        tolerance: 1e-4,
                        max_l: l,
                    };
                    stream(&matrix, start, &ends, options, "adaptive", method)
                }
            }
        })
        .collect::<Result<Vec<_>>>()?;
    report(&matrix, outcomes, options)
}

/// Absorbs the batches by one method. Only the updates are timed.
fn stream<M>(
    matrix: &Csr,
    start: usize,
    ends: &[usize],
    options: &Options,
    label: &'static str,
    method: M,
) -> Result<Outcome>
where
    M: Augmentation + Serialize + for<'a> Deserialize<'a>,
{
    let (m, n) = (matrix.nrows(), matrix.ncols());
    let mut svd = match (&options.checkpoint, options.resume) {
        (Some(path), true) => UpdatingSvd::<M>::load(path)?.with_method(method)?,
        _ => UpdatingSvd::start(&matrix.row_range(0..start)?, options.k, method)?.with_options(UpdateOptions {
            seed: options.seed,
            ..UpdateOptions::default()
        })?,
    };
    if svd.ncols() != n || svd.nrows() > m || svd.target_rank() != options.k {
        let (rows, cols, k) = (svd.nrows(), svd.ncols(), svd.target_rank());
        return Err(format!(
            "the checkpoint is of {rows} x {cols} with k = {k}, the input of {m} x {n} with k = {}: give the same input and --k",
            options.k
        )
        .into());
    }
    let batches: Vec<usize> = ends.iter().copied().filter(|&end| end > svd.nrows()).collect();
    let batches = &batches[..options.stop_after.unwrap_or(usize::MAX).min(batches.len())];
    let bar = common::progress(label, batches.len());

    let (mut time, mut history, mut checked, mut seconds) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for (at, &end) in batches.iter().enumerate() {
        let batch = matrix.row_range(svd.nrows()..end)?;
        let update = svd.add_rows(&batch)?;
        seconds += update.seconds;
        time.push((end as f64, 1e3 * update.seconds));
        history.push((end as f64, svd.singular_values().to_vec()));
        if let Some(path) = &options.checkpoint {
            svd.save(path)?;
        }
        // Evenly spread, the last batch among them.
        let nth = |i: usize| i * options.checks / batches.len();
        if nth(at + 1) > nth(at) {
            checked.push((end, svd.svd()));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if checked.is_empty() {
        checked.push((svd.nrows(), svd.svd()));
    }
    let condition = svd.condition();
    Ok(Outcome {
        seconds,
        rows: svd.nrows(),
        orthogonality: svd.orthogonality_error(),
        condition: condition.0.max(condition.1),
        rebases: svd.rebases(),
        memory: svd.memory(),
        svd: svd.svd(),
        checked,
        run: StreamedRun {
            label: label.to_string(),
            time,
            history,
            singular_values: svd.singular_values().to_vec(),
            ..StreamedRun::default()
        },
    })
}

/// Compares with fresh decompositions, prints and draws.
fn report(matrix: &Csr, mut outcomes: Vec<Outcome>, options: &Options) -> Result<()> {
    let mut fresh = StreamedRun {
        label: "from scratch".into(),
        ..StreamedRun::default()
    };
    let rows = outcomes[0].rows;
    let mut best = None;
    // All methods were checked after the same batches.
    for at in 0..outcomes[0].checked.len() {
        let rows = outcomes[0].checked[at].0;
        let part = matrix.row_range(0..rows)?;
        let begin = Instant::now();
        let solved = lanczos(&CsrCsc::from(part.clone()), options.k, &LanczosOptions::default())?;
        let seconds = begin.elapsed().as_secs_f64();
        fresh.time.push((rows as f64, 1e3 * seconds));
        let optimum = solved.svd.frobenius_error(&part)?;
        for outcome in &mut outcomes {
            let error = outcome.checked[at].1.frobenius_error(&part)?;
            outcome.run.excess.push((rows as f64, error / optimum - 1.0));
        }
        fresh.history.push((rows as f64, solved.svd.s.clone()));
        fresh.singular_values.clone_from(&solved.svd.s);
        best = Some((solved, seconds, optimum));
    }
    let (solved, fresh_seconds, optimum) = best.ok_or("no batch was checked: give --checks 1 or more")?;
    let worst = |svd: &TruncatedSvd| {
        let pairs = solved.svd.s.iter().zip(svd.s.iter().chain(std::iter::repeat(&0.0)));
        pairs.map(|(best, s)| (best - s).abs() / best).fold(0.0, f64::max)
    };

    let runs: Vec<StreamedRun> = outcomes.iter().map(|o| o.run.clone()).collect();
    let figure = streamed_svd(&runs, &fresh)?;
    let files = common::save(&figure, &options.out, "streaming")?;

    let excess = |o: &Outcome| o.run.excess.last().map_or(f64::NAN, |e| e.1);
    if options.json {
        let methods: Vec<Value> = outcomes
            .iter()
            .map(|o| {
                json!({
                    "method": o.run.label, "seconds": o.seconds, "batches": o.run.time.len(),
                    "excess_error": excess(o), "singular_value_error": worst(&o.svd), "orthogonality": o.orthogonality,
                    "condition": o.condition, "rebases": o.rebases, "memory": o.memory,
                    "singular_values": o.svd.s,
                })
            })
            .collect();
        let object = json!({
            "rows": matrix.nrows(), "cols": matrix.ncols(), "entries": matrix.nnz(), "k": options.k,
            "rows_absorbed": rows, "methods": methods, "files": files,
            "fresh": {
                "seconds": fresh_seconds, "converged": solved.converged, "error": optimum, "memory": solved.memory,
                "singular_values": solved.svd.s,
            },
        });
        say!("{object}");
        return Ok(());
    }
    let (m, n, entries) = (matrix.nrows(), matrix.ncols(), matrix.nnz());
    say!("{m} x {n}, {entries} entries, rank {}, {rows} rows absorbed", options.k);
    say!(
        "{:<13}{:>8}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>9}{:>9}",
        "method",
        "batches",
        "seconds",
        "ms/batch",
        "excess err",
        "value err",
        "orthogon.",
        "condition",
        "rebases",
        "MiB"
    );
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    for o in &outcomes {
        let batches = o.run.time.len();
        say!(
            "{:<13}{batches:>8}{:>11.4}{:>11.3}{:>11.1e}{:>11.1e}{:>11.1e}{:>11.1e}{:>9}{:>9.1}",
            o.run.label,
            o.seconds,
            1e3 * o.seconds / batches.max(1) as f64,
            excess(o),
            worst(&o.svd),
            o.orthogonality,
            o.condition,
            o.rebases,
            mib(o.memory),
        );
    }
    say!(
        "{:<13}{:>8}{fresh_seconds:>11.4}{:>75.1}",
        "from scratch",
        1,
        mib(solved.memory)
    );
    say!("excess err: error in the Frobenius norm over the best possible, minus 1; value err: of any singular value");
    for file in &files {
        say!("wrote {}", file.display());
    }
    Ok(())
}

fn read(path: &Path, symmetric: bool) -> Result<Csr> {
    Ok(match path.extension().and_then(|e| e.to_str()) {
        Some("mtx") => read_matrix_market(path)?,
        Some("npz") => read_npz(path)?,
        Some("svm" | "libsvm") => read_libsvm(path, None)?.0,
        _ => read_edges(path, symmetric)?,
    })
}

/// Ends drawn as n u^4, u uniform: the i-th most popular node has a degree proportional to i^(-3/4). Nodes are
/// renumbered at random, so that the popular ones do not all come first.
fn power_law_graph(options: &Options) -> Result<Csr> {
    let n = options.n as usize;
    if !(options.degree > 0.0 && options.degree < f64::from(options.n)) {
        return Err(format!(
            "--degree {} with --n {n}: give a degree between 0 and n",
            options.degree
        )
        .into());
    }
    let mut rng = Pcg64::seed_from_u64(options.seed);
    let mut names: Vec<usize> = (0..n).collect();
    names.shuffle(&mut rng);
    let mut end = || names[((n as f64 * rng.random::<f64>().powi(4)) as usize).min(n - 1)];
    let edges = (n as f64 * options.degree / 2.0).ceil() as usize;
    let mut entries = Vec::with_capacity(2 * edges);
    for _ in 0..edges {
        let (a, b) = (end(), end());
        entries.push((a, b));
        entries.push((b, a));
    }
    // An edge drawn twice is one edge.
    entries.sort_unstable();
    entries.dedup();
    Ok(Csr::from_triplets(n, n, entries.into_iter().map(|(a, b)| (a, b, 1.0)))?)
}
