//! Divergences and random matrices.
//!
//! | law | here |
//! |---|---|
//! | 50 Kullback-Leibler, Jeffreys and Jensen-Bregman, 51 Thompson | `law_50_51_divergences_are_tied_to_the_affine_invariant_distance` |

use hadamard_geometry::divergence::{
    hilbert, inverse_euclidean, jeffreys, jensen_bregman_log_det, kullback_leibler, thompson, von_neumann,
    von_neumann_symmetrised,
};
use hadamard_geometry::metrics::AffineInvariant;
use hadamard_geometry::{Metric, Spd, random};
use proofs_tests::spd::{C, samples};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64;

proptest! {
    #[test]
    fn law_50_51_divergences_are_tied_to_the_affine_invariant_distance(sample in samples(6, 1e4)) {
        let mut rng = sample.rng();
        let (a, b, c) = (sample.spd(&mut rng), sample.spd(&mut rng), sample.spd(&mut rng));
        let d = AffineInvariant::default().distance(&a, &b).unwrap();
        let slack = C * sample.rounding() * sample.condition;
        let floor = slack * (1.0 + d);
        let kl = kullback_leibler(&a, &b).unwrap();
        prop_assert!(kl >= 0.0);
        let symmetric = jeffreys(&a, &b).unwrap();
        prop_assert!((symmetric - kl - kullback_leibler(&b, &a).unwrap()).abs() <= slack * (1.0 + symmetric));
        let jbld = jensen_bregman_log_det(&a, &b).unwrap();
        prop_assert!(jbld >= 0.0 && jbld <= d * d / 8.0 + floor);
        prop_assert!((jbld - jensen_bregman_log_det(&b, &a).unwrap()).abs() <= floor);
        let root = |x: &Spd, y: &Spd| jensen_bregman_log_det(x, y).unwrap().sqrt();
        prop_assert!(root(&a, &c) <= root(&a, &b) + root(&b, &c) + floor);
        let part = thompson(&a, &b).unwrap();
        prop_assert!(part <= d + floor && d <= (sample.order as f64).sqrt() * part + floor);
        let projective = hilbert(&a, &b).unwrap();
        prop_assert!(projective <= 2.0 * part + floor);
        let scaled = Spd::try_new(a.matrix() * 8.0).unwrap();
        prop_assert!(hilbert(&a, &scaled).unwrap() <= floor);
        let relative = von_neumann(&a, &b).unwrap();
        prop_assert!(relative >= 0.0);
        let mean = von_neumann_symmetrised(&a, &b).unwrap();
        prop_assert!((mean - 0.5 * (relative + von_neumann(&b, &a).unwrap())).abs() <= slack * mean);
        // The definition, where its cancellation allows.
        let both = 0.5 * (a.matrix() - b.matrix()).dot(&(a.log() - b.log()));
        let size = (a.matrix().norm() + b.matrix().norm()) * (a.log().norm() + b.log().norm());
        prop_assert!((mean - both).abs() <= slack * size);
        prop_assert!(inverse_euclidean(&a, &b).unwrap() >= 0.0);
        for divergence in [kullback_leibler, jeffreys, jensen_bregman_log_det, thompson, hilbert] {
            prop_assert!(divergence(&a, &a).unwrap().abs() <= slack);
        }
        prop_assert!(von_neumann(&a, &a).unwrap() <= slack * a.matrix().norm());
    }

    #[test]
    fn random_matrices_are_what_they_say(n in 1..7usize, seed in any::<u64>()) {
        let mut rng = Pcg64::seed_from_u64(seed);
        let q = random::orthogonal(n, &mut rng);
        let identity = Spd::identity(n).unwrap().into_matrix();
        prop_assert!((q.tr_mul(&q) - &identity).norm() <= 50.0 * n as f64 * f64::EPSILON);
        let a = random::spd(n, 1e6, &mut rng).unwrap();
        prop_assert!(a.condition_number() <= 1e6 * (1.0 + 1e-6));
        let w = random::wishart(&a, n as f64 + 0.5, &mut rng).unwrap();
        prop_assert!(w.order() == n);
    }
}

#[test]
fn the_mean_wishart_matrix_is_its_scale() {
    let mut rng = Pcg64::seed_from_u64(4);
    let scale = random::spd(3, 10.0, &mut rng).unwrap();
    let (degrees, count) = (5.0, 4000);
    let mut sum = scale.matrix() * 0.0;
    for _ in 0..count {
        sum += random::wishart(&scale, degrees, &mut rng).unwrap().matrix() / (count as f64 * degrees);
    }
    // Variance of an entry: (s_ij² + s_ii s_jj)/degrees; five standard errors of the norm.
    let bound = 5.0 * scale.matrix().trace() * (2.0 / (degrees * f64::from(count))).sqrt();
    assert!((sum - scale.matrix()).norm() <= bound);
}

#[test]
fn riemannian_gaussians_have_the_right_radius() {
    // n = 1: log x is normal. n = 2: r = (s + δ/2, s − δ/2) with s normal of variance σ²/2 and δ of density
    // proportional to exp(−δ²/(4σ²)) sinh(δ/2); E δ² by quadrature.
    let mut rng = Pcg64::seed_from_u64(8);
    let count = 4000;
    let metric = AffineInvariant::default();
    for (order, sigma) in [(1, 0.7), (2, 0.1), (2, 1.0), (2, 2.0)] {
        let centre = random::spd(order, 5.0, &mut rng).unwrap();
        let mean_square = random::riemannian_gaussian(&centre, sigma, count, &mut rng)
            .unwrap()
            .iter()
            .map(|x| metric.distance(&centre, x).unwrap().powi(2))
            .sum::<f64>()
            / count as f64;
        let expected = if order == 1 {
            sigma * sigma
        } else {
            let (mut mass, mut moment) = (0.0, 0.0);
            let width = 14.0 * sigma + 2.0 * sigma * sigma;
            for i in 1..4000 {
                let d = width * f64::from(i) / 4000.0;
                let p = (-d * d / (4.0 * sigma * sigma)).exp() * (0.5 * d).sinh();
                mass += p;
                moment += p * d * d;
            }
            sigma * sigma + 0.5 * moment / mass
        };
        // Standard deviation of d² is of the order of its mean; correlation of the chain doubles the error at most.
        let bound = 10.0 * expected / f64::from(count as i32).sqrt();
        assert!(
            (mean_square - expected).abs() <= bound,
            "{order} {sigma}: {mean_square} {expected}"
        );
    }
}
