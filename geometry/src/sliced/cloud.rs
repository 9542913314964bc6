//! Empirical measures of SPD matrices in logarithmic coordinates.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::packed::{pack_into, packed_len, unpack_into};
use crate::batch::{SpdBatch, SymBatch};
use crate::error::{Error, Result, in_range};

/// Matrices whose logarithms are taken at once, so that a large cloud never exists three times in memory.
const LOG_CHUNK: usize = 1024;

/// Largest accepted |Σ weights − 1|.
const WEIGHT_TOLERANCE: f64 = 1e-6;

/// What leaves the range of numbers in matrices of astronomical entries.
const COORDINATE: &str = "packed coordinate";

/// Smallest accepted ratio of eigenvalues.
const RANK_TOLERANCE: f64 = 1e-10;

/// A measure Σ a_i δ_{X_i} on SPD(d), kept as packed logarithms: n rows of d(d+1)/2 coordinates.
///
/// The logarithms are taken once; every distance, feature, kernel and flow then works on the same rows.
///
/// ```
/// use hadamard_geometry::{SpdBatch, sliced::LogCloud};
///
/// let batch = SpdBatch::try_from_vec(2, vec![2.0, 1.0, 1.0, 3.0, 1.0, 0.0, 0.0, 1.0])?;
/// let cloud = LogCloud::try_new(&batch)?;
/// assert_eq!((cloud.order(), cloud.len()), (2, 2));
/// assert_eq!(cloud.point(1), &[0.0, 0.0, 0.0]);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LogCloud {
    order: usize,
    rows: Vec<f64>,
    weights: Option<Vec<f64>>,
}

impl LogCloud {
    /// The uniform measure on `batch`. O(n d³) for the logarithms, threads over matrices.
    ///
    /// # Errors
    /// [`Error::Empty`] without a matrix; [`Error::RankDeficient`] when the smallest eigenvalue of a matrix is below
    /// 1e-10 of its largest, because the logarithm of a rounding error would dominate every distance: shrink the
    /// covariances or project them to their common range first. [`Self::from_logs`] accepts any finite logarithm.
    pub fn try_new(batch: &SpdBatch) -> Result<Self> {
        if batch.is_empty() {
            return Err(Error::Empty { what: "measure" });
        }
        let order = batch.order();
        let mut rows = vec![0.0; batch.len() * packed_len(order)];
        let chunks = rows.chunks_mut(LOG_CHUNK * packed_len(order));
        for (chunk, out) in chunks.enumerate() {
            let first = chunk * LOG_CHUNK;
            let logs = if batch.len() <= LOG_CHUNK {
                batch.log()
            } else {
                let indices: Vec<usize> = (first..batch.len().min(first + LOG_CHUNK)).collect();
                batch.select(&indices).log()
            };
            pack_logs(&logs, first, out)?;
        }
        Ok(Self {
            order,
            rows,
            weights: None,
        })
    }

    /// The measure with masses `weights` on `batch`: non-negative and of sum 1 (to 1e-6, then normalised exactly).
    ///
    /// # Errors
    /// As [`Self::try_new`], and [`Error::InvalidWeights`].
    pub fn with_weights(batch: &SpdBatch, weights: &[f64]) -> Result<Self> {
        let weights = checked_weights(weights, batch.len())?;
        Ok(Self {
            weights: Some(weights),
            ..Self::try_new(batch)?
        })
    }

    /// The uniform measure on exp of the given symmetric matrices.
    ///
    /// # Errors
    /// [`Error::Empty`] without a matrix, [`Error::OutOfRange`] when √2 times an entry is.
    pub fn from_logs(logs: &SymBatch) -> Result<Self> {
        if logs.is_empty() {
            return Err(Error::Empty { what: "measure" });
        }
        let order = logs.order();
        let mut rows = vec![0.0; logs.len() * packed_len(order)];
        for (log, out) in logs
            .as_slice()
            .chunks_exact(order * order)
            .zip(rows.chunks_exact_mut(packed_len(order)))
        {
            pack_into(log, order, out);
        }
        Ok(Self {
            order,
            rows: in_range(COORDINATE, rows)?,
            weights: None,
        })
    }

