//! What theory says of sliced-Wasserstein distances, held on random clouds.

use hadamard_geometry::sliced::{
    DirectionBank, FlowOptions, LogCloud, Objective, SlicedLoss, SpdMeasure, barycenter, busemann, dirac_log_sw2_pow,
    dirac_spdsw2_pow, euclidean_gradient, exact_squared_distances, flow, hspdsw, max_spdsw, pack, sliced_plan, spdsw,
    spdsw_adaptive, spdsw_mean_exact, spdsw_per_direction, spdsw_pow, spdsw_with_error, squared_distances,
    two_sample_test, unpack,
};
use hadamard_geometry::transport::{
    SinkhornOptions, Solver, TransportLoss, affine_invariant_cost, log_euclidean_cost, sinkhorn, wasserstein,
};
use hadamard_geometry::{Error, Spd, SpdBatch, SymBatch};
use nalgebra::DMatrix;
use proofs_tests::sliced::{cloud, gaussian, symmetric, wishart};
use proptest::prelude::*;
use rand_pcg::Pcg64;

const EPS: f64 = f64::EPSILON;

fn rng(seed: u64) -> Pcg64 {
    Pcg64::new(u128::from(seed), 7)
}

fn batch(matrices: &[DMatrix<f64>]) -> SpdBatch {
    SpdBatch::try_from_matrices(matrices).unwrap()
}

/// Logarithms of condition numbers below 1e4 carry about 1e4 EPS d; distances are 1-Lipschitz in them.
fn tolerance(order: usize) -> f64 {
    2e4 * EPS * order as f64
}

/// A random orthogonal matrix.
fn rotation(order: usize, rng: &mut Pcg64) -> DMatrix<f64> {
    gaussian(order, order, rng).qr().q()
}

/// exp of a symmetric matrix.
fn exp(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = matrix.clone().symmetric_eigen();
    let scaled = &eigen.eigenvectors * DMatrix::from_diagonal(&eigen.eigenvalues.map(f64::exp));
    let product = scaled * eigen.eigenvectors.transpose();
    (&product + product.transpose()) * 0.5
}

/// The sandwich G X Gᵀ, symmetric to the last bit.
fn congruence(g: &DMatrix<f64>, x: &DMatrix<f64>) -> DMatrix<f64> {
    let product = g * x * g.transpose();
    (&product + product.transpose()) * 0.5
}

fn logs(cloud: &LogCloud) -> Vec<DMatrix<f64>> {
    cloud.to_logs().iter().map(|m| m.into_owned()).collect()
}

fn from_logs(matrices: &[DMatrix<f64>]) -> LogCloud {
    let order = matrices[0].nrows();
    let rows = matrices.iter().flat_map(pack).collect();
    LogCloud::from_packed_rows(order, rows).unwrap()
}

