//! Eigenvectors, quadrature, tapers, densities and models.

use hadamard_oscillation::{Dpss, Jacobi, OscillationError, dpss, gauss_nodes, gauss_rule, models};
use proofs_tests::oscillation::{cases, decimal, float_matrix, golden, rational};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64;

fn norm(j: &Jacobi) -> f64 {
    j.gershgorin().0.abs().max(j.gershgorin().1.abs())
}

/// Largest deviation of VᵀV from the identity.
fn orthogonality(v: &nalgebra::DMatrix<f64>) -> f64 {
    (v.transpose() * v - nalgebra::DMatrix::identity(v.ncols(), v.ncols())).amax()
}

fn check_pairs(j: &Jacobi) {
    let n = j.order() as f64;
    let pairs = j.eigenpairs(..).unwrap();
    assert_eq!(pairs.values, j.eigenvalues(..).unwrap());
    let bound = 64.0 * n * f64::EPSILON;
    let worst = pairs.residuals.iter().copied().fold(0.0, f64::max);
    assert!(
        worst <= bound * norm(j),
        "residual {worst:e} of norm {:e}, order {n}",
        norm(j)
    );
    let lost = orthogonality(&pairs.vectors);
    assert!(lost <= bound, "orthogonality {lost:e}, order {n}");
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn eigenpairs_are_orthonormal_and_satisfy_the_equation(j in float_matrix()) {
        check_pairs(&j);
    }

    #[test]
    fn gauss_rules_of_any_measure_are_exact(
        d in vec(-1.0f64..1.0, 1..16), e in vec(0.1f64..1.0, 16), mu0 in 0.01f64..100.0,
    ) {
        let n = d.len();
        let j = Jacobi::new(d, &e[..n - 1]).unwrap();
        check_gauss(&j, mu0);
    }

    #[test]
    fn gauss_rules_of_jacobi_weights_have_their_moments(n in 1usize..25, a in -0.9f64..4.0, b in -0.9f64..4.0) {
        let rule = gauss_rule(&models::jacobi_polynomials(n, a, b).unwrap(), 1.0).unwrap();
        prop_assert!(rule.weights.iter().all(|&w| w > 0.0));
        // Moments of (1 + x)/2 under the Beta distribution: m[k+1] = m[k] (b + 1 + k)/(a + b + 2 + k).
        let mut moment = 1.0;
        for degree in 0..2 * n {
            let found = rule.integrate(|x| ((1.0 + x) / 2.0).powi(degree as i32));
            // Nodes and weights of n terms, each a few u off; a node weighs by the degree.
            let bound = 32.0 * (n * (n + degree)) as f64 * f64::EPSILON;
            prop_assert!((found - moment).abs() <= bound, "degree {degree}: {found} against {moment}");
            let k = degree as f64;
            moment *= (b + 1.0 + k) / (a + b + 2.0 + k);
        }
    }
}

/// The moments that a rule of order n must have are those of any larger section of the same matrix, and the measure's own
/// are ⟨e₀, Jʲ e₀⟩ (Golub and Welsch): taken here as products of J with vectors, without nodes or weights.
fn check_gauss(j: &Jacobi, mu0: f64) {
    let n = j.order();
    let rule = gauss_rule(j, mu0).unwrap();
    assert!(rule.weights.iter().all(|&w| w > 0.0));
    let size = norm(j);
    let mut v = nalgebra::DVector::zeros(n);
    v[0] = mu0;
    let dense = j.to_dense();
    for degree in 0..2 * n {
        let found = rule.integrate(|x| x.powi(degree as i32));
        // n terms, nodes 2.5 u R off, weights n u off; the powers of J round as often as they multiply.
        let bound = 64.0 * (n * (n + degree)) as f64 * f64::EPSILON * mu0 * size.powi(degree as i32);
        assert!(
            (found - v[0]).abs() <= bound,
            "degree {degree}: {found} against {}",
            v[0]
        );
        v = &dense * v;
    }
}

#[test]
fn gauss_rules_of_the_classical_weights_have_their_moments() {
    let pi = std::f64::consts::PI;
    for n in 1..=30 {
        // ∫ x^(2k) exp(-x²) = Γ(k + 1/2), ∫ x^(k+α) exp(-x) = Γ(k + α + 1) with α = 0.
        let (hermite, laguerre) = (models::hermite(n).unwrap(), models::laguerre(n, 0.0).unwrap());
        let (hermite, laguerre) = (
            gauss_rule(&hermite, pi.sqrt()).unwrap(),
            gauss_rule(&laguerre, 1.0).unwrap(),
        );
        let (mut even, mut factorial) = (pi.sqrt(), 1.0);
        for degree in 0..2 * n {
            let bound = 64.0 * (n * (n + degree)) as f64 * f64::EPSILON;
            if degree % 2 == 0 {
                let found = hermite.integrate(|x| x.powi(degree as i32));
                assert!((found / even - 1.0).abs() <= bound, "Hermite {n}, degree {degree}");
                even *= (degree + 1) as f64 / 2.0;
            }
            let found = laguerre.integrate(|x| x.powi(degree as i32));
            assert!(
                (found / factorial - 1.0).abs() <= bound,
                "Laguerre {n}, degree {degree}"
            );
            factorial *= (degree + 1) as f64;
        }
    }
}

