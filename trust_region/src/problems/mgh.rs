//! Problems of Moré, Garbow and Hillstrom (ACM Trans. Math. Softw. 7, 1981) with boxes of our own.

use num_dual::{Dual64, DualNum};

use super::floudas::brown_almost_linear;
use super::{Problem, c, formula};

/// The source with the number of the problem.
macro_rules! mgh {
    ($number:literal) => {
        concat!(
            "Moré, Garbow, Hillstrom, ACM Trans. Math. Softw. 7 (1981), number ",
            $number
        )
    };
}
pub(super) use mgh;

pub(super) fn problems() -> Vec<Problem> {
    let singular = [3.0, -1.0, 0.0, 1.0];
    let mut problems = vec![
        Problem::small("rosenbrock", mgh!(1), &[(-2.0, 2.0); 2], formula!(rosenbrock)).start("std", vec![-1.2, 1.0]),
        Problem::small(
            "rosenbrock_edge",
            mgh!(1),
            &[(-2.0, 1.0), (-2.0, 2.0)],
            formula!(rosenbrock),
        )
        .start("std", vec![-1.2, 1.0]),
        Problem::small(
            "powell_badly",
            mgh!(3),
            &[(0.0, 1.0), (1.0, 10.0)],
            formula!(powell_badly),
        )
        .start("std", vec![1e-3, 1.0 + 1e-8]),
        Problem::small(
            "powell_singular",
            mgh!(13),
            &[(-2.0, 4.0); 4],
            formula!(powell_singular),
        )
        .start("std", singular.to_vec()),
        Problem::small(
            "powell_singular_edge",
            mgh!(13),
            &[(0.0, 4.0); 4],
            formula!(powell_singular),
        )
        .start("std", vec![3.0, 1.0, 0.5, 1.0]),
        Problem::small(
            "freudenstein_roth",
            mgh!(2),
            &[(-20.0, 20.0), (-5.0, 8.0)],
            formula!(freudenstein_roth),
        )
        .start("std", vec![0.5, -2.0]),
        Problem::small(
            "helical",
            mgh!(7),
            &[(1e-3, 10.0), (-10.0, 10.0), (-10.0, 10.0)],
            formula!(helical),
        ),
        Problem::small(
            "brown_al_10",
            mgh!(27),
            &[(0.0, 10.0); 10],
            formula!(brown_almost_linear),
        )
        .start("std", vec![0.5; 10]),
        Problem::small(
            "trigonometric_10",
            mgh!(26),
            &[(-1.0, 3.0); 10],
            formula!(trigonometric),
        )
        .start("std", vec![0.1; 10]),
    ];
    for n in [5, 6, 7, 9] {
        let even: Vec<f64> = (1..=n).map(|i| i as f64 / (n as f64 + 1.0)).collect();
        let name = format!("chebyquad_{n}");
        // With equal components the Jacobian has rank one, so two such starts are enough.
        let problem = Problem::small(&name, mgh!(35), &vec![(0.0, 1.0); n], formula!(chebyquad))
            .only_these_starts()
            .start("std", even.clone())
            .start("sq", even.iter().map(|s| s * s).collect())
            .start("sqrt", even.iter().map(|s| 0.999 * s.sqrt()).collect())
            .start("nu0.5", vec![0.5; n])
            .start("nu0.25", vec![0.25; n]);
        problems.push(problem);
    }
    problems
}

fn rosenbrock<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = (x[1] - x[0] * x[0]) * 10.0;
    f[1] = -x[0] + 1.0;
}

fn powell_badly<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] * x[1] * 1e4 - 1.0;
    f[1] = (-x[0]).exp() + (-x[1]).exp() - 1.0001;
}

/// The Jacobian has rank two at the root.
fn powell_singular<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let square = |d: D| d * d;
    f[0] = x[0] + x[1] * 10.0;
    f[1] = (x[2] - x[3]) * 5f64.sqrt();
    f[2] = square(x[1] - x[2] * 2.0);
    f[3] = square(x[0] - x[3]) * 10f64.sqrt();
}

fn freudenstein_roth<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let b = x[1];
    f[0] = x[0] + ((-b + 5.0) * b - 2.0) * b - 13.0;
    f[1] = x[0] + ((b + 1.0) * b - 14.0) * b - 29.0;
}

/// The helical valley.
fn helical<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let angle = (x[1] / x[0]).atan() / std::f64::consts::TAU;
    f[0] = (x[2] - angle * 10.0) * 10.0;
    f[1] = ((x[0] * x[0] + x[1] * x[1]).sqrt() - 1.0) * 10.0;
    f[2] = x[2];
}

fn trigonometric<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let n = x.len() as f64;
    let sum = x.iter().fold(c::<D>(0.0), |s, v| s + v.cos());
    for (i, (f, v)) in f.iter_mut().zip(x).enumerate() {
        *f = -sum + n + (-v.cos() + 1.0) * (i + 1) as f64 - v.sin();
    }
}

fn chebyquad<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let n = x.len();
    f.iter_mut().for_each(|f| *f = c(0.0));
    for &v in x {
        let t = v * 2.0 - 1.0;
        let (mut before, mut now) = (c::<D>(1.0), t);
        for f in f.iter_mut() {
            *f += now / n as f64;
            (before, now) = (now, t * now * 2.0 - before);
        }
    }
    for (i, f) in f.iter_mut().enumerate().skip(1).step_by(2) {
        let k = (i + 1) as f64;
        *f += 1.0 / (k * k - 1.0);
    }
}
