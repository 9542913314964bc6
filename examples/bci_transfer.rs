//! Trains a motor-imagery classifier on one session and uses it on another, with and without alignment of the domains.
//!
//! ```text
//! cargo run --release --example bci_transfer
//! cargo run --release --example bci_transfer -- --npz S001_21ch.npz --source 3,7,11 --target 4,8,12
//! cargo run --release --example bci_transfer -- --source S001R04.edf --target S001R08.edf
//! ```

mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use common::say;
use hadamard::geometry::SpdBatch;
use hadamard::geometry::sliced::{FlowOptions, LogCloud, packed_len};
use hadamard::geometry::transport::SinkhornOptions;
use hadamard::meeg::adapt::{Loss, Motion, TransformationOptions, particles, recentred, transformation};
use hadamard::meeg::io::npy::Arrays;
use hadamard::meeg::model::{SupportVectorMachine, SvmOptions};
use hadamard::meeg::{Band, FilterBank, epochs, io};
use hadamard::plot::clouds;
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};
use serde_json::json;

/// Accuracy of a linear support vector machine on log covariances, trained on the source domain and tested on the
/// target, after label-free alignments of the source. Without input two simulated sessions are used.
#[derive(Parser)]
#[command(after_help = "Example: cargo run --release --example bci_transfer -- --out pictures
With recordings: cargo run --release --example bci_transfer -- --source S001R04.edf --target S001R08.edf")]
struct Options {
    /// Covariances: an .npz file with arrays covs (N, d, d), label (N) and run (N); then --source and --target are runs
    #[arg(long)]
    npz: Option<PathBuf>,
    /// Recordings (EDF, BDF) of the source domain, or run numbers with --npz, separated by commas
    #[arg(long, value_delimiter = ',')]
    source: Vec<String>,
    /// The same for the target domain; its labels only serve to print the accuracy
    #[arg(long, value_delimiter = ',')]
    target: Vec<String>,
    /// Annotations of the two classes
    #[arg(long, value_delimiter = ',', default_values = ["T1", "T2"])]
    labels: Vec<String>,
    /// Channels of the recordings
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "FC5,FC3,FC1,FCz,FC2,FC4,FC6,C5,C3,C1,Cz,C2,C4,C6,CP5,CP3,CP1,CPz,CP2,CP4,CP6"
    )]
    channels: Vec<String>,
    /// Band in Hz
    #[arg(long, value_delimiter = ',', num_args = 1, default_values = ["8", "30"])]
    band: Vec<f64>,
    /// Window in seconds after the cue
    #[arg(long, value_delimiter = ',', num_args = 1, allow_negative_numbers = true, default_values = ["0.5", "3.5"])]
    window: Vec<f64>,
    /// Penalty C of the support vector machine
    #[arg(long, default_value_t = 0.1)]
    penalty: f64,
    /// Directions of the sliced losses
    #[arg(long, default_value_t = 500)]
    directions: usize,
    /// Seed of the directions and of the simulation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the picture of the two domains before and after
    #[arg(long, default_value = "out/bci_transfer")]
    out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Covariances of trials and their classes.
struct Domain {
    covariances: SpdBatch,
    labels: Vec<i64>,
}

/// One line of the table.
struct Outcome {
    method: String,
    accuracy: f64,
    correct: usize,
    seconds: f64,
    source: LogCloud,
    target: LogCloud,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bci_transfer: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (source, target) = domains(options)?;
    if source.covariances.order() != target.covariances.order() {
        return Err(format!(
            "the source has {} channels, the target {}: pick the same channels",
            source.covariances.order(),
            target.covariances.order()
        ));
    }
    let outcomes = compare(options, &source, &target).map_err(|e| e.to_string())?;
    let files = draw(&options.out, &outcomes)?;
    if options.json {
        let methods: Vec<_> = outcomes
            .iter()
            .map(|o| json!({"method": o.method, "accuracy": o.accuracy, "correct": o.correct, "seconds": o.seconds}))
            .collect();
        let trials = json!({"source": source.labels.len(), "target": target.labels.len()});
        say!("{}", json!({"trials": trials, "methods": methods, "files": files}));
        return Ok(());
    }
    say!(
        "{} source trials, {} target trials, {} channels; one trial is {:.3}",
        source.labels.len(),
        target.labels.len(),
        source.covariances.order(),
        1.0 / target.labels.len() as f64
    );
    say!(
        "{:<28} {:>9} {:>9} {:>10}",
        "alignment",
        "correct",
        "accuracy",
        "seconds"
    );
    for outcome in &outcomes {
        let Outcome {
            method,
            correct,
            accuracy,
            seconds,
            ..
        } = outcome;
        say!("{method:<28} {correct:>9} {accuracy:>9.3} {seconds:>10.4}");
    }
    say!("seconds: alignment alone, logarithms and directions included");
    for file in &files {
        say!("wrote {}", file.display());
    }
    Ok(())
}

