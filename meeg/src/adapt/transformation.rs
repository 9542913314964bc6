//! Alignment by one congruence of all matrices: a translation and a rotation of the manifold.

use hadamard_geometry::SpdBatch;
use hadamard_geometry::sliced::{LogCloud, Objective, euclidean_gradient};
use nalgebra::{DMatrix, DVector};

use super::{Loss, Prepared};
use crate::error::{Error, Result};
use crate::scaling::power_of_two;

/// Which congruences are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Motion {
    /// C ↦ R W C W Rᵀ with W SPD and R orthogonal, that is C ↦ T C Tᵀ for every invertible T.
    #[default]
    TranslationAndRotation,
    /// C ↦ R C Rᵀ.
    Rotation,
}

/// How a congruence is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TransformationOptions {
    /// Which congruences are allowed.
    pub motion: Motion,
    /// Largest number of steps.
    pub steps: usize,
    /// Ends when a step lowers the loss by less than this part of it.
    pub tolerance: f64,
}

impl Default for TransformationOptions {
    /// Translation and rotation, 100 steps, tolerance 1e-4.
    fn default() -> Self {
        Self {
            motion: Motion::default(),
            steps: 100,
            tolerance: 1e-4,
        }
    }
}

/// A congruence that brings a source to a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Congruence {
    /// T of C ↦ T C Tᵀ.
    pub matrix: DMatrix<f64>,
    /// Loss at the start and after every step; never rises.
    pub losses: Vec<f64>,
    /// Whether the tolerance was met, or no step down was left.
    pub converged: bool,
}

impl Congruence {
    /// Moves matrices. O(n d³).
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for matrices of another order; [`Error::Geometry`] when one becomes numerically
    /// singular.
    pub fn apply(&self, batch: &SpdBatch) -> Result<SpdBatch> {
        congruent(&self.matrix, batch)
    }

    /// Translation W = (TᵀT)^½ of the polar decomposition T = R W.
    pub fn translation(&self) -> DMatrix<f64> {
        let (unit, _, values, turned) = self.factors();
        turned.transpose() * DMatrix::from_diagonal(&(values * unit)) * turned
    }

    /// Rotation R of the polar decomposition T = R W.
    pub fn rotation(&self) -> DMatrix<f64> {
        let (_, left, _, turned) = self.factors();
        left * turned
    }

    /// T = unit U diag(s) Vᵀ: squares of T might leave the range of numbers, or lose its small singular values.
    fn factors(&self) -> (f64, DMatrix<f64>, DVector<f64>, DMatrix<f64>) {
        let unit = power_of_two(self.matrix.iter().copied());
        let svd = (&self.matrix / unit).svd(true, true);
        let (Some(left), Some(turned)) = (svd.u, svd.v_t) else {
            unreachable!("both sides were asked for");
        };
        (unit, left, svd.singular_values, turned)
    }
}

/// Looks for the congruence T that brings `source` closest to `target`, by multiplicative steps T ← exp(S) T.
///
/// With E_i = ∂f/∂C_i the gradient by S at the identity is 2 Σ E_i C_i: its symmetric part translates, its skew part
/// rotates. The step divides by the mean curvature of the loss and is halved until the loss falls. One
/// eigendecomposition of every matrix a step and a trial.
///
/// # Errors
/// [`Error::Geometry`] when the orders differ or a matrix becomes numerically singular.
pub fn transformation(
    source: &SpdBatch,
    target: &LogCloud,
    loss: Loss,
    options: TransformationOptions,
) -> Result<Congruence> {
    let bank = loss.bank(target)?;
    let objective = Prepared::try_new(loss, bank.as_ref(), target)?;
    let d = source.order();
    let mut matrix = DMatrix::identity(d, d);
    let mut moved = source.clone();
    let mut cloud = LogCloud::try_new(&moved)?;
    let mut gradient = objective.value_and_gradient(&cloud)?;
    let mut losses = vec![gradient.value];
    let mut converged = false;
    let mut length = 1.0;
    for _ in 0..options.steps {
        let slope = slope_at_identity(&moved, &gradient.rows)?;
        let step = newton_like(&slope, &objective, &cloud, options.motion);
        let mut accepted = false;
        for _ in 0..20 {
            // The Padé quotient of the exponential maps skew matrices to orthogonal ones.
            let trial_matrix = (&step * -length).exp() * &matrix;
            let trial = match congruent(&trial_matrix, source) {
                // A step so long that a covariance is singular to working precision is too long.
                Err(Error::Geometry(hadamard_geometry::Error::NotPositiveDefinite { .. })) => {
                    length *= 0.5;
                    continue;
                }
                trial => trial?,
            };
            let trial_cloud = LogCloud::try_new(&trial)?;
            // A step out of the range of numbers is one that raises the loss.
            let trial_gradient = match objective.value_and_gradient(&trial_cloud) {
                Err(hadamard_geometry::Error::OutOfRange { .. }) => None,
                other => Some(other?).filter(|trial| trial.value < gradient.value),
            };
            if let Some(trial_gradient) = trial_gradient {
                (matrix, moved, cloud, gradient) = (trial_matrix, trial, trial_cloud, trial_gradient);
                accepted = true;
                break;
            }
            length *= 0.5;
        }
        let previous = losses[losses.len() - 1];
        if accepted {
            losses.push(gradient.value);
            length = f64::min(1.0, 2.0 * length);
        }
        converged = !accepted || previous - gradient.value < options.tolerance * previous;
        if converged {
            break;
        }
    }
    Ok(Congruence {
        matrix,
        losses,
        converged,
    })
}

