//! Our side of the comparison with other libraries: reads `task threads argument …` lines, answers with one JSON line
//! each. Sets come as raw little-endian f64 files of N d x d matrices; results go to a file where the other side checks
//! them.

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

use hadamard_geometry::mean::{self, MeanOptions, MeanReport};
use hadamard_geometry::metrics::{AffineInvariant, BuresWasserstein, LogEuclidean};
use hadamard_geometry::{Metric, SpdBatch};
use nalgebra::DMatrix;

type Answer = Result<String, Box<dyn std::error::Error>>;

fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.as_slice() {
            [task, threads, arguments @ ..] => in_pool(threads, || run(task, arguments)),
            _ => Err("expected: task threads arguments".into()),
        };
        let text = answer.unwrap_or_else(|error| format!("{{\"error\": {:?}}}", error.to_string()));
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

/// Runs in a pool of `threads` threads.
fn in_pool(threads: &str, task: impl FnOnce() -> Result<String, String> + Send) -> Result<String, String> {
    let threads = threads.parse().map_err(|_| format!("threads {threads:?}"))?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| e.to_string())?;
    pool.install(task)
}

fn run(task: &str, arguments: &[&str]) -> Result<String, String> {
    let answer: Answer = match (task, arguments) {
        ("eigen", [set, order]) => kernel(set, order, |batch| drop(black_box(batch.eigen()))),
        ("faer", [set, order]) => kernel(set, order, faer_eigen),
        ("log", [set, order]) => kernel(set, order, |batch| drop(black_box(batch.log()))),
        ("mean", [metric, set, order, out]) => mean_of(metric, set, order, out),
        ("pairwise", [metric, set, order, out]) => pairwise(metric, set, order, out),
        ("distance", [metric, set, order]) => distance(metric, set, order),
        _ => return Err(format!("unknown task {task:?} with {} arguments", arguments.len())),
    };
    answer.map_err(|error| error.to_string())
}

fn batch(path: &str, order: &str) -> Result<SpdBatch, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let numbers = bytes.as_chunks().0.iter().map(|chunk| f64::from_le_bytes(*chunk));
    Ok(SpdBatch::try_from_vec(order.parse()?, numbers.collect())?)
}

fn write(path: &str, matrix: &DMatrix<f64>) -> std::io::Result<()> {
    let bytes: Vec<u8> = matrix.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(path, bytes)
}

fn metric(name: &str) -> Result<Box<dyn Metric>, Box<dyn std::error::Error>> {
    Ok(match name {
        "affine-invariant" => Box::new(AffineInvariant::default()),
        "bures-wasserstein" => Box::new(BuresWasserstein),
        "log-euclidean" => Box::new(LogEuclidean::default()),
        _ => return Err(format!("unknown metric {name:?}").into()),
    })
}

/// Seconds of `work` on one set, the least of as many runs as fit into a fifth of a second: kernels are short.
fn kernel(set: &str, order: &str, work: impl Fn(&SpdBatch)) -> Answer {
    let batch = batch(set, order)?;
    let begin = Instant::now();
    let mut least = f64::INFINITY;
    while begin.elapsed().as_secs_f64() < 0.2 {
        let start = Instant::now();
        work(&batch);
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(format!("{{\"seconds\": {least}}}"))
}

fn faer_eigen(batch: &SpdBatch) {
    let order = batch.order();
    for matrix in batch.as_slice().chunks_exact(order * order) {
        let view = faer::MatRef::from_column_major_slice(matrix, order, order);
        black_box(view.self_adjoint_eigen(faer::Side::Lower).expect("converges"));
    }
}

fn mean_of(metric: &str, set: &str, order: &str, out: &str) -> Answer {
    let batch = batch(set, order)?;
    let options = MeanOptions::default();
    let start = Instant::now();
    let (matrix, iterations, gradient) = match metric {
        "log-euclidean" => (mean::log_euclidean(&batch, None)?.into_matrix(), 0, 0.0),
        "affine-invariant" => parts(mean::affine_invariant(&batch, None, &options)?),
        "bures-wasserstein" => parts(mean::bures_wasserstein(&batch, None, &options)?),
        _ => return Err(format!("unknown metric {metric:?}").into()),
    };
    let seconds = start.elapsed().as_secs_f64();
    write(out, &matrix)?;
    Ok(format!(
        "{{\"seconds\": {seconds}, \"iterations\": {iterations}, \"gradient\": {gradient:e}}}"
    ))
}

fn parts(report: MeanReport) -> (DMatrix<f64>, usize, f64) {
    (report.mean.into_matrix(), report.iterations, report.gradient_norm)
}

fn pairwise(name: &str, set: &str, order: &str, out: &str) -> Answer {
    let (metric, batch) = (metric(name)?, batch(set, order)?);
    let start = Instant::now();
    let distances = metric.pairwise(&batch)?;
    let seconds = start.elapsed().as_secs_f64();
    write(out, &distances)?;
    Ok(format!("{{\"seconds\": {seconds}}}"))
}

/// The distance of the first two matrices of a set, for comparing values.
fn distance(name: &str, set: &str, order: &str) -> Answer {
    let (metric, batch) = (metric(name)?, batch(set, order)?);
    let start = Instant::now();
    let value = metric.distance(&batch.get(0), &batch.get(1))?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!("{{\"seconds\": {seconds}, \"value\": {value:e}}}"))
}
