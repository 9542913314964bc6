//! Bounded nonlinear systems: one problem from its starts, or performance profiles of all scalings over the collection.
//!
//! ```text
//! cargo run --release --example bounded_systems -- --problem robot --scaling kanzow-klug
//! ```

mod common;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use common::say;
use hadamard::plot::{Axis, curves, iterates};
use hadamard::trust_region::problems::{self, Problem};
use hadamard::trust_region::scaling::{
    Clipped, ColemanLi, HagerMairZhang, HeinkenschlossUlbrich, Identity, KanzowKlug, Mix, Scaling,
};
use hadamard::trust_region::{Iteration, Method, Shape, Solver, System};
use serde_json::json;

#[derive(Clone, Copy, PartialEq, Debug, ValueEnum)]
enum ScalingName {
    ColemanLi,
    Clipped,
    Heinkenschloss,
    KanzowKlug,
    HagerMairZhang,
    Mix,
    Identity,
}

impl ScalingName {
    fn scaling(self) -> Arc<dyn Scaling> {
        match self {
            Self::ColemanLi => Arc::new(ColemanLi),
            Self::Clipped => Arc::new(Clipped::default()),
            Self::Heinkenschloss => Arc::new(HeinkenschlossUlbrich::default()),
            Self::KanzowKlug => Arc::new(KanzowKlug::default()),
            Self::HagerMairZhang => Arc::new(HagerMairZhang::default()),
            Self::Mix => Arc::new(Mix::default()),
            Self::Identity => Arc::new(Identity),
        }
    }
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum MethodName {
    Auto,
    Codosol,
    CodosolSpherical,
    Strscne,
    Tresnei,
}

impl MethodName {
    fn method(self) -> Method {
        match self {
            Self::Auto => Method::Auto(Shape::Elliptical),
            Self::Codosol => Method::Codosol(Shape::Elliptical),
            Self::CodosolSpherical => Method::Codosol(Shape::Spherical),
            Self::Strscne => Method::Strscne,
            Self::Tresnei => Method::Tresnei,
        }
    }
}

/// Solve F(x) = 0 with l ≤ x ≤ u from the usual starts of a test problem and draw ‖F‖ by iteration; or draw performance
/// profiles of all scaling matrices over the collection.
#[derive(Parser)]
#[command(
    after_help = "Example: cargo run --release --example bounded_systems -- --problem cstr_R0.960 --method strscne"
)]
struct Options {
    /// Problem (--list names them)
    #[arg(long, default_value = "himmelblau")]
    problem: String,
    /// Size of the structured problems (tridiag, trigexp, bratu, ...)
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    n: u32,
    /// Start: nu0.1, nu0.25, ..., pow0, ..., std, ...; all when absent
    #[arg(long)]
    start: Option<String>,
    /// Method
    #[arg(long, value_enum, default_value = "auto")]
    method: MethodName,
    /// Scaling matrix
    #[arg(long, value_enum, default_value = "mix")]
    scaling: ScalingName,
    /// Search for all roots from this many starts
    #[arg(long)]
    find_all: Option<usize>,
    /// Compare all scalings over the collection, one start each, no restarts
    #[arg(long)]
    profile: bool,
    /// Name the problems with their sizes and sources and stop
    #[arg(long)]
    list: bool,
    /// Folder of the pictures
    #[arg(long, default_value = "out/bounded_systems")]
    out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bounded_systems: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    if options.list {
        for p in problems::all() {
            say!("{:<22} {:>3} variables  {}", p.name(), p.bounds().len(), p.source());
        }
        return Ok(());
    }
    if options.profile {
        return profile(options);
    }
    let structured = problems::structured(options.n as usize);
    let wanted = |p: &&Problem| p.name() == options.problem || p.name().starts_with(&format!("{}_n", options.problem));
    let found = structured
        .iter()
        .find(wanted)
        .cloned()
        .or_else(|| problems::named(&options.problem));
    let problem = found.ok_or_else(|| format!("no problem {:?}: --list names them", options.problem))?;
    let solver = Solver {
        method: options.method.method(),
        scaling: options.scaling.scaling(),
        ..Solver::default()
    };
    if options.find_all == Some(0) {
        return Err("--find-all 0: no start finds no root: give --find-all 200".into());
    }
    if let Some(starts) = options.find_all {
        return find_all(options, &problem, &solver, starts);
    }

