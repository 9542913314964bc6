//! The power-affine metrics, with the polar-affine one among them.

use super::deformed::Power;
use super::{AffineInvariant, Deformed};
use crate::error::Result;

/// Power-affine metric A^(p): d(A, B) = d_AI(A^p, B^p)/|p|. Complete; curvature in \[−p²/2, 0\].
///
/// φ(x, y) = p²(xy)^p (x − y)²/(x^p − y^p)². p = 1 is affine-invariant, p = 2 polar-affine, p → 0 log-Euclidean
/// (Thanwerdas and Pennec 2019). A mean kernel metric for |p| ≤ 2.
pub type PowerAffine = Deformed<AffineInvariant>;

impl Deformed<AffineInvariant> {
    /// A^(p).
    ///
    /// # Errors
    /// [`InvalidParameter`](crate::Error::InvalidParameter) for p = 0 or not finite.
    pub fn try_new(p: f64) -> Result<Self> {
        Self::new(AffineInvariant::default(), p, p.abs(), format!("power-affine({p})"))
    }

    /// The polar-affine metric A^(2): φ = (2xy/(x + y))², isometric to a quarter of the affine-invariant one
    /// (Su, Dryden, Klassen, Le and Srivastava 2012; Zhang, Su, Klassen, Le and Srivastava 2019).
    ///
    /// ```
    /// use hadamard_geometry::{Metric, Spd, metrics::{AffineInvariant, PowerAffine}};
    /// use nalgebra::dmatrix;
    ///
    /// let a = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
    /// let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 5.0])?;
    /// assert!(PowerAffine::polar().distance(&a, &b)? >= AffineInvariant::default().distance(&a, &b)?);
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn polar() -> Self {
        Self {
            base: AffineInvariant::default(),
            map: Power(2.0),
            scale: 2.0,
            label: "polar-affine".into(),
        }
    }
}