    /// The uniform measure with packed logarithms `rows`: n rows of d(d+1)/2 entries, off-diagonal entries times √2.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::DimensionMismatch`] when the length is no multiple of d(d+1)/2, [`Error::NonFinite`].
    pub fn from_packed_rows(order: usize, rows: Vec<f64>) -> Result<Self> {
        if order == 0 || rows.is_empty() {
            return Err(Error::Empty { what: "measure" });
        }
        let size = packed_len(order);
        if !rows.len().is_multiple_of(size) {
            return Err(Error::DimensionMismatch {
                what: "length of the packed rows modulo d(d+1)/2",
                expected: 0,
                found: rows.len() % size,
            });
        }
        if let Some(position) = rows.iter().position(|x| !x.is_finite()) {
            return Err(Error::NonFinite {
                index: position / size,
                row: 0,
                column: position % size,
                value: rows[position],
            });
        }
        Ok(Self {
            order,
            rows,
            weights: None,
        })
    }

    /// The matrices themselves in place of their logarithms: with it every distance of this module becomes the plain
    /// (Euclidean) sliced-Wasserstein distance, the baseline that ignores the geometry of SPD(d).
    ///
    /// # Errors
    /// As [`Self::from_logs`].
    pub fn euclidean(batch: &SpdBatch) -> Result<Self> {
        if batch.is_empty() {
            return Err(Error::Empty { what: "measure" });
        }
        let order = batch.order();
        let mut rows = vec![0.0; batch.len() * packed_len(order)];
        for (matrix, out) in batch
            .as_slice()
            .chunks_exact(order * order)
            .zip(rows.chunks_exact_mut(packed_len(order)))
        {
            pack_into(matrix, order, out);
        }
        Ok(Self {
            order,
            rows: in_range(COORDINATE, rows)?,
            weights: None,
        })
    }

    /// The same points with masses `weights`.
    ///
    /// # Errors
    /// [`Error::InvalidWeights`].
    pub fn reweighted(mut self, weights: &[f64]) -> Result<Self> {
        self.weights = Some(checked_weights(weights, self.len())?);
        Ok(self)
    }

    /// Order d of the matrices.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Number n of points.
    pub fn len(&self) -> usize {
        self.rows.len() / packed_len(self.order)
    }

    /// Whether there is no point (never: constructors refuse it).
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Packed logarithms, point after point.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// Packed logarithms, to be moved by a flow.
    pub(crate) fn rows_mut(&mut self) -> &mut [f64] {
        &mut self.rows
    }

    /// Packed logarithm of point `index`. Panics when `index >= len()`, as slices do.
    pub fn point(&self, index: usize) -> &[f64] {
        let size = packed_len(self.order);
        &self.rows[index * size..(index + 1) * size]
    }

    /// Masses, or `None` for the uniform measure.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The logarithms as matrices.
    pub fn to_logs(&self) -> SymBatch {
        let block = self.order * self.order;
        let mut data = vec![0.0; self.len() * block];
        for (row, out) in self
            .rows
            .chunks_exact(packed_len(self.order))
            .zip(data.chunks_exact_mut(block))
        {
            unpack_into(row, self.order, out);
        }
        SymBatch::from_vec_unchecked(self.order, data)
    }

    /// Packed weighted mean of the logarithms: the logarithm of the log-Euclidean mean. O(n d²).
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; packed_len(self.order)];
        let uniform = 1.0 / self.len() as f64;
        for (index, row) in self.rows.chunks_exact(mean.len()).enumerate() {
            let weight = self.weights.as_ref().map_or(uniform, |w| w[index]);
            for (sum, &value) in mean.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        mean
    }

    /// The cloud with `shift` subtracted from every logarithm; with [`Self::mean`] this is log-Euclidean recentring.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] unless `shift` has d(d+1)/2 packed numbers; [`Error::NonFinite`] unless they are finite;
    /// [`Error::OutOfRange`] when a difference is.
    pub fn recentred(&self, shift: &[f64]) -> Result<Self> {
        if shift.len() != packed_len(self.order) {
            return Err(Error::DimensionMismatch {
                what: "length of the shift",
                expected: packed_len(self.order),
                found: shift.len(),
            });
        }
        if let Some(column) = shift.iter().position(|value| !value.is_finite()) {
            return Err(Error::NonFinite {
                index: 0,
                row: 0,
                column,
                value: shift[column],
            });
        }
        let mut moved = self.clone();
        for row in moved.rows.chunks_exact_mut(shift.len()) {
            row.iter_mut().zip(shift).for_each(|(value, &s)| *value -= s);
        }
        in_range(COORDINATE, &moved.rows)?;
        Ok(moved)
    }
}

