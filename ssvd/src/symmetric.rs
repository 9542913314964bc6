//! The leading eigenpairs of small symmetric matrices: cores and projections of which only some vectors are wanted.
//!
//! Householder reduction, eigenvalues by the root-free QL iteration, and for the wanted ones a twisted factorisation
//! each, O(n) a vector where a full decomposition rotates n of them at O(n^2) each. Vectors of close eigenvalues lose
//! orthogonality that way (eps / gap); a loss that one Newton step mends is mended, beyond that the full decomposition
//! takes over.
//!
//! Sources: B. Parlett, The Symmetric Eigenvalue Problem, section 8.15 (root-free QL); I. Dhillon, B. Parlett, Linear
//! Algebra Appl. 387 (2004) 1-28, section 3 (twisted factorisations).

use faer::{Mat, MatRef, Side};

use crate::scaling::power_of_two;
use crate::simd::{self, Kernel};
use crate::tall::{mul, squares};
use crate::tridiagonal::{LANES, Tridiagonal};

/// The largest eigenvalues, descending, and their vectors.
pub(crate) struct Leading {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Mat<f64>,
}

/// Loss of orthogonality that a Newton step squares to rounding.
const MENDED: f64 = 1e-8;

/// Sweeps of the QL iteration for one eigenvalue; it takes two on average.
const SWEEPS: usize = 60;

/// Below these orders the full decomposition is as fast.
const LEAST: usize = 16;

/// The `k` largest eigenvalues of `a`, of which the lower triangle is read, with orthonormal vectors. `None` when `a` holds
/// numbers that are not finite or the iteration fails; k <= n.
pub(crate) fn leading(a: MatRef<'_, f64>, k: usize) -> Option<Leading> {
    let n = a.nrows();
    if n < LEAST {
        return full(a, k);
    }
    by_twists(a, k).or_else(|| full(a, k))
}

fn full(a: MatRef<'_, f64>, k: usize) -> Option<Leading> {
    let n = a.nrows();
    let eigen = a.self_adjoint_eigen(Side::Lower).ok()?;
    Some(Leading {
        values: (0..k).map(|j| eigen.S()[n - 1 - j]).collect(),
        vectors: Mat::from_fn(n, k, |i, j| eigen.U()[(i, n - 1 - j)]),
    })
}

fn by_twists(a: MatRef<'_, f64>, k: usize) -> Option<Leading> {
    let unit = power_of_two(a.norm_max());
    let reduced = Tridiagonal::of(a, unit);
    let mut values = eigenvalues(&reduced.diagonal, &reduced.couplings)?;
    values.sort_by(|x, y| y.total_cmp(x));
    values.truncate(k);
    let mut vectors = twisted(&reduced, &values)?;
    // V (3 I - V^T V) / 2, by way of its difference from V.
    let mut newton = squares(vectors.as_ref());
    for j in 0..k {
        newton[(j, j)] -= 1.0;
        // Written so that a NaN does not pass, and without branches.
        let column = newton.col_as_slice_mut(j);
        column.iter_mut().for_each(|x| *x *= -0.5);
        if !column.iter().fold(true, |all, x| all & (x.abs() <= MENDED)) {
            return None;
        }
        newton[(j, j)] += 1.0;
    }
    vectors = mul(vectors.as_ref(), newton.as_ref());
    values.iter_mut().for_each(|v| *v *= unit);
    Some(Leading { values, vectors })
}

/// All eigenvalues of a tridiagonal matrix with entries of order one, in no order; `None` when one does not converge.
fn eigenvalues(diagonal: &[f64], couplings: &[f64]) -> Option<Vec<f64>> {
    let n = diagonal.len();
    // Backwards: cores have their large entries first, and QL takes fewer sweeps where they come last.
    let mut d: Vec<f64> = diagonal.iter().rev().copied().collect();
    let mut e: Vec<f64> = couplings.iter().rev().map(|e| e * e).chain([0.0]).collect();
    let negligible = |d: &[f64], e: &[f64], m: usize| e[m] <= f64::EPSILON.powi(2) * (d[m] * d[m + 1]).abs();
    for l in 0..n {
        let mut sweeps = 0;
        loop {
            // The block from l to its end m.
            let m = (l..n - 1).find(|&m| negligible(&d, &e, m)).unwrap_or(n - 1);
            if m < n - 1 {
                e[m] = 0.0;
            }
            if m == l {
                break;
            }
            sweeps += 1;
            if sweeps > SWEEPS || !d[l].is_finite() {
                return None;
            }
            let coupling = e[l].sqrt();
            let half = (d[l + 1] - d[l]) / (2.0 * coupling);
            let shift = d[l] - coupling / (half + half.hypot(1.0).copysign(half));
            let (mut c, mut s) = (1.0, 0.0);
            let mut gamma = d[m] - shift;
            let mut p = gamma * gamma;
            for i in (l..m).rev() {
                let r = p + e[i];
                if i + 1 < m {
                    e[i + 1] = s * r;
                }
                let before = c;
                // Both quotients at once: gamma^2 / c would wait for c.
                let (cosine, inverse) = (p / r, r / p);
                (c, s) = if r > 0.0 { (cosine, e[i] / r) } else { (1.0, 0.0) };
                let old = gamma;
                gamma = c * (d[i] - shift) - s * old;
                d[i + 1] = old + (d[i] - gamma);
                p = if cosine > 0.0 {
                    gamma * gamma * inverse
                } else if c > 0.0 {
                    gamma * gamma
                } else {
                    before * e[i]
                };
            }
            e[l] = s * p;
            d[l] = shift + gamma;
        }
    }
    Some(d)
}

