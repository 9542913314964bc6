//! Laws of the trust-region methods, and hostile input.

use std::alloc::{GlobalAlloc, Layout, System as Heap};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::result::Result;

use hadamard_trust_region::scaling::{
    self, ColemanLi, HagerMairZhang, HeinkenschlossUlbrich, KanzowKlug, Mix, Scaling,
};
use hadamard_trust_region::*;
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the allocations of each thread.
struct Counting;

// SAFETY: every call is handed on to the system's allocator; the counter is a plain thread-local number.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { Heap.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `alloc` above with this layout.
        unsafe { Heap.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A residual and Jacobian from closures.
struct Given<F, J> {
    n: usize,
    m: usize,
    f: F,
    j: J,
}

impl<F: Fn(&[f64], &mut [f64]), J: Fn(&[f64], &mut [f64])> System for Given<F, J> {
    fn variables(&self) -> usize {
        self.n
    }
    fn equations(&self) -> usize {
        self.m
    }
    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        (self.f)(x, f);
        Ok(())
    }
    fn jacobian(&self, x: &[f64], _f: &[f64], _b: &Bounds, j: &mut [f64]) -> Result<usize, UserError> {
        (self.j)(x, j);
        Ok(0)
    }
}

fn scalings() -> Vec<Box<dyn Scaling>> {
    vec![
        Box::new(ColemanLi),
        Box::new(HeinkenschlossUlbrich::default()),
        Box::new(KanzowKlug::default()),
        Box::new(HagerMairZhang::default()),
        Box::new(Mix::default()),
    ]
}

fn methods() -> Vec<Method> {
    vec![
        Method::Strscne,
        Method::Codosol(Shape::Elliptical),
        Method::Codosol(Shape::Spherical),
        Method::Auto(Shape::Elliptical),
    ]
}

/// A distance to a bound, from tiny to infinite.
fn distance() -> impl Strategy<Value = f64> {
    prop_oneof![4 => (-12f64..6.0).prop_map(|e| 10f64.powf(e)), 1 => Just(f64::INFINITY)]
}

fn slope() -> impl Strategy<Value = f64> {
    ((-10f64..6.0).prop_map(|e| 10f64.powf(e)), any::<bool>()).prop_map(|(s, minus)| if minus { -s } else { s })
}

