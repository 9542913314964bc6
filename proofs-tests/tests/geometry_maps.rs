//! Laws of exponentials, logarithms, geodesics and transport.
//!
//! | law | here |
//! |---|---|
//! | 5 equivariance under O(n) | `law_05_rotations` |
//! | 6, 7 exp and log invert each other, 8 d = ‖log‖ | `law_06_07_08_exp_and_log` |
//! | 9, 10 points of geodesics, 15 transport; also 11 to 14 | `law_09_to_15_operations_fit_together` |
//! | 16 transport in two steps | `law_16_transport_in_two_steps` |
//! | 55 domain of the exponential | `law_55_exponentials_know_where_they_end` |

use hadamard_geometry::check::check_metric;
use hadamard_geometry::metrics::{
    AffineInvariant, AlphaProcrustes, BuresWasserstein, Cholesky, Euclidean, LogEuclidean, PowerEuclidean,
};
use hadamard_geometry::{Error, Metric, Spd};
use nalgebra::DMatrix;
use proofs_tests::spd::{
    Sample, closed_metrics, condition_power, congruence, gap, orthogonal, reach, samples, triangular_metrics,
};
use proptest::prelude::*;

fn hold_to_laws(
    metric: &dyn Metric,
    sample: &Sample,
    [a, b]: [&Spd; 2],
    [x, y]: [&DMatrix<f64>; 2],
) -> Result<(), TestCaseError> {
    let laws =
        check_metric(metric, a, b, x, y).map_err(|error| TestCaseError::fail(format!("{}: {error}", metric.name())))?;
    for law in laws {
        // A law relative to the size of one tangent vector also sees how differently the two points stretch it.
        let stretch = if law.name.contains("transport") { 1 } else { 0 };
        // The transport of Bures-Wasserstein and its deformations is integrated, to 1e-13 a step.
        let integrated = metric.name().contains("Bures") || metric.name().contains("Procrustes");
        let floor = if integrated && stretch > 0 { 1e-11 } else { 0.0 };
        let bound = sample.slack(condition_power(metric) + stretch) + floor;
        prop_assert!(law.error <= bound, "{} {:?} > {bound:e}", metric.name(), law);
    }
    Ok(())
}

/// QXQᵀ.
fn turned(q: &DMatrix<f64>, x: &DMatrix<f64>) -> DMatrix<f64> {
    let m = q * x * q.transpose();
    (&m + m.transpose()) * 0.5
}

