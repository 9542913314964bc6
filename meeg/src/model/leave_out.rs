//! Closed-form leave-one-out and leave-one-group-out errors of penalised least squares.
//!
//! For a centred Gram matrix G = (I - J) K (I - J), J = 11ᵀ/n, the fit with penalty α and a free intercept is ŷ = H y,
//! `H = J + G (G + αI)⁻¹`. Leaving the group g out and refitting, intercept included, gives exactly the residuals
//! `e_g = (I - H_gg)⁻¹ (y - ŷ)_g` (for a single example e_i = (y - ŷ)_i / (1 - H_ii)).
//! With G = U S Uᵀ computed once, each α costs O(n r) for single examples.
//!
//! Examples of one person must be left out together: with one recording of the person still in the training part, the
//! penalty is chosen by how well it recognises the person, not the quantity asked for.
//!
//! Source: D. M. Allen, Technometrics 16 (1974) 125-127 (PRESS); Golub, Heath, Wahba, Technometrics 21 (1979) 215-223;
//! the block form follows from the Woodbury identity.

use hadamard_geometry::eigen::symmetric_eigen;
use nalgebra::{DMatrix, DVector};

/// Eigendecomposition of a centred Gram matrix, thin when the features are fewer than the examples.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    /// Orthonormal columns, n x r, orthogonal to the vector of ones.
    vectors: DMatrix<f64>,
    /// Eigenvalues, not negative.
    values: DVector<f64>,
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
    /// Of a Gram matrix, which is centred here (both sides).
    pub(crate) fn of_gram(mut gram: DMatrix<f64>) -> Self {
        centre_gram(&mut gram);
        let eigen = symmetric_eigen(&gram);
        Self {
            vectors: eigen.vectors,
            values: eigen.values.map(|value| value.max(0.0)),
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
        Self { vectors, values }
    }

    /// (G + αI)⁻¹ y for centred targets y (n x k), the dual coefficients.
    pub(crate) fn dual(&self, alpha: f64, centred: &DMatrix<f64>) -> DMatrix<f64> {
        let scores = self.vectors.tr_mul(centred);
        let mut inside = scores.clone();
        for (mut row, value) in inside.row_iter_mut().zip(self.values.iter()) {
            row /= value + alpha;
        }
        // Outside the span of the vectors G is zero.
        let outside = (centred - &self.vectors * scores) / alpha;
        &self.vectors * inside + outside
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
        let shrink = self.values.map(|value| value / (value + alpha));
        let mut shrunk = scores.clone();
        for (mut row, &weight) in shrunk.row_iter_mut().zip(shrink.iter()) {
            row *= weight;
        }
        let mut residuals = centred - &self.vectors * shrunk;
        match members {
            None => {
                for i in 0..n {
                    let mut leverage = 1.0 / n as f64;
                    for (k, &weight) in shrink.iter().enumerate() {
                        leverage += self.vectors[(i, k)] * self.vectors[(i, k)] * weight;
                    }
                    let free = 1.0 - leverage;
                    if free <= n as f64 * f64::EPSILON {
                        return None;
                    }
                    residuals.row_mut(i).scale_mut(1.0 / free);
                }
            }
            Some(members) => {
                for group in members {
                    let block = self.vectors.select_rows(group);
                    let mut weighted = block.clone();
                    for (mut column, &weight) in weighted.column_iter_mut().zip(shrink.iter()) {
                        column *= weight;
                    }
                    let mut free = -(weighted * block.transpose());
                    free.add_scalar_mut(-1.0 / n as f64);
                    for i in 0..group.len() {
                        free[(i, i)] += 1.0;
                    }
                    let factor = free.cholesky()?;
                    if factor.l_dirty().diagonal().min().powi(2) <= n as f64 * f64::EPSILON {
                        return None;
                    }
                    let solved = factor.solve(&residuals.select_rows(group));
                    for (row, &i) in group.iter().enumerate() {
                        residuals.set_row(i, &solved.row(row));
                    }
                }
            }
        }
        Some(residuals)
    }
}

/// G = (I - J) K (I - J) in place, J = 11ᵀ/n.
fn centre_gram(gram: &mut DMatrix<f64>) {
    let n = gram.nrows();
    let means: Vec<f64> = gram.column_iter().map(|column| column.mean()).collect();
    let grand = means.iter().sum::<f64>() / n as f64;
    for j in 0..n {
        for i in 0..=j {
            let value = gram[(i, j)] - means[i] - means[j] + grand;
            gram[(i, j)] = value;
            gram[(j, i)] = value;
        }
    }
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
