//! Rank of covariances, and what to do about a missing one: regularise, or reduce to a common subspace.
//!
//! Average-referenced, interpolated and ICA- or SSS-cleaned recordings have fewer independent signals than channels.
//! The logarithm of the eigenvalues that should be 0 would then dominate every distance, so such matrices are refused
//! by name ([`require_full`]) unless one of the two is asked for.

use hadamard_geometry::{SpdBatch, SymBatch};
use nalgebra::DMatrix;

use crate::error::{Error, Result, finite};

/// Eigenvalues below this times the largest count as zero.
///
/// Between the condition of clean recordings (about 1e5 for 64 channels of EEG) and the level of what cleaning leaves in
/// the removed directions (1e-8 to 1e-9 in EEG stored with 16 bits).
pub const DEFAULT_THRESHOLD: f64 = 1e-7;

/// Numerical rank of a symmetric matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct RankReport {
    /// Number of eigenvalues above `threshold` times the largest.
    pub rank: usize,
    /// Eigenvalues, descending.
    pub eigenvalues: Vec<f64>,
    /// The relative threshold.
    pub threshold: f64,
}

/// How a covariance is made positive definite. The scale is always that of the matrix itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Regularisation {
    /// Not at all: a matrix without full rank is refused.
    #[default]
    None,
    /// (1 − ρ) C + ρ (tr C/n) I.
    Shrinkage(f64),
    /// Eigenvalues below ε tr C/n are raised to it.
    Floor(f64),
}

/// A common subspace of recordings of deficient rank.
///
/// The columns of the basis are the leading eigenvectors of the mean covariance.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonSubspace {
    basis: DMatrix<f64>,
}

/// Numerical rank of `covariance`. O(n³).
///
/// # Errors
/// [`Error::Empty`]; [`Error::DimensionMismatch`] for a matrix that is not square; [`Error::NonFinite`] for an entry or an
/// eigenvalue that is not finite.
pub fn report(covariance: &DMatrix<f64>, threshold: f64) -> Result<RankReport> {
    let (mut eigenvalues, _) = eigen(covariance)?;
    eigenvalues.reverse();
    let largest = eigenvalues.first().copied().unwrap_or(0.0);
    let rank = eigenvalues
        .iter()
        .filter(|&&value| value > threshold * largest && value > 0.0)
        .count();
    Ok(RankReport {
        rank,
        eigenvalues,
        threshold,
    })
}

/// Accepts a batch whose matrices all have full numerical rank.
///
/// # Errors
/// [`Error::RankDeficient`] naming `context`, the first deficient matrix and its rank; [`Error::Geometry`] when one of
/// full rank at `threshold` is not positive definite to working precision.
pub fn require_full(batch: &SymBatch, threshold: f64, context: &str) -> Result<SpdBatch> {
    for (index, matrix) in batch.iter().enumerate() {
        let report = report(&matrix.into_owned(), threshold)?;
        if report.rank < batch.order() {
            return Err(Error::RankDeficient {
                context: if batch.len() == 1 {
                    context.into()
                } else {
                    format!("{context}, matrix {index}")
                },
                rank: report.rank,
                order: batch.order(),
                threshold,
            });
        }
    }
    Ok(SpdBatch::try_from_vec(batch.order(), batch.as_slice().to_vec())?)
}

impl Regularisation {
    /// Regularises one covariance.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless 0 <= ρ <= 1 and ε > 0; as [`report`], also when the result overflows.
    pub fn apply(&self, covariance: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let invalid = |value, reason| Error::InvalidParameter {
            name: "regularisation",
            value,
            reason,
        };
        check(covariance)?;
        let n = covariance.nrows();
        let scale = covariance.trace() / n as f64;
        let regular = match *self {
            Self::None => Ok(covariance.clone()),
            Self::Shrinkage(rho) if !(0.0..=1.0).contains(&rho) => Err(invalid(rho, "must lie between 0 and 1")),
            Self::Shrinkage(rho) => {
                let mut result = covariance * (1.0 - rho);
                for i in 0..n {
                    result[(i, i)] += rho * scale;
                }
                Ok(result)
            }
            Self::Floor(floor) if !(floor > 0.0 && floor.is_finite()) => {
                Err(invalid(floor, "must be positive and finite"))
            }
            Self::Floor(floor) => {
                let (values, vectors) = eigen(covariance)?;
                let mut result = covariance.clone();
                for (i, value) in values.iter().enumerate().filter(|(_, value)| **value < floor * scale) {
                    let vector = vectors.column(i);
                    result.syger(floor * scale - value, &vector, &vector, 1.0);
                }
                result.fill_upper_triangle_with_lower_triangle();
                Ok(result)
            }
        }?;
        check(&regular)?;
        Ok(regular)
    }

