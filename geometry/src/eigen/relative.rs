//! Many SPD matrices seen from one: logarithms and eigenproblems of L⁻¹BL⁻ᵀ for one factor L and W matrices B side by side.
//!
//! With B = FFᵀ and C = L⁻¹F, the eigenvalues of CCᵀ are the squared singular values of C. Forming the product costs
//! accuracy in proportion to their spread ρ: the relative error of the smallest is about ε ρ, where the one-sided Jacobi
//! SVD of C keeps all of it. Beyond [`MAX_SPREAD`] a pair therefore goes to that SVD by itself.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::batch::FRACTIONAL_ORDERS;
use super::group::{Group, Isa, Kernel, on};
use super::lanes::{LaneMatrix, Lanes, Mask};
use super::partial_fractions::{Fractional, MAX_LEVEL};
use crate::matrix_functions::svd::jacobi_svd;

/// Largest ratio of eigenvalues for which the product CCᵀ is formed: logarithms are then exact to about 1e6 ε = 2e-10 in
/// the worst entry of the worst pair.
pub(crate) const MAX_SPREAD: f64 = 1e6;
/// The same as a power of four.
const MAX_SPREAD_LEVEL: usize = 10;
/// Diagonals of CCᵀ outside are left to the SVD, which scales.
const SAFE: std::ops::Range<f64> = 1e-140..1e140;

/// Lower triangular factors of many matrices, W to a group.
pub(crate) struct Factors<const W: usize> {
    pub(crate) all: Vec<DMatrix<f64>>,
    pub(crate) groups: Vec<LaneMatrix<W>>,
}

impl<const W: usize> Factors<W> {
    pub(crate) fn new(all: Vec<DMatrix<f64>>) -> Self {
        let groups = all.par_chunks(W).map(side_by_side).collect();
        Self { all, groups }
    }
}

/// Up to W matrices in lanes; missing ones repeat the first.
fn side_by_side<const W: usize>(matrices: &[DMatrix<f64>]) -> LaneMatrix<W> {
    let n = matrices[0].nrows();
    let mut out = LaneMatrix::zeros(n);
    for lane in 0..W {
        let matrix = matrices.get(lane).unwrap_or(&matrices[0]);
        for i in 0..n {
            for (j, x) in out.row_mut(i).iter_mut().enumerate() {
                x.0[lane] = matrix[(i, j)];
            }
        }
    }
    out
}

/// Working memory of one thread.
pub(crate) struct Relative<const W: usize> {
    pub(crate) group: Group<W>,
    c: LaneMatrix<W>,
    /// L, row after row.
    lower: Vec<f64>,
}

impl<const W: usize> Relative<W> {
    pub(crate) fn new(order: usize, isa: Isa) -> Self {
        Self {
            group: Group::new(order, isa),
            c: LaneMatrix::zeros(order),
            lower: vec![0.0; order * order],
        }
    }

    /// Takes L for the calls of [`Self::solve`] that follow.
    pub(crate) fn seen_from(&mut self, lower: &DMatrix<f64>) {
        let n = lower.nrows();
        for i in 0..n {
            for j in 0..=i {
                self.lower[i * n + j] = lower[(i, j)];
            }
        }
    }

    /// Lower triangles of CCᵀ into the group, C = L⁻¹F or C = LF; true for the lanes whose numbers leave the safe range.
    fn gram(&mut self, factors: &LaneMatrix<W>, inverse: bool) -> Mask<W> {
        let n = factors.row(0).len();
        on(
            self.group.isa,
            Gram {
                lower: &self.lower,
                inverse,
                factors,
                c: &mut self.c,
                gram: &mut self.group.a,
            },
        );
        self.group.scale = [1.0; W];
        let mut outside = [false; W];
        for i in 0..n {
            for lane in 0..W {
                outside[lane] |= !SAFE.contains(&self.group.a[(i, i)].0[lane]);
            }
        }
        outside
    }