proptest! {
    /// Symmetry, separation under any order of the points, and the triangle inequality, for one bank.
    #[test]
    fn a_bank_gives_a_metric(seed: u64, d in 1_usize..5, n in 1_usize..9, m in 1_usize..9, p in 0_usize..4) {
        let mut rng = rng(seed);
        let p = [1.0, 2.0, 2.5, f64::INFINITY][p];
        let bank = DirectionBank::lambda_s(d, 20, seed).unwrap();
        let (points, y, z) = (wishart(n, d, &mut rng), cloud(&wishart(m, d, &mut rng)), cloud(&wishart(n, d, &mut rng)));
        let x = cloud(&points);
        let xy = spdsw(&bank, &x, &y, p).unwrap();
        let reversed = cloud(&points.into_iter().rev().collect::<Vec<_>>());
        prop_assert!(xy >= 0.0);
        prop_assert!((xy - spdsw(&bank, &y, &x, p).unwrap()).abs() <= 8.0 * EPS * xy);
        prop_assert_eq!(spdsw(&bank, &x, &reversed, p).unwrap(), 0.0);
        let path = spdsw(&bank, &x, &z, p).unwrap() + spdsw(&bank, &z, &y, p).unwrap();
        prop_assert!(xy <= path * (1.0 + 64.0 * EPS), "{} > {}", xy, path);
    }

    /// Repeating all points, splitting atoms, points without mass and explicit uniform weights change nothing.
    #[test]
    fn the_measure_counts_and_not_its_writing(seed: u64, d in 1_usize..4, n in 1_usize..7, m in 1_usize..7) {
        let mut rng = rng(seed);
        let bank = DirectionBank::lambda_s(d, 20, seed).unwrap();
        let (points, others) = (wishart(n, d, &mut rng), wishart(m, d, &mut rng));
        let (x, y) = (cloud(&points), cloud(&others));
        let twice = cloud(&points.iter().flat_map(|x| [x.clone(), x.clone()]).collect::<Vec<_>>());
        let weighted = LogCloud::with_weights(&batch(&points), &vec![1.0 / n as f64; n]).unwrap();
        let mut more = points.clone();
        more.push(points[0].clone());
        more.push(others[0].clone() * 2.0);
        let mut masses = vec![1.0 / n as f64; n];
        masses[0] = 1.0 / (3.0 * n as f64);
        masses.extend([2.0 / (3.0 * n as f64), 0.0]);
        let split = LogCloud::with_weights(&batch(&more), &masses).unwrap();
        // No direction sees two points farther apart than their logarithms are.
        let (logs_x, logs_y) = (logs(&x), logs(&y));
        let farthest = logs_x
            .iter()
            .flat_map(|x| logs_y.iter().map(move |y| (x - y).norm()))
            .fold(0.0, f64::max);
        for p in [1.0, 2.0, 3.0] {
            let plain = spdsw_pow(&bank, &x, &y, p).unwrap();
            // Sums of 2n or n + 2 masses and of m round to 2 (n + m) EPS / 2, and as much again when they are made to end
            // at one: so much mass may go to any other point.
            let moved = 2.0 * EPS * (n + m) as f64 * farthest.powf(p);
            for other in [&twice, &weighted, &split] {
                let found = spdsw_pow(&bank, other, &y, p).unwrap();
                let slack = 64.0 * EPS * (n + m) as f64 * plain + moved;
                prop_assert!((found - plain).abs() <= slack, "{} {}", found, plain);
            }
        }
    }

    /// Invariances of one bank: rotation with the bank, inversion, scaling, log-translation, powers; p is monotone.
    #[test]
    fn invariances(seed: u64, d in 1_usize..5, n in 1_usize..7, m in 1_usize..7, s in -2.0_f64..2.0) {
        let mut rng = rng(seed);
        let bank = DirectionBank::lambda_s(d, 16, seed).unwrap();
        let (x, y) = (wishart(n, d, &mut rng), wishart(m, d, &mut rng));
        let value = |bank: &DirectionBank, f: &dyn Fn(&DMatrix<f64>) -> DMatrix<f64>| {
            let map = |points: &[DMatrix<f64>]| cloud(&points.iter().map(f).collect::<Vec<_>>());
            spdsw(bank, &map(&x), &map(&y), 2.0).unwrap()
        };
        let plain = value(&bank, &DMatrix::clone);
        let slack = tolerance(d) * (1.0 + plain);
        let g = rotation(d, &mut rng);
        let turned: Vec<_> = (0..bank.len()).map(|l| congruence(&g, &bank.direction(l))).collect();
        let turned = DirectionBank::from_matrices(&turned).unwrap();
        prop_assert!((value(&turned, &|x| congruence(&g, x)) - plain).abs() <= slack);
        let inverted = value(&bank, &|x| {
            let inverse = x.clone().try_inverse().unwrap();
            (&inverse + inverse.transpose()) * 0.5
        });
        prop_assert!((inverted - plain).abs() <= slack);
        prop_assert!((value(&bank, &|x| x * 1e-12) - plain).abs() <= slack);
        let shift = symmetric(d, 1.0, &mut rng);
        let moved = |points: &[DMatrix<f64>]| from_logs(&logs(&cloud(points)).iter().map(|x| x + &shift).collect::<Vec<_>>());
        prop_assert!((spdsw(&bank, &moved(&x), &moved(&y), 2.0).unwrap() - plain).abs() <= slack);
        let powered = |points: &[DMatrix<f64>]| from_logs(&logs(&cloud(points)).iter().map(|x| x * s).collect::<Vec<_>>());
        prop_assert!((spdsw(&bank, &powered(&x), &powered(&y), 2.0).unwrap() - s.abs() * plain).abs() <= 2.0 * slack);
        let ladder: Vec<f64> = [1.0, 2.0, 3.0, 7.5, f64::INFINITY]
            .iter().map(|&p| spdsw(&bank, &cloud(&x), &cloud(&y), p).unwrap()).collect();
        prop_assert!(ladder.windows(2).all(|w| w[0] <= w[1] * (1.0 + 32.0 * EPS)), "{:?}", ladder);
    }

    /// Sliced distances are below the exact ones, the exact one below every coupling, all couplings have their marginals.
    #[test]
    fn sliced_below_exact_below_couplings(seed: u64, d in 1_usize..4, n in 1_usize..8, m in 1_usize..8) {
        let mut rng = rng(seed);
        let bank = DirectionBank::lambda_s(d, 24, seed).unwrap();
        let (xs, ys) = (batch(&wishart(n, d, &mut rng)), batch(&wishart(m, d, &mut rng)));
        let (x, y) = (LogCloud::try_new(&xs).unwrap(), LogCloud::try_new(&ys).unwrap());
        for p in [1.0, 2.0] {
            let cost = log_euclidean_cost(&x, &y, p).unwrap();
            let plan = wasserstein(&cost, None, None).unwrap();
            let slack = 64.0 * EPS * (n + m) as f64 * cost.amax();
            prop_assert!(spdsw_pow(&bank, &x, &y, p).unwrap() <= plan.cost + slack);
            // The dual certifies the primal.
            let (f, g) = &plan.potentials;
            for i in 0..n { for j in 0..m { prop_assert!(f[i] + g[j] <= cost[(i, j)] + slack); } }
            let dual = f.iter().sum::<f64>() / n as f64 + g.iter().sum::<f64>() / m as f64;
            prop_assert!((dual - plan.cost).abs() <= slack, "{} {}", dual, plan.cost);
            let mut rows = vec![0.0; n];
            plan.entries.iter().for_each(|e| rows[e.from] += e.mass);
            prop_assert!(rows.iter().all(|r| (r - 1.0 / n as f64).abs() <= 16.0 * EPS));
        }
        let exact = wasserstein(&log_euclidean_cost(&x, &y, 2.0).unwrap(), None, None).unwrap().cost;
        let lifted = sliced_plan(&bank, &x, &y).unwrap();
        prop_assert!(lifted.cost >= exact * (1.0 - 64.0 * EPS) - 1e-13);
        prop_assert!((lifted.entries.iter().map(|e| e.mass).sum::<f64>() - 1.0).abs() <= 64.0 * EPS);
        let top = max_spdsw(&bank, &x, &y, 3).unwrap();
        let sampled = spdsw_per_direction(&bank, &x, &y, 2.0).unwrap().into_iter().fold(0.0, f64::max).sqrt();
        prop_assert!(top.distance >= sampled * (1.0 - 1e-12));
        prop_assert!(top.distance <= exact.sqrt() * (1.0 + 1e-10) + 1e-12);
        let (hx, hy) = (SpdMeasure::uniform(&xs).unwrap(), SpdMeasure::uniform(&ys).unwrap());
        let affine = wasserstein(&affine_invariant_cost(&xs, &ys, 2.0).unwrap(), None, None).unwrap().cost.sqrt();
        prop_assert!(hspdsw(&bank, &hx, &hy, 2.0).unwrap() <= affine * (1.0 + tolerance(d)) + tolerance(d));
    }

    /// The exact solver against all permutations, and with weights against the line, where the answer is known.
    #[test]
    fn network_simplex_is_exact(seed: u64, n in 1_usize..6, m in 1_usize..12) {
        let mut rng = rng(seed);
        let cost = gaussian(n, n, &mut rng);
        let mut best = f64::INFINITY;
        permutations(n, &mut |order| best = best.min(order.iter().enumerate().map(|(i, &j)| cost[(i, j)]).sum()));
        let found = wasserstein(&cost, None, None).unwrap().cost;
        prop_assert!((found - best / n as f64).abs() <= 64.0 * EPS * cost.amax(), "{} {}", found, best / n as f64);
        let mut masses = |k: usize| {
            let raw: Vec<f64> = gaussian(k, 1, &mut rng).iter().map(|x| if *x < -1.0 { 0.0 } else { x * x + 0.01 }).collect();
            let total: f64 = raw.iter().sum();
            if total > 0.0 { raw.iter().map(|x| x / total).collect() } else { vec![1.0 / k as f64; k] }
        };
        let (a, b) = (masses(n), masses(m));
        let (u, v) = (gaussian(n, 1, &mut rng), gaussian(m, 1, &mut rng));
        let line = DMatrix::from_fn(n, m, |i, j| (u[i] - v[j]).powi(2));
        let known = hadamard_geometry::sliced::wasserstein_1d(u.as_slice(), Some(&a), v.as_slice(), Some(&b), 2.0).unwrap();
        let found = wasserstein(&line, Some(&a), Some(&b)).unwrap().cost;
        prop_assert!((found - known * known).abs() <= 64.0 * EPS * (n + m) as f64 * line.amax(), "{} {}", found, known * known);
    }

    /// The laws of Busemann functions.
    #[test]
    fn busemann_functions(seed: u64, d in 2_usize..6, s in -1.5_f64..1.5) {
        let mut rng = rng(seed);
        let bank = DirectionBank::lambda_s(d, 3, seed).unwrap();
        let m = wishart(2, d, &mut rng);
        let at = |bank: &DirectionBank, x: &DMatrix<f64>| busemann(bank, &batch(std::slice::from_ref(x))).unwrap();
        let slack = 1e2 * tolerance(d);
        let values = at(&bank, &m[0]);
        let g = rotation(d, &mut rng);
        let turned: Vec<_> = (0..3).map(|l| {
            let (theta, p) = bank.factor(l).unwrap();
            (theta.to_vec(), &g * p)
        }).collect();
        let mirrored: Vec<_> = (0..3).map(|l| {
            let (theta, p) = bank.factor(l).unwrap();
            (theta.iter().map(|t| -t).collect::<Vec<_>>(), p)
        }).collect();
        let inverse = m[0].clone().try_inverse().unwrap();
        let inverse = (&inverse + inverse.transpose()) * 0.5;
        let turned = at(&DirectionBank::from_factors(&turned).unwrap(), &congruence(&g, &m[0]));
        let mirrored = at(&DirectionBank::from_factors(&mirrored).unwrap(), &inverse);
        let scaled = at(&bank, &(&m[0] * 3.0));
        let other = at(&bank, &m[1]);
        let distance = affine_invariant_cost(&batch(&m[..1]), &batch(&m[1..]), 1.0).unwrap()[(0, 0)];
        for l in 0..3 {
            let a = bank.direction(l);
            prop_assert!((at(&bank, &exp(&(&a * s)))[l] + s).abs() <= slack, "B(exp sA) = -s");
            let half = exp(&(&a * (0.5 * s)));
            prop_assert!((at(&bank, &congruence(&half, &m[0]))[l] - values[l] + s).abs() <= slack, "flow along A");
            prop_assert!((turned[l] - values[l]).abs() <= slack, "rotation");
            prop_assert!((mirrored[l] - values[l]).abs() <= slack, "inversion");
            prop_assert!((scaled[l] - values[l] + 3.0_f64.ln() * a.trace()).abs() <= slack, "scaling");
            prop_assert!((other[l] - values[l]).abs() <= distance * (1.0 + slack), "1-Lipschitz");
        }
    }

    /// Envelope theorem: the gradient is that of the cost with the coupling held fixed.
    #[test]
    fn transport_gradients_match_differences(seed: u64, d in 1_usize..4, n in 1_usize..6, m in 1_usize..6, weighted: bool) {
        let mut rng = rng(seed);
        let mut x = from_logs(&(0..n).map(|_| symmetric(d, 1.0, &mut rng)).collect::<Vec<_>>());
        let mut y = from_logs(&(0..m).map(|_| symmetric(d, 1.0, &mut rng)).collect::<Vec<_>>());
        if weighted {
            let ramp = |k: usize| (1..=k).map(|i| 2.0 * i as f64 / (k * (k + 1)) as f64).collect::<Vec<_>>();
            x = x.reweighted(&ramp(n)).unwrap();
            y = y.reweighted(&ramp(m)).unwrap();
        }
        let options = SinkhornOptions { regularization: 0.5, tolerance: 1e-12, iterations: 20_000 };
        let plan = sinkhorn(&log_euclidean_cost(&x, &y, 2.0).unwrap(), x.weights(), y.weights(), options).unwrap();
        // Points far from each other for this regularisation take more iterations than that.
        prop_assume!(plan.iterations < 10_000);
        for solver in [Solver::Exact, Solver::Entropic(options)] {
            let loss = TransportLoss::new(&y, solver);
            let at = loss.value_and_gradient(&x).unwrap();
            // f is the least of f_π over the couplings, and f_π(x + h) = f_π(x) + g h + w h² with a mass w <= 1, so that
            // g(h) h − h² <= f(x + h) − f(x) <= g(0) h + h², also where the optimal coupling changes between.
            for k in 0..x.rows().len() {
                for h in [1e-4, -1e-4] {
                    let next = loss.value_and_gradient(&moved(&x, k, h)).unwrap();
                    let change = next.value - at.value;
                    let slack = h * h + 1e-10 * (1.0 + at.value);
                    prop_assert!(change <= at.rows[k] * h + slack, "{} {}", change, at.rows[k] * h);
                    prop_assert!(change >= next.rows[k] * h - slack, "{} {}", change, next.rows[k] * h);
                }
            }
        }
    }

    /// Analytic gradients against central differences, for weights and unequal sizes too.
    #[test]
    fn gradients_match_differences(seed: u64, d in 1_usize..4, n in 1_usize..6, m in 1_usize..6, weighted: bool) {
        let mut rng = rng(seed);
        let bank = DirectionBank::lambda_s(d, 18, seed).unwrap();
        let mut x = from_logs(&(0..n).map(|_| symmetric(d, 1.0, &mut rng)).collect::<Vec<_>>());
        let mut y = from_logs(&(0..m).map(|_| symmetric(d, 1.0, &mut rng)).collect::<Vec<_>>());
        if weighted {
            let ramp = |k: usize| (1..=k).map(|i| 2.0 * i as f64 / (k * (k + 1)) as f64).collect::<Vec<_>>();
            x = x.reweighted(&ramp(n)).unwrap();
            y = y.reweighted(&ramp(m)).unwrap();
        }
        for p in [2.0, 3.0] {
            let loss = SlicedLoss::try_new(&bank, &y, p).unwrap();
            let at = loss.value_and_gradient(&x).unwrap();
            prop_assert!((at.value - spdsw_pow(&bank, &x, &y, p).unwrap()).abs() <= 1e-13 * (1.0 + at.value));
            let step = 1e-6;
            for k in (0..x.rows().len()).step_by(3) {
                let value = |h: f64| spdsw_pow(&bank, &moved(&x, k, h), &y, p).unwrap();
                // Differences err by h² of the third derivative, by EPS/h, and where the order changes within the step.
                let difference = (value(step) - value(-step)) / (2.0 * step);
                prop_assert!((difference - at.rows[k]).abs() <= 3e-5 * (1.0 + at.value), "{} {}", difference, at.rows[k]);
            }
        }
    }
}