    let mut rows = Vec::new();
    let (mut lines, mut ways) = (Vec::new(), Vec::new());
    for (label, start) in problem.starts() {
        if options.start.as_ref().is_some_and(|wanted| *wanted != label) {
            continue;
        }
        let (mut line, mut way) = (Vec::new(), Vec::new());
        let plane = |x: &[f64]| (x[0], x.get(1).copied().unwrap_or(0.0));
        let mut watch = |step: &Iteration<'_>| {
            if step.start == 0 {
                if line.is_empty() {
                    line.push((0.0, step.norms.0));
                    way.push(plane(step.x));
                }
                way.push(plane(step.next));
                line.push((step.iteration as f64, step.norms.1));
            }
            ControlFlow::Continue(())
        };
        let begin = Instant::now();
        let solution = solver
            .solve_observed(&problem, problem.bounds(), &start, &mut watch)
            .map_err(|e| format!("{} from {label}: {e}", problem.name()))?;
        rows.push((label.clone(), solution, begin.elapsed().as_secs_f64()));
        ways.push((label.clone(), way));
        lines.push((label, line));
    }
    if rows.is_empty() {
        let names: Vec<String> = problem.starts().into_iter().map(|s| s.0).collect();
        return Err(format!(
            "{} has no such start: give one of {}",
            problem.name(),
            names.join(", ")
        ));
    }
    let figure = curves::lines(Axis::linear("iteration of the first start"), Axis::log("‖F‖"), &lines);
    let mut files = common::save(&figure.map_err(|e| e.to_string())?, &options.out, "convergence")?.to_vec();
    ways.retain(|(_, way)| !way.is_empty());
    if problem.variables() == 2 && !ways.is_empty() {
        let side = |i: usize| (problem.bounds().lower()[i], problem.bounds().upper()[i]);
        let norm = |x: f64, y: f64| {
            let mut f = vec![0.0; problem.equations()];
            let known = problem.residual(&[x, y], &mut f).is_ok();
            let square: f64 = f.iter().map(|f| f * f).sum();
            if known { square.sqrt() } else { f64::NAN }
        };
        let figure = iterates::in_box(norm, [side(0), side(1)], ["x₁", "x₂"], &ways);
        files.extend(common::save(
            &figure.map_err(|e| e.to_string())?,
            &options.out,
            "iterates",
        )?);
    }
    if options.json {
        let runs: Vec<_> = rows
            .iter()
            .map(|(label, s, seconds)| {
                json!({"start": label, "exit": s.exit.to_string(), "norm": s.norm, "iterations": s.iterations,
                    "evaluations": s.evaluations, "restarts": s.restarts, "stationary": s.stationary,
                    "seconds": seconds, "x": s.x.iter().take(20).collect::<Vec<_>>()})
            })
            .collect();
        say!("{}", json!({"problem": problem.name(), "runs": runs, "files": files}));
        return Ok(());
    }
    say!(
        "{} in {} variables: {}",
        problem.name(),
        rows[0].1.x.len(),
        problem.source()
    );
    say!(
        "{:<8} {:<24} {:>9} {:>6} {:>6} {:>8} {:>9}",
        "start",
        "end",
        "‖F‖",
        "steps",
        "F",
        "restarts",
        "seconds"
    );
    for (label, s, seconds) in &rows {
        let end = s.exit.to_string();
        say!(
            "{label:<8} {end:<24} {:>9.1e} {:>6} {:>6} {:>8} {seconds:>9.2e}",
            s.norm,
            s.iterations,
            s.evaluations,
            s.restarts
        );
    }
    files.iter().for_each(|file| say!("wrote {}", file.display()));
    Ok(())
}

fn find_all(options: &Options, problem: &Problem, solver: &Solver, starts: usize) -> Result<(), String> {
    let first = problem.starts().swap_remove(0).1;
    let precise = Solver {
        tolerance: 1e-10,
        ..solver.clone()
    };
    let found = precise
        .find_all(problem, problem.bounds(), &first, starts)
        .map_err(|e| e.to_string())?;
    if options.json {
        say!(
            "{}",
            json!({"problem": problem.name(), "roots": found.roots, "evaluations": found.evaluations})
        );
        return Ok(());
    }
    say!(
        "{} roots of {} from {} starts, {} evaluations",
        found.roots.len(),
        problem.name(),
        found.starts,
        found.evaluations
    );
    for root in &found.roots {
        let text: Vec<String> = root.iter().take(8).map(|x| format!("{x:.12}")).collect();
        say!("  {}{}", text.join("  "), if root.len() > 8 { "  ..." } else { "" });
    }
    Ok(())
}

/// Evaluations of each scaling on every start of the collection.
fn profile(options: &Options) -> Result<(), String> {
    let names = ScalingName::value_variants();
    let collection: Vec<Problem> = problems::all().into_iter().filter(Problem::roots_exist).collect();
    let bar = common::progress("solving", names.len() * collection.len());
    let mut costs = Vec::new();
    for &name in names {
        let scaling = name.scaling();
        let solver = Solver {
            method: options.method.method(),
            scaling: scaling.clone(),
            restart: false,
            ..Solver::default()
        };
        let mut row = Vec::new();
        for problem in &collection {
            for (_, start) in problem.starts() {
                // Problems that are not defined at a start count as failures of every scaling.
                let solution = solver.solve(problem, problem.bounds(), &start).ok();
                let solved = solution.filter(|s| s.exit.is_root());
                row.push(solved.map_or(f64::INFINITY, |s| s.evaluations as f64));
            }
            bar.inc(1);
        }
        costs.push((scaling.name(), row));
    }
    bar.finish_and_clear();
    let figure = curves::performance_profiles("evaluations of F", &costs).map_err(|e| e.to_string())?;
    let files = common::save(&figure, &options.out, "profiles")?;
    let mut rows = Vec::new();
    for (name, row) in &costs {
        let solved: Vec<f64> = row.iter().copied().filter(|c| c.is_finite()).collect();
        rows.push((
            name,
            solved.len(),
            solved.iter().sum::<f64>() / solved.len().max(1) as f64,
        ));
    }
    if options.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(n, s, m)| json!({"scaling": n, "solved": s, "mean_evaluations": m}))
            .collect();
        say!(
            "{}",
            json!({"runs": costs[0].1.len(), "scalings": rows, "files": files})
        );
        return Ok(());
    }
    say!("{:<50} {:>8} {:>16}", "scaling", "solved", "mean evaluations");
    for (name, solved, mean) in rows {
        say!("{name:<50} {solved:>4}/{} {mean:>16.1}", costs[0].1.len());
    }
    files.iter().for_each(|file| say!("wrote {}", file.display()));
    Ok(())
}
