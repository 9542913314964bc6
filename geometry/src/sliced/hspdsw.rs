//! The affine-invariant (horospherical) sliced-Wasserstein distance.

use std::ops::Range;

use nalgebra::DMatrix;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::directions::{DirectionBank, PANEL};
use super::measure::{Projected, SpdMeasure};
use super::one_dimensional::Exponent;
use super::spdsw::{mean, per_direction, reduce_root};
use crate::batch::SpdBatch;
use crate::error::{Error, Result, in_range, matrix_in_range};

/// HSPDSW_p^p(μ, ν) = (1/L) Σ_l W_p^p(B^{A_l}_# μ, B^{A_l}_# ν) with the Busemann functions of the affine-invariant
/// metric, B^A(M) = lim_{t→∞} (d_AI(exp(tA), M) − t).
///
/// One Cholesky factorisation per matrix and direction, several matrices side by side in the lanes of a register.
/// O(L (n+m) d³), threads over directions; a few rows of memory a thread beyond the input.
///
/// # Errors
/// [`Error::DimensionMismatch`] when the order of the bank is not that of the measures, [`Error::InvalidParameter`]
/// for p < 1 and p = ∞, and when two eigenvalues of a direction differ by less than 1e-12, where the order of the
/// columns of P, and so the function, is not determined; [`Error::OutOfRange`] when a power overflows.
///
/// Source: Bonet et al. 2023 (arXiv 2303.05798), definition of HSPDSW; Bridson & Haefliger 1999, II.10.
pub fn hspdsw_pow(bank: &DirectionBank, a: &SpdMeasure<'_>, b: &SpdMeasure<'_>, p: f64) -> Result<f64> {
    let exponent = Exponent::try_finite(p)?;
    Ok(mean(&horospherical(bank, a, b, exponent)?))
}

/// HSPDSW_p(μ, ν) = (HSPDSW_p^p)^{1/p} for p ∈ [1, ∞]; at p = ∞ the largest W_∞ over the directions. At most W_p with
/// the affine-invariant ground cost. Cost as [`hspdsw_pow`].
///
/// # Errors
/// As [`hspdsw_pow`], but for p = ∞.
pub fn hspdsw(bank: &DirectionBank, a: &SpdMeasure<'_>, b: &SpdMeasure<'_>, p: f64) -> Result<f64> {
    let exponent = Exponent::try_new(p)?;
    Ok(reduce_root(&horospherical(bank, a, b, exponent)?, exponent))
}

/// Busemann coordinates: row i, column l holds B^{A_l}(X_i) = −Σ_k θ_k log D_kk, where PᵀX P = U D Uᵀ with unit upper
/// triangular U and the columns of P ordered by falling θ. O(L n d³).
///
/// # Errors
/// [`Error::Empty`] without a matrix, [`Error::DimensionMismatch`] for another order, and [`Error::InvalidParameter`]
/// for the eigenvalues of a direction as [`hspdsw_pow`].
///
/// ```
/// use hadamard_geometry::{SpdBatch, sliced::{DirectionBank, busemann}};
///
/// let bank = DirectionBank::lambda_s(2, 3, 1)?;
/// let identity = SpdBatch::try_from_vec(2, vec![1.0, 0.0, 0.0, 1.0])?;
/// assert!(busemann(&bank, &identity)?.iter().all(|b| b.abs() < 1e-14));
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn busemann(bank: &DirectionBank, batch: &SpdBatch) -> Result<DMatrix<f64>> {
    let measure = SpdMeasure::uniform(batch)?;
    bank.check_order(batch.order())?;
    let frames = Frames::try_new(bank)?;
    let seen = Seen {
        measure: &measure,
        frames: &frames,
    };
    let panels: Vec<Vec<f64>> = (0..bank.panel_count())
        .into_par_iter()
        .map(|panel| {
            let mut out = Vec::new();
            seen.fill(Arch::new(), bank, panel, 0..PANEL, 0..seen.points(), &mut out);
            out
        })
        .collect();
    let values = DMatrix::from_fn(batch.len(), bank.len(), |i, l| panels[l / PANEL][i * PANEL + l % PANEL]);
    matrix_in_range("Busemann function", values)
}

/// W_p^p of the Busemann coordinates, direction after direction.
fn horospherical(bank: &DirectionBank, a: &SpdMeasure<'_>, b: &SpdMeasure<'_>, exponent: Exponent) -> Result<Vec<f64>> {
    bank.check_order(a.batch().order())?;
    bank.check_order(b.batch().order())?;
    let frames = Frames::try_new(bank)?;
    let seen = |measure| Seen {
        measure,
        frames: &frames,
    };
    in_range(
        "power of a distance of Busemann coordinates",
        per_direction(bank, &seen(a), &seen(b), exponent),
    )
}

/// The directions as Busemann functions want them: θ ascending and the transposed frame Qᵀ row by row, so that a plain
/// lower Cholesky factor L of QᵀMQ has L_kk² = D_kk.
struct Frames {
    order: usize,
    theta: Vec<f64>,
    transposed: Vec<f64>,
}

