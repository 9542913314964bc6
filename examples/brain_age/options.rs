//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use hadamard::meeg::simulate::Signal;

use crate::Failure;

/// Predicts the age of people (or a label) from M/EEG recordings, by cross-validation.
#[derive(Debug, Parser)]
#[command(
    name = "brain_age",
    after_help = "Example: cargo run --release --example brain_age -- --simulate spread --out pictures
With recordings: cargo run --release --example brain_age -- --data DIR --table DIR/recordings.tsv --classify condition"
)]
pub(crate) struct Options {
    /// Folder of recordings (.edf, .bdf, .npy, .npz); without it a cohort is simulated.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Table, one row a recording: participant_id, age, optional file [default: DIR/participants.tsv].
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) table: Option<PathBuf>,
    /// Where the simulated age is: in the mean log power, or in its spread over windows [default: mean].
    #[arg(long, value_name = "SIGNAL", conflicts_with = "data")]
    pub(crate) simulate: Option<Simulate>,
    /// People in the simulated cohort [default: 120].
    #[arg(long, value_name = "N", conflicts_with = "data")]
    pub(crate) subjects: Option<usize>,
    /// Models to run besides the dummy, separated by commas [default: all].
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    pub(crate) metric: Vec<Metric>,
    /// Frequency bands by name (delta, theta, alpha, beta, gamma) or in hertz (8-13), separated by commas
    /// [default: theta,alpha,beta].
    #[arg(long, value_name = "BANDS", value_delimiter = ',', requires = "data")]
    pub(crate) bands: Vec<String>,
    /// Folds of the cross-validation.
    #[arg(long, value_name = "K", default_value_t = 10)]
    pub(crate) folds: usize,
    /// Seed of the simulation, the folds and the directions of slices.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Folder for the pictures.
    #[arg(long, value_name = "DIR", default_value = "out/brain_age")]
    pub(crate) out: PathBuf,
    /// Threads, 0 for one a core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) threads: usize,
    /// Predict this column of the table, a label, instead of age.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub(crate) classify: Option<String>,
    /// Move the mean covariance of every person to the identity first (uses no labels).
    #[arg(long, requires = "data")]
    pub(crate) recenter: bool,
    /// Print the time of each stage on standard error.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Print one JSON object on standard output in place of the table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the simulated age is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Simulate {
    Mean,
    Spread,
}

/// What a model compares recordings by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Metric {
    LogPower,
    LogEuclidean,
    AffineInvariant,
    SlicedWasserstein,
}

impl Options {
    /// The signal to simulate.
    pub(crate) fn signal(&self) -> Signal {
        match self.simulate {
            Some(Simulate::Spread) => Signal::Spread,
            Some(Simulate::Mean) | None => Signal::Mean,
        }
    }

    /// Refuses what cannot work before anything is read.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.folds < 2 {
            return Err(format!("--folds {}: at least 2 are needed", self.folds));
        }
        if self.out.exists() && !self.out.is_dir() {
            return Err(format!("{}: not a folder", self.out.display()));
        }
        Ok(())
    }
}