/// All permutations of 0..n.
/// One coordinate of the packed rows moved by `h`, weights kept.
fn moved(x: &LogCloud, k: usize, h: f64) -> LogCloud {
    let mut rows = x.rows().to_vec();
    rows[k] += h;
    let cloud = LogCloud::from_packed_rows(x.order(), rows).unwrap();
    x.weights().map_or(cloud.clone(), |w| cloud.reweighted(w).unwrap())
}

fn permutations(n: usize, visit: &mut impl FnMut(&[usize])) {
    fn extend(order: &mut Vec<usize>, n: usize, visit: &mut impl FnMut(&[usize])) {
        if order.len() == n {
            return visit(order);
        }
        for k in 0..n {
            if !order.contains(&k) {
                order.push(k);
                extend(order, n, visit);
                order.pop();
            }
        }
    }
    extend(&mut Vec::new(), n, visit);
}

#[test]
fn the_laws_of_directions_have_their_moments() {
    // 4 standard errors of 40 000 draws; the fourth moment of a unit vector's coordinate bounds the variance.
    let (d, draws) = (4, 40_000);
    let mut rng = rng(5);
    let s = symmetric(d, 1.0, &mut rng);
    let (square, trace) = (s.norm_squared(), s.trace());
    let d_ = d as f64;
    let lambda = (2.0 * square + trace * trace) / (d_ * (d_ + 2.0));
    let log_sw = 2.0 * square / (d_ * (d_ + 1.0));
    for (bank, expected) in [
        (DirectionBank::lambda_s(d, draws, 1).unwrap(), lambda),
        (DirectionBank::orthogonal(d, draws, 2).unwrap(), lambda),
        (DirectionBank::log_sw(d, draws, 3).unwrap(), log_sw),
    ] {
        let packed = pack(&s);
        let samples: Vec<f64> = (0..draws)
            .map(|l| {
                bank.packed(l)
                    .iter()
                    .zip(&packed)
                    .map(|(a, b)| a * b)
                    .sum::<f64>()
                    .powi(2)
            })
            .collect();
        let mean = samples.iter().sum::<f64>() / draws as f64;
        let variance = samples.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / draws as f64;
        assert!(
            (mean - expected).abs() <= 4.0 * (variance / draws as f64).sqrt(),
            "{mean} against {expected}"
        );
    }
    // Haar: E P_11² = 1/d and a balanced sign (a factorisation without sign fix has mean −0.43).
    let bank = DirectionBank::lambda_s(d, draws, 4).unwrap();
    let corners: Vec<f64> = (0..draws).map(|l| bank.factor(l).unwrap().1[(0, 0)]).collect();
    let mean = corners.iter().sum::<f64>() / draws as f64;
    let square = corners.iter().map(|p| p * p).sum::<f64>() / draws as f64;
    let error = (1.0 / d_ / draws as f64).sqrt();
    assert!(mean.abs() <= 4.0 * error, "{mean}");
    assert!((square - 1.0 / d_).abs() <= 4.0 * error, "{square}");
    // S = c I, p = 1: E|⟨A,S⟩| = |c| √d Γ(d/2) / (√π Γ((d+1)/2)); at d = 4: 2·1/(√π·1.3293403881791370).
    let sums: f64 = (0..draws).map(|l| bank.direction(l).trace().abs()).sum::<f64>() / draws as f64;
    let expected = 2.0 / (std::f64::consts::PI.sqrt() * 1.329_340_388_179_137);
    assert!(
        (sums - expected).abs() <= 4.0 / (draws as f64).sqrt(),
        "{sums} against {expected}"
    );
}

