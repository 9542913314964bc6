//! Covariance estimators for windows of channels x time.
//!
//! With p channels, T samples and the centred samples z_t: S = Σ z_t z_tᵀ/T, μ = tr S/p.
//!
//! | estimator | what it is for |
//! |---|---|
//! | [`Estimator::Scm`], [`Estimator::Unbiased`] | T much larger than p |
//! | [`Estimator::OasChen`], [`Estimator::OasSklearn`], [`Estimator::LedoitWolf`] | short windows: (1 − ρ) S + ρ μ I, ρ from the data |
//! | [`Estimator::SchaeferStrimmer`] | short windows, variances kept: off-diagonals times 1 − γ |
//! | [`Estimator::Shrunk`] | (1 − ρ) S + ρ μ I, ρ given |
//! | [`Estimator::Huber`], [`Estimator::StudentT`] | samples with outliers; scale kept |
//! | [`Estimator::Tyler`], [`Estimator::RegularisedTyler`] | heavy tails; shape only, the scale is fixed |
//!
//! ```
//! use hadamard_meeg::Signal;
//! use hadamard_meeg::covariance::Estimator;
//!
//! let signal = Signal::new(vec!["a".into(), "b".into()], 1.0, vec![1.0, -1.0, 2.0, -2.0, 1.0, 1.0, -1.0, -1.0])?;
//! let estimate = Estimator::Scm.estimate(signal.view())?;
//! assert_eq!(estimate.matrix[(0, 0)], 2.5);
//! # Ok::<(), hadamard_meeg::Error>(())
//! ```

use std::str::FromStr;

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par};
use hadamard_geometry::SymBatch;
use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::error::{Error, Result, finite};
use crate::io::SignalView;

mod correlation;
mod ledoit_wolf;
mod m_estimator;
mod oas;
mod sample;
mod schaefer_strimmer;

pub use correlation::correlation;
pub use m_estimator::{Constants, Normalisation};

/// How a covariance is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Estimator {
    /// S, the maximum-likelihood estimate (divided by T).
    Scm,
    /// T/(T − 1) · S.
    Unbiased,
    /// Oracle-approximating shrinkage as published: Chen, Wiesel, Eldar & Hero 2010, equation (23).
    OasChen,
    /// Oracle-approximating shrinkage as scikit-learn (and with it pyRiemann) computes it, without the 2/p terms.
    OasSklearn,
    /// Ledoit & Wolf 2004: shrinkage to μ I of least expected squared error.
    LedoitWolf,
    /// Schäfer & Strimmer 2005: shrinkage of the correlations to 0, variances unbiased.
    SchaeferStrimmer,
    /// (1 − ρ) S + ρ μ I with 0 <= ρ <= 1.
    Shrunk(f64),
    /// Tyler 1987: the shape matrix C = (p/T) Σ z zᵀ/(zᵀ C⁻¹ z).
    Tyler(Normalisation),
    /// Chen, Wiesel & Hero 2011: C ← (1 − ρ)(p/T) Σ z zᵀ/(zᵀ C⁻¹ z) + ρ I, tr C = p; exists for any T.
    RegularisedTyler(f64),
    /// Huber's M-estimator: samples beyond the quantile q of χ²_p get less weight.
    Huber {
        /// Share q of Gaussian samples with full weight, 0 < q < 1.
        quantile: f64,
        /// Which constants.
        constants: Constants,
    },
    /// M-estimator of Student's t distribution.
    StudentT {
        /// Degrees of freedom ν > 0.
        degrees: f64,
        /// Which constants.
        constants: Constants,
    },
}

/// A covariance and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The symmetric p x p matrix, in the square of the signal's unit; a shape matrix has none.
    pub matrix: DMatrix<f64>,
    /// Intensity ρ or γ of a shrinkage estimator.
    pub shrinkage: Option<f64>,
    /// Iterations of an M-estimator, 0 for the others.
    pub iterations: usize,
}

