//! The frames of many matrices at one point, in lanes, with the gradient and the Hessian of their mean.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::group::{Isa, Kernel, on};
use super::lanes::{LaneMatrix, Lanes};
use super::relative::{Factors, Relative};
use super::weighted::{in_order, lane_sum, weighted};
use crate::matrix_functions::svd::jacobi_svd;

/// W matrices seen from one point: L⁻¹XL⁻ᵀ = U diag(exp μ) Uᵀ.
pub(crate) struct Frame<const W: usize> {
    /// U.
    u: LaneMatrix<W>,
    /// Uᵀ.
    transposed: LaneMatrix<W>,
    /// Weight times c(μ_a − μ_b).
    curvature: LaneMatrix<W>,
    /// Weight times μ.
    force: Vec<Lanes<W>>,
}

/// Frames of all matrices, W to a group, seen from the factor L.
pub(crate) fn frames<const W: usize>(
    isa: Isa,
    lower: &DMatrix<f64>,
    factors: &Factors<W>,
    weights: &[f64],
    curvature: impl Fn(f64) -> f64 + Sync,
) -> Vec<Frame<W>> {
    let n = lower.nrows();
    factors
        .groups
        .par_iter()
        .zip(factors.all.par_chunks(W).zip(weights.par_chunks(W)))
        .map_init(
            || {
                let mut relative = Relative::<W>::new(n, isa);
                relative.seen_from(lower);
                relative
            },
            |relative, (group, (matrices, weights))| {
                let failed = relative.solve(group, true);
                let mut frame = Frame {
                    u: LaneMatrix::zeros(n),
                    transposed: LaneMatrix::zeros(n),
                    curvature: LaneMatrix::zeros(n),
                    force: vec![Lanes::ZERO; n],
                };
                // Lanes without a matrix keep weight zero.
                for (lane, (matrix, &weight)) in matrices.iter().zip(weights).enumerate() {
                    let mu: DVector<f64> = if failed[lane] {
                        let mut c = matrix.clone();
                        lower.solve_lower_triangular_unchecked_mut(&mut c);
                        let svd = jacobi_svd(&c);
                        for k in 0..n {
                            for i in 0..n {
                                relative.group.q[(k, i)].0[lane] = svd.u[(i, k)];
                            }
                        }
                        svd.s.map(|s| 2.0 * s.ln())
                    } else {
                        DVector::from_fn(n, |k, _| relative.group.value(lane, k).ln())
                    };
                    for a in 0..n {
                        frame.force[a].0[lane] = weight * mu[a];
                        for b in 0..=a {
                            let c = weight * curvature(mu[a] - mu[b]);
                            frame.curvature[(a, b)].0[lane] = c;
                            frame.curvature[(b, a)].0[lane] = c;
                        }
                    }
                }
                for k in 0..n {
                    for i in 0..n {
                        let x = relative.group.q[(k, i)];
                        frame.transposed[(k, i)] = x;
                        frame.u[(i, k)] = x;
                    }
                }
                frame
            },
        )
        .collect()
}

/// Σ wᵢ log(L⁻¹XᵢL⁻ᵀ), without frames, and the mean over i and over pairs of eigenvalues of (μ_a − μ_b)².
pub(crate) fn logarithm_sum<const W: usize>(
    isa: Isa,
    lower: &DMatrix<f64>,
    factors: &Factors<W>,
    weights: &[f64],
) -> (DMatrix<f64>, f64) {
    let n = lower.nrows();
    let terms: Vec<(DMatrix<f64>, f64)> = factors
        .groups
        .par_iter()
        .zip(factors.all.par_chunks(W).zip(weights.par_chunks(W)))
        .map_init(
            || {
                let mut relative = Relative::<W>::new(n, isa);
                relative.seen_from(lower);
                relative
            },
            |relative, (group, (matrices, weights))| {
                let failed = relative.logarithms(group);
                let logs = &mut relative.group.a;
                for (lane, matrix) in matrices.iter().enumerate().filter(|(lane, _)| failed[*lane]) {
                    let mut c = matrix.clone();
                    lower.solve_lower_triangular_unchecked_mut(&mut c);
                    let svd = jacobi_svd(&c);
                    let scaled = &svd.u * DMatrix::from_diagonal(&svd.s.map(|s| 2.0 * s.ln()));
                    let log = scaled * svd.u.transpose();
                    for i in 0..n {
                        for j in 0..=i {
                            logs[(i, j)].0[lane] = log[(i, j)];
                        }
                    }
                }
                weighted(isa, logs, weights, n)
            },
        )
        .collect();
    let (mut sum, mut spread) = (DMatrix::zeros(n, n), 0.0);
    for (term, share) in &terms {
        sum += term;
        spread += share;
    }
    (sum, spread)
}

/// Σ wᵢ (L Xᵢ Lᵀ)^½; `None` when a product leaves the safe range of numbers.
pub(crate) fn root_sum<const W: usize>(
    isa: Isa,
    lower: &DMatrix<f64>,
    factors: &Factors<W>,
    weights: &[f64],
) -> Option<DMatrix<f64>> {
    let n = lower.nrows();
    let terms: Option<Vec<DMatrix<f64>>> = factors
        .groups
        .par_iter()
        .zip(weights.par_chunks(W))
        .map_init(
            || {
                let mut relative = Relative::<W>::new(n, isa);
                relative.seen_from(lower);
                relative
            },
            |relative, (group, weights)| {
                let failed = relative.roots(group)?;
                let chosen = |failed_ones: bool| -> Vec<f64> {
                    let pairs = weights.iter().zip(failed);
                    pairs
                        .map(|(w, failed)| if failed == failed_ones { *w } else { 0.0 })
                        .collect()
                };
                let mut sum = weighted(isa, &mut relative.group.a, &chosen(false), n).0;
                if failed[..weights.len()].contains(&true) {
                    relative.roots_by_vectors(group);
                    sum += weighted(isa, &mut relative.group.a, &chosen(true), n).0;
                }
                Some(sum)
            },
        )
        .collect();
    Some(in_order(n, &terms?))
}

