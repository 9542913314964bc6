//! Householder reduction of small symmetric matrices to tridiagonal form, one pass over the matrix a step.
//!
//! A step's rank-two change of the matrix waits for the next step's product with it, so that both take one pass: of the
//! orders at hand that pass, not the arithmetic, is what a reduction costs.
//!
//! Source: G. Golub, C. Van Loan, Matrix Computations, section 8.3.1.

use faer::MatRef;

use crate::simd::{self, Simd, WithSimd};

/// Numbers of a column are padded to a multiple of this, the longest register in use.
const PADDED: usize = 8;

/// Vectors reflected side by side.
pub(crate) const LANES: usize = 8;

/// Columns below this norm, beside entries of order one, are zero: their squares would lose digits to underflow.
const NEGLIGIBLE: f64 = 1e-140;

/// A = Q T Q^T, T tridiagonal.
pub(crate) struct Tridiagonal {
    pub(crate) diagonal: Vec<f64>,
    pub(crate) couplings: Vec<f64>,
    pub(crate) reflections: Reflections,
}

/// Q = H_0 H_1 ..., H_k = I - u u^T / h.
pub(crate) struct Reflections {
    /// u_k in column k, zero down to and with row k.
    columns: Columns,
    /// 1 / h_k; 0 for H_k = I.
    inverses: Vec<f64>,
}

/// A matrix by columns, padded with zeros.
struct Columns {
    data: Vec<f64>,
    /// From column to column.
    stride: usize,
}

impl Columns {
    fn column(&self, j: usize) -> &[f64] {
        &self.data[j * self.stride..][..self.stride]
    }

    fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.data[j * self.stride..][..self.stride]
    }
}

impl Tridiagonal {
    /// Of a / unit with entries of order one; the lower triangle of `a` is read. Cost (4/3) n^3.
    pub(crate) fn of(a: MatRef<'_, f64>, unit: f64) -> Self {
        let n = a.nrows();
        let stride = n.next_multiple_of(PADDED);
        let mut columns = Columns {
            data: vec![0.0; n * stride],
            stride,
        };
        let inverse = unit.recip();
        for j in 0..n {
            for i in j..n {
                let x = a[(i, j)] * inverse;
                columns.data[j * stride + i] = x;
                columns.data[i * stride + j] = x;
            }
        }
        simd::run(Reduce { columns })
    }
}

struct Reduce {
    columns: Columns,
}

impl WithSimd for Reduce {
    type Output = Tridiagonal;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Tridiagonal {
        let Self { mut columns } = self;
        let stride = columns.stride;
        let n = columns.data.len().checked_div(stride).unwrap_or(0);
        let (mut diagonal, mut couplings, mut inverses) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        // The change A - v w^T - w v^T that is still to be made, this step's u, and the product A u.
        let (mut v, mut w) = (vec![0.0; stride], vec![0.0; stride]);
        let (mut u, mut product) = (vec![0.0; stride], vec![0.0; stride]);
        for k in 0..n {
            let column = columns.column_mut(k);
            let (vk, wk) = (v[k], w[k]);
            for (x, (v, w)) in column[k..].iter_mut().zip(v[k..].iter().zip(&w[k..])) {
                *x -= v * wk + w * vk;
            }
            diagonal[k] = column[k];
            column[..=k].fill(0.0);
            let Some(&first) = column[..n].get(k + 1) else {
                break;
            };
            column[k + 1] = 0.0;
            let tail = dot(simd, k, column, column);
            // A NaN is no zero: it goes on to the coupling and all that follows.
            if tail.sqrt() <= NEGLIGIBLE {
                couplings[k] = first;
                column.fill(0.0);
            } else {
                let norm = (first * first + tail).sqrt();
                couplings[k] = -norm.copysign(first);
                // In units of the norm, so that no square leaves the range of f64.
                column[k + 1] = first - couplings[k];
                let unit = norm.recip();
                column[k + 1..].iter_mut().for_each(|x| *x *= unit);
                inverses[k] = (1.0 + unit * first.abs()).recip();
            }
            u.copy_from_slice(column);
            pass(simd, &mut columns, k + 1, [&v, &w, &u], &mut product);
            // w = p - (u^T p / 2 h) u for p = A u / h: A - u w^T - w u^T is H A H.
            let inverse = inverses[k];
            let half = 0.5 * inverse * inverse * dot(simd, k, &u, &product);
            for (p, u) in product[k + 1..].iter_mut().zip(&u[k + 1..]) {
                *p = inverse * *p - half * u;
            }
            std::mem::swap(&mut v, &mut u);
            std::mem::swap(&mut w, &mut product);
        }
        couplings.truncate(n.saturating_sub(1));
        Tridiagonal {
            diagonal,
            couplings,
            reflections: Reflections { columns, inverses },
        }
    }
}

