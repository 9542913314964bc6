//! Many factors seen from one, accurately: singular values and polar factors of FᵀU for one upper triangular U and W lower
//! triangular F side by side; polar factors by one-sided Jacobi, sums of singular values by way of bidiagonal forms.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::bidiagonal::Bidiagonal;
use super::group::{Isa, Kernel, on};
use super::jacobi::orthogonalise;
use super::lanes::{LaneMatrix, Lanes, Mask, one_by_one};
use super::partial_fractions::{MAX_LEVEL, PartialFractions};
use super::relative::{Factors, multiply};
use super::weighted::in_order;

/// Squares of singular values outside are left to the route of single pairs, which scales.
const SAFE: std::ops::Range<f64> = 1e-140..1e140;

/// Entries of a row that are summed together.
const STRIP: usize = 8;

/// Working memory of one thread.
pub(crate) struct Polar<const W: usize> {
    isa: Isa,
    /// Uᵀ, row after row.
    lower: Vec<f64>,
    c: LaneMatrix<W>,
    /// FᵀU, whose rows become orthogonal.
    g: LaneMatrix<W>,
    j: LaneMatrix<W>,
    /// Squares of the singular values.
    squares: Vec<Lanes<W>>,
    form: Bidiagonal<W>,
    fractions: PartialFractions<W>,
}

impl<const W: usize> Polar<W> {
    pub(crate) fn new(order: usize, isa: Isa) -> Self {
        Self {
            isa,
            lower: vec![0.0; order * order],
            c: LaneMatrix::zeros(order),
            g: LaneMatrix::zeros(order),
            j: LaneMatrix::zeros(order),
            squares: vec![Lanes::ZERO; order],
            form: Bidiagonal::zeros(order),
            fractions: PartialFractions::zeros(order),
        }
    }

    /// Takes U for the calls that follow.
    pub(crate) fn seen_from(&mut self, upper: &DMatrix<f64>) {
        let n = upper.nrows();
        for i in 0..n {
            for j in 0..=i {
                self.lower[i * n + j] = upper[(j, i)];
            }
        }
    }

    /// Sum of the singular values of FᵀU in each lane, each exact to about n ε s₁; true for the lanes that must go to the route
    /// of single pairs.
    fn nuclear_norms(&mut self, factors: &LaneMatrix<W>) -> (Lanes<W>, Mask<W>) {
        let (mut sum, mut failed) = (Lanes::ZERO, [true; W]);
        if self.squares.len() >= LEAST_REDUCED {
            on(
                self.isa,
                SumReduced {
                    lower: &self.lower,
                    factors,
                    c: &mut self.c,
                    form: &mut self.form,
                    fractions: &mut self.fractions,
                    found: (&mut sum, &mut failed),
                },
            );
            if !failed.contains(&true) {
                return (sum, failed);
            }
        }
        let unsolved = self.solve(factors, false);
        let mut others = Lanes::ZERO;
        for s in &self.squares {
            others = others + s.sqrt();
        }
        let sum = Lanes::select(failed, others, sum);
        (sum, std::array::from_fn(|lane| failed[lane] && unsolved[lane]))
    }

    /// FO in every lane, O the polar factor of FᵀU; true for the lanes that must go to the route of single pairs.
    fn aligned(&mut self, factors: &LaneMatrix<W>) -> (&LaneMatrix<W>, Mask<W>) {
        let failed = self.solve(factors, true);
        on(
            self.isa,
            Align {
                factors,
                squares: &self.squares,
                g: &mut self.g,
                j: &mut self.j,
                out: &mut self.c,
            },
        );
        (&self.j, failed)
    }

    fn solve(&mut self, factors: &LaneMatrix<W>, vectors: bool) -> Mask<W> {
        let mut failed = [false; W];
        on(
            self.isa,
            Solve {
                lower: &self.lower,
                factors,
                c: &mut self.c,
                g: &mut self.g,
                j: vectors.then_some(&mut self.j),
                squares: &mut self.squares,
                failed: &mut failed,
            },
        );
        for square in &self.squares {
            for lane in 0..W {
                failed[lane] |= !SAFE.contains(&square.0[lane]);
            }
        }
        failed
    }
}

/// From this order bidiagonal forms take less time than Jacobi's rotations (measured at 2 to 8, equal at 4).
const LEAST_REDUCED: usize = 5;

struct SumReduced<'a, const W: usize> {
    lower: &'a [f64],
    factors: &'a LaneMatrix<W>,
    c: &'a mut LaneMatrix<W>,
    form: &'a mut Bidiagonal<W>,
    fractions: &'a mut PartialFractions<W>,
    found: (&'a mut Lanes<W>, &'a mut Mask<W>),
}