proptest! {
    #[test]
    fn entries_are_positive_inside_and_vanish_at_the_faced_bound(below in distance(), above in distance(), g in slope()) {
        for s in scalings() {
            let d = s.entry(below, above, g);
            prop_assert!(d > 0.0 && d.is_finite(), "{} {d}", s.name());
            if g > 0.0 {
                prop_assert_eq!(s.entry(0.0, above, g), 0.0);
                prop_assert!(s.entry(0.0, above, -g) > 0.0);
            }
        }
        let step = |s: &dyn Scaling| if g > 0.0 { below } else { above } / (s.entry(below, above, g) * g.abs());
        // λ |g| ≥ 1 for these, λ ≥ 1 for the last; two roundings.
        prop_assert!(step(&ColemanLi) * g.abs() >= 1.0 - 1e-15 || below.min(above) == f64::INFINITY);
        prop_assert!(step(&KanzowKlug::default()) * g.abs() >= 1.0 - 1e-15);
        prop_assert!(step(&HagerMairZhang::default()) >= 1.0 - 1e-15);
    }

    #[test]
    fn steps_of_mixtures_are_harmonic_means(below in distance(), above in distance(), g in slope(), w in 0.01f64..0.99) {
        let room = if g > 0.0 { below } else { above };
        prop_assume!(room.is_finite());
        let members: Vec<(f64, Box<dyn Scaling>)> = vec![(w, Box::new(ColemanLi)), (1.0 - w, Box::new(HagerMairZhang::default()))];
        let mix = Mix::try_new(members).unwrap();
        let step = |s: &dyn Scaling| room / (s.entry(below, above, g) * g.abs());
        let mean = 1.0 / (w / step(&ColemanLi) + (1.0 - w) / step(&HagerMairZhang::default()));
        prop_assert!((step(&mix) / mean - 1.0).abs() <= 16.0 * f64::EPSILON);
    }

    /// A root well inside: a linear system ends in two evaluations, in at most four when every step is shortened.
    #[test]
    fn linear_systems_end_at_once(seed in any::<u64>(), n in 1usize..9) {
        let mut rng = Pcg64::seed_from_u64(seed);
        let a = DMatrix::from_fn(n, n, |i, j| rng.random::<f64>() - 0.5 + if i == j { n as f64 } else { 0.0 });
        let root = DVector::from_fn(n, |_, _| rng.random::<f64>() - 0.5);
        let b = &a * &root;
        let system = Given {
            n,
            m: n,
            f: |x: &[f64], f: &mut [f64]| f.copy_from_slice((&a * DVector::from_column_slice(x) - &b).as_slice()),
            j: |_: &[f64], j: &mut [f64]| j.copy_from_slice(a.as_slice()),
        };
        let bounds = Bounds::new(vec![-2.0; n], vec![2.0; n]).unwrap();
        let start: Vec<f64> = (0..n).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect();
        let whole = Solver::default().solve(&system, &bounds, &start).unwrap();
        prop_assert!(whole.exit.is_root() && whole.evaluations <= 2, "{}", whole.evaluations);
        let cut = Solver { cut_only: false, ..Solver::default() }.solve(&system, &bounds, &start).unwrap();
        prop_assert!(cut.exit.is_root() && cut.evaluations <= 4, "{}", cut.evaluations);
        for (x, r) in whole.x.iter().zip(root.iter()) {
            prop_assert!((x - r).abs() <= 1e-8);
        }
    }

    /// Every point that F is asked for lies in the box, every iterate strictly inside, and ‖F‖ falls, also when F is NaN
    /// on a half-space.
    #[test]
    fn iterates_stay_inside_and_descend(seed in any::<u64>(), which in 0usize..30, nan in any::<bool>()) {
        let problems = problems::all();
        let problem = &problems[which % problems.len()];
        prop_assume!(problem.variables() <= 11);
        let mut rng = Pcg64::seed_from_u64(seed);
        let bounds = problem.bounds().clone();
        let start: Vec<f64> = bounds.lower().iter().zip(bounds.upper()).map(|(l, u)| {
            let (l, u) = (l.max(-10.0), u.min(l.max(-10.0) + 20.0));
            l + rng.random::<f64>() * (u - l)
        }).collect();
        let wall = start[0] + 0.1;
        let outside = Cell::new(false);
        let system = Given {
            n: problem.variables(),
            m: problem.equations(),
            f: |x: &[f64], f: &mut [f64]| {
                let inside = x.iter().zip(bounds.lower().iter().zip(bounds.upper())).all(|(x, (l, u))| l <= x && x <= u);
                outside.set(outside.get() || !inside);
                problem.residual(x, f).unwrap();
                if nan && x[0] > wall {
                    f[0] = f64::NAN;
                }
            },
            j: |x: &[f64], j: &mut [f64]| {
                problem.jacobian(x, &[], &bounds, j).unwrap();
            },
        };
        for method in methods() {
            for scaling in scalings() {
                let solver = Solver { max_evaluations: 200, ..Solver::classical(method, scaling) };
                let mut sound = true;
                let mut watch = |step: &Iteration<'_>| {
                    let strict = step.next.iter().zip(bounds.lower().iter().zip(bounds.upper())).all(|(x, (l, u))| l < x && x < u);
                    sound &= strict && step.norms.1 < step.norms.0;
                    ControlFlow::Continue(())
                };
                match solver.solve_observed(&system, &bounds, &start, &mut watch) {
                    Ok(solution) => prop_assert!(solution.norm.is_finite()),
                    Err(Error::NonFinite { .. }) => {}
                    Err(other) => prop_assert!(false, "{other}"),
                }
                prop_assert!(sound, "{}", problem.name());
                prop_assert!(!outside.get(), "{}", problem.name());
            }
        }
    }

    /// F → cF for c a power of two and Coleman-Li scaling: the same iterates bit for bit (away from roots at a corner, where
    /// the method's absolute test of ‖D^(1/2) g‖ may end a run first).
    #[test]
    fn scaling_the_residual_changes_nothing(power in -6i32..7, which in 0usize..8) {
        let names = ["himmelblau", "ferraris_tronconi", "robot", "cstr_R0.960", "booth", "gottfr", "brown_al_5", "rosenbrock"];
        let problem = problems::named(names[which]).unwrap();
        let c = 2f64.powi(power);
        let scaled = Given {
            n: problem.variables(),
            m: problem.equations(),
            f: |x: &[f64], f: &mut [f64]| {
                problem.residual(x, f).unwrap();
                f.iter_mut().for_each(|f| *f *= c);
            },
            j: |x: &[f64], j: &mut [f64]| {
                problem.jacobian(x, &[], problem.bounds(), j).unwrap();
                j.iter_mut().for_each(|j| *j *= c);
            },
        };
        let start = problem.starts().swap_remove(1).1;
        let solver = Solver::classical(Method::Codosol(Shape::Elliptical), ColemanLi);
        let plain = solver.solve(&problem, problem.bounds(), &start).unwrap();
        let with = Solver { tolerance: c * solver.tolerance, ..solver };
        let other = with.solve(&scaled, problem.bounds(), &start).unwrap();
        prop_assert_eq!(plain.x, other.x);
        prop_assert_eq!(plain.evaluations, other.evaluations);
    }
}