#[test]
fn clusters_get_orthonormal_vectors() {
    for j in [
        models::wilkinson_plus(10).unwrap(),
        models::wilkinson_plus(50).unwrap(),
        models::glued_wilkinson(10, 3, 1e-8).unwrap(),
        models::glued_wilkinson(10, 3, 1e-14).unwrap(),
        models::clement(50).unwrap(),
        models::free_chain(300).unwrap(),
        Jacobi::new(vec![1.0; 12], vec![0.0; 11]).unwrap(),
    ] {
        check_pairs(&j);
    }
}

#[test]
fn a_part_of_the_spectrum_has_the_vectors_of_the_whole() {
    let j = Jacobi::new(vec![1.0, 1.0, 3.0, 1.0, 1.0], vec![0.5, 0.0, 0.0, 0.5]).unwrap();
    let all = j.eigenpairs(..).unwrap();
    let part = j.eigenpairs(1..4).unwrap();
    assert_eq!(part.values, all.values[1..4]);
    assert_eq!(part.first, 1);
    assert_eq!(part.vectors, all.vectors.columns(1, 3).into_owned());
}

#[test]
fn gauss_rules_match_fifty_digits() {
    for rule in golden().gauss {
        let n = rule.nodes.len();
        let pi = std::f64::consts::PI;
        let (j, mu0) = match rule.name.split('_').next().unwrap() {
            "legendre" => (models::legendre(n).unwrap(), 2.0),
            "hermite" => (models::hermite(n).unwrap(), pi.sqrt()),
            "laguerre" => (models::laguerre(n, 0.0).unwrap(), 1.0),
            "chebyshev1" => (models::jacobi_polynomials(n, -0.5, -0.5).unwrap(), pi),
            other => panic!("unknown family {other}"),
        };
        let ours = gauss_rule(&j, mu0).unwrap();
        let far = |a: f64, text: &str| {
            let error = rational(a) - decimal(text);
            let size = norm(&j);
            // Rounded recurrence coefficients and 2.5 u R, u of the norm each.
            error > rational(4.0 * f64::EPSILON * size) || -error > rational(4.0 * f64::EPSILON * size)
        };
        for (i, (x, w)) in ours.nodes.iter().zip(&ours.weights).enumerate() {
            assert!(!far(*x, &rule.nodes[i]), "{} node {i}: {x}", rule.name);
            // Relative: products of n ratios, each with a few u times the sensitivity of a pivot to its node.
            let relative = (rational(*w) - decimal(&rule.weights[i])) / decimal(&rule.weights[i]);
            let bound = rational(64.0 * n as f64 * f64::EPSILON);
            assert!(relative <= bound && -relative <= bound, "{} weight {i}: {w}", rule.name);
        }
        assert_eq!(gauss_nodes(&j, mu0, 2..4).unwrap().weights, ours.weights[2..4]);
    }
}

#[test]
fn gauss_rules_are_exact_up_to_degree_2n_minus_1() {
    for n in [1, 2, 7, 20] {
        let rule = gauss_rule(&models::legendre(n).unwrap(), 2.0).unwrap();
        assert!(rule.weights.iter().all(|&w| w > 0.0));
        for degree in 0..2 * n as i32 {
            let exact = if degree % 2 == 0 {
                2.0 / f64::from(degree + 1)
            } else {
                0.0
            };
            let error = (rule.integrate(|x| x.powi(degree)) - exact).abs();
            // n nodes, each moving the value by at most degree · u.
            assert!(
                error <= 8.0 * (n * n) as f64 * f64::EPSILON,
                "n = {n}, degree {degree}: {error:e}"
            );
        }
    }
    let split = Jacobi::new(vec![0.0; 3], vec![1.0, 0.0]).unwrap();
    assert!(matches!(
        gauss_rule(&split, 1.0),
        Err(OscillationError::ZeroCoupling { index: 1, .. })
    ));
    assert!(gauss_rule(&models::legendre(3).unwrap(), -1.0).is_err());
}

