//! Models of features of M/EEG covariances: closed-form leaving out, nothing leaks from a test fold, what the simulated
//! cohorts must show.

use hadamard_geometry::SpdBatch;
use hadamard_meeg::features::{self, MeanCovariances, Slices, TangentSpace};
use hadamard_meeg::model::{
    Combination, Dataset, DistanceMatrix, FeatureMatrix, Folds, KernelRidge, Learner, Pipeline, Predictor, Ridge,
    Sample, StandardScaler, Training, cross_val_predict, r2,
};
use hadamard_meeg::simulate::{Signal, Simulation};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

fn gaussian(rows: usize, columns: usize, rng: &mut impl Rng) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| StandardNormal.sample(rng))
}

/// Fits on all rows of a data set.
fn fit_all<D: Dataset, L: Learner<D>>(learner: &L, data: &D, y: &DMatrix<f64>, groups: Option<Vec<usize>>) -> L::Model {
    let rows: Vec<usize> = (0..data.len()).collect();
    learner
        .fit(&Training::try_new(data, &rows, y.clone(), groups).unwrap())
        .unwrap()
}

/// Rows of each group; single rows without groups.
fn parts(n: usize, groups: Option<&[usize]>) -> Vec<Vec<usize>> {
    match groups {
        None => (0..n).map(|i| vec![i]).collect(),
        Some(groups) => (0..n)
            .map(|g| (0..n).filter(|&i| groups[i] == g).collect())
            .filter(|p: &Vec<usize>| !p.is_empty())
            .collect(),
    }
}

/// Mean squared error of leaving out by refitting from scratch: `predict(train, test)` solves its own system.
fn refitted_error(
    y: &DMatrix<f64>,
    groups: Option<&[usize]>,
    predict: impl Fn(&[usize], &[usize]) -> DMatrix<f64>,
) -> f64 {
    let n = y.nrows();
    let mut sum = 0.0;
    for test in parts(n, groups) {
        let train: Vec<usize> = (0..n).filter(|i| !test.contains(i)).collect();
        sum += (y.select_rows(&test) - predict(&train, &test)).norm_squared();
    }
    sum / y.len() as f64
}

/// Ridge with a free intercept from its normal equations [[n, 1ᵀX], [Xᵀ1, XᵀX + αI]].
fn ridge_by_normal_equations(
    x: &DMatrix<f64>,
    y: &DMatrix<f64>,
    alpha: f64,
    train: &[usize],
    test: &[usize],
) -> DMatrix<f64> {
    let design = |rows: &[usize]| x.select_rows(rows).insert_column(0, 1.0);
    let a = design(train);
    let mut normal = a.tr_mul(&a);
    for j in 1..normal.nrows() {
        normal[(j, j)] += alpha;
    }
    let coefficients = normal.lu().solve(&a.tr_mul(&y.select_rows(train))).unwrap();
    design(test) * coefficients
}

/// Kernel ridge with a free intercept from its saddle-point system [[K + αI, 1], [1ᵀ, 0]].
fn kernel_ridge_by_saddle_point(
    k: &DMatrix<f64>,
    y: &DMatrix<f64>,
    alpha: f64,
    train: &[usize],
    test: &[usize],
) -> DMatrix<f64> {
    let n = train.len();
    let mut system = k
        .select_rows(train)
        .select_columns(train)
        .insert_row(n, 1.0)
        .insert_column(n, 1.0);
    for i in 0..n {
        system[(i, i)] += alpha;
    }
    system[(n, n)] = 0.0;
    let solution = system.lu().solve(&y.select_rows(train).insert_row(n, 0.0)).unwrap();
    k.select_rows(test).select_columns(train).insert_column(n, 1.0) * solution
}

/// Random groups, every third example alone.
fn some_groups(n: usize, rng: &mut impl Rng) -> Vec<usize> {
    (0..n)
        .map(|i| if i % 3 == 0 { i } else { rng.random_range(0..n) })
        .collect()
}