/// Q z for unit vectors z with (T - value) z = gamma e_r, r where |gamma| is least; `None` when one of these residuals is
/// above rounding.
fn twisted(reduced: &Tridiagonal, values: &[f64]) -> Option<Mat<f64>> {
    let (diagonal, couplings) = (&reduced.diagonal, &reduced.couplings);
    let n = diagonal.len();
    let mut vectors = Mat::zeros(n, values.len());
    let mut room = vec![[0.0; LANES]; 3 * n];
    // A value of the QL iteration is off by some eps ||T|| for each of its sweeps.
    let allowed = 8.0 * f64::EPSILON * n as f64 * (1.0 + 2.0 * diagonal.iter().fold(0.0, |m: f64, d| m.max(d.abs())));
    for (block, values) in values.chunks(LANES).enumerate() {
        let shifts = std::array::from_fn(|lane| values[lane.min(values.len() - 1)]);
        let residuals = simd::run(Twist {
            diagonal,
            couplings,
            shifts,
            room: &mut room,
        });
        if residuals[..values.len()].iter().any(|r| r.is_nan() || *r > allowed) {
            return None;
        }
        reduced.reflections.apply(&mut room[..n]);
        for lane in 0..values.len() {
            let column = vectors.col_mut(block * LANES + lane);
            column.iter_mut().zip(&room[..n]).for_each(|(v, z)| *v = z[lane]);
        }
    }
    Some(vectors)
}

/// The twisted factorisations of T - shift for some shifts; leaves the unit vectors in the first n rows of `room` and
/// returns their residuals.
struct Twist<'a> {
    diagonal: &'a [f64],
    couplings: &'a [f64],
    shifts: [f64; LANES],
    room: &'a mut [[f64; LANES]],
}

/// Pivots are kept away from zero by less than any rounding that matters.
const PIVOT: f64 = 1e-200;
/// Components below this are zero: products of more of them would be subnormal, and slow.
const NEGLIGIBLE: f64 = 1e-150;

#[inline(always)]
fn away_from_zero(x: f64) -> f64 {
    if x.abs() < PIVOT { PIVOT } else { x }
}

