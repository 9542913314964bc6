//! From recordings to a brain age: reads or simulates a cohort, runs every model by cross-validation, prints a table
//! and draws pictures.
//!
//! ```text
//! cargo run --release --example brain_age                               # simulated cohort, age in the mean power
//! cargo run --release --example brain_age -- --simulate spread          # age in the spread over windows
//! cargo run --release --example brain_age -- --data DIR                 # DIR/participants.tsv and its recordings
//! cargo run --release --example brain_age -- --data DIR --table DIR/recordings.tsv --classify condition --recenter
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr)]

// Not all of it: the pictures of this example appear together or not at all.
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
mod evaluate;
mod input;
mod options;
mod pictures;
mod recordings;
mod report;

use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

/// One line for the user: what failed and why.
pub(crate) type Failure = String;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("brain_age: {}", cause.replace('\n', " "));
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    options.check()?;
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|cause| format!("--threads {}: {cause}", options.threads))?;
    threads.install(|| {
        let mut clock = report::Clock::new(options.verbose);
        let study = input::load(options, &mut clock)?;
        let folds = study.folds(options.folds, options.seed)?;
        let candidates = evaluate::prepare(&study, options, &mut clock)?;
        let models = evaluate::all(&study, &candidates, &folds, &mut clock)?;
        let curve = evaluate::learning_curve(&study, &candidates, &models, options, &mut clock)?;
        let pictures = pictures::draw(&study, &models, &curve, &options.out)?;
        clock.lap("pictures");
        if options.json {
            report::json(&study, &models, options)
        } else {
            report::table(&study, &models, &pictures, options);
            Ok(())
        }
    })
}