proptest! {
    /// Relative tolerance: both routes solve systems of condition κ <= (λ_max + α)/α, and the shortcut divides by
    /// 1 - H_ii >= 1/κ: n ε κ² with a factor 100 for the constants. κ <= 1e3 by the choice of sizes and penalties.
    #[test]
    fn leaving_out_ridge_equals_refitting(seed: u64, n in 6usize..14, p in 1usize..20, power in 0.0f64..2.0, grouped: bool) {
        let mut rng = Pcg64::seed_from_u64(seed);
        let x = gaussian(n, p, &mut rng);
        let y = gaussian(n, 2, &mut rng);
        let alpha = 10f64.powf(power);
        let groups = grouped.then(|| some_groups(n, &mut rng));
        let data = FeatureMatrix::try_new(x.clone()).unwrap();
        let model = fit_all(&Ridge::with_alpha(alpha), &data, &y, groups.clone());
        let refitted = refitted_error(&y, groups.as_deref(), |train, test| {
            ridge_by_normal_equations(&x, &y, alpha, train, test)
        });
        let condition = x.norm_squared() / alpha + 1.0;
        let tolerance = 100.0 * n as f64 * f64::EPSILON * condition * condition;
        let relative = (model.choice.mean_squared_error / refitted - 1.0).abs();
        prop_assert!(relative < tolerance, "{relative:e} > {tolerance:e}");
    }

    /// As above, with K of unit diagonal: λ_max <= n.
    #[test]
    fn leaving_out_kernel_ridge_equals_refitting(seed: u64, n in 6usize..14, power in -2.0f64..0.0, grouped: bool, product: bool) {
        let mut rng = Pcg64::seed_from_u64(seed);
        let features = FeatureMatrix::try_with_blocks(gaussian(n, 5, &mut rng), vec![2, 3]).unwrap();
        let distances = features.squared_distances();
        let y = gaussian(n, 1, &mut rng);
        let alpha = 10f64.powf(power);
        let groups = grouped.then(|| some_groups(n, &mut rng));
        let combination = if product { Combination::Product } else { Combination::Mean };
        let learner = KernelRidge { alphas: vec![alpha], factors: vec![1.0], combination };
        let fit = fit_all(&learner, &distances, &y, groups.clone()).fit;
        let blocks = distances.blocks();
        let k = DMatrix::from_fn(n, n, |i, j| {
            let exponents = [0, 1].map(|b| -fit.gammas[b] * blocks[b][(i, j)]);
            if product { (exponents.iter().sum::<f64>() / 2.0).exp() } else { exponents.iter().map(|e| e.exp()).sum::<f64>() / 2.0 }
        });
        let refitted = refitted_error(&y, groups.as_deref(), |train, test| {
            kernel_ridge_by_saddle_point(&k, &y, alpha, train, test)
        });
        let condition = n as f64 / alpha + 1.0;
        let tolerance = 100.0 * n as f64 * f64::EPSILON * condition * condition;
        let relative = (fit.choice.mean_squared_error / refitted - 1.0).abs();
        prop_assert!(relative < tolerance, "{relative:e} > {tolerance:e}");
    }

    /// Every example is tested once, by a model that saw neither it nor its group.
    #[test]
    fn folds_split_whole_groups(seed: u64, n in 4usize..60, folds in 2usize..7, people in 2usize..30, classes in 1usize..4) {
        let mut rng = Pcg64::seed_from_u64(seed);
        let groups: Vec<usize> = (0..n).map(|_| rng.random_range(0..people)).collect();
        let labels: Vec<usize> = (0..n).map(|_| rng.random_range(0..classes)).collect();
        let present = parts(people.max(n), Some(&[groups.clone(), vec![usize::MAX; people]].concat())).len();
        for (split, units) in [
            (Folds::contiguous(n, folds), n),
            (Folds::shuffled(n, folds, seed), n),
            (Folds::stratified(&labels, folds, seed), n),
            (Folds::grouped(&groups, folds, seed), present),
            (Folds::stratified_grouped(&labels, &groups, folds, seed), present),
        ] {
            if folds > units {
                prop_assert!(split.is_err());
                continue;
            }
            let split = split.unwrap();
            prop_assert_eq!(split.len(), folds);
            let mut tested = vec![0; n];
            for fold in split.iter() {
                prop_assert!(!fold.test.is_empty());
                let mut all = [fold.train.clone(), fold.test.clone()].concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
                fold.test.iter().for_each(|&row| tested[row] += 1);
                if units == present && n != present {
                    prop_assert!(fold.test.iter().all(|&a| fold.train.iter().all(|&b| groups[a] != groups[b])));
                }
            }
            prop_assert!(tested.iter().all(|&count| count == 1));
        }
        if folds <= n {
            let split = Folds::stratified(&labels, folds, seed).unwrap();
            for class in 0..classes {
                let counts = split.score(|rows| rows.iter().filter(|&&row| labels[row] == class).count() as f64);
                let spread = counts.iter().copied().fold(0.0, f64::max) - counts.iter().copied().fold(f64::INFINITY, f64::min);
                prop_assert!(spread <= 1.0);
            }
        }
    }
}