#[test]
fn orthogonal_blocks_are_orthonormal_and_sum_to_a_closed_form() {
    let d = 5;
    let bank = DirectionBank::orthogonal(d, 2 * d, 3).unwrap();
    let s = symmetric(d, 1.0, &mut rng(2));
    for block in 0..2 {
        for k in 0..d {
            for l in 0..d {
                let product = bank.direction(block * d + k).dot(&bank.direction(block * d + l));
                assert!((product - f64::from(u8::from(k == l))).abs() <= 64.0 * EPS);
            }
        }
        let (_, p) = bank.factor(block * d).unwrap();
        let squares: f64 = (0..d).map(|k| bank.direction(block * d + k).dot(&s).powi(2)).sum();
        let expected: f64 = (0..d)
            .map(|i| (p.column(i).transpose() * &s * p.column(i))[0].powi(2))
            .sum();
        assert!((squares - expected).abs() <= 256.0 * EPS * s.norm_squared());
    }
}

#[test]
fn the_busemann_function_is_the_limit_of_its_definition() {
    // d_AI(exp(tA), M)² = t² + 2 t B^A(M) + constant + O(exp(−t gap)), so that two times give the limit of d − t.
    let bank = DirectionBank::lambda_s(2, 6, 9).unwrap();
    let m = wishart(1, 2, &mut rng(3)).remove(0);
    let value = busemann(&bank, &batch(std::slice::from_ref(&m))).unwrap();
    for l in 0..6 {
        let (theta, _) = bank.factor(l).unwrap();
        let gap = (theta[0] - theta[1]).abs();
        let excess = |t: f64| {
            let ray = batch(&[exp(&(bank.direction(l) * t))]);
            let distance = affine_invariant_cost(&ray, &batch(std::slice::from_ref(&m)), 1.0).unwrap()[(0, 0)];
            distance * distance - t * t
        };
        let limit = (excess(12.0) - excess(8.0)) / 8.0;
        let slack = 50.0 * (-8.0 * gap).exp() + 1e-6;
        assert!(
            (limit - value[l]).abs() < slack,
            "{limit} against {}, gap {gap}",
            value[l]
        );
    }
}

