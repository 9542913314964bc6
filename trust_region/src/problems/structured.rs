//! Problems of any size.

use super::functions::{exponentials, sines};
use super::{Kind, Problem};
use crate::{Bounds, Pattern};

/// Which structured problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// 8x_k(x_k² − x_{k−1}) − 2(1 − x_k) + 4(x_k − x²_{k+1}), root 1.
    Tridiagonal,
    /// The same and x²_{k−1} − x_{k−2} + x_{k+1} − x²_{k+2}.
    FiveDiagonal,
    /// The same and x²_{k−2} − x_{k−3} + x_{k+2} − x²_{k+3}.
    SevenDiagonal,
    /// 3x_k³ + 2x_{k+1} − 5 + sin(x_k − x_{k+1}) sin(x_k + x_{k+1}) + 4x_k − x_{k−1} exp(x_{k−1} − x_k) − 3, root 1.
    Trigexp,
    /// (3 − 2x_k)x_k − x_{k−1} − 2x_{k+1} + 1.
    BroydenTridiagonal,
    /// x_k(2 + 5x_k²) + 1 − Σ x_j(1 + x_j) over five neighbours before and one after.
    BroydenBanded,
    /// −Δu = λ eᵘ on a k×k grid, times h², λ = 6.
    Bratu {
        /// k.
        side: usize,
    },
    /// 2x_k − x_{k−1} − x_{k+1} + h²(x_k + t_k + 1)³/2.
    DiscreteBoundaryValue,
    /// 2x_k − x_{k−1} − x_{k+1} + 10h² sinh(10x_k), with values 0 and 1 beyond the ends.
    Troesch,
    /// x_i − 1/(1 − (c/2n) Σ_j μ_j x_j/(μ_i + μ_j)) with μ_i = (i + ½)/n, dense.
    Chandrasekhar {
        /// c.
        albedo: f64,
    },
    /// x_k + h/2 ((1 − t_k) Σ_{j ≤ k} t_j (x_j + t_j + 1)³ + t_k Σ_{j > k} (1 − t_j)(x_j + t_j + 1)³), dense.
    DiscreteIntegralEquation,
}

/// The nine problems with sparse Jacobians.
pub(super) fn sparse(n: usize) -> Vec<Problem> {
    use super::mgh::mgh;
    let inf = f64::INFINITY;
    let side = (n as f64).sqrt() as usize;
    let cells = side * side;
    let li = "Li (1989); Luksan, Inexact trust region method for large sparse systems of nonlinear equations (1994)";
    let bump = |k: usize| {
        let at = |i: usize| (i + 1) as f64 / (side + 1) as f64;
        let (x, y) = (at(k % side), at(k / side));
        16.0 * x * (1.0 - x) * y * (1.0 - y) + 1e-3
    };
    vec![
        problem("tridiag", li, Shape::Tridiagonal, n, (0.0, 20.0)).start("std12", vec![12.0; n]),
        problem("five_diag", li, Shape::FiveDiagonal, n, (0.0, 20.0)).start("stdm3", vec![3.0; n]),
        problem("seven_diag", li, Shape::SevenDiagonal, n, (0.0, 20.0)).start("stdm3", vec![3.0; n]),
        problem(
            "trigexp",
            "Toint, Numerical experience with sparse quasi-Newton methods (1986)",
            Shape::Trigexp,
            n,
            (-100.0, 100.0),
        )
        .start("zero", vec![0.0; n]),
        problem("broyden_tri", mgh!(30), Shape::BroydenTridiagonal, n, (-1.0, 1.0)).start("std", vec![-0.9999; n]),
        problem("broyden_band", mgh!(31), Shape::BroydenBanded, n, (-1.0, 1.0)).start("std", vec![-0.9999; n]),
        problem("discrete_bvp", mgh!(28), Shape::DiscreteBoundaryValue, n, (-0.5, 0.5)).start("std", grid(n)),
        problem(
            "bratu",
            "Bratu (1914), five-point differences on the unit square, lambda 6",
            Shape::Bratu { side },
            cells,
            (0.0, inf),
        )
        .only_these_starts()
        .start("tenth", vec![0.1; cells])
        .start("one", vec![1.0; cells])
        .start("bump", (0..cells).map(bump).collect()),
        problem(
            "troesch",
            "Troesch, J. Comput. Phys. 21 (1976), central differences, parameter 10",
            Shape::Troesch,
            n,
            (0.0, 1.0),
        ),
    ]
}

