//! Squared distances and Gaussian kernels between many measures, over one or several frequency bands.

use nalgebra::DMatrix;
use pulp::Arch;
use rayon::prelude::*;

use super::cloud::LogCloud;
use super::directions::{DirectionBank, PANEL};
use super::one_dimensional::{Exponent, sorted_uniform, sorted_weighted};
use super::projection::PanelScratch;
use crate::error::{Error, Result, in_range, matrix_in_range};

/// How the kernels of several bands become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BandRule {
    /// K = Σ_f exp(−γ_f D_f): a measure may resemble another in any band.
    #[default]
    Sum,
    /// K = Π_f exp(−γ_f D_f) = exp(−Σ_f γ_f D_f): it must resemble it in all bands.
    Product,
}

/// Squared Euclidean distances ‖φ_i − φ_j‖² of N feature vectors of one length: N x N, symmetric, zero diagonal.
///
/// One matrix product of the centred features. O(N² T).
///
/// # Errors
/// [`Error::Empty`] without a vector, [`Error::DimensionMismatch`] when lengths differ, [`Error::NonFinite`],
/// [`Error::OutOfRange`] when a square overflows.
pub fn squared_distances(features: &[Vec<f64>]) -> Result<DMatrix<f64>> {
    let centred = centred_columns(features)?;
    let n = features.len();
    let gram = self_product(&centred);
    // `max` would pass over a NaN.
    let positive = |x: f64| if x < 0.0 { 0.0 } else { x };
    let squared = DMatrix::from_fn(n, n, |i, j| {
        if i == j {
            0.0
        } else {
            positive(gram[(i, i)] + gram[(j, j)] - 2.0 * gram[(i.max(j), i.min(j))])
        }
    });
    matrix_in_range("squared distance of features", squared)
}

/// SPDSW_2² between all pairs of `clouds`, exactly for any sizes and weights: N x N, symmetric, zero diagonal.
///
/// Each cloud is projected and sorted once; then O(N² L n) for the couplings, threads over directions. Memory: N² numbers
/// and the projections of all clouds on 16 directions for each thread.
///
/// # Errors
/// [`Error::Empty`] without a cloud, [`Error::DimensionMismatch`] for another order, [`Error::OutOfRange`] when a
/// square overflows.
pub fn exact_squared_distances(bank: &DirectionBank, clouds: &[&LogCloud]) -> Result<DMatrix<f64>> {
    if clouds.is_empty() {
        return Err(Error::Empty {
            what: "list of measures",
        });
    }
    for cloud in clouds {
        bank.check_order(cloud.order())?;
    }
    let n = clouds.len();
    let arch = Arch::new();
    let uniform = clouds.iter().all(|cloud| cloud.weights().is_none());
    let of_panel = |panel: usize| -> Vec<f64> {
        let lanes = bank.panel_len(panel);
        let mut sums = vec![0.0; n * n];
        let mut add = |distance: &dyn Fn(usize, usize) -> f64| {
            for i in 0..n {
                for j in 0..i {
                    sums[i * n + j] += distance(i, j);
                }
            }
        };
        let mut scratch: Vec<PanelScratch> = clouds.iter().map(|_| PanelScratch::default()).collect();
        for (scratch, cloud) in scratch.iter_mut().zip(clouds) {
            if uniform {
                scratch.project_sorted(arch, bank, panel, 0..PANEL, *cloud);
            } else {
                scratch.project(arch, bank, panel, *cloud);
            }
        }
        for lane in 0..lanes {
            if uniform {
                let rows: Vec<_> = scratch.iter_mut().map(|s| s.sorted(lane)).collect();
                add(&|i, j| sorted_uniform(rows[i], rows[j], Exponent::Two));
            } else {
                let pairs: Vec<_> = scratch
                    .iter_mut()
                    .zip(clouds)
                    .map(|(s, cloud)| s.sorted_pairs(lane, *cloud))
                    .collect();
                add(&|i, j| sorted_weighted(pairs[i], pairs[j], Exponent::Two));
            }
        }
        sums
    };
    // A few panels at a time, added in their order: N² numbers for each of them, and the same bits for any threads.
    let mut total = DMatrix::zeros(n, n);
    let panels: Vec<usize> = (0..bank.panel_count()).collect();
    for few in panels.chunks(rayon::current_num_threads().max(1)) {
        let few: Vec<Vec<f64>> = few.par_iter().map(|&panel| of_panel(panel)).collect();
        for sums in &few {
            for i in 0..n {
                for j in 0..i {
                    total[(i, j)] += sums[i * n + j];
                }
            }
        }
    }
    total /= bank.len() as f64;
    total.fill_upper_triangle_with_lower_triangle();
    matrix_in_range("squared distance of measures", total)
}

/// Squared distances between two lists of feature vectors: N x M, row i for `left[i]`. O(N M T).
///
/// # Errors
/// As [`squared_distances`]; [`Error::Empty`] only when both lists are empty.
pub fn cross_squared_distances(left: &[Vec<f64>], right: &[Vec<f64>]) -> Result<DMatrix<f64>> {
    let all: Vec<&[f64]> = left.iter().chain(right).map(Vec::as_slice).collect();
    check_features(&all)?;
    let mut out = DMatrix::zeros(left.len(), right.len());
    for (i, x) in left.iter().enumerate() {
        for (j, y) in right.iter().enumerate() {
            out[(i, j)] = x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum();
        }
    }
    matrix_in_range("squared distance of features", out)
}