/// All methods on all problems of at most 64 variables, least squares and singular Jacobians included: whatever is needed
/// is there before the first step.
#[test]
fn dense_iterations_do_not_allocate() {
    let methods = [
        Method::Strscne,
        Method::Codosol(Shape::Elliptical),
        Method::Codosol(Shape::Spherical),
        Method::Tresnei,
        Method::Auto(Shape::Elliptical),
    ];
    let mut collection = problems::small();
    collection.extend(problems::least_squares());
    collection.extend(problems::without_root());
    let (mut steps, mut shortest) = (0, 0);
    let mut counts = Vec::with_capacity(4000);
    for problem in collection.iter().filter(|p| p.variables() <= 64) {
        for (label, start) in problem.starts() {
            for method in methods {
                counts.clear();
                let mut watch = |_: &Iteration<'_>| {
                    counts.push(ALLOCATIONS.with(Cell::get));
                    ControlFlow::Continue(())
                };
                let solver = Solver {
                    method,
                    restart: false,
                    ..Solver::default()
                };
                match solver.solve_observed(problem, problem.bounds(), &start, &mut watch) {
                    Ok(solution) => shortest += solution.shortest_steps,
                    // At the boundary, where TRESNEI may go, some have no derivative.
                    Err(Error::NonFinite { .. }) => {}
                    Err(other) => panic!("{} {label}: {other}", problem.name()),
                }
                let name = format!("{} {label} {method:?}", problem.name());
                assert!(counts.windows(2).all(|w| w[0] == w[1]), "{name}: {counts:?}");
                steps += counts.len();
            }
        }
    }
    assert!(steps > 10_000 && shortest > 100, "{steps} {shortest}");
}

#[test]
fn singular_roots_converge_linearly_as_newton_does() {
    let problem = problems::named("powell_singular").unwrap();
    let mut ratios = Vec::new();
    let mut watch = |step: &Iteration<'_>| {
        ratios.push(step.norms.1 / step.norms.0);
        ControlFlow::Continue(())
    };
    let start = problem.starts().into_iter().find(|s| s.0 == "std").unwrap().1;
    Solver::default()
        .solve_observed(&problem, problem.bounds(), &start, &mut watch)
        .unwrap();
    for ratio in &ratios[ratios.len() - 3..] {
        assert!((ratio - 0.25).abs() < 0.01, "{ratios:?}");
    }
}

#[test]
fn the_mean_of_the_h_equation_is_known() {
    for problem in problems::structured(100)
        .iter()
        .filter(|p| p.name().starts_with("heq_c0.9"))
    {
        let albedo: f64 = problem.name()["heq_c".len()..]
            .split('_')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let solver = Solver {
            tolerance: 1e-12,
            ..Solver::default()
        };
        let solution = solver.solve(problem, problem.bounds(), &vec![1.0; 100]).unwrap();
        assert!(solution.exit.is_root(), "{}", solution.exit);
        let mean = solution.x.iter().sum::<f64>() / 100.0;
        // Near c = 1 the root is ill-conditioned: the error of the mean is that of F over √(1 − c).
        let bound = 1e-12 * 10.0 / (1.0 - albedo).sqrt();
        assert!(
            (mean - 2.0 / albedo * (1.0 - (1.0 - albedo).sqrt())).abs() <= bound,
            "{albedo}: {mean}"
        );
    }
}

