//! Our side of the comparison with other libraries: reads `task argument …` lines, answers with one JSON line each.
//!
//! Clouds come as raw little-endian f64 files of n d x d matrices; outputs that the other side checks are in `value`.

use std::io::{BufRead, Write};
use std::time::Instant;

use hadamard_geometry::sliced::{
    BandRule, DirectionBank, FlowOptions, LogCloud, SlicedLoss, SpdMeasure, flow, gaussian_kernel, hspdsw_pow,
    median_gamma, packed_len, spdsw_pow, squared_distances,
};
use hadamard_geometry::transport::{SinkhornOptions, affine_invariant_cost, log_euclidean_cost, sinkhorn, wasserstein};
use hadamard_geometry::{SpdBatch, SymBatch};

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
        ("spdsw", [x, y, order, directions]) => spdsw(x, y, order, directions),
        ("spdsw-value", [x, y, bank, order]) => spdsw_value(x, y, bank, order),
        ("parts", [x, y, order, directions]) => parts(x, y, order, directions),
        ("hspdsw", [x, y, order, directions]) => hspdsw(x, y, order, directions),
        ("kernel", [logs, order, people, directions, levels]) => kernel(logs, order, people, directions, levels),
        ("step", [x, y, order, directions]) => step(x, y, order, directions),
        ("align", [x, y, order, directions, steps]) => align(x, y, order, directions, steps),
        ("emd-le", [x, y, order]) => emd(x, y, order, true),
        ("emd-ai", [x, y, order]) => emd(x, y, order, false),
        ("sinkhorn-le", [x, y, order]) => entropic(x, y, order),
        ("memory", [n, order, directions]) => memory(n, order, directions),
        _ => return Err(format!("unknown task {task:?} with {} arguments", arguments.len())),
    };
    answer.map_err(|error| error.to_string())
}

fn numbers(path: &str) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(bytes
        .as_chunks()
        .0
        .iter()
        .map(|chunk| f64::from_le_bytes(*chunk))
        .collect())
}

fn batch(path: &str, order: &str) -> Result<SpdBatch, Box<dyn std::error::Error>> {
    Ok(SpdBatch::try_from_vec(order.parse()?, numbers(path)?)?)
}

fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

fn timed(start: Instant, value: f64) -> Answer {
    Ok(format!("{{\"seconds\": {}, \"value\": {value:e}}}", seconds(start)))
}

/// Least time of a few runs, as the other side takes it: at most 5, none begun after a second.
fn least(mut task: impl FnMut() -> Result<f64, Box<dyn std::error::Error>>) -> Answer {
    let (begin, mut best, mut value) = (Instant::now(), f64::INFINITY, 0.0);
    for _ in 0..5 {
        let start = Instant::now();
        value = task()?;
        best = best.min(seconds(start));
        if seconds(begin) > 1.0 {
            break;
        }
    }
    Ok(format!("{{\"seconds\": {best}, \"value\": {value:e}}}"))
}

/// SPDSW_2² with drawing of directions and logarithms.
fn spdsw(x: &str, y: &str, order: &str, directions: &str) -> Answer {
    let (x, y) = (batch(x, order)?, batch(y, order)?);
    let directions = directions.parse()?;
    least(|| {
        let bank = DirectionBank::lambda_s(x.order(), directions, 1)?;
        Ok(spdsw_pow(&bank, &LogCloud::try_new(&x)?, &LogCloud::try_new(&y)?, 2.0)?)
    })
}

/// SPDSW_2² with given directions (symmetric matrices), for comparing values.
fn spdsw_value(x: &str, y: &str, bank: &str, order: &str) -> Answer {
    let (x, y) = (batch(x, order)?, batch(y, order)?);
    let d = x.order();
    let matrices: Vec<nalgebra::DMatrix<f64>> = numbers(bank)?
        .chunks_exact(d * d)
        .map(|a| nalgebra::DMatrix::from_column_slice(d, d, a))
        .collect();
    let bank = DirectionBank::from_matrices(&matrices)?;
    let start = Instant::now();
    timed(
        start,
        spdsw_pow(&bank, &LogCloud::try_new(&x)?, &LogCloud::try_new(&y)?, 2.0)?,
    )
}

