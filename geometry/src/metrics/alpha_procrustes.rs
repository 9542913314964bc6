//! The alpha-Procrustes metrics.

use super::{BuresWasserstein, Deformed};
use crate::error::Result;

/// Alpha-Procrustes metric: d(A, B) = min over orthogonal R of ‖A^a − B^a R‖/|a| = d_BW(A^{2a}, B^{2a})/|a|
/// (Minh 2022). Non-negatively curved; not complete.
///
/// φ(x, y) = (x^{2a} + y^{2a})/2 · (2a(x − y)/(x^{2a} − y^{2a}))². a = 1/2 is 4 times Bures–Wasserstein as a metric
/// (twice as a distance), a → 0 log-Euclidean.
pub type AlphaProcrustes = Deformed<BuresWasserstein>;

impl Deformed<BuresWasserstein> {
    /// The metric of exponent a.
    ///
    /// # Errors
    /// [`InvalidParameter`](crate::Error::InvalidParameter) for a = 0 or not finite.
    ///
    /// ```
    /// use hadamard_geometry::{Metric, Spd, metrics::{AlphaProcrustes, BuresWasserstein}};
    /// use nalgebra::dmatrix;
    ///
    /// let a = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
    /// let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 5.0])?;
    /// let half = AlphaProcrustes::try_new(0.5)?.distance(&a, &b)?;
    /// assert!((half - 2.0 * BuresWasserstein.distance(&a, &b)?).abs() < 1e-14);
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn try_new(a: f64) -> Result<Self> {
        Self::new(BuresWasserstein, 2.0 * a, a.abs(), format!("alpha-Procrustes({a})"))
    }
}