/// The H-equation for four values of c; at c = 1 the Jacobian is singular at the root.
pub(super) fn chandrasekhar(n: usize) -> Vec<Problem> {
    let one = |albedo: f64| {
        problem(
            &format!("heq_c{albedo}"),
            "Chandrasekhar, Radiative Transfer (1960), midpoint rule",
            Shape::Chandrasekhar { albedo },
            n,
            (0.0, f64::INFINITY),
        )
        .start("ones", vec![1.0; n])
    };
    [0.9, 0.99, 0.9999, 1.0].map(one).into()
}

pub(super) fn discrete_integral_equation(n: usize) -> Problem {
    let shape = Shape::DiscreteIntegralEquation;
    problem("discrete_ie", super::mgh::mgh!(29), shape, n, (-0.5, 0.5)).start("std", grid(n))
}

/// t (t − 1) on n even points inside (0, 1).
fn grid(n: usize) -> Vec<f64> {
    let step = 1.0 / (n as f64 + 1.0);
    (1..=n).map(|i| i as f64 * step).map(|t| t * (t - 1.0)).collect()
}

fn problem(name: &str, source: &'static str, shape: Shape, n: usize, (l, u): (f64, f64)) -> Problem {
    Problem {
        name: format!("{name}_n{n}"),
        source,
        bounds: Bounds::new(vec![l; n], vec![u; n]).expect("one box for all"),
        equations: n,
        kind: Kind::Sparse {
            shape,
            pattern: shape.pattern(n),
        },
        box_starts: true,
        starts: Vec::new(),
        root: true,
    }
}

/// Weight of the nonlinearity of the Bratu problem.
const LAMBDA: f64 = 6.0;

impl Shape {
    /// The rows of column j, in order.
    fn rows(self, j: usize, n: usize) -> Vec<usize> {
        let band = |below: usize, above: usize| (j.saturating_sub(above)..(j + below + 1).min(n)).collect();
        match self {
            Self::Bratu { side } => {
                let (row, column) = (j / side, j % side);
                let mut rows = Vec::with_capacity(5);
                if row > 0 {
                    rows.push(j - side);
                }
                if column > 0 {
                    rows.push(j - 1);
                }
                rows.push(j);
                if column + 1 < side {
                    rows.push(j + 1);
                }
                if row + 1 < side {
                    rows.push(j + side);
                }
                rows
            }
            // Row k has x_{k−5} … x_{k+1}, so column j stands in the rows j − 1 … j + 5.
            Self::BroydenBanded => band(5, 1),
            Self::FiveDiagonal => band(2, 2),
            Self::SevenDiagonal => band(3, 3),
            Self::Chandrasekhar { .. } | Self::DiscreteIntegralEquation => (0..n).collect(),
            _ => band(1, 1),
        }
    }

    fn pattern(self, n: usize) -> Pattern {
        let mut starts = vec![0];
        let mut rows = Vec::new();
        for j in 0..n {
            rows.extend(self.rows(j, n));
            starts.push(rows.len());
        }
        Pattern::new(n, starts, rows).expect("rows are listed in order")
    }

    pub(super) fn residual(self, x: &[f64], f: &mut [f64]) {
        let n = x.len();
        let h = 1.0 / (n as f64 + 1.0);
        match self {
            Self::Tridiagonal => li(x, f, 1),
            Self::FiveDiagonal => li(x, f, 2),
            Self::SevenDiagonal => li(x, f, 3),
            Self::Trigexp => trigexp(x, f),
            Self::BroydenTridiagonal => {
                three_point(x, f, (0.0, 0.0), |_, a, v, b| (3.0 - 2.0 * v) * v - a - 2.0 * b + 1.0)
            }
            Self::BroydenBanded => broyden_banded(x, f),
            Self::DiscreteBoundaryValue => three_point(x, f, (0.0, 0.0), |k, a, v, b| {
                let s = v + (k + 1) as f64 * h + 1.0;
                2.0 * v - a - b + 0.5 * h * h * s * s * s
            }),
            Self::Troesch => three_point(x, f, (0.0, 1.0), |_, a, v, b| {
                2.0 * v - a - b + 10.0 * h * h * (10.0 * v).sinh()
            }),
            Self::Bratu { side } => bratu(x, f, side),
            Self::Chandrasekhar { albedo } => {
                for i in 0..n {
                    f[i] = x[i] - 1.0 / denominator(x, i, albedo);
                }
            }
            Self::DiscreteIntegralEquation => {
                let cube = |j: usize| (x[j] + (j + 1) as f64 * h + 1.0).powi(3);
                // The sums over j > k, from the end; then those over j ≤ k.
                let mut after = 0.0;
                for k in (0..n).rev() {
                    let t = (k + 1) as f64 * h;
                    f[k] = t * after;
                    after += (1.0 - t) * cube(k);
                }
                let mut before = 0.0;
                for k in 0..n {
                    let t = (k + 1) as f64 * h;
                    before += t * cube(k);
                    f[k] = x[k] + 0.5 * h * ((1.0 - t) * before + f[k]);
                }
            }
        }
    }

