use std::ops::ControlFlow;

use hadamard::trust_region::adaptors::{
    Differences, Functions, Scheme, Weighted, check_jacobian, colouring, detect_pattern,
};
use hadamard::trust_region::scaling::{
    self, Clipped, ColemanLi, HagerMairZhang, HeinkenschlossUlbrich, Identity, KanzowKlug, Mix, Scaling,
};
use hadamard::trust_region::{
    Bounds, InitialRadius, Iteration, Method, Pattern, RootNorm, Shape, Solution, Solver, Structure, System, UserError,
    step_to_bound,
};

use crate::draw::{Draw, cases, sound};

/// F(x) = A x + q x² - b, entry by entry NaN beyond `wall`; every way to hand over a Jacobian.
struct Polynomial {
    m: usize,
    n: usize,
    a: Vec<f64>,
    q: f64,
    b: Vec<f64>,
    wall: f64,
    pattern: Option<Pattern>,
    free: bool,
    fails: bool,
}

impl Polynomial {
    fn draw(draw: &mut Draw) -> Self {
        let n = draw.below(6);
        let m = if draw.one_in(3) { draw.below(7) } else { n };
        let everything = Pattern::new(m, (0..=n).map(|j| j * m).collect(), (0..n).flat_map(|_| 0..m).collect());
        let structure = draw.below(3);
        Self {
            m,
            n,
            a: draw.numbers(m * n),
            q: draw.number(),
            b: draw.numbers(m),
            wall: if draw.one_in(3) {
                draw.parameter()
            } else {
                f64::INFINITY
            },
            pattern: (structure == 1).then(|| everything.expect("all positions in order")),
            free: structure == 2,
            fails: draw.one_in(30),
        }
    }

    fn entry(&self, x: &[f64], i: usize, j: usize) -> f64 {
        self.a[j * self.m + i] + if i == j { 2.0 * self.q * x[j] } else { 0.0 }
    }
}

impl System for Polynomial {
    fn variables(&self) -> usize {
        self.n
    }

    fn equations(&self) -> usize {
        self.m
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        assert!(x.iter().all(|x| x.is_finite()), "F is asked for at finite points only");
        for (i, f) in f.iter_mut().enumerate() {
            *f = (0..self.n).map(|j| self.a[j * self.m + i] * x[j]).sum::<f64>() - self.b[i];
            if let Some(x) = x.get(i) {
                *f += self.q * x * x;
            }
            if x.iter().any(|x| x.abs() > self.wall) {
                *f = f64::NAN;
            }
        }
        if self.fails && x.iter().any(|x| *x > 0.7) {
            return Err("beyond what this function knows".into());
        }
        Ok(())
    }

    fn structure(&self) -> Structure<'_> {
        match &self.pattern {
            Some(pattern) => Structure::Sparse(pattern),
            None if self.free => Structure::MatrixFree,
            None => Structure::Dense,
        }
    }

    fn jacobian(&self, x: &[f64], _f: &[f64], _b: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        for (at, entry) in entries.iter_mut().enumerate() {
            *entry = self.entry(x, at % self.m, at / self.m);
        }
        Ok(0)
    }

    fn product(&self, x: &[f64], p: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        for (i, out) in out.iter_mut().enumerate() {
            *out = (0..self.n).map(|j| self.entry(x, i, j) * p[j]).sum();
        }
        Ok(())
    }

    fn transpose_product(&self, x: &[f64], y: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        for (j, out) in out.iter_mut().enumerate() {
            *out = (0..self.m).map(|i| self.entry(x, i, j) * y[i]).sum();
        }
        Ok(())
    }
}

fn bounds(draw: &mut Draw, n: usize) -> Option<Bounds> {
    let (mut lower, mut upper) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let (a, b) = (draw.number(), draw.number());
        let (l, u) = match draw.below(8) {
            0 => (f64::NEG_INFINITY, f64::INFINITY),
            1 => (a, f64::INFINITY),
            2 => (f64::NEG_INFINITY, a),
            3 => (a, a),
            4 => (a, b),
            5 => (a, a + a.abs() * f64::EPSILON),
            _ => (a.min(b), a.max(b)),
        };
        lower.push(l);
        upper.push(u);
    }
    upper.truncate(draw.about(n));
    sound("Bounds", Bounds::new(lower, upper))
}