/// Every alignment, then the same classifier.
fn compare(options: &Options, source: &Domain, target: &Domain) -> hadamard::meeg::Result<Vec<Outcome>> {
    let plain = (
        LogCloud::try_new(&source.covariances)?,
        LogCloud::try_new(&target.covariances)?,
    );
    let bar = common::progress("alignments", 8);
    let mut outcomes = Vec::new();
    let mut add = |method: String, seconds: f64, (from, to): (LogCloud, LogCloud)| -> hadamard::meeg::Result<()> {
        let predicted = classify(&from, &source.labels, &to, options.penalty)?;
        let correct = predicted.iter().zip(&target.labels).filter(|(a, b)| a == b).count();
        let accuracy = correct as f64 / target.labels.len() as f64;
        outcomes.push(Outcome {
            method,
            accuracy,
            correct,
            seconds,
            source: from,
            target: to,
        });
        bar.inc(1);
        Ok(())
    };
    add("none".into(), 0.0, plain.clone())?;
    let start = Instant::now();
    let centred = (recentred(&plain.0)?, recentred(&plain.1)?);
    add("recentring".into(), start.elapsed().as_secs_f64(), centred)?;
    let (directions, seed) = (options.directions, options.seed);
    let entropic = SinkhornOptions {
        regularization: 10.0,
        tolerance: 1e-6,
        iterations: 1000,
    };
    let losses = [
        Loss::Spdsw { directions, seed },
        Loss::LogSw { directions, seed },
        Loss::Exact,
        Loss::Entropic(entropic),
    ];
    for loss in losses {
        let start = Instant::now();
        let clouds = (
            LogCloud::try_new(&source.covariances)?,
            LogCloud::try_new(&target.covariances)?,
        );
        let moved = particles(&clouds.0, &clouds.1, loss, FlowOptions::default())?.cloud;
        add(
            format!("{} particles", loss.name()),
            start.elapsed().as_secs_f64(),
            (moved, clouds.1),
        )?;
    }
    for (name, motion) in [
        ("transformation", Motion::TranslationAndRotation),
        ("rotation", Motion::Rotation),
    ] {
        let start = Instant::now();
        let mut settings = TransformationOptions::default();
        settings.motion = motion;
        let found = transformation(&source.covariances, &plain.1, losses[0], settings)?;
        let moved = LogCloud::try_new(&found.apply(&source.covariances)?)?;
        add(
            format!("SPDSW {name}"),
            start.elapsed().as_secs_f64(),
            (moved, plain.1.clone()),
        )?;
    }
    bar.finish_and_clear();
    Ok(outcomes)
}

/// Linear machine on packed logarithms, standardised by the mean and spread of the source.
fn classify(source: &LogCloud, labels: &[i64], target: &LogCloud, penalty: f64) -> hadamard::meeg::Result<Vec<i64>> {
    let rows = |cloud: &LogCloud| DMatrix::from_row_slice(cloud.len(), packed_len(cloud.order()), cloud.rows());
    let (mut x, mut new) = (rows(source), rows(target));
    for k in 0..x.ncols() {
        let (mean, spread) = (x.column(k).mean(), x.column(k).variance().sqrt());
        let scale = if spread > 0.0 { spread.recip() } else { 0.0 };
        for side in [&mut x, &mut new] {
            side.column_mut(k).apply(|value| *value = (*value - mean) * scale);
        }
    }
    let options = SvmOptions {
        penalty,
        ..SvmOptions::default()
    };
    SupportVectorMachine::train(&(&x * x.transpose()), labels, options)?.predict(&(new * x.transpose()))
}

