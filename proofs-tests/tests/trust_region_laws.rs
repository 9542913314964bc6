//! Laws of single steps, of whole runs and of their options: symmetries, optimality of the steps, inexact and resumed runs.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::result::Result;

use hadamard_trust_region::adaptors::{Differences, Functions, Inequalities};
use hadamard_trust_region::problems::{self, Problem};
use hadamard_trust_region::scaling::{
    self, Clipped, ColemanLi, HagerMairZhang, HeinkenschlossUlbrich, Identity, KanzowKlug, Mix, Named, Scaling,
};
use hadamard_trust_region::*;
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

fn named(name: &str) -> (Problem, Vec<f64>) {
    let problem = problems::named(name).unwrap();
    let start = problem.starts().swap_remove(1).1;
    (problem, start)
}

/// The dense Jacobian of a problem.
fn jacobian(problem: &Problem, x: &[f64]) -> DMatrix<f64> {
    let (m, n) = (problem.equations(), problem.variables());
    let mut j = DMatrix::zeros(m, n);
    problem.jacobian(x, &[], problem.bounds(), j.as_mut_slice()).unwrap();
    j
}

fn residual(problem: &Problem, x: &[f64]) -> DVector<f64> {
    let mut f = DVector::zeros(problem.equations());
    problem.residual(x, f.as_mut_slice()).unwrap();
    f
}

/// The problem seen through x = map(y), where each y_i is a variable with a sign; row k is that of `rows[k]`, times `factor`.
struct Seen<'a> {
    problem: &'a Problem,
    columns: Vec<(usize, f64)>,
    rows: Vec<usize>,
    factor: f64,
}

impl Seen<'_> {
    fn point(&self, y: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; y.len()];
        self.columns.iter().zip(y).for_each(|(&(i, sign), y)| x[i] = sign * y);
        x
    }

    fn bounds(&self) -> Bounds {
        let bounds = self.problem.bounds();
        let side = |i: usize, sign: f64| {
            if sign > 0.0 {
                (bounds.lower()[i], bounds.upper()[i])
            } else {
                (-bounds.upper()[i], -bounds.lower()[i])
            }
        };
        let (l, u) = self.columns.iter().map(|&(i, sign)| side(i, sign)).unzip();
        Bounds::new(l, u).unwrap()
    }

    fn image(&self, x: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|&(i, sign)| sign * x[i]).collect()
    }
}

impl System for Seen<'_> {
    fn variables(&self) -> usize {
        self.columns.len()
    }
    fn residual(&self, y: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        let plain = residual(self.problem, &self.point(y));
        f.iter_mut()
            .zip(&self.rows)
            .for_each(|(f, &k)| *f = self.factor * plain[k]);
        Ok(())
    }
    fn jacobian(&self, y: &[f64], _f: &[f64], _b: &Bounds, j: &mut [f64]) -> Result<usize, UserError> {
        let plain = jacobian(self.problem, &self.point(y));
        for (c, &(i, sign)) in self.columns.iter().enumerate() {
            for (r, &k) in self.rows.iter().enumerate() {
                j[c * self.rows.len() + r] = self.factor * sign * plain[(k, i)];
            }
        }
        Ok(0)
    }
}

/// Points and norms of all accepted steps.
fn trace(solver: &Solver, system: &impl System, bounds: &Bounds, start: &[f64]) -> (Solution, Vec<Vec<f64>>) {
    let mut points = Vec::new();
    let mut watch = |step: &Iteration<'_>| {
        points.push(step.next.to_vec());
        ControlFlow::Continue(())
    };
    let solution = solver.solve_observed(system, bounds, start, &mut watch).unwrap();
    (solution, points)
}

const SMOOTH: [&str; 6] = [
    "himmelblau",
    "ferraris_tronconi",
    "robot",
    "cstr_R0.960",
    "gottfr",
    "rosenbrock",
];

/// x → −x: mirrored iterates, for the scalings that do not prefer a side.
#[test]
fn reflected_problems_have_reflected_iterates() {
    for name in SMOOTH {
        let (problem, start) = named(name);
        let n = problem.variables();
        let seen = Seen {
            problem: &problem,
            columns: (0..n).map(|i| (i, -1.0)).collect(),
            rows: (0..n).collect(),
            factor: 1.0,
        };
        let scalings: [fn(Solver) -> Solver; 3] = [
            |s| s.with_scaling(KanzowKlug::default()),
            |s| s.with_scaling(HagerMairZhang::default()),
            |s| s,
        ];
        for with in scalings {
            let solver = with(Solver {
                restart: false,
                ..Solver::default()
            });
            let (_, plain) = trace(&solver, &problem, problem.bounds(), &start);
            let (_, mirrored) = trace(&solver, &seen, &seen.bounds(), &seen.image(&start));
            assert_eq!(plain.len(), mirrored.len(), "{name}");
            for (a, b) in plain.iter().zip(&mirrored) {
                // Signs change no rounding, but for the start inside the box, l + ν (u − l).
                assert!(
                    a.iter().zip(b).all(|(a, b)| (a + b).abs() <= 1e-12 * a.abs().max(1.0)),
                    "{name} {a:?} {b:?}"
                );
            }
        }
    }
}