    /// Σ μ and Σ μ², μ the logarithms of the eigenvalues of CCᵀ, C = L⁻¹F; true for the lanes that must go to the SVD
    /// instead.
    fn sums(&mut self, factors: &LaneMatrix<W>) -> ([Lanes<W>; 2], Mask<W>) {
        let n = factors.row(0).len();
        if FRACTIONAL_ORDERS.contains(&n) {
            let outside = self.gram(factors, true);
            let (sums, failed) = self.group.log_squares(MAX_SPREAD_LEVEL);
            return (sums, std::array::from_fn(|lane| outside[lane] || failed[lane]));
        }
        let failed = self.solve(factors, false);
        let mut sums = [Lanes::ZERO; 2];
        for k in 0..n {
            for lane in 0..W {
                let mu = self.group.value(lane, k).ln();
                sums[0].0[lane] += mu;
                sums[1].0[lane] += mu * mu;
            }
        }
        (sums, failed)
    }

    /// log CCᵀ, C = L⁻¹F, lower triangles in the group; true for the lanes that must go to the SVD instead.
    pub(crate) fn logarithms(&mut self, factors: &LaneMatrix<W>) -> Mask<W> {
        let outside = self.gram(factors, true);
        let failed = self.group.fractional(Fractional::Log, MAX_SPREAD_LEVEL);
        std::array::from_fn(|lane| outside[lane] || failed[lane])
    }

    /// (CCᵀ)^½, C = LF, lower triangles in the group; true for the lanes where CCᵀ is nearly singular, and nothing when
    /// numbers leave the safe range.
    pub(crate) fn roots(&mut self, factors: &LaneMatrix<W>) -> Option<Mask<W>> {
        let outside = self.gram(factors, false).contains(&true);
        (!outside).then(|| self.group.fractional(Fractional::Sqrt, MAX_LEVEL))
    }

    /// The same for nearly singular matrices.
    pub(crate) fn roots_by_vectors(&mut self, factors: &LaneMatrix<W>) {
        self.gram(factors, false);
        self.group.solve(true);
        self.group.apply(&|d| d.max(0.0).sqrt());
    }

    /// Solves the eigenproblems of CCᵀ, C = L⁻¹F; true for the lanes that must go to the SVD instead.
    pub(crate) fn solve(&mut self, factors: &LaneMatrix<W>, vectors: bool) -> Mask<W> {
        let n = factors.row(0).len();
        let unsafe_scale = self.gram(factors, true);
        let mut failed = self.group.solve(vectors);
        for lane in 0..W {
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            for k in 0..n {
                least = least.min(self.group.value(lane, k));
                most = most.max(self.group.value(lane, k));
            }
            failed[lane] |= unsafe_scale[lane] || !(least > 0.0 && most <= MAX_SPREAD * least);
        }
        failed
    }
}

/// C = L⁻¹F, or LF, and the lower triangle of CCᵀ.
struct Gram<'a, const W: usize> {
    lower: &'a [f64],
    inverse: bool,
    factors: &'a LaneMatrix<W>,
    c: &'a mut LaneMatrix<W>,
    gram: &'a mut LaneMatrix<W>,
}

impl<const W: usize> Kernel for Gram<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let n = self.factors.row(0).len();
        if self.inverse {
            substitute::<W, FMA>(self.lower, self.factors, self.c, n);
        } else {
            multiply::<W, FMA>(self.lower, self.factors, self.c, n);
        }
        gram::<W, FMA>(self.c, self.gram);
    }
}

/// Rows and columns of a product that are computed together.
const TILE: usize = 4;

/// C = L⁻¹F for lower triangular matrices.
#[inline(always)]
fn substitute<const W: usize, const FMA: bool>(lower: &[f64], f: &LaneMatrix<W>, c: &mut LaneMatrix<W>, n: usize) {
    by_tiles::<W, FMA, true>(lower, f, c, n);
}

/// C = LF for lower triangular matrices.
#[inline(always)]
pub(super) fn multiply<const W: usize, const FMA: bool>(
    lower: &[f64],
    f: &LaneMatrix<W>,
    c: &mut LaneMatrix<W>,
    n: usize,
) {
    by_tiles::<W, FMA, false>(lower, f, c, n);
}