/// scikit-learn's RidgeCV (leave-one-out over a grid, free intercept) on more examples than features and on fewer.
#[test]
fn ridge_agrees_with_independent_values() {
    let values: serde_json::Value = serde_json::from_str(include_str!("../values/meeg-ridge.json")).unwrap();
    let list = |value: &serde_json::Value| -> Vec<f64> { serde_json::from_value(value.clone()).unwrap() };
    for case in values.as_array().unwrap() {
        let (n, p) = (
            case["n"].as_u64().unwrap() as usize,
            case["p"].as_u64().unwrap() as usize,
        );
        let x = FeatureMatrix::try_new(DMatrix::from_row_slice(n, p, &list(&case["x"]))).unwrap();
        let y = DMatrix::from_column_slice(n, 1, &list(&case["y"]));
        let alphas = list(&case["alphas"]);
        let model = fit_all(&Ridge { alphas: alphas.clone() }, &x, &y, None);
        assert_eq!(model.choice.alpha, case["alpha"].as_f64().unwrap());
        // Condition (λ_max + α)/α up to 1e6 at the least penalty of the grid.
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
        for (&alpha, &expected) in alphas.iter().zip(&list(&case["mean_squared_error"])) {
            let found = fit_all(&Ridge::with_alpha(alpha), &x, &y, None)
                .choice
                .mean_squared_error;
            assert!(close(found, expected), "alpha {alpha}: {found} instead of {expected}");
        }
        let coefficients = list(&case["coefficients"]);
        assert!(model.coefficients.iter().zip(&coefficients).all(|(&a, &b)| close(a, b)));
        let test = FeatureMatrix::try_new(DMatrix::from_row_slice(4, p, &list(&case["test"]))).unwrap();
        let predicted = model.predict(&Sample::try_new(&test, &[0, 1, 2, 3]).unwrap()).unwrap();
        assert!(
            predicted
                .iter()
                .zip(&list(&case["predictions"]))
                .all(|(&a, &b)| close(a, b))
        );
    }
}

/// A kernel ridge on features predicts what one on their precomputed distances predicts.
#[test]
fn features_and_distances_give_the_same_kernel_ridge() {
    let mut rng = Pcg64::seed_from_u64(4);
    let features = FeatureMatrix::try_with_blocks(gaussian(30, 6, &mut rng), vec![4, 2]).unwrap();
    let y = gaussian(30, 1, &mut rng);
    let folds = Folds::shuffled(30, 5, 1).unwrap();
    let a = cross_val_predict(&KernelRidge::default(), &features, &y, None, &folds).unwrap();
    let b = cross_val_predict(&KernelRidge::default(), &features.squared_distances(), &y, None, &folds).unwrap();
    // Distances of rounding n ε, amplified by the condition n/α <= 3e5 of the least penalty.
    assert!((a - b).amax() < 1e-8);
}

