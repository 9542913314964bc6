use hadamard::geometry::sliced::{
    self, BandRule, DirectionBank, FlowOptions, LogCloud, SlicedLoss, SpdMeasure, barycenter, busemann,
    cross_squared_distances, dirac_log_sw2_pow, dirac_spdsw2_pow, euclidean_gradient, exact_squared_distances, flow,
    gaussian_kernel, hspdsw, hspdsw_pow, max_spdsw, median_gamma, sliced_plan, spdsw, spdsw_adaptive, spdsw_mean_exact,
    spdsw_per_direction, spdsw_pow, spdsw_with_error, squared_distances, two_sample_test, wasserstein_1d,
};
use hadamard::geometry::transport::{
    SinkhornOptions, Solver, TransportLoss, affine_invariant_cost, log_euclidean_cost, sinkhorn, wasserstein,
};
use hadamard::geometry::{Spd, SpdBatch};
use nalgebra::DMatrix;

use crate::draw::{Draw, cases, finite, sound};

fn batch(draw: &mut Draw, order: usize) -> Option<SpdBatch> {
    let count = 1 + draw.below(9);
    let order = draw.about(order).min(6);
    let matrices: Vec<DMatrix<f64>> = (0..count).map(|_| draw.spd(order)).collect();
    sound("SpdBatch", SpdBatch::try_from_matrices(&matrices))
}

fn weights(draw: &mut Draw, n: usize) -> Vec<f64> {
    (0..draw.about(n)).map(|_| draw.parameter()).collect()
}

fn cloud(draw: &mut Draw, batch: &SpdBatch) -> Option<LogCloud> {
    match draw.below(4) {
        0 => {
            let w = weights(draw, batch.len());
            sound("with_weights", LogCloud::with_weights(batch, &w))
        }
        1 => sound("euclidean", LogCloud::euclidean(batch)),
        2 => {
            let n = draw.about(sliced::packed_len(batch.order()) * batch.len());
            sound(
                "from_packed_rows",
                LogCloud::from_packed_rows(batch.order(), draw.numbers(n)),
            )
        }
        _ => sound("LogCloud", LogCloud::try_new(batch)),
    }
}

fn bank(draw: &mut Draw, order: usize) -> Option<DirectionBank> {
    let (count, order) = (draw.below(40), draw.about(order));
    match draw.below(5) {
        0 => sound("orthogonal", DirectionBank::orthogonal(order, count, 1)),
        1 => sound("log_sw", DirectionBank::log_sw(order, count, 1)),
        2 => {
            let matrices: Vec<_> = (0..count.min(4)).map(|_| draw.spd(order)).collect();
            sound("from_matrices", DirectionBank::from_matrices(&matrices))
        }
        3 => {
            let factors: Vec<_> = (0..count.min(4))
                .map(|_| (draw.numbers(order), draw.matrix(order, order)))
                .collect();
            sound("from_factors", DirectionBank::from_factors(&factors))
        }
        _ => sound("lambda_s", DirectionBank::lambda_s(order, count, 1)),
    }
}

