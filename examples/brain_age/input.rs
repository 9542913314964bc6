//! Cohorts: simulated, or read from a folder.

use std::path::Path;

use hadamard::meeg::features::recenter;
use hadamard::meeg::model::Folds;
use hadamard::meeg::simulate::{Signal, Simulation};
use hadamard::meeg::table::Table;
use hadamard::meeg::{Cohort, Error};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use crate::Failure;
use crate::evaluate::repeated;
use crate::options::Options;
use crate::recordings;
use crate::report::Clock;

/// A cohort and what is to be predicted.
pub(crate) struct Study {
    pub(crate) cohort: Cohort,
    pub(crate) target: Target,
    /// Where the cohort comes from, in one line.
    pub(crate) description: String,
    /// Remarks for the reader of the table.
    pub(crate) notes: Vec<String>,
    /// Place of every person in a random order, for growing parts of the cohort.
    pub(crate) order: Vec<usize>,
    /// Named in messages.
    source: String,
}

/// What is to be predicted.
pub(crate) enum Target {
    Age(Vec<f64>),
    Label {
        column: String,
        classes: Vec<usize>,
        names: Vec<String>,
    },
}

impl Target {
    /// The targets of some examples.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        match self {
            Target::Age(ages) => Target::Age(rows.iter().map(|&row| ages[row]).collect()),
            Target::Label { column, classes, names } => Target::Label {
                column: column.clone(),
                classes: rows.iter().map(|&row| classes[row]).collect(),
                names: names.clone(),
            },
        }
    }

    /// Whether every class occurs.
    pub(crate) fn usable(&self) -> bool {
        match self {
            Target::Age(_) => true,
            Target::Label { classes, names, .. } => (0..names.len()).all(|class| classes.contains(&class)),
        }
    }

    /// Folds that keep a person together, with classes spread evenly.
    pub(crate) fn folds(&self, persons: &[usize], folds: usize, seed: u64) -> Result<Folds, Error> {
        match self {
            Target::Age(ages) if !repeated(persons) => Folds::shuffled(ages.len(), folds, seed),
            Target::Age(_) => Folds::grouped(persons, folds, seed),
            Target::Label { classes, .. } => Folds::stratified_grouped(classes, persons, folds, seed),
        }
    }
}

impl Study {
    fn new(cohort: Cohort, target: Target, description: String, notes: Vec<String>, source: String, seed: u64) -> Self {
        let people = cohort.persons().iter().max().map_or(0, |&last| last + 1);
        let mut order: Vec<usize> = (0..people).collect();
        order.shuffle(&mut Pcg64::seed_from_u64(seed));
        Self {
            cohort,
            target,
            description,
            notes,
            order,
            source,
        }
    }

    /// Number of people.
    pub(crate) fn people(&self) -> usize {
        self.order.len()
    }

    /// The splits.
    pub(crate) fn folds(&self, folds: usize, seed: u64) -> Result<Folds, Failure> {
        let people = self.people();
        if people < 2 {
            return Err(format!(
                "{}: one person only, nothing to learn from and to test on",
                self.source
            ));
        }
        if people < folds {
            return Err(format!(
                "{}: {people} people cannot make {folds} folds, use --folds",
                self.source
            ));
        }
        self.target
            .folds(&self.cohort.persons(), folds, seed)
            .map_err(|cause| self.failure(cause))
    }

    /// The message of an error, with the source of the data before it.
    pub(crate) fn failure(&self, cause: Error) -> Failure {
        format!("{}: {cause}", self.source)
    }
}

/// The cohort that the options ask for.
pub(crate) fn load(options: &Options, clock: &mut Clock) -> Result<Study, Failure> {
    match &options.data {
        None => simulate(options, clock),
        Some(directory) => read(directory, options, clock),
    }
}

fn read(directory: &Path, options: &Options, clock: &mut Clock) -> Result<Study, Failure> {
    let plain = |cause: Error| cause.to_string();
    let found = recordings::find(directory)?;
    let path = options
        .table
        .clone()
        .unwrap_or_else(|| directory.join("participants.tsv"));
    let table = Table::read(&path).map_err(|cause| match (path.exists(), &options.table) {
        (false, None) => format!("{cause}: name the table of ages with --table FILE"),
        _ => cause.to_string(),
    })?;
    let (persons, ids) = (table.persons().map_err(plain)?, table.participants().map_err(plain)?);
    let source = path.display().to_string();
    if persons.iter().all(|&person| person == 0) {
        return Err(format!(
            "{source}: one person only ({}), nothing to learn from and to test on",
            ids[0]
        ));
    }
    let target = match &options.classify {
        None => Target::Age(table.numbers("age").map_err(plain)?),
        Some(column) => {
            let (classes, names) = table.classes(column).map_err(plain)?;
            Target::Label {
                column: column.clone(),
                classes,
                names,
            }
        }
    };
    let files = table.files(directory, &found).map_err(plain)?;
    let mut notes = Vec::new();
    let mut cohort = recordings::read(&files, &persons, &options.bands, &mut notes, clock)?;
    clock.lap("recordings to covariances");
    if options.recenter {
        cohort = recenter(&cohort).map_err(|cause| format!("{source}: {cause}"))?;
        notes.push("recentred: the mean covariance of every person is the identity, no labels used".into());
        clock.lap("recentring");
    }
    if let Target::Age(ages) = &target {
        let (least, greatest) = range(ages);
        if greatest - least < NARROW_RANGE {
            notes.push(format!(
                "ages span {:.0} years only: too narrow a range for any model to be much better than the dummy",
                greatest - least
            ));
        }
    }
    let description = format!("{}, {} recordings of {source}", directory.display(), files.len());
    Ok(Study::new(cohort, target, description, notes, source, options.seed))
}

/// Span of ages, in years, below which brain age cannot be expected to work: its errors are 5 years and more in the
/// largest cohorts.
const NARROW_RANGE: f64 = 20.0;

/// Least and greatest.
pub(crate) fn range(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &y| (a.min(y), b.max(y)))
}

fn simulate(options: &Options, clock: &mut Clock) -> Result<Study, Failure> {
    let mut simulation = Simulation {
        signal: options.signal(),
        ..Simulation::default()
    };
    if let Some(subjects) = options.subjects {
        simulation.subjects = subjects;
    }
    let drawn = simulation
        .draw(options.seed)
        .map_err(|cause| format!("--simulate: {cause}"))?;
    let law = match simulation.signal {
        Signal::Mean => "age = 55 + 9 z, z the standardised mean log power of the sources along one direction",
        Signal::Spread => "age = 55 + 20 z, log powers vary over windows with standard deviation 0.4 exp(z)",
    };
    let description = format!(
        "simulated: C = M blockdiag(diag(p), noise) M', {} sources among {} channels, {} windows; {law}, + {} years of noise; seed {}",
        simulation.sources, simulation.channels, simulation.windows, simulation.age_noise, options.seed
    );
    clock.lap("simulation");
    Ok(Study::new(
        drawn.cohort,
        Target::Age(drawn.ages),
        description,
        Vec::new(),
        "simulated cohort".into(),
        options.seed,
    ))
}