/// Another order of variables and equations: the same iterates in that order, to rounding that a few steps make larger.
#[test]
fn permuted_problems_have_permuted_iterates() {
    for name in SMOOTH {
        let (problem, start) = named(name);
        let n = problem.variables();
        let columns: Vec<(usize, f64)> = (0..n).map(|i| ((i + 1) % n, 1.0)).collect();
        let seen = Seen {
            problem: &problem,
            columns,
            rows: (0..n).rev().collect(),
            factor: 1.0,
        };
        let solver = Solver {
            restart: false,
            max_iterations: 4,
            ..Solver::default()
        };
        let (_, plain) = trace(&solver, &problem, problem.bounds(), &start);
        let (_, permuted) = trace(&solver, &seen, &seen.bounds(), &seen.image(&start));
        for (a, b) in plain.iter().zip(&permuted) {
            let a = seen.image(a);
            assert!(
                a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-9 * a.abs().max(1.0)),
                "{name} {a:?} {b:?}"
            );
        }
    }
}

/// F → cF for c a power of two: with the parameters of the scaling changed along, nothing else changes, bit for bit.
#[test]
fn scaled_residuals_with_scaled_parameters_have_the_same_iterates() {
    for name in SMOOTH {
        for power in [-4, 3] {
            let (problem, start) = named(name);
            let n = problem.variables();
            let c = 2f64.powi(power);
            let seen = Seen {
                problem: &problem,
                columns: (0..n).map(|i| (i, 1.0)).collect(),
                rows: (0..n).collect(),
                factor: c,
            };
            let same = |plain: Solver, other: Solver| {
                let other = Solver {
                    tolerance: c * plain.tolerance,
                    ..other
                };
                let (a, points) = trace(&plain, &problem, problem.bounds(), &start);
                let (b, others) = trace(&other, &seen, problem.bounds(), &start);
                assert_eq!(points, others, "{name} {power}");
                assert_eq!(a.evaluations, b.evaluations, "{name} {power}");
            };
            let (ellipse, sphere) = (Method::Codosol(Shape::Elliptical), Method::Codosol(Shape::Spherical));
            let kk = |gamma| KanzowKlug::try_new(gamma).unwrap();
            let hmz = |alpha| HagerMairZhang::try_new(alpha).unwrap();
            same(
                Solver::classical(ellipse, kk(1.0)),
                Solver::classical(ellipse, kk(1.0 / (c * c))),
            );
            same(
                Solver::classical(sphere, hmz(1.0)),
                Solver::classical(sphere, hmz(c * c)),
            );
            let scaled = Solver {
                radius: InitialRadius::Fixed(c),
                ..Solver::classical(ellipse, hmz(c * c))
            };
            same(Solver::classical(ellipse, hmz(1.0)), scaled);
        }
    }
}

/// Each accepted step against independent figures: it lies in the region; STRSCNE gains a tenth of the best point along the
/// scaled gradient, CoDoSol at least as much as that point, and no point of the segment to the Newton point gains more.
#[test]
fn steps_are_as_good_as_their_definitions() {
    let mut seen = 0;
    for name in [
        "himmelblau",
        "eq_combustion",
        "robot",
        "cstr_R0.960",
        "bullard_biegler",
        "powell_badly",
        "gottfr",
        "corner_root",
    ] {
        let (problem, start) = named(name);
        let (l, u) = (problem.bounds().lower().to_vec(), problem.bounds().upper().to_vec());
        for (method, scaling) in [
            (Method::Strscne, Named::ColemanLi),
            (Method::Codosol(Shape::Elliptical), Named::KanzowKlug { gamma: 1.0 }),
            (Method::Codosol(Shape::Spherical), Named::HagerMairZhang { alpha: 1.0 }),
        ] {
            let scaling = scaling.build().unwrap();
            let mut watch = |step: &Iteration<'_>| {
                seen += 1;
                let x = DVector::from_column_slice(step.x);
                let p = DVector::from_column_slice(step.next) - &x;
                let (f, j) = (residual(&problem, step.x), jacobian(&problem, step.x));
                let g = j.transpose() * &f;
                let mut d = vec![0.0; x.len()];
                scaling::scale(&*scaling, step.x, g.as_slice(), problem.bounds(), &mut d);
                let v = DVector::from_fn(x.len(), |i, _| d[i] * g[i]);
                let length = |q: &DVector<f64>| match method {
                    Method::Codosol(Shape::Spherical) => q.norm(),
                    _ => q.iter().zip(&d).map(|(q, d)| q * q / d).sum::<f64>().sqrt(),
                };
                // p is known to the rounding of x only.
                let rounding = 1e-12 + f64::EPSILON * x.norm() / p.norm();
                assert!(length(&p) <= step.radius * (1.0 + 1e3 * rounding), "{name} {method:?}");
                let model = |q: &DVector<f64>| 0.5 * (&f + &j * q).norm_squared();
                let (zero, taken) = (0.5 * f.norm_squared(), model(&p));
                let most =
                    (step.radius / length(&v)).min(0.99995 * step_to_bound(problem.bounds(), step.x, (-&v).as_slice()));
                // From far below to the end: the minimiser may be anywhere.
                let fractions = (0..=4000).map(|k| most * 10f64.powf(-f64::from(k) * 12.0 / 4000.0));
                let best = fractions.map(|t| model(&(-t * &v))).fold(zero, f64::min);
                let slack = 1e-9 * zero;
                match method {
                    Method::Strscne => assert!(zero - taken >= 0.1 * (zero - best) - slack, "{name}"),
                    _ => assert!(
                        taken <= best + 1e-4 * (zero - best) + slack,
                        "{name}: {taken} {best} {zero}"
                    ),
                }
                if let (Method::Codosol(_), Some(newton)) = (method, j.clone().lu().solve(&-&f)) {
                    let inside = DVector::from_fn(x.len(), |i, _| (x[i] + newton[i]).clamp(l[i], u[i]) - x[i]);
                    let newton = (1.0 - inside.norm()).max(0.99995) * inside;
                    let gradient = (v.dot(&g) / (&j * &v).norm_squared()).min(step.radius / length(&v));
                    let reach = step_to_bound(problem.bounds(), step.x, (-gradient * &v).as_slice());
                    let cut = if reach <= 1.0 {
                        (1.0 - (gradient * &v).norm()).max(0.99995) * reach
                    } else {
                        1.0
                    };
                    let cauchy = -gradient * cut * &v;
                    for k in 0..=200 {
                        let gamma = f64::from(k) / 200.0;
                        let point = (1.0 - gamma) * &cauchy + gamma * &newton;
                        if length(&point) <= step.radius {
                            assert!(
                                taken <= model(&point) * (1.0 + 1e-6) + slack,
                                "{name} {gamma}: {taken} {}",
                                model(&point)
                            );
                        }
                    }
                }
                ControlFlow::Continue(())
            };
            let mut solver = Solver::classical(method, ColemanLi);
            solver.scaling = scaling_of(method);
            solver
                .solve_observed(&problem, problem.bounds(), &start, &mut watch)
                .unwrap();
        }
    }
    assert!(seen > 100, "{seen}");
}