#[test]
fn distances() {
    cases(900, |draw| {
        let order = 1 + draw.below(4);
        let (Some(a), Some(b)) = (batch(draw, order), batch(draw, order)) else {
            return;
        };
        let (Some(x), Some(y), Some(bank)) = (cloud(draw, &a), cloud(draw, &b), bank(draw, order)) else {
            return;
        };
        let p = [1.0, 2.0, 3.0, f64::INFINITY, draw.parameter()][draw.below(5)];
        finite("spdsw", spdsw(&bank, &x, &y, p));
        finite("spdsw_pow", spdsw_pow(&bank, &x, &y, p));
        finite("spdsw_per_direction", spdsw_per_direction(&bank, &x, &y, p));
        finite("spdsw_mean_exact", spdsw_mean_exact(&bank, &x, &y));
        if let Some(e) = sound("spdsw_with_error", spdsw_with_error(&bank, &x, &y, p)) {
            let numbers = vec![e.pow, e.pow_error, e.distance, e.distance_error];
            finite("spdsw_with_error", Ok::<_, String>(numbers));
        }
        let (tolerance, block, most) = (draw.parameter(), draw.below(20), draw.below(200));
        sound("spdsw_adaptive", spdsw_adaptive(&x, &y, p, tolerance, block, most, 1));
        if let Some(found) = sound("max_spdsw", max_spdsw(&bank, &x, &y, draw.below(4))) {
            finite("max_spdsw", Ok::<_, String>((found.distance, found.direction)));
        }
        if let Some(plan) = sound("sliced_plan", sliced_plan(&bank, &x, &y)) {
            let mass = plan.entries.iter().all(|e| e.mass.is_finite());
            assert!(mass && plan.cost.is_finite(), "sliced_plan");
        }
        if let Some(test) = sound("two_sample_test", two_sample_test(&bank, &x, &y, draw.below(6), 1)) {
            assert!(test.p_value > 0.0 && test.p_value <= 1.0, "two_sample_test");
            finite("two_sample_test", Ok::<_, String>((test.statistic, test.null)));
        }
        finite("quantile_features", bank.quantile_features(&x, draw.below(6)));
        finite("exact_features", bank.exact_features(&[&x, &y]));
        finite("exact_squared_distances", exact_squared_distances(&bank, &[&x, &y]));
        finite("dirac", dirac_spdsw2_pow(&a.get(0), &b.get(0)));
        finite("dirac", dirac_log_sw2_pow(&a.get(0), &b.get(0)));
        let w = weights(draw, a.len());
        if let (Some(u), Some(v)) = (
            sound("SpdMeasure", SpdMeasure::weighted(&a, &w)),
            sound("SpdMeasure", SpdMeasure::uniform(&b)),
        ) {
            finite("hspdsw", hspdsw(&bank, &u, &v, p));
            finite("hspdsw_pow", hspdsw_pow(&bank, &u, &v, p));
        }
        finite("busemann", busemann(&bank, &a));
        let shift = draw.about(x.mean().len());
        sound("recentred", x.recentred(&draw.numbers(shift)));
        sound("reweighted", x.clone().reweighted(&weights(draw, x.len())));
        sound("from_logs", LogCloud::from_logs(&x.to_logs()));
        if draw.one_in(4) {
            let (n, m) = (draw.below(6), draw.below(6));
            let (u, v) = (draw.numbers(n), draw.numbers(m));
            let (a, b) = (weights(draw, n), weights(draw, m));
            finite("wasserstein_1d", wasserstein_1d(&u, Some(&a), &v, Some(&b), p));
            finite("wasserstein_1d", wasserstein_1d(&u, None, &v, None, p));
        }
    });
}

#[test]
fn flows() {
    cases(300, |draw| {
        let order = 1 + draw.below(3);
        let (Some(a), Some(b)) = (batch(draw, order), batch(draw, order)) else {
            return;
        };
        let (Some(x), Some(y), Some(bank)) = (cloud(draw, &a), cloud(draw, &b), bank(draw, order)) else {
            return;
        };
        let mut options = FlowOptions::default();
        options.steps = draw.below(6);
        if draw.one_in(2) {
            options.factor = draw.parameter();
            options.tolerance = draw.parameter();
        }
        let judge = |what: &str, found: Option<sliced::FlowReport>| {
            if let Some(found) = found {
                assert!(
                    found.cloud.rows().iter().chain(&found.losses).all(|x| x.is_finite()),
                    "{what}"
                );
            }
        };
        if let Some(loss) = sound("SlicedLoss", SlicedLoss::try_new(&bank, &y, draw.parameter())) {
            if let Some(gradient) = sound("gradient", loss.value_and_gradient(&x)) {
                assert!(
                    gradient.value.is_finite() && gradient.rows.iter().all(|x| x.is_finite()),
                    "gradient"
                );
                let rows = draw.about(gradient.rows.len());
                let mut rows = gradient.rows[..rows.min(gradient.rows.len())].to_vec();
                rows.extend(draw.one_in(9).then_some(1.0));
                finite("euclidean_gradient", euclidean_gradient(&a, &rows));
            }
            judge("flow", sound("flow", flow(&loss, &x, options)));
        }
        let w = weights(draw, 2);
        judge(
            "barycenter",
            sound("barycenter", barycenter(&bank, &[&x, &y], &w, &x, options)),
        );
        let entropic = SinkhornOptions {
            regularization: draw.parameter(),
            tolerance: 1e-3,
            iterations: draw.below(50),
        };
        for solver in [Solver::Exact, Solver::Entropic(entropic)] {
            judge(
                "transport flow",
                sound("transport flow", flow(&TransportLoss::new(&y, solver), &x, options)),
            );
        }
    });
}