impl Frames {
    fn try_new(bank: &DirectionBank) -> Result<Self> {
        let d = bank.order();
        let factors = bank.factors();
        let mut frames = Self {
            order: d,
            theta: Vec::with_capacity(factors.theta.len()),
            transposed: Vec::with_capacity(factors.basis.len()),
        };
        for (theta, basis) in factors.theta.chunks_exact(d).zip(factors.basis.chunks_exact(d * d)) {
            let mut ascending: Vec<usize> = (0..d).collect();
            ascending.sort_by(|&i, &j| theta[i].total_cmp(&theta[j]));
            for pair in ascending.windows(2) {
                let gap = theta[pair[1]] - theta[pair[0]];
                if gap < 1e-12 {
                    return Err(Error::InvalidParameter {
                        name: "gap between eigenvalues of a direction",
                        value: gap,
                        reason: "the Busemann function of a direction needs distinct eigenvalues",
                    });
                }
            }
            for k in ascending {
                frames.theta.push(theta[k]);
                frames.transposed.extend_from_slice(&basis[k * d..(k + 1) * d]);
            }
        }
        Ok(frames)
    }
}

/// A measure seen through Busemann functions.
struct Seen<'a> {
    measure: &'a SpdMeasure<'a>,
    frames: &'a Frames,
}

impl Projected for Seen<'_> {
    fn points(&self) -> usize {
        self.measure.len()
    }

    fn masses(&self) -> Option<&[f64]> {
        self.measure.weights()
    }

    fn fill(
        &self,
        arch: Arch,
        bank: &DirectionBank,
        panel: usize,
        lanes: Range<usize>,
        points: Range<usize>,
        out: &mut Vec<f64>,
    ) {
        let d = self.frames.order;
        let width = lanes.len();
        let used = bank.panel_len(panel);
        let range = panel * PANEL + lanes.start.min(used)..panel * PANEL + lanes.end.min(used);
        out.clear();
        out.resize(points.len() * width, 0.0);
        let theta = &self.frames.theta[range.start * d..range.end * d];
        let transposed = &self.frames.transposed[range.start * d * d..range.end * d * d];
        let matrices = &self.measure.batch().as_slice()[points.start * d * d..points.end * d * d];
        arch.dispatch(PanelBusemann {
            order: d,
            theta,
            transposed,
            matrices,
            width,
            out,
        });
        // A pivot that rounding made negative: the orthogonal factorisation keeps the other half of the digits.
        for (matrix, row) in matrices.chunks_exact(d * d).zip(out.chunks_exact_mut(width)) {
            for (lane, value) in row.iter_mut().enumerate().filter(|(_, value)| !value.is_finite()) {
                let frame = &transposed[lane * d * d..(lane + 1) * d * d];
                *value = busemann_by_qr(d, matrix, frame, &theta[lane * d..(lane + 1) * d]);
            }
        }
    }
}

/// −2 Σ θ_k log |R_kk| with M = C Cᵀ and (QᵀC)ᵀ = (orthogonal)·R.
fn busemann_by_qr(order: usize, matrix: &[f64], transposed: &[f64], theta: &[f64]) -> f64 {
    let matrix = DMatrix::from_column_slice(order, order, matrix);
    // Sizes of matrices that only just passed validation: the factor exists, as validation computed it.
    let Some(factor) = matrix.cholesky() else {
        return f64::NAN;
    };
    let frame = DMatrix::from_column_slice(order, order, transposed);
    let r = (factor.l().transpose() * frame).qr().unpack_r();
    -2.0 * theta
        .iter()
        .enumerate()
        .map(|(k, t)| t * r[(k, k)].abs().ln())
        .sum::<f64>()
}

/// Busemann functions of the directions of one panel at all matrices.
struct PanelBusemann<'a> {
    order: usize,
    theta: &'a [f64],
    transposed: &'a [f64],
    matrices: &'a [f64],
    width: usize,
    out: &'a mut [f64],
}

impl WithSimd for PanelBusemann<'_> {
    type Output = ();

    /// As many matrices as a register has lanes go through together, entry by entry side by side.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let d = self.order;
        let lanes = S::F64_LANES;
        let zero = simd.splat_f64s(0.0);
        let mut factor = vec![zero; d * d];
        let mut rotated = vec![zero; d * d];
        let mut gram = vec![zero; d * d];
        let blocks = self
            .matrices
            .chunks(lanes * d * d)
            .zip(self.out.chunks_mut(lanes * self.width));
        for (matrices, out) in blocks {
            load_lanes::<S>(d, matrices, &mut factor);
            cholesky_lanes(simd, d, &mut factor);
            let frames = self.transposed.chunks_exact(d * d).zip(self.theta.chunks_exact(d));
            for (direction, (frame, theta)) in frames.enumerate() {
                rotate_lanes(simd, d, frame, &factor, &mut rotated);
                gram_lanes(simd, d, &rotated, &mut gram);
                cholesky_lanes(simd, d, &mut gram);
                for (lane, row) in out.chunks_exact_mut(self.width).enumerate() {
                    let diagonal = |k: usize| lanes_of::<S>(&gram[k * d + k])[lane];
                    row[direction] = -2.0 * theta.iter().enumerate().map(|(k, t)| t * diagonal(k).ln()).sum::<f64>();
                }
            }
        }
    }
}