/// x^T y of vectors that are zero down to row `from`.
#[inline(always)]
fn dot<S: Simd>(simd: S, from: usize, x: &[f64], y: &[f64]) -> f64 {
    let at = from / S::F64_LANES;
    let (x, y) = (&S::as_simd_f64s(x).0[at..], &S::as_simd_f64s(y).0[at..]);
    let mut sums = [simd.splat_f64s(0.0); 2];
    let ((x, x_last), (y, y_last)) = (x.as_chunks::<2>(), y.as_chunks::<2>());
    for (x, y) in x.iter().zip(y) {
        sums[0] = simd.mul_add_e_f64s(x[0], y[0], sums[0]);
        sums[1] = simd.mul_add_e_f64s(x[1], y[1], sums[1]);
    }
    for (x, y) in x_last.iter().zip(y_last) {
        sums[0] = simd.mul_add_e_f64s(*x, *y, sums[0]);
    }
    simd.reduce_sum_f64s(simd.add_f64s(sums[0], sums[1]))
}

/// A - v w^T - w v^T in place of A from row and column `from` on, and its product with u.
#[inline(always)]
fn pass<S: Simd>(simd: S, a: &mut Columns, from: usize, [v, w, u]: [&[f64]; 3], product: &mut [f64]) {
    let registers = a.stride / S::F64_LANES;
    let mut at = from / S::F64_LANES;
    while at < registers {
        at += match registers - at {
            1 => tile::<S, 1>(simd, a, from, at, [v, w, u], product),
            2 => tile::<S, 2>(simd, a, from, at, [v, w, u], product),
            3 => tile::<S, 3>(simd, a, from, at, [v, w, u], product),
            _ => tile::<S, 4>(simd, a, from, at, [v, w, u], product),
        }
    }
}

/// The rows in `T` registers from register `at` on; returns `T`.
#[inline(always)]
fn tile<S: Simd, const T: usize>(
    simd: S,
    a: &mut Columns,
    from: usize,
    at: usize,
    [v, w, u]: [&[f64]; 3],
    product: &mut [f64],
) -> usize {
    let part = |x: &[f64]| -> [S::f64s; T] { std::array::from_fn(|t| S::as_simd_f64s(x).0[at + t]) };
    let (vs, ws) = (part(v), part(w));
    let mut sums = [simd.splat_f64s(0.0); T];
    let columns = a.data.chunks_exact_mut(a.stride).zip(v.iter().zip(w).zip(u));
    for (column, ((v, w), u)) in columns.skip(from) {
        let (v, w, u) = (simd.splat_f64s(*v), simd.splat_f64s(*w), simd.splat_f64s(*u));
        let column = &mut S::as_mut_simd_f64s(column).0[at..at + T];
        for t in 0..T {
            let x = simd.negate_mul_add_e_f64s(vs[t], w, column[t]);
            let x = simd.negate_mul_add_e_f64s(ws[t], v, x);
            column[t] = x;
            sums[t] = simd.mul_add_e_f64s(x, u, sums[t]);
        }
    }
    S::as_mut_simd_f64s(product).0[at..at + T].copy_from_slice(&sums);
    T
}

impl Reflections {
    /// Q x in place of each of [`LANES`] vectors x, row by row in `x`.
    pub(crate) fn apply(&self, x: &mut [[f64; LANES]]) {
        simd::run(Apply { reflections: self, x });
    }
}

struct Apply<'a> {
    reflections: &'a Reflections,
    x: &'a mut [[f64; LANES]],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match LANES / S::F64_LANES {
            1 => self.vectors::<S, 1>(simd),
            2 => self.vectors::<S, 2>(simd),
            4 => self.vectors::<S, 4>(simd),
            _ => self.vectors::<S, LANES>(simd),
        }
    }
}

