//! The pictures, written under another name first so that a run that fails leaves nothing half-written.

use std::path::{Path, PathBuf};

use hadamard::meeg::features::{MeanCovariances, log_power};
use hadamard::meeg::model::activation_pattern;
use hadamard::plot::Figure;
use hadamard::plot::regression::{learning_curve, pattern, predicted_vs_true};

use crate::Failure;
use crate::evaluate::{Curve, Evaluation, Scores};
use crate::input::{Study, Target};

/// Draws every picture as SVG and PNG; returns the files.
pub(crate) fn draw(
    study: &Study,
    models: &[Evaluation],
    curves: &[Curve],
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let plain = |cause: hadamard::plot::Error| cause.to_string();
    let mut figures: Vec<(&str, Figure)> = Vec::new();
    if let Target::Age(ages) = &study.target {
        let predictions: Vec<(&str, Vec<f64>)> = models.iter().map(|m| (m.name, m.predictions.clone())).collect();
        figures.push((
            "predicted_vs_true",
            predicted_vs_true("age (years)", ages, &predictions).map_err(plain)?,
        ));
    }
    figures.push(("pattern", channels(study, best(models))?));
    let label = match study.target {
        Target::Age(_) => "mean absolute error (years)",
        Target::Label { .. } => "1 - balanced accuracy",
    };
    figures.push(("cohort_size", learning_curve(label, curves).map_err(plain)?));
    save(&figures, folder)
}

/// The model of the best score, the dummy only when it is alone.
fn best(models: &[Evaluation]) -> &Evaluation {
    let score = |model: &Evaluation| match &model.scores {
        Scores::Age { r2, .. } => *r2,
        Scores::Label { balanced_accuracy, .. } => *balanced_accuracy,
    };
    let others = models.iter().skip(1);
    others
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .unwrap_or(&models[0])
}

/// Pattern of a model over channels, one chart a band: needs no positions of sensors.
fn channels(study: &Study, model: &Evaluation) -> Result<Figure, Failure> {
    let powers = MeanCovariances::of(&study.cohort).and_then(|means| log_power(&means));
    let powers = powers.map_err(|cause| study.failure(cause))?;
    // A label is read as its last class against the others.
    let (outputs, towards) = match &study.target {
        Target::Age(_) => (model.predictions.clone(), "older"),
        Target::Label { names, .. } => {
            let last = (names.len() - 1) as f64;
            let is_last = model
                .predictions
                .iter()
                .map(|&class| f64::from(u8::from(class == last)));
            (is_last.collect(), names[names.len() - 1].as_str())
        }
    };
    let weights = activation_pattern(&powers, &outputs).map_err(|cause| study.failure(cause))?;
    let count = study.cohort.channels().len();
    let bands: Vec<(String, Vec<f64>)> = study
        .cohort
        .bands()
        .iter()
        .zip(weights.chunks(count))
        .map(|(band, weights)| {
            (
                format!("{band}, towards {towards}, as {} reads it", model.name),
                weights.to_vec(),
            )
        })
        .collect();
    pattern("log power per SD of prediction", study.cohort.channels(), &bands).map_err(|cause| cause.to_string())
}

fn save(figures: &[(&str, Figure)], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let named = |path: &Path, cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
    std::fs::create_dir_all(folder).map_err(|cause| named(folder, &cause))?;
    let mut finished = Vec::new();
    for (name, figure) in figures {
        for extension in ["svg", "png"] {
            let path = folder.join(name).with_extension(extension);
            let file = tempfile::Builder::new()
                .prefix(".brain_age")
                .suffix(&format!(".{extension}"))
                .tempfile_in(folder)
                .map_err(|cause| named(folder, &cause))?;
            figure.save(file.path()).map_err(|cause| named(&path, &cause))?;
            finished.push((file, path));
        }
    }
    // Temporary files vanish when dropped: until here a failure leaves nothing behind.
    finished
        .into_iter()
        .map(|(file, path)| {
            file.persist(&path).map_err(|cause| named(&path, &cause.error))?;
            Ok(path)
        })
        .collect()
}