/// The scalings of the test above, once more.
fn scaling_of(method: Method) -> std::sync::Arc<dyn Scaling> {
    match method {
        Method::Codosol(Shape::Elliptical) => std::sync::Arc::new(KanzowKlug::default()),
        Method::Codosol(Shape::Spherical) => std::sync::Arc::new(HagerMairZhang::default()),
        _ => std::sync::Arc::new(ColemanLi),
    }
}

/// Bounds far away: the last steps are Newton's, ‖F_{k+1}‖ ≤ C ‖F_k‖².
#[test]
fn far_from_bounds_convergence_is_quadratic() {
    for (name, start) in [
        ("himmelblau", [3.4, 2.3]),
        ("rosenbrock", [0.7, 0.6]),
        ("gottfr", [0.1, 0.1]),
    ] {
        let problem = problems::named(name).unwrap();
        let bounds = Bounds::new(vec![-1e6; 2], vec![1e6; 2]).unwrap();
        let solver = Solver {
            tolerance: 1e-11,
            ..Solver::default()
        };
        let mut norms = Vec::new();
        let mut watch = |step: &Iteration<'_>| {
            norms.push(step.norms);
            ControlFlow::Continue(())
        };
        let solution = solver.solve_observed(&problem, &bounds, &start, &mut watch).unwrap();
        assert!(solution.exit.is_root(), "{name}");
        for (before, after) in norms.iter().rev().take(2) {
            // ½ ‖F''‖ ‖J⁻¹‖² is below 200 at these roots; 1e-13 is the rounding of F.
            assert!(*after <= 200.0 * before * before + 1e-13, "{name}: {norms:?}");
        }
    }
}

/// A root with two active bounds: ‖F‖ still falls faster than by any factor.
#[test]
fn roots_at_a_corner_are_reached_superlinearly() {
    let (problem, start) = named("corner_root");
    for method in [Method::Strscne, Method::Codosol(Shape::Elliptical), Method::default()] {
        let mut norms = Vec::new();
        let mut watch = |step: &Iteration<'_>| {
            norms.push(step.norms.1 / step.norms.0);
            ControlFlow::Continue(())
        };
        let solver = Solver {
            method,
            restart: false,
            ..Solver::default()
        };
        assert!(
            solver
                .solve_observed(&problem, problem.bounds(), &start, &mut watch)
                .unwrap()
                .exit
                .is_root()
        );
        assert!(
            norms.iter().rev().take(2).all(|&ratio| ratio <= 0.1),
            "{method:?} {norms:?}"
        );
    }
}

/// A bound at 1e300 is one that is never met: the same run as with ∞ for Hager, Mair and Zhang; Coleman and Li's entry is
/// 1 for the infinite one and 1e300 for the other, which is why infinities are told apart.
#[test]
fn huge_bounds_are_nearly_infinite_ones() {
    let (problem, _) = named("rosenbrock");
    let run = |size: f64| {
        let bounds = Bounds::new(vec![-size; 2], vec![size; 2]).unwrap();
        let solver = Solver::default().with_scaling(HagerMairZhang::default());
        solver.solve(&problem, &bounds, &[-1.2, 1.0]).unwrap()
    };
    let (infinite, huge) = (run(f64::INFINITY), run(1e300));
    assert!(infinite.exit.is_root() && huge.exit.is_root());
    assert!(infinite.x.iter().zip(&huge.x).all(|(a, b)| (a - b).abs() < 1e-8));
    assert_eq!(ColemanLi.entry(f64::INFINITY, 1.0, 1.0), 1.0);
    assert_eq!(ColemanLi.entry(1e300, 1.0, 1.0), 1e300);
}

