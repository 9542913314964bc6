//! The models, run by cross-validation.

use std::time::Instant;

use clap::ValueEnum;
use hadamard::meeg::features::{self, MeanCovariances, Slices, TangentSpace};
use hadamard::meeg::model::{
    Dataset, DistanceMatrix, FeatureMatrix, Folds, KernelRidge, LabelCoding, Learner, Mean, Pipeline, Ridge,
    StandardScaler, balanced_accuracy, cross_val_predict, mean_absolute_error, r2,
};
use hadamard::meeg::{self, Cohort};
use nalgebra::DMatrix;

use crate::Failure;
use crate::input::{Study, Target};
use crate::options::{Metric, Options};
use crate::report::{Clock, Progress};

/// Out-of-fold predictions of one model, and how good they are.
pub(crate) struct Evaluation {
    pub(crate) name: &'static str,
    /// Predicted ages, or numbers of classes.
    pub(crate) predictions: Vec<f64>,
    pub(crate) scores: Scores,
    pub(crate) seconds: f64,
}

/// Scores over all examples and within each fold.
pub(crate) enum Scores {
    Age {
        r2: f64,
        r2_folds: Vec<f64>,
        mae: f64,
        mae_folds: Vec<f64>,
    },
    Label {
        balanced_accuracy: f64,
        folds: Vec<f64>,
    },
}

impl Scores {
    /// What the learning curve shows: years, or the share of labels not recognised.
    fn error(&self) -> f64 {
        match self {
            Scores::Age { mae, .. } => *mae,
            Scores::Label { balanced_accuracy, .. } => 1.0 - balanced_accuracy,
        }
    }
}

/// What a model learns from. Everything here depends on one example at a time (or one pair), so it may be computed
/// before splitting; what depends on several is fitted inside the folds.
enum Inputs {
    Nothing(usize),
    Vectors(FeatureMatrix),
    Covariances(MeanCovariances),
    Distances(DistanceMatrix),
}

/// One model: its name, its inputs, and the seconds it took to compute them.
pub(crate) struct Candidate {
    name: &'static str,
    inputs: Inputs,
    seconds: f64,
}

impl Candidate {
    fn dummy(examples: usize) -> Self {
        Self {
            name: "dummy",
            inputs: Inputs::Nothing(examples),
            seconds: 0.0,
        }
    }