#[test]
fn estimators_agree_with_closed_forms_and_with_each_other() {
    let mut rng = rng(11);
    let d = 3;
    let pair = wishart(2, d, &mut rng);
    let (x, y) = (
        Spd::try_new(pair[0].clone()).unwrap(),
        Spd::try_new(pair[1].clone()).unwrap(),
    );
    let (dx, dy) = (cloud(&pair[..1]), cloud(&pair[1..]));
    let exact = dirac_spdsw2_pow(&x, &y).unwrap();
    for seed in 0..3 {
        let bank = DirectionBank::lambda_s(d, 7, seed).unwrap();
        assert!((spdsw_mean_exact(&bank, &dx, &dy).unwrap() - exact).abs() <= tolerance(d));
    }
    let bank = DirectionBank::lambda_s(d, 4000, 1).unwrap();
    let estimate = spdsw_with_error(&bank, &dx, &dy, 2.0).unwrap();
    assert!((estimate.pow - exact).abs() <= 5.0 * estimate.pow_error);
    let log_sw = spdsw_with_error(&DirectionBank::log_sw(d, 4000, 1).unwrap(), &dx, &dy, 2.0).unwrap();
    assert!((log_sw.pow - dirac_log_sw2_pow(&x, &y).unwrap()).abs() <= 5.0 * log_sw.pow_error);
    // Clouds: plain and mean-exact estimators of the same number.
    let (a, b) = (
        cloud(&wishart(30, d, &mut rng)),
        cloud(&wishart(25, d, &mut rng).iter().map(|m| m * 2.0).collect::<Vec<_>>()),
    );
    let plain = spdsw_with_error(&bank, &a, &b, 2.0).unwrap();
    let mean_exact = spdsw_mean_exact(&bank, &a, &b).unwrap();
    assert!((plain.pow - mean_exact).abs() <= 5.0 * plain.pow_error);
    let adaptive = spdsw_adaptive(&a, &b, 2.0, 0.05, 50, 100_000, 1).unwrap();
    assert!(adaptive.pow_error <= 0.05 * adaptive.pow);
    let same = DirectionBank::lambda_s(d, adaptive.directions, 1).unwrap();
    assert!((adaptive.pow - spdsw_pow(&same, &a, &b, 2.0).unwrap()).abs() <= 64.0 * EPS * adaptive.pow);
    // E SPDSW_2² ≤ W_2²/d.
    let exact = wasserstein(&log_euclidean_cost(&a, &b, 2.0).unwrap(), None, None)
        .unwrap()
        .cost;
    assert!(mean_exact <= exact / d as f64);
}

#[test]
fn sample_and_projection_complexity_have_their_slopes() {
    let mut rng = rng(21);
    for d in [2, 10] {
        let bank = DirectionBank::lambda_s(d, 60, 2).unwrap();
        let mean_at = |n: usize, rng: &mut Pcg64| {
            let repeats = 24;
            let total: f64 = (0..repeats)
                .map(|_| spdsw_pow(&bank, &cloud(&wishart(n, d, rng)), &cloud(&wishart(n, d, rng)), 2.0).unwrap())
                .sum();
            total / f64::from(repeats)
        };
        let (small, large) = (mean_at(20, &mut rng), mean_at(320, &mut rng));
        let slope = (large / small).ln() / 16.0_f64.ln();
        assert!((-1.25..-0.75).contains(&slope), "d = {d}: {slope}");
    }
    let (a, b) = (cloud(&wishart(40, 4, &mut rng)), cloud(&wishart(40, 4, &mut rng)));
    let spread = |count: usize| {
        let values: Vec<f64> = (0..60)
            .map(|seed| spdsw_pow(&DirectionBank::lambda_s(4, count, 100 + seed).unwrap(), &a, &b, 2.0).unwrap())
            .collect();
        let mean = values.iter().sum::<f64>() / 60.0;
        (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 59.0).sqrt()
    };
    let slope = (spread(256) / spread(8)).ln() / 32.0_f64.ln();
    assert!((-0.65..-0.35).contains(&slope), "{slope}");
}

#[test]
fn orders_one_agree_with_the_line_for_every_distance() {
    let (x, y) = ([0.5, 2.0, 3.0], [1.0, 4.0]);
    let (xs, ys) = (
        SpdBatch::try_from_vec(1, x.to_vec()).unwrap(),
        SpdBatch::try_from_vec(1, y.to_vec()).unwrap(),
    );
    let logs = |v: &[f64]| v.iter().map(|x| x.ln()).collect::<Vec<_>>();
    let bank = DirectionBank::lambda_s(1, 5, 0).unwrap();
    for p in [1.0, 2.0, 3.0, f64::INFINITY] {
        let line = hadamard_geometry::sliced::wasserstein_1d(&logs(&x), None, &logs(&y), None, p).unwrap();
        let sliced = spdsw(
            &bank,
            &LogCloud::try_new(&xs).unwrap(),
            &LogCloud::try_new(&ys).unwrap(),
            p,
        )
        .unwrap();
        let (hx, hy) = (SpdMeasure::uniform(&xs).unwrap(), SpdMeasure::uniform(&ys).unwrap());
        assert!((line - sliced).abs() <= 16.0 * EPS);
        assert!((line - hspdsw(&bank, &hx, &hy, p).unwrap()).abs() <= 16.0 * EPS);
    }
}