#[test]
fn restarts_are_never_worse_than_the_first_run() {
    for problem in problems::small().iter().chain(&problems::without_root()) {
        for (label, start) in problem.starts() {
            let once = Solver {
                restart: false,
                max_evaluations: 150,
                ..Solver::default()
            };
            let again = Solver {
                max_evaluations: 400,
                ..Solver::default()
            };
            let once = once.solve(problem, problem.bounds(), &start).unwrap();
            let again = again.solve(problem, problem.bounds(), &start).unwrap();
            assert!(again.norm <= once.norm, "{} {label}", problem.name());
        }
    }
}

proptest! {
    /// With HUU the step to the boundary has no lower bound: λ ≈ |g|^(p−1) just outside its switch.
    #[test]
    fn the_counterexample_of_heinkenschloss(exponent in -6.0f64..-0.5, p in 1.5f64..4.0) {
        let g = 10f64.powf(exponent);
        let below = 1.0001 * g.powf(p);
        let d = HeinkenschlossUlbrich::try_new(p).unwrap().entry(below, 1.0 - below, g);
        prop_assert!(below / (d * g) <= 1.01 * g.powf(p - 1.0));
    }

    /// Continuous where the gradient changes its sign, or a jump of exactly the difference of the distances.
    #[test]
    fn scalings_at_a_change_of_sign(below in 1e-3f64..1e3, above in 1e-3f64..1e3) {
        let eta = 1e-9;
        let jump = |s: &dyn Scaling| (s.entry(below, above, eta) - s.entry(below, above, -eta)).abs();
        // The slopes of these entries in g are at most γ and 1/(α² X).
        let slope = 1.0 + 1.0 / below.min(above);
        for s in [&KanzowKlug::default() as &dyn Scaling, &HagerMairZhang::default(), &Mix::default()] {
            prop_assert!(jump(s) <= 2.0 * eta * slope + 8.0 * f64::EPSILON * below.max(above), "{}", s.name());
        }
        prop_assert_eq!(jump(&ColemanLi), (below - above).abs());
    }

    /// At a bound: zero where −g points out, positive where it points in, not negative for g = 0; on both sides alike.
    #[test]
    fn entries_on_the_boundary(width in 1e-6f64..1e6, exponent in -8.0f64..6.0) {
        let g = 10f64.powf(exponent);
        let scalings: [&dyn Scaling; 6] = [
            &ColemanLi, &Clipped::default(), &HeinkenschlossUlbrich::default(), &KanzowKlug::default(), &HagerMairZhang::default(),
            &Mix::default(),
        ];
        for s in scalings {
            prop_assert_eq!(s.entry(0.0, width, g), 0.0);
            prop_assert_eq!(s.entry(width, 0.0, -g), 0.0);
            prop_assert!(s.entry(0.0, width, -g) > 0.0 && s.entry(width, 0.0, g) > 0.0);
            prop_assert!(s.entry(0.0, width, 0.0) >= 0.0 && s.entry(width, 0.0, 0.0) >= 0.0);
        }
    }

    /// All weight on one member is that member; and what is stored is what is built again, bit for bit.
    #[test]
    fn stored_scalings_are_the_same(w in 0.01f64..1.0, v in 0.01f64..1.0, gamma in 0.1f64..10.0, below in 1e-6f64..1e6,
                                    above in 1e-6f64..1e6, g in -1e3f64..1e3) {
        let alone = Mix::try_new(vec![(w, Box::new(HagerMairZhang::default()))]).unwrap();
        prop_assert_eq!(alone.entry(below, above, g), HagerMairZhang::default().entry(below, above, g));
        let mix = Mix::try_new(vec![
            (w, Box::new(KanzowKlug::try_new(gamma).unwrap())), (v, Box::new(Clipped::try_new(gamma).unwrap())),
            (v, Box::new(HeinkenschlossUlbrich::default())), (w, Box::new(ColemanLi)), (0.5, Box::new(Identity)),
        ]).unwrap();
        let solver = Solver { tolerance: w * 1e-6, seed: v.to_bits(), linear: LinearSolver::Gmres { restart: 17 }, ..Solver::least_squares() }
            .with_scaling(mix);
        let text = serde_json::to_string(&solver).unwrap();
        let again: Solver = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&text, &serde_json::to_string(&again).unwrap());
        prop_assert_eq!(solver.scaling.entry(below, above, g), again.scaling.entry(below, above, g));
        prop_assert_eq!((solver.tolerance, solver.seed, solver.stall), (again.tolerance, again.seed, again.stall));
        prop_assert_eq!((solver.method, solver.linear, solver.radius), (again.method, again.linear, again.radius));
    }
}