/// The whole and its parts alone: directions, logarithms, one matrix product, sorts.
fn parts(x: &str, y: &str, order: &str, directions: &str) -> Answer {
    let (x, y) = (batch(x, order)?, batch(y, order)?);
    let count: usize = directions.parse()?;
    let start = Instant::now();
    let bank = DirectionBank::lambda_s(x.order(), count, 1)?;
    let directions = seconds(start);
    let start = Instant::now();
    std::hint::black_box((x.log(), y.log()));
    let logs = seconds(start);
    let clouds = [LogCloud::try_new(&x)?, LogCloud::try_new(&y)?];
    let size = packed_len(x.order());
    let packed = faer::Mat::<f64>::from_fn(size, count, |k, l| bank.packed(l)[k]);
    let (mut product, mut sort) = (0.0, 0.0);
    for cloud in &clouds {
        let rows = faer::MatRef::from_row_major_slice(cloud.rows(), cloud.len(), size);
        let mut projections = faer::Mat::<f64>::zeros(cloud.len(), count);
        let parallelism = faer::Par::Seq;
        let start = Instant::now();
        faer::linalg::matmul::matmul(&mut projections, faer::Accum::Replace, rows, &packed, 1.0, parallelism);
        product += seconds(start);
        let start = Instant::now();
        for column in projections.col_iter_mut() {
            if let Some(column) = column.try_as_col_major_mut() {
                column.as_slice_mut().sort_unstable_by(f64::total_cmp);
            }
        }
        sort += seconds(start);
    }
    let start = Instant::now();
    std::hint::black_box(spdsw_pow(&bank, &clouds[0], &clouds[1], 2.0)?);
    let after_logs = seconds(start);
    let start = Instant::now();
    let bank = DirectionBank::lambda_s(x.order(), count, 1)?;
    std::hint::black_box(spdsw_pow(&bank, &LogCloud::try_new(&x)?, &LogCloud::try_new(&y)?, 2.0)?);
    let whole = seconds(start);
    Ok(format!(
        "{{\"seconds\": {whole}, \"directions\": {directions}, \"logs\": {logs}, \"product\": {product}, \
         \"sort\": {sort}, \"after_logs\": {after_logs}, \"parts\": {}}}",
        directions + logs + product + sort
    ))
}

/// HSPDSW_2² with drawing of directions.
fn hspdsw(x: &str, y: &str, order: &str, directions: &str) -> Answer {
    let (x, y) = (batch(x, order)?, batch(y, order)?);
    let start = Instant::now();
    let bank = DirectionBank::lambda_s(x.order(), directions.parse()?, 1)?;
    let value = hspdsw_pow(&bank, &SpdMeasure::uniform(&x)?, &SpdMeasure::uniform(&y)?, 2.0)?;
    timed(start, value)
}

/// Gaussian kernel matrix of people with equally many windows, logarithms and directions given.
fn kernel(logs: &str, order: &str, people: &str, directions: &str, levels: &str) -> Answer {
    let (order, people): (usize, usize) = (order.parse()?, people.parse()?);
    let logs = numbers(logs)?;
    let each = logs.len() / people;
    let clouds = logs
        .chunks_exact(each)
        .map(|logs| Ok(LogCloud::from_logs(&SymBatch::try_from_vec(order, logs.to_vec())?)?))
        .collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    let bank = DirectionBank::lambda_s(order, directions.parse()?, 1)?;
    let levels = levels.parse()?;
    least(|| {
        let features = clouds
            .iter()
            .map(|cloud| bank.quantile_features(cloud, levels))
            .collect::<Result<Vec<_>, _>>()?;
        let squared = squared_distances(&features)?;
        let gamma = median_gamma(&squared, &(0..people).collect::<Vec<_>>())?;
        Ok(gaussian_kernel(&[squared], &[gamma], BandRule::Sum)?.sum())
    })
}

