//! The power-Euclidean metrics.

use super::{Deformed, Euclidean};
use crate::error::Result;

/// Power-Euclidean metric E^(p): d(A, B) = ‖A^p − B^p‖/|p|. Flat; not complete.
///
/// φ(x, y) = (p(x − y)/(x^p − y^p))². p = 1 is Euclidean, p = 1/2 the square-root metric, p = −1 inverse-Euclidean
/// (Dryden, Pennec and Peyrat 2010).
pub type PowerEuclidean = Deformed<Euclidean>;

impl Deformed<Euclidean> {
    /// E^(p).
    ///
    /// # Errors
    /// [`InvalidParameter`](crate::Error::InvalidParameter) for p = 0 or not finite.
    ///
    /// ```
    /// use hadamard_geometry::{Metric, Spd, metrics::PowerEuclidean};
    /// use nalgebra::dmatrix;
    ///
    /// let a = Spd::try_new(dmatrix![4.0, 0.0; 0.0, 9.0])?;
    /// let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 9.0])?;
    /// assert!((PowerEuclidean::try_new(0.5)?.distance(&a, &b)? - 2.0).abs() < 1e-14);
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn try_new(p: f64) -> Result<Self> {
        Self::new(Euclidean::default(), p, p.abs(), format!("power-Euclidean({p})"))
    }
}
