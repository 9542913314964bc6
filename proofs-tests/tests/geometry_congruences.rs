//! Laws of pull-backs by congruences Σ ↦ WΣWᵀ.
//!
//! | law | here |
//! |---|---|
//! | the affine-invariant metric is unchanged by every congruence | `affine_invariant_does_not_change` |
//! | generalised Bures-Wasserstein by its own formulas | `generalised_bures_wasserstein_by_its_formulas` |
//! | maps, duality, isometries | `maps_and_duality` |

use hadamard_geometry::mean::MeanOptions;
use hadamard_geometry::metrics::{AffineInvariant, BuresWasserstein, Congruent, LogCholesky, LogEuclidean};
use hadamard_geometry::{Error, Metric, Psd, Spd};
use nalgebra::{DMatrix, dmatrix};
use proofs_tests::spd::{Sample, batch, gap, orthogonal, samples};
use proptest::prelude::*;
use rand_pcg::Pcg64;

/// Condition number of the congruences below.
const STRETCH: f64 = 4.0;

/// A matrix with singular values from 1/2 to 2.
fn factor(n: usize, rng: &mut Pcg64) -> DMatrix<f64> {
    let values = (0..n).map(|i| 0.5 * STRETCH.powf(i as f64 / (n.max(2) - 1) as f64));
    let diagonal = DMatrix::from_diagonal(&nalgebra::DVector::from_iterator(n, values));
    orthogonal(n, rng) * diagonal * orthogonal(n, rng)
}

/// The condition of points grows by that of W squared on the way to the image, errors once more on the way back.
fn slack(sample: &Sample) -> f64 {
    STRETCH.powi(4) * sample.slack(1)
}

