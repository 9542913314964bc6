//! The trust-region methods against runs of the original codes, and the problems against polished roots.

use std::ops::ControlFlow;
use std::sync::Arc;

use hadamard_trust_region::scaling::{
    Clipped, ColemanLi, HagerMairZhang, HeinkenschlossUlbrich, KanzowKlug, Mix, Scaling,
};
use hadamard_trust_region::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../values/scaled-trust-region.json")).expect("the golden values parse")
}

fn numbers(value: &Value) -> Vec<f64> {
    let number = |v: &Value| match v.as_str() {
        Some("inf" | "Infinity") => f64::INFINITY,
        Some("-inf" | "-Infinity") => f64::NEG_INFINITY,
        _ => v.as_f64().expect("a number"),
    };
    value.as_array().expect("a list").iter().map(number).collect()
}

fn scaling(name: &str) -> Box<dyn Scaling> {
    let mix = |names: &[&str]| -> Box<dyn Scaling> {
        Box::new(Mix::try_new(names.iter().map(|n| (1.0, scaling(n))).collect()).unwrap())
    };
    match name {
        "cl" => Box::new(ColemanLi),
        "clip" => Box::new(Clipped::default()),
        "huu" => Box::new(HeinkenschlossUlbrich::default()),
        "kk" => Box::new(KanzowKlug::default()),
        "hmz" => Box::new(HagerMairZhang::default()),
        "mix_eq" => mix(&["cl", "huu", "kk", "hmz"]),
        "mix_kk_hmz" => mix(&["kk", "hmz"]),
        "mix_cl_hmz" => mix(&["cl", "hmz"]),
        other => panic!("scaling {other}"),
    }
}

#[test]
fn scalings() {
    for case in golden()["scaling_cases"].as_array().unwrap() {
        let (x, g) = (numbers(&case["x"]), numbers(&case["g"]));
        // Missing bounds are infinite.
        let side = |key: &str, infinite: f64| -> Vec<f64> {
            case[key]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap_or(infinite))
                .collect()
        };
        let bounds = Bounds::new(side("l", f64::NEG_INFINITY), side("u", f64::INFINITY)).unwrap();
        for (name, expected) in case["d"].as_object().unwrap() {
            let mut d = vec![0.0; x.len()];
            scaling::scale(&*scaling(name), &x, &g, &bounds, &mut d);
            for (d, e) in d.iter().zip(numbers(expected)) {
                assert!((d - e).abs() <= 4.0 * f64::EPSILON * e.abs(), "{name}: {d} for {e}");
            }
        }
    }
}

#[test]
fn steps_to_the_boundary() {
    for case in golden()["step_to_bound"].as_array().unwrap() {
        let bounds = Bounds::new(numbers(&case["l"]), numbers(&case["u"])).unwrap();
        let t = step_to_bound(&bounds, &numbers(&case["x"]), &numbers(&case["p"]));
        assert_eq!(t, case["t"].as_f64().unwrap_or(f64::INFINITY));
    }
}

/// The methods of the golden runs; the published constants, from one start.
fn solver(method: &str, scale: &str, shape: &str) -> Solver {
    let shape = if shape == "sph" {
        Shape::Spherical
    } else {
        Shape::Elliptical
    };
    let method = match method {
        "strscne" => Method::Strscne,
        "tresnei" => Method::Tresnei,
        _ => Method::Codosol(shape),
    };
    Solver::classical(method, scaling(scale))
}

