//! Domain adaptation: what alignments promise of the domains they move.

use hadamard_geometry::sliced::{DirectionBank, FlowOptions, LogCloud, spdsw_pow};
use hadamard_geometry::transport::{SinkhornOptions, log_euclidean_cost, wasserstein};
use hadamard_meeg::adapt::{Loss, particles, recentred};
use nalgebra::DMatrix;
use proofs_tests::sliced::{cloud, wishart};
use proptest::prelude::*;
use rand_pcg::Pcg64;

const SLICED: Loss = Loss::Spdsw {
    directions: 150,
    seed: 3,
};

fn losses() -> [Loss; 4] {
    let entropic = SinkhornOptions {
        regularization: 0.1,
        tolerance: 1e-7,
        iterations: 5_000,
    };
    let log_sw = Loss::LogSw {
        directions: 150,
        seed: 3,
    };
    [SLICED, log_sw, Loss::Exact, Loss::Entropic(entropic)]
}

/// W_2² with the log-Euclidean cost.
fn exact(a: &LogCloud, b: &LogCloud) -> f64 {
    wasserstein(&log_euclidean_cost(a, b, 2.0).unwrap(), None, None)
        .unwrap()
        .cost
}

fn options(steps: usize, factor: f64) -> FlowOptions {
    let mut options = FlowOptions::default();
    (options.steps, options.factor) = (steps, factor);
    options
}

/// Two domains of n matrices; the second is scaled, so that nothing is aligned at the start.
fn domains(seed: u64, n: usize, d: usize) -> (LogCloud, LogCloud) {
    let mut rng = Pcg64::new(u128::from(seed), 11);
    let target: Vec<DMatrix<f64>> = wishart(n, d, &mut rng).into_iter().map(|m| m * 5.0).collect();
    (cloud(&wishart(n, d, &mut rng)), cloud(&target))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(64), ..ProptestConfig::default() })]

    /// Every loss falls, step by step, and takes the exact distance between the domains along.
    #[test]
    fn particles_descend_every_loss(seed: u64, d in 1_usize..4, n in 2_usize..7) {
        let (source, target) = domains(seed, n, d);
        for loss in losses() {
            let report = particles(&source, &target, loss, options(40, 0.3)).unwrap();
            prop_assert_eq!((report.cloud.len(), report.cloud.order()), (n, d));
            // Entropic losses are as exact as their iteration.
            let slack = 1e-5 * report.losses[0];
            prop_assert!(report.losses.windows(2).all(|w| w[1] <= w[0] + slack), "{}: {:?}", loss.name(), report.losses);
            let (before, after) = (exact(&source, &target), exact(&report.cloud, &target));
            prop_assert!(after < 0.5 * before, "{}: {after} of {before}", loss.name());
        }
    }

    /// The gradient of the exact loss leads straight to the matched points, 1 - factor of the way left after a step.
    #[test]
    fn exact_particles_go_to_their_partners(seed: u64, d in 1_usize..4, n in 1_usize..6) {
        let (source, target) = domains(seed, n, d);
        let report = particles(&source, &target, Loss::Exact, options(3, 0.5)).unwrap();
        let left = exact(&report.cloud, &target) / exact(&source, &target);
        // Straight lines to the partners keep the coupling optimal: squared distances shrink by (1 - factor)² a step.
        prop_assert!((left - 0.5_f64.powi(6)).abs() < 1e-10, "{left}");
        prop_assert!((report.losses[1] / report.losses[0] - 0.25).abs() < 1e-10);
    }

    /// Points keep their places, so labels stay with them: a permuted source gives permuted particles.
    #[test]
    fn particles_follow_their_points(seed: u64, d in 1_usize..4, n in 2_usize..6) {
        let (source, target) = domains(seed, n, d);
        let size = source.rows().len() / n;
        let reversed = |c: &LogCloud| {
            let rows = c.rows().chunks_exact(size).rev().flatten().copied().collect();
            LogCloud::from_packed_rows(d, rows).unwrap()
        };
        let plain = particles(&source, &target, SLICED, options(5, 0.3)).unwrap().cloud;
        let turned = particles(&reversed(&source), &target, SLICED, options(5, 0.3)).unwrap().cloud;
        for (a, b) in reversed(&turned).rows().iter().zip(plain.rows()) {
            prop_assert!((a - b).abs() < 1e-11, "{a} {b}");
        }
    }

    /// Recentring is exact where a domain differs by a translation of the logarithms.
    #[test]
    fn recentring_undoes_translations(seed: u64, d in 1_usize..4, n in 1_usize..6, shift in -3.0_f64..3.0) {
        let (source, _) = domains(seed, n, d);
        let size = source.rows().len() / n;
        let rows = source.rows().iter().enumerate().map(|(k, x)| x + shift * (k % size + 1) as f64).collect();
        let moved = LogCloud::from_packed_rows(d, rows).unwrap();
        let (a, b) = (recentred(&source).unwrap(), recentred(&moved).unwrap());
        for (a, b) in a.rows().iter().zip(b.rows()) {
            prop_assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }
}

/// Noise of another covariance on top: a change of shape that no translation undoes.
#[test]
fn particles_follow_shapes_where_recentring_cannot() {
    let (source, target) = domains(5, 40, 3);
    let spread: Vec<f64> = target.rows().iter().map(|x| 2.5 * x).collect();
    let target = recentred(&LogCloud::from_packed_rows(3, spread).unwrap()).unwrap();
    let source = recentred(&source).unwrap();
    let bank = DirectionBank::lambda_s(3, 200, 99).unwrap();
    let before = spdsw_pow(&bank, &source, &target, 2.0).unwrap();
    let moved = particles(&source, &target, SLICED, options(40, 0.3)).unwrap().cloud;
    let after = spdsw_pow(&bank, &moved, &target, 2.0).unwrap();
    // By directions that the flow has not seen; recentring would leave all of it.
    assert!(after < 0.2 * before, "{after} of {before}");
}

#[test]
fn particles_refuse_what_does_not_fit() {
    let (source, target) = domains(1, 4, 3);
    let (other, _) = domains(1, 4, 2);
    for loss in losses() {
        assert!(
            particles(&other, &target, loss, options(2, 0.3)).is_err(),
            "{}",
            loss.name()
        );
    }
    for factor in [0.0, 2.0, -1.0, f64::NAN] {
        assert!(particles(&source, &target, SLICED, options(2, factor)).is_err());
    }
    let none = Loss::Spdsw { directions: 0, seed: 1 };
    assert!(particles(&source, &target, none, options(2, 0.3)).is_err());
}