proptest! {
    #[test]
    fn law_05_rotations(sample in samples(5, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let (x, y) = (sample.tangent(&a, 0.3, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        let r = orthogonal(sample.order, &mut rng);
        let (ra, rb) = (congruence(&r, &a), congruence(&r, &b));
        let (rx, ry) = (turned(&r, &x), turned(&r, &y));
        for metric in closed_metrics() {
            let slack = sample.slack(condition_power(&*metric));
            if let Ok(end) = metric.exp(&a, &x) {
                let error = gap(metric.exp(&ra, &rx).unwrap().matrix(), &turned(&r, end.matrix()));
                // A geodesic that comes near the boundary forgets in which direction by its condition.
                prop_assert!(error <= slack * (1.0 + end.condition_number() / sample.condition).sqrt() , "exp {} {error:e}", metric.name());
            }
            // Relative to the points where they are close together.
            let size = reach(&*metric, &a, &b);
            let log = metric.log(&ra, &rb).unwrap() - turned(&r, &metric.log(&a, &b).unwrap());
            prop_assert!(metric.norm(&ra, &log).unwrap() <= slack * size * sample.condition.sqrt(), "log {}", metric.name());
            let moved = metric.transport(&ra, &rb, &ry).unwrap() - turned(&r, &metric.transport(&a, &b, &y).unwrap());
            let bound = (slack * sample.condition + 1e-11) * metric.norm(&a, &y).unwrap();
            prop_assert!(metric.norm(&rb, &moved).unwrap() <= bound, "transport {}", metric.name());
            let gamma = metric.christoffel(&ra, &rx, &ry).unwrap() - turned(&r, &metric.christoffel(&a, &x, &y).unwrap());
            let unit = metric.norm(&a, a.matrix()).unwrap();
            let bound = slack * sample.condition * metric.norm(&a, &x).unwrap() * metric.norm(&a, &y).unwrap() / unit;
            prop_assert!(metric.norm(&ra, &gamma).unwrap() <= bound, "connection {}", metric.name());
        }
    }

    #[test]
    fn law_06_07_08_exp_and_log(sample in samples(6, 1e8)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let x = sample.tangent(&a, 0.3, &mut rng);
        let metrics: [Box<dyn Metric>; 4] = [
            Box::new(AffineInvariant::default()),
            Box::new(LogEuclidean::default()),
            Box::new(BuresWasserstein),
            Box::new(Cholesky::default()),
        ];
        for metric in &metrics {
            let slack = sample.slack(1);
            let log = metric.log(&a, &b).unwrap();
            let back = metric.exp(&a, &log).unwrap();
            prop_assert!(gap(back.matrix(), b.matrix()) <= slack, "{} {:e}", metric.name(), gap(back.matrix(), b.matrix()));
            let d = metric.distance(&a, &b).unwrap();
            let length = (metric.norm(&a, &log).unwrap() - d).abs();
            prop_assert!(length <= slack * reach(&**metric, &a, &b), "{} {length:e}", metric.name());
            // The other way round, well inside the domain.
            if let Ok(end) = metric.exp(&a, &x) {
                let error = metric.norm(&a, &(metric.log(&a, &end).unwrap() - &x)).unwrap();
                let size = reach(&**metric, &a, &end);
                prop_assert!(error <= slack * size * sample.condition.sqrt(), "{} {:e}", metric.name(), error / size);
            }
        }
    }

    #[test]
    fn law_09_to_15_operations_fit_together(sample in samples(6, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let (x, y) = (sample.tangent(&a, 1.0, &mut rng), sample.tangent(&a, 1.0, &mut rng));
        for metric in closed_metrics() {
            hold_to_laws(&*metric, &sample, [&a, &b], [&x, &y])?;
            let slack = sample.slack(condition_power(&*metric));
            let size = reach(&*metric, &a, &b);
            let d = metric.distance(&a, &b).unwrap();
            for t in [0.0, 0.2, 0.7, 1.0] {
                let point = metric.geodesic(&a, &b, t).unwrap();
                let error = (metric.distance(&a, &point).unwrap() - t * d).abs();
                prop_assert!(error <= slack * size, "{} {t} {error:e}", metric.name());
                let reverse = metric.geodesic(&b, &a, 1.0 - t).unwrap();
                prop_assert!(gap(reverse.matrix(), point.matrix()) <= slack * sample.condition, "{} {t}", metric.name());
            }
            prop_assert!(gap(metric.geodesic(&a, &b, 1.0).unwrap().matrix(), b.matrix()) <= slack, "{}", metric.name());
        }
        // Log-Cholesky adds lengths of units √ and of none: its conditioning depends on the units.
        let unit = Sample { scale: 1.0, ..sample };
        let mut rng = unit.rng();
        let (a, b) = (unit.spd(&mut rng), unit.spd(&mut rng));
        let (x, y) = (unit.tangent(&a, 1.0, &mut rng), unit.tangent(&a, 1.0, &mut rng));
        for metric in triangular_metrics() {
            hold_to_laws(&*metric, &unit, [&a, &b], [&x, &y])?;
        }
    }

    #[test]
    fn law_16_transport_in_two_steps(sample in samples(6, 1e3)) {
        let mut rng = sample.rng();
        let (a, b) = (sample.spd(&mut rng), sample.spd(&mut rng));
        let v = sample.tangent(&a, 1.0, &mut rng);
        let metrics: [Box<dyn Metric>; 3] =
            [Box::new(AffineInvariant::default()), Box::new(LogEuclidean::default()), Box::new(BuresWasserstein)];
        for metric in &metrics {
            let middle = metric.geodesic(&a, &b, 0.3).unwrap();
            let once = metric.transport(&a, &b, &v).unwrap();
            let twice = metric.transport(&middle, &b, &metric.transport(&a, &middle, &v).unwrap()).unwrap();
            let error = metric.norm(&b, &(twice - once)).unwrap() / metric.norm(&a, &v).unwrap();
            prop_assert!(error <= sample.slack(2) + 1e-11, "{} {error:e}", metric.name());
        }
    }

    #[test]
    fn law_55_exponentials_know_where_they_end(sample in samples(5, 1e4)) {
        let mut rng = sample.rng();
        let a = sample.spd(&mut rng);
        let x = sample.tangent(&a, 1.0, &mut rng);
        let metrics: [Box<dyn Metric>; 5] = [
            Box::new(Euclidean::default()),
            Box::new(BuresWasserstein),
            Box::new(PowerEuclidean::try_new(0.5).unwrap()),
            Box::new(AlphaProcrustes::try_new(0.25).unwrap()),
            Box::new(Cholesky::default()),
        ];
        let length = AffineInvariant::default().norm(&a, &x).unwrap();
        for metric in &metrics {
            let (lower, upper) = metric.exp_domain(&a, &x).unwrap();
            prop_assert!(lower < 0.0 && upper > 0.0);
            for end in [lower, upper] {
                if !end.is_finite() {
                    prop_assert!(metric.exp(&a, &(&x * (end.signum() * 4.0))).is_ok());
                    continue;
                }
                // The end is the reciprocal of an eigenvalue of the whitened X, which is known to ε ‖X‖.
                let slack = sample.slack(1) * (end.abs() * length).max(1.0);
                let beyond = metric.exp(&a, &(&x * (1.01 * end)));
                let Err(Error::LeftDomain { t }) = beyond else {
                    return Err(TestCaseError::fail(format!("{}: {beyond:?}", metric.name())));
                };
                prop_assert!((t * 1.01 - 1.0).abs() <= slack, "{} {t}", metric.name());
                // At the end some v lies in the kernel. What moves straight, Σ or a factor or power of it, has shrunk by 1 − f
                // along v at the fraction f of the way: λ_min ≤ (1 − f) ‖Σ‖ at least. The end itself is rounded.
                for fraction in [0.9, 0.999, 1.0 - 1e-5] {
                    let least = match metric.exp(&a, &(&x * (fraction * end))) {
                        Ok(there) => there.eigenvalues()[0],
                        // What moves straight is at the least a factor of Σ^½: λ_min ~ (1 − f)⁴ ‖Σ‖ may be lost to rounding.
                        Err(Error::NotPositiveDefinite { .. })
                            if (1.0 - fraction).powi(4) < f64::EPSILON * a.order() as f64 => 0.0,
                        Err(error) => return Err(TestCaseError::fail(format!("{}: {error}", metric.name()))),
                    };
                    let bound = (1.0 - fraction + slack) * a.eigenvalues().max();
                    prop_assert!(least <= bound, "{} {least:e} > {bound:e}", metric.name());
                }
            }
        }
    }
}
