//! Our side of `peers/run.py trust_region`: lines `task argument ...` on standard input, one line of JSON each on standard
//! output.

use std::io::BufRead;
use std::time::Instant;

use hadamard_trust_region::problems::{self, Problem};
use hadamard_trust_region::{Solution, Solver};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// Least seconds of some runs, and the last solution.
fn timed(problem: &Problem, start: &[f64], solver: &Solver, runs: usize) -> Result<(f64, Solution), String> {
    let mut least = f64::INFINITY;
    let mut last = None;
    for _ in 0..runs {
        let begin = Instant::now();
        let solution = solver
            .solve(problem, problem.bounds(), start)
            .map_err(|e| e.to_string())?;
        least = least.min(begin.elapsed().as_secs_f64());
        last = Some(solution);
    }
    last.map(|solution| (least, solution)).ok_or("no runs".into())
}

fn start(problem: &Problem, name: &str) -> Result<Vec<f64>, String> {
    let missing = || format!("{} has no start {name}", problem.name());
    problem.start_named(name).ok_or_else(missing)
}

/// `large NAME N START`: one structured problem. `one NAME START`: one of the collection. `small`: all starts of the small
/// problems; `random`: six random starts of each.
fn answer(line: &str) -> Result<Value, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let text = |i: usize| words.get(i).copied().ok_or(format!("word {i} is missing"));
    let (problem, runs) = match text(0)? {
        "large" => {
            let n: usize = text(2)?.parse().map_err(|_| "word 2: a number")?;
            let wanted = format!("{}_n", text(1)?);
            let found = problems::structured(n)
                .into_iter()
                .find(|p| p.name().starts_with(&wanted));
            (found.ok_or("no such problem")?, 3)
        }
        "one" => (problems::named(text(1)?).ok_or("no such problem")?, 20),
        "small" => {
            let starts = |p: Problem| {
                p.starts()
                    .into_iter()
                    .map(move |s| (p.clone(), s.1))
                    .collect::<Vec<_>>()
            };
            return collection(problems::small().into_iter().flat_map(starts), 3);
        }
        "random" => return random(),
        other => return Err(format!("task {other}")),
    };
    let start = start(&problem, words.last().copied().unwrap_or(""))?;
    let (seconds, solution) = timed(&problem, &start, &Solver::default(), runs)?;
    Ok(json!({
        "seconds": seconds, "evaluations": solution.evaluations, "jacobians": solution.jacobians, "norm": solution.norm,
        "root": solution.exit.is_root(), "restarts": solution.restarts,
    }))
}

/// Six starts of each small problem, uniform in the box; an infinite side is cut ten away from the other.
fn random() -> Result<Value, String> {
    let mut rng = rand_pcg::Pcg64::seed_from_u64(1904);
    let mut runs = Vec::new();
    for problem in problems::small() {
        for _ in 0..6 {
            let sides = problem.bounds().lower().iter().zip(problem.bounds().upper());
            let width = |l: f64, u: f64| if u.is_finite() { u - l } else { 10.0 };
            let start = sides.map(|(&l, &u)| l + rng.random::<f64>() * width(l, u)).collect();
            runs.push((problem.clone(), start));
        }
    }
    collection(runs.into_iter(), 1)
}

fn collection(starts: impl Iterator<Item = (Problem, Vec<f64>)>, repeat: usize) -> Result<Value, String> {
    let solver = Solver::default();
    let (mut runs, mut solved, mut evaluations, mut seconds) = (0, 0, 0, Vec::new());
    for (problem, start) in starts {
        let (time, solution) = timed(&problem, &start, &solver, repeat)?;
        runs += 1;
        if solution.exit.is_root() {
            solved += 1;
            evaluations += solution.evaluations;
            seconds.push(time);
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(json!({
        "runs": runs, "solved": solved, "mean_evaluations": f64::from(evaluations as u32) / f64::from(solved),
        "median_seconds": seconds[seconds.len() / 2], "seconds": seconds.iter().sum::<f64>(),
    }))
}

#[allow(clippy::print_stdout)]
fn main() {
    // `cargo bench` and `cargo test` pass flags and no input: then there is nothing to do.
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        println!("{}", answer(&line).unwrap_or_else(|e| json!({ "error": e })));
    }
}
