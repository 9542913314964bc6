//! Closed-form leave-one-out and leave-one-group-out errors of penalised least squares.
//!
//! For a Gram matrix K, centred G = (I - J) K (I - J), J = 11ᵀ/n, the fit with penalty α and a free intercept has the
//! residuals `r = M y`, `M = (I - J) α (G + αI)⁻¹`. Leaving the group g out and refitting, intercept included, gives
//! exactly the residuals `e_g = M_gg⁻¹ r_g` (for a single example e_i = r_i / M_ii).
//! With G = U S Uᵀ computed once, each α costs O(n r) for single examples.
//!
//! U is made orthogonal to 1 before anything is rounded: a Householder reflection turns 1 into a coordinate axis, and
//! the eigendecomposition is that of the other n - 1 coordinates. Then M = U diag(α/(s + α)) Uᵀ is a sum of positive
//! terms, and nothing cancels in M_ii, however small it is. With fewer features than examples U has columns for the
//! features alone, and M_ii = 1 − 1/n − Σ_k u_ik² s_k/(s_k + α) is a difference.
//!
//! Examples of one person must be left out together: with one recording of the person still in the training part, the
//! penalty is chosen by how well it recognises the person, not the quantity asked for.
//!
//! Source: D. M. Allen, Technometrics 16 (1974) 125-127 (PRESS); Golub, Heath, Wahba, Technometrics 21 (1979) 215-223;
//! the block form follows from the Woodbury identity.

use hadamard_geometry::eigen::symmetric_eigen;
use nalgebra::{DMatrix, DVector};

/// Eigendecomposition of a centred Gram matrix.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    /// Orthonormal columns, n x r, orthogonal to the vector of ones.
    vectors: DMatrix<f64>,
    /// Eigenvalues, not negative.
    values: DVector<f64>,
    /// Whether the columns span everything orthogonal to the ones; otherwise G is zero outside their span.
    complete: bool,
}

/// The penalty chosen and the mean squared error of leaving out that chose it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Position in the grid.
    pub index: usize,
    /// The penalty.
    pub alpha: f64,
    /// Mean squared residual of examples left out, over all examples and outputs.
    pub mean_squared_error: f64,
}

impl Spectrum {
    /// Of a Gram matrix, centred or not.
    pub(crate) fn of_gram(gram: DMatrix<f64>) -> Self {
        let n = gram.nrows();
        // The reflection I - v vᵀ turns 1/√n into minus the first axis.
        let mut v = DVector::from_element(n, (n as f64).sqrt().recip());
        v[0] += 1.0;
        v *= (2.0 / v.norm_squared()).sqrt();
        let kv = &gram * &v;
        let half = 0.5 * v.dot(&kv);
        let w = kv - &v * half;
        let inner = DMatrix::from_fn(n - 1, n - 1, |i, j| {
            let (i, j) = (i + 1, j + 1);
            gram[(i, j)] - v[i] * w[j] - w[i] * v[j]
        });
        if n == 1 {
            return Self {
                vectors: DMatrix::zeros(1, 0),
                values: DVector::zeros(0),
                complete: true,
            };
        }
        let eigen = symmetric_eigen(&inner);
        let mut vectors = eigen.vectors.insert_row(0, 0.0);
        let along = vectors.tr_mul(&v);
        vectors.ger(-1.0, &v, &along, 1.0);
        Self {
            vectors,
            values: eigen.values.map(|value| value.max(0.0)),
            complete: true,
        }
    }

    /// Of feature rows with column means removed (n x p): works on the smaller of n and p.
    pub(crate) fn of_centred_rows(rows: &DMatrix<f64>) -> Self {
        let (n, p) = rows.shape();
        if n <= p {
            return Self::of_gram(rows * rows.transpose());
        }
        let eigen = symmetric_eigen(&(rows.transpose() * rows));
        // Directions whose variance is rounding noise have no accurate left vector; they carry nothing.
        let floor = eigen.values.max() * n as f64 * f64::EPSILON;
        let kept: Vec<usize> = (0..p).filter(|&k| eigen.values[k] > floor).collect();
        let values = DVector::from_iterator(kept.len(), kept.iter().map(|&k| eigen.values[k]));
        let mut vectors = rows * eigen.vectors.select_columns(&kept);
        for (mut column, value) in vectors.column_iter_mut().zip(values.iter()) {
            column /= value.sqrt();
        }
        Self {
            vectors,
            values,
            complete: false,
        }
    }