impl<const W: usize> Kernel for SumReduced<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let n = self.c.order();
        multiply::<W, FMA>(self.lower, self.factors, self.c, n);
        // UᵀF is lower triangular.
        let mut most = Lanes::ZERO;
        for i in 0..n {
            let (left, right) = self.c.row_mut(i).split_at_mut(i + 1);
            right.fill(Lanes::ZERO);
            for x in left {
                most = Lanes::select_less(most, x.abs(), x.abs(), most);
            }
        }
        self.form.reduce::<FMA>(self.c);
        let squares = [&self.form.diagonal[..], &self.form.off];
        let (sum, mut failed) = self.fractions.root_trace::<FMA>(MAX_LEVEL, squares);
        for lane in 0..W {
            failed[lane] |= !SAFE.contains(&(most.0[lane] * most.0[lane]));
        }
        (*self.found.0, *self.found.1) = (sum, failed);
    }
}

struct Solve<'a, const W: usize> {
    lower: &'a [f64],
    factors: &'a LaneMatrix<W>,
    c: &'a mut LaneMatrix<W>,
    g: &'a mut LaneMatrix<W>,
    j: Option<&'a mut LaneMatrix<W>>,
    squares: &'a mut [Lanes<W>],
    failed: &'a mut Mask<W>,
}

impl<const W: usize> Kernel for Solve<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let n = self.squares.len();
        multiply::<W, FMA>(self.lower, self.factors, self.c, n);
        // FᵀU is the transpose of UᵀF, which is lower triangular.
        for i in 0..n {
            self.g.row_mut(i)[..i].fill(Lanes::ZERO);
            for j in 0..=i {
                self.g[(j, i)] = self.c[(i, j)];
            }
        }
        if let Some(j) = self.j.as_deref_mut() {
            j.fill_identity();
        }
        *self.failed = orthogonalise::<W, FMA>(self.g, self.j, self.squares);
    }
}

/// With JG₀ = G = diag(s) Vᵀ for G₀ = FᵀU: F Jᵀ diag(1/s) G.
struct Align<'a, const W: usize> {
    factors: &'a LaneMatrix<W>,
    squares: &'a [Lanes<W>],
    g: &'a mut LaneMatrix<W>,
    /// J, then the result.
    j: &'a mut LaneMatrix<W>,
    out: &'a mut LaneMatrix<W>,
}

impl<const W: usize> Kernel for Align<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let n = self.squares.len();
        for (k, square) in self.squares.iter().enumerate() {
            let inverse = Lanes::ONE / square.sqrt();
            for x in self.g.row_mut(k) {
                *x = *x * inverse;
                one_by_one();
            }
        }
        super::frames::product::<W, FMA, false>(self.j, self.g, self.out);
        for i in 0..n {
            let row = &self.factors.row(i)[..=i];
            for j in (0..n).step_by(STRIP) {
                let width = STRIP.min(n - j);
                let mut sums = [Lanes::<W>::ZERO; STRIP];
                for (k, factor) in row.iter().enumerate() {
                    let other = &self.out.row(k)[j..j + width];
                    if width == STRIP {
                        for b in 0..STRIP {
                            sums[b] = factor.mul_add::<FMA>(other[b], sums[b]);
                        }
                    } else {
                        for (sum, x) in sums.iter_mut().zip(other) {
                            *sum = factor.mul_add::<FMA>(*x, *sum);
                        }
                    }
                }
                self.j.row_mut(i)[j..j + width].copy_from_slice(&sums[..width]);
            }
        }
    }
}

/// Σ wᵢ Fᵢ Oᵢ, Oᵢ the polar factor of FᵢᵀU. `single` gives FO where lanes cannot.
pub(crate) fn aligned_sum<const W: usize>(
    isa: Isa,
    upper: &DMatrix<f64>,
    factors: &Factors<W>,
    weights: &[f64],
    single: impl Fn(&DMatrix<f64>) -> DMatrix<f64> + Sync,
) -> DMatrix<f64> {
    let n = upper.nrows();
    let terms: Vec<DMatrix<f64>> = factors
        .groups
        .par_iter()
        .zip(factors.all.par_chunks(W).zip(weights.par_chunks(W)))
        .map_init(
            || {
                let mut polar = Polar::<W>::new(n, isa);
                polar.seen_from(upper);
                polar
            },
            |polar, (group, (matrices, weights))| {
                let (aligned, failed) = polar.aligned(group);
                let mut sum = DMatrix::zeros(n, n);
                for (lane, (matrix, &weight)) in matrices.iter().zip(weights).enumerate() {
                    if failed[lane] {
                        sum += single(matrix) * weight;
                        continue;
                    }
                    for j in 0..n {
                        for i in 0..n {
                            sum[(i, j)] += aligned[(i, j)].0[lane] * weight;
                        }
                    }
                }
                sum
            },
        )
        .collect();
    in_order(n, &terms)
}