/// One preconditioned step of a particle flow (mean over the fastest of five flows), logarithms and sorted target given.
fn step(x: &str, y: &str, order: &str, directions: &str) -> Answer {
    let (x, y) = (
        LogCloud::try_new(&batch(x, order)?)?,
        LogCloud::try_new(&batch(y, order)?)?,
    );
    let bank = DirectionBank::lambda_s(x.order(), directions.parse()?, 1)?;
    let loss = SlicedLoss::try_new(&bank, &y, 2.0)?;
    let options = FlowOptions::default();
    let mut each = f64::INFINITY;
    let mut first = 0.0;
    for _ in 0..5 {
        let start = Instant::now();
        first = flow(&loss, &x, options)?.losses[0];
        each = each.min(seconds(start) / options.steps as f64);
    }
    Ok(format!("{{\"seconds\": {each}, \"value\": {first:e}}}"))
}

/// A whole alignment from matrices: logarithms, directions, sorted target, steps. `value` is the loss reached.
fn align(x: &str, y: &str, order: &str, directions: &str, steps: &str) -> Answer {
    let (x, y) = (batch(x, order)?, batch(y, order)?);
    let mut options = FlowOptions::default();
    options.steps = steps.parse()?;
    let start = Instant::now();
    let bank = DirectionBank::lambda_s(x.order(), directions.parse()?, 1)?;
    let loss = SlicedLoss::try_new(&bank, &LogCloud::try_new(&y)?, 2.0)?;
    let report = flow(&loss, &LogCloud::try_new(&x)?, options)?;
    let elapsed = seconds(start);
    let reached = loss.value_and_gradient(&report.cloud)?.value;
    Ok(format!(
        "{{\"seconds\": {elapsed}, \"value\": {reached:e}, \"first\": {:e}}}",
        report.losses[0]
    ))
}

/// Exact transport with its cost matrix.
fn emd(x: &str, y: &str, order: &str, log_euclidean: bool) -> Answer {
    let (x, y) = (batch(x, order)?, batch(y, order)?);
    let start = Instant::now();
    let cost = if log_euclidean {
        log_euclidean_cost(&LogCloud::try_new(&x)?, &LogCloud::try_new(&y)?, 2.0)?
    } else {
        affine_invariant_cost(&x, &y, 2.0)?
    };
    timed(start, wasserstein(&cost, None, None)?.cost)
}

/// Entropic transport with ε = 1 to 1e-10.
fn entropic(x: &str, y: &str, order: &str) -> Answer {
    let (x, y) = (batch(x, order)?, batch(y, order)?);
    let start = Instant::now();
    let cost = log_euclidean_cost(&LogCloud::try_new(&x)?, &LogCloud::try_new(&y)?, 2.0)?;
    let options = SinkhornOptions {
        regularization: 1.0,
        tolerance: 1e-10,
        iterations: 10_000,
    };
    timed(start, sinkhorn(&cost, None, None, options)?.cost)
}

/// SPDSW of two large clouds and the peak of resident memory over that of the packed input (Linux only).
fn memory(n: &str, order: &str, directions: &str) -> Answer {
    let (n, d): (usize, usize) = (n.parse()?, order.parse()?);
    let cloud = |shift: f64| -> Result<SpdBatch, Box<dyn std::error::Error>> {
        let mut data = vec![0.0; n * d * d];
        for (i, block) in data.chunks_exact_mut(d * d).enumerate() {
            for k in 0..d {
                block[k * d + k] = 1.0 + shift + 0.5 * ((i * d + k) as f64).sin();
                if k > 0 {
                    block[k * d + k - 1] = 0.1;
                    block[(k - 1) * d + k] = 0.1;
                }
            }
        }
        Ok(SpdBatch::try_from_vec(d, data)?)
    };
    let (x, y) = (cloud(0.0)?, cloud(0.5)?);
    let start = Instant::now();
    let bank = DirectionBank::lambda_s(d, directions.parse()?, 1)?;
    let value = spdsw_pow(&bank, &LogCloud::try_new(&x)?, &LogCloud::try_new(&y)?, 2.0)?;
    let elapsed = seconds(start);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<f64>()
            .ok()
    });
    let peak = peak.ok_or("no VmHWM in /proc/self/status")? * 1024.0;
    let packed = (2 * n * packed_len(d) * 8) as f64;
    Ok(format!(
        "{{\"seconds\": {elapsed}, \"value\": {value:e}, \"peak_over_packed\": {}}}",
        peak / packed
    ))
}