/// Changes one example and its target beyond recognition: what the other examples of its fold are predicted as must not
/// change in one bit, for no mean, scaler, reference point, kernel width or penalty may have seen it.
fn assert_blind<D: Dataset, L: Learner<D>>(learner: &L, data: &D, spoilt: &D, spoilt_row: usize, y: &DMatrix<f64>) {
    let folds = Folds::shuffled(data.len(), 5, 2).unwrap();
    let mut spoilt_y = y.clone();
    spoilt_y[(spoilt_row, 0)] = 1e6;
    let a = cross_val_predict(learner, data, y, None, &folds).unwrap();
    let b = cross_val_predict(learner, spoilt, &spoilt_y, None, &folds).unwrap();
    let (mut kept, mut changed) = (0, 0);
    for fold in folds.iter() {
        let with_it = fold.test.contains(&spoilt_row);
        for &row in fold.test.iter().filter(|&&row| row != spoilt_row) {
            if with_it {
                assert_eq!(
                    a[row].to_bits(),
                    b[row].to_bits(),
                    "row {row} knows of row {spoilt_row}"
                );
                kept += 1;
            } else if a[row] != b[row] {
                changed += 1;
            }
        }
    }
    // The test has teeth: models that were trained on the spoilt example did change.
    assert!(kept > 0 && changed > 0);
}

#[test]
fn no_model_knows_of_its_test_fold() {
    let drawn = Simulation {
        subjects: 30,
        windows: 6,
        ..Simulation::default()
    }
    .draw(5)
    .unwrap();
    let y = DMatrix::from_column_slice(30, 1, &drawn.ages);
    let means = MeanCovariances::of(&drawn.cohort).unwrap();
    let row = 11;
    let mut data = means.bands()[0].as_slice().to_vec();
    let size = data.len() / 30;
    for (k, value) in data[row * size..(row + 1) * size].iter_mut().enumerate() {
        // Diagonally dominant and huge.
        *value = if k % 7 == 0 { 1e5 } else { 1.0 };
    }
    let spoilt = MeanCovariances::try_new(vec![SpdBatch::try_from_vec(6, data).unwrap()]).unwrap();
    let ridge = Pipeline::new(StandardScaler, Ridge::default());
    assert_blind(&Pipeline::new(TangentSpace, ridge.clone()), &means, &spoilt, row, &y);
    let (a, b) = (
        features::log_euclidean(&means).unwrap(),
        features::log_euclidean(&spoilt).unwrap(),
    );
    assert_blind(&ridge, &a, &b, row, &y);
    assert_blind(&KernelRidge::default(), &a, &b, row, &y);
    assert_blind(
        &KernelRidge::default(),
        &a.squared_distances(),
        &replaced(&a, &b, row),
        row,
        &y,
    );
}

/// The distances of `a` with those of one row taken from `b`: how a kernel sees one other example.
fn replaced(a: &FeatureMatrix, b: &FeatureMatrix, row: usize) -> DistanceMatrix {
    let (mut all, other) = (a.squared_distances().blocks()[0].clone(), b.squared_distances());
    all.set_row(row, &other.blocks()[0].row(row));
    all.set_column(row, &other.blocks()[0].column(row));
    DistanceMatrix::try_new(vec![all]).unwrap()
}

/// Keeps the columns given: chosen inside the fold it is honest, chosen on all examples it leaks.
struct Columns(Vec<usize>);

impl hadamard_meeg::model::Transform<FeatureMatrix> for Columns {
    type Fitted = Self;

    fn fit(&self, _: &Sample<'_, FeatureMatrix>) -> hadamard_meeg::Result<Self> {
        Ok(Self(self.0.clone()))
    }
}

impl hadamard_meeg::model::Transformed<FeatureMatrix> for Columns {
    fn apply(&self, sample: &Sample<'_, FeatureMatrix>) -> hadamard_meeg::Result<FeatureMatrix> {
        FeatureMatrix::try_new(sample.features().values().select_columns(&self.0))
    }
}

