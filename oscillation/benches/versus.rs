//! Our side of `peers/oscillation.py`: reads `task arg ...` lines, answers each with one line of JSON.
//!
//! Matrices come as a path prefix P: P.d holds n and P.e n - 1 little-endian doubles. Every task runs once to warm up and
//! then for 0.3 s or 20 times; `seconds` is the least.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::time::{Duration, Instant};

use hadamard_oscillation::kernel::Isa;
use hadamard_oscillation::{Counting, Jacobi, Refinement, dpss};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut matrices = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() || line.starts_with('-') {
            continue;
        }
        match answer(&words, &mut matrices) {
            Ok((seconds, value)) => println!("{{\"seconds\": {seconds:e}, \"value\": {value:e}}}"),
            Err(error) => println!("{{\"error\": \"{}\"}}", error.to_string().replace('"', "'")),
        }
    }
    Ok(())
}

fn answer(words: &[&str], matrices: &mut HashMap<String, Jacobi>) -> Result<(f64, f64)> {
    let word = |i: usize| words.get(i).copied().ok_or("too few words");
    let number = |i: usize| -> Result<usize> { Ok(word(i)?.parse()?) };
    if word(0)? == "dpss" {
        let (n, nw, count) = (number(1)?, word(2)?.parse()?, number(3)?);
        return Ok(least(|| dpss(n, nw, count).map(|w| w.concentrations[0]))?);
    }
    let prefix = word(1)?;
    if !matrices.contains_key(prefix) {
        matrices.clear();
        matrices.insert(prefix.to_owned(), Jacobi::new(read(prefix, "d")?, read(prefix, "e")?)?);
    }
    let j = &matrices[prefix];
    Ok(match word(0)? {
        // counts P SHIFTS THREADS [ISA]: seconds a shift.
        "counts" => {
            let xs = shifts(j, number(2)?);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(number(3)?).build()?;
            let wanted = words.get(4).copied().unwrap_or(Isa::best().name());
            let isa = Isa::available()
                .into_iter()
                .find(|isa| isa.name() == wanted)
                .ok_or("no such instruction set")?;
            let mut counts = vec![0; xs.len()];
            let (seconds, value) = pool.install(|| {
                least(|| {
                    j.counts_below_on(isa, &xs, &mut counts)
                        .map(|()| counts.iter().sum::<usize>() as f64)
                })
            })?;
            (seconds / xs.len() as f64, value)
        }
        // density P EDGES [free]: a histogram, by pivots or without divisions.
        "density" => {
            let edges = shifts(j, number(2)?);
            let counting = match words.get(3) {
                Some(&"free") => Counting::DivisionFree,
                _ => Counting::Canonical,
            };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
            pool.install(|| {
                least(|| {
                    j.density_of_states_by(&edges, counting)
                        .map(|dos| dos.counts.iter().sum::<usize>() as f64)
                })
            })?
        }
        // plain P SHIFTS: the loop of LAPACK's dlaebz, one shift after the other; seconds a shift.
        "plain" => {
            let xs = shifts(j, number(2)?);
            let squares: Vec<f64> = j.off_diagonal().iter().map(|e| e * e).collect();
            let smallest = f64::MIN_POSITIVE * squares.iter().fold(1.0f64, |m, &e| m.max(e));
            let all = || {
                xs.iter()
                    .map(|&x| plain_sturm(j.diagonal(), &squares, x, smallest))
                    .sum::<usize>() as f64
            };
            let (seconds, value) = least(|| Ok::<_, std::convert::Infallible>(all()))?;
            (seconds / xs.len() as f64, value)
        }
        "count" => {
            let x = word(2)?.parse()?;
            match words.get(3).copied() {
                Some("two-sided") => least(|| j.count_below_two_sided(x).map(|c| c as f64))?,
                Some("segments") => {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(number(4)?).build()?;
                    pool.install(|| least(|| j.count_below_segmented(x, 64).map(|c| c as f64)))?
                }
                _ => least(|| j.count_below(x).map(|c| c as f64))?,
            }
        }
        "kth" => {
            let k = number(2)?;
            least(|| j.eigenvalue(k))?
        }
        "range" => {
            let range = number(2)?..number(3)?;
            let refinement = if words.get(4) == Some(&"section") {
                Refinement::Section
            } else {
                Refinement::Laguerre
            };
            least(|| j.eigenvalues_by(range.clone(), refinement).map(|v| v.iter().sum()))?
        }
        "pairs" => {
            let range = number(2)?..number(3)?;
            least(|| j.eigenpairs(range.clone()).map(|p| p.values.iter().sum()))?
        }
        other => return Err(format!("no task {other}").into()),
    })
}

fn read(prefix: &str, part: &str) -> Result<Vec<f64>> {
    let bytes = std::fs::read(format!("{prefix}.{part}"))?;
    Ok(bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|b| f64::from_le_bytes(*b))
        .collect())
}

/// Shifts spread over the middle of the spectrum.
fn shifts(j: &Jacobi, count: usize) -> Vec<f64> {
    let (low, high) = j.gershgorin();
    (0..count)
        .map(|i| low + (high - low) * (i as f64 + 0.5) / count as f64)
        .collect()
}

/// Pivots d - e²/q - x, those within `smallest` of zero set to -`smallest`, counted by a branch.
fn plain_sturm(d: &[f64], squares: &[f64], x: f64, smallest: f64) -> usize {
    let mut count = 0;
    let mut q = d[0] - x;
    let mut next = |q: &mut f64| {
        if *q <= smallest {
            count += 1;
            *q = q.min(-smallest);
        }
    };
    next(&mut q);
    for (d, e2) in d[1..].iter().zip(squares) {
        q = d - e2 / q - x;
        next(&mut q);
    }
    count
}

fn least<E>(mut task: impl FnMut() -> std::result::Result<f64, E>) -> std::result::Result<(f64, f64), E> {
    let value = black_box(task()?);
    let (start, mut best) = (Instant::now(), Duration::MAX);
    for _ in 0..20 {
        let before = Instant::now();
        black_box(task()?);
        best = best.min(before.elapsed());
        if start.elapsed() > Duration::from_millis(300) {
            break;
        }
    }
    Ok((best.as_secs_f64(), value))
}