#[test]
fn features_are_exact_and_kernels_positive_definite() {
    let mut rng = rng(31);
    let bank = DirectionBank::lambda_s(3, 40, 0).unwrap();
    let sizes = [6, 6, 4, 9];
    let clouds: Vec<LogCloud> = sizes.iter().map(|&n| cloud(&wishart(n, 3, &mut rng))).collect();
    let refs: Vec<&LogCloud> = clouds.iter().collect();
    let exact = exact_squared_distances(&bank, &refs).unwrap();
    let features = squared_distances(&bank.exact_features(&refs).unwrap()).unwrap();
    for i in 0..4 {
        for j in 0..4 {
            let direct = spdsw_pow(&bank, refs[i], refs[j], 2.0).unwrap();
            assert!((exact[(i, j)] - direct).abs() <= 64.0 * EPS * direct);
            assert!((features[(i, j)] - direct).abs() <= 1e3 * EPS);
        }
    }
    let midpoints: Vec<Vec<f64>> = clouds[..2]
        .iter()
        .map(|c| bank.quantile_features(c, 6).unwrap())
        .collect();
    let squared = squared_distances(&midpoints).unwrap();
    assert!((squared[(0, 1)] - exact[(0, 1)]).abs() <= 1e3 * EPS);
    let many: Vec<LogCloud> = (0..25).map(|_| cloud(&wishart(8, 3, &mut rng))).collect();
    let features: Vec<Vec<f64>> = many.iter().map(|c| bank.quantile_features(c, 5).unwrap()).collect();
    let squared = squared_distances(&features).unwrap();
    for gamma in [0.01, 1.0, 100.0] {
        let kernel = hadamard_geometry::sliced::gaussian_kernel(
            &[squared.clone(), squared.clone()],
            &[gamma, 2.0 * gamma],
            hadamard_geometry::sliced::BandRule::Product,
        );
        assert!(kernel.unwrap().symmetric_eigenvalues().min() >= -1e-12 * 25.0);
    }
    let weighted = clouds[0].clone().reweighted(&[1.0 / 6.0; 6]).unwrap();
    let (plain, weighted) = (
        bank.quantile_features(&clouds[0], 4).unwrap(),
        bank.quantile_features(&weighted, 4).unwrap(),
    );
    assert_eq!(plain, weighted);
}

#[test]
fn gradients_survive_repeated_eigenvalues() {
    let bank = DirectionBank::lambda_s(3, 20, 0).unwrap();
    let identity = batch(&[DMatrix::identity(3, 3), DMatrix::identity(3, 3) * 2.0]);
    let target = cloud(&wishart(2, 3, &mut rng(1)));
    let loss = SlicedLoss::try_new(&bank, &target, 2.0).unwrap();
    let start = LogCloud::try_new(&identity).unwrap();
    let gradient = loss.value_and_gradient(&start).unwrap();
    let euclidean = euclidean_gradient(&identity, &gradient.rows).unwrap();
    // At X = c I the gradient by X is the gradient by log X over c.
    for (index, scale) in [1.0, 2.0].into_iter().enumerate() {
        let log = unpack(&gradient.rows[6 * index..6 * (index + 1)], 3);
        assert!((&euclidean[index] - log / scale).norm() <= 64.0 * EPS);
    }
}

#[test]
fn flows_descend_and_barycentres_of_diracs_are_means() {
    let mut rng = rng(41);
    let bank = DirectionBank::lambda_s(4, 200, 0).unwrap();
    let (x, y) = (
        cloud(&wishart(20, 4, &mut rng)),
        cloud(&wishart(20, 4, &mut rng).iter().map(|m| m * 4.0).collect::<Vec<_>>()),
    );
    let loss = SlicedLoss::try_new(&bank, &y, 2.0).unwrap();
    let report = flow(&loss, &x, FlowOptions::default()).unwrap();
    assert!(report.losses.windows(2).all(|w| w[1] <= w[0]), "{:?}", report.losses);
    let last = spdsw_pow(&bank, &report.cloud, &y, 2.0).unwrap();
    // W_2² on the line is the squared shift of the means plus W_2² of the centred measures, so no translation of x comes
    // below the distance of the recentred clouds; a flow that changes shapes too must.
    let centred = [&x, &y].map(|c| c.recentred(&c.mean()).unwrap());
    let best_translation = spdsw_pow(&bank, &centred[0], &centred[1], 2.0).unwrap();
    assert!(
        last < best_translation && best_translation < report.losses[0],
        "{last} against {best_translation}"
    );
    let diracs: Vec<LogCloud> = (0..3).map(|_| cloud(&wishart(1, 4, &mut rng))).collect();
    let refs: Vec<&LogCloud> = diracs.iter().collect();
    let weights = [0.5, 0.2, 0.3];
    let mut options = FlowOptions::default();
    (options.steps, options.factor) = (400, 0.5);
    let centre = barycenter(&bank, &refs, &weights, refs[0], options).unwrap().cloud;
    let mean: Vec<f64> = (0..10)
        .map(|k| diracs.iter().zip(weights).map(|(c, w)| w * c.rows()[k]).sum())
        .collect();
    for (found, expected) in centre.rows().iter().zip(mean) {
        assert!((found - expected).abs() < 1e-6, "{found} against {expected}");
    }
}