/// The columns most correlated with the target over ALL examples, test folds included.
fn most_correlated(x: &DMatrix<f64>, y: &[f64], count: usize) -> Vec<usize> {
    let y = DVector::from_column_slice(y);
    let y = y.add_scalar(-y.mean());
    let mut columns: Vec<usize> = (0..x.ncols()).collect();
    let correlation = |j: usize| {
        let column = x.column(j).add_scalar(-x.column(j).mean());
        column.dot(&y).abs() / column.norm()
    };
    columns.sort_by(|&a, &b| correlation(b).total_cmp(&correlation(a)));
    columns.truncate(count);
    columns
}

/// Ages dealt out at random cannot be predicted. Of N = 60 examples, out-of-fold R² of a model that learned nothing is
/// about -1/N; choosing the penalty from noise costs some more, luck gives some back (sd about 1/√N = 0.13 for one
/// draw). The mean over 6 draws is held within 3 sd/√6 = 0.16. A selection that saw the test folds must exceed that
/// bound, or the test would have no power.
#[test]
fn permuted_ages_are_not_predicted() {
    let drawn = Simulation {
        subjects: 60,
        windows: 8,
        ..Simulation::default()
    }
    .draw(9)
    .unwrap();
    let means = MeanCovariances::of(&drawn.cohort).unwrap();
    let logs = features::log_euclidean(&means).unwrap();
    let slices = Slices {
        directions: 60,
        levels: 8,
        seed: 1,
    };
    let distances = features::sliced_quantiles(&drawn.cohort, slices)
        .unwrap()
        .squared_distances();
    let mut rng = Pcg64::seed_from_u64(31);
    let noise = FeatureMatrix::try_new(gaussian(60, 400, &mut rng)).unwrap();
    let ridge = Pipeline::new(StandardScaler, Ridge::default());
    let tangent = Pipeline::new(TangentSpace, ridge.clone());
    let draws = 6;
    let mut sums = [0.0; 5];
    for draw in 0..draws {
        let mut ages = drawn.ages.clone();
        ages.shuffle(&mut rng);
        let y = DMatrix::from_column_slice(60, 1, &ages);
        let folds = Folds::shuffled(60, 10, draw).unwrap();
        let leaky = Pipeline::new(Columns(most_correlated(noise.values(), &ages, 10)), ridge.clone());
        let predictions = [
            cross_val_predict(&ridge, &logs, &y, None, &folds),
            cross_val_predict(&tangent, &means, &y, None, &folds),
            cross_val_predict(&KernelRidge::default(), &distances, &y, None, &folds),
            cross_val_predict(&ridge, &noise, &y, None, &folds),
            cross_val_predict(&leaky, &noise, &y, None, &folds),
        ];
        for (sum, predicted) in sums.iter_mut().zip(predictions) {
            *sum += r2(&ages, predicted.unwrap().as_slice()) / draws as f64;
        }
    }
    let bound = 0.16;
    assert!(sums[..4].iter().all(|r2| r2.abs() < bound), "{sums:?}");
    assert!(sums[4] > 2.0 * bound, "the leak went unnoticed: {sums:?}");
}

/// Predictions do not depend on the number of threads, to the last bit.
#[test]
fn threads_do_not_change_predictions() {
    let drawn = Simulation {
        subjects: 40,
        windows: 6,
        ..Simulation::default()
    }
    .draw(2)
    .unwrap();
    let y = DMatrix::from_column_slice(40, 1, &drawn.ages);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let folds = Folds::shuffled(40, 8, 0).unwrap();
            let slices = Slices {
                directions: 40,
                levels: 6,
                seed: 0,
            };
            let distances = features::sliced_quantiles(&drawn.cohort, slices)
                .unwrap()
                .squared_distances();
            let means = MeanCovariances::of(&drawn.cohort).unwrap();
            let tangent = Pipeline::new(TangentSpace, Pipeline::new(StandardScaler, Ridge::default()));
            (
                cross_val_predict(&KernelRidge::default(), &distances, &y, None, &folds).unwrap(),
                cross_val_predict(&tangent, &means, &y, None, &folds).unwrap(),
                features::recenter(&drawn.cohort).unwrap(),
            )
        })
    };
    assert_eq!(run(1), run(3));
}

