//! Features of covariance matrices: log powers, log-Euclidean and affine-invariant tangent vectors, quantiles of slices.
//!
//! | feature of one example and band | length | sees |
//! |---|---|---|
//! | [`log_power`]: log of the diagonal of the mean covariance | d | power of each channel |
//! | [`log_euclidean`]: log of the mean covariance, packed | d(d+1)/2 | powers and correlations |
//! | [`TangentSpace`]: log(G^-½ C G^-½), G the affine-invariant mean of the *training* examples, packed | d(d+1)/2 | the same, blind to the mixing of sources |
//! | [`sliced_quantiles`]: quantiles of the windows' log covariances along random directions | L·T | the whole distribution over windows |
//!
//! "Packed" is the upper triangle with off-diagonal entries times √2, so that dot products are Frobenius products.
//! Bands are laid side by side as blocks of a [`FeatureMatrix`].
//!
//! Sources: Sabbagh et al., NeurIPS 2019 (arXiv 1906.02687) for regression on tangent vectors; Bonet et al., ICML 2023
//! (arXiv 2303.05798) for the quantiles.

use hadamard_geometry::SpdBatch;
use hadamard_geometry::mean::{MeanOptions, affine_invariant};
use hadamard_geometry::sliced::{DirectionBank, LogCloud, pack};
use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::cohort::{Cohort, Example};
use crate::error::{Error, Result};
use crate::model::data::same_len;
use crate::model::leave_out::members;
use crate::model::{Dataset, FeatureMatrix, Sample, Transform, Transformed};

/// One covariance an example and band: the arithmetic mean over windows.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanCovariances {
    bands: Vec<SpdBatch>,
}

impl MeanCovariances {
    /// Means over the windows of every example. O(N T d²) a band.
    ///
    /// # Errors
    /// [`Error::Geometry`] when a mean is not positive definite to working precision.
    pub fn of(cohort: &Cohort) -> Result<Self> {
        let order = cohort.channels().len();
        let bands = (0..cohort.bands().len())
            .map(|band| {
                let mut data = Vec::with_capacity(cohort.len() * order * order);
                for example in cohort.examples() {
                    let windows = &example.bands[band];
                    let mut sum = DMatrix::zeros(order, order);
                    for window in windows.iter() {
                        sum += window;
                    }
                    sum /= windows.len() as f64;
                    data.extend_from_slice(sum.as_slice());
                }
                Ok(SpdBatch::try_from_vec(order, data)?)
            })
            .collect::<Result<_>>()?;
        Ok(Self { bands })
    }

    /// One batch of N matrices a band.
    ///
    /// # Errors
    /// [`Error::Empty`] without bands or matrices, [`Error::DimensionMismatch`] for bands of different sizes.
    pub fn try_new(bands: Vec<SpdBatch>) -> Result<Self> {
        let Some(first) = bands.first().filter(|batch| !batch.is_empty()) else {
            return Err(Error::Empty {
                what: "mean covariances",
            });
        };
        for batch in &bands {
            if batch.len() != first.len() || batch.order() != first.order() {
                return Err(Error::DimensionMismatch {
                    what: "covariances of a band",
                    expected: first.len() * first.order(),
                    found: batch.len() * batch.order(),
                });
            }
        }
        Ok(Self { bands })
    }

    /// The examples at `rows`, in that order. Panics when a row is out of range, as slices do.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            bands: self.bands.iter().map(|batch| batch.select(rows)).collect(),
        }
    }

    /// The matrices, one batch a band.
    pub fn bands(&self) -> &[SpdBatch] {
        &self.bands
    }
}

impl Dataset for MeanCovariances {
    fn len(&self) -> usize {
        self.bands[0].len()
    }
}

/// Logarithms of the diagonals: log C_jj for every channel j, band after band.
///
/// # Errors
/// None for valid covariances.
pub fn log_power(covariances: &MeanCovariances) -> Result<FeatureMatrix> {
    let rows = |batch: &SpdBatch| {
        batch
            .iter()
            .map(|c| c.diagonal().iter().map(|p| p.ln()).collect())
            .collect()
    };
    FeatureMatrix::try_from_bands(&covariances.bands.iter().map(rows).collect::<Vec<_>>())
}

/// Packed logarithms: log C for every band. Euclidean geometry of these vectors is log-Euclidean geometry. O(N d³).
///
/// # Errors
/// [`Error::NonFinite`] for a logarithm that is no number.
pub fn log_euclidean(covariances: &MeanCovariances) -> Result<FeatureMatrix> {
    let rows = |batch: &SpdBatch| batch.log().iter().map(|log| pack(&log.into_owned())).collect();
    FeatureMatrix::try_from_bands(&covariances.bands.iter().map(rows).collect::<Vec<_>>())
}

/// How [`sliced_quantiles`] looks at a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slices {
    /// Number L of directions.
    pub directions: usize,
    /// Number T of quantile levels, midpoints of T equal parts of [0, 1].
    pub levels: usize,
    /// Seed of the directions, the same for all examples and bands.
    pub seed: u64,
}

impl Default for Slices {
    /// 500 directions, 20 levels.
    fn default() -> Self {
        Self {
            directions: 500,
            levels: 20,
            seed: 0,
        }
    }
}