proptest! {
    #[test]
    fn affine_invariant_does_not_change(sample in samples(6, 1e6)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let plain = AffineInvariant::default();
        let pulled = Congruent::try_new(plain, factor(sample.order, &mut rng)).unwrap();
        let slack = slack(&sample);
        let d = plain.distance(&a, &b).unwrap();
        prop_assert!((pulled.distance(&a, &b).unwrap() - d).abs() <= slack * (1.0 + d));
        let inner = plain.norm(&a, &x).unwrap() * plain.norm(&a, &y).unwrap();
        prop_assert!((pulled.inner(&a, &x, &y).unwrap() - plain.inner(&a, &x, &y).unwrap()).abs() <= slack * inner);
        // Lengths of differences in the metric itself, which does not mind the condition of the points.
        let near = |at: &Spd, u: &DMatrix<f64>, v: &DMatrix<f64>| {
            plain.norm(at, &(u - v)).unwrap() <= slack * (1.0 + plain.norm(at, v).unwrap())
        };
        prop_assert!(near(&a, &pulled.log(&a, &b).unwrap(), &plain.log(&a, &b).unwrap()));
        let moved = (pulled.transport(&a, &b, &x).unwrap(), plain.transport(&a, &b, &x).unwrap());
        prop_assert!(near(&b, &moved.0, &moved.1));
        let gamma = (pulled.christoffel(&a, &x, &y).unwrap(), plain.christoffel(&a, &x, &y).unwrap());
        prop_assert!(near(&a, &gamma.0, &gamma.1));
        let ends = (pulled.exp(&a, &x).unwrap(), plain.exp(&a, &x).unwrap());
        prop_assert!(gap(ends.0.matrix(), ends.1.matrix()) <= slack);
    }

    #[test]
    fn generalised_bures_wasserstein_by_its_formulas(sample in samples(4, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let m = sample.spd(&mut rng);
        let x = sample.tangent(&a, 1.0, &mut rng);
        let n = sample.order;
        let metric = Congruent::generalized_bures_wasserstein(&m).unwrap();
        // Two matrices of that condition, and systems of the condition of their product.
        let slack = sample.slack(2);
        // (M ⊗ Σ + Σ ⊗ M) vec L = vec X.
        let system = m.matrix().kronecker(a.matrix()) + a.matrix().kronecker(m.matrix());
        let l = system.lu().solve(&DMatrix::from_column_slice(n * n, 1, x.as_slice())).unwrap();
        let l = DMatrix::from_column_slice(n, n, l.as_slice());
        let expected = 0.5 * l.dot(&x);
        prop_assert!((metric.inner(&a, &x, &x).unwrap() - expected).abs() <= slack * expected);
        // tr M⁻¹A + tr M⁻¹B − 2 tr(M⁻¹AM⁻¹B)^½, a difference of larger numbers. The roots of eigenvalues that are not
        // those of a symmetric matrix are off by the root of their rounding at worst.
        let inverse = m.matrix().clone().try_inverse().unwrap();
        let (ma, mb) = (&inverse * a.matrix(), &inverse * b.matrix());
        let roots: f64 = (&ma * &mb).complex_eigenvalues().iter().map(|v| v.sqrt().re).sum();
        let square = metric.distance(&a, &b).unwrap().powi(2);
        let size = ma.trace() + mb.trace();
        prop_assert!((square - (size - 2.0 * roots)).abs() <= slack.sqrt() * size);
        // A quarter of affine-invariant at the point M, Bures-Wasserstein for M = I.
        let affine = AffineInvariant::default();
        let y = sample.tangent(&m, 1.0, &mut rng);
        let quarter = 0.25 * affine.inner(&m, &y, &y).unwrap();
        prop_assert!((metric.inner(&m, &y, &y).unwrap() - quarter).abs() <= slack * quarter);
        let identity = Congruent::generalized_bures_wasserstein(&Spd::identity(n).unwrap()).unwrap();
        let d = BuresWasserstein.distance(&a, &b).unwrap();
        let unit = (a.matrix().trace() + b.matrix().trace()).sqrt();
        prop_assert!((identity.distance(&a, &b).unwrap() - d).abs() <= slack * unit);
    }

    #[test]
    fn maps_and_duality(sample in samples(5, 1e4)) {
        let w = factor(sample.order, &mut sample.rng());
        // Log-Cholesky adds lengths of units √ and of none: its conditioning depends on the units.
        let unit = Sample { scale: 1.0, ..sample.clone() };
        let metrics: [(Box<dyn Metric>, &Sample); 3] = [
            (Box::new(Congruent::try_new(BuresWasserstein, w.clone()).unwrap()), &sample),
            (Box::new(Congruent::try_new(LogEuclidean::default(), w.clone()).unwrap()), &sample),
            (Box::new(Congruent::try_new(LogCholesky::default(), w).unwrap()), &unit),
        ];
        for (metric, sample) in &metrics {
            let name = metric.name();
            let mut rng = sample.rng();
            let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
            let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
            // Logarithms of the scale also round.
            let slack = slack(sample) * (1.0 + sample.scale.ln().abs());
            let d = metric.distance(&a, &b).unwrap();
            let velocity = metric.log(&a, &b).unwrap();
            let own = |at: &Spd| metric.norm(at, at.matrix()).unwrap();
            let reach = d + own(&a) + own(&b);
            prop_assert!((metric.norm(&a, &velocity).unwrap() - d).abs() <= slack * reach, "{name}");
            let end = metric.exp(&a, &velocity).unwrap();
            prop_assert!(gap(end.matrix(), b.matrix()) <= slack, "{name}");
            let middle = metric.geodesic(&a, &b, 0.5).unwrap();
            prop_assert!((metric.distance(&a, &middle).unwrap() - 0.5 * d).abs() <= slack * reach, "{name}");
            let (nx, ny) = (metric.norm(&a, &x).unwrap(), metric.norm(&a, &y).unwrap());
            let p = metric.flat(&a, &x).unwrap();
            let paired = p.dot(&y) - metric.inner(&a, &x, &y).unwrap();
            prop_assert!(paired.abs() <= slack * nx * ny, "{name}");
            let back = metric.sharp(&a, &p).unwrap();
            prop_assert!(metric.norm(&a, &(back - &x)).unwrap() <= slack * nx, "{name}");
            let white = metric.whiten(&a, &x).unwrap();
            prop_assert!((white.norm() - nx).abs() <= slack * nx, "{name}");
            let back = metric.unwhiten(&a, &white).unwrap();
            prop_assert!(metric.norm(&a, &(back - &x)).unwrap() <= slack * nx, "{name}");
        }
    }
}

#[test]
fn means_are_those_of_the_images() {
    let sample = Sample {
        order: 4,
        condition: 100.0,
        scale: 1.0,
        spectrum: proofs_tests::spd::Spectrum::Spread,
        seed: 5,
    };
    let mut rng = sample.rng();
    let points: Vec<Spd> = (0..7).map(|_| sample.spd(&mut rng)).collect();
    let weights = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.25];
    let metric = Congruent::generalized_bures_wasserstein(&sample.spd(&mut rng)).unwrap();
    let report = metric
        .mean(&batch(&points), Some(&weights), &MeanOptions::default())
        .unwrap();
    assert!(report.converged);
    // The gradient at the mean: minus the weighted sum of the velocities to the points.
    let mut sum = DMatrix::zeros(4, 4);
    let mut length = 0.0;
    for (point, weight) in points.iter().zip(weights) {
        let velocity = metric.log(&report.mean, point).unwrap();
        length += weight * metric.norm(&report.mean, &velocity).unwrap();
        sum += velocity * weight;
    }
    let left = metric.norm(&report.mean, &sum).unwrap();
    assert!(
        left <= MeanOptions::default().tolerance.max(slack(&sample)) * length,
        "{left:e} of {length:e}"
    );
    // Singular matrices too: the line from zero to a matrix.
    let (zero, one) = (
        Psd::try_new(DMatrix::zeros(4, 4)).unwrap(),
        Psd::try_new(points[0].matrix().clone()).unwrap(),
    );
    let square = metric.distance_semidefinite(&zero, &one).unwrap().powi(2);
    let w = metric.factor();
    let trace = (w * points[0].matrix() * w.transpose()).trace();
    assert!((square - trace).abs() <= slack(&sample) * trace);
    let half = metric.geodesic_semidefinite(&zero, &one, 0.5).unwrap();
    assert!(gap(half.matrix(), &(points[0].matrix() * 0.25)) <= slack(&sample));
}