    pub(super) fn jacobian(self, x: &[f64], pattern: &Pattern, entries: &mut [f64]) {
        let n = x.len();
        let h = 1.0 / (n as f64 + 1.0);
        match self {
            Self::Tridiagonal => fill(pattern, entries, |_| (), |(), k, j| li_entry(x, k, j, 1)),
            Self::FiveDiagonal => fill(pattern, entries, |_| (), |(), k, j| li_entry(x, k, j, 2)),
            Self::SevenDiagonal => fill(pattern, entries, |_| (), |(), k, j| li_entry(x, k, j, 3)),
            Self::Trigexp => trigexp_entries(x, pattern, entries),
            Self::BroydenTridiagonal => fill(
                pattern,
                entries,
                |j| [-2.0, 3.0 - 4.0 * x[j], -1.0],
                |column, k, j| column[k + 1 - j],
            ),
            Self::BroydenBanded => {
                let mut rest = entries;
                for (j, v) in x.iter().enumerate() {
                    let (now, after) = rest.split_at_mut(pattern.column(j).len());
                    now.fill(-1.0 - 2.0 * v);
                    // The row above comes first.
                    now[j.min(1)] = 2.0 + 15.0 * v * v;
                    rest = after;
                }
            }
            Self::DiscreteBoundaryValue => {
                let diagonal = |j: usize| 2.0 + 1.5 * h * h * (x[j] + (j + 1) as f64 * h + 1.0).powi(2);
                fill(
                    pattern,
                    entries,
                    diagonal,
                    |&diagonal, k, j| if k == j { diagonal } else { -1.0 },
                );
            }
            Self::Troesch => {
                let diagonal = |j: usize| 2.0 + 100.0 * h * h * (10.0 * x[j]).cosh();
                fill(
                    pattern,
                    entries,
                    diagonal,
                    |&diagonal, k, j| if k == j { diagonal } else { -1.0 },
                );
            }
            Self::Bratu { side } => {
                let weight = LAMBDA / ((side + 1) as f64).powi(2);
                let diagonal = |j: usize| 4.0 - weight * x[j].exp();
                fill(
                    pattern,
                    entries,
                    diagonal,
                    |&diagonal, k, j| if k == j { diagonal } else { -1.0 },
                );
            }
            Self::Chandrasekhar { albedo } => {
                // ∂f_i/∂x_j = δ_ij − (c/2n) μ_j/(μ_i + μ_j)/s_i² for the denominator s_i.
                let weight = albedo / (2.0 * n as f64);
                let slopes: Vec<f64> = (0..n).map(|i| weight / denominator(x, i, albedo).powi(2)).collect();
                for (j, column) in entries.chunks_exact_mut(n).enumerate() {
                    for (i, (entry, slope)) in column.iter_mut().zip(&slopes).enumerate() {
                        *entry = -slope * share(i, j);
                    }
                    column[j] += 1.0;
                }
            }
            Self::DiscreteIntegralEquation => {
                for (j, column) in entries.chunks_exact_mut(n).enumerate() {
                    let t = (j + 1) as f64 * h;
                    let slope = 1.5 * h * (x[j] + t + 1.0).powi(2);
                    for (k, entry) in column.iter_mut().enumerate() {
                        let s = (k + 1) as f64 * h;
                        *entry = slope * if j <= k { (1.0 - s) * t } else { s * (1.0 - t) };
                    }
                    column[j] += 1.0;
                }
            }
        }
    }
}