/// Quantiles of the log covariances of each example's windows along random directions.
///
/// |φ_i - φ_j|² over the columns of a band is SPDSW_2² between the two examples' sets of windows, up to the L directions
/// and T levels. The directions are one bank for all examples, so Gaussian kernels of these distances are positive
/// definite. A row depends on its example alone. O(N (T_windows d³ + L T_windows d²)) a band; threads over examples.
///
/// # Errors
/// [`Error::Geometry`] for no directions; [`Error::Recording`] naming the example and the band for no levels, or for a
/// window whose covariance is singular.
pub fn sliced_quantiles(cohort: &Cohort, slices: Slices) -> Result<FeatureMatrix> {
    let bank = DirectionBank::lambda_s(cohort.channels().len(), slices.directions, slices.seed)?;
    let bands = (0..cohort.bands().len())
        .map(|band| {
            cohort
                .examples()
                .par_iter()
                .map(|example| {
                    let name = |cause: hadamard_geometry::Error| Error::Recording {
                        id: example.id.clone(),
                        cause: format!("band {}: {cause}", cohort.bands()[band]),
                    };
                    let cloud = LogCloud::try_new(&example.bands[band]).map_err(name)?;
                    bank.quantile_features(&cloud, slices.levels).map_err(name)
                })
                .collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?;
    FeatureMatrix::try_from_bands(&bands)
}

/// Tangent vectors log(G^-½ C G^-½) at the affine-invariant mean G of the training examples, band by band.
///
/// With a mixing matrix that all people share, C = M S Mᵀ, and log powers in S that are linear in the target, the
/// target is linear in these vectors, whatever M.
///
/// Source: Barachant et al., IEEE TBME 59 (2012) 920-928; Sabbagh et al., NeurIPS 2019 (arXiv 1906.02687), Prop. 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TangentSpace;

/// A fitted [`TangentSpace`]: G^-½ of every band.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTangentSpace {
    whitening: Vec<DMatrix<f64>>,
}

impl Transform<MeanCovariances> for TangentSpace {
    type Fitted = FittedTangentSpace;

    fn fit(&self, train: &Sample<'_, MeanCovariances>) -> Result<FittedTangentSpace> {
        let whitening = train.covariances().bands.iter().map(whitening).collect::<Result<_>>()?;
        Ok(FittedTangentSpace { whitening })
    }
}

impl Transformed<MeanCovariances> for FittedTangentSpace {
    fn apply(&self, sample: &Sample<'_, MeanCovariances>) -> Result<FeatureMatrix> {
        let covariances = sample.covariances();
        same_len("bands of an example", self.whitening.len(), covariances.bands.len())?;
        let rows = |(batch, whitening): (&SpdBatch, &DMatrix<f64>)| {
            same_len("channels of an example", whitening.nrows(), batch.order())?;
            Ok(congruence(batch, whitening)?
                .log()
                .iter()
                .map(|log| pack(&log.into_owned()))
                .collect())
        };
        let bands = covariances
            .bands
            .iter()
            .zip(&self.whitening)
            .map(rows)
            .collect::<Result<Vec<_>>>()?;
        FeatureMatrix::try_from_bands(&bands)
    }
}

impl Sample<'_, MeanCovariances> {
    /// The covariances of these rows, and of no others.
    pub fn covariances(&self) -> MeanCovariances {
        self.data().select(self.rows())
    }
}

/// Moves the affine-invariant mean of every person's windows to the identity, band by band: C -> G^-½ C G^-½.
///
/// What differs between people (skull, cap, impedances) goes; what differs between the conditions of one person stays.
/// No label is used, and no other person's recordings. One affine-invariant mean for each person and band; threads over
/// people.
///
/// # Errors
/// [`Error::Geometry`] when a mean does not converge.
///
/// Source: Zanini et al., IEEE TBME 65 (2018) 1107-1116.
pub fn recenter(cohort: &Cohort) -> Result<Cohort> {
    let people: Vec<Vec<usize>> = members(&cohort.persons());
    let moved = people
        .par_iter()
        .map(|rows| {
            let mut examples: Vec<Example> = rows.iter().map(|&row| cohort.examples()[row].clone()).collect();
            for band in 0..cohort.bands().len() {
                let mut data = Vec::new();
                for example in &examples {
                    data.extend_from_slice(example.bands[band].as_slice());
                }
                let whitening = whitening(&SpdBatch::try_from_vec(cohort.channels().len(), data)?)?;
                for example in &mut examples {
                    example.bands[band] = congruence(&example.bands[band], &whitening)?;
                }
            }
            Ok(examples)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut examples = cohort.examples().to_vec();
    for (rows, moved) in people.iter().zip(moved) {
        for (&row, example) in rows.iter().zip(moved) {
            examples[row] = example;
        }
    }
    Cohort::try_new(examples, cohort.bands().to_vec(), cohort.channels().to_vec())
}

/// G^-½ of the affine-invariant mean G.
fn whitening(batch: &SpdBatch) -> Result<DMatrix<f64>> {
    let options = MeanOptions::default();
    let report = affine_invariant(batch, None, &options)?;
    // A mean that stalls at the level of rounding, far below any difference between recordings, serves as well.
    if !report.converged && report.gradient_norm > USABLE_GRADIENT {
        return Err(Error::Geometry(hadamard_geometry::Error::NoConvergence {
            what: "affine-invariant mean",
            iterations: report.iterations,
            residual: report.gradient_norm,
            tolerance: options.tolerance,
        }));
    }
    Ok(report.mean.eigen().map(|d| d.sqrt().recip()))
}

/// Largest accepted gradient norm of a mean, an affine-invariant distance.
const USABLE_GRADIENT: f64 = 1e-8;

fn symmetric(matrix: DMatrix<f64>) -> DMatrix<f64> {
    (&matrix + matrix.transpose()) * 0.5
}

/// W C W for every matrix C and a symmetric W.
fn congruence(batch: &SpdBatch, whitening: &DMatrix<f64>) -> Result<SpdBatch> {
    let mut data = Vec::with_capacity(batch.as_slice().len());
    for matrix in batch.iter() {
        data.extend_from_slice(symmetric(whitening * matrix * whitening).as_slice());
    }
    Ok(SpdBatch::try_from_vec(batch.order(), data)?)
}