impl Estimate {
    fn plain(matrix: DMatrix<f64>) -> Self {
        Self {
            matrix,
            shrinkage: None,
            iterations: 0,
        }
    }
}

impl Estimator {
    /// Covariance of a window; the mean of each channel is removed first. O(p² T), times the iterations of an
    /// M-estimator.
    ///
    /// # Errors
    /// [`Error::Empty`] without channels; [`Error::TooFewSamples`] for fewer than 2 samples, or as many samples as
    /// channels or fewer where the estimator needs more; [`Error::BadSample`] for NaN and infinity;
    /// [`Error::InvalidParameter`]; [`Error::NonFinite`] where squares overflow (samples beyond 1e150, for some
    /// estimators 1e75); [`Error::NoConvergence`] and [`Error::RankDeficient`] of M-estimators.
    pub fn estimate(&self, window: SignalView<'_>) -> Result<Estimate> {
        self.check_parameters()?;
        let centred = centre(window)?;
        self.estimate_centred(&centred)
    }

    /// As [`Self::estimate`], for samples whose mean is known to be 0 (M-estimators of band-passed data).
    ///
    /// # Errors
    /// As [`Self::estimate`].
    pub fn estimate_without_centring(&self, window: SignalView<'_>) -> Result<Estimate> {
        self.check_parameters()?;
        let samples = copy(window)?;
        self.estimate_centred(&samples)
    }

    /// Covariances of many windows of as many channels. Threads over windows, results in order.
    ///
    /// # Errors
    /// As [`Self::estimate`], of the first window that fails, which [`Error::Within`] names where the error itself has no room
    /// for it; [`Error::Empty`] without windows;
    /// [`Error::DimensionMismatch`] for windows of different numbers of channels.
    pub fn estimate_all(&self, windows: &[SignalView<'_>]) -> Result<SymBatch> {
        self.check_parameters()?;
        let order = windows
            .first()
            .ok_or(Error::Empty {
                what: "list of windows",
            })?
            .channels();
        let estimates: Vec<Result<Estimate>> = windows.par_iter().map(|window| self.estimate(*window)).collect();
        let mut data = Vec::with_capacity(windows.len() * order * order);
        for (index, estimate) in estimates.into_iter().enumerate() {
            let estimate = estimate.map_err(|error| error.within(&format!("window {index}")))?;
            if estimate.matrix.nrows() != order {
                return Err(Error::DimensionMismatch {
                    what: "channels of a window",
                    expected: order,
                    found: estimate.matrix.nrows(),
                });
            }
            data.extend_from_slice(estimate.matrix.as_slice());
        }
        Ok(SymBatch::try_from_vec(order, data)?)
    }

    fn estimate_centred(&self, z: &DMatrix<f64>) -> Result<Estimate> {
        let estimate = self.of_centred(z)?;
        finite(
            "covariance: squares of the samples leave the range of numbers",
            estimate.matrix.as_slice(),
        )?;
        Ok(estimate)
    }

    fn of_centred(&self, z: &DMatrix<f64>) -> Result<Estimate> {
        match *self {
            Self::Scm => Ok(Estimate::plain(sample::scm(z))),
            Self::Unbiased => Ok(Estimate::plain(sample::unbiased(z))),
            Self::Shrunk(rho) => Ok(sample::shrunk(sample::scm(z), rho)),
            Self::OasChen => Ok(oas::chen(z)),
            Self::OasSklearn => Ok(oas::sklearn(z)),
            Self::LedoitWolf => Ok(ledoit_wolf::ledoit_wolf(z)),
            Self::SchaeferStrimmer => Ok(schaefer_strimmer::schaefer_strimmer(z)),
            Self::Tyler(normalisation) => m_estimator::tyler(z, normalisation),
            Self::RegularisedTyler(rho) => m_estimator::regularised_tyler(z, rho),
            Self::Huber { quantile, constants } => m_estimator::huber(z, quantile, constants),
            Self::StudentT { degrees, constants } => m_estimator::student_t(z, degrees, constants),
        }
    }

    fn check_parameters(&self) -> Result<()> {
        let (name, value, valid, reason) = match *self {
            Self::Shrunk(rho) => ("shrinkage", rho, (0.0..=1.0).contains(&rho), "must lie between 0 and 1"),
            Self::RegularisedTyler(rho) => (
                "shrinkage",
                rho,
                rho > 0.0 && rho < 1.0,
                "must lie strictly between 0 and 1",
            ),
            Self::Huber { quantile, .. } => (
                "quantile",
                quantile,
                quantile > 0.0 && quantile < 1.0,
                "must lie strictly between 0 and 1",
            ),
            Self::StudentT { degrees, .. } => (
                "degrees",
                degrees,
                degrees > 0.0 && degrees.is_finite(),
                "must be positive and finite",
            ),
            _ => return Ok(()),
        };
        if valid {
            Ok(())
        } else {
            Err(Error::InvalidParameter { name, value, reason })
        }
    }
}

/// Names for options: `scm`, `unbiased`, `oas` (as published), `oas-sklearn`, `ledoit-wolf`, `schaefer-strimmer`,
/// `tyler` (trace p), `huber` (q = 0.9), `student-t` (ν = 5).
impl FromStr for Estimator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "scm" => Self::Scm,
            "unbiased" => Self::Unbiased,
            "oas" => Self::OasChen,
            "oas-sklearn" => Self::OasSklearn,
            "ledoit-wolf" => Self::LedoitWolf,
            "schaefer-strimmer" => Self::SchaeferStrimmer,
            "tyler" => Self::Tyler(Normalisation::Trace),
            "huber" => Self::Huber {
                quantile: 0.9,
                constants: Constants::Real,
            },
            "student-t" => Self::StudentT {
                degrees: 5.0,
                constants: Constants::Real,
            },
            _ => {
                return Err(Error::BadText {
                    what: "covariance estimator",
                    value: text.into(),
                    reason:
                        "expected scm, unbiased, oas, oas-sklearn, ledoit-wolf, schaefer-strimmer, tyler, huber or \
                             student-t"
                            .into(),
                });
            }
        })
    }
}