/// Packs `logs` (points `first..` of their measure) and refuses numerically singular matrices.
fn pack_logs(logs: &SymBatch, first: usize, out: &mut [f64]) -> Result<()> {
    let order = logs.order();
    let rows = out.par_chunks_exact_mut(packed_len(order)).enumerate();
    let refused = logs
        .as_slice()
        .par_chunks_exact(order * order)
        .zip(rows)
        .find_map_first(|(log, (index, row))| {
            pack_into(log, order, row);
            check_rank(log, order, first + index).err()
        });
    refused.map_or(Ok(()), Err)
}

/// Spread of the eigenvalues of log X = log of the condition number of X. It is at most √2 ‖log X − (tr/d) I‖, so
/// that the eigenvalues are needed for suspicious matrices only.
fn check_rank(log: &[f64], order: usize, index: usize) -> Result<()> {
    let mean = (0..order).map(|i| log[i * order + i]).sum::<f64>() / order as f64;
    let square: f64 = log.iter().map(|x| x * x).sum::<f64>() - order as f64 * mean * mean;
    let limit = -RANK_TOLERANCE.ln();
    if 2.0 * square < limit * limit {
        return Ok(());
    }
    if !square.is_finite() {
        // The logarithm of an eigenvalue that rounding made zero or negative.
        return Err(Error::RankDeficient {
            index,
            rank: order - 1,
            order,
        });
    }
    let values = DMatrix::from_column_slice(order, order, log).symmetric_eigenvalues();
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rank = values.iter().filter(|&&v| v >= largest - limit).count();
    if rank == order {
        Ok(())
    } else {
        Err(Error::RankDeficient { index, rank, order })
    }
}

/// Validated masses of exact sum 1.
pub(crate) fn checked_weights(weights: &[f64], expected: usize) -> Result<Vec<f64>> {
    if weights.len() != expected {
        return Err(Error::InvalidWeights {
            reason: format!("{} weights for {expected} points", weights.len()),
        });
    }
    for (index, &weight) in weights.iter().enumerate() {
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(Error::InvalidWeights {
                reason: format!("weight {index} is {weight}"),
            });
        }
    }
    let total: f64 = weights.iter().sum();
    if (total - 1.0).abs() > WEIGHT_TOLERANCE {
        return Err(Error::InvalidWeights {
            reason: format!("the weights sum to {total}, not to 1"),
        });
    }
    Ok(weights.iter().map(|w| w / total).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_input_is_refused_by_name() {
        let empty = SpdBatch::try_from_vec(2, vec![]).unwrap();
        assert_eq!(LogCloud::try_new(&empty).unwrap_err(), Error::Empty { what: "measure" });
        let one = SpdBatch::try_from_vec(2, vec![1.0, 0.0, 0.0, 1.0]).unwrap();
        for weights in [&[0.5][..], &[-1.0], &[f64::NAN], &[0.5, 0.5], &[]] {
            assert!(
                matches!(LogCloud::with_weights(&one, weights), Err(Error::InvalidWeights { .. })),
                "{weights:?}"
            );
        }
        let thin = SpdBatch::try_from_vec(2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1e-12]).unwrap();
        assert_eq!(
            LogCloud::try_new(&thin).unwrap_err(),
            Error::RankDeficient {
                index: 1,
                rank: 1,
                order: 2
            }
        );
        assert!(LogCloud::from_packed_rows(2, vec![0.0, f64::NAN, 1.0]).is_err());
        assert!(LogCloud::from_packed_rows(2, vec![0.0; 4]).is_err());
    }

    #[test]
    fn tiny_units_are_no_rank_deficiency() {
        let meg = SpdBatch::try_from_vec(2, vec![2e-26, 1e-26, 1e-26, 3e-26]).unwrap();
        assert!(LogCloud::try_new(&meg).is_ok());
    }
}
