//! Empirical measures of SPD matrices kept as the matrices themselves, and what can be projected on a bank.

use std::ops::Range;

use pulp::Arch;

use super::cloud::{LogCloud, checked_weights};
use super::directions::DirectionBank;
use super::packed::packed_len;
use super::projection::project_panel;
use crate::batch::SpdBatch;
use crate::error::{Error, Result};

/// A measure Σ a_i δ_{X_i} on SPD(d), borrowed: for the affine-invariant distances, which do not work on logarithms.
#[derive(Debug, Clone)]
pub struct SpdMeasure<'a> {
    batch: &'a SpdBatch,
    weights: Option<Vec<f64>>,
}

impl<'a> SpdMeasure<'a> {
    /// The uniform measure on `batch`.
    ///
    /// # Errors
    /// [`Error::Empty`] without a matrix.
    pub fn uniform(batch: &'a SpdBatch) -> Result<Self> {
        if batch.is_empty() {
            return Err(Error::Empty { what: "measure" });
        }
        Ok(Self { batch, weights: None })
    }

    /// The measure with masses `weights`, non-negative and of sum 1.
    ///
    /// # Errors
    /// [`Error::Empty`] without a matrix, [`Error::InvalidWeights`].
    pub fn weighted(batch: &'a SpdBatch, weights: &[f64]) -> Result<Self> {
        let weights = checked_weights(weights, batch.len())?;
        Ok(Self {
            weights: Some(weights),
            ..Self::uniform(batch)?
        })
    }

    /// The matrices.
    pub fn batch(&self) -> &'a SpdBatch {
        self.batch
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether there is no point (never: constructors refuse it).
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Masses, or `None` for the uniform measure.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }
}

/// A measure whose points have a number for every direction of a bank.
pub(crate) trait Projected: Sync {
    /// Number of points.
    fn points(&self) -> usize;

    /// Masses, or `None` for the uniform measure.
    fn masses(&self) -> Option<&[f64]>;

    /// Writes the numbers of `lanes` of one panel of directions at `points`: rows of `lanes.len()` numbers.
    fn fill(
        &self,
        arch: Arch,
        bank: &DirectionBank,
        panel: usize,
        lanes: Range<usize>,
        points: Range<usize>,
        out: &mut Vec<f64>,
    );
}

impl Projected for LogCloud {
    fn points(&self) -> usize {
        self.len()
    }

    fn masses(&self) -> Option<&[f64]> {
        self.weights()
    }

    fn fill(
        &self,
        _: Arch,
        bank: &DirectionBank,
        panel: usize,
        lanes: Range<usize>,
        points: Range<usize>,
        out: &mut Vec<f64>,
    ) {
        let size = packed_len(self.order());
        project_panel(
            bank,
            panel,
            lanes,
            &self.rows()[points.start * size..points.end * size],
            out,
        );
    }
}
