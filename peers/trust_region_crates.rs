//! Our solver, gomez and basin on the 128 runs of `problems::compared`, one after another in one process; one JSON object
//! on standard output. Built by `trust_region.py` in a project of its own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use basin::{BoundedLevenbergMarquardt, BoxBounds, ConstraintSet, DenseMatrix, Executor, TrustRegionReflective};
use gomez::nalgebra as na;
use gomez::{Domain, SolverDriver};
use hadamard_trust_region::problems::{self, Problem};
use hadamard_trust_region::{Solver, System};
use na::{Dyn, IsContiguous};
use serde_json::{Value, json};

const TOLERANCE: f64 = 1e-8;
const MOST: usize = 1000;
/// basin takes a second and more for one iteration with a hundred variables.
const MOST_OF_LARGE: usize = 60;
/// Least time of so many runs, in so many rounds over all problems and solvers; one run for the large problems. What
/// else the machine does in a moment then slows one round, not a solver.
const REPEAT: usize = 7;
const ROUNDS: usize = 5;

/// The residual of a problem, counted, until it is small enough.
struct Watched<'a> {
    problem: &'a Problem,
    evaluations: Cell<usize>,
    found: Cell<bool>,
    scratch: RefCell<(Vec<f64>, Vec<f64>)>,
}

impl<'a> Watched<'a> {
    fn new(problem: &'a Problem) -> Self {
        let scratch = (vec![0.0; problem.variables()], vec![0.0; problem.equations()]);
        Self { problem, evaluations: Cell::new(0), found: Cell::new(false), scratch: RefCell::new(scratch) }
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) {
        self.evaluations.set(self.evaluations.get() + 1);
        self.problem.residual(x, f).expect("the collection does not fail");
        let norm = f.iter().map(|v| v * v).sum::<f64>().sqrt();
        self.found.set(self.found.get() || norm <= TOLERANCE);
    }
}

impl gomez::Problem for Watched<'_> {
    type Field = f64;

    fn domain(&self) -> Domain<f64> {
        let sides = self.problem.bounds().lower().iter().zip(self.problem.bounds().upper());
        sides.map(|(l, u)| (*l, *u)).collect()
    }
}

impl gomez::System for Watched<'_> {
    fn eval<Sx, Srx>(&self, x: &na::Vector<f64, Dyn, Sx>, rx: &mut na::Vector<f64, Dyn, Srx>)
    where
        Sx: na::storage::Storage<f64, Dyn> + IsContiguous,
        Srx: na::storage::StorageMut<f64, Dyn>,
    {
        let (at, image) = &mut *self.scratch.borrow_mut();
        at.iter_mut().zip(x.iter()).for_each(|(a, x)| *a = *x);
        self.residual(at, image);
        rx.iter_mut().zip(image.iter()).for_each(|(r, i)| *r = *i);
    }
}

/// Evaluations and whether a root was found.
type Outcome = (usize, bool);

fn ours(problem: &Problem, start: &[f64]) -> Outcome {
    let solution = Solver::default().solve(problem, problem.bounds(), start);
    solution.map_or((0, false), |s| (s.evaluations, s.exit.is_root()))
}

/// Its default trust region, with the Jacobian by its own differences.
fn gomez(problem: &Problem, start: &[f64]) -> Outcome {
    let watched = Watched::new(problem);
    let mut driver = SolverDriver::builder(&watched).with_initial(start.to_vec()).build();
    for _ in 0..300 {
        if watched.found.get() || watched.evaluations.get() >= MOST * (start.len() + 1) || driver.next().is_err() {
            break;
        }
    }
    (watched.evaluations.get(), watched.found.get())
}

/// What basin owns while it runs.
#[derive(Clone)]
struct Shared {
    problem: Rc<Problem>,
    /// The bounds, as vectors of its own type.
    sides: Rc<(Vec<f64>, Vec<f64>)>,
    evaluations: Rc<Cell<usize>>,
    found: Rc<Cell<bool>>,
    most: usize,
}

#[derive(Debug)]
struct Over;

impl std::fmt::Display for Over {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("over")
    }
}

impl std::error::Error for Over {}

impl basin::Constraints for Shared {
    type Set = ConstraintSet<BoxBounds<Vec<f64>>>;

    fn constraints(&self) -> <Self::Set as basin::ConstraintDescription>::Borrowed<'_> {
        ConstraintSet::new().with_bounds(BoxBounds::new(Some(&self.sides.0), Some(&self.sides.1)))
    }
}

impl basin::CostFunction for Shared {
    type Param = Vec<f64>;
    type Output = f64;
    type Error = Over;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Over> {
        let mut f = vec![0.0; self.problem.equations()];
        self.problem.residual(x, &mut f).map_err(|_| Over)?;
        Ok(0.5 * f.iter().map(|v| v * v).sum::<f64>())
    }
}

impl basin::Residual for Shared {
    type Param = Vec<f64>;
    type Output = Vec<f64>;
    type Error = Over;