/// C = L⁻¹F with `INVERSE`, LF without.
#[inline(always)]
fn by_tiles<const W: usize, const FMA: bool, const INVERSE: bool>(
    lower: &[f64],
    f: &LaneMatrix<W>,
    c: &mut LaneMatrix<W>,
    n: usize,
) {
    let whole = n / TILE * TILE;
    for i in (0..whole).step_by(TILE) {
        for j in (0..=i).step_by(TILE) {
            tile::<W, TILE, TILE, FMA, INVERSE>(lower, f, c, (i, j));
        }
    }
    for i in whole..n {
        for j in (0..whole).step_by(TILE) {
            tile::<W, 1, TILE, FMA, INVERSE>(lower, f, c, (i, j));
        }
        for j in whole..=i {
            tile::<W, 1, 1, FMA, INVERSE>(lower, f, c, (i, j));
        }
    }
}

/// Entries (i, j) to (i + R, j + S) of C. Only rows of F or C before i + R and from j on count, all else is zero.
#[inline(always)]
fn tile<const W: usize, const R: usize, const S: usize, const FMA: bool, const INVERSE: bool>(
    lower: &[f64],
    f: &LaneMatrix<W>,
    c: &mut LaneMatrix<W>,
    (i, j): (usize, usize),
) {
    let n = f.order();
    let end = if INVERSE { i } else { i + R };
    let mut left = [&[][..]; R];
    for r in 0..R {
        left[r] = &lower[(i + r) * n..][..end];
    }
    let mut sums = [[Lanes::<W>::ZERO; S]; R];
    for k in j..end {
        let right = &if INVERSE { c.row(k) } else { f.row(k) }[j..j + S];
        for r in 0..R {
            let left = Lanes([left[r][k]; W]);
            for s in 0..S {
                sums[r][s] = left.mul_add::<FMA>(right[s], sums[r][s]);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        c.row_mut(i + r)[j..j + S].copy_from_slice(sums);
    }
    if INVERSE {
        finish::<W, R, S, FMA>(lower, f, c, (i, j));
    }
}

/// Turns sums over the rows of C before i into its entries (i, j) to (i + R, j + S). Away from [`tile`], whose sums stay in
/// registers as long as nothing but constants indexes them.
#[inline(always)]
fn finish<const W: usize, const R: usize, const S: usize, const FMA: bool>(
    lower: &[f64],
    f: &LaneMatrix<W>,
    c: &mut LaneMatrix<W>,
    (i, j): (usize, usize),
) {
    let n = f.order();
    for r in 0..R {
        let l = &lower[(i + r) * n + i..][..=r];
        let pivot = Lanes([1.0 / l[r]; W]);
        let right = &f.row(i + r)[j..j + S];
        let (head, row) = c.split_at_row(i + r);
        let row = &mut row[j..j + S];
        for (k, l) in l[..r].iter().enumerate() {
            let above = &head[(i + k) * f.stride() + j..][..S];
            for s in 0..S {
                row[s] = Lanes([*l; W]).mul_add::<FMA>(above[s], row[s]);
            }
        }
        for s in 0..S {
            row[s] = (right[s] - row[s]) * pivot;
        }
    }
}

/// Lower triangle of CCᵀ for lower triangular C.
#[inline(always)]
fn gram<const W: usize, const FMA: bool>(c: &LaneMatrix<W>, gram: &mut LaneMatrix<W>) {
    let n = c.order();
    let whole = n / TILE * TILE;
    for i in (0..whole).step_by(TILE) {
        for j in (0..=i).step_by(TILE) {
            gram_tile::<W, TILE, TILE, FMA>(c, gram, (i, j));
        }
    }
    for i in whole..n {
        for j in (0..whole).step_by(TILE) {
            gram_tile::<W, 1, TILE, FMA>(c, gram, (i, j));
        }
        for j in whole..=i {
            gram_tile::<W, 1, 1, FMA>(c, gram, (i, j));
        }
    }
}

/// Entries (i, j) to (i + R, j + S), j <= i. Entries of C right of the diagonal are zero.
#[inline(always)]
fn gram_tile<const W: usize, const R: usize, const S: usize, const FMA: bool>(
    c: &LaneMatrix<W>,
    gram: &mut LaneMatrix<W>,
    (i, j): (usize, usize),
) {
    let end = j + S;
    let (mut left, mut right) = ([&[][..]; R], [&[][..]; S]);
    for r in 0..R {
        left[r] = &c.row(i + r)[..end];
    }
    for s in 0..S {
        right[s] = &c.row(j + s)[..end];
    }
    let mut sums = [[Lanes::<W>::ZERO; S]; R];
    for k in 0..end {
        for r in 0..R {
            for s in 0..S {
                sums[r][s] = left[r][k].mul_add::<FMA>(right[s][k], sums[r][s]);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        gram.row_mut(i + r)[j..j + S].copy_from_slice(sums);
    }
}

/// For all pairs of the matrices with these Cholesky factors Σ μ and Σ μ², μ the logarithms of the eigenvalues of A⁻¹B,
/// folded to one number a pair: the strict upper triangle of the result.
pub(crate) fn pairwise(isa: Isa, factors: Vec<DMatrix<f64>>, fold: impl Fn(f64, f64) -> f64 + Sync) -> DMatrix<f64> {
    match isa {
        Isa::Portable => pairwise_in::<2>(isa, factors, fold),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => pairwise_in::<4>(isa, factors, fold),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => pairwise_in::<8>(isa, factors, fold),
    }
}

fn pairwise_in<const W: usize>(
    isa: Isa,
    factors: Vec<DMatrix<f64>>,
    fold: impl Fn(f64, f64) -> f64 + Sync,
) -> DMatrix<f64> {
    let (count, n) = (factors.len(), factors[0].nrows());
    let factors = Factors::<W>::new(factors);
    crate::pairwise::by_rows_with(
        count,
        || Relative::<W>::new(n, isa),
        |relative, i, row| {
            relative.seen_from(&factors.all[i]);
            for (index, (group, out)) in factors.groups.iter().zip(row.chunks_mut(W)).enumerate() {
                let (sums, failed) = relative.sums(group);
                for (lane, out) in out.iter_mut().enumerate() {
                    *out = if failed[lane] {
                        let mut c = factors.all[index * W + lane].clone();
                        factors.all[i].solve_lower_triangular_unchecked_mut(&mut c);
                        let mu = jacobi_svd(&c).s.map(|s| 2.0 * s.ln());
                        fold(mu.sum(), mu.norm_squared())
                    } else {
                        fold(sums[0].0[lane], sums[1].0[lane])
                    };
                }
            }
            Ok(())
        },
    )
    .expect("nothing here fails")
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn every_instruction_set_sees_the_pairs_that_the_svd_sees() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(2);
        for (order, grade) in [(1, 1.0), (3, 0.5), (5, 1e-3), (6, 0.5), (9, 1e-4), (32, 0.9)] {
            let mut factor = |_| {
                DMatrix::from_fn(order, order, |i, j| match i.cmp(&j) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => f64::powi(grade, i as i32) * rng.random_range(0.5..1.0),
                    std::cmp::Ordering::Greater => f64::powi(grade, i as i32) * rng.random_range(-0.5..0.5),
                })
            };
            let factors: Vec<DMatrix<f64>> = (0..11).map(&mut factor).collect();
            for isa in Isa::available() {
                let found = pairwise(isa, factors.clone(), |sum, squares| squares.sqrt() + 0.1 * sum);
                for i in 0..factors.len() {
                    for j in 0..i {
                        let c = factors[i].clone().try_inverse().expect("diagonals are positive") * &factors[j];
                        let mu = jacobi_svd(&c).s.map(|s| 2.0 * s.ln());
                        let expected = mu.norm() + 0.1 * mu.sum();
                        // The product CCᵀ costs the smallest eigenvalue a factor ρ = exp(max μ − min μ), up to 1e6.
                        let rho = (mu.max() - mu.min()).exp().min(MAX_SPREAD);
                        let bound = 50.0 * order as f64 * f64::EPSILON * rho.max(1.0) * (1.0 + mu.norm());
                        let gap = (found[(j, i)] - expected).abs();
                        assert!(gap <= bound, "{isa:?} order {order} ({i}, {j}): {gap:e} > {bound:e}");
                    }
                }
            }
        }
    }
}