    fn prepare(metric: Metric, cohort: &Cohort, seed: u64) -> meeg::Result<Self> {
        let start = Instant::now();
        let (name, inputs) = match metric {
            Metric::LogPower => {
                let powers = features::log_power(&MeanCovariances::of(cohort)?)?;
                ("log-power", Inputs::Vectors(powers))
            }
            Metric::LogEuclidean => {
                let logs = features::log_euclidean(&MeanCovariances::of(cohort)?)?;
                ("log-euclidean", Inputs::Vectors(logs))
            }
            Metric::AffineInvariant => ("affine-invariant", Inputs::Covariances(MeanCovariances::of(cohort)?)),
            Metric::SlicedWasserstein => {
                let slices = Slices {
                    seed,
                    ..Slices::default()
                };
                let distances = features::sliced_quantiles(cohort, slices)?.squared_distances();
                ("sliced-wasserstein", Inputs::Distances(distances))
            }
        };
        Ok(Self {
            name,
            inputs,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    fn select(&self, rows: &[usize]) -> Self {
        let inputs = match &self.inputs {
            Inputs::Nothing(_) => Inputs::Nothing(rows.len()),
            Inputs::Vectors(vectors) => Inputs::Vectors(vectors.select(rows)),
            Inputs::Covariances(covariances) => Inputs::Covariances(covariances.select(rows)),
            Inputs::Distances(distances) => Inputs::Distances(distances.select(rows)),
        };
        Self { inputs, ..*self }
    }

    fn predict(&self, targets: &DMatrix<f64>, groups: Option<&[usize]>, folds: &Folds) -> meeg::Result<DMatrix<f64>> {
        fn run<D: Dataset, L: Learner<D>>(
            learner: &L,
            data: &D,
            targets: &DMatrix<f64>,
            groups: Option<&[usize]>,
            folds: &Folds,
        ) -> meeg::Result<DMatrix<f64>> {
            cross_val_predict(learner, data, targets, groups, folds)
        }
        let ridge = Pipeline::new(StandardScaler, Ridge::default());
        match &self.inputs {
            Inputs::Nothing(examples) => {
                let nothing = FeatureMatrix::try_new(DMatrix::zeros(*examples, 1))?;
                run(&Mean, &nothing, targets, groups, folds)
            }
            Inputs::Vectors(vectors) => run(&ridge, vectors, targets, groups, folds),
            Inputs::Covariances(covariances) => {
                let learner = Pipeline::new(TangentSpace, ridge);
                run(&learner, covariances, targets, groups, folds)
            }
            Inputs::Distances(distances) => run(&KernelRidge::default(), distances, targets, groups, folds),
        }
    }

    fn evaluate(&self, target: &Target, persons: &[usize], folds: &Folds) -> meeg::Result<Evaluation> {
        let start = Instant::now();
        let groups = repeated(persons).then_some(persons);
        let (predictions, scores) = match target {
            Target::Age(ages) => {
                let truth = DMatrix::from_column_slice(ages.len(), 1, ages);
                let predictions = self.predict(&truth, groups, folds)?.as_slice().to_vec();
                let fold = |score: fn(&[f64], &[f64]) -> f64| {
                    folds.score(|rows| score(&pick(ages, rows), &pick(&predictions, rows)))
                };
                let scores = Scores::Age {
                    r2: r2(ages, &predictions),
                    r2_folds: fold(r2),
                    mae: mean_absolute_error(ages, &predictions),
                    mae_folds: fold(mean_absolute_error),
                };
                (predictions, scores)
            }
            Target::Label { classes, .. } => {
                let coding = LabelCoding::try_new(classes)?;
                let guesses = coding.decode(&self.predict(&coding.encode(classes), groups, folds)?);
                let scores = Scores::Label {
                    balanced_accuracy: balanced_accuracy(classes, &guesses),
                    folds: folds.score(|rows| balanced_accuracy(&pick(classes, rows), &pick(&guesses, rows))),
                };
                (guesses.iter().map(|&guess| guess as f64).collect(), scores)
            }
        };
        Ok(Evaluation {
            name: self.name,
            predictions,
            scores,
            seconds: self.seconds + start.elapsed().as_secs_f64(),
        })
    }
}

/// Computes the inputs of the dummy and of the models asked for.
pub(crate) fn prepare(study: &Study, options: &Options, clock: &mut Clock) -> Result<Vec<Candidate>, Failure> {
    let metrics: &[Metric] = if options.metric.is_empty() {
        Metric::value_variants()
    } else {
        &options.metric
    };
    let progress = Progress::new("features", metrics.len());
    let mut candidates = vec![Candidate::dummy(study.cohort.len())];
    for &metric in metrics {
        let candidate =
            Candidate::prepare(metric, &study.cohort, options.seed).map_err(|cause| study.failure(cause))?;
        clock.part(format!("features of {}", candidate.name), candidate.seconds);
        if candidates.iter().all(|known| known.name != candidate.name) {
            candidates.push(candidate);
        }
        progress.tick();
    }
    clock.lap("features");
    Ok(candidates)
}

/// Cross-validates every candidate on the same folds.
pub(crate) fn all(
    study: &Study,
    candidates: &[Candidate],
    folds: &Folds,
    clock: &mut Clock,
) -> Result<Vec<Evaluation>, Failure> {
    let progress = Progress::new("models", candidates.len());
    let mut evaluations = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let evaluation = candidate
            .evaluate(&study.target, &study.cohort.persons(), folds)
            .map_err(|cause| study.failure(cause))?;
        clock.part(
            format!("cross-validation of {}", candidate.name),
            evaluation.seconds - candidate.seconds,
        );
        evaluations.push(evaluation);
        progress.tick();
    }
    clock.lap("cross-validation");
    Ok(evaluations)
}

/// Error of one model against the number of people, (people, error) from small to the whole cohort.
pub(crate) type Curve = (&'static str, Vec<(f64, f64)>);

/// Cross-validates every candidate on growing parts of the cohort: four sizes below the whole.
pub(crate) fn learning_curve(
    study: &Study,
    candidates: &[Candidate],
    whole: &[Evaluation],
    options: &Options,
    clock: &mut Clock,
) -> Result<Vec<Curve>, Failure> {
    let people = study.people();
    let sizes: Vec<usize> = (1..=4)
        .map(|fifth| people * fifth / 5)
        .filter(|&size| size >= options.folds)
        .collect();
    let progress = Progress::new("cohort sizes", sizes.len() * candidates.len());
    let mut curves: Vec<Curve> = candidates
        .iter()
        .map(|candidate| (candidate.name, Vec::new()))
        .collect();
    for &size in &sizes {
        // Persons are numbered in the order of the table; a fixed share of them is as good as any other.
        let rows: Vec<usize> = (0..study.cohort.len())
            .filter(|&row| study.order[study.cohort.examples()[row].person] < size)
            .collect();
        let target = study.target.select(&rows);
        if !target.usable() {
            continue;
        }
        let persons = pick(&study.cohort.persons(), &rows);
        let folds = target
            .folds(&persons, options.folds, options.seed)
            .map_err(|cause| study.failure(cause))?;
        for (candidate, (_, points)) in candidates.iter().zip(&mut curves) {
            let evaluation = candidate
                .select(&rows)
                .evaluate(&target, &persons, &folds)
                .map_err(|cause| study.failure(cause))?;
            points.push((size as f64, evaluation.scores.error()));
            progress.tick();
        }
    }
    for (evaluation, (_, points)) in whole.iter().zip(&mut curves) {
        points.push((people as f64, evaluation.scores.error()));
    }
    clock.lap("learning curve");
    Ok(curves)
}

fn pick<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| values[row]).collect()
}

/// Whether some person has more than one example.
pub(crate) fn repeated(persons: &[usize]) -> bool {
    let mut sorted = persons.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}