    /// Regularises every matrix of a batch.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_all(&self, batch: &SymBatch) -> Result<SymBatch> {
        if *self == Self::None {
            return Ok(batch.clone());
        }
        let mut data = Vec::with_capacity(batch.as_slice().len());
        for matrix in batch.iter() {
            data.extend_from_slice(self.apply(&matrix.into_owned())?.as_slice());
        }
        Ok(SymBatch::try_from_vec(batch.order(), data)?)
    }
}

impl CommonSubspace {
    /// The `dimensions` leading eigenvectors of the mean of the covariances, each first scaled to trace 1.
    ///
    /// Scaling lets a recording of large amplitude weigh no more than another. Fit it on training recordings only.
    ///
    /// # Errors
    /// [`Error::Empty`] without matrices; [`Error::InvalidParameter`] unless 1 <= `dimensions` <= order;
    /// [`Error::RankDeficient`] when the mean has a smaller rank at `threshold`.
    pub fn fit(covariances: &SymBatch, dimensions: usize, threshold: f64) -> Result<Self> {
        let n = covariances.order();
        if covariances.is_empty() {
            return Err(Error::Empty {
                what: "list of covariances",
            });
        }
        if dimensions == 0 || dimensions > n {
            return Err(Error::InvalidParameter {
                name: "dimensions",
                value: dimensions as f64,
                reason: "must lie between 1 and the order of the covariances",
            });
        }
        let mut mean = DMatrix::zeros(n, n);
        for matrix in covariances.iter() {
            let trace = matrix.trace();
            if trace > 0.0 {
                mean += matrix / trace;
            }
        }
        let rank = report(&mean, threshold)?.rank;
        if rank < dimensions {
            return Err(Error::RankDeficient {
                context: "mean covariance".into(),
                rank,
                order: dimensions,
                threshold,
            });
        }
        let (_, vectors) = eigen(&mean)?;
        Ok(Self {
            basis: DMatrix::from_fn(n, dimensions, |i, j| vectors[(i, n - 1 - j)]),
        })
    }

    /// The orthonormal basis W, n x r.
    pub fn basis(&self) -> &DMatrix<f64> {
        &self.basis
    }

    /// Wᵀ C W of every covariance.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for covariances of another order.
    pub fn reduce(&self, covariances: &SymBatch) -> Result<SymBatch> {
        if covariances.order() != self.basis.nrows() {
            return Err(Error::DimensionMismatch {
                what: "order of the covariances",
                expected: self.basis.nrows(),
                found: covariances.order(),
            });
        }
        let mut data = Vec::new();
        for matrix in covariances.iter() {
            let mut reduced = self.basis.transpose() * (matrix * &self.basis);
            reduced.fill_lower_triangle_with_upper_triangle();
            data.extend_from_slice(reduced.as_slice());
        }
        Ok(SymBatch::try_from_vec(self.basis.ncols(), data)?)
    }
}

/// Eigenvalues, ascending, and eigenvectors as columns.
fn eigen(matrix: &DMatrix<f64>) -> Result<(Vec<f64>, DMatrix<f64>)> {
    check(matrix)?;
    let eigen = hadamard_geometry::eigen::symmetric_eigen(matrix);
    let values = eigen.values.as_slice().to_vec();
    // An eigenvalue may exceed the largest number though no entry does.
    finite("eigenvalues of a covariance", &values)?;
    Ok((values, eigen.vectors))
}

/// Square, not empty, finite.
fn check(matrix: &DMatrix<f64>) -> Result<()> {
    let n = matrix.nrows();
    if n == 0 {
        return Err(Error::Empty { what: "covariance" });
    }
    if matrix.ncols() != n {
        return Err(Error::DimensionMismatch {
            what: "columns of a covariance",
            expected: n,
            found: matrix.ncols(),
        });
    }
    finite("covariance", matrix.as_slice())
}
