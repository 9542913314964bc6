//! The Rust crate cartan beside ours: reads `task argument …` lines and answers with one JSON line each, as our benches
//! do. `peers/geometry.py` makes a package of it under `target/peers/cartan`.

use cartan_core::Manifold;
use cartan_manifolds::{Spd, SpdBuresWasserstein};
use cartan_optim::{FrechetConfig, frechet_mean};
use nalgebra::SMatrix;
use std::io::{BufRead, Write};
use std::time::Instant;

const ORDER: usize = 32;
type Matrix = SMatrix<f64, ORDER, ORDER>;

fn read(path: &str) -> Vec<Matrix> {
    let bytes = std::fs::read(path).expect("a readable set");
    let numbers: Vec<f64> = bytes
        .chunks_exact(8)
        .map(|c| f64::from_le_bytes(c.try_into().expect("eight bytes")))
        .collect();
    numbers.chunks_exact(ORDER * ORDER).map(Matrix::from_row_slice).collect()
}

/// The mean from the arithmetic one, as the crate's documentation starts it.
fn mean<M>(manifold: &M, points: &[Matrix], tolerance: f64, out: &str) -> String
where
    M: Manifold<Point = Matrix>,
{
    let mut start = Matrix::zeros();
    for point in points {
        start += point;
    }
    start /= points.len() as f64;
    let config = FrechetConfig {
        max_iters: 500,
        tol: tolerance,
        ..FrechetConfig::default()
    };
    let begin = Instant::now();
    let result = frechet_mean(manifold, points, Some(start), &config);
    let seconds = begin.elapsed().as_secs_f64();
    let bytes: Vec<u8> = result.point.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(out, bytes).expect("a writable file");
    format!(
        "{{\"seconds\": {seconds}, \"iterations\": {}, \"gradient\": {:e}}}",
        result.iterations, result.grad_norm
    )
}

fn pairwise<M>(manifold: &M, points: &[Matrix]) -> String
where
    M: Manifold<Point = Matrix>,
{
    let begin = Instant::now();
    let mut sum = 0.0;
    for i in 0..points.len() {
        for j in 0..i {
            sum += manifold.dist(&points[i], &points[j]).expect("defined everywhere");
        }
    }
    format!("{{\"seconds\": {}, \"sum\": {sum:e}}}", begin.elapsed().as_secs_f64())
}

fn answer(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["mean", "affine-invariant", set, tolerance, out] => {
            mean(&Spd::<ORDER>, &read(set), tolerance.parse().expect("a number"), out)
        }
        ["mean", "bures-wasserstein", set, tolerance, out] => mean(
            &SpdBuresWasserstein::<ORDER>,
            &read(set),
            tolerance.parse().expect("a number"),
            out,
        ),
        ["pairwise", "affine-invariant", set] => pairwise(&Spd::<ORDER>, &read(set)),
        _ => format!("{{\"error\": {line:?}}}"),
    }
}

fn main() {
    // Matrices of order 32 live on the stack there.
    let work = || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let text = answer(&line);
            let mut out = std::io::stdout().lock();
            if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("no panic");
}
