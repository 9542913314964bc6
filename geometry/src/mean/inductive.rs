//! Means that see one matrix at a time.

use super::checked_weights;
use crate::batch::SpdBatch;
use crate::error::{Error, Result};
use crate::metric::Metric;
use crate::spd::Spd;

/// Inductive (cyclic) mean: M_{k+1} is the point of the geodesic from M_k to the next matrix at the fraction
/// w_{k+1}/(w_1 + … + w_{k+1}), through the batch `passes` times.
///
/// Converges to the Fréchet mean of a Hadamard metric as the passes go to infinity (Holbrook 2012), with an error of
/// about 1/(N·passes); a cheap start or an online mean. Depends on the order of the matrices. Cost: one geodesic point a
/// matrix and pass.
///
/// # Errors
/// [`Error::InvalidParameter`] for 0 passes; as [`frechet`](super::frechet).
///
/// ```
/// use hadamard_geometry::{SpdBatch, mean::inductive, metrics::AffineInvariant};
/// use nalgebra::dmatrix;
///
/// // Exact where all matrices commute.
/// let batch = SpdBatch::try_from_matrices(&[dmatrix![1.0], dmatrix![2.0], dmatrix![4.0]])?;
/// let mean = inductive(&AffineInvariant::default(), &batch, None, 1)?;
/// assert!((mean.matrix()[(0, 0)] - 2.0).abs() < 1e-14);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn inductive<M: Metric + ?Sized>(
    metric: &M,
    batch: &SpdBatch,
    weights: Option<&[f64]>,
    passes: usize,
) -> Result<Spd> {
    let pairs = checked_weights(batch, weights)?;
    if passes == 0 {
        return Err(Error::InvalidParameter {
            name: "passes",
            value: 0.0,
            reason: "must be at least 1",
        });
    }
    let mut mean = batch.get(pairs[0].0);
    let mut total = pairs[0].1;
    for &(i, w) in pairs.iter().cycle().take(passes * pairs.len()).skip(1) {
        total += w;
        mean = metric.geodesic(&mean, &batch.get(i), w / total)?;
    }
    Ok(mean)
}
