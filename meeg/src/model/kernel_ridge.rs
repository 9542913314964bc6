//! Kernel ridge regression with a Gaussian kernel over frequency bands.

use nalgebra::DMatrix;

use super::data::{DistanceMatrix, FeatureMatrix, Sample, Training, same_len};
use super::leave_out::{Choice, Spectrum, centre_targets};
use super::ridge::{NOTHING_TO_LEAVE_OUT, check_penalties, with_intercepts};
use super::{Learner, Predictor, logspace};
use crate::error::{Error, Result};

/// How the kernels of the bands are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Combination {
    /// Mean over bands, K = (1/B) Σ_f exp(-γ_f D_f): bands contribute side by side.
    #[default]
    Mean,
    /// Product over bands, K = exp(-(1/B) Σ_f γ_f D_f): all bands must be near at once.
    Product,
}

/// Kernel ridge regression: the Gaussian kernel exp(-γ_f D_f) on squared distances D_f of each band f.
///
/// γ_f = `factor` / median of D_f over pairs of training examples; factor and penalty α are chosen together by the
/// leave-one-out error (leave-one-group-out with groups). The intercept is not penalised.
/// Positive definite whenever D_f are squared Hilbert distances, as sliced-Wasserstein distances by quantile features
/// with one direction bank are.
///
/// Cost: one eigendecomposition of order n for each factor, O(n²) for each α.
/// Source: Bonet et al., ICML 2023 (arXiv 2303.05798), for the kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelRidge {
    /// Penalties to choose from, all positive.
    pub alphas: Vec<f64>,
    /// Multiples of 1/median to choose γ from, all positive.
    pub factors: Vec<f64>,
    /// How bands are combined.
    pub combination: Combination,
}

impl Default for KernelRidge {
    /// Factors 0.1, 0.3, 1, 3, 10; 26 penalties from 1e-4 to 10; mean over bands.
    fn default() -> Self {
        Self {
            alphas: logspace(-4.0, 1.0, 26),
            factors: vec![0.1, 0.3, 1.0, 3.0, 10.0],
            combination: Combination::Mean,
        }
    }
}

/// What [`KernelRidge`] learned, without the examples it was trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelRidgeFit {
    /// γ_f of each band.
    pub gammas: Vec<f64>,
    /// The factor chosen.
    pub factor: f64,
    /// The penalty chosen, and its error of leaving out.
    pub choice: Choice,
    coefficients: DMatrix<f64>,
    intercepts: Vec<f64>,
    combination: Combination,
}

/// A fitted [`KernelRidge`] on precomputed distances; it remembers which rows it was trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceModel {
    /// What was learned.
    pub fit: KernelRidgeFit,
    rows: Vec<usize>,
}

/// A fitted [`KernelRidge`] on features; it keeps the training features and predicts for new ones.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureModel {
    /// What was learned.
    pub fit: KernelRidgeFit,
    features: FeatureMatrix,
}

impl KernelRidge {
    /// Fits on the squared distances between training examples, one n x n matrix a band.
    fn fit_distances(
        &self,
        distances: &[DMatrix<f64>],
        targets: &DMatrix<f64>,
        groups: Option<&[usize]>,
    ) -> Result<KernelRidgeFit> {
        check_penalties(&self.alphas)?;
        check_penalties(&self.factors)?;
        let (target_means, centred) = centre_targets(targets);
        let inverse_medians: Vec<f64> = distances.iter().map(inverse_median).collect();
        let mut best: Option<(f64, Choice, KernelRidgeFit)> = None;
        for &factor in &self.factors {
            let gammas: Vec<f64> = inverse_medians.iter().map(|inverse| factor * inverse).collect();
            let gram = kernel(distances, &gammas, self.combination);
            let column_means: Vec<f64> = gram.column_iter().map(|column| column.mean()).collect();
            let spectrum = Spectrum::of_gram(gram);
            let Some(choice) = spectrum.choose(&self.alphas, &centred, groups) else {
                continue;
            };
            if best
                .as_ref()
                .is_none_or(|(error, ..)| choice.mean_squared_error < *error)
            {
                let coefficients = spectrum.dual(choice.alpha, &centred);
                let offset = DMatrix::from_row_slice(1, column_means.len(), &column_means) * &coefficients;
                let intercepts = target_means.iter().zip(offset.iter()).map(|(y, k)| y - k).collect();
                let fit = KernelRidgeFit {
                    gammas,
                    factor,
                    choice,
                    coefficients,
                    intercepts,
                    combination: self.combination,
                };
                best = Some((choice.mean_squared_error, choice, fit));
            }
        }
        best.map(|(_, _, fit)| fit).ok_or(NOTHING_TO_LEAVE_OUT)
    }
}