/// The lanes of a register as numbers.
#[inline(always)]
fn lanes_of<S: Simd>(register: &S::f64s) -> &[f64] {
    pulp::bytemuck::cast_slice(std::slice::from_ref(register))
}

/// Entry (i, j) of every matrix side by side; missing matrices repeat the last one.
#[inline(always)]
fn load_lanes<S: Simd>(d: usize, matrices: &[f64], out: &mut [S::f64s]) {
    let last = matrices.len() / (d * d) - 1;
    for (entry, register) in out.iter_mut().enumerate() {
        let numbers: &mut [f64] = pulp::bytemuck::cast_slice_mut(std::slice::from_mut(register));
        for (lane, number) in numbers.iter_mut().enumerate() {
            *number = matrices[lane.min(last) * d * d + entry];
        }
    }
}

/// Lower Cholesky factors in place, rows up to the diagonal; entries above it are zeroed. A pivot that is not positive
/// leaves NaN on the diagonal.
#[inline(always)]
fn cholesky_lanes<S: Simd>(simd: S, d: usize, matrix: &mut [S::f64s]) {
    let zero = simd.splat_f64s(0.0);
    let one = simd.splat_f64s(1.0);
    for j in 0..d {
        let (done, rest) = matrix.split_at_mut(j * d);
        let row_j = &mut rest[..d];
        // Row j: solve against the rows done, then its pivot.
        for k in 0..j {
            let row_k = &done[k * d..k * d + k + 1];
            let mut sum = row_j[k];
            for (x, y) in row_j[..k].iter().zip(&row_k[..k]) {
                sum = simd.negate_mul_add_e_f64s(*x, *y, sum);
            }
            row_j[k] = simd.mul_f64s(sum, row_k[k]);
        }
        let mut pivot = row_j[j];
        for x in &row_j[..j] {
            pivot = simd.negate_mul_add_e_f64s(*x, *x, pivot);
        }
        // The diagonal holds reciprocals until the end, one division a row.
        row_j[j] = simd.div_f64s(one, simd.sqrt_f64s(pivot));
        row_j[j + 1..].fill(zero);
    }
    for k in 0..d {
        matrix[k * d + k] = simd.div_f64s(one, matrix[k * d + k]);
    }
}

/// Qᵀ C for lower triangular C: rows in blocks of four, columns in pairs.
#[inline(always)]
fn rotate_lanes<S: Simd>(simd: S, d: usize, frame: &[f64], factor: &[S::f64s], out: &mut [S::f64s]) {
    let zero = simd.splat_f64s(0.0);
    let mut a = 0;
    while a < d {
        let rows = (d - a).min(4);
        let frames: [&[f64]; 4] = std::array::from_fn(|r| &frame[(a + r.min(rows - 1)) * d..][..d]);
        let mut j = 0;
        while j < d {
            let pair = (j + 1).min(d - 1);
            let mut sums = [[zero; 2]; 4];
            for i in j..d {
                let entries = [factor[i * d + j], factor[i * d + pair]];
                for r in 0..4 {
                    let weight = simd.splat_f64s(frames[r][i]);
                    sums[r][0] = simd.mul_add_e_f64s(weight, entries[0], sums[r][0]);
                    sums[r][1] = simd.mul_add_e_f64s(weight, entries[1], sums[r][1]);
                }
            }
            for r in 0..rows {
                out[(a + r) * d + j] = sums[r][0];
                out[(a + r) * d + pair] = sums[r][if pair == j { 0 } else { 1 }];
            }
            j += 2;
        }
        a += rows;
    }
}

/// Lower triangle of W Wᵀ: rows in pairs, columns in blocks of four.
#[inline(always)]
fn gram_lanes<S: Simd>(simd: S, d: usize, rotated: &[S::f64s], out: &mut [S::f64s]) {
    let zero = simd.splat_f64s(0.0);
    let row = |k: usize| &rotated[k.min(d - 1) * d..][..d];
    let mut a = 0;
    while a < d {
        let left = [row(a), row(a + 1)];
        let mut b = 0;
        while b <= (a + 1).min(d - 1) {
            let right = [row(b), row(b + 1), row(b + 2), row(b + 3)];
            let mut sums = [[zero; 4]; 2];
            for j in 0..d {
                for l in 0..2 {
                    for r in 0..4 {
                        sums[l][r] = simd.mul_add_e_f64s(left[l][j], right[r][j], sums[l][r]);
                    }
                }
            }
            for l in 0..2 {
                for r in 0..4 {
                    if a + l < d && b + r < d {
                        out[(a + l) * d + b + r] = sums[l][r];
                    }
                }
            }
            b += 4;
        }
        a += 2;
    }
}
