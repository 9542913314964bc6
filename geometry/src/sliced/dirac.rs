//! Closed forms for two Dirac masses: the distance without Monte Carlo error.

use nalgebra::DMatrix;

use super::packed::{pack, packed_len, packed_trace};
use crate::error::{Error, Result};
use crate::spd::Spd;

/// E⟨A,S⟩² over A ~ λ_S for a packed symmetric S: (2‖S‖² + (tr S)²) / (d(d+2)).
pub(crate) fn second_moment(packed: &[f64], order: usize) -> f64 {
    let d = order as f64;
    let trace = packed_trace(packed, order);
    (2.0 * packed.iter().map(|x| x * x).sum::<f64>() + trace * trace) / (d * (d + 2.0))
}

/// SPDSW_2²(δ_X, δ_Y) = (2‖D‖² + (tr D)²) / (d(d+2)) with D = log X − log Y, the mean over all directions of law λ_S.
/// O(d³).
///
/// # Errors
/// [`Error::DimensionMismatch`] when the orders differ.
///
/// ```
/// use hadamard_geometry::{Spd, sliced::dirac_spdsw2_pow};
/// use nalgebra::DMatrix;
///
/// // For D = c I the value is ‖D‖²/d = c².
/// let x = Spd::try_new(DMatrix::identity(3, 3) * 2.0)?;
/// let value = dirac_spdsw2_pow(&x, &Spd::identity(3)?)?;
/// assert!((value - 2.0_f64.ln().powi(2)).abs() < 1e-14);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn dirac_spdsw2_pow(x: &Spd, y: &Spd) -> Result<f64> {
    Ok(second_moment(&pack(&log_difference(x, y)?), x.order()))
}

/// LogSW_2²(δ_X, δ_Y) = 2‖log X − log Y‖² / (d(d+1)). O(d³).
///
/// # Errors
/// [`Error::DimensionMismatch`] when the orders differ.
pub fn dirac_log_sw2_pow(x: &Spd, y: &Spd) -> Result<f64> {
    Ok(log_difference(x, y)?.norm_squared() / packed_len(x.order()) as f64)
}

/// log X − log Y.
fn log_difference(x: &Spd, y: &Spd) -> Result<DMatrix<f64>> {
    if x.order() != y.order() {
        return Err(Error::DimensionMismatch {
            what: "order of the second matrix",
            expected: x.order(),
            found: y.order(),
        });
    }
    Ok(x.log() - y.log())
}