#[test]
fn a_step_too_far_is_not_taken() {
    let mut rng = rng(43);
    // Few directions: along some matrices the loss is curved far more than on average.
    let bank = DirectionBank::lambda_s(6, 3, 0).unwrap();
    let (x, y) = (cloud(&wishart(8, 6, &mut rng)), cloud(&wishart(8, 6, &mut rng)));
    let loss = SlicedLoss::try_new(&bank, &y, 2.0).unwrap();
    let mut options = FlowOptions::default();
    options.factor = 1.9;
    let report = flow(&loss, &x, options).unwrap();
    let refused = report.losses.windows(2).filter(|w| w[1] == w[0]).count();
    assert!(refused > 0, "every step was taken: {:?}", report.losses);
    assert!(report.losses.windows(2).all(|w| w[1] <= w[0]), "{:?}", report.losses);
    // After the halvings it descends.
    assert!(report.losses[19] < 0.1 * report.losses[0], "{:?}", report.losses);
    // The whole length at once would have gone up.
    let mut single = FlowOptions::default();
    (single.steps, single.factor) = (1, 1.9);
    let unmoved = flow(&loss, &x, single).unwrap();
    assert_eq!(unmoved.cloud, x);
}

/// Gradient descent can step no further than the trace allows, whose curvature is (d+2)/2 times that of the rest, and so
/// takes about as many times the steps to the same loss.
#[test]
fn preconditioned_flows_save_the_ratio_of_the_curvatures() {
    let mut rng = rng(47);
    let d = 12;
    let bank = DirectionBank::lambda_s(d, 300, 0).unwrap();
    let (x, y) = (cloud(&wishart(15, d, &mut rng)), cloud(&wishart(15, d, &mut rng)));
    let loss = SlicedLoss::try_new(&bank, &y, 2.0).unwrap();
    let options = FlowOptions::default();
    let report = flow(&loss, &x, options).unwrap();
    let reached = spdsw_pow(&bank, &report.cloud, &y, 2.0).unwrap();
    let curvature = loss.curvature();
    let ratio = curvature.trace / curvature.traceless;
    assert!((ratio / ((d as f64 + 2.0) / 2.0) - 1.0).abs() < 0.2, "{ratio}");
    let mut plain = x.rows().to_vec();
    let steps = (1..1000).find(|_| {
        let cloud = LogCloud::from_packed_rows(d, plain.clone()).unwrap();
        let gradient = loss.value_and_gradient(&cloud).unwrap();
        let length = options.factor * x.len() as f64 / curvature.trace;
        plain
            .iter_mut()
            .zip(&gradient.rows)
            .for_each(|(value, slope)| *value -= length * slope);
        gradient.value <= reached
    });
    let steps = steps.expect("gradient descent gets there") as f64;
    let saved = steps / options.steps as f64;
    assert!(
        (0.5 * ratio..2.0 * ratio).contains(&saved),
        "{steps} steps, ratio of curvatures {ratio}"
    );
}

/// Two clouds of 60 matrices, 60 directions, 80 banks: how far the estimators of the documentation vary.
#[test]
fn estimators_vary_as_little_as_they_say() {
    let variances = |d: usize, shift: f64| -> [f64; 4] {
        let mut rng = rng(48);
        let (x, y) = (cloud(&wishart(60, d, &mut rng)), cloud(&wishart(60, d, &mut rng)));
        let shifted: Vec<DMatrix<f64>> = logs(&y).iter().map(|m| m + DMatrix::identity(d, d) * shift).collect();
        let y = from_logs(&shifted);
        let variance = |estimate: &dyn Fn(u64) -> f64| {
            let values: Vec<f64> = (0..80).map(estimate).collect();
            let mean = values.iter().sum::<f64>() / 80.0;
            values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 79.0
        };
        let independent = |seed| DirectionBank::lambda_s(d, 60, seed).unwrap();
        let blocks = |seed| DirectionBank::orthogonal(d, 60, seed).unwrap();
        [
            variance(&|seed| spdsw_pow(&independent(seed), &x, &y, 2.0).unwrap()),
            variance(&|seed| spdsw_mean_exact(&independent(seed), &x, &y).unwrap()),
            variance(&|seed| spdsw_pow(&blocks(seed), &x, &y, 2.0).unwrap()),
            variance(&|seed| spdsw_mean_exact(&blocks(seed), &x, &y).unwrap()),
        ]
    };
    // Variances of 80 values are themselves off by a sixth.
    for (d, shift) in [(3, 0.0), (3, 0.5), (10, 0.0), (10, 0.3)] {
        let v = variances(d, shift);
        let (mean_exact, blocks, both) = (v[0] / v[1], v[0] / v[2], v[0] / v[3]);
        if shift == 0.0 {
            assert!((1.5..6.0).contains(&mean_exact), "d = {d}: {mean_exact}");
            assert!((0.6..2.0).contains(&blocks), "d = {d}: {blocks}");
            assert!((1.5..8.0).contains(&both), "d = {d}: {both}");
        } else {
            assert!(
                mean_exact > 50.0 && blocks > 50.0 && both > 100.0,
                "d = {d}: {mean_exact} {blocks} {both}"
            );
        }
    }
}

#[test]
fn the_permutation_test_holds_its_level_and_sees_shapes() {
    let mut rng = rng(51);
    let bank = DirectionBank::lambda_s(3, 50, 0).unwrap();
    let same: Vec<f64> = (0..40)
        .map(|seed| {
            two_sample_test(
                &bank,
                &cloud(&wishart(12, 3, &mut rng)),
                &cloud(&wishart(10, 3, &mut rng)),
                19,
                seed,
            )
            .unwrap()
            .p_value
        })
        .collect();
    // Level 0.05 exactly: 40 tests reject at most 7 times but for a chance of 1e-3.
    assert!(same.iter().filter(|&&p| p <= 0.05).count() <= 7, "{same:?}");
    // The same mean logarithm and another spread.
    let spread =
        |scale: f64, rng: &mut Pcg64| from_logs(&(0..40).map(|_| symmetric(3, scale, rng)).collect::<Vec<_>>());
    let test = two_sample_test(&bank, &spread(0.5, &mut rng), &spread(1.2, &mut rng), 99, 1).unwrap();
    assert_eq!(test.p_value, 0.01);
}

