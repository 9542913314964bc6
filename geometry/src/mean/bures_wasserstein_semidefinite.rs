//! The Bures-Wasserstein barycentre of matrices that may be singular.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::{MeanOptions, MeanReport};
use crate::error::Result;
use crate::metrics::semidefinite::polar;
use crate::psd::{self, Psd};

/// Bures-Wasserstein barycentre of matrices that may be singular, by the iteration of
/// [`bures_wasserstein`](super::bures_wasserstein()) on factors of as many columns as the arithmetic mean has rank k:
/// L ← Σ wᵢ bᵢ Oᵢ, Oᵢ the orthogonal factor of bᵢᵀL.
///
/// Unique when one of the matrices is invertible on the range of all. The gradient norm is ‖L⁺ − L‖/‖L‖. O(N n k²) an
/// iteration for N matrices of order n.
///
/// # Errors
/// No matrix, matrices of different orders, bad weights. A mean that has not converged is returned and says so.
///
/// ```
/// use hadamard_geometry::{Psd, mean::{MeanOptions, bures_wasserstein_semidefinite}};
/// use nalgebra::dmatrix;
///
/// let points = [Psd::try_new(dmatrix![4.0, 0.0; 0.0, 0.0])?, Psd::try_new(dmatrix![16.0, 0.0; 0.0, 1.0])?];
/// let report = bures_wasserstein_semidefinite(&points, None, &MeanOptions::default())?;
/// // Commuting matrices: the mean of the square roots, squared.
/// assert!((report.mean.matrix() - dmatrix![9.0, 0.0; 0.0, 0.25]).norm() < 1e-13);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn bures_wasserstein_semidefinite(
    points: &[Psd],
    weights: Option<&[f64]>,
    options: &MeanOptions,
) -> Result<MeanReport<Psd>> {
    let pairs = psd::checked(points, weights)?;
    let mut arithmetic = points[0].matrix() * 0.0;
    for &(i, w) in &pairs {
        arithmetic += points[i].matrix() * w;
    }
    let start = Psd::try_new(arithmetic)?;
    let k = start.rank();
    if k == 0 {
        return Ok(MeanReport::closed(start));
    }
    // Columns beyond k have no room in the range of the mean: ranks are at most k up to rounding.
    let factors: Vec<(DMatrix<f64>, f64)> = pairs
        .iter()
        .map(|&(i, w)| (points[i].padded(k.max(points[i].rank())), w))
        .collect();
    let columns = factors.iter().map(|(b, _)| b.ncols()).max().unwrap_or(k);
    let mut factor = start.padded(columns);
    let (mut iterations, mut gradient_norm) = (0, f64::INFINITY);
    while iterations < options.max_iterations && gradient_norm > options.tolerance {
        let aligned: Vec<DMatrix<f64>> = factors
            .par_iter()
            .map(|(b, w)| {
                let b = b.clone().resize_horizontally(columns, 0.0);
                let turned = &b * polar(&b.tr_mul(&factor));
                turned * *w
            })
            .collect();
        let mut next = &factor * 0.0;
        for term in &aligned {
            next += term;
        }
        gradient_norm = (&next - &factor).norm() / factor.norm();
        factor = next;
        iterations += 1;
    }
    Ok(MeanReport {
        mean: Psd::from_factor(&factor)?,
        iterations,
        gradient_norm,
        certified_error: None,
        converged: gradient_norm <= options.tolerance,
    })
}