fn scaling(draw: &mut Draw) -> Option<Box<dyn Scaling>> {
    let p = draw.parameter();
    fn boxed<S: Scaling + 'static>(s: S) -> Box<dyn Scaling> {
        Box::new(s)
    }
    match draw.below(8) {
        0 => Some(boxed(Identity)),
        1 => Some(boxed(ColemanLi)),
        2 => sound("Clipped", Clipped::try_new(p)).map(boxed),
        3 => sound("HagerMairZhang", HagerMairZhang::try_new(p)).map(boxed),
        4 => sound("HeinkenschlossUlbrich", HeinkenschlossUlbrich::try_new(p)).map(boxed),
        5 => sound("KanzowKlug", KanzowKlug::try_new(p)).map(boxed),
        6 => {
            let members: Vec<(f64, Box<dyn Scaling>)> =
                vec![(p, boxed(ColemanLi)), (draw.parameter(), boxed(Identity))];
            sound("Mix", Mix::try_new(members)).map(boxed)
        }
        _ => Some(boxed(Mix::default())),
    }
}

fn solver(draw: &mut Draw) -> Option<Solver> {
    let base = match draw.below(5) {
        0 => Solver::classical(Method::Strscne, ColemanLi),
        1 => Solver::classical(Method::Codosol(Shape::Elliptical), ColemanLi),
        2 => Solver::classical(Method::Codosol(Shape::Spherical), ColemanLi),
        3 => Solver::least_squares(),
        _ => Solver::default(),
    };
    let mut solver = base.with_scaling(scaling(draw)?);
    solver.max_evaluations = draw.below(200);
    solver.max_iterations = draw.below(60);
    solver.evaluations_per_start = draw.below(60);
    if draw.one_in(3) {
        solver.tolerance = draw.parameter();
        solver.relative_tolerance = draw.parameter();
        solver.stall = draw.parameter();
        solver.window = draw.below(5);
        solver.radius = InitialRadius::Fixed(draw.parameter());
    }
    if draw.one_in(4) {
        solver.radius = InitialRadius::ScaledGradient;
    }
    if draw.one_in(4) {
        solver.root_norm = RootNorm::Infinity;
    }
    Some(solver)
}

fn judge(system: &Polynomial, bounds: &Bounds, solver: &Solver, found: &Solution) {
    let x = &found.x;
    assert!(x.iter().all(|x| x.is_finite()), "solution: x");
    let inside = x
        .iter()
        .zip(bounds.lower().iter().zip(bounds.upper()))
        .all(|(x, (l, u))| l <= x && x <= u);
    assert!(inside, "solution outside the box");
    assert!(
        found.residual.iter().all(|f| f.is_finite()) && found.residual.len() == system.m,
        "solution: residual"
    );
    assert!(found.norm.is_finite(), "solution: norm");
    assert!(
        found.evaluations <= solver.max_evaluations.max(1) + 1,
        "more evaluations than allowed"
    );
    assert!(found.error_estimate.is_none_or(f64::is_finite), "error estimate");
    let entries = (0..system.n).flat_map(|j| (0..system.m).map(move |i| (i, j)));
    let wild = entries.map(|(i, j)| system.entry(x, i, j)).any(|a| !a.is_finite());
    let exempt = system.free || found.exit.is_root() || wild;
    assert!(exempt || !found.optimality.is_nan(), "optimality");
}

#[test]
fn solvers() {
    cases(4000, |draw| {
        let system = Polynomial::draw(draw);
        let Some(bounds) = bounds(draw, system.n) else { return };
        let n = draw.about(system.n);
        let start = draw.numbers(n);
        let Some(solver) = solver(draw) else { return };
        if let Some(found) = sound("solve", solver.solve(&system, &bounds, &start)) {
            judge(&system, &bounds, &solver, &found);
        }
        let mut left = draw.below(5);
        let mut observer = |step: &Iteration<'_>| {
            assert!(step.norms.1.is_finite() && step.radius > 0.0, "an accepted step");
            left = left.saturating_sub(1);
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        sound(
            "solve_observed",
            solver.solve_observed(&system, &bounds, &start, &mut observer),
        );
        if let Some(all) = sound("find_all", solver.find_all(&system, &bounds, &start, draw.below(4))) {
            assert!(all.roots.iter().flatten().all(|x| x.is_finite()), "find_all");
        }
    });
}