#[test]
fn options_are_stored_whole_and_read_with_defaults() {
    let read: Solver =
        serde_json::from_str(r#"{"tolerance": 1e-6, "method": "Tresnei", "scaling": {"kanzow-klug": {"gamma": 2.0}}}"#)
            .unwrap();
    assert_eq!(
        (read.tolerance, read.method, read.max_evaluations),
        (1e-6, Method::Tresnei, 1000)
    );
    assert_eq!(read.scaling.named(), Some(Named::KanzowKlug { gamma: 2.0 }));
    for (text, part) in [
        (r#"{"tolerence": 1e-6}"#, "tolerence"),
        (r#"{"scaling": {"kanzow-klug": {"gamma": -1.0}}}"#, "gamma"),
        (r#"{"scaling": {"mix": []}}"#, "weight"),
    ] {
        let error = serde_json::from_str::<Solver>(text).err().expect(text).to_string();
        assert!(error.contains(part), "{error}");
    }
    struct Own;
    impl Scaling for Own {
        fn name(&self) -> String {
            "own".into()
        }
        fn entry(&self, below: f64, above: f64, _g: f64) -> f64 {
            below.min(above).min(1.0)
        }
    }
    let own = Solver::default().with_scaling(Mix::try_new(vec![(1.0, Box::new(Own))]).unwrap());
    assert!(serde_json::to_string(&own).unwrap_err().to_string().contains("own"));
}

/// Stopped after some steps and resumed: the very steps of the run that was not stopped.
#[test]
fn resumed_runs_go_on_with_the_same_steps() {
    for method in [
        Method::Strscne,
        Method::Codosol(Shape::Elliptical),
        Method::Tresnei,
        Method::default(),
    ] {
        for name in ["eq_combustion", "powell_badly", "robot", "ferraris_tronconi"] {
            let (problem, start) = named(name);
            let radius = if method == Method::default() {
                InitialRadius::Newton
            } else {
                InitialRadius::Fixed(1.0)
            };
            let solver = Solver {
                method,
                radius,
                restart: false,
                window: 100,
                ..Solver::default()
            };
            let (whole, points) = trace(&solver, &problem, problem.bounds(), &start);
            let mut left = 3;
            let mut stop = |_: &Iteration<'_>| {
                left -= 1;
                if left == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let half = solver
                .solve_observed(&problem, problem.bounds(), &start, &mut stop)
                .unwrap();
            if half.exit != Exit::Stopped {
                continue;
            }
            let mut rest = Vec::new();
            let mut watch = |step: &Iteration<'_>| {
                rest.push(step.next.to_vec());
                ControlFlow::Continue(())
            };
            let end = solver
                .resume_observed(&problem, problem.bounds(), &half, &mut watch)
                .unwrap();
            assert_eq!(points[3..], rest, "{name} {method:?}");
            assert_eq!((end.x, end.exit), (whole.x, whole.exit), "{name} {method:?}");
        }
    }
}

/// Observers see every start and stop the search between or within starts.
#[test]
fn observers_see_starts_and_stop_them() {
    #[derive(Default)]
    struct Watch {
        starts: Vec<usize>,
        steps: usize,
        most: usize,
    }
    impl Observer for Watch {
        fn start(&mut self, number: usize, x: &[f64], norm: f64) -> ControlFlow<()> {
            assert!(norm.is_finite() && x.len() == 9);
            self.starts.push(number);
            if self.starts.len() > self.most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
        fn iteration(&mut self, step: &Iteration<'_>) -> ControlFlow<()> {
            assert_eq!(Some(&step.start), self.starts.last());
            self.steps += 1;
            ControlFlow::Continue(())
        }
    }
    let (problem, start) = named("circuit");
    let mut watch = Watch {
        most: 4,
        ..Watch::default()
    };
    let end = Solver::default()
        .solve_observed(&problem, problem.bounds(), &start, &mut watch)
        .unwrap();
    assert_eq!(watch.starts, [0, 1, 2, 3, 4]);
    assert!(end.norm.is_finite() && !end.exit.is_root() && end.iterations == watch.steps);
    let mut watch = Watch {
        most: 2,
        ..Watch::default()
    };
    let all = Solver::default()
        .find_all_observed(&problem, problem.bounds(), &start, 100, &mut watch)
        .unwrap();
    assert_eq!((all.starts, watch.starts.len()), (3, 3));
}

/// The same roots by factors, by GMRES with incomplete factors, with a preconditioner of the system's own, with none, and by
/// LSMR; matrix-free or not.
#[test]
fn inexact_steps_reach_the_same_roots() {
    struct Free<'a> {
        problem: &'a Problem,
        diagonal: bool,
        applied: Cell<usize>,
    }
    impl Free<'_> {
        fn entries(&self, x: &[f64]) -> (Pattern, Vec<f64>) {
            let Structure::Sparse(pattern) = self.problem.structure() else {
                panic!("sparse")
            };
            let mut entries = vec![0.0; pattern.entries()];
            self.problem
                .jacobian(x, &[], self.problem.bounds(), &mut entries)
                .unwrap();
            (pattern.clone(), entries)
        }
    }
    impl System for Free<'_> {
        fn variables(&self) -> usize {
            self.problem.variables()
        }
        fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
            self.problem.residual(x, f)
        }
        fn structure(&self) -> Structure<'_> {
            Structure::MatrixFree
        }
        fn jacobian(&self, _: &[f64], _: &[f64], _: &Bounds, _: &mut [f64]) -> Result<usize, UserError> {
            Err("not asked for".into())
        }
        fn product(&self, x: &[f64], p: &[f64], out: &mut [f64]) -> Result<(), UserError> {
            let (pattern, entries) = self.entries(x);
            out.fill(0.0);
            for j in 0..p.len() {
                for at in pattern.column_starts()[j]..pattern.column_starts()[j + 1] {
                    out[pattern.row_indices()[at]] += entries[at] * p[j];
                }
            }
            Ok(())
        }
        fn transpose_product(&self, x: &[f64], y: &[f64], out: &mut [f64]) -> Result<(), UserError> {
            let (pattern, entries) = self.entries(x);
            for j in 0..out.len() {
                let span = pattern.column_starts()[j]..pattern.column_starts()[j + 1];
                out[j] = span.map(|at| entries[at] * y[pattern.row_indices()[at]]).sum();
            }
            Ok(())
        }
        fn precondition(&self, x: &[f64], r: &[f64], out: &mut [f64]) -> Result<bool, UserError> {
            if !self.diagonal {
                return Ok(false);
            }
            self.applied.set(self.applied.get() + 1);
            let (pattern, entries) = self.entries(x);
            for j in 0..out.len() {
                let mut span = pattern.column_starts()[j]..pattern.column_starts()[j + 1];
                let at = span.find(|&at| pattern.row_indices()[at] == j).unwrap();
                out[j] = r[j] / entries[at];
            }
            Ok(true)
        }
    }
    for (name, label) in [
        ("tridiag_n100", "nu0.1"),
        ("broyden_tri_n100", "nu0.5"),
        ("broyden_band_n100", "nu0.25"),
        ("bratu_n100", "tenth"),
    ] {
        let problem = problems::named(name).unwrap();
        let start = problem.start_named(label).unwrap();
        let solver = |linear| Solver {
            linear,
            restart: false,
            ..Solver::default()
        };
        let exact = solver(LinearSolver::Direct)
            .solve(&problem, problem.bounds(), &start)
            .unwrap();
        assert!(exact.exit.is_root() && exact.linear_iterations == 0);
        let free = |diagonal| Free {
            problem: &problem,
            diagonal,
            applied: Cell::new(0),
        };
        let (plain, preconditioned) = (free(false), free(true));
        let gmres = LinearSolver::Gmres { restart: 20 };
        let runs: [(&str, &dyn Fn() -> Solution); 5] = [
            ("ILU", &|| {
                solver(gmres).solve(&problem, problem.bounds(), &start).unwrap()
            }),
            ("LSMR", &|| {
                solver(LinearSolver::Lsmr)
                    .solve(&problem, problem.bounds(), &start)
                    .unwrap()
            }),
            ("free", &|| {
                solver(LinearSolver::Direct)
                    .solve(&plain, problem.bounds(), &start)
                    .unwrap()
            }),
            ("diagonal", &|| {
                solver(gmres).solve(&preconditioned, problem.bounds(), &start).unwrap()
            }),
            ("free LSMR", &|| {
                solver(LinearSolver::Lsmr)
                    .solve(&plain, problem.bounds(), &start)
                    .unwrap()
            }),
        ];
        for (how, run) in runs {
            let end = run();
            assert!(end.exit.is_root(), "{name} {how}: {} {}", end.exit, end.norm);
            assert!(end.linear_iterations > 0, "{name} {how}");
            // Both end at ‖F‖ ≤ 1e-8; the inverse Jacobians of these are below 100 in norm.
            let apart = exact
                .x
                .iter()
                .zip(&end.x)
                .fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
            assert!(apart <= 2e-6, "{name} {how}: {apart:e}");
            // Inexact steps cost a few evaluations more and not many.
            assert!(
                end.evaluations <= 3 * exact.evaluations + 5,
                "{name} {how}: {} for {}",
                end.evaluations,
                exact.evaluations
            );
        }
        assert!(preconditioned.applied.get() > 0);
    }
}

