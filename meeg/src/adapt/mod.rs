//! Domain adaptation without labels: bring the covariances of one session or person (source) to those of another
//! (target), then train on the source and predict the target.
//!
//! | method | what moves | when |
//! |---|---|---|
//! | [`recentred`] | the mean logarithm of each domain goes to zero | always try it first: no optimisation |
//! | [`particles`] | every source matrix for itself, along the gradient of a loss | small clouds, changes of shape |
//! | [`transformation`] | all source matrices by one congruence T C Tᵀ: translation and rotation | few parameters; new source data follow |
//!
//! The losses: [`Loss::Spdsw`] and [`Loss::LogSw`] (sliced, O(n log n)), [`Loss::Exact`] (LEW) and [`Loss::Entropic`]
//! (LES), both O(n²) memory. Labels of the target are never used.
//!
//! Source: Bonet et al. 2023 (arXiv 2303.05798), section on domain adaptation for brain-computer interfaces.

mod particles;
mod transformation;

pub use particles::particles;
pub use transformation::{Congruence, Motion, TransformationOptions, transformation};

use hadamard_geometry::sliced::{Curvature, DirectionBank, Gradient, LogCloud, Objective, SlicedLoss};
use hadamard_geometry::transport::{SinkhornOptions, Solver, TransportLoss};

use crate::error::Result;

/// The discrepancy between the moved source and the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// SPDSW_2² with directions of law λ_S.
    Spdsw {
        /// Number of directions.
        directions: usize,
        /// Seed of the directions.
        seed: u64,
    },
    /// SPDSW_2² with directions uniform on the sphere of symmetric matrices.
    LogSw {
        /// Number of directions.
        directions: usize,
        /// Seed of the directions.
        seed: u64,
    },
    /// W_2² with the log-Euclidean ground cost.
    Exact,
    /// Its entropic regularisation.
    Entropic(SinkhornOptions),
}

impl Loss {
    /// Name of the loss in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Spdsw { .. } => "SPDSW",
            Self::LogSw { .. } => "LogSW",
            Self::Exact => "LEW",
            Self::Entropic(_) => "LES",
        }
    }

    /// Directions of the sliced losses, of the order of `target`.
    fn bank(&self, target: &LogCloud) -> Result<Option<DirectionBank>> {
        Ok(match *self {
            Self::Spdsw { directions, seed } => Some(DirectionBank::lambda_s(target.order(), directions, seed)?),
            Self::LogSw { directions, seed } => Some(DirectionBank::log_sw(target.order(), directions, seed)?),
            Self::Exact | Self::Entropic(_) => None,
        })
    }
}

/// A loss against a fixed target, ready to be evaluated.
enum Prepared<'a> {
    Sliced(SlicedLoss<'a>),
    Transport(TransportLoss<'a>),
}

impl<'a> Prepared<'a> {
    fn try_new(loss: Loss, bank: Option<&'a DirectionBank>, target: &'a LogCloud) -> Result<Self> {
        Ok(match (loss, bank) {
            (Loss::Entropic(options), _) => Self::Transport(TransportLoss::new(target, Solver::Entropic(options))),
            (_, Some(bank)) => Self::Sliced(SlicedLoss::try_new(bank, target, 2.0)?),
            (_, None) => Self::Transport(TransportLoss::new(target, Solver::Exact)),
        })
    }
}

impl Objective for Prepared<'_> {
    fn value_and_gradient(&self, cloud: &LogCloud) -> hadamard_geometry::Result<Gradient> {
        match self {
            Self::Sliced(loss) => loss.value_and_gradient(cloud),
            Self::Transport(loss) => loss.value_and_gradient(cloud),
        }
    }

    fn curvature(&self) -> Curvature {
        match self {
            Self::Sliced(loss) => loss.curvature(),
            Self::Transport(loss) => loss.curvature(),
        }
    }
}

/// The domain with its mean logarithm at zero: label-free log-Euclidean recentring, the baseline that every alignment
/// has to beat. O(n d²).
///
/// # Errors
/// None that a valid cloud can meet: its mean has its size and is finite.
///
/// Source: Zanini et al. 2018 (there with the affine-invariant mean); He & Wu 2020.
pub fn recentred(domain: &LogCloud) -> Result<LogCloud> {
    Ok(domain.recentred(&domain.mean())?)
}
