use hadamard::geometry::SymBatch;
use hadamard::geometry::sliced::{FlowOptions, LogCloud};
use hadamard::geometry::transport::SinkhornOptions;
use hadamard::meeg::adapt::{Loss, Motion, TransformationOptions, particles, recentred, transformation};
use hadamard::meeg::covariance::{Constants, Estimator, Normalisation, correlation};
use hadamard::meeg::epochs::{self, Window};
use hadamard::meeg::features::{self, MeanCovariances, Slices, TangentSpace};
use hadamard::meeg::filter::{Sos, average_reference, decimate};
use hadamard::meeg::filter_bank::{Band, FilterBank};
use hadamard::meeg::io::{Annotation, channel};
use hadamard::meeg::model::{
    Combination, DistanceMatrix, FeatureMatrix, Folds, KernelRidge, LabelCoding, Mean, Pipeline, Ridge, StandardScaler,
    SupportVectorMachine, SvmOptions, activation_pattern, classify, cross_val_predict,
};
use hadamard::meeg::rank::{CommonSubspace, Regularisation, report, require_full};
use hadamard::meeg::simulate::Simulation;
use hadamard::meeg::{Cohort, Epochs, Example, Signal, SignalView};
use nalgebra::DMatrix;

use crate::draw::{Draw, Numbers, cases, finite, sound};

fn signal(draw: &mut Draw) -> Option<Signal> {
    let (channels, samples) = (draw.below(5), [0, 1, 5, 60, 300][draw.below(5)]);
    let names: Vec<String> = (0..channels).map(|i| format!("C{}", i + 1)).collect();
    let rate = if draw.one_in(4) { draw.parameter() } else { 100.0 };
    let mut data = draw.numbers(channels * samples);
    data.extend(draw.one_in(30).then_some(1.0));
    if draw.one_in(4) {
        data.iter_mut().take(samples).for_each(|x| *x = 1.0);
    }
    let start = draw.parameter();
    sound("Signal", Signal::new(names, rate, data)).map(|s| s.with_start(start))
}

#[test]
fn filters() {
    cases(1500, |draw| {
        let (order, low, high, rate) = (
            draw.below(12),
            draw.parameter(),
            draw.parameter(),
            draw.parameter() * 50.0,
        );
        let tame = draw.one_in(2);
        let (order, low, high, rate) = if tame {
            (1 + order % 5, 4.0, 9.0, 100.0)
        } else {
            (order, low, high, rate)
        };
        let filters = [
            ("band_pass", Sos::band_pass(order, low, high, rate)),
            ("band_stop", Sos::band_stop(order, low, high, rate)),
            ("low_pass", Sos::low_pass(order, low, rate)),
            ("high_pass", Sos::high_pass(order, high, rate)),
            ("notch", Sos::notch(low, high, rate)),
        ];
        let Some(mut signal) = signal(draw) else { return };
        let quiet = signal.check_finite("signal").is_ok();
        sound("check_not_flat", signal.check_not_flat("signal"));
        let largest = signal.as_slice().iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for (name, filter) in filters {
            let Some(filter) = sound(name, filter) else { continue };
            assert!(
                filter.coefficients().iter().flatten().all(|c| c.is_finite()),
                "{name}: coefficients"
            );
            assert!(
                filter.steady_state().iter().flatten().all(|c| !c.is_nan()),
                "{name}: steady state"
            );
            let _ = (filter.padding(), filter.gain(low, rate));
            let once = filter.filter(&signal);
            if let Some(twice) = sound(name, filter.filter_zero_phase(&signal)) {
                // Narrow bands of high order are ill-conditioned as any recursion of that order is.
                let calm = quiet && tame && largest < 1e150;
                assert!(!calm || once.as_slice().finite() && twice.as_slice().finite(), "{name}");
            }
        }
        if let Some(slow) = sound("decimate", decimate(&signal, draw.below(5))) {
            assert!(slow.samples() <= signal.samples());
        }
        average_reference(&mut signal);
        sound("pick", signal.pick(&["C1", "c2", ""]));
        let (low, high) = (draw.below(400), draw.below(400));
        sound("window", signal.window(low..high));
    });
}