impl KernelRidgeFit {
    /// Predictions (m x k) from squared distances to the training examples, one m x n matrix a band.
    fn predict_distances(&self, distances: &[DMatrix<f64>]) -> Result<DMatrix<f64>> {
        let kernel = kernel(distances, &self.gammas, self.combination);
        with_intercepts(kernel * &self.coefficients, &self.intercepts)
    }
}

impl Learner<DistanceMatrix> for KernelRidge {
    type Model = DistanceModel;

    fn fit(&self, train: &Training<'_, DistanceMatrix>) -> Result<DistanceModel> {
        let rows = train.sample().rows().to_vec();
        let fit = self.fit_distances(&train.sample().to(&rows), train.targets(), train.groups())?;
        Ok(DistanceModel { fit, rows })
    }
}

impl Predictor<DistanceMatrix> for DistanceModel {
    fn predict(&self, test: &Sample<'_, DistanceMatrix>) -> Result<DMatrix<f64>> {
        let distances = test.to(&self.rows);
        same_len("bands of an example", self.fit.gammas.len(), distances.len())?;
        self.fit.predict_distances(&distances)
    }
}

impl Learner<FeatureMatrix> for KernelRidge {
    type Model = FeatureModel;

    fn fit(&self, train: &Training<'_, FeatureMatrix>) -> Result<FeatureModel> {
        let features = train.sample().features();
        let distances = features.squared_distances();
        let fit = self.fit_distances(distances.blocks(), train.targets(), train.groups())?;
        Ok(FeatureModel { fit, features })
    }
}

impl Predictor<FeatureMatrix> for FeatureModel {
    fn predict(&self, test: &Sample<'_, FeatureMatrix>) -> Result<DMatrix<f64>> {
        let test = test.features();
        if test.blocks() != self.features.blocks() {
            return Err(Error::DimensionMismatch {
                what: "features of an example",
                expected: self.features.values().ncols(),
                found: test.values().ncols(),
            });
        }
        let cross = test.squared_distances_to(&self.features);
        self.fit.predict_distances(&cross)
    }
}

/// The kernel of squared distances, one matrix a band.
fn kernel(distances: &[DMatrix<f64>], gammas: &[f64], combination: Combination) -> DMatrix<f64> {
    let share = 1.0 / distances.len() as f64;
    let mut sum: DMatrix<f64> = DMatrix::zeros(distances[0].nrows(), distances[0].ncols());
    for (block, &gamma) in distances.iter().zip(gammas) {
        match combination {
            Combination::Mean => sum.zip_apply(block, |s, d| *s += share * (-gamma * d).exp()),
            Combination::Product => sum.zip_apply(block, |s, d| *s -= share * gamma * d),
        }
    }
    if combination == Combination::Product {
        sum.apply(|s| *s = s.exp());
    }
    sum
}

/// 1 / median of the entries above the diagonal (their mean when the median is 0; 0 when all of them are).
fn inverse_median(distances: &DMatrix<f64>) -> f64 {
    let n = distances.nrows();
    let mut pairs: Vec<f64> = (1..n)
        .flat_map(|j| (0..j).map(move |i| (i, j)))
        .map(|ij| distances[ij])
        .collect();
    if pairs.is_empty() {
        return 0.0;
    }
    pairs.sort_unstable_by(f64::total_cmp);
    let half = pairs.len() / 2;
    let median = if pairs.len() % 2 == 1 {
        pairs[half]
    } else {
        0.5 * (pairs[half - 1] + pairs[half])
    };
    let scale = if median > 0.0 {
        median
    } else {
        pairs.iter().sum::<f64>() / pairs.len() as f64
    };
    if scale > 0.0 { 1.0 / scale } else { 0.0 }
}