/// 2 Σ E_i C_i with E_i the gradient by C_i.
fn slope_at_identity(moved: &SpdBatch, rows: &[f64]) -> Result<DMatrix<f64>> {
    let d = moved.order();
    let mut slope = DMatrix::zeros(d, d);
    for (gradient, matrix) in euclidean_gradient(moved, rows)?.iter().zip(moved.iter()) {
        slope.gemm(2.0, gradient, &matrix, 1.0);
    }
    Ok(slope)
}

/// The slope over the mean curvature of the loss: a symmetric S moves every logarithm by about 2 S, a skew one by the
/// commutator, of mean square (2/d(d−1)) (d ‖L‖² − (tr L)²) over the skew matrices of norm one.
fn newton_like(slope: &DMatrix<f64>, objective: &Prepared<'_>, cloud: &LogCloud, motion: Motion) -> DMatrix<f64> {
    let d = slope.nrows();
    let curvature = objective.curvature();
    let mut commutator = 0.0;
    for log in cloud.to_logs().iter() {
        commutator += d as f64 * log.norm_squared() - log.trace() * log.trace();
    }
    commutator *= 2.0 / ((d * (d.max(2) - 1)) as f64 * cloud.len() as f64);
    let mut step = DMatrix::zeros(d, d);
    if commutator > 0.0 {
        step += (slope - slope.transpose()) * (0.5 / (curvature.traceless * commutator));
    }
    if motion == Motion::TranslationAndRotation {
        let symmetric = (slope + slope.transpose()) * 0.5;
        let trace = DMatrix::identity(d, d) * (symmetric.trace() / d as f64);
        step += (symmetric - &trace) / (4.0 * curvature.traceless) + trace / (4.0 * curvature.trace);
    }
    step
}

/// T C Tᵀ of every matrix.
fn congruent(t: &DMatrix<f64>, batch: &SpdBatch) -> Result<SpdBatch> {
    if t.nrows() != batch.order() {
        return Err(Error::DimensionMismatch {
            what: "order of the covariances",
            expected: t.nrows(),
            found: batch.order(),
        });
    }
    let mut data = Vec::with_capacity(batch.as_slice().len());
    for matrix in batch.iter() {
        let product = t * matrix * t.transpose();
        data.extend(((&product + product.transpose()) * 0.5).iter());
    }
    Ok(SpdBatch::try_from_vec(batch.order(), data)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64;

    #[test]
    fn a_known_congruence_is_undone() {
        let mut rng = Pcg64::new(1, 2);
        let d = 3;
        let mut gaussian = |rows: usize, columns: usize| {
            DMatrix::<f64>::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut rng))
        };
        let matrices: Vec<DMatrix<f64>> = (0..40)
            .map(|_| {
                let x = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(vec![1.0, 2.0, 4.0])) * gaussian(d, 9);
                let c = &x * x.transpose();
                (&c + c.transpose()) * 0.5
            })
            .collect();
        let target = SpdBatch::try_from_matrices(&matrices).unwrap();
        let t = DMatrix::identity(d, d) + gaussian(d, d) * 0.2;
        let source = congruent(&t, &target).unwrap();
        let target = LogCloud::try_new(&target).unwrap();
        let loss = Loss::Spdsw {
            directions: 100,
            seed: 1,
        };
        let found = transformation(&source, &target, loss, TransformationOptions::default()).unwrap();
        assert!(found.losses.windows(2).all(|w| w[1] < w[0]));
        assert!(
            found.losses[found.losses.len() - 1] < 1e-2 * found.losses[0],
            "{:?}",
            found.losses
        );
        assert!((found.rotation() * found.translation() - &found.matrix).norm() < 1e-12);
        let rotation = TransformationOptions {
            motion: Motion::Rotation,
            ..TransformationOptions::default()
        };
        let turned = transformation(&source, &target, loss, rotation).unwrap();
        let gap = (turned.matrix.transpose() * &turned.matrix - DMatrix::identity(d, d)).norm();
        assert!(gap < 1e-12, "{gap}");
    }
}
