//! Our side of `peers/run.py meeg`: one task a line on standard input, one JSON object a line on standard output.
//!
//! * `load FOLDER`: the recordings of FOLDER/recordings.tsv to covariances of windows.
//! * `write OUT plain|recentred`: mean covariances, labels and fold numbers as raw little-endian numbers in OUT.
//! * `classify MODEL plain|recentred`: cross-validated balanced accuracy of a model on the loaded recordings.
//! * `kernel PEOPLE WINDOWS CHANNELS DIRECTIONS LEVELS`: quantile features and all squared distances.
#![allow(clippy::print_stdout)]

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use hadamard_meeg::features::{
    MeanCovariances, Slices, TangentSpace, log_euclidean, log_power, recenter, sliced_quantiles,
};
use hadamard_meeg::filter_bank::{Cutting, Preparation};
use hadamard_meeg::io::find_recordings;
use hadamard_meeg::model::{Folds, KernelRidge, Pipeline, Ridge, StandardScaler, classify};
use hadamard_meeg::rank::Regularisation;
use hadamard_meeg::simulate::Simulation;
use hadamard_meeg::table::Table;
use hadamard_meeg::{Cohort, Error, Example, FilterBank};
use serde_json::{Value, json};

type Outcome = Result<Value, Box<dyn std::error::Error>>;

/// What `load` keeps for the tasks after it.
struct Loaded {
    plain: Cohort,
    recentred: Cohort,
    labels: Vec<usize>,
    folds: Folds,
}

impl Loaded {
    fn cohort(&self, which: &str) -> &Cohort {
        if which == "recentred" {
            &self.recentred
        } else {
            &self.plain
        }
    }
}

fn main() {
    let mut loaded = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("text on standard input");
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = answer(&words, &mut loaded).unwrap_or_else(|cause| json!({"error": cause.to_string()}));
        println!("{answer}");
    }
}

fn answer(words: &[&str], loaded: &mut Option<Loaded>) -> Outcome {
    match (words, loaded.as_ref()) {
        (["load", folder], _) => {
            let start = Instant::now();
            let (plain, labels) = load(Path::new(folder))?;
            let seconds = start.elapsed().as_secs_f64();
            let folds = Folds::stratified_grouped(&labels, &plain.persons(), 10, 0)?;
            let recentred = recenter(&plain)?;
            *loaded = Some(Loaded {
                plain,
                recentred,
                labels,
                folds,
            });
            Ok(json!({"seconds": seconds}))
        }
        (["write", out, which], Some(loaded)) => write(loaded, Path::new(out), which),
        (["classify", model, which], Some(loaded)) => score(loaded, model, loaded.cohort(which)),
        (["kernel", numbers @ ..], _) => {
            let numbers: Vec<usize> = numbers.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
            let &[subjects, windows, channels, directions, levels] = &numbers[..] else {
                return Err("kernel needs five numbers".into());
            };
            let simulation = Simulation {
                subjects,
                windows,
                channels,
                ..Simulation::default()
            };
            let cohort = simulation.draw(1)?.cohort;
            let start = Instant::now();
            let distances = sliced_quantiles(
                &cohort,
                Slices {
                    directions,
                    levels,
                    seed: 0,
                },
            )?
            .squared_distances();
            let seconds = start.elapsed().as_secs_f64();
            Ok(json!({"seconds": seconds, "sum": distances.blocks()[0].sum()}))
        }
        _ => Err(format!("unknown task, or nothing loaded: {}", words.join(" ")).into()),
    }
}

/// Windows of 4 s in theta, alpha and beta, shrunk by 0.05, of all recordings of the table.
fn load(folder: &Path) -> Result<(Cohort, Vec<usize>), Error> {
    let table = Table::read(folder.join("recordings.tsv"))?;
    let files = table.files(folder, &find_recordings(folder)?)?;
    let bank = FilterBank::default();
    let cutting = Cutting {
        seconds: 4.0,
        overlap: 0.0,
        peak_to_peak: None,
    };
    let read = bank.recordings(&files, &Preparation::default(), Some(cutting))?;
    let regularisation = Regularisation::Shrinkage(0.05);
    let examples = read
        .iter()
        .zip(table.persons()?)
        .map(|(one, person)| Example::try_new(one.path.display().to_string(), person, &one.bands, regularisation))
        .collect::<Result<Vec<_>, _>>()?;
    let bands = bank.bands.iter().map(|band| band.name.clone()).collect();
    Ok((
        Cohort::try_new(examples, bands, read[0].channels.clone())?,
        table.classes("condition")?.0,
    ))
}

fn write(loaded: &Loaded, out: &Path, which: &str) -> Outcome {
    let start = Instant::now();
    let means = MeanCovariances::of(loaded.cohort(which))?;
    let covariances: Vec<f64> = means.bands().iter().flat_map(|band| band.as_slice()).copied().collect();
    let mut numbers = vec![0.0; loaded.labels.len()];
    for (number, fold) in loaded.folds.iter().enumerate() {
        fold.test.iter().for_each(|&row| numbers[row] = number as f64);
    }
    let labels: Vec<f64> = loaded.labels.iter().map(|&label| label as f64).collect();
    for (name, values) in [("covariances", &covariances), ("labels", &labels), ("folds", &numbers)] {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(out.join(format!("{which}-{name}.f64")), bytes)?;
    }
    let shape = [means.bands().len(), loaded.labels.len(), means.bands()[0].order()];
    Ok(json!({"seconds": start.elapsed().as_secs_f64(), "shape": shape}))
}

fn score(loaded: &Loaded, model: &str, cohort: &Cohort) -> Outcome {
    let means = MeanCovariances::of(cohort)?;
    let (labels, folds, persons) = (&loaded.labels, &loaded.folds, cohort.persons());
    let groups = Some(&persons[..]);
    let ridge = Pipeline::new(StandardScaler, Ridge::default());
    let start = Instant::now();
    let report = match model {
        "log-power" => classify(&ridge, &log_power(&means)?, labels, groups, folds)?,
        "log-euclidean" => classify(&ridge, &log_euclidean(&means)?, labels, groups, folds)?,
        "affine-invariant" => classify(&Pipeline::new(TangentSpace, ridge), &means, labels, groups, folds)?,
        "sliced-wasserstein" => {
            let distances = sliced_quantiles(cohort, Slices::default())?.squared_distances();
            classify(&KernelRidge::default(), &distances, labels, groups, folds)?
        }
        _ => return Err(format!("unknown model {model}").into()),
    };
    let seconds = start.elapsed().as_secs_f64();
    Ok(json!({"seconds": seconds, "balanced_accuracy": report.balanced_accuracy}))
}