/// The definition: tapers are eigenvectors of the sinc kernel S(m,k) = sin 2πW(m-k)/π(m-k), their concentrations its
/// eigenvalues. The rows of S are checked at 64 places.
fn check_sinc(windows: &Dpss, n: usize, nw: f64) {
    let (pi, w) = (std::f64::consts::PI, nw / n as f64);
    for (taper, concentration) in windows.tapers.iter().zip(&windows.concentrations) {
        for m in (0..n).step_by(n.div_ceil(64)) {
            let sinc = |lag: f64| {
                if lag == 0.0 {
                    2.0 * w
                } else {
                    (2.0 * pi * w * lag).sin() / (pi * lag)
                }
            };
            let image: f64 = (0..n).map(|k| sinc(m as f64 - k as f64) * taper[k]).sum();
            // The vectors: u ‖J‖ over the gaps of the tridiagonal matrix, about ‖J‖ nw/n²; the sums n u more.
            let tolerance = 16.0 * (n * n) as f64 * f64::EPSILON;
            assert!(
                (image - concentration * taper[m]).abs() <= tolerance,
                "n = {n}, row {m}"
            );
        }
    }
}

#[test]
fn tapers_are_orthonormal_concentrated_and_symmetric() {
    for (n, nw, count) in [(1, 0.25, 1), (64, 4.0, 7), (501, 2.5, 4), (4096, 4.0, 8)] {
        let windows = dpss(n, nw, count).unwrap();
        assert!(windows.concentrations.windows(2).all(|w| w[0] >= w[1] - 1e-12));
        let flat: Vec<f64> = windows.tapers.concat();
        let matrix = nalgebra::DMatrix::from_vec(n, count, flat);
        assert!(orthogonality(&matrix) <= 64.0 * n as f64 * f64::EPSILON, "n = {n}");
        for (order, taper) in windows.tapers.iter().enumerate() {
            let parity = if order % 2 == 0 { 1.0 } else { -1.0 };
            assert!(
                (0..n).all(|k| taper[k] == parity * taper[n - 1 - k]),
                "n = {n}, order {order}"
            );
            let lean = |k: usize| {
                if order % 2 == 0 {
                    1.0
                } else {
                    (n - 1) as f64 - 2.0 * k as f64
                }
            };
            assert!((0..n).map(|k| lean(k) * taper[k]).sum::<f64>() > 0.0);
        }
        check_sinc(&windows, n, nw);
    }
    // All of them: the trace of the sinc kernel is 2 n W.
    for (n, nw) in [(2, 0.3), (3, 1.2), (12, 2.0), (33, 7.5)] {
        let windows = dpss(n, nw, n).unwrap();
        let total: f64 = windows.concentrations.iter().sum();
        assert!(
            (total - 2.0 * nw).abs() <= 64.0 * n as f64 * f64::EPSILON * (n as f64),
            "n = {n}: {total}"
        );
        let matrix = nalgebra::DMatrix::from_vec(n, n, windows.tapers.concat());
        assert!(orthogonality(&matrix) <= 64.0 * n as f64 * f64::EPSILON, "n = {n}");
    }
    // 1 - λ of the first sequence at n W = 4 is a few 1e-10.
    let windows = dpss(64, 4.0, 7).unwrap();
    assert!((windows.concentrations[0] - 0.999_999_999_8).abs() < 1e-9);
    for bad in [
        dpss(0, 1.0, 1),
        dpss(8, 0.0, 1),
        dpss(8, 4.0, 1),
        dpss(8, f64::NAN, 1),
        dpss(8, 2.0, 0),
        dpss(8, 2.0, 9),
    ] {
        assert!(bad.is_err());
    }
}