/// The entries column by column: what `column` says once of column j, `entry` uses in each of its rows k.
#[inline]
fn fill<C>(
    pattern: &Pattern,
    entries: &mut [f64],
    column: impl Fn(usize) -> C,
    entry: impl Fn(&C, usize, usize) -> f64,
) {
    let mut rest = entries;
    for j in 0..pattern.columns() {
        let rows = pattern.column(j);
        let (now, after) = rest.split_at_mut(rows.len());
        let once = column(j);
        now.iter_mut().zip(rows).for_each(|(e, &k)| *e = entry(&once, k, j));
        rest = after;
    }
}

/// f_k = formula(k, x_{k−1}, x_k, x_{k+1}) with the values `edges` beyond the ends.
#[inline]
fn three_point(x: &[f64], f: &mut [f64], edges: (f64, f64), formula: impl Fn(usize, f64, f64, f64) -> f64) {
    let n = x.len();
    for (k, (f, w)) in f[1..].iter_mut().zip(x.windows(3)).enumerate() {
        *f = formula(k + 1, w[0], w[1], w[2]);
    }
    f[0] = formula(0, edges.0, x[0], x[1]);
    f[n - 1] = formula(n - 1, x[n - 2], x[n - 1], edges.1);
}

/// The systems of Li with `reach` neighbours on each side; terms that need a variable beyond the ends are left out.
fn li(x: &[f64], f: &mut [f64], reach: usize) {
    let n = x.len();
    let inner = |k: usize| {
        let v = x[k];
        let mut sum = 8.0 * v * (v * v - x[k - 1]) - 2.0 * (1.0 - v) + 4.0 * (v - x[k + 1] * x[k + 1]);
        for r in 2..=reach {
            sum += x[k - r + 1] * x[k - r + 1] - x[k - r] + x[k + r - 1] - x[k + r] * x[k + r];
        }
        sum
    };
    let outer = |k: usize| {
        let v = x[k];
        let mut sum = 0.0;
        if k > 0 {
            sum += 8.0 * v * (v * v - x[k - 1]) - 2.0 * (1.0 - v);
        }
        if k + 1 < n {
            sum += 4.0 * (v - x[k + 1] * x[k + 1]);
        }
        for r in 2..=reach {
            if k >= r {
                sum += x[k - r + 1] * x[k - r + 1] - x[k - r];
            }
            if k + r < n {
                sum += x[k + r - 1] - x[k + r] * x[k + r];
            }
        }
        sum
    };
    for k in (0..reach).chain(n - reach..n) {
        f[k] = outer(k);
    }
    for k in reach..n - reach {
        f[k] = inner(k);
    }
}

/// ∂f_k/∂x_j of [`li`].
fn li_entry(x: &[f64], k: usize, j: usize, reach: usize) -> f64 {
    let n = x.len();
    let v = x[j];
    if j == k {
        let left = if k > 0 {
            24.0 * v * v - 8.0 * x[k - 1] + 2.0
        } else {
            0.0
        };
        return left + if k + 1 < n { 4.0 } else { 0.0 };
    }
    // The term of its own distance, and the one of the next that has x_j as its nearer variable.
    let (apart, left) = (k.abs_diff(j), j < k);
    let room = if left { k } else { n - 1 - k };
    let own = match (left, apart) {
        (true, 1) => -8.0 * x[k],
        (true, _) => -1.0,
        (false, 1) => -8.0 * v,
        (false, _) => -2.0 * v,
    };
    let next = if apart < reach && room > apart {
        if left { 2.0 * v } else { 1.0 }
    } else {
        0.0
    };
    own + next
}

/// sin(v − w) sin(v + w) = sin²v − sin²w, so that a variable needs one sine and one exponential.
fn trigexp(x: &[f64], f: &mut [f64]) {
    let n = x.len();
    for (x, f) in x.chunks(CHUNK).zip(f.chunks_mut(CHUNK)) {
        sines(x, f);
        f.iter_mut().for_each(|s| *s *= *s);
    }
    let mut left = 0.0;
    let mut powers = [0.0; CHUNK];
    for (at, pairs) in (0..n - 1).step_by(CHUNK).map(|at| (at, &x[at..n.min(at + CHUNK + 1)])) {
        exponentials_of_differences(pairs, &mut powers);
        let f = &mut f[at..at + pairs.len()];
        for (k, power) in powers[..pairs.len() - 1].iter().enumerate() {
            let (v, w) = (pairs[k], pairs[k + 1]);
            f[k] = left + 3.0 * v * v * v + 2.0 * w - 5.0 + (f[k] - f[k + 1]);
            left = 4.0 * w - v * power - 3.0;
        }
    }
    f[n - 1] = left;
}