#[test]
fn sparse_and_matrix_free_take_the_dense_steps() {
    struct Dense<'a>(&'a problems::Problem);
    impl System for Dense<'_> {
        fn variables(&self) -> usize {
            self.0.variables()
        }
        fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
            self.0.residual(x, f)
        }
        fn jacobian(&self, x: &[f64], f: &[f64], b: &Bounds, j: &mut [f64]) -> Result<usize, UserError> {
            let Structure::Sparse(pattern) = self.0.structure() else {
                panic!("sparse")
            };
            let mut entries = vec![0.0; pattern.entries()];
            self.0.jacobian(x, f, b, &mut entries)?;
            j.fill(0.0);
            for c in 0..pattern.columns() {
                for at in pattern.column_starts()[c]..pattern.column_starts()[c + 1] {
                    j[c * pattern.rows() + pattern.row_indices()[at]] = entries[at];
                }
            }
            Ok(0)
        }
    }
    struct Free<'a>(Dense<'a>);
    impl Free<'_> {
        fn matrix(&self, x: &[f64]) -> DMatrix<f64> {
            let n = self.variables();
            let mut j = vec![0.0; n * n];
            self.0.jacobian(x, &[], self.0.0.bounds(), &mut j).unwrap();
            DMatrix::from_vec(n, n, j)
        }
    }
    impl System for Free<'_> {
        fn variables(&self) -> usize {
            self.0.variables()
        }
        fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
            self.0.residual(x, f)
        }
        fn structure(&self) -> Structure<'_> {
            Structure::MatrixFree
        }
        fn jacobian(&self, _: &[f64], _: &[f64], _: &Bounds, _: &mut [f64]) -> Result<usize, UserError> {
            Err("not asked for".into())
        }
        fn product(&self, x: &[f64], p: &[f64], out: &mut [f64]) -> Result<(), UserError> {
            out.copy_from_slice((self.matrix(x) * DVector::from_column_slice(p)).as_slice());
            Ok(())
        }
        fn transpose_product(&self, x: &[f64], y: &[f64], out: &mut [f64]) -> Result<(), UserError> {
            out.copy_from_slice((self.matrix(x).transpose() * DVector::from_column_slice(y)).as_slice());
            Ok(())
        }
    }
    for name in ["tridiag_n100", "trigexp_n100", "discrete_bvp_n100", "broyden_tri_n100"] {
        let problem = problems::named(name).unwrap();
        let start = problem.starts().pop().unwrap().1;
        let solver = Solver::default();
        let sparse = solver.solve(&problem, problem.bounds(), &start).unwrap();
        let dense = solver.solve(&Dense(&problem), problem.bounds(), &start).unwrap();
        // Its steps are inexact, so it must go further for the same digits of x.
        let further = Solver {
            tolerance: 1e-12,
            ..Solver::default()
        };
        let free = further.solve(&Free(Dense(&problem)), problem.bounds(), &start).unwrap();
        assert!(
            sparse.exit.is_root() && dense.exit.is_root() && free.exit.is_root(),
            "{name}: {}",
            free.exit
        );
        assert_eq!(sparse.evaluations, dense.evaluations, "{name}");
        for ((s, d), f) in sparse.x.iter().zip(&dense.x).zip(&free.x) {
            assert!((s - d).abs() <= 1e-10 && (s - f).abs() <= 1e-6, "{name}");
        }
    }
}

#[test]
fn fixed_variables_do_not_move() {
    let problem = problems::named("himmelblau").unwrap();
    let bounds = Bounds::new(vec![3.0, -5.0], vec![3.0, 5.0]).unwrap();
    let solution = Solver::default().solve(&problem, &bounds, &[0.0, 1.0]).unwrap();
    assert_eq!(solution.x[0], 3.0);
    assert!(solution.active.contains(&0));
    let fixed = Bounds::new(vec![3.0, 2.0], vec![3.0, 2.0]).unwrap();
    let only = Solver::default().solve(&problem, &fixed, &[0.0, 0.0]).unwrap();
    assert!(only.exit.is_root() && only.evaluations == 1);
}

#[test]
fn least_squares_find_the_nearest_point() {
    let lines = Given {
        n: 2,
        m: 3,
        f: |x: &[f64], f: &mut [f64]| f.copy_from_slice(&[x[0] + x[1] - 1.0, x[0] - 0.3, x[1] - 0.3]),
        j: |_: &[f64], j: &mut [f64]| j.copy_from_slice(&[1.0, 1.0, 0.0, 1.0, 0.0, 1.0]),
    };
    let bounds = Bounds::new(vec![0.0; 2], vec![1.0; 2]).unwrap();
    let solution = Solver::least_squares().solve(&lines, &bounds, &[0.9, 0.1]).unwrap();
    assert_eq!(solution.exit, Exit::Stationary);
    // 2 variables, normal equations by hand: x = y = 13/30.
    for x in &solution.x {
        assert!((x - 13.0 / 30.0).abs() < 1e-6, "{:?}", solution.x);
    }
}