impl Apply<'_> {
    /// With a row of `x` in `V` registers. The pass that makes one reflection finds the products for the next.
    #[inline(always)]
    fn vectors<S: Simd, const V: usize>(self, simd: S) {
        let Reflections { columns, inverses } = self.reflections;
        let n = self.x.len();
        let x = S::as_mut_simd_f64s(self.x.as_flattened_mut()).0.as_chunks_mut::<V>().0;
        // Even and odd rows apart, so that the sums do not wait for one another.
        let mut sums = [[simd.splat_f64s(0.0); V]; 2];
        for k in (0..n).rev() {
            // After the first reflection comes none: the last column is zero.
            let (u, next) = (columns.column(k), columns.column(k.checked_sub(1).unwrap_or(n - 1)));
            let inverse = simd.splat_f64s(inverses[k]);
            let factors: [_; V] =
                std::array::from_fn(|v| simd.mul_f64s(inverse, simd.add_f64s(sums[0][v], sums[1][v])));
            let to_next = simd.splat_f64s(next[k]);
            sums = [x[k].map(|x| simd.mul_f64s(x, to_next)), [simd.splat_f64s(0.0); V]];
            let reflect = |x: &mut [S::f64s; V], u: f64, next: f64, sums: &mut [S::f64s; V]| {
                let (u, next) = (simd.splat_f64s(u), simd.splat_f64s(next));
                for v in 0..V {
                    let y: S::f64s = simd.negate_mul_add_e_f64s(factors[v], u, x[v]);
                    x[v] = y;
                    sums[v] = simd.mul_add_e_f64s(y, next, sums[v]);
                }
            };
            let (pairs, last) = x[k + 1..].as_chunks_mut::<2>();
            let (u, u_last) = u[k + 1..n].as_chunks::<2>();
            let (next, next_last) = next[k + 1..n].as_chunks::<2>();
            for (x, (u, next)) in pairs.iter_mut().zip(u.iter().zip(next)) {
                let [even, odd] = &mut sums;
                reflect(&mut x[0], u[0], next[0], odd);
                reflect(&mut x[1], u[1], next[1], even);
            }
            for (x, (u, next)) in last.iter_mut().zip(u_last.iter().zip(next_last)) {
                reflect(x, *u, *next, &mut sums[1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use faer::Mat;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::tall::mul;

    /// Q, eight columns at a time.
    fn reflections(of: &Tridiagonal, n: usize) -> Mat<f64> {
        let mut q = Mat::zeros(n, n);
        for from in (0..n).step_by(LANES) {
            let mut x: Vec<[f64; LANES]> = (0..n)
                .map(|i| std::array::from_fn(|l| if i == from + l { 1.0 } else { 0.0 }))
                .collect();
            of.reflections.apply(&mut x);
            for j in from..n.min(from + LANES) {
                (0..n).for_each(|i| q[(i, j)] = x[i][j - from]);
            }
        }
        q
    }

    fn check(a: &Mat<f64>) {
        let n = a.nrows();
        let reduced = Tridiagonal::of(a.as_ref(), 1.0);
        let q = reflections(&reduced, n);
        let t = Mat::from_fn(n, n, |i, j| match i.abs_diff(j) {
            0 => reduced.diagonal[i],
            1 => reduced.couplings[i.min(j)],
            _ => 0.0,
        });
        // Each of n reflections adds rounding.
        let rounding = 4.0 * f64::EPSILON * n as f64;
        let loss = (&mul(q.transpose(), q.as_ref()) - Mat::<f64>::identity(n, n)).norm_l2();
        assert!(loss <= rounding, "loss {loss:e} of {n}");
        let back = mul(mul(q.as_ref(), t.as_ref()).as_ref(), q.transpose());
        let rest = (&back - a).norm_l2();
        assert!(rest <= rounding * a.norm_l2(), "rest {rest:e} of {n}");
    }

    #[test]
    fn gives_the_matrix_back() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(7);
        for n in (0..20).chain([33, 64, 71]) {
            let x = Mat::from_fn(n, n, |_, _| rng.random::<f64>() - 0.5);
            check(&(&x + x.transpose()));
            check(&mul(x.as_ref(), x.transpose()));
            // Blocks without coupling, and couplings whose squares underflow.
            for tiny in [0.0, 1e-120, 1e-160, 1e-300] {
                check(&Mat::from_fn(n, n, |i, j| {
                    let coupling = if i / 3 == j / 3 { 1.0 } else { tiny };
                    coupling * (x[(i, j)] + x[(j, i)])
                }));
            }
        }
    }
}
