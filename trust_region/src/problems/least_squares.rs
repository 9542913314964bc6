//! More or fewer equations than variables, most of Moré, Garbow and Hillstrom with boxes of our own.

use num_dual::{Dual64, DualNum};

use super::matrices::{POINT_6, WIDE_3X6};
use super::mgh::mgh;
use super::{Problem, c, formula};

pub(super) fn problems() -> Vec<Problem> {
    let (wide, point) = (WIDE_3X6, POINT_6);
    let squares = 0.3 * point.iter().map(|x| x * x).sum::<f64>();
    let image = wide
        .chunks(6)
        .map(|row| row.iter().zip(&point).map(|(a, x)| a * x).sum::<f64>() + squares);
    let parameters = wide.iter().copied().chain(image).collect();
    let tenth: Vec<f64> = (1..=10).map(|i| 1.0 - f64::from(i) / 10.0).collect();
    vec![
        Problem::small("wood_ls", mgh!(14), &[(-10.0, 10.0); 4], formula!(wood))
            .equations_of(6)
            .start("std", vec![-3.0, -1.0, -3.0, -1.0]),
        Problem::small(
            "variably_dim_10",
            mgh!(25),
            &[(-2.0, 3.0); 10],
            formula!(variably_dimensioned),
        )
        .equations_of(12)
        .start("std", tenth),
        Problem::small(
            "brown_badly_ls",
            mgh!(4),
            &[(0.0, 1e8), (0.0, 1.0)],
            formula!(brown_badly),
        )
        .equations_of(3)
        .start("std", vec![1.0, 0.99]),
        Problem::small(
            "box3d_ls",
            mgh!(12),
            &[(0.0, 2.0), (5.0, 20.0), (0.0, 20.0)],
            formula!(box3d),
        )
        .equations_of(10)
        .start("std", vec![1e-3, 10.0, 19.9]),
        Problem::small("kowalik_ls", mgh!(15), &[(0.0, 1.0); 4], formula!(kowalik))
            .equations_of(11)
            .start("std", vec![0.25, 0.39, 0.415, 0.39])
            .without_root(),
        Problem::small(
            "osborne1_ls",
            mgh!(17),
            &[(0.0, 1.0), (0.0, 3.0), (-3.0, 0.0), (0.0, 0.1), (0.0, 0.1)],
            formula!(osborne1),
        )
        .equations_of(33)
        .only_these_starts()
        .start("std", vec![0.5, 1.5, -1.0, 0.01, 0.02])
        .without_root(),
        Problem::small(
            "underdet_6x3",
            "ours: a random matrix and a quadratic term",
            &[(0.0, 1.0); 6],
            formula!(wide_quadratic),
        )
        .equations_of(3)
        .with(parameters),
    ]
}

/// Wood's function as six squares.
fn wood<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = (x[1] - x[0] * x[0]) * 10.0;
    f[1] = -x[0] + 1.0;
    f[2] = (x[3] - x[2] * x[2]) * 90f64.sqrt();
    f[3] = -x[2] + 1.0;
    f[4] = (x[1] + x[3] - 2.0) * 10f64.sqrt();
    f[5] = (x[1] - x[3]) / 10f64.sqrt();
}

fn variably_dimensioned<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let n = x.len();
    let mut sum = c::<D>(0.0);
    for (i, &v) in x.iter().enumerate() {
        f[i] = v - 1.0;
        sum += f[i] * (i + 1) as f64;
    }
    f[n] = sum;
    f[n + 1] = sum * sum;
}

fn brown_badly<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] - 1e6;
    f[1] = x[1] - 2e-6;
    f[2] = x[0] * x[1] - 2.0;
}

/// The three-dimensional function of Box.
fn box3d<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    for (i, f) in f.iter_mut().enumerate() {
        let t = 0.1 * (i + 1) as f64;
        *f = (x[0] * -t).exp() - (x[1] * -t).exp() - x[2] * ((-t).exp() - (-10.0 * t).exp());
    }
}

/// Kowalik and Osborne; the least ‖F‖² is 3.07505603849e-4.
fn kowalik<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    const Y: [f64; 11] = [
        0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246,
    ];
    const U: [f64; 11] = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];
    for ((f, y), u) in f.iter_mut().zip(Y).zip(U) {
        *f = -(x[0] * (x[1] * u + u * u) / (x[2] * u + x[3] + u * u)) + y;
    }
}

/// The first function of Osborne; the least ‖F‖² is 5.46489470e-5.
fn osborne1<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    const Y: [f64; 33] = [
        0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.85, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628, 0.603,
        0.58, 0.558, 0.538, 0.522, 0.506, 0.49, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.42, 0.414, 0.411,
        0.406,
    ];
    for (i, (f, y)) in f.iter_mut().zip(Y).enumerate() {
        let t = 10.0 * i as f64;
        *f = -(x[0] + x[1] * (x[3] * -t).exp() + x[2] * (x[4] * -t).exp()) + y;
    }
}

/// A x + 0.3 ‖x‖² − b: a root by construction.
fn wide_quadratic<D: DualNum<Primitive = f64> + Copy>(parameters: &[f64], x: &[D], f: &mut [D]) {
    let (rows, image) = parameters.split_at(18);
    let squares = x.iter().fold(c::<D>(0.0), |s, &v| s + v * v) * 0.3;
    for ((f, row), b) in f.iter_mut().zip(rows.chunks(6)).zip(image) {
        *f = row.iter().zip(x).fold(squares, |s, (&a, &v)| s + v * a) - *b;
    }
}