#[test]
fn hostile_input_is_named() {
    let problem = problems::named("himmelblau").unwrap();
    let solver = Solver::default();
    let inf = f64::INFINITY;
    assert!(matches!(
        Bounds::new(vec![1.0], vec![0.0]),
        Err(Error::InvalidBounds { index: 0, .. })
    ));
    assert!(matches!(
        Bounds::new(vec![f64::NAN], vec![0.0]),
        Err(Error::InvalidBounds { .. })
    ));
    assert!(matches!(
        Bounds::new(vec![inf], vec![inf]),
        Err(Error::InvalidBounds { .. })
    ));
    assert!(matches!(
        Bounds::new(vec![0.0], vec![]),
        Err(Error::DimensionMismatch { .. })
    ));
    assert!(matches!(
        solver.solve(&problem, problem.bounds(), &[0.0]),
        Err(Error::DimensionMismatch { what: "start", .. })
    ));
    assert!(matches!(
        solver.solve(&problem, &Bounds::unbounded(3), &[0.0; 3]),
        Err(Error::DimensionMismatch { .. })
    ));
    assert!(matches!(
        solver.solve(&problem, problem.bounds(), &[f64::NAN, 0.0]),
        Err(Error::NonFinite {
            what: "start",
            index: 0
        })
    ));
    for start in [[inf, -inf], [100.0, -100.0], [5.0, -5.0]] {
        assert!(solver.solve(&problem, problem.bounds(), &start).unwrap().exit.is_root());
    }
    let bad = |solver: Solver| {
        matches!(
            solver.solve(&problem, problem.bounds(), &[0.0; 2]),
            Err(Error::InvalidParameter { .. })
        )
    };
    assert!(bad(Solver {
        tolerance: f64::NAN,
        ..Solver::default()
    }));
    assert!(bad(Solver {
        radius: InitialRadius::Fixed(0.0),
        ..Solver::default()
    }));
    assert!(bad(Solver {
        max_evaluations: 0,
        ..Solver::default()
    }));
    assert!(
        KanzowKlug::try_new(-1.0).is_err()
            && HeinkenschlossUlbrich::try_new(1.0).is_err()
            && Mix::try_new(vec![]).is_err()
    );
    assert!(Pattern::new(2, vec![0, 2], vec![1, 0]).is_err() && Pattern::new(2, vec![0, 3], vec![0, 1]).is_err());

    let nan = Given {
        n: 1,
        m: 1,
        f: |_: &[f64], f: &mut [f64]| f[0] = f64::NAN,
        j: |_: &[f64], j: &mut [f64]| j[0] = 1.0,
    };
    let line = Bounds::new(vec![-1.0], vec![1.0]).unwrap();
    assert!(matches!(
        solver.solve(&nan, &line, &[0.5]),
        Err(Error::NonFinite {
            what: "residual",
            index: 0
        })
    ));
    let steep = Given {
        n: 1,
        m: 1,
        f: |x: &[f64], f: &mut [f64]| f[0] = x[0],
        j: |_: &[f64], j: &mut [f64]| j[0] = f64::INFINITY,
    };
    assert!(matches!(
        solver.solve(&steep, &line, &[0.5]),
        Err(Error::NonFinite {
            what: "Jacobian",
            index: 0
        })
    ));
    let singular = Given {
        n: 2,
        m: 2,
        f: |_: &[f64], f: &mut [f64]| f.fill(1.0),
        j: |_: &[f64], j: &mut [f64]| j.fill(0.0),
    };
    let square = Bounds::new(vec![-1.0; 2], vec![1.0; 2]).unwrap();
    assert_eq!(
        solver.solve(&singular, &square, &[0.5; 2]).unwrap().exit,
        Exit::Stationary
    );

    struct Fails;
    impl System for Fails {
        fn variables(&self) -> usize {
            1
        }
        fn residual(&self, _: &[f64], _: &mut [f64]) -> Result<(), UserError> {
            Err("the instrument is off".into())
        }
        fn jacobian(&self, _: &[f64], _: &[f64], _: &Bounds, _: &mut [f64]) -> Result<usize, UserError> {
            Ok(0)
        }
    }
    let error = solver.solve(&Fails, &line, &[0.0]).unwrap_err();
    assert_eq!(error.to_string(), "the instrument is off");
    let report = scaling::check::check(&Mix::default());
    assert!(report.zero_pattern);
}

#[test]
fn observers_can_stop() {
    let problem = problems::named("himmelblau").unwrap();
    let mut steps = 0;
    let mut watch = |_: &Iteration<'_>| {
        steps += 1;
        if steps == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let solution = Solver::default()
        .solve_observed(&problem, problem.bounds(), &[4.0, 4.0], &mut watch)
        .unwrap();
    assert_eq!((solution.exit, solution.iterations), (Exit::Stopped, 2));
}