/// Equations and inequalities together, more or fewer than variables, by every method.
#[test]
fn mixed_equations_and_inequalities() {
    // x² + y² = 1, y ≥ x + 0.2, x ≥ −0.5 as a row.
    let rows = |x: &[f64], f: &mut [f64]| {
        f[0] = x[0] * x[0] + x[1] * x[1] - 1.0;
        f[1] = x[0] + 0.2 - x[1];
        f[2] = -0.5 - x[0];
    };
    let slopes = |x: &[f64], j: &mut [f64]| j.copy_from_slice(&[2.0 * x[0], 1.0, -1.0, 2.0 * x[1], -1.0, 0.0]);
    let mixed = Inequalities::try_new(Functions::new(2, rows, slopes).with_equations(3), vec![1, 2]).unwrap();
    let bounds = Bounds::new(vec![-2.0; 2], vec![2.0; 2]).unwrap();
    for method in [
        Method::Tresnei,
        Method::Strscne,
        Method::Codosol(Shape::Elliptical),
        Method::default(),
    ] {
        for start in [[1.5, -1.0], [-1.5, -1.5], [0.1, 0.0], [2.0, 2.0]] {
            let solver = Solver {
                method,
                tolerance: 1e-10,
                ..Solver::default()
            };
            let end = solver.solve(&mixed, &bounds, &start).unwrap();
            assert!(end.exit.is_root(), "{method:?} {start:?}: {} {}", end.exit, end.norm);
            let mut f = [0.0; 3];
            rows(&end.x, &mut f);
            // ½ C² ≤ 1e-10.
            assert!(
                f[0].abs() <= 1e-10 && f[1] <= 1.5e-5 && f[2] <= 1.5e-5,
                "{method:?} {start:?}: {f:?}"
            );
        }
    }
    let worst = adaptors::check_jacobian(&mixed, &bounds, &[1.5, -1.0]).unwrap();
    assert!(worst.error < 1e-7, "{worst:?}");
    assert!(Inequalities::try_new(Functions::new(2, rows, slopes), vec![2]).is_err());
    // No point satisfies x ≤ 0 and x ≥ 1: the least excess on both is halfway.
    let apart = Functions::new(
        1,
        |x: &[f64], f: &mut [f64]| (f[0], f[1]) = (x[0], 1.0 - x[0]),
        |_: &[f64], j: &mut [f64]| j.copy_from_slice(&[1.0, -1.0]),
    );
    let apart = Inequalities::try_new(apart.with_equations(2), vec![0, 1]).unwrap();
    let solver = Solver {
        method: Method::Tresnei,
        ..Solver::least_squares()
    };
    let end = solver
        .solve(&apart, &Bounds::new(vec![-3.0], vec![3.0]).unwrap(), &[2.0])
        .unwrap();
    assert!(
        !end.exit.is_root() && end.stationary && (end.x[0] - 0.5).abs() < 1e-4,
        "{} {:?}",
        end.exit,
        end.x
    );
}