/// Time x channels, each channel without its mean.
fn centre(window: SignalView<'_>) -> Result<DMatrix<f64>> {
    let mut z = copy(window)?;
    for mut column in z.column_iter_mut() {
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        column.add_scalar_mut(-mean);
    }
    Ok(z)
}

/// Time x channels.
fn copy(window: SignalView<'_>) -> Result<DMatrix<f64>> {
    if window.channels() == 0 {
        return Err(Error::Empty {
            what: "list of channels",
        });
    }
    if window.samples() < 2 {
        return Err(Error::TooFewSamples {
            context: "window".into(),
            samples: window.samples(),
            needed: 2,
            purpose: "a covariance",
        });
    }
    let mut samples = Vec::with_capacity(window.channels() * window.samples());
    for channel in 0..window.channels() {
        samples.extend_from_slice(window.channel(channel));
    }
    if let Some(index) = samples.iter().position(|x| !x.is_finite()) {
        return Err(Error::BadSample {
            context: "window".into(),
            channel: (index / window.samples()).to_string(),
            sample: index % window.samples(),
            value: samples[index],
        });
    }
    Ok(DMatrix::from_vec(window.samples(), window.channels(), samples))
}

/// factor · zᵀ z, symmetric to the last bit.
fn gram(z: &DMatrix<f64>, factor: f64) -> DMatrix<f64> {
    let z = MatRef::from_column_major_slice(z.as_slice(), z.nrows(), z.ncols());
    let order = z.ncols();
    let mut product = Mat::<f64>::zeros(order, order);
    triangular::matmul(
        product.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        z.transpose(),
        BlockStructure::Rectangular,
        z,
        BlockStructure::Rectangular,
        factor,
        Par::Seq,
    );
    DMatrix::from_fn(order, order, |i, j| product[(i.max(j), i.min(j))])
}
