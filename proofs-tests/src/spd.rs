//! SPD matrices for the tests of `hadamard-geometry`: golden inputs, hard spectra, every metric.

use std::collections::BTreeMap;

use hadamard_geometry::kernel::{Kernel, KernelMetric};
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Cholesky, Euclidean, LogCholesky, LogEuclidean,
    MixedPowerEuclidean, PowerAffine, PowerEuclidean,
};
use hadamard_geometry::{Metric, Spd, SpdBatch};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;
use serde::Deserialize;
use serde_json::Value;

/// Golden values: inputs by name, and cases.
#[derive(Debug, Deserialize)]
pub struct Golden {
    /// Input matrices by name, as rows.
    pub matrices: BTreeMap<String, Vec<Vec<f64>>>,
    /// One value each.
    pub cases: Vec<Case>,
}

/// One golden value.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// Operation.
    pub op: String,
    /// Metric or estimator.
    pub metric: String,
    /// Names of matrices, or numbers.
    pub inputs: Vec<Value>,
    /// Parameters of the operation.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// Number, vector, or matrix as rows.
    pub result: Value,
}

impl Golden {
    /// Reads `values/spd-metrics.json`.
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/values/spd-metrics.json");
        let text = std::fs::read_to_string(path).expect("golden values are part of the repository");
        serde_json::from_str(&text).expect("golden values are well-formed")
    }

    /// An input matrix; `NAME*(1+2^-30)` is the matrix NAME times that factor.
    pub fn matrix(&self, name: &str) -> DMatrix<f64> {
        let (base, factor) = name
            .split_once("*(1+2^-30)")
            .map_or((name, 1.0), |(base, _)| (base, 1.0 + 2f64.powi(-30)));
        from_rows(&self.matrices[base]) * factor
    }
}

/// A matrix from its rows.
pub fn from_rows(rows: &[Vec<f64>]) -> DMatrix<f64> {
    DMatrix::from_fn(rows.len(), rows.first().map_or(0, Vec::len), |i, j| rows[i][j])
}

/// Every metric of the crate that is O(n)-invariant, by the name it has in the golden values.
pub fn invariant_metric(name: &str) -> Option<Box<dyn Metric>> {
    let metric: Box<dyn Metric> = match name {
        "euclidean" => Box::new(Euclidean::default()),
        "log_euclidean" => Box::new(LogEuclidean::default()),
        "affine_invariant" => Box::new(AffineInvariant::default()),
        "bures_wasserstein" => Box::new(BuresWasserstein),
        "bkm" => Box::new(MixedPowerEuclidean::bogoliubov_kubo_mori()),
        "polar_affine" => Box::new(PowerAffine::polar()),
        _ => {
            let (family, numbers) = name.split_at(name.rfind(|c: char| c.is_ascii_alphabetic())? + 1);
            let numbers: Vec<f64> = numbers
                .split('_')
                .skip(1)
                .map(|n| n.parse().ok())
                .collect::<Option<_>>()?;
            match (family, numbers.as_slice()) {
                ("power_euclidean", &[p]) => Box::new(PowerEuclidean::try_new(p).ok()?),
                ("power_affine", &[p]) => Box::new(PowerAffine::try_new(p).ok()?),
                ("procrustes", &[a]) => Box::new(AlphaProcrustes::try_new(a).ok()?),
                ("mpe", &[a, b]) => Box::new(MixedPowerEuclidean::try_new(a, b).ok()?),
                _ => return None,
            }
        }
    };
    Some(metric)
}

/// The O(n)-invariant metrics with closed forms.
pub fn closed_metrics() -> Vec<Box<dyn Metric>> {
    [
        "euclidean",
        "log_euclidean",
        "affine_invariant",
        "bures_wasserstein",
        "polar_affine",
        "power_euclidean_0.5",
        "power_euclidean_-1",
        "power_affine_0.5",
        "procrustes_0.25",
    ]
    .into_iter()
    .filter_map(invariant_metric)
    .collect()
}

/// The metrics without closed forms: two of the library, one of a user's own.
pub fn integrated_metrics() -> Vec<Box<dyn Metric>> {
    vec![
        Box::new(MixedPowerEuclidean::bogoliubov_kubo_mori()),
        Box::new(MixedPowerEuclidean::try_new(0.5, -0.25).expect("finite")),
        Box::new(KernelMetric::new(SquaredArithmetic)),
    ]
}

/// The metrics that are not O(n)-invariant.
pub fn triangular_metrics() -> Vec<Box<dyn Metric>> {
    vec![Box::new(Cholesky::default()), Box::new(LogCholesky::default())]
}

/// φ = ((x + y)/2)², a mean kernel that only gives its values.
#[derive(Debug)]
pub struct SquaredArithmetic;

impl Kernel for SquaredArithmetic {
    fn phi(&self, x: f64, y: f64) -> f64 {
        (0.5 * (x + y)).powi(2)
    }

    fn degree(&self) -> Option<f64> {
        Some(2.0)
    }
}

/// GAGᵀ.
pub fn congruence(g: &DMatrix<f64>, a: &Spd) -> Spd {
    let m = g * a.matrix() * g.transpose();
    Spd::try_new((&m + m.transpose()) * 0.5).expect("congruent to an SPD matrix")
}

/// A⁻¹.
pub fn inverse(a: &Spd) -> Spd {
    Spd::try_new(a.eigen().map(f64::recip)).expect("the inverse of an SPD matrix")
}

/// A batch of points.
pub fn batch(points: &[Spd]) -> SpdBatch {
    let matrices: Vec<DMatrix<f64>> = points.iter().map(|p| p.matrix().clone()).collect();
    SpdBatch::try_from_matrices(&matrices).expect("SPD points")
}