#[test]
fn windows_and_covariances() {
    cases(1200, |draw| {
        let Some(signal) = signal(draw) else { return };
        let (seconds, overlap) = (draw.parameter(), draw.parameter());
        sound("fixed_length", epochs::fixed_length(&signal, 1e6 * seconds, overlap));
        let windows = sound("fixed_length", epochs::fixed_length(&signal, seconds, 0.5)).unwrap_or_default();
        if windows.len() > 1000 {
            return;
        }
        let events: Vec<Annotation> = (0..draw.below(4))
            .map(|_| Annotation {
                onset: draw.number(),
                duration: draw.number(),
                text: "T1".into(),
            })
            .collect();
        let (from, to) = (draw.anything(), draw.parameter());
        sound(
            "event_locked",
            epochs::event_locked(&signal, &events, &["T1"], from, to),
        );
        sound(
            "event_locked",
            epochs::event_locked(&signal, &events, &["T1"], 0.0, 0.02),
        );
        let mut windows = windows;
        windows.truncate(8);
        if draw.one_in(4) {
            windows.push(Window {
                start: draw.below(400),
                samples: draw.below(400),
                label: None,
            });
        }
        let limit = draw.one_in(2).then(|| draw.parameter());
        if let Some(rejections) = sound("unusable", epochs::unusable(&signal, &windows, limit)) {
            epochs::keep(&windows, &rejections);
        }
        if let Some(epochs) = sound("cut", Epochs::cut(&signal, &windows)) {
            for estimator in estimators(draw) {
                let views: Vec<SignalView<'_>> = epochs.iter().collect();
                if let Some(batch) = sound("estimate_all", estimator.estimate_all(&views)) {
                    assert!(batch.as_slice().finite(), "estimate_all: {estimator:?}");
                }
            }
        }
        let bank = FilterBank::new(vec![
            Band::new("a", draw.parameter(), draw.parameter() * 20.0),
            Band::new("b", 8.0, 12.0),
        ]);
        if let Some(batch) = sound("covariances", bank.covariances(&signal)) {
            assert!(batch.as_slice().finite(), "covariances");
        }
        for estimator in estimators(draw) {
            for estimate in [
                estimator.estimate(signal.view()),
                estimator.estimate_without_centring(signal.view()),
            ] {
                if let Some(estimate) = sound("estimate", estimate) {
                    assert!(estimate.matrix.finite(), "{estimator:?}: matrix");
                    assert!(
                        estimate.shrinkage.is_none_or(f64::is_finite),
                        "{estimator:?}: shrinkage"
                    );
                }
            }
        }
    });
}

fn estimators(draw: &mut Draw) -> Vec<Estimator> {
    let (rho, p) = (draw.parameter(), draw.parameter());
    let constants = [Constants::Real, Constants::PyRiemann][draw.below(2)];
    let quantile = if draw.one_in(2) { 0.9 } else { rho };
    vec![
        Estimator::Scm,
        Estimator::Unbiased,
        Estimator::OasChen,
        Estimator::OasSklearn,
        Estimator::LedoitWolf,
        Estimator::SchaeferStrimmer,
        Estimator::Shrunk(rho),
        Estimator::Tyler(Normalisation::Trace),
        Estimator::Tyler(Normalisation::Determinant),
        Estimator::RegularisedTyler(rho),
        Estimator::Huber { quantile, constants },
        Estimator::StudentT { degrees: p, constants },
    ]
}

fn symmetric(draw: &mut Draw, order: usize, count: usize) -> Option<SymBatch> {
    let order = draw.about(order);
    let mut data = Vec::new();
    for _ in 0..count {
        data.extend(draw.spd(order).iter());
    }
    sound("SymBatch", SymBatch::try_from_vec(order, data))
}

#[test]
fn ranks() {
    cases(1000, |draw| {
        let (order, count) = (draw.below(5), draw.below(4));
        let threshold = draw.parameter();
        let (rows, columns) = (draw.about(order), draw.about(order));
        let any = draw.matrix(rows, columns);
        finite("correlation", correlation(&any));
        if let Some(rank) = sound("report", report(&any, threshold)) {
            assert!(rank.rank <= order.max(7) && rank.eigenvalues.finite(), "rank report");
        }
        let Some(batch) = symmetric(draw, order, count) else {
            return;
        };
        let rule = if draw.one_in(2) {
            Regularisation::None
        } else {
            Regularisation::Shrinkage(draw.parameter())
        };
        sound("require_full", require_full(&batch, threshold, "x"));
        if let Some(regular) = sound("apply_all", rule.apply_all(&batch)) {
            assert!(regular.as_slice().finite(), "regularised");
        }
        finite("apply", rule.apply(&any));
        if let Some(space) = sound(
            "CommonSubspace",
            CommonSubspace::fit(&batch, draw.below(order + 2), threshold),
        ) {
            assert!(space.basis().finite(), "basis");
            sound("reduce", space.reduce(&batch));
        }
    });
}