/// Iterates of TRESNEI lie in the box, its boundary included, and ‖F‖ falls; it finds the roots of square problems too.
#[test]
fn tresnei_stays_in_the_box() {
    let mut solved = 0;
    for problem in problems::small().iter().chain(&problems::least_squares()) {
        for (label, start) in problem.starts() {
            let mut sound = true;
            let sides = || problem.bounds().lower().iter().zip(problem.bounds().upper());
            let mut watch = |step: &Iteration<'_>| {
                sound &=
                    step.next.iter().zip(sides()).all(|(x, (l, u))| l <= x && x <= u) && step.norms.1 < step.norms.0;
                ControlFlow::Continue(())
            };
            let solver = Solver::classical(Method::Tresnei, ColemanLi);
            // On the boundary F may have no derivative: that is an error with a name, or an end.
            match solver.solve_observed(problem, problem.bounds(), &start, &mut watch) {
                Ok(end) => solved += usize::from(end.exit.is_root()),
                Err(Error::NonFinite { .. }) => {}
                Err(other) => panic!("{} {label}: {other}", problem.name()),
            }
            assert!(sound, "{} {label}", problem.name());
        }
    }
    // 188 of the 257 square runs in the published table.
    assert!(solved >= 185, "{solved}");
}

/// Infinite derivatives away from the start are stepped back from; a residual that panics leaves everything usable.
#[test]
fn bad_points_do_no_harm() {
    let line = Bounds::new(vec![-4.0], vec![4.0]).unwrap();
    // The Jacobian is infinite beyond −1, where the first full step from 2 would go; the root is at 0.
    let wall = Functions::new(
        1,
        |x: &[f64], f: &mut [f64]| f[0] = x[0].atan(),
        |x: &[f64], j: &mut [f64]| {
            j[0] = if x[0] < -1.0 {
                f64::INFINITY
            } else {
                1.0 / (1.0 + x[0] * x[0])
            }
        },
    );
    for method in [
        Method::Strscne,
        Method::Codosol(Shape::Elliptical),
        Method::Tresnei,
        Method::default(),
    ] {
        let end = Solver {
            method,
            ..Solver::default()
        }
        .solve(&wall, &line, &[1.2])
        .unwrap();
        assert!(
            end.exit.is_root() && end.x[0].abs() < 1e-7,
            "{method:?} {} {:?}",
            end.exit,
            end.x
        );
    }
    // Infinite everywhere but at the start: no step can be kept.
    let only = Functions::new(
        1,
        |x: &[f64], f: &mut [f64]| f[0] = x[0],
        |x: &[f64], j: &mut [f64]| j[0] = if x[0] == 2.0 { 1.0 } else { f64::NAN },
    );
    let end = Solver {
        restart: false,
        ..Solver::default()
    }
    .solve(&only, &line, &[2.0])
    .unwrap();
    assert!(
        end.exit.is_root() || end.exit == Exit::NonFiniteJacobian,
        "{}",
        end.exit
    );

    // A panic passes through; the same system and solver work afterwards.
    let calls = Cell::new(0);
    let shaky = Differences::new(2, |x: &[f64], f: &mut [f64]| {
        calls.set(calls.get() + 1);
        assert!(calls.get() != 6, "the sixth call fails");
        (f[0], f[1]) = (x[0] * x[0] - x[1], x[1] - 1.0);
    });
    let square = Bounds::new(vec![0.0; 2], vec![3.0; 2]).unwrap();
    let solver = Solver::default();
    let solve = || solver.solve(&shaky, &square, &[2.5, 0.5]);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(solve)).is_err());
    assert_eq!(calls.get(), 6);
    let end = solve().unwrap();
    assert!(end.exit.is_root() && (end.x[0] - 1.0).abs() < 1e-7);
}