#[test]
fn sinkhorn_tends_to_the_exact_plan_and_reports_what_it_reached() {
    let mut rng = rng(61);
    let (x, y) = (cloud(&wishart(9, 3, &mut rng)), cloud(&wishart(7, 3, &mut rng)));
    let cost = log_euclidean_cost(&x, &y, 2.0).unwrap();
    let exact = wasserstein(&cost, None, None).unwrap().cost;
    let options = SinkhornOptions {
        regularization: 5e-3,
        tolerance: 1e-8,
        iterations: 50_000,
    };
    let report = sinkhorn(&cost, None, None, options).unwrap();
    assert!(report.converged && report.marginal_error <= 1e-8);
    assert!(
        report.cost >= exact - 1e-8 * cost.amax() && report.cost <= exact + 5e-3 * 63.0_f64.ln(),
        "{} {exact}",
        report.cost
    );
    let short = sinkhorn(
        &cost,
        None,
        None,
        SinkhornOptions {
            iterations: 1,
            ..options
        },
    )
    .unwrap();
    assert!(!short.converged && short.iterations == 1);
    // An ε far below the cost does not underflow.
    let tiny = sinkhorn(
        &cost,
        None,
        None,
        SinkhornOptions {
            regularization: 1e-4,
            tolerance: 1e-3,
            iterations: 20_000,
        },
    )
    .unwrap();
    assert!(tiny.plan.iter().all(|x| x.is_finite()));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut rng = rng(71);
    let (xs, ys) = (batch(&wishart(40, 5, &mut rng)), batch(&wishart(33, 5, &mut rng)));
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| {
                let bank = DirectionBank::lambda_s(5, 70, 3).unwrap();
                let (x, y) = (LogCloud::try_new(&xs).unwrap(), LogCloud::try_new(&ys).unwrap());
                let loss = SlicedLoss::try_new(&bank, &y, 2.0).unwrap();
                let measures = (SpdMeasure::uniform(&xs).unwrap(), SpdMeasure::uniform(&ys).unwrap());
                (
                    spdsw(&bank, &x, &y, 2.0).unwrap(),
                    hspdsw(&bank, &measures.0, &measures.1, 2.0).unwrap(),
                    loss.value_and_gradient(&x).unwrap(),
                    two_sample_test(&bank, &x, &y, 20, 5).unwrap(),
                    exact_squared_distances(&bank, &[&x, &y]).unwrap(),
                )
            })
    };
    let (one, three) = (run(1), run(3));
    assert_eq!(one.0.to_bits(), three.0.to_bits());
    assert_eq!(one.1.to_bits(), three.1.to_bits());
    assert_eq!(one.2, three.2);
    assert_eq!(one.3, three.3);
    assert_eq!(one.4, three.4);
}

#[test]
fn hostile_input_gives_typed_errors() {
    let bank = DirectionBank::lambda_s(3, 4, 0).unwrap();
    let (x, other) = (cloud(&wishart(2, 3, &mut rng(1))), cloud(&wishart(2, 2, &mut rng(1))));
    assert!(matches!(
        spdsw(&bank, &x, &other, 2.0),
        Err(Error::DimensionMismatch {
            expected: 3,
            found: 2,
            ..
        })
    ));
    assert!(matches!(spdsw(&bank, &x, &x, 0.9), Err(Error::InvalidParameter { .. })));
    assert!(matches!(
        spdsw_pow(&bank, &x, &x, f64::INFINITY),
        Err(Error::InvalidParameter { .. })
    ));
    assert!(matches!(bank.quantile_features(&x, 0), Err(Error::Empty { .. })));
    let one = cloud(&wishart(1, 3, &mut rng(1)));
    assert!(matches!(
        two_sample_test(&bank, &one, &x, 9, 0),
        Err(Error::Empty { .. })
    ));
    assert!(matches!(
        LogCloud::from_logs(&SymBatch::try_from_vec(3, vec![]).unwrap()),
        Err(Error::Empty { .. })
    ));
    let repeated = DirectionBank::from_matrices(&[DMatrix::identity(3, 3)]).unwrap();
    let points = batch(&wishart(2, 3, &mut rng(1)));
    assert!(matches!(
        busemann(&repeated, &points),
        Err(Error::InvalidParameter { .. })
    ));
    assert!(matches!(
        wasserstein(&DMatrix::from_element(1, 1, f64::NAN), None, None),
        Err(Error::NonFinite { .. })
    ));
    assert!(matches!(
        wasserstein(&DMatrix::zeros(1, 2), Some(&[0.5]), None),
        Err(Error::InvalidWeights { .. })
    ));
    let zero = SinkhornOptions {
        regularization: 0.0,
        ..SinkhornOptions::default()
    };
    assert!(matches!(
        sinkhorn(&DMatrix::zeros(1, 1), None, None, zero),
        Err(Error::InvalidParameter { .. })
    ));
}

/// Clouds of more than 2¹⁴ points are projected and sorted by another path, explicit masses 1/n by a third: the same
/// distances, up to the rounding of n sums of masses.
#[test]
fn large_clouds_have_the_distances_of_their_weighted_copies() {
    let (n, m, order) = (17_000, 300, 2);
    let mut rng = rng(11);
    let (x, y) = (batch(&wishart(n, order, &mut rng)), batch(&wishart(m, order, &mut rng)));
    let bank = DirectionBank::lambda_s(order, 21, 5).unwrap();
    let (of_x, of_y) = (LogCloud::try_new(&x).unwrap(), LogCloud::try_new(&y).unwrap());
    let masses = vec![1.0 / n as f64; n];
    let weighted = of_x.clone().reweighted(&masses).unwrap();
    let near = |found: f64, expected: f64| (found - expected).abs() <= n as f64 * EPS * (1.0 + expected);
    let found = spdsw_per_direction(&bank, &of_x, &of_y, 2.0).unwrap();
    let expected = spdsw_per_direction(&bank, &weighted, &of_y, 2.0).unwrap();
    for (direction, (f, e)) in found.iter().zip(&expected).enumerate() {
        assert!(near(*f, *e), "direction {direction}: {f} against {e}");
    }
    let uniform = |b| SpdMeasure::uniform(b).unwrap();
    let found = hspdsw(&bank, &uniform(&x), &uniform(&y), 2.0).unwrap();
    let expected = hspdsw(&bank, &SpdMeasure::weighted(&x, &masses).unwrap(), &uniform(&y), 2.0).unwrap();
    assert!(near(found, expected), "{found} against {expected}");
}