    /// (G + αI)⁻¹ y for centred targets y (n x k), the dual coefficients.
    pub(crate) fn dual(&self, alpha: f64, centred: &DMatrix<f64>) -> DMatrix<f64> {
        let scores = self.vectors.tr_mul(centred);
        let inside = &self.vectors * scaled(scores.clone(), |k| 1.0 / (self.values[k] + alpha));
        if self.complete {
            return inside;
        }
        inside + (centred - &self.vectors * scores) / alpha
    }

    /// The penalty of least mean squared error of leaving out (first one on ties).
    pub(crate) fn choose(&self, alphas: &[f64], centred: &DMatrix<f64>, groups: Option<&[usize]>) -> Option<Choice> {
        let members = groups.map(members);
        let scores = self.vectors.tr_mul(centred);
        let mut best: Option<Choice> = None;
        for (index, &alpha) in alphas.iter().enumerate() {
            let error = self.left_out_error(alpha, centred, &scores, members.as_deref());
            if error.is_finite() && best.is_none_or(|b| error < b.mean_squared_error) {
                best = Some(Choice {
                    index,
                    alpha,
                    mean_squared_error: error,
                });
            }
        }
        best
    }

    fn left_out_error(
        &self,
        alpha: f64,
        centred: &DMatrix<f64>,
        scores: &DMatrix<f64>,
        members: Option<&[Vec<usize>]>,
    ) -> f64 {
        match self.residuals(alpha, centred, scores, members) {
            Some(residuals) => residuals.norm_squared() / residuals.len() as f64,
            None => f64::INFINITY,
        }
    }

    /// Residuals (n x k) of every example predicted without its group; `None` when a group's system is singular (the
    /// rest does not determine the fit).
    fn residuals(
        &self,
        alpha: f64,
        centred: &DMatrix<f64>,
        scores: &DMatrix<f64>,
        members: Option<&[Vec<usize>]>,
    ) -> Option<DMatrix<f64>> {
        let n = centred.nrows();
        let (fitted, free) = (
            |k: usize| self.values[k] / (self.values[k] + alpha),
            |k: usize| alpha / (self.values[k] + alpha),
        );
        let mut residuals = if self.complete {
            &self.vectors * scaled(scores.clone(), free)
        } else {
            centred - &self.vectors * scaled(scores.clone(), fitted)
        };
        let Some(members) = members else {
            for i in 0..n {
                let sum = |weight: &dyn Fn(usize) -> f64| -> f64 {
                    let row = self.vectors.row(i);
                    row.iter().enumerate().map(|(k, u)| u * u * weight(k)).sum()
                };
                let left = if self.complete {
                    sum(&free)
                } else {
                    1.0 - 1.0 / n as f64 - sum(&fitted)
                };
                if left <= 0.0 {
                    return None;
                }
                residuals.row_mut(i).scale_mut(left.recip());
            }
            return Some(residuals);
        };
        for group in members {
            let block = self.vectors.select_rows(group).transpose();
            let left = if self.complete {
                block.tr_mul(&scaled(block.clone(), free))
            } else {
                DMatrix::identity(group.len(), group.len()).add_scalar(-1.0 / n as f64)
                    - block.tr_mul(&scaled(block.clone(), fitted))
            };
            let largest = left.diagonal().max();
            let factor = left.cholesky()?;
            // A group whose complement does not determine the fit (the only group): M_gg is singular to rounding.
            if factor.l_dirty().diagonal().min().powi(2) <= n as f64 * f64::EPSILON * largest {
                return None;
            }
            let solved = factor.solve(&residuals.select_rows(group));
            for (row, &i) in group.iter().enumerate() {
                residuals.set_row(i, &solved.row(row));
            }
        }
        Some(residuals)
    }
}

/// Row k times `weight(k)`.
fn scaled(mut rows: DMatrix<f64>, weight: impl Fn(usize) -> f64) -> DMatrix<f64> {
    for (k, mut row) in rows.row_iter_mut().enumerate() {
        row *= weight(k);
    }
    rows
}

/// Positions of the members of each group, groups in the order of first appearance.
pub(crate) fn members(groups: &[usize]) -> Vec<Vec<usize>> {
    let mut index = std::collections::HashMap::new();
    let mut lists: Vec<Vec<usize>> = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        let slot = *index.entry(group).or_insert_with(|| {
            lists.push(Vec::new());
            lists.len() - 1
        });
        lists[slot].push(i);
    }
    lists
}

/// Column means of the targets and the centred targets.
pub(crate) fn centre_targets(targets: &DMatrix<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let means: Vec<f64> = targets.column_iter().map(|column| column.mean()).collect();
    let mut centred = targets.clone();
    for (mut column, mean) in centred.column_iter_mut().zip(&means) {
        column.add_scalar_mut(-mean);
    }
    (means, centred)
}