#[test]
fn adaptors() {
    cases(1500, |draw| {
        let system = Polynomial::draw(draw);
        let Some(bounds) = bounds(draw, system.n) else { return };
        let n = draw.about(system.n);
        let x = draw.numbers(n);
        if system.fails {
            return;
        }
        let residual = |x: &[f64], f: &mut [f64]| {
            for (i, f) in f.iter_mut().enumerate() {
                *f = x
                    .iter()
                    .enumerate()
                    .map(|(j, x)| system.a[j * system.m + i] * x * x)
                    .sum::<f64>()
                    - system.b[i];
            }
        };
        let jacobian = |x: &[f64], entries: &mut [f64]| {
            for (at, entry) in entries.iter_mut().enumerate() {
                *entry = 2.0 * system.a[at] * x[at / system.m];
            }
        };
        let functions = Functions::new(system.n, residual, jacobian).with_equations(system.m);
        let at: Vec<f64> = x.iter().map(|x| if x.is_finite() { *x } else { 0.5 }).collect();
        for check in [
            check_jacobian(&functions, &bounds, &x),
            check_jacobian(&system, &bounds, &at),
        ] {
            if let Some(check) = sound("check_jacobian", check) {
                assert!(check.row <= system.m && check.column <= system.n);
                assert!(check.given.is_finite(), "check_jacobian: J");
                assert_eq!(
                    check.error.is_finite(),
                    check.difference.is_finite(),
                    "check_jacobian: error"
                );
            }
        }
        let solver = Solver {
            max_evaluations: 60,
            evaluations_per_start: 30,
            ..Solver::default()
        };
        for scheme in [Scheme::Forward, Scheme::Central] {
            let differences = Differences::new(system.n, residual)
                .with_equations(system.m)
                .with_scheme(scheme);
            sound("differences", solver.solve(&differences, &bounds, &x));
            if let Some(pattern) = sound("detect_pattern", detect_pattern(&functions, &bounds, 1)) {
                assert_eq!(colouring(&pattern).iter().map(Vec::len).sum::<usize>(), system.n);
                let sparse = Differences::sparse(pattern, residual).with_scheme(scheme);
                sound("sparse differences", solver.solve(&sparse, &bounds, &x));
            }
        }
        let weights: Vec<f64> = (0..draw.about(system.m)).map(|_| draw.parameter()).collect();
        if let Some(weighted) = sound("Weighted", Weighted::try_new(&functions, weights)) {
            sound("weighted", solver.solve(&weighted, &bounds, &x));
        }
        let (lines, entries) = (draw.below(4), draw.below(6));
        let starts = (0..draw.below(5)).map(|_| draw.below(6)).collect();
        let rows = (0..entries).map(|_| draw.below(5)).collect();
        if let Some(pattern) = sound("Pattern", Pattern::new(lines, starts, rows)) {
            colouring(&pattern);
        }
    });
}

#[test]
fn scalings_and_steps() {
    cases(2000, |draw| {
        let n = draw.below(5);
        let Some(bounds) = bounds(draw, n) else { return };
        let (x, g, p) = (draw.numbers(n), draw.numbers(n), draw.anythings(n));
        let Some(scaling) = scaling(draw) else { return };
        let mut d = vec![0.0; n];
        scaling::scale(&*scaling, &x, &g, &bounds, &mut d);
        assert!(!scaling.name().is_empty());
        if draw.one_in(20) {
            scaling::check::check(&*scaling);
        }
        let finite = x.iter().chain(&p).all(|x| x.is_finite());
        assert!(!finite || !step_to_bound(&bounds, &x, &p).is_nan(), "step_to_bound");
    });
}
