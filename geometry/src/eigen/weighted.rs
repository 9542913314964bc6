//! Weighted sums of the matrices in the lanes.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::batch::ISA;
use super::group::{Group, Isa, Kernel, on};
use super::lanes::{LaneMatrix, Lanes, one_by_one};
use super::partial_fractions::{Fractional, MAX_LEVEL};

/// Matrices whose logarithms are summed before they are added to the others; threads go over such sums.
pub(crate) const SUMMED: usize = 16;

/// Σ wᵢ log(Aᵢ/unit) over pairs of an index into a batch of positive definite matrices and its weight, `unit` a power of
/// two, of orders that partial fractions serve; `single` gives log A of a matrix that they cannot do. The order of the terms
/// depends on no thread.
pub(crate) fn logarithms(
    order: usize,
    batch: &[f64],
    weights: &[(usize, f64)],
    unit: f64,
    single: impl Fn(Vec<f64>) -> DMatrix<f64> + Sync,
) -> DMatrix<f64> {
    match *ISA {
        Isa::Portable => logarithms_in::<2>(order, batch, weights, unit, single),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => logarithms_in::<4>(order, batch, weights, unit, single),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => logarithms_in::<8>(order, batch, weights, unit, single),
    }
}

fn logarithms_in<const W: usize>(
    order: usize,
    batch: &[f64],
    weights: &[(usize, f64)],
    unit: f64,
    single: impl Fn(Vec<f64>) -> DMatrix<f64> + Sync,
) -> DMatrix<f64> {
    let size = order * order;
    let matrix = |index: usize| &batch[index * size..(index + 1) * size];
    let terms: Vec<DMatrix<f64>> = weights
        .par_chunks(SUMMED)
        .map_init(
            || (Group::<W>::new(order, *ISA), LaneMatrix::zeros(order)),
            |(group, total), chunk| {
                total.clear();
                let mut others = DMatrix::zeros(order, order);
                for pairs in chunk.chunks(W) {
                    group.load(pairs.iter().map(|&(index, _)| matrix(index)));
                    for scale in &mut group.scale {
                        *scale *= unit;
                    }
                    let failed = group.fractional(Fractional::Log, MAX_LEVEL);
                    let mut used = Lanes::ZERO;
                    for (lane, &(index, weight)) in pairs.iter().enumerate() {
                        if failed[lane] {
                            others += single(matrix(index).iter().map(|x| x / unit).collect()) * weight;
                        } else {
                            used.0[lane] = weight;
                        }
                    }
                    let add = Add {
                        s: &group.a,
                        weights: used,
                        total: &mut *total,
                    };
                    on(*ISA, add);
                }
                lane_sum(total, order) + others
            },
        )
        .collect();
    in_order(order, &terms)
}

/// The sum of matrices of one order, from the first to the last, whichever threads made them.
pub(crate) fn in_order(order: usize, terms: &[DMatrix<f64>]) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(order, order);
    for term in terms {
        sum += term;
    }
    sum
}

struct Add<'a, const W: usize> {
    /// Lower triangles.
    s: &'a LaneMatrix<W>,
    weights: Lanes<W>,
    total: &'a mut LaneMatrix<W>,
}

impl<const W: usize> Kernel for Add<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let used = bits(self.weights);
        for i in 0..self.s.order() {
            for (sum, x) in self.total.row_mut(i)[..=i].iter_mut().zip(self.s.row(i)) {
                *sum = Lanes::blend(&used, *x, Lanes::ZERO).mul_add::<FMA>(self.weights, *sum);
                one_by_one();
            }
        }
    }
}

/// All bits for lanes that have a weight: what stands in the others may be no number.
#[inline(always)]
fn bits<const W: usize>(weights: Lanes<W>) -> [u64; W] {
    weights.0.map(|w| if w == 0.0 { 0 } else { u64::MAX })
}

/// The sum over lanes of a symmetric matrix whose lower triangle is given.
pub(super) fn lane_sum<const W: usize>(lanes: &LaneMatrix<W>, order: usize) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(order, order);
    for i in 0..order {
        for (j, x) in lanes.row(i)[..=i].iter().enumerate() {
            let x: f64 = x.0.iter().sum();
            sum[(i, j)] = x;
            sum[(j, i)] = x;
        }
    }
    sum
}

/// Σ w S over the lanes that have a weight, and Σ w times the mean of (μ_a − μ_b)² over pairs of eigenvalues of S.
pub(super) fn weighted<const W: usize>(
    isa: Isa,
    s: &mut LaneMatrix<W>,
    weights: &[f64],
    n: usize,
) -> (DMatrix<f64>, f64) {
    let mut all = Lanes::ZERO;
    all.0[..weights.len()].copy_from_slice(weights);
    let mut spread = 0.0;
    on(
        isa,
        Weighted {
            s: &mut *s,
            weights: all,
            spread: &mut spread,
        },
    );
    (lane_sum(s, n), spread)
}

struct Weighted<'a, const W: usize> {
    /// Lower triangles, which are multiplied by the weights.
    s: &'a mut LaneMatrix<W>,
    weights: Lanes<W>,
    spread: &'a mut f64,
}

impl<const W: usize> Kernel for Weighted<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let n = self.s.order();
        let used = bits(self.weights);
        let (mut squares, mut trace) = (Lanes::<W>::ZERO, Lanes::ZERO);
        for i in 0..n {
            let row = &mut self.s.row_mut(i)[..=i];
            let mut sum = Lanes::ZERO;
            for x in row.iter_mut() {
                *x = Lanes::blend(&used, *x, Lanes::ZERO);
                sum = x.mul_add::<FMA>(*x, sum);
            }
            let diagonal = row[i];
            trace = trace + diagonal;
            squares = squares + (sum + sum) - diagonal * diagonal;
            for x in row {
                *x = *x * self.weights;
                one_by_one();
            }
        }
        let order = Lanes([n as f64; W]);
        let mean = trace / order;
        let spread = self.weights * (squares / order - mean * mean).map(|x| 2.0 * x.max(0.0));
        *self.spread = spread.0.iter().sum();
    }
}