fn trigexp_entries(x: &[f64], pattern: &Pattern, entries: &mut [f64]) {
    let n = x.len();
    let mut aside = 0.0;
    let mut rest = entries;
    let (mut doubles, mut of_doubles, mut powers) = ([0.0; CHUNK], [0.0; CHUNK], [0.0; CHUNK]);
    for at in (0..n).step_by(CHUNK) {
        let values = &x[at..n.min(at + CHUNK)];
        doubles.iter_mut().zip(values).for_each(|(d, v)| *d = 2.0 * v);
        sines(&doubles[..values.len()], &mut of_doubles[..values.len()]);
        exponentials_of_differences(&x[at..n.min(at + CHUNK + 1)], &mut powers);
        for (i, ((&v, &sine), &power)) in values.iter().zip(&of_doubles).zip(&powers).enumerate() {
            let j = at + i;
            let (now, after) = rest.split_at_mut(pattern.column(j).len());
            let mut diagonal = 0.0;
            if j > 0 {
                now[0] = 2.0 - sine;
                diagonal += 4.0 + aside;
            }
            if j + 1 < n {
                aside = v * power;
                now[now.len() - 1] = -power * (1.0 + v);
                diagonal += 9.0 * v * v + sine;
            }
            now[usize::from(j > 0)] = diagonal;
            rest = after;
        }
    }
}

/// Numbers whose sines or exponentials are taken together.
const CHUNK: usize = 64;

/// exp(x_k − x_{k+1}) for all neighbours.
fn exponentials_of_differences(x: &[f64], out: &mut [f64; CHUNK]) {
    let mut apart = [0.0; CHUNK];
    apart.iter_mut().zip(x.windows(2)).for_each(|(a, w)| *a = w[0] - w[1]);
    let count = x.len() - 1;
    exponentials(&apart[..count], &mut out[..count]);
}

fn broyden_banded(x: &[f64], f: &mut [f64]) {
    let n = x.len();
    let term = |v: f64| v * (1.0 + v);
    let own = |v: f64| v * (2.0 + 5.0 * v * v) + 1.0;
    for (f, w) in f[5..].iter_mut().zip(x.windows(7)) {
        let before = term(w[0]) + term(w[1]) + term(w[2]) + term(w[3]) + term(w[4]);
        *f = own(w[5]) - before - term(w[6]);
    }
    for k in (0..5).chain([n - 1]) {
        let others = (k.saturating_sub(5)..(k + 2).min(n)).filter(|&j| j != k);
        f[k] = own(x[k]) - others.map(|j| term(x[j])).sum::<f64>();
    }
}

fn bratu(x: &[f64], f: &mut [f64], side: usize) {
    let weight = LAMBDA / ((side + 1) as f64).powi(2);
    for (row, f) in f.chunks_exact_mut(side).enumerate() {
        let here = &x[row * side..(row + 1) * side];
        for (f, v) in f.iter_mut().zip(here) {
            *f = 4.0 * v - weight * v.exp();
        }
        f[1..].iter_mut().zip(here).for_each(|(f, v)| *f -= v);
        f[..side - 1].iter_mut().zip(&here[1..]).for_each(|(f, v)| *f -= v);
        let neighbours = [row.checked_sub(1), Some(row + 1).filter(|&r| r < side)];
        for other in neighbours.into_iter().flatten() {
            let there = &x[other * side..(other + 1) * side];
            f.iter_mut().zip(there).for_each(|(f, v)| *f -= v);
        }
    }
}

/// μ_j/(μ_i + μ_j) with μ_i = (i + ½)/n.
fn share(i: usize, j: usize) -> f64 {
    (j as f64 + 0.5) / ((i + j) as f64 + 1.0)
}

fn denominator(x: &[f64], i: usize, albedo: f64) -> f64 {
    let sum: f64 = x.iter().enumerate().map(|(j, x)| share(i, j) * x).sum();
    1.0 - albedo / (2.0 * x.len() as f64) * sum
}