/// Counts equal; norms of all iterates to 1e-6 relative while they are above 1e-5 of the first: below, what is left of
/// F is the rounding of its own terms.
#[test]
fn runs_of_the_original_codes() {
    let mut compared = 0;
    for run in golden()["runs"].as_array().unwrap() {
        let text = |key: &str| run[key].as_str().unwrap();
        compared += 1;
        let problem = problems::named(text("problem")).expect("the problem is in the collection");
        let mut norms = Vec::new();
        let mut radii = Vec::new();
        let mut watch = |step: &Iteration<'_>| {
            norms.push(step.norms.0);
            radii.push((step.radius, step.refused));
            ControlFlow::Continue(())
        };
        let solver = solver(text("method"), text("scaling"), text("shape"));
        let solution = solver
            .solve_observed(&problem, problem.bounds(), &numbers(&run["x0"]), &mut watch)
            .unwrap();
        let name = format!(
            "{} {} {} {}",
            text("problem"),
            text("method"),
            text("scaling"),
            text("shape")
        );
        assert_eq!(solution.iterations as u64, run["it"].as_u64().unwrap(), "{name}");
        assert_eq!(solution.evaluations as u64, run["nf"].as_u64().unwrap(), "{name}");
        assert_eq!(solution.exit.is_root(), run["status"].as_i64() == Some(0), "{name}");
        let first = norms[0];
        for (step, (norm, (radius, refused))) in run["trace"].as_array().unwrap().iter().zip(norms.iter().zip(&radii)) {
            let expected = step["fn"].as_f64().unwrap();
            if expected > 1e-5 * first {
                assert!(
                    (norm - expected).abs() <= 1e-6 * expected,
                    "{name}: {norm} for {expected}"
                );
                let expected = step["Delta"].as_f64().unwrap();
                assert!(
                    (radius - expected).abs() <= 1e-5 * expected,
                    "{name}: radius {radius} for {expected}"
                );
                // Not recorded for TRESNEI.
                if let Some(expected) = step["nred"].as_u64() {
                    assert_eq!(*refused as u64, expected, "{name}");
                }
            }
        }
        for (x, e) in solution.x.iter().zip(numbers(&run["x"])) {
            assert!((x - e).abs() <= 1e-6 * e.abs().max(1.0), "{name}: {x} for {e}");
        }
    }
    assert_eq!(compared, 30);
}

#[test]
fn large_runs() {
    let mut compared = 0;
    for run in golden()["large"].as_array().unwrap() {
        let text = |key: &str| run[key].as_str().unwrap();
        let (name, n) = match text("problem") {
            "heq_n100_c0.99" => ("heq_c0.99", 100),
            "trigexp_n1000" => ("trigexp", 1000),
            "bratu_k32_lam6" => ("bratu", 1024),
            "tridiag_n10000" => ("tridiag", 10_000),
            "broyden_tri_n10000" => ("broyden_tri", 10_000),
            other => panic!("{other}"),
        };
        let problem = problems::structured(n)
            .into_iter()
            .find(|p| p.name().starts_with(name))
            .unwrap();
        let start = problem.start_named(text("start")).expect("the start is there");
        let solver = match text("run") {
            "codosol_kk_delta1" => Solver::classical(Method::Codosol(Shape::Elliptical), KanzowKlug::default()),
            "local_mix_kk_hmz_auto" => Solver {
                restart: false,
                cut_only: false,
                ..Solver::default()
            },
            other => panic!("{other}"),
        };
        let solution = solver.solve(&problem, problem.bounds(), &start).unwrap();
        let label = format!("{} {}", text("problem"), text("run"));
        assert!(solution.exit.is_root(), "{label}: {}", solution.exit);
        assert_eq!(solution.iterations as u64, run["it"].as_u64().unwrap(), "{label}");
        assert_eq!(solution.evaluations as u64, run["nf"].as_u64().unwrap(), "{label}");
        let (sum, expected) = (solution.x.iter().sum::<f64>(), run["x_sum"].as_f64().unwrap());
        // Both stop at ‖F‖ ≤ 1e-8.
        assert!(
            (sum - expected).abs() <= 1e-6 * expected.abs(),
            "{label}: {sum} for {expected}"
        );
        compared += 1;
    }
    assert_eq!(compared, 10);
}

/// Every polished root of the tables is a root of our formulas, with the relative accuracy that F itself has there, and the
/// two minima of least-squares problems have the published norms.
#[test]
fn roots_of_the_tables_are_roots() {
    let table: Value = serde_json::from_str(include_str!("../values/scaled-trust-region-roots.json")).unwrap();
    let least = [("kowalik_ls", 3.075_056_038_49e-4), ("osborne1_ls", 5.464_894_70e-5)];
    let mut seen = 0;
    for (name, entry) in table.as_object().unwrap() {
        let problem = problems::named(name).unwrap_or_else(|| panic!("{name} is in the collection"));
        seen += 1;
        for root in entry["roots"].as_array().unwrap() {
            let root = numbers(root);
            let mut f = vec![0.0; problem.equations()];
            problem.residual(&root, &mut f).unwrap();
            let worst = f.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            if let Some((_, least)) = least.iter().find(|l| l.0 == name) {
                let square: f64 = f.iter().map(|v| v * v).sum();
                assert!((square / least - 1.0).abs() < 1e-7, "{name}: {square:e}");
            } else {
                assert!(worst <= 1e-8, "{name}: {worst:e} at {root:?}");
            }
        }
    }
    assert_eq!(seen, 54);
    let names: std::collections::HashSet<_> = problems::all().iter().map(|p| p.name().to_owned()).collect();
    assert_eq!(names.len(), 70);
    assert!(
        problems::all()
            .iter()
            .all(|p| !p.source().is_empty() && !p.starts().is_empty())
    );
}