/// Σ wᵢ Uᵢ diag(μᵢ) Uᵢᵀ.
pub(crate) fn gradient<const W: usize>(isa: Isa, frames: &[Frame<W>], order: usize) -> DMatrix<f64> {
    total(frames, order, |frame, memory| {
        let [scaled, out, ..] = memory;
        on(
            isa,
            Gradient {
                frame,
                scaled,
                out: &mut *out,
            },
        );
        lane_sum(out, order)
    })
}

/// Σ wᵢ Uᵢ (cᵢ ∘ Uᵢᵀ V Uᵢ) Uᵢᵀ.
pub(crate) fn hessian<const W: usize>(isa: Isa, frames: &[Frame<W>], v: &DMatrix<f64>) -> DMatrix<f64> {
    let n = v.nrows();
    total(frames, n, |frame, memory| {
        let [x, y, z] = memory;
        for i in 0..n {
            for (j, out) in z.row_mut(i).iter_mut().enumerate() {
                *out = Lanes([v[(i, j)]; W]);
            }
        }
        on(
            isa,
            Hessian {
                frame,
                x,
                y: &mut *y,
                v: z,
            },
        );
        lane_sum(y, n)
    })
}

/// Sum of one matrix for each group: terms in parallel, their sum in order.
fn total<const W: usize>(
    frames: &[Frame<W>],
    order: usize,
    term: impl Fn(&Frame<W>, &mut [LaneMatrix<W>; 3]) -> DMatrix<f64> + Sync + Send,
) -> DMatrix<f64> {
    let terms: Vec<DMatrix<f64>> = frames
        .par_iter()
        .map_init(
            || std::array::from_fn(|_| LaneMatrix::zeros(order)),
            |memory, frame| term(frame, memory),
        )
        .collect();
    in_order(order, &terms)
}

struct Gradient<'a, const W: usize> {
    frame: &'a Frame<W>,
    scaled: &'a mut LaneMatrix<W>,
    out: &'a mut LaneMatrix<W>,
}

impl<const W: usize> Kernel for Gradient<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (k, &force) in self.frame.force.iter().enumerate() {
            let rows = self.scaled.row_mut(k).iter_mut().zip(self.frame.transposed.row(k));
            rows.for_each(|(x, y)| *x = *y * force);
        }
        product::<W, FMA, true>(self.scaled, &self.frame.transposed, self.out);
    }
}

struct Hessian<'a, const W: usize> {
    frame: &'a Frame<W>,
    x: &'a mut LaneMatrix<W>,
    y: &'a mut LaneMatrix<W>,
    v: &'a LaneMatrix<W>,
}

impl<const W: usize> Kernel for Hessian<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let n = self.frame.force.len();
        product::<W, FMA, false>(self.v, &self.frame.u, self.x);
        product::<W, FMA, true>(&self.frame.u, self.x, self.y);
        for i in 0..n {
            for j in 0..=i {
                let scaled = self.y[(i, j)] * self.frame.curvature[(i, j)];
                self.y[(i, j)] = scaled;
                self.y[(j, i)] = scaled;
            }
        }
        product::<W, FMA, false>(self.y, &self.frame.transposed, self.x);
        product::<W, FMA, true>(&self.frame.transposed, self.x, self.y);
    }
}

/// Rows and columns of a product that are computed together.
const TILE: (usize, usize) = (4, 4);

/// AᵀB; with `LOWER` only tiles that touch the lower triangle.
#[inline(always)]
pub(super) fn product<const W: usize, const FMA: bool, const LOWER: bool>(
    a: &LaneMatrix<W>,
    b: &LaneMatrix<W>,
    out: &mut LaneMatrix<W>,
) {
    let n = a.row(0).len();
    for i in (0..n).step_by(TILE.0) {
        let rows = TILE.0.min(n - i);
        let end = if LOWER { i + rows } else { n };
        for j in (0..end).step_by(TILE.1) {
            let columns = TILE.1.min(n - j);
            if (rows, columns) == TILE {
                let mut sums = [[Lanes::<W>::ZERO; TILE.1]; TILE.0];
                for k in 0..n {
                    let left = &a.row(k)[i..i + TILE.0];
                    let right = &b.row(k)[j..j + TILE.1];
                    for r in 0..TILE.0 {
                        for c in 0..TILE.1 {
                            sums[r][c] = left[r].mul_add::<FMA>(right[c], sums[r][c]);
                        }
                    }
                }
                for (r, sums) in sums.iter().enumerate() {
                    out.row_mut(i + r)[j..j + TILE.1].copy_from_slice(sums);
                }
            } else {
                for r in i..i + rows {
                    for c in j..j + columns {
                        let mut sum = Lanes::ZERO;
                        for k in 0..n {
                            sum = a[(k, r)].mul_add::<FMA>(b[(k, c)], sum);
                        }
                        out[(r, c)] = sum;
                    }
                }
            }
        }
    }
}
