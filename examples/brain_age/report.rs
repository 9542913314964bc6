//! What the user reads: progress, stage times, the table, JSON.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::Failure;
use crate::common::{self, say};
use crate::evaluate::{Evaluation, Scores};
use crate::input::{Study, Target, range};
use crate::options::Options;

/// Times of the stages, printed on standard error when asked for.
pub(crate) struct Clock {
    verbose: bool,
    start: Instant,
    last: Instant,
}

impl Clock {
    pub(crate) fn new(verbose: bool) -> Self {
        let now = Instant::now();
        Self {
            verbose,
            start: now,
            last: now,
        }
    }

    /// Ends a stage.
    pub(crate) fn lap(&mut self, stage: &str) {
        let now = Instant::now();
        if self.verbose {
            let (took, total) = (now - self.last, now - self.start);
            eprintln!(
                "{:8.3} s  {stage}  (after {:.3} s)",
                took.as_secs_f64(),
                total.as_secs_f64()
            );
        }
        self.last = now;
    }

    /// A part of the stage under way.
    pub(crate) fn part(&self, name: String, seconds: f64) {
        if self.verbose {
            eprintln!("{seconds:12.3} s  {name}");
        }
    }
}

impl Clock {
    /// A remark about the input.
    pub(crate) fn remark(&self, text: &str) {
        if self.verbose {
            eprintln!("{:12} {text}", "");
        }
    }
}

/// A progress bar on standard error; nothing when that is not a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str, count: usize) -> Self {
        let bar = common::progress(what, count);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(crate) fn tick(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The table on standard output.
pub(crate) fn table(study: &Study, models: &[Evaluation], pictures: &[std::path::PathBuf], options: &Options) {
    say!("{}", study.description);
    say!(
        "{} recordings of {} people, {} windows, {} channels, bands: {}",
        study.cohort.len(),
        study.people(),
        study.cohort.windows(),
        study.cohort.channels().len(),
        study.cohort.bands().join(", ")
    );
    match &study.target {
        Target::Age(ages) => {
            let (least, greatest) = range(ages);
            say!(
                "age {least:.1} to {greatest:.1} years; {}-fold cross-validation, seed {}\n",
                options.folds,
                options.seed
            );
            say!(
                "{:<20} {:>7} {:>16} {:>12} {:>9}",
                "model",
                "R2",
                "R2 of folds",
                "MAE (years)",
                "seconds"
            );
        }
        Target::Label { column, names, .. } => {
            say!(
                "{column}: {}; {}-fold cross-validation, seed {}\n",
                names.join(" or "),
                options.folds,
                options.seed
            );
            say!(
                "{:<20} {:>17} {:>16} {:>9}",
                "model",
                "balanced accuracy",
                "of folds",
                "seconds"
            );
        }
    }
    for model in models {
        match &model.scores {
            Scores::Age { r2, r2_folds, mae, .. } => {
                let folds = spread(r2_folds);
                say!(
                    "{:<20} {r2:>7.3} {folds:>16} {mae:>12.2} {:>9.3}",
                    model.name,
                    model.seconds
                );
            }
            Scores::Label {
                balanced_accuracy,
                folds,
            } => {
                let folds = spread(folds);
                say!(
                    "{:<20} {balanced_accuracy:>17.3} {folds:>16} {:>9.3}",
                    model.name,
                    model.seconds
                );
            }
        }
    }
    say!("");
    for note in &study.notes {
        say!("{note}");
    }
    for picture in pictures {
        say!("wrote {}", picture.display());
    }
}

/// Mean and standard deviation of the folds that have a score.
fn spread(folds: &[f64]) -> String {
    let known: Vec<f64> = folds.iter().copied().filter(|score| score.is_finite()).collect();
    if known.is_empty() {
        return "-".into();
    }
    let n = known.len() as f64;
    let mean = known.iter().sum::<f64>() / n;
    let deviation = (known.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>() / n).sqrt();
    format!("{mean:.3} ± {deviation:.3}")
}

/// One JSON object on standard output.
pub(crate) fn json(study: &Study, models: &[Evaluation], options: &Options) -> Result<(), Failure> {
    let models: Vec<Value> = models
        .iter()
        .map(|model| {
            let mut entry = match &model.scores {
                Scores::Age {
                    r2,
                    r2_folds,
                    mae,
                    mae_folds,
                } => {
                    json!({"r2": r2, "r2_folds": r2_folds, "mae": mae, "mae_folds": mae_folds})
                }
                Scores::Label {
                    balanced_accuracy,
                    folds,
                } => {
                    json!({"balanced_accuracy": balanced_accuracy, "balanced_accuracy_folds": folds})
                }
            };
            entry["name"] = json!(model.name);
            entry["seconds"] = json!(model.seconds);
            entry
        })
        .collect();
    let target = match &study.target {
        Target::Age(_) => json!({"age": "years"}),
        Target::Label { column, names, .. } => json!({"column": column, "classes": names}),
    };
    let object = json!({
        "cohort": {
            "description": study.description,
            "recordings": study.cohort.len(),
            "people": study.people(),
            "windows": study.cohort.windows(),
            "channels": study.cohort.channels(),
            "bands": study.cohort.bands(),
            "target": target,
            "folds": options.folds,
            "seed": options.seed,
            "recentered": options.recenter,
            "notes": study.notes,
        },
        "models": models,
    });
    let text = serde_json::to_string_pretty(&object).map_err(|cause| cause.to_string())?;
    say!("{text}");
    Ok(())
}