fn cohort(draw: &mut Draw) -> Option<Cohort> {
    let (people, order, bands) = (draw.below(7), 1 + draw.below(3), 1 + draw.below(2));
    let examples: Option<Vec<Example>> = (0..people)
        .map(|i| {
            let count = draw.about(3);
            let covariances: Option<Vec<SymBatch>> = (0..bands).map(|_| symmetric(draw, order, count)).collect();
            sound(
                "Example",
                Example::try_new(format!("s{i}"), i / 2, &covariances?, Regularisation::Shrinkage(0.1)),
            )
        })
        .collect();
    let names = |n: usize| (0..n).map(|i| format!("n{i}")).collect::<Vec<_>>();
    let (bands, order) = (draw.about(bands), draw.about(order));
    sound("Cohort", Cohort::try_new(examples?, names(bands), names(order)))
}

#[test]
fn features_and_models() {
    cases(700, |draw| {
        let Some(cohort) = cohort(draw) else { return };
        let n = cohort.len();
        let (targets, columns) = (draw.about(n), draw.below(3));
        let targets = draw.matrix(targets, columns);
        let folds = [
            sound("contiguous", Folds::contiguous(n, draw.below(n + 2))),
            sound("shuffled", Folds::shuffled(n, draw.below(n + 2), 1)),
            sound("grouped", Folds::grouped(&cohort.persons(), draw.below(4), 1)),
            sound(
                "from_numbers",
                Folds::from_numbers(&(0..n).map(|_| draw.below(3)).collect::<Vec<_>>()),
            ),
        ];
        let means = sound("MeanCovariances", MeanCovariances::of(&cohort));
        sound("recenter", features::recenter(&cohort));
        let slices = Slices {
            directions: draw.below(20),
            levels: draw.below(5),
            seed: 1,
        };
        let mut matrices: Vec<FeatureMatrix> = Vec::new();
        matrices.extend(sound("sliced_quantiles", features::sliced_quantiles(&cohort, slices)));
        if let Some(means) = &means {
            matrices.extend(sound("log_power", features::log_power(means)));
            matrices.extend(sound("log_euclidean", features::log_euclidean(means)));
        }
        let alphas: Vec<f64> = (0..draw.below(4)).map(|_| draw.parameter()).collect();
        let kernel = KernelRidge {
            alphas: alphas.clone(),
            factors: (0..draw.below(3)).map(|_| draw.parameter()).collect(),
            combination: [Combination::Mean, Combination::Product][draw.below(2)],
        };
        let ridge = Ridge { alphas };
        let groups = draw.one_in(2).then(|| cohort.persons());
        let labels: Vec<usize> = (0..draw.about(n)).map(|_| draw.below(3)).collect();
        for folds in folds.into_iter().flatten() {
            for x in &matrices {
                assert!(x.values().finite(), "features");
                let groups = groups.as_deref();
                finite("ridge", cross_val_predict(&ridge, x, &targets, groups, &folds));
                finite(
                    "ridge",
                    cross_val_predict(&Ridge::default(), x, &targets, groups, &folds),
                );
                finite("kernel ridge", cross_val_predict(&kernel, x, &targets, groups, &folds));
                finite("mean", cross_val_predict(&Mean, x, &targets, groups, &folds));
                let scaled = Pipeline::new(StandardScaler, Ridge::default());
                finite("scaled ridge", cross_val_predict(&scaled, x, &targets, groups, &folds));
                let distances = x.squared_distances();
                finite(
                    "distances",
                    cross_val_predict(&KernelRidge::default(), &distances, &targets, groups, &folds),
                );
                if let Some(report) = sound("classify", classify(&Ridge::default(), x, &labels, groups, &folds)) {
                    assert!((0.0..=1.0).contains(&report.balanced_accuracy), "balanced accuracy");
                }
                let predictions = draw.about(n);
                finite("activation_pattern", activation_pattern(x, &draw.numbers(predictions)));
            }
            if let Some(means) = &means {
                let tangent = Pipeline::new(TangentSpace, Ridge::default());
                finite(
                    "tangent",
                    cross_val_predict(&tangent, means, &targets, groups.as_deref(), &folds),
                );
            }
        }
    });
}