impl Kernel for Twist<'_> {
    type Output = [f64; LANES];

    #[inline(always)]
    fn call(self) -> [f64; LANES] {
        let Self {
            diagonal,
            couplings,
            shifts,
            room,
        } = self;
        let n = diagonal.len();
        let (z, rest) = room.split_at_mut(n);
        let (lower, upper) = rest.split_at_mut(n);
        // From above: T - shift = L D L^T, multipliers -e_i / D_i into `lower`, D_i for now into z.
        let mut pivot = [0.0; LANES];
        for i in 0..n {
            for lane in 0..LANES {
                let carried = if i > 0 {
                    couplings[i - 1] * lower[i - 1][lane]
                } else {
                    0.0
                };
                pivot[lane] = away_from_zero(diagonal[i] - shifts[lane] + carried);
                z[i][lane] = pivot[lane];
                lower[i][lane] = if i + 1 < n { -couplings[i] / pivot[lane] } else { 0.0 };
            }
        }
        // From below: multipliers -e_{i-1} / D_i into `upper`; both pivots together give gamma_i.
        let (mut least, mut twist) = ([f64::INFINITY; LANES], [0.0; LANES]);
        for i in (0..n).rev() {
            for lane in 0..LANES {
                let carried = if i + 1 < n {
                    couplings[i] * upper[i + 1][lane]
                } else {
                    0.0
                };
                let gamma = (z[i][lane] + carried).abs();
                let pivot = away_from_zero(diagonal[i] - shifts[lane] + carried);
                upper[i][lane] = if i > 0 { -couplings[i - 1] / pivot } else { 0.0 };
                let better = gamma < least[lane];
                least[lane] = if better { gamma } else { least[lane] };
                twist[lane] = if better { i as f64 } else { twist[lane] };
            }
        }
        // z_r = 1, and on from there to both sides.
        let mut now = [0.0; LANES];
        for i in (0..n).rev() {
            let at = i as f64;
            for lane in 0..LANES {
                let next = now[lane] * lower[i][lane];
                let next = if next.abs() < NEGLIGIBLE { 0.0 } else { next };
                now[lane] = if at == twist[lane] { 1.0 } else { next };
                z[i][lane] = now[lane];
            }
        }
        let mut now = [0.0; LANES];
        let mut squares = [0.0; LANES];
        for i in 0..n {
            let at = i as f64;
            for lane in 0..LANES {
                let next = now[lane] * upper[i][lane];
                let next = if next.abs() < NEGLIGIBLE { 0.0 } else { next };
                now[lane] = if at > twist[lane] { next } else { z[i][lane] };
                z[i][lane] = now[lane];
                squares[lane] += now[lane] * now[lane];
            }
        }
        let inverse = squares.map(|s: f64| 1.0 / s.sqrt());
        for row in z.iter_mut() {
            (0..LANES).for_each(|lane| row[lane] *= inverse[lane]);
        }
        std::array::from_fn(|lane| least[lane] * inverse[lane])
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn check(a: &Mat<f64>, k: usize) {
        let n = a.nrows();
        let Leading { values, vectors } = leading(a.as_ref(), k).unwrap();
        let other = full(a.as_ref(), k).unwrap();
        let size = a.norm_l2().max(f64::MIN_POSITIVE);
        // Backward stable routes: eigenvalues, residuals and orthogonality to n eps.
        let rounding = 4.0 * n as f64 * f64::EPSILON;
        for j in 0..k {
            assert!(
                (values[j] - other.values[j]).abs() <= rounding * size,
                "value {j} of {n}"
            );
        }
        let images = mul(a.as_ref(), vectors.as_ref());
        for j in 0..k {
            let rest = |i: usize| (images[(i, j)] - values[j] * vectors[(i, j)]) / size;
            let rest = (0..n).map(|i| rest(i).powi(2)).sum::<f64>().sqrt();
            assert!(rest <= rounding, "residual {j} of {n}: {rest:e}");
        }
        let gram = mul(vectors.transpose(), vectors.as_ref());
        let loss = (&gram - Mat::<f64>::identity(k, k)).norm_max();
        assert!(loss <= rounding, "loss {loss:e} of {n}");
    }

    #[test]
    fn agrees_with_the_full_decomposition() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(1);
        for (n, k) in [
            (1, 1),
            (2, 1),
            (16, 16),
            (17, 3),
            (40, 40),
            (80, 64),
            (102, 64),
            (150, 9),
        ] {
            let mut random = |rows: usize, cols: usize| Mat::from_fn(rows, cols, |_, _| rng.random::<f64>() - 0.5);
            let c = random(n, n.div_ceil(2));
            let low_rank = mul(c.as_ref(), c.transpose());
            check(&low_rank, k);
            let kept = Mat::from_fn(n, n, |i, j| {
                low_rank[(i, j)] + if i == j { (9.0 / (1.0 + i as f64)).powi(2) } else { 0.0 }
            });
            check(&kept, k);
            // Sizes from 1 to 1e-12 times numbers far from one.
            let graded = Mat::from_fn(n, n, |i, j| {
                1e200 * kept[(i, j)] * 0.1f64.powf(12.0 * (i + j) as f64 / n as f64)
            });
            check(&graded, k);
        }
    }

    #[test]
    fn repeated_and_close_eigenvalues() {
        let n = 60;
        check(&Mat::zeros(n, n), 7);
        check(&Mat::identity(n, n), n);
        check(
            &Mat::from_fn(n, n, |i, j| if i == j { (i / 3) as f64 } else { 0.0 }),
            20,
        );
        // Wilkinson's matrix: pairs that agree to all digits, far apart in the matrix.
        check(
            &Mat::from_fn(61, 61, |i: usize, j: usize| match i.abs_diff(j) {
                0 => (i as f64 - 30.0).abs(),
                1 => 1.0,
                _ => 0.0,
            }),
            30,
        );
        let mut rng = rand_pcg::Pcg64::seed_from_u64(2);
        for gap in [1e-4, 1e-8, 1e-12] {
            let q = Mat::from_fn(n, n, |_, _| rng.random::<f64>() - 0.5).qr().compute_Q();
            let scaled = Mat::from_fn(n, n, |i, j| q[(i, j)] * (1.0 - gap * (j % 5) as f64));
            let product = mul(scaled.as_ref(), q.transpose());
            check(
                &Mat::from_fn(n, n, |i, j| 0.5 * (product[(i, j)] + product[(j, i)])),
                50,
            );
        }
    }

    #[test]
    fn numbers_that_are_not_finite() {
        for bad in [f64::NAN, f64::INFINITY] {
            let a = Mat::from_fn(20, 20, |i, j| if (i, j) == (9, 9) { bad } else { 1.0 });
            assert!(leading(a.as_ref(), 4).is_none());
        }
    }
}