    fn residual(&self, x: &Vec<f64>) -> Result<Vec<f64>, Over> {
        let mut f = vec![0.0; self.problem.equations()];
        self.problem.residual(x, &mut f).map_err(|_| Over)?;
        self.evaluations.set(self.evaluations.get() + 1);
        if f.iter().map(|v| v * v).sum::<f64>().sqrt() <= TOLERANCE {
            self.found.set(true);
        }
        if self.found.get() || self.evaluations.get() >= self.most { Err(Over) } else { Ok(f) }
    }
}

impl basin::Jacobian for Shared {
    type Jacobian = DenseMatrix;

    fn jacobian(&self, x: &Vec<f64>) -> Result<DenseMatrix, Over> {
        let (m, n) = (self.problem.equations(), x.len());
        let mut columns = vec![0.0; m * n];
        self.problem.jacobian(x, &[], self.problem.bounds(), &mut columns).map_err(|_| Over)?;
        let rows: Vec<f64> = (0..m * n).map(|at| columns[at % n * m + at / n]).collect();
        Ok(DenseMatrix::from_row_slice(m, n, &rows))
    }
}

fn basin(problem: &Problem, start: &[f64], reflective: bool) -> Outcome {
    let most = if start.len() > 20 { MOST_OF_LARGE } else { MOST };
    let sides = Rc::new((problem.bounds().lower().to_vec(), problem.bounds().upper().to_vec()));
    let problem = Rc::new(problem.clone());
    let shared = Shared { problem, sides, evaluations: Rc::default(), found: Rc::default(), most };
    let watched = shared.clone();
    let run = std::panic::AssertUnwindSafe(move || {
        if reflective {
            let method = TrustRegionReflective::new().with_absolute_scaled_gradient_tolerance(1e-300);
            drop(Executor::from_start(shared, method, start.to_vec()).max_iter(500).run());
        } else {
            let method = BoundedLevenbergMarquardt::new().with_absolute_scaled_gradient_tolerance(1e-300);
            drop(Executor::from_start(shared, method, start.to_vec()).max_iter(500).run());
        }
    });
    // A panic is a failure.
    let _ = std::panic::catch_unwind(run);
    (watched.evaluations.get(), watched.found.get())
}

type Solve = fn(&Problem, &[f64]) -> Outcome;

/// Seconds and outcome of each run of each solver.
fn timed<const N: usize>(runs: &[(Problem, Vec<f64>)], solvers: [Solve; N]) -> [Vec<(f64, Outcome)>; N] {
    let mut timed = [(); N].map(|()| vec![(f64::INFINITY, (0, false)); runs.len()]);
    for round in 0..ROUNDS {
        for (solve, timed) in solvers.iter().zip(&mut timed) {
            for ((problem, start), (least, outcome)) in runs.iter().zip(timed) {
                let repeat = match start.len() {
                    0..=20 => REPEAT,
                    _ => usize::from(round == 0),
                };
                for _ in 0..repeat {
                    let begin = Instant::now();
                    *outcome = solve(problem, start);
                    *least = least.min(begin.elapsed().as_secs_f64());
                }
            }
        }
    }
    timed
}

fn median(mut seconds: Vec<f64>) -> Option<f64> {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

/// What is said of one solver; `ours` are our runs. The medians of the runs that both solve compare like with like: the
/// median of all that a solver solves is lower for one that gives up on the hard ones.
fn tally(runs: &[(f64, Outcome)], ours: &[(f64, Outcome)]) -> Value {
    let solved: Vec<&(f64, Outcome)> = runs.iter().filter(|r| r.1.1).collect();
    let both = || runs.iter().zip(ours).filter(|(peer, ours)| peer.1.1 && ours.1.1);
    json!({
        "solved": solved.len(),
        "mean_evaluations": solved.iter().map(|r| r.1.0).sum::<usize>() as f64 / solved.len().max(1) as f64,
        "median_seconds": median(solved.iter().map(|r| r.0).collect()),
        "both": both().count(),
        "both_seconds": median(both().map(|(peer, _)| peer.0).collect()),
        "both_seconds_of_ours": median(both().map(|(_, ours)| ours.0).collect()),
    })
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let runs: Vec<(Problem, Vec<f64>)> = problems::compared()
        .into_iter()
        .map(|(problem, label)| {
            let start = problem.start_named(&label).expect("the starts of the runs exist");
            (problem, start)
        })
        .collect();
    let solvers: [Solve; 4] = [ours, gomez, |p, s| basin(p, s, true), |p, s| basin(p, s, false)];
    let [ours, gomez, basin_trf, basin_blm] = timed(&runs, solvers);
    let answer = json!({
        "runs": runs.len(),
        "ours": tally(&ours, &ours),
        "gomez": tally(&gomez, &ours),
        "basin_trf": tally(&basin_trf, &ours),
        "basin_blm": tally(&basin_blm, &ours),
    });
    println!("{answer}");
}