#[test]
fn jacobians_are_derivatives() {
    for problem in problems::all() {
        let (m, n) = (problem.equations(), problem.variables());
        let (_, x) = problem.starts().swap_remove(0);
        let count = match problem.structure() {
            Structure::Sparse(pattern) => pattern.entries(),
            _ => m * n,
        };
        let mut entries = vec![0.0; count];
        problem.jacobian(&x, &[], problem.bounds(), &mut entries).unwrap();
        let (mut plus, mut minus) = (vec![0.0; m], vec![0.0; m]);
        for j in 0..n {
            let h = 1e-6 * x[j].abs().max(1e-2);
            let mut y = x.clone();
            y[j] = x[j] + h;
            problem.residual(&y, &mut plus).unwrap();
            y[j] = x[j] - h;
            problem.residual(&y, &mut minus).unwrap();
            let mut column = vec![0.0; m];
            match problem.structure() {
                Structure::Sparse(pattern) => {
                    let span = pattern.column_starts()[j]..pattern.column_starts()[j + 1];
                    pattern.row_indices()[span.clone()]
                        .iter()
                        .zip(&entries[span])
                        .for_each(|(&i, &v)| column[i] = v);
                }
                _ => column.copy_from_slice(&entries[j * m..(j + 1) * m]),
            }
            for i in 0..m {
                let difference = (plus[i] - minus[i]) / (2.0 * h);
                // Central differences: h² of the third derivative, and the rounding of F over h.
                let size = column[i].abs().max(1e-2 * (plus[i].abs() + 1.0));
                assert!(
                    (column[i] - difference).abs() <= 2e-4 * size,
                    "{} ({i}, {j}): {} and {difference}",
                    problem.name(),
                    column[i]
                );
            }
        }
    }
}

#[test]
fn ends_without_a_root_say_so() {
    let one = |name: &str, start: &str| {
        let problem = problems::named(name).unwrap();
        let start = problem.start_named(start).unwrap();
        let solver = Solver {
            restart: false,
            ..Solver::default()
        };
        solver.solve(&problem, problem.bounds(), &start).unwrap()
    };
    let interior = one("noroot_interior", "nu0.1");
    assert!(
        !interior.exit.is_root() && interior.stationary,
        "{} {}",
        interior.exit,
        interior.optimality
    );
    assert!((interior.norm - 1.0).abs() < 1e-9);
    let face = one("noroot_face", "nu0.1");
    assert!(
        !face.exit.is_root() && face.stationary,
        "{} {}",
        face.exit,
        face.optimality
    );
    let band = one("broyden_band_n100", "nu0.5");
    assert_eq!(band.exit, Exit::Stationary);
    assert!((band.norm - 1.753_915_106_69).abs() < 1e-8);
}

#[test]
fn all_roots_of_the_published_counts() {
    let solver = Solver {
        tolerance: 1e-10,
        ..Solver::default()
    };
    let count = |name: &str, starts: usize| {
        let problem = problems::named(name).unwrap();
        let middle = problem.start_named("nu0.5").unwrap();
        let found = solver.find_all(&problem, problem.bounds(), &middle, starts).unwrap();
        for root in &found.roots {
            let mut f = vec![0.0; problem.equations()];
            problem.residual(root, &mut f).unwrap();
            assert!(f.iter().map(|v| v * v).sum::<f64>().sqrt() <= 1e-10);
        }
        found.roots.len()
    };
    assert_eq!(count("himmelblau", 100), 9);
    assert_eq!(count("robot", 200), 16);
    assert_eq!(count("smith", 50), 3);
    let expected = [1, 1, 3, 5, 5, 7, 5, 5, 5, 5, 5, 1, 1];
    for (i, expected) in expected.into_iter().enumerate() {
        let name = format!("cstr_R{:.3}", 0.935 + 0.005 * i as f64);
        assert_eq!(count(&name, 200), expected, "{name}");
    }
}

#[test]
fn the_seed_decides_the_run() {
    let problem = problems::named("circuit").unwrap();
    let start = problem.starts().swap_remove(2).1;
    let solver = Solver {
        seed: 5,
        ..Solver::default()
    };
    let again = Solver {
        scaling: Arc::new(Mix::default()),
        ..solver.clone()
    };
    let (a, b) = (
        solver.solve(&problem, problem.bounds(), &start),
        again.solve(&problem, problem.bounds(), &start),
    );
    assert_eq!(a.unwrap(), b.unwrap());
}
