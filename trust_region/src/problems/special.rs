//! Roots at corners and on edges, complementarity, and boxes without a root.

use num_dual::{Dual64, DualNum};

use super::{Problem, formula};

pub(super) fn problems() -> Vec<Problem> {
    let edge_box = [(0.0, 2.0), (-2.0, 2.0), (-2.0, 2.0)];
    vec![
        Problem::small(
            "corner_root",
            "ours: a root at a corner",
            &[(0.0, 2.0); 2],
            formula!(corner),
        ),
        Problem::small("edge_root", "ours: a root on a face", &edge_box, formula!(edge)),
        Problem::small(
            "kojima_shindo_fb",
            "Kojima, Shindo, J. Oper. Res. Soc. Japan 29 (1986)",
            &[(0.0, 10.0); 4],
            formula!(kojima_shindo),
        ),
    ]
}

pub(super) fn without_root() -> Vec<Problem> {
    let square = [(-2.0, 2.0); 2];
    vec![
        Problem::small(
            "noroot_interior",
            "ours: ‖F‖ is least inside",
            &square,
            formula!(no_root_interior),
        )
        .without_root(),
        Problem::small(
            "noroot_face",
            "ours: ‖F‖ is least on a face",
            &square,
            formula!(no_root_face),
        )
        .without_root(),
    ]
}

fn corner<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] + x[1] * x[1];
    f[1] = x[1] + x[0] * x[0];
}

fn edge<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0].exp() - 1.0 + x[0] * x[1] * 0.5;
    f[1] = x[1] * x[1] + x[2] - 2.0;
    f[2] = x[2] - x[1].powi(3);
}

/// The complementarity problem of Kojima and Shindo through the function √(x² + G²) − x − G of Fischer and Burmeister.
fn kojima_shindo<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    let [a, b, c, d] = [x[0], x[1], x[2], x[3]];
    let g = [
        a * a * 3.0 + a * b * 2.0 + b * b * 2.0 + c + d * 3.0 - 6.0,
        a * a * 2.0 + a + b * b + c * 10.0 + d * 2.0 - 2.0,
        a * a * 3.0 + a * b + b * b * 2.0 + c * 2.0 + d * 9.0 - 9.0,
        a * a + b * b * 3.0 + c * 2.0 + d * 3.0 - 3.0,
    ];
    for ((f, &x), g) in f.iter_mut().zip(x).zip(g) {
        *f = (x * x + g * g).sqrt() - x - g;
    }
}

fn no_root_interior<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] * x[0] + 1.0;
    f[1] = x[1] - 0.3;
}

fn no_root_face<D: DualNum<Primitive = f64> + Copy>(_: &[f64], x: &[D], f: &mut [D]) {
    f[0] = x[0] - 3.0;
    f[1] = x[1] - 0.3;
}