#[test]
fn machines_and_tables_of_numbers() {
    cases(1000, |draw| {
        let n = draw.below(8);
        let (rows, columns) = (draw.about(n), draw.about(n));
        let mut kernel = draw.matrix(rows, columns);
        if rows == columns && draw.one_in(2) {
            kernel = draw.spd(rows);
        }
        let labels: Vec<i64> = (0..draw.about(n)).map(|_| draw.below(3) as i64 - 1).collect();
        let options = SvmOptions {
            penalty: draw.parameter(),
            tolerance: draw.parameter(),
            iterations: draw.below(500),
        };
        if let Some(machine) = sound("svm", SupportVectorMachine::train(&kernel, &labels, options)) {
            let columns = draw.about(n);
            sound("predict", machine.predict(&draw.matrix(3, columns)));
        }
        let blocks = (0..draw.below(3)).map(|_| {
            let (rows, columns) = (draw.about(n), draw.about(n));
            draw.matrix(rows, columns)
        });
        let blocks: Vec<DMatrix<f64>> = blocks.collect();
        sound("DistanceMatrix", DistanceMatrix::try_new(blocks));
        let widths = vec![draw.below(3), draw.below(3)];
        sound(
            "FeatureMatrix",
            FeatureMatrix::try_with_blocks(draw.matrix(n, 3), widths),
        );
        let classes: Vec<usize> = (0..n)
            .map(|_| if draw.one_in(9) { usize::MAX } else { draw.below(3) })
            .collect();
        if let Some(coding) = sound("LabelCoding", LabelCoding::try_new(&classes)) {
            coding.decode(&coding.encode(&classes));
        }
        sound("from_numbers", Folds::from_numbers(&classes));
        sound("stratified", Folds::stratified(&classes, draw.below(4), 1));
        sound(
            "grouped",
            Folds::stratified_grouped(&classes, &classes, draw.below(4), 1),
        );
        let labels = ["", "EEG ", "µ-REF", "éééé", "Cz-LE", "EEG Fp1-REF", "z", "🧠🧠"];
        let (a, b) = (labels[draw.below(8)], labels[draw.below(8)]);
        let _ = (
            channel::bare_name(a),
            channel::same(a, b),
            channel::is_scalp(a),
            channel::is_other(b),
        );
        sound("find", channel::find(&labels, &[a, b], "x"));
        let simulation = Simulation {
            subjects: draw.below(5),
            channels: draw.below(5),
            sources: draw.below(4),
            windows: draw.below(4),
            mixing_distance: draw.parameter(),
            mixing_noise: draw.parameter(),
            age_noise: draw.parameter(),
            ..Simulation::default()
        };
        let Some(simulated) = sound("simulate", simulation.draw(1)) else {
            return;
        };
        assert!(simulated.ages.finite() && simulated.mixing.finite(), "simulated");
    });
}

#[test]
fn adaptation() {
    cases(150, |draw| {
        let (order, count) = (1 + draw.below(3), 1 + draw.below(5));
        let (Some(source), Some(target)) = (symmetric(draw, order, count), symmetric(draw, order, count)) else {
            return;
        };
        let spd = |b: &SymBatch| {
            sound(
                "SpdBatch",
                hadamard::geometry::SpdBatch::try_from_vec(b.order(), b.as_slice().to_vec()),
            )
        };
        let (Some(source), Some(target)) = (spd(&source), spd(&target)) else {
            return;
        };
        let (Some(x), Some(y)) = (
            sound("LogCloud", LogCloud::try_new(&source)),
            sound("LogCloud", LogCloud::try_new(&target)),
        ) else {
            return;
        };
        sound("recentred", recentred(&x));
        let directions = draw.below(30);
        let mut flow = FlowOptions::default();
        flow.steps = draw.below(4);
        let mut options = TransformationOptions::default();
        options.motion = [Motion::Rotation, Motion::TranslationAndRotation][draw.below(2)];
        options.steps = draw.below(6);
        options.tolerance = draw.parameter();
        let entropic = SinkhornOptions {
            regularization: draw.parameter(),
            tolerance: 1e-3,
            iterations: draw.below(50),
        };
        for loss in [
            Loss::Spdsw { directions, seed: 1 },
            Loss::LogSw { directions, seed: 1 },
            Loss::Exact,
            Loss::Entropic(entropic),
        ] {
            if let Some(found) = sound("particles", particles(&x, &y, loss, flow)) {
                assert!(found.cloud.rows().finite() && found.losses.finite(), "particles");
            }
            if let Some(found) = sound("transformation", transformation(&source, &y, loss, options)) {
                assert!(found.matrix.finite() && found.losses.finite(), "transformation");
                assert!(found.translation().finite() && found.rotation().finite(), "polar parts");
                sound("apply", found.apply(&source));
            }
        }
    });
}
