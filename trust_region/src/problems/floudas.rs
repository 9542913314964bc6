//! Problems of the handbook of Floudas et al., section 14.1 (formulas and bounds as in GLOBALLib `ex14_1_*`).

use num_dual::{Dual64, DualNum};

use super::{Problem, c, formula};

/// The source with the number of the problem within the section.
macro_rules! section {
    ($number:literal) => {
        concat!(
            "Floudas et al., Handbook of Test Problems in Local and Global Optimization (1999), 14.1.",
            $number
        )
    };
}

pub(super) fn problems() -> Vec<Problem> {
    let tau = std::f64::consts::TAU;
    let mut problems = vec![
        Problem::small("himmelblau", section!(1), &[(-5.0, 5.0); 2], formula!(himmelblau)),
        Problem::small(
            "eq_combustion",
            section!(2),
            &[(1e-4, 100.0); 5],
            formula!(eq_combustion),
        ),
        Problem::small(
            "bullard_biegler",
            section!(3),
            &[(5.49e-6, 4.553), (2.196e-3, 18.21)],
            formula!(bullard_biegler),
        ),
        Problem::small(
            "ferraris_tronconi",
            section!(4),
            &[(0.25, 1.0), (1.5, tau)],
            formula!(ferraris_tronconi),
        ),
        Problem::small(
            "brown_al_5",
            section!(5),
            &[(-2.0, 2.0); 5],
            formula!(brown_almost_linear),
        )
        .start("std", vec![0.5; 5]),
        Problem::small("robot", section!(6), &[(-1.0, 1.0); 8], formula!(robot)),
        Problem::small("circuit", section!(7), &[(0.0, 10.0); 9], formula!(circuit)),
    ];
    for i in 0..13 {
        let r = 0.935 + 0.005 * f64::from(i);
        let name = format!("cstr_R{r:.3}");
        problems.push(Problem::small(&name, section!(8), &[(0.0, 1.0); 2], formula!(cstr)).with(vec![r]));
    }
    problems.push(Problem::small(
        "smith",
        section!(9),
        &[(100.0, 1000.0)],
        formula!(smith),
    ));
    problems
}

fn himmelblau<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let (a, b) = (x[0], x[1]);
    f[0] = a.powi(3) * 4.0 + a * b * 4.0 + b.powi(2) * 2.0 - a * 42.0 - 14.0;
    f[1] = b.powi(3) * 4.0 + a.powi(2) * 2.0 + a * b * 4.0 - b * 26.0 - 22.0;
}

/// Propane combustion in five variables.
fn eq_combustion<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let root = 40f64.sqrt();
    let (r, r5, r6, r7) = (10.0, 0.193, 0.002597 / root, 0.003448 / root);
    let (r8, r9, r10) = (1.799e-5 / 40.0, 2.155e-4 / root, 3.846e-5 / 40.0);
    let [a, b, g, d, e] = [x[0], x[1], x[2], x[3], x[4]];
    f[0] = a * b + a - e * 3.0;
    f[1] = a * b * 2.0 + a + b * b * (3.0 * r10) + b * g * g + b * g * r7 + b * d * r9 + b * r8 - e * r;
    f[2] = b * g * g * 2.0 + b * g * r7 + g * g * (2.0 * r5) + g * r6 - e * 8.0;
    f[3] = b * d * r9 + d * d * 2.0 - e * (4.0 * r);
    f[4] = a * b + a + b * b * r10 + b * g * g + b * g * r7 + b * d * r9 + b * r8 + g * g * r5 + g * r6 + d * d - 1.0;
}

fn bullard_biegler<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] * x[1] * 1e4 - 1.0;
    f[1] = (-x[0]).exp() + (-x[1]).exp() - 1.001;
}

fn ferraris_tronconi<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let (pi, e) = (std::f64::consts::PI, std::f64::consts::E);
    f[0] = (x[0] * x[1]).sin() * 0.5 - x[1] / (4.0 * pi) - x[0] * 0.5;
    f[1] = ((x[0] * 2.0).exp() - e) * (1.0 - 1.0 / (4.0 * pi)) + x[1] * (e / pi) - x[0] * (2.0 * e);
}

/// Brown's almost linear function.
pub(super) fn brown_almost_linear<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let n = x.len();
    let sum = x.iter().fold(c::<D>(0.0), |s, &v| s + v);
    for i in 0..n - 1 {
        f[i] = x[i] + sum - (n as f64 + 1.0);
    }
    f[n - 1] = x.iter().fold(c::<D>(1.0), |s, &v| s * v) - 1.0;
}

/// Inverse kinematics of a robot arm.
fn robot<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] =
        x[0] * x[2] * 4.731e-3 - x[1] * x[2] * 0.3578 - x[0] * 0.1238 + x[6] - x[1] * 1.637e-3 - x[3] * 0.9338 - 0.3571;
    f[1] = x[0] * x[2] * 0.2238 + x[1] * x[2] * 0.7623 + x[0] * 0.2638 - x[6] - x[1] * 0.07745 - x[3] * 0.6734 - 0.6022;
    f[2] = x[5] * x[7] + x[0] * 0.3578 + x[1] * 4.731e-3;
    f[3] = x[0] * -0.7623 + x[1] * 0.2238 + 0.3461;
    for k in 0..4 {
        f[4 + k] = x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1] - 1.0;
    }
}

/// A bipolar transistor circuit (Ratschek and Rokne).
fn circuit<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    const G: [[f64; 5]; 4] = [
        [0.485, 0.369, 5.2095, 23.3037, 28.5132],
        [0.752, 1.254, 10.0677, 101.779, 111.8467],
        [0.869, 0.703, 22.9274, 111.461, 134.3884],
        [0.982, 1.455, 20.2153, 191.267, 211.4823],
    ];
    for (k, [g1, g2, g3, g4, g5]) in G.into_iter().enumerate() {
        let left = -(x[0] * x[1]) + 1.0;
        let first = (x[4] * (-(x[6] * (g3 / 1000.0)) - x[7] * (g5 / 1000.0) + g1)).exp() - 1.0;
        let second = (x[5] * (-(x[6] * (g3 / 1000.0)) + x[8] * (g4 / 1000.0) + (g1 - g2))).exp() - 1.0;
        f[2 * k] = left * x[2] * first - g5 + x[1] * g4;
        f[2 * k + 1] = left * x[3] * second - x[0] * g5 + g4;
    }
    f[8] = x[0] * x[2] - x[1] * x[3];
}

/// Two stirred tank reactors in series; the parameter is the recycle ratio R.
fn cstr<D: DualNum<Primitive = f64> + Copy>(parameters: &[f64], x: &[D], f: &mut [D]) {
    let (r, gamma, d, b1, b2) = (parameters[0], 1000.0, 22.0, 2.0, 2.0);
    let (a, b) = (x[0], x[1]);
    let rate = |y: D| (y * 10.0 / (y * (10.0 / gamma) + 1.0)).exp();
    f[0] = (-a + d / (10.0 * (1.0 + b1))) * rate(a) * (1.0 - r) - a;
    f[1] = a - b * (1.0 + b2) + (-(a * b1) - b * (1.0 + b2) + d / 10.0) * rate(b) * (1.0 - r);
}

/// Steady state of a reactor in its temperature.
fn smith<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let t = x[0];
    let rate = (t.recip() * -7_548.119_260_284_31).exp();
    f[0] = t * rate * 4_510_067.114_093_96 + t * 0.003_355_704_697_986_58 - rate * 2_020_510_067.114_09 - 1.0;
}
