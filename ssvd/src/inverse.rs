//! Inverses of small matrices by Gauss-Jordan elimination, two pivots a pass.
//!
//! At orders of some dozen to a hundred it takes less time than triangular factors, whose recursion has no long loops
//! there. With partial pivoting the result is as accurate (G. Peters, J. H. Wilkinson, Commun. ACM 18, 1975, 20-24).

use faer::Mat;

use crate::simd::{self, Simd, WithSimd};

/// Columns are padded to a multiple of this, the longest register in use.
const PADDED: usize = 8;

/// A^{-1} of a square matrix; `None` where a pivot is zero. Where numbers are not finite, so are some of the result, or
/// there is none. Cost 2 n^3.
pub(crate) fn inverse(a: &Mat<f64>) -> Option<Mat<f64>> {
    let n = a.nrows();
    // A one on the diagonal makes an odd order even.
    let order = n.next_multiple_of(2);
    let stride = order.next_multiple_of(PADDED);
    let mut columns = vec![0.0; order * stride];
    for j in 0..order {
        let column = &mut columns[j * stride..][..stride];
        if j < n {
            column[..n].copy_from_slice(a.col_as_slice(j));
        } else {
            column[j] = 1.0;
        }
    }
    let columns = simd::run(Eliminate { columns, order, stride })?;
    let mut out = Mat::zeros(n, n);
    for j in 0..n {
        out.col_as_slice_mut(j).copy_from_slice(&columns[j * stride..][..n]);
    }
    Some(out)
}

struct Eliminate {
    columns: Vec<f64>,
    order: usize,
    stride: usize,
}

impl WithSimd for Eliminate {
    type Output = Option<Vec<f64>>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Option<Vec<f64>> {
        let Self {
            mut columns,
            order,
            stride,
        } = self;
        let mut rows = vec![0; order];
        let (mut m, mut n) = (vec![0.0; stride], vec![0.0; stride]);
        for k in (0..order).step_by(2) {
            rows[k] = exchange(&mut columns, order, stride, k);
            let a = take(&mut columns[k * stride..][..stride], k, &mut m)?;
            let next = &mut columns[(k + 1) * stride..][..stride];
            let f = next[k] * a;
            subtract(simd, next, [f, 0.0], [&m, &m]);
            next[k] = f;
            rows[k + 1] = exchange(&mut columns, order, stride, k + 1);
            m.swap(k + 1, rows[k + 1]);
            let b = take(&mut columns[(k + 1) * stride..][..stride], k + 1, &mut n)?;
            for j in 0..order {
                let column = &mut columns[j * stride..][..stride];
                if j == k {
                    let g = column[k + 1] * b;
                    subtract(simd, column, [g, 0.0], [&n, &n]);
                    column[k + 1] = g;
                } else if j != k + 1 {
                    let f = column[k] * a;
                    let g = (column[k + 1] - f * m[k + 1]) * b;
                    subtract(simd, column, [f, g], [&m, &n]);
                    (column[k], column[k + 1]) = (f - g * n[k], g);
                }
            }
        }
        // The inverse of the matrix with its rows exchanged: exchange the columns back.
        for k in (0..order).rev().filter(|&k| rows[k] != k) {
            let (head, tail) = columns.split_at_mut(rows[k] * stride);
            head[k * stride..][..stride].swap_with_slice(&mut tail[..stride]);
        }
        Some(columns)
    }
}

/// Exchanges row k with that of the largest number in column k from there on, whose index is returned.
#[inline(always)]
fn exchange(columns: &mut [f64], order: usize, stride: usize, k: usize) -> usize {
    let column = &columns[k * stride..][..order];
    let (mut row, mut most) = (k, column[k].abs());
    for (i, x) in column.iter().enumerate().skip(k + 1) {
        if x.abs() > most {
            (row, most) = (i, x.abs());
        }
    }
    if row != k {
        columns.chunks_exact_mut(stride).for_each(|column| column.swap(k, row));
    }
    row
}

/// Eliminates column k by its own pivot, whose inverse is returned, and leaves its other numbers in `multipliers`.
#[inline(always)]
fn take(column: &mut [f64], k: usize, multipliers: &mut [f64]) -> Option<f64> {
    let pivot = std::mem::take(&mut column[k]);
    if pivot == 0.0 {
        return None;
    }
    let inverse = pivot.recip();
    multipliers.copy_from_slice(column);
    column.iter_mut().for_each(|x| *x *= -inverse);
    column[k] = inverse;
    Some(inverse)
}

/// x - f m - g n.
#[inline(always)]
fn subtract<S: Simd>(simd: S, x: &mut [f64], [f, g]: [f64; 2], [m, n]: [&[f64]; 2]) {
    let (f, g) = (simd.splat_f64s(f), simd.splat_f64s(g));
    let others = S::as_simd_f64s(m).0.iter().zip(S::as_simd_f64s(n).0);
    for (x, (m, n)) in S::as_mut_simd_f64s(x).0.iter_mut().zip(others) {
        *x = simd.negate_mul_add_e_f64s(g, *n, simd.negate_mul_add_e_f64s(f, *m, *x));
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::tall::mul;

    #[test]
    fn products_with_the_inverse_are_the_identity() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(3);
        for n in [0, 1, 2, 3, 7, 8, 16, 33, 64] {
            for spread in [0.0, 3.0, 8.0] {
                let mut random = || Mat::from_fn(n, n, |_, _| rng.random::<f64>() - 0.5);
                let (x, y) = (random(), random());
                let graded = Mat::from_fn(n, n, |i, j| x[(i, j)] * 10f64.powf(-spread * j as f64 / n as f64));
                let a = mul(graded.as_ref(), y.as_ref());
                let found = inverse(&a).unwrap();
                let rest = mul(a.as_ref(), found.as_ref()) - Mat::<f64>::identity(n, n);
                // Each of n steps rounds relative to the sizes of both.
                let bound = 8.0 * n as f64 * f64::EPSILON * a.norm_l2() * found.norm_l2();
                assert!(
                    rest.norm_l2() <= bound,
                    "order {n}, spread {spread}: {:e} > {bound:e}",
                    rest.norm_l2()
                );
            }
        }
    }

    #[test]
    fn pivots_are_sought_and_missed() {
        let turned = Mat::from_fn(5, 5, |i, j| f64::from(u8::from(i == (j + 2) % 5)) * 2.0);
        let found = inverse(&turned).unwrap();
        assert_eq!(found, Mat::from_fn(5, 5, |i, j| turned[(j, i)] / 4.0));
        assert!(inverse(&Mat::from_fn(4, 4, |i, _| i as f64)).is_none());
        let holes = Mat::from_fn(3, 3, |i, j| {
            if (i, j) == (1, 1) {
                f64::NAN
            } else {
                1.0 + (i * j) as f64
            }
        });
        let finite = |x: &Mat<f64>| x.col_iter().all(|c| c.iter().all(|x| x.is_finite()));
        assert!(inverse(&holes).is_none_or(|x| !finite(&x)));
    }
}