/// Σ s(FᵢᵀFⱼ) for j < i, row after row, handed to `finish` with (i, j): the strict upper triangle of the result. `None`
/// where lanes cannot tell.
pub(crate) fn nuclear_norms(
    isa: Isa,
    factors: Vec<DMatrix<f64>>,
    finish: impl Fn(usize, usize, Option<f64>) -> crate::Result<f64> + Sync,
) -> crate::Result<DMatrix<f64>> {
    match isa {
        Isa::Portable => nuclear_norms_in::<2>(isa, factors, finish),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => nuclear_norms_in::<4>(isa, factors, finish),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => nuclear_norms_in::<8>(isa, factors, finish),
    }
}

fn nuclear_norms_in<const W: usize>(
    isa: Isa,
    factors: Vec<DMatrix<f64>>,
    finish: impl Fn(usize, usize, Option<f64>) -> crate::Result<f64> + Sync,
) -> crate::Result<DMatrix<f64>> {
    let (count, n) = (factors.len(), factors[0].nrows());
    let factors = Factors::<W>::new(factors);
    crate::pairwise::by_rows_with(
        count,
        || Polar::<W>::new(n, isa),
        |polar, i, row| {
            polar.seen_from(&upper_factor(&factors.all[i]));
            for (index, (group, out)) in factors.groups.iter().zip(row.chunks_mut(W)).enumerate() {
                let (sums, failed) = polar.nuclear_norms(group);
                for (lane, out) in out.iter_mut().enumerate() {
                    *out = finish(i, index * W + lane, (!failed[lane]).then_some(sums.0[lane]))?;
                }
            }
            Ok(())
        },
    )
}

/// Upper triangular U with UUᵀ = LLᵀ, from the QR factorisation of Lᵀ with its columns in reverse.
pub(crate) fn upper_factor(l: &DMatrix<f64>) -> DMatrix<f64> {
    let n = l.nrows();
    let reversed = DMatrix::from_fn(n, n, |i, j| l[(n - 1 - j, i)]);
    let r = reversed.qr().r();
    DMatrix::from_fn(n, n, |i, j| r[(n - 1 - j, n - 1 - i)])
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::matrix_functions::svd::jacobi_svd;

    fn lower(order: usize, count: usize, grade: f64) -> Vec<DMatrix<f64>> {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(order as u64);
        let mut factor = |_| {
            DMatrix::from_fn(order, order, |i, j| {
                let size = grade.powf(i as f64 / order as f64);
                match i.cmp(&j) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => size * rng.random_range(0.5..1.0),
                    std::cmp::Ordering::Greater => size * rng.random_range(-1.0..1.0),
                }
            })
        };
        (0..count).map(&mut factor).collect()
    }

    #[test]
    fn every_instruction_set_finds_the_singular_values() {
        for (order, grade) in [(1, 1.0), (2, 1e-3), (7, 1e-6), (32, 1e-4)] {
            let factors = lower(order, 11, grade);
            for isa in Isa::available() {
                let found =
                    nuclear_norms(isa, factors.clone(), |_, _, sum| Ok(sum.expect("an ordinary pair"))).unwrap();
                for i in 0..factors.len() {
                    for j in 0..i {
                        let expected = jacobi_svd(&factors[j].tr_mul(&factors[i])).s.sum();
                        let gap = (found[(i, j)] / expected - 1.0).abs();
                        assert!(
                            gap <= 20.0 * order as f64 * f64::EPSILON,
                            "{isa:?} order {order}: {gap:e}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_width_finds_the_polar_factors() {
        fn check<const W: usize>(isa: Isa) {
            for (order, grade) in [(1, 1.0), (2, 1e-3), (7, 1e-4), (32, 1e-2)] {
                let factors = lower(order, 11, grade);
                let upper = upper_factor(&factors[0]);
                assert!((&upper * upper.transpose() - &factors[0] * factors[0].transpose()).norm() <= 1e-13);
                let weights: Vec<f64> = (0..11).map(|k| f64::from(k) / 55.0).collect();
                let single = |f: &DMatrix<f64>| {
                    let svd = jacobi_svd(&f.tr_mul(&upper));
                    f * svd.u * svd.v.transpose()
                };
                let mut expected = DMatrix::zeros(order, order);
                for (f, w) in factors.iter().zip(&weights) {
                    expected += single(f) * *w;
                }
                let set = Factors::<W>::new(factors);
                let found = aligned_sum(isa, &upper, &set, &weights, |_| unreachable!("an ordinary pair"));
                // Polar factors are known to n ε κ of FᵀU, whose condition is that of both factors.
                let bound = 20.0 * order as f64 * f64::EPSILON / grade / grade;
                let gap = (found - expected).norm();
                assert!(gap <= bound, "{isa:?} order {order}: {gap:e} > {bound:e}");
            }
        }
        for isa in Isa::available() {
            check::<2>(isa);
            check::<4>(isa);
            check::<8>(isa);
        }
    }
}