/// Median heuristic γ = 1 / median_{i<j} D_ij over the pairs of `train`, and over these alone, so that nothing of the
/// test set enters the kernel. O(N²).
///
/// # Errors
/// [`Error::Empty`] with fewer than two training indices, [`Error::DimensionMismatch`] for an index out of range,
/// [`Error::InvalidParameter`] when the median distance is zero or not finite, [`Error::OutOfRange`] when γ overflows.
pub fn median_gamma(squared: &DMatrix<f64>, train: &[usize]) -> Result<f64> {
    if train.len() < 2 {
        return Err(Error::Empty {
            what: "list of training pairs",
        });
    }
    if let Some(&index) = train.iter().find(|&&index| index >= squared.nrows()) {
        return Err(Error::DimensionMismatch {
            what: "training index",
            expected: squared.nrows(),
            found: index,
        });
    }
    let mut pairs: Vec<f64> = train
        .iter()
        .enumerate()
        .flat_map(|(k, &i)| train[..k].iter().map(move |&j| squared[(i, j)]))
        .collect();
    pairs.sort_unstable_by(f64::total_cmp);
    let middle = pairs.len() / 2;
    let median = if pairs.len() % 2 == 1 {
        pairs[middle]
    } else {
        0.5 * (pairs[middle - 1] + pairs[middle])
    };
    if !(median.is_finite() && median > 0.0) {
        return Err(Error::InvalidParameter {
            name: "median squared distance",
            value: median,
            reason: "the median heuristic needs distinct measures",
        });
    }
    in_range("1 / median squared distance", [median.recip()]).map(|[gamma]| gamma)
}

/// Gaussian kernel matrix of one or several bands from their squared distances `squared[f]` and `gammas[f]`:
/// Σ_f or Π_f exp(−γ_f D_f), as `rule` says. Any shape, the same for all bands.
///
/// Positive definite when the distances come from one bank or one list of features per band.
///
/// # Errors
/// [`Error::Empty`] without a band, [`Error::DimensionMismatch`] for different numbers or shapes,
/// [`Error::InvalidParameter`] for a γ that is not positive and finite, [`Error::OutOfRange`] for a distance that is not
/// finite.
pub fn gaussian_kernel(squared: &[DMatrix<f64>], gammas: &[f64], rule: BandRule) -> Result<DMatrix<f64>> {
    let first = squared.first().ok_or(Error::Empty { what: "list of bands" })?;
    if gammas.len() != squared.len() {
        return Err(Error::DimensionMismatch {
            what: "number of gammas",
            expected: squared.len(),
            found: gammas.len(),
        });
    }
    if let Some(&value) = gammas.iter().find(|g| !(g.is_finite() && **g > 0.0)) {
        return Err(Error::InvalidParameter {
            name: "gamma",
            value,
            reason: "must be positive and finite",
        });
    }
    for band in squared {
        if band.shape() != first.shape() {
            return Err(Error::DimensionMismatch {
                what: "entries of the distance matrix of a band",
                expected: first.len(),
                found: band.len(),
            });
        }
        in_range("squared distance of a band", band.as_slice())?;
    }
    let mut kernel: DMatrix<f64> = DMatrix::zeros(first.nrows(), first.ncols());
    for (band, &gamma) in squared.iter().zip(gammas) {
        kernel.zip_apply(band, |k, d| {
            *k += match rule {
                BandRule::Sum => (-gamma * d).exp(),
                BandRule::Product => -gamma * d,
            }
        });
    }
    if rule == BandRule::Product {
        kernel.apply(|k| *k = k.exp());
    }
    matrix_in_range("kernel of squared distances below zero", kernel)
}

/// Features as columns, minus their mean: distances then lose no digits to a common offset.
fn centred_columns(features: &[Vec<f64>]) -> Result<faer::Mat<f64>> {
    let rows: Vec<&[f64]> = features.iter().map(Vec::as_slice).collect();
    let length = check_features(&rows)?;
    let mut mean = vec![0.0; length];
    for row in &rows {
        mean.iter_mut().zip(*row).for_each(|(m, &x)| *m += x);
    }
    mean.iter_mut().for_each(|m| *m /= rows.len() as f64);
    Ok(faer::Mat::from_fn(length, rows.len(), |i, j| rows[j][i] - mean[i]))
}

/// Common length of the vectors.
fn check_features(rows: &[&[f64]]) -> Result<usize> {
    let length = rows
        .first()
        .ok_or(Error::Empty {
            what: "list of features",
        })?
        .len();
    for (index, row) in rows.iter().enumerate() {
        if row.len() != length {
            return Err(Error::DimensionMismatch {
                what: "length of a feature vector",
                expected: length,
                found: row.len(),
            });
        }
        if let Some(column) = row.iter().position(|x| !x.is_finite()) {
            return Err(Error::NonFinite {
                index,
                row: 0,
                column,
                value: row[column],
            });
        }
    }
    Ok(length)
}

/// Lower triangle of FᵀF.
fn self_product(columns: &faer::Mat<f64>) -> faer::Mat<f64> {
    use faer::linalg::matmul::triangular::{BlockStructure, matmul};
    let n = columns.ncols();
    let mut out = faer::Mat::zeros(n, n);
    matmul(
        out.as_mut(),
        BlockStructure::TriangularLower,
        faer::Accum::Replace,
        columns.transpose(),
        BlockStructure::Rectangular,
        columns.as_ref(),
        BlockStructure::Rectangular,
        1.0,
        faer::Par::Seq,
    );
    out
}
