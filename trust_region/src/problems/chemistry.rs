//! Positive unknowns: chemical equilibria, the scaling of a matrix, logarithms.

use num_dual::{Dual64, DualNum};

use super::matrices::SPD_20;
use super::{Problem, c, formula};

pub(super) fn problems() -> Vec<Problem> {
    let positive = (0.0, f64::INFINITY);
    vec![
        Problem::small(
            "propane_full",
            "Averick, Carter, Moré, The MINPACK-2 test problem collection (1991), DCPF",
            &[positive; 11],
            formula!(propane),
        )
        .start("std", vec![5.0, 2.5, 5.0, 0.1, 0.05, 1.0, 1.0, 0.1, 0.1, 0.1, 16.0]),
        Problem::small(
            "combustion10",
            "Morgan, Solving Polynomial Systems Using Continuation (1987), combustion at 3000 C",
            &[(0.0, 1.0); 10],
            formula!(combustion),
        )
        .only_these_starts()
        .start("small", vec![1e-5; 10])
        .start("nu0.5", vec![0.5; 10]),
        Problem::small(
            "dad_spd_20",
            "Marshall, Olkin, Scaling of matrices to achieve specified row and column sums (1968), a random matrix",
            &[positive; 20],
            formula!(diagonal_scaling),
        )
        .with(SPD_20.to_vec()),
        Problem::small(
            "log_domain",
            "ours: F is not finite outside the box",
            &[positive; 2],
            formula!(log_domain),
        ),
    ]
}

/// Combustion of propane in air, full formulation (MINPACK-2 `DCPF`), p = 40 and R = 10.
fn propane<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let (p, r) = (40.0, 10.0);
    let [k5, k6, k7, k8, k9, k10] = [0.193, 2.597e-3, 3.448e-3, 1.799e-5, 2.155e-4, 3.846e-5];
    let pressure = x[10].recip() * p;
    let root = pressure.sqrt();
    f[0] = x[0] + x[3] - 3.0;
    f[1] = x[0] * 2.0 + x[1] + x[3] + x[6] + x[7] + x[8] + x[9] * 2.0 - r;
    f[2] = x[1] * 2.0 + x[4] * 2.0 + x[5] + x[6] - 8.0;
    f[3] = x[2] * 2.0 + x[8] - 4.0 * r;
    f[4] = x[1] * x[3] * k5 - x[0] * x[4];
    f[5] = (x[1] * x[3]).sqrt() * k6 - x[0].sqrt() * x[5] * root;
    f[6] = (x[0] * x[1]).sqrt() * k7 - x[3].sqrt() * x[6] * root;
    f[7] = x[0] * k8 - x[3] * x[7] * pressure;
    f[8] = x[0] * x[2].sqrt() * k9 - x[3] * x[8] * root;
    f[9] = x[0] * x[0] * k10 - x[3] * x[3] * x[9] * pressure;
    f[10] = x[10] - x[..10].iter().fold(c::<D>(0.0), |s, &v| s + v);
}

/// Combustion with rows of sizes from 1e-5 to 1e-16 (Morgan).
fn combustion<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[1] + x[5] * 2.0 + x[8] + x[9] * 2.0 - 1e-5;
    f[1] = x[2] + x[7] - 3e-5;
    f[2] = x[0] + x[2] + x[4] * 2.0 + x[7] * 2.0 + x[8] + x[9] - 5e-5;
    f[3] = x[3] + x[6] * 2.0 - 1e-5;
    f[4] = x[4] * 0.514_043_7e-7 - x[0] * x[0];
    f[5] = x[5] * 0.100_693_2e-6 - x[1] * x[1] * 2.0;
    f[6] = x[6] * 0.781_627_8e-15 - x[3] * x[3];
    f[7] = x[7] * 0.149_623_6e-6 - x[0] * x[2];
    f[8] = x[8] * 0.619_441_1e-7 - x[0] * x[1];
    f[9] = x[9] * 0.208_929_6e-14 - x[0] * x[1] * x[1];
}

fn log_domain<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0].ln() + x[1] * x[1] - 1.0;
    f[1] = x[1].sqrt() - (x[0] + 1.0).ln();
}

/// x_i (A x)_i = 1 for a symmetric positive definite A, given by its lower triangle: diag(x) A diag(x) has row sums 1.
/// Exactly one of the 2ⁿ real roots is positive.
fn diagonal_scaling<D: DualNum<Primitive = f64> + Copy>(triangle: &[f64], x: &[D], f: &mut [D]) {
    f.iter_mut().for_each(|f| *f = c(0.0));
    let mut entries = triangle.iter();
    for i in 0..x.len() {
        for (j, &a) in (0..=i).zip(&mut entries) {
            f[i] += x[j] * a;
            if j < i {
                f[j] += x[i] * a;
            }
        }
    }
    f.iter_mut().zip(x).for_each(|(f, &x)| *f = *f * x - 1.0);
}
