//! Our side of `peers/run.py ssvd`: lines `task argument ...` on standard input, one line of JSON each on standard
//! output.

use std::collections::HashMap;
use std::io::BufRead;
use std::time::Instant;

use hadamard_ssvd::{
    Augmentation, Csr, CsrCsc, Exact, Gkl, LanczosOptions, Result, Rpi, SsvdError, TruncatedSvd, UpdateOptions,
    UpdateTruncatedSvd, UpdatingSvd, lanczos, read_npz,
};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};

/// What is prepared outside the timed parts.
#[derive(Default)]
struct Prepared {
    matrices: HashMap<String, CsrCsc>,
    starts: HashMap<(String, usize), TruncatedSvd>,
    optima: HashMap<(String, usize), Vec<f64>>,
}

impl Prepared {
    fn matrix(&mut self, path: &str) -> Result<&CsrCsc> {
        if !self.matrices.contains_key(path) {
            self.matrices.insert(path.to_string(), CsrCsc::from(read_npz(path)?));
        }
        Ok(&self.matrices[path])
    }

    /// The decomposition of the first half of the rows, and the singular values of all.
    fn start(&mut self, path: &str, k: usize) -> Result<(TruncatedSvd, Vec<f64>)> {
        let key = (path.to_string(), k);
        if !self.starts.contains_key(&key) {
            let a = self.matrix(path)?.clone();
            let half = CsrCsc::from(a.rows().row_range(0..a.rows().nrows() / 2)?);
            let options = LanczosOptions::default();
            self.starts.insert(key.clone(), lanczos(&half, k, &options)?.svd);
            self.optima.insert(key.clone(), lanczos(&a, k, &options)?.svd.s);
        }
        Ok((self.starts[&key].clone(), self.optima[&key].clone()))
    }
}

/// ||A - U S V^T||_F through ||A||^2 - 2 <A, U S V^T> + ||U S V^T||^2.
fn error(a: &Csr, svd: &TruncatedSvd) -> f64 {
    let k = svd.s.len();
    let (u, v) = (svd.u.transpose(), svd.v.transpose());
    let cross: f64 = a
        .triplets()
        .map(|(i, j, x)| x * (0..k).map(|c| u[(c, i)] * svd.s[c] * v[(c, j)]).sum::<f64>())
        .sum();
    let (gu, gv) = (&u * &svd.u, &v * &svd.v);
    let own: f64 = (0..k)
        .flat_map(|i| (0..k).map(move |j| (i, j)))
        .map(|(i, j)| svd.s[i] * svd.s[j] * gu[(i, j)] * gv[(i, j)])
        .sum();
    (a.norm_squared() - 2.0 * cross + own).max(0.0).sqrt()
}