/// Boxes of no width, of one ulp, of few ulps; starts outside, on and beside bounds: iterates inside, or a fixed variable.
#[test]
fn narrow_boxes_and_outer_starts() {
    let parabola = || {
        Functions::new(
            2,
            |x: &[f64], f: &mut [f64]| (f[0], f[1]) = (x[0] * x[0] - x[1], x[1] - 1.0),
            |x: &[f64], j: &mut [f64]| j.copy_from_slice(&[2.0 * x[0], 0.0, -1.0, 1.0]),
        )
    };
    let steps = |x: f64, count: usize| (0..count).fold(x, |x, _| x.next_up());
    for width in 0..5 {
        let bounds = Bounds::new(vec![0.0, 1.0], vec![3.0, steps(1.0, width)]).unwrap();
        for method in [
            Method::Strscne,
            Method::Codosol(Shape::Spherical),
            Method::Tresnei,
            Method::default(),
        ] {
            let end = Solver {
                method,
                restart: false,
                ..Solver::default()
            }
            .solve(&parabola(), &bounds, &[0.5, 7.0])
            .unwrap();
            let inside = end
                .x
                .iter()
                .zip(bounds.lower().iter().zip(bounds.upper()))
                .all(|(x, (l, u))| l <= x && x <= u);
            assert!(inside, "{width} {method:?} {:?}", end.x);
            assert!(end.exit.is_root() || end.norm.is_finite(), "{width} {method:?}");
        }
    }
    let bounds = Bounds::new(vec![0.0; 2], vec![3.0; 2]).unwrap();
    for start in [
        [0.0, 0.0],
        [3.0, 3.0],
        [f64::MIN_POSITIVE, 3.0f64.next_down()],
        [-1e300, 1e300],
        [f64::NEG_INFINITY, f64::INFINITY],
    ] {
        let mut strict = true;
        let mut watch = |step: &Iteration<'_>| {
            strict &= step.x.iter().chain(step.next).all(|&x| 0.0 < x && x < 3.0);
            ControlFlow::Continue(())
        };
        let end = Solver::default()
            .solve_observed(&parabola(), &bounds, &start, &mut watch)
            .unwrap();
        assert!(end.exit.is_root() && strict, "{start:?}: {}", end.exit);
    }
    // Extreme options are refused or obeyed, never a panic.
    let most = Solver {
        window: usize::MAX,
        max_iterations: usize::MAX,
        evaluations_per_start: usize::MAX,
        linear: LinearSolver::Gmres { restart: usize::MAX },
        ..Solver::default()
    };
    assert!(most.solve(&parabola(), &bounds, &[2.5, 0.5]).unwrap().exit.is_root());
    let none = Solver {
        linear: LinearSolver::Gmres { restart: 0 },
        ..Solver::default()
    };
    assert!(matches!(
        none.solve(&parabola(), &bounds, &[2.5, 0.5]),
        Err(Error::InvalidParameter { name: "restart", .. })
    ));
}

/// ‖F‖∞ ≤ ‖F‖₂ ≤ √n ‖F‖∞: by the greatest entry a run takes the very steps of the other, ends no later and not before
/// each equation holds to the tolerance.
#[test]
fn the_norm_of_roots_ends_the_same_steps_earlier() {
    let mut earlier = 0;
    for method in [Method::Tresnei, Method::Strscne, Method::default()] {
        for name in ["tridiag_n100", "broyden_tri_n100", "discrete_ie_n20", "himmelblau"] {
            let problem = problems::named(name).unwrap();
            for (_, start) in problem.starts() {
                for relative_tolerance in [0.0, 1e-4] {
                    let solver = Solver {
                        tolerance: 1e-6,
                        relative_tolerance,
                        ..Solver::classical(method, ColemanLi)
                    };
                    let greatest = |f: &[f64]| f.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                    let steps = |root_norm: RootNorm| {
                        let mut points = Vec::new();
                        let mut watch = |step: &Iteration<'_>| {
                            points.push(step.next.to_vec());
                            ControlFlow::Continue(())
                        };
                        let solver = Solver {
                            root_norm,
                            ..solver.clone()
                        };
                        let end = solver
                            .solve_observed(&problem, problem.bounds(), &start, &mut watch)
                            .unwrap();
                        (end, points)
                    };
                    let (long, all) = steps(RootNorm::Euclidean);
                    let (short, some) = steps(RootNorm::Infinity);
                    // The tolerance relative to the start is another one.
                    if relative_tolerance == 0.0 {
                        assert_eq!(some[..], all[..some.len()], "{name}");
                        earlier += usize::from(some.len() < all.len());
                    }
                    if !long.exit.is_root() {
                        continue;
                    }
                    let size = |x: &[f64]| greatest(residual(&problem, x).as_slice());
                    assert!(short.exit.is_root(), "{name}");
                    // These starts are strictly inside: none is moved.
                    assert!(size(&short.x) <= 1e-6 + relative_tolerance * size(&start), "{name}");
                }
            }
        }
    }
    assert!(earlier > 0);

    let stored = serde_json::to_string(&Solver {
        root_norm: RootNorm::Infinity,
        ..Solver::default()
    })
    .unwrap();
    assert_eq!(
        serde_json::from_str::<Solver>(&stored).unwrap().root_norm,
        RootNorm::Infinity
    );
    assert_eq!(
        serde_json::from_str::<Solver>("{}").unwrap().root_norm,
        RootNorm::Euclidean
    );

    // All variables fixed: each of two equations is off by 3/4 of the tolerance.
    let off = Functions::new(
        2,
        |x: &[f64], f: &mut [f64]| f.copy_from_slice(x),
        |_: &[f64], j: &mut [f64]| j.copy_from_slice(&[1.0, 0.0, 0.0, 1.0]),
    );
    let bounds = Bounds::new(vec![0.75e-8; 2], vec![0.75e-8; 2]).unwrap();
    for (root_norm, root) in [(RootNorm::Euclidean, false), (RootNorm::Infinity, true)] {
        let solver = Solver {
            root_norm,
            ..Solver::default()
        };
        assert_eq!(solver.solve(&off, &bounds, &[0.0; 2]).unwrap().exit.is_root(), root);
    }
}
