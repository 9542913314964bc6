//! Our side of `peers/run.py trust_region`: lines `task argument ...` on standard input, one line of JSON each on standard
//! output.

use std::io::BufRead;
use std::time::Instant;

use hadamard_trust_region::problems::{self, Problem};
use hadamard_trust_region::{Solution, Solver};
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
    let found = problem.starts().into_iter().find(|s| s.0 == name);
    found
        .map(|s| s.1)
        .ok_or(format!("{} has no start {name}", problem.name()))
}

/// `large NAME N START`: one structured problem. `small NAME START`: one of the collection. `collection`: all starts.
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
        "small" => (problems::named(text(1)?).ok_or("no such problem")?, 20),
        "collection" => return collection(),
        other => return Err(format!("task {other}")),
    };
    let start = start(&problem, words.last().copied().unwrap_or(""))?;
    let (seconds, solution) = timed(&problem, &start, &Solver::default(), runs)?;
    Ok(json!({
        "seconds": seconds, "evaluations": solution.evaluations, "jacobians": solution.jacobians, "norm": solution.norm,
        "root": solution.exit.is_root(), "restarts": solution.restarts,
    }))
}

/// Every start of every problem that has a root.
fn collection() -> Result<Value, String> {
    let solver = Solver::default();
    let (mut runs, mut solved, mut evaluations, mut seconds) = (0, 0, 0, Vec::new());
    for problem in problems::all().iter().filter(|p| p.roots_exist()) {
        for (_, start) in problem.starts() {
            let (time, solution) = timed(problem, &start, &solver, 3)?;
            runs += 1;
            if solution.exit.is_root() {
                solved += 1;
                evaluations += solution.evaluations;
                seconds.push(time);
            }
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