#[test]
fn refuses_what_is_not_a_congruence() {
    let singular = Congruent::try_new(BuresWasserstein, dmatrix![1.0, 2.0; 2.0, 4.0]);
    assert!(
        matches!(
            singular,
            Err(Error::NotPositiveDefinite { .. } | Error::OutOfRange { .. })
        ),
        "{singular:?}"
    );
    let wide = Congruent::try_new(BuresWasserstein, DMatrix::zeros(1, 2));
    assert!(matches!(
        wide,
        Err(Error::NotSquare {
            rows: 1,
            columns: 2,
            ..
        })
    ));
    assert!(matches!(
        Congruent::try_new(BuresWasserstein, DMatrix::zeros(0, 0)),
        Err(Error::Empty { .. })
    ));
    let nan = Congruent::try_new(BuresWasserstein, dmatrix![f64::NAN]);
    assert!(matches!(nan, Err(Error::NonFinite { .. })), "{nan:?}");
    let metric = Congruent::try_new(BuresWasserstein, dmatrix![2.0, 0.0; 0.0, 3.0]).unwrap();
    let other = Spd::identity(3).unwrap();
    let mismatch = |error: Error| {
        matches!(
            error,
            Error::DimensionMismatch {
                expected: 2,
                found: 3,
                ..
            }
        )
    };
    assert!(mismatch(metric.distance(&other, &other).unwrap_err()));
    assert!(mismatch(
        metric.pairwise(&batch(std::slice::from_ref(&other))).unwrap_err()
    ));
    assert!(mismatch(
        metric
            .mean(&batch(&[other]), None, &MeanOptions::default())
            .unwrap_err()
    ));
}
