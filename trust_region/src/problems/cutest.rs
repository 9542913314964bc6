//! Problems of the CUTEst collection with boxes of our own, and one from an issue of NonlinearSolve.jl (number 1147).

use num_dual::{Dual64, DualNum};

use super::{Problem, formula};

pub(super) fn problems() -> Vec<Problem> {
    vec![
        Problem::small("hypcir", "CUTEst HYPCIR", &[(0.0, 3.0); 2], formula!(hypcir)),
        Problem::small("gottfr", "CUTEst GOTTFR", &[(-1.0, 2.0); 2], formula!(gottfr)).start("std", vec![0.5, 0.5]),
        Problem::small("cluster", "CUTEst CLUSTER", &[(-1.0, 3.0); 2], formula!(cluster)),
        Problem::small(
            "powellsq",
            "CUTEst POWELLSQ",
            &[(0.0, 4.0), (-1.0, 4.0)],
            formula!(powellsq),
        )
        .start("std", vec![3.0, 1.0]),
        Problem::small("booth", "CUTEst BOOTH", &[(-10.0, 10.0); 2], formula!(booth)),
        Problem::small(
            "nls1147",
            "SciML/NonlinearSolve.jl, issue 1147",
            &[(-100.0, 100.0), (0.0, 10.0)],
            formula!(nls1147),
        )
        .only_these_starts()
        .start("issue", vec![0.3, 1.0])
        .start("mid", vec![0.0, 5.0]),
    ]
}

fn hypcir<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] * x[1] - 1.0;
    f[1] = x[0] * x[0] + x[1] * x[1] - 4.0;
}

fn gottfr<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let (a, b) = (x[0], x[1]);
    f[0] = a - (a + b * 3.0) * (-a + 1.0) * 0.1136;
    f[1] = b + (a * 2.0 - b) * (-b + 1.0) * 7.5;
}

fn cluster<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let (a, b) = (x[0], x[1]);
    f[0] = (a - b * b) * (a - b.sin());
    f[1] = (b.cos() - a) * (b - a.cos());
}

fn powellsq<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] * x[0];
    f[1] = x[0] * 10.0 / (x[0] + 0.1) + x[1] * x[1] * 2.0;
}

fn booth<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] + x[1] * 2.0 - 7.0;
    f[1] = x[0] * 2.0 + x[1] - 5.0;
}

fn nls1147<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let (a, b) = (x[0], x[1]);
    f[0] = b.cos() + a.sin() - 0.5;
    f[1] = b.sin() + a.cos() - 0.3;
}
