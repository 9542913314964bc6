//! Adaptive: as many directions as the discarded energy asks for.

use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::update::gkl::{check_directions, lanczos_space, weighted};
use crate::update::residual::{Basis, Residual};
use crate::update::{Augmentation, sealed};

/// GKL that stops when the directions kept hold all but `tolerance`^2 of the residual's energy ||Y||_F^2.
///
/// The energy is known beforehand (the trace of Y^T Y), so the stop costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Adaptive {
    /// Relative size, in the Frobenius norm, of what may be left out of the new vectors.
    pub tolerance: f64,
    /// Directions at most.
    pub max_l: usize,
}

impl sealed::Sealed for Adaptive {}

impl Augmentation for Adaptive {
    const NAME: &'static str = "adaptive";

    fn check(&self) -> Result<()> {
        crate::lanczos::check_tolerance(self.tolerance)?;
        check_directions(self.max_l)
    }

    fn basis(&self, y: &Residual, rng: &mut Pcg64) -> Basis {
        let weights = y.proportions();
        let (own, outside) = y
            .energies()
            .iter()
            .zip(&weights)
            .fold((0.0, 0.0), |sum, (e, w)| (sum.0 + e.0 * w * w, sum.1 + e.1 * w * w));
        let allowed = self.tolerance * self.tolerance * own;
        if outside <= allowed {
            return Basis {
                select: faer::Mat::zeros(y.count(), 0),
            };
        }
        let space = lanczos_space(y, self.max_l, rng, |captured| outside - captured <= allowed);
        Basis {
            select: y.orthonormal(weighted(y, space)),
        }
    }
}