/// Tangent vectors at the affine-invariant mean see sources, not sensors: mixing all examples by one invertible matrix
/// rotates the vectors, so ridge on them predicts the same. Condition of the mixing below 1e2, of the covariances below
/// 1e3: logarithms agree to 1e-9, and so do predictions of order 1 at penalties >= 1e-3 of the vectors' size.
#[test]
fn affine_invariant_predictions_do_not_depend_on_the_mixing() {
    let mut rng = Pcg64::seed_from_u64(8);
    let drawn = Simulation {
        subjects: 40,
        windows: 6,
        ..Simulation::default()
    }
    .draw(3)
    .unwrap();
    let y = DMatrix::from_column_slice(40, 1, &drawn.ages);
    let means = MeanCovariances::of(&drawn.cohort).unwrap();
    let mixing = gaussian(6, 6, &mut rng) + DMatrix::identity(6, 6) * 3.0;
    let mixed: Vec<DMatrix<f64>> = means.bands()[0]
        .iter()
        .map(|c| {
            let m = &mixing * c * mixing.transpose();
            (&m + m.transpose()) * 0.5
        })
        .collect();
    let mixed = MeanCovariances::try_new(vec![SpdBatch::try_from_matrices(&mixed).unwrap()]).unwrap();
    let folds = Folds::shuffled(40, 5, 0).unwrap();
    let learner = Pipeline::new(
        TangentSpace,
        Ridge {
            alphas: vec![1e-2, 1e-1, 1.0],
        },
    );
    let a = cross_val_predict(&learner, &means, &y, None, &folds).unwrap();
    let b = cross_val_predict(&learner, &mixed, &y, None, &folds).unwrap();
    assert!((&a - &b).amax() < 1e-6 * a.amax(), "{:e}", (a - b).amax());
}

/// With a mixing that all people share and a log link, age is exactly linear in the tangent vectors (Sabbagh et al.,
/// NeurIPS 2019), not in the log powers of the channels.
#[test]
fn tangent_vectors_make_a_log_link_linear() {
    let mut rng = Pcg64::seed_from_u64(12);
    let mixing = gaussian(4, 4, &mut rng) + DMatrix::identity(4, 4) * 2.0;
    let (mut matrices, mut ages) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        let logs: Vec<f64> = (0..4).map(|_| StandardNormal.sample(&mut rng)).collect();
        ages.push(50.0 + 8.0 * logs[0] - 3.0 * logs[1]);
        let powers = DMatrix::from_diagonal(&DVector::from_iterator(4, logs.iter().map(|l: &f64| l.exp())));
        let c = &mixing * powers * mixing.transpose();
        matrices.push((&c + c.transpose()) * 0.5);
    }
    let means = MeanCovariances::try_new(vec![SpdBatch::try_from_matrices(&matrices).unwrap()]).unwrap();
    let y = DMatrix::from_column_slice(60, 1, &ages);
    let folds = Folds::shuffled(60, 10, 0).unwrap();
    let ridge = Ridge { alphas: vec![1e-8] };
    let tangent = cross_val_predict(&Pipeline::new(TangentSpace, ridge.clone()), &means, &y, None, &folds).unwrap();
    let power = cross_val_predict(&ridge, &features::log_power(&means).unwrap(), &y, None, &folds).unwrap();
    assert!(r2(&ages, tangent.as_slice()) > 1.0 - 1e-9);
    assert!(r2(&ages, power.as_slice()) < 0.99);
}