fn domains(options: &Options) -> Result<(Domain, Domain), String> {
    if let Some(path) = &options.npz {
        let npz = Arrays::open(path).map_err(|e| e.to_string())?;
        let read = || -> hadamard::meeg::Result<_> {
            Ok((npz.covariances("covs")?, npz.integers("label")?, npz.integers("run")?))
        };
        let (covariances, labels, runs) = read().map_err(|e| e.to_string())?;
        let pick = |name: &str, wanted: &[String]| -> Result<Domain, String> {
            let wanted: Vec<i64> = wanted
                .iter()
                .map(|run| {
                    run.parse()
                        .map_err(|_| format!("{name} {run:?}: with --npz it must be a run number"))
                })
                .collect::<Result<_, _>>()?;
            let rows: Vec<usize> = (0..runs.len()).filter(|&i| wanted.contains(&runs[i])).collect();
            if rows.is_empty() {
                let mut known = runs.clone();
                known.sort_unstable();
                known.dedup();
                return Err(format!(
                    "{name}: {} has no trial of runs {wanted:?}: choose from {known:?}",
                    path.display()
                ));
            }
            Ok(Domain {
                covariances: covariances.select(&rows),
                labels: rows.iter().map(|&i| labels[i]).collect(),
            })
        };
        return Ok((pick("--source", &options.source)?, pick("--target", &options.target)?));
    }
    if options.source.is_empty() && options.target.is_empty() {
        return Ok(simulated(options.seed));
    }
    if options.source.is_empty() || options.target.is_empty() {
        return Err("--source and --target belong together: give --source A.edf --target B.edf".into());
    }
    Ok((
        recordings(options, &options.source)?,
        recordings(options, &options.target)?,
    ))
}

/// Covariances of the trials of some recordings.
fn recordings(options: &Options, paths: &[String]) -> Result<Domain, String> {
    let (&[low, high], &[from, to]) = (&options.band[..], &options.window[..]) else {
        return Err("--band and --window take two numbers each, as in 8,30".into());
    };
    let bank = FilterBank::new(vec![Band::new("motor", low, high)]);
    let mut data = Vec::new();
    let mut labels = Vec::new();
    for path in paths {
        let read = || -> hadamard::meeg::Result<_> {
            let recording = io::open(path)?;
            let signal = recording.read(&recording.pick(&options.channels)?, ..)?;
            let trials = epochs::event_locked(&signal, recording.annotations(), &options.labels, from, to)?;
            let covariances = bank.window_covariances(&signal, &trials.windows)?;
            Ok((covariances, trials))
        };
        let (covariances, trials) = read().map_err(|error| {
            let text = error.to_string();
            let hint = match error {
                hadamard::meeg::Error::UnknownChannel { .. } => ": choose others with --channels",
                _ => "",
            };
            // Most errors of a recording begin with its path already.
            let place = if text.contains(path.as_str()) {
                String::new()
            } else {
                format!("{path}: ")
            };
            format!("{place}{text}{hint}")
        })?;
        data.extend_from_slice(covariances[0].as_slice());
        for window in &trials.windows {
            let class = options
                .labels
                .iter()
                .position(|label| Some(label) == window.label.as_ref());
            labels.push(class.map_or(0, |k| k as i64 + 1));
        }
    }
    let covariances = SpdBatch::try_from_vec(options.channels.len(), data).map_err(|e| e.to_string())?;
    Ok(Domain { covariances, labels })
}

/// Two sessions of two classes that differ in the power of two sources; the second session is seen through a mixing of
/// its own.
fn simulated(seed: u64) -> (Domain, Domain) {
    let mut rng = rand_pcg::Pcg64::new(u128::from(seed), 1);
    let (d, trials, samples) = (8, 60, 64);
    let mut gaussian =
        |rows: usize, columns: usize| DMatrix::<f64>::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut rng));
    let first = DMatrix::identity(d, d) + gaussian(d, d) * 0.3;
    let second = (DMatrix::identity(d, d) + gaussian(d, d) * 0.15) * &first;
    let mut session = |mixing: &DMatrix<f64>| {
        let mut data = Vec::new();
        let labels: Vec<i64> = (0..trials).map(|t| 1 + t % 2).collect();
        for &label in &labels {
            let mut sources = gaussian(d, samples);
            sources.row_mut(if label == 1 { 0 } else { 1 }).scale_mut(0.6);
            let x = mixing * sources;
            let covariance = &x * x.transpose() / samples as f64;
            data.extend(((&covariance + covariance.transpose()) * 0.5).iter());
        }
        let covariances = SpdBatch::try_from_vec(d, data).expect("more samples than channels");
        Domain { covariances, labels }
    };
    (session(&first), session(&second))
}

/// Both domains before and after the SPDSW flow, as SVG and PNG.
fn draw(folder: &Path, outcomes: &[Outcome]) -> Result<[PathBuf; 2], String> {
    fn stage(outcome: &Outcome) -> Vec<(&'static str, &LogCloud)> {
        vec![("source", &outcome.source), ("target", &outcome.target)]
    }
    let moved = outcomes.iter().find(|o| o.method.starts_with("SPDSW"));
    let stages: Vec<_> = std::iter::once(("before", &outcomes[0]))
        .chain(moved.map(|outcome| (outcome.method.as_str(), outcome)))
        .map(|(title, outcome)| (title, stage(outcome)))
        .collect();
    let figure = clouds::domains(&stages).map_err(|e| e.to_string())?;
    common::save(&figure, folder, "domains")
}