/// d(A, B).
pub fn distance(metric: &dyn Metric, a: &Spd, b: &Spd) -> f64 {
    metric.distance(a, b).expect("defined everywhere")
}

/// What rounding errors of d(A, B) are relative to: the distance, and how far rounding of the entries moves the points,
/// their lengths as tangent vectors at themselves. Differences of logarithms also round the logarithms, 60 at 1e-26.
pub fn reach(metric: &dyn Metric, a: &Spd, b: &Spd) -> f64 {
    let own = |p: &Spd| {
        let length = metric.norm(p, p.matrix()).expect("a tangent vector");
        if metric.name() == "log-Euclidean" {
            length + p.log().norm()
        } else {
            length
        }
    };
    distance(metric, a, b) + own(a) + own(b)
}

/// The power of the condition number that a metric's errors grow with: 1, and more where it takes powers of the points.
pub fn condition_power(metric: &dyn Metric) -> i32 {
    if ["polar-affine", "power-Euclidean(-1)"].contains(&metric.name().as_str()) {
        2
    } else {
        1
    }
}

/// ‖M − N‖/‖N‖.
pub fn gap(m: &DMatrix<f64>, n: &DMatrix<f64>) -> f64 {
    (m - n).norm() / n.norm()
}

/// Errors of factored forms are C n ε κ^q with this C, measured over orders to 16 and conditions to 1e12 (see
/// [`condition_power`] for q).
pub const C: f64 = 50.0;

/// A matrix of standard normal entries.
pub fn gaussian(rows: usize, columns: usize, rng: &mut impl Rng) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| rng.sample(StandardNormal))
}

/// A random orthogonal matrix.
pub fn orthogonal(n: usize, rng: &mut impl Rng) -> DMatrix<f64> {
    gaussian(n, n, rng).qr().q()
}

/// A random symmetric matrix.
pub fn symmetric(n: usize, rng: &mut impl Rng) -> DMatrix<f64> {
    let g = gaussian(n, n, rng);
    (&g + g.transpose()) * 0.5
}

/// Q diag(d) Qᵀ with a random orthogonal Q.
pub fn with_spectrum(d: &[f64], rng: &mut impl Rng) -> Spd {
    let q = orthogonal(d.len(), rng);
    let m = &q * DMatrix::from_diagonal(&DVector::from_column_slice(d)) * q.transpose();
    Spd::try_new((&m + m.transpose()) * 0.5).expect("positive spectrum of moderate condition")
}

/// How a generated spectrum looks like.
#[derive(Debug, Clone, Copy)]
pub enum Spectrum {
    /// Logarithms uniform between 1 and the condition number.
    Spread,
    /// One eigenvalue twice (or more) exactly.
    Repeated,
    /// Relative gaps between 1e-13 and 1e-6.
    Clustered,
}

/// A pair of SPD matrices of one order, at one scale, with what is needed to make more of the kind.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Order n.
    pub order: usize,
    /// Largest condition number.
    pub condition: f64,
    /// Factor on all matrices, a power of two.
    pub scale: f64,
    /// Kind of the spectra.
    pub spectrum: Spectrum,
    /// Seed of everything random.
    pub seed: u64,
}

impl Sample {
    /// The generator of this sample.
    pub fn rng(&self) -> Pcg64 {
        Pcg64::seed_from_u64(self.seed)
    }

    /// A point.
    pub fn spd(&self, rng: &mut Pcg64) -> Spd {
        let span = self.condition.ln();
        let mut d: Vec<f64> = (0..self.order)
            .map(|_| (span * (rng.random::<f64>() - 0.5)).exp())
            .collect();
        for i in 1..self.order {
            match self.spectrum {
                Spectrum::Spread => {}
                Spectrum::Repeated => {
                    if i % 2 == 1 {
                        d[i] = d[i - 1];
                    }
                }
                Spectrum::Clustered => {
                    if i % 2 == 1 {
                        let gap = 10f64.powf(-13.0 + 7.0 * rng.random::<f64>());
                        d[i] = d[i - 1] * (1.0 + gap);
                    }
                }
            }
        }
        for d in &mut d {
            *d *= self.scale;
        }
        with_spectrum(&d, rng)
    }

    /// A tangent vector at `at` with L⁻¹XL⁻ᵀ of entries about `size`.
    pub fn tangent(&self, at: &Spd, size: f64, rng: &mut Pcg64) -> DMatrix<f64> {
        let x = at.cholesky() * symmetric(self.order, rng) * at.cholesky().transpose();
        (&x + x.transpose()) * (0.5 * size / self.order as f64)
    }

    /// n ε: the rounding of one dense product.
    pub fn rounding(&self) -> f64 {
        self.order as f64 * f64::EPSILON
    }

    /// C n ε κ^q.
    pub fn slack(&self, q: i32) -> f64 {
        C * self.rounding() * self.condition.powi(q)
    }
}

/// Samples of orders 1 to `order`, conditions to `condition`, scales 2⁻⁸⁷ ≈ 6e-27 to 2²⁰ ≈ 1e6.
pub fn samples(order: usize, condition: f64) -> impl Strategy<Value = Sample> {
    let spectrum = prop_oneof![
        Just(Spectrum::Spread),
        Just(Spectrum::Repeated),
        Just(Spectrum::Clustered)
    ];
    (1..=order, 0.0..=condition.log10(), -87..=20i32, spectrum, any::<u64>()).prop_map(
        |(order, exponent, scale, spectrum, seed)| Sample {
            order,
            condition: 10f64.powf(exponent),
            scale: 2f64.powi(scale),
            spectrum,
            seed,
        },
    )
}