#[test]
fn models_have_their_known_spectra() {
    let n = 200;
    let free = models::free_chain(n).unwrap();
    for (k, value) in free.eigenvalues(..).unwrap().into_iter().enumerate() {
        // The closed form itself rounds its angle: u π, times a slope of at most 2.
        assert!((value - models::free_eigenvalue(n, k)).abs() <= 8.0 * f64::EPSILON);
    }
    for (k, value) in models::clement(40)
        .unwrap()
        .eigenvalues(..)
        .unwrap()
        .into_iter()
        .enumerate()
    {
        assert!((value - (2.0 * k as f64 - 39.0)).abs() <= 2.0 * 40.0 * f64::EPSILON);
    }
    let mut rng = Pcg64::seed_from_u64(7);
    // Lloyd: the count fluctuates like √n around n N(E).
    let (n, width) = (100_000, 0.7);
    let lloyd = models::lloyd(n, width, &mut rng).unwrap();
    let arcsine = |energy: f64| {
        // Re arcsin((E + iγ)/2) = arcsin of half the difference of the distances to -2 and 2, over 2.
        let (a, b) = ((energy + 2.0).hypot(width), (energy - 2.0).hypot(width));
        0.5 + ((a - b) / 4.0).asin() / std::f64::consts::PI
    };
    for energy in [-3.0, -1.0, 0.0, 0.5, 2.5] {
        let density = lloyd.integrated_density(&[energy]).unwrap()[0];
        assert!(
            (density - arcsine(energy)).abs() < 4.0 / (n as f64).sqrt(),
            "E = {energy}"
        );
    }
    // Semicircle of radius √(2 β n): half of the eigenvalues on either side.
    let gue = models::beta_hermite(2000, 2.0, &mut rng).unwrap();
    let radius = (2.0 * 2.0 * 2000.0f64).sqrt();
    assert_eq!(gue.count_in(-radius..radius).unwrap(), 2000);
    assert!(gue.count_below(0.0).unwrap().abs_diff(1000) < 10);
    // Anderson: independent levels; the orthogonal ensemble: repulsion.
    let anderson = models::anderson(4000, 8.0, &mut rng).unwrap();
    let ratio = anderson.spacings(0..4000).unwrap().mean_ratio.unwrap();
    assert!((ratio - 0.386).abs() < 0.02, "{ratio}");
    let goe = models::beta_hermite(1500, 1.0, &mut rng).unwrap();
    let ratio = goe.spacings(300..1200).unwrap().mean_ratio.unwrap();
    assert!((ratio - 0.531).abs() < 0.03, "{ratio}");
}

#[test]
fn an_edge_impurity_binds_exactly_beyond_one() {
    for (v, bound) in [(0.5, 0), (0.99, 0), (1.5, 1), (3.0, 1)] {
        let mut diagonal = vec![0.0; 400];
        diagonal[0] = v;
        let j = Jacobi::new(diagonal, vec![1.0; 399]).unwrap();
        assert_eq!(j.count_in(2.0..).unwrap(), bound, "v = {v}");
        if bound == 1 {
            assert!((j.eigenvalue(399).unwrap() - (v + 1.0 / v)).abs() <= 4.0 * f64::EPSILON);
        }
    }
}

#[test]
fn the_largest_gaps_of_the_harper_model_carry_multiples_of_alpha() {
    let (n, alpha) = (987usize, 610.0 / 987.0);
    let harper = models::almost_mathieu(n, 1.0, alpha, 0.4).unwrap();
    let mut gaps = harper.gaps(0.05).unwrap();
    gaps.sort_by(|a, b| (b.upper - b.lower).total_cmp(&(a.upper - a.lower)));
    assert!(gaps.len() >= 4);
    for gap in &gaps[..4] {
        let label = gap.below as f64 / n as f64;
        let nearest = (-5i32..=5)
            .map(|m| (f64::from(m) * alpha - label).rem_euclid(1.0))
            .map(|r| r.min(1.0 - r))
            .fold(1.0, f64::min);
        // Ends of the chain may put a state or two into a gap.
        assert!(nearest <= 3.0 / n as f64, "{label}");
        assert!(harper.is_gap(gap.lower.next_up() + 1e-12, gap.upper - 1e-12).unwrap());
    }
}

#[test]
fn toda_and_density_agree_with_direct_counts() {
    let lattice = models::toda(&[0.0, 0.3, 1.0, 2.5], &[0.1, -0.4, 0.2, 0.1]).unwrap();
    // tr L = -Σp/2 and tr L² = H/2 with H = Σ p²/2 + Σ exp(-(q' - q)).
    let values = lattice.eigenvalues(..).unwrap();
    assert!(values.iter().sum::<f64>().abs() <= 16.0 * f64::EPSILON);
    let energy = 0.5 * (0.01 + 0.16 + 0.04 + 0.01) + (-0.3f64).exp() + (-0.7f64).exp() + (-1.5f64).exp();
    assert!((values.iter().map(|v| v * v).sum::<f64>() - energy / 2.0).abs() <= 16.0 * f64::EPSILON);
    assert!(models::toda(&[0.0], &[]).is_err());
    let edges = [-2.0, -0.5, 0.0, 0.1, 3.0];
    let dos = lattice.density_of_states(&edges).unwrap();
    let direct: Vec<usize> = edges
        .windows(2)
        .map(|w| lattice.count_in(w[0]..w[1]).unwrap())
        .collect();
    assert_eq!(dos.counts, direct);
    let total: f64 = dos
        .density()
        .iter()
        .zip(edges.windows(2))
        .map(|(p, w)| p * (w[1] - w[0]))
        .sum();
    assert!((total - 1.0).abs() <= 4.0 * f64::EPSILON);
}