/// After recentring the mean of a person's windows is the identity, and what was different between persons is gone.
#[test]
fn recentring_removes_a_mixing_of_ones_own() {
    let mut rng = Pcg64::seed_from_u64(6);
    let drawn = Simulation {
        subjects: 4,
        windows: 10,
        ..Simulation::default()
    }
    .draw(6)
    .unwrap();
    let cohort = features::recenter(&drawn.cohort).unwrap();
    for example in cohort.examples() {
        let logs = example.bands[0].log();
        let sum = logs.iter().fold(DMatrix::zeros(6, 6), |sum, log| sum + log);
        // The mean's stopping rule, relative to the size of the logarithms.
        assert!(sum.norm() / (logs.len() as f64) < 1e-9, "{:e}", sum.norm());
    }
    let heads: Vec<DMatrix<f64>> = (0..4)
        .map(|_| gaussian(6, 6, &mut rng) + DMatrix::identity(6, 6) * 3.0)
        .collect();
    let mixed: Vec<hadamard_meeg::Example> = drawn
        .cohort
        .examples()
        .iter()
        .zip(&heads)
        .map(|(example, head)| {
            let seen: Vec<DMatrix<f64>> = example.bands[0]
                .iter()
                .map(|c| {
                    let m = head * c * head.transpose();
                    (&m + m.transpose()) * 0.5
                })
                .collect();
            hadamard_meeg::Example {
                bands: vec![SpdBatch::try_from_matrices(&seen).unwrap()],
                ..example.clone()
            }
        })
        .collect();
    let mixed = hadamard_meeg::Cohort::try_new(mixed, cohort.bands().to_vec(), cohort.channels().to_vec()).unwrap();
    let mixed = features::recenter(&mixed).unwrap();
    for (a, b) in cohort.examples().iter().zip(mixed.examples()) {
        for (x, y) in a.bands[0].log().iter().zip(b.bands[0].log().iter()) {
            // Recentred matrices agree up to a rotation: so do the sizes of their logarithms.
            assert!((x.norm() - y.norm()).abs() < 1e-8 * x.norm());
        }
    }
}

/// Out-of-fold R² of log power, log-Euclidean, affine-invariant and sliced-Wasserstein models on one simulated cohort.
fn simulated_scores(signal: Signal, seed: u64) -> [f64; 4] {
    let drawn = Simulation {
        signal,
        subjects: 80,
        ..Simulation::default()
    }
    .draw(seed)
    .unwrap();
    let y = DMatrix::from_column_slice(80, 1, &drawn.ages);
    let folds = Folds::shuffled(80, 10, seed).unwrap();
    let means = MeanCovariances::of(&drawn.cohort).unwrap();
    let ridge = Pipeline::new(StandardScaler, Ridge::default());
    let slices = Slices {
        directions: 200,
        seed,
        ..Slices::default()
    };
    let distances = features::sliced_quantiles(&drawn.cohort, slices)
        .unwrap()
        .squared_distances();
    let score = |predicted: hadamard_meeg::Result<DMatrix<f64>>| r2(&drawn.ages, predicted.unwrap().as_slice());
    [
        score(cross_val_predict(
            &ridge,
            &features::log_power(&means).unwrap(),
            &y,
            None,
            &folds,
        )),
        score(cross_val_predict(
            &ridge,
            &features::log_euclidean(&means).unwrap(),
            &y,
            None,
            &folds,
        )),
        score(cross_val_predict(
            &Pipeline::new(TangentSpace, ridge.clone()),
            &means,
            &y,
            None,
            &folds,
        )),
        score(cross_val_predict(&KernelRidge::default(), &distances, &y, None, &folds)),
    ]
}

#[test]
fn age_in_the_mean_is_found_by_every_metric_and_less_well_by_log_power() {
    for seed in 0..5 {
        let scores = simulated_scores(Signal::Mean, seed);
        assert!(
            scores[1..].iter().all(|&r2| r2 >= 0.95 && r2 > scores[0]),
            "seed {seed}: {scores:?}"
        );
    }
}

#[test]
fn age_in_the_spread_is_found_by_sliced_wasserstein_alone() {
    for seed in 0..5 {
        let scores = simulated_scores(Signal::Spread, seed);
        assert!(
            scores[3] >= 0.85 && scores[..3].iter().all(|&r2| r2 < 0.7),
            "seed {seed}: {scores:?}"
        );
    }
}