#[test]
fn transport() {
    cases(1200, |draw| {
        let (n, m) = (draw.below(8), draw.below(8));
        let mut cost = draw.matrix(n, m);
        if draw.one_in(2) {
            cost = cost.abs();
        }
        let (a, b) = (weights(draw, n), weights(draw, m));
        let sides = |w: &[f64]| -> Vec<f64> {
            let sum: f64 = w.iter().sum();
            w.iter().map(|w| w / sum).collect()
        };
        let (sa, sb) = (sides(&a), sides(&b));
        for (a, b) in [
            (None, None),
            (Some(&a[..]), Some(&b[..])),
            (Some(&sa[..]), Some(&sb[..])),
        ] {
            if let Some(plan) = sound("wasserstein", wasserstein(&cost, a, b)) {
                assert!(
                    plan.cost.is_finite() && plan.entries.iter().all(|e| e.mass.is_finite() && e.mass >= 0.0),
                    "plan"
                );
                let potentials = plan.potentials.0.iter().chain(&plan.potentials.1);
                // Minus infinity stands for points without mass.
                assert!(potentials.clone().all(|p| *p < f64::INFINITY), "potentials");
            }
            let options = SinkhornOptions {
                regularization: draw.parameter(),
                tolerance: draw.parameter(),
                iterations: draw.below(200),
            };
            if let Some(report) = sound("sinkhorn", sinkhorn(&cost, a, b, options)) {
                finite("sinkhorn", Ok::<_, String>((report.plan, report.cost)));
                assert!(
                    !report.regularized_cost.is_nan() && !report.marginal_error.is_nan(),
                    "sinkhorn: report"
                );
            }
        }
        let order = 1 + draw.below(3);
        if let (Some(a), Some(b)) = (batch(draw, order), batch(draw, order)) {
            let p = draw.parameter();
            finite("affine_invariant_cost", affine_invariant_cost(&a, &b, p));
            if let (Some(x), Some(y)) = (cloud(draw, &a), cloud(draw, &b)) {
                finite("log_euclidean_cost", log_euclidean_cost(&x, &y, p));
            }
        }
    });
}

#[test]
fn kernels() {
    cases(1000, |draw| {
        let (n, width) = (draw.below(6), draw.below(5));
        let rows = |draw: &mut Draw| -> Vec<Vec<f64>> {
            (0..n)
                .map(|_| {
                    let width = draw.about(width);
                    draw.numbers(width)
                })
                .collect()
        };
        let (x, y) = (rows(draw), rows(draw));
        let squared = finite("squared_distances", squared_distances(&x));
        finite("cross_squared_distances", cross_squared_distances(&x, &y));
        let wild = draw.matrix(n, n);
        for squared in squared.into_iter().chain([wild]) {
            let train: Vec<usize> = (0..draw.below(5)).map(|_| draw.below(n + 1)).collect();
            finite("median_gamma", median_gamma(&squared, &train));
            for rule in [BandRule::Sum, BandRule::Product] {
                let gammas: Vec<f64> = (0..draw.about(2)).map(|_| draw.parameter()).collect();
                finite(
                    "gaussian_kernel",
                    gaussian_kernel(&[squared.clone(), squared.clone()], &gammas, rule),
                );
            }
        }
        sound("Spd", Spd::try_new(draw.matrix(n, width)));
    });
}