/// `stream FILE K BATCHES METHOD`: first half of the rows known, the rest in batches.
fn stream<M: Augmentation>(data: &mut Prepared, path: &str, k: usize, batches: usize, method: M) -> Result<Value> {
    let (start, best) = data.start(path, k)?;
    let a = data.matrix(path)?.rows().clone();
    let (m, half) = (a.nrows(), a.nrows() / 2);
    let bound = |i: usize| half + (m - half) * i / batches;
    let parts = (0..batches)
        .map(|i| a.row_range(bound(i)..bound(i + 1)))
        .collect::<Result<Vec<_>>>()?;
    let mut svd = UpdatingSvd::from_svd(&start, k, method, UpdateOptions::default())?;
    let begin = Instant::now();
    for part in &parts {
        svd.add_rows(part)?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let full = svd.svd();
    let optimum = (a.norm_squared() - best.iter().map(|s| s * s).sum::<f64>()).sqrt();
    let worst = best
        .iter()
        .zip(&full.s)
        .map(|(b, s)| (b - s).abs() / b)
        .fold(0.0, f64::max);
    Ok(json!({
        "seconds": seconds, "error": null, "error_over_optimum": error(&a, &full) / optimum, "sv_error": worst,
        "orthogonality": svd.orthogonality_error(), "condition": svd.condition().0.max(svd.condition().1),
        "rebases": svd.rebases(),
    }))
}

/// `static FILE K TOLERANCE BLOCK BASIS` (0: the solver's choice).
fn fixed(data: &mut Prepared, path: &str, k: usize, tolerance: f64, block: usize, basis: usize) -> Result<Value> {
    let rows = data.matrix(path)?.rows().clone();
    let options = LanczosOptions {
        tolerance,
        block,
        basis,
        ..LanczosOptions::default()
    };
    let begin = Instant::now();
    let a = CsrCsc::from(rows);
    let report = lanczos(&a, k, &options)?;
    let seconds = begin.elapsed().as_secs_f64();
    let gram = |x: &DMatrix<f64>| (x.transpose() * x - DMatrix::identity(x.ncols(), x.ncols())).amax();
    let residual = report.svd.residuals(&a)?.into_iter().fold(0.0, f64::max) / report.svd.s[0];
    Ok(json!({
        "seconds": seconds, "converged": report.converged, "iterations": report.iterations,
        "products": report.products, "memory": report.memory, "residual": residual,
        "orthogonality": gram(&report.svd.u).max(gram(&report.svd.v)), "s": report.svd.s,
    }))
}

fn random_factor(rows: usize, k: usize, rng: &mut Pcg64) -> DMatrix<f64> {
    // Orthonormal without a long QR: disjoint groups of rows.
    let mut u = DMatrix::from_fn(rows, k, |i, j| if i % k == j { 0.5 + rng.random::<f64>() } else { 0.0 });
    u.column_iter_mut().for_each(|mut c| {
        let norm = c.norm();
        c /= norm;
    });
    u
}

/// `flat ROWS K UPDATES`: the same single-row updates whatever the number of rows already there.
fn flat(rows: usize, k: usize, updates: usize) -> Result<Value> {
    let mut rng = Pcg64::seed_from_u64(1);
    let cols = rows;
    let s = (0..k).map(|i| 100.0 / (1.0 + i as f64 * 0.1)).collect();
    let svd = TruncatedSvd {
        u: random_factor(rows, k, &mut rng),
        s,
        v: random_factor(cols, k, &mut rng),
    };
    // Drift is watched by `long`; here the cost of the updates alone.
    let options = UpdateOptions {
        drift_limit: f64::INFINITY,
        condition_limit: f64::INFINITY,
        ..UpdateOptions::default()
    };
    let mut svd = UpdatingSvd::from_svd(&svd, k, Exact, options)?;
    let mut rng = Pcg64::seed_from_u64(2);
    let parts = (0..updates)
        .map(|_| {
            Csr::from_triplets(
                8,
                cols,
                (0..80).map(|i| (i % 8, rng.random_range(0..1000), rng.random::<f64>())),
            )
        })
        .collect::<Result<Vec<_>>>()?;
    let begin = Instant::now();
    for part in &parts {
        svd.add_rows(part)?;
    }
    Ok(json!({ "seconds": begin.elapsed().as_secs_f64() }))
}

/// `long UPDATES K`: single entries and single rows in turns; the largest orthogonality error seen, time of every tenth
/// of the updates without a rebase, time spent in updates with one.
fn long(updates: usize, k: usize) -> Result<Value> {
    let (rows, cols) = (2000, 2000);
    let mut rng = Pcg64::seed_from_u64(3);
    let s = (0..k).map(|i| 10.0 * 0.95f64.powi(i as i32)).collect();
    let svd = TruncatedSvd {
        u: random_factor(rows, k, &mut rng),
        s,
        v: random_factor(cols, k, &mut rng),
    };
    let mut svd = UpdatingSvd::from_svd(&svd, k, Exact, UpdateOptions::default())?;
    let (mut worst, mut tenths, mut rebases, mut total) = (0.0f64, vec![0.0; 10], 0.0, 0.0);
    for step in 0..updates {
        let report = if step % 2 == 0 {
            let scale = (2.0 * rng.random::<f64>() - 1.0).exp();
            let entries: Vec<_> = (0..10)
                .map(|_| (0, rng.random_range(0..cols), scale * rng.random::<f64>()))
                .collect();
            svd.add_rows(&Csr::from_triplets(1, cols, entries)?)?
        } else {
            let entry = (
                rng.random_range(0..svd.nrows()),
                rng.random_range(0..cols),
                rng.random::<f64>() - 0.5,
            );
            svd.change_entries(&[entry])?
        };
        total += report.seconds;
        // Rebases grow with the matrix by design: shown apart.
        if report.rebased {
            rebases += report.seconds;
        } else {
            tenths[step * 10 / updates] += report.seconds;
        }
        if step % (updates / 50).max(1) == 0 {
            worst = worst.max(svd.orthogonality_error());
        }
    }
    worst = worst.max(svd.orthogonality_error());
    Ok(json!({
        "seconds": total, "orthogonality": worst, "tenths": tenths, "rebases": svd.rebases(), "rebase_seconds": rebases,
        "s1": svd.singular_values()[0], "sk": svd.singular_values()[k - 1],
    }))
}

fn answer(line: &str, data: &mut Prepared) -> std::result::Result<Value, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |i: usize| {
        words
            .get(i)
            .and_then(|w| w.parse::<usize>().ok())
            .ok_or(format!("word {i}: a number"))
    };
    let text = |i: usize| words.get(i).copied().ok_or(format!("word {i} is missing"));
    let say = |r: Result<Value>| r.map_err(|e: SsvdError| e.to_string());
    match text(0)? {
        "stream" => {
            let (path, k, batches) = (text(1)?, number(2)?, number(3)?);
            match text(4)? {
                "exact" => say(stream(data, path, k, batches, Exact)),
                "gkl" => say(stream(data, path, k, batches, Gkl { l: 16 })),
                "rpi" => say(stream(data, path, k, batches, Rpi { l: 16, t: 3 })),
                other => Err(format!("method {other}")),
            }
        }
        "static" => {
            let tolerance = text(3)?.parse().map_err(|_| "word 3: a tolerance".to_string())?;
            say(fixed(data, text(1)?, number(2)?, tolerance, number(4)?, number(5)?))
        }
        "flat" => say(flat(number(1)?, number(2)?, number(3)?)),
        "long" => say(long(number(1)?, number(2)?)),
        other => Err(format!("task {other}")),
    }
}

#[allow(clippy::print_stdout)]
fn main() {
    // `cargo bench` and `cargo test` pass flags and no input: then there is nothing to do.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(2);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool of threads");
    let mut data = Prepared::default();
    for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
        let mut reply = pool
            .install(|| answer(&line, &mut data))
            .unwrap_or_else(|e| json!({ "error": e }));
        if reply["error"].is_null() {
            reply.as_object_mut().expect("answers are objects").remove("error");
        }
        println!("{reply}");
    }
}
