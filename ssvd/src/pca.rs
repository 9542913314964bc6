//! Principal components out of a truncated SVD.

use nalgebra::DMatrix;

use crate::error::{Result, SsvdError};
use crate::lanczos::{TruncatedSvd, numerical_rank};

/// The principal component analysis of the rows of A_k.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// The column means, n numbers.
    pub means: Vec<f64>,
    /// A_k - 1 means^T: the components are the columns of V, the scores of row i are row i of U diag(s).
    pub svd: TruncatedSvd,
}

impl Pca {
    /// s^2 / (m - 1), the variance along every component.
    pub fn variances(&self) -> Vec<f64> {
        let m = self.svd.u.nrows();
        self.svd
            .s
            .iter()
            .map(|s| s * (s / m.saturating_sub(1).max(1) as f64))
            .collect()
    }
}

impl TruncatedSvd {
    /// Takes the column means off A_k: (I - 1 1^T / m) U = Q R and the SVD of R diag(s).
    ///
    /// What [`crate::Standardized::centered`] is for a matrix at hand, this is for one that was streamed: with the
    /// factors of an updating SVD, the principal components of all rows so far as far as A_k holds them. One rank is
    /// lost when the vector of ones lies in the span of U. Errs when the dense decomposition inside does not converge.
    /// Cost O((m + n) k^2).
    ///
    /// ```
    /// use hadamard_ssvd::*;
    /// let a = Csr::from_triplets(3, 2, [(0, 0, 1.0), (1, 0, 2.0), (2, 0, 3.0), (0, 1, 5.0), (1, 1, 5.0), (2, 1, 5.0)])?;
    /// let pca = UpdatingSvd::start(&a, 2, Exact)?.svd().principal_components()?;
    /// assert!((pca.means[1] - 5.0).abs() < 1e-14 && (pca.variances()[0] - 1.0).abs() < 1e-14);
    /// # Ok::<(), SsvdError>(())
    /// ```
    pub fn principal_components(&self) -> Result<Pca> {
        let (m, k) = (self.u.nrows(), self.s.len());
        let failed = |_| SsvdError::Factorisation("principal components");
        let mean: Vec<f64> = self.u.column_iter().map(|c| c.sum() / m.max(1) as f64).collect();
        let column_mean = |j: usize| (0..k).map(|c| self.v[(j, c)] * self.s[c] * mean[c]).sum();
        let means = (0..self.v.nrows()).map(column_mean).collect();
        let unit = crate::scaling::power_of_two(self.s.first().copied().unwrap_or(0.0));
        let scaled = |i: usize, c: usize| (self.u[(i, c)] - mean[c]) * (self.s[c] / unit);
        // The thin SVD of the tall factor: its condition, s_1 / s_k, rules out the way through its Gram matrix.
        let tall = faer::Mat::from_fn(m, k, scaled);
        let svd = tall.thin_svd().map_err(failed)?;
        let count = m.min(k);
        let values: Vec<f64> = (0..count).map(|i| svd.S()[i]).collect();
        // Cancellation leaves noise of the size of what was taken off, not of what is left.
        let noise = f64::EPSILON * (m + k) as f64 * self.s.first().copied().unwrap_or(0.0) / unit;
        let rank = numerical_rank(&values, m.max(k)).min(values.iter().take_while(|&&s| s > noise).count());
        let right = DMatrix::from_fn(k, rank, |i, j| svd.V()[(i, j)]);
        Ok(Pca {
            means,
            svd: TruncatedSvd {
                u: DMatrix::from_fn(m, rank, |i, j| svd.U()[(i, j)]),
                s: values[..rank].iter().map(|s| s * unit).collect(),
                v: &self.v * right,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Csr, Exact, LanczosOptions, Standardized, UpdateTruncatedSvd, UpdatingSvd, lanczos};

    #[test]
    fn streamed_components_are_those_of_the_centred_matrix() {
        let entries = (0..120).map(|e| ((e * 7) % 24, (e * 5 + e / 10) % 8, 1.0 + (e % 6) as f64));
        let a = Csr::from_triplets(24, 8, entries).unwrap();
        for unit in [1.0, 1e-200, 1e200] {
            let a = a.scaled(unit).unwrap();
            let mut svd = UpdatingSvd::start(&a.row_range(0..10).unwrap(), 8, Exact).unwrap();
            svd.add_rows(&a.row_range(10..24).unwrap()).unwrap();
            let pca = svd.svd().principal_components().unwrap();
            let centred = Standardized::centered(&a).unwrap();
            let expected = lanczos(&centred, 8, &LanczosOptions::default()).unwrap().svd;
            assert!(
                pca.means
                    .iter()
                    .zip(centred.shift())
                    .all(|(x, y)| (x - y).abs() < 1e-13 * unit)
            );
            assert!(
                pca.svd
                    .s
                    .iter()
                    .zip(&expected.s)
                    .all(|(s, t)| (s - t).abs() < 1e-12 * expected.s[0])
            );
            assert!((pca.svd.to_dense() - expected.to_dense()).amax() < 1e-12 * expected.s[0]);
        }
        // Equal rows have no components.
        let equal = Csr::from_triplets(5, 2, (0..5).map(|i| (i, 1, 3.0))).unwrap();
        let pca = lanczos(&equal, 1, &LanczosOptions::default())
            .unwrap()
            .svd
            .principal_components()
            .unwrap();
        assert!(pca.svd.s.is_empty() && (pca.means[1] - 3.0).abs() < 1e-14 && pca.variances().is_empty());
    }
}
