//! Draws every picture of this library once, on small data computed on the spot.
//!
//! ```text
//! cargo run --release --example gallery -- --out pictures
//! ```

mod common;

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::say;
use hadamard::geometry::metrics::{
    AffineInvariant, BuresWasserstein, Euclidean, LogCholesky, LogEuclidean, PowerAffine,
};
use hadamard::geometry::sliced::{FlowOptions, LogCloud};
use hadamard::geometry::{Metric, Spd, SpdBatch, random};
use hadamard::meeg::adapt::{self, Loss};
use hadamard::meeg::features::{self, MeanCovariances, Slices, TangentSpace};
use hadamard::meeg::model::{Folds, KernelRidge, Pipeline, Ridge, StandardScaler, cross_val_predict};
use hadamard::meeg::model::{activation_pattern, mean_absolute_error};
use hadamard::meeg::simulate::{Signal, Simulation};
use hadamard::oscillation::{Wronskian, models};
use hadamard::plot::geodesics::{self, Curve};
use hadamard::plot::streaming::{StreamedRun, streamed_svd};
use hadamard::plot::{Axis, Figure, balls, clouds, curves, iterates, means, regression, spectra, tangent};
use hadamard::ssvd::{
    Adaptive, Augmentation, Csr, CsrCsc, Exact, LanczosOptions, Rpi, UpdateTruncatedSvd, UpdatingSvd, lanczos,
};
use hadamard::trust_region::problems;
use hadamard::trust_region::scaling::{ColemanLi, HagerMairZhang, Identity, KanzowKlug, Mix, Scaling};
use hadamard::trust_region::{Iteration, Solver, System};
use nalgebra::{DMatrix, dmatrix};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Pictures = Vec<(&'static str, Figure)>;
type Room = fn() -> Result<Pictures>;

/// Draw every picture of this library once, on small data computed on the spot. The same files on every run, byte for byte.
#[derive(Parser)]
#[command(after_help = "Example: cargo run --release --example gallery -- --out pictures --only cone,means")]
struct Options {
    /// Folder of the pictures
    #[arg(long, default_value = "out/gallery")]
    out: PathBuf,
    /// Pictures to write, separated by commas; all when absent
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gallery: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let rooms: [(&str, Room); 5] = [
        ("geometry", geometry),
        ("learning", learning),
        ("truncated SVD", truncated_svd),
        ("trust region", trust_region),
        ("oscillation", oscillation),
    ];
    let bar = common::progress("drawing", rooms.len());
    let mut pictures = Pictures::new();
    for (name, room) in rooms {
        pictures.extend(room().map_err(|error| format!("{name}: {error}"))?);
        bar.inc(1);
    }
    bar.finish_and_clear();

    if let Some(unknown) = options.only.iter().find(|name| pictures.iter().all(|p| p.0 != **name)) {
        let names: Vec<&str> = pictures.iter().map(|p| p.0).collect();
        return Err(format!("no picture {unknown:?}: give --only some of {}", names.join(",")).into());
    }
    let mut files = Vec::new();
    for (name, figure) in &pictures {
        if options.only.is_empty() || options.only.iter().any(|wanted| wanted == name) {
            files.extend(common::save(figure, &options.out, name)?);
        }
    }
    if options.json {
        say!("{}", json!({"files": files}));
    } else {
        files.iter().for_each(|file| say!("wrote {}", file.display()));
    }
    Ok(())
}

/// Two matrices of order 2 and two of order 3, and a cloud around the first.
fn geometry() -> Result<Pictures> {
    let (affine, wasserstein, logarithm) = (AffineInvariant::default(), BuresWasserstein, LogEuclidean::default());
    let (euclidean, polar, cholesky) = (Euclidean::default(), PowerAffine::polar(), LogCholesky::default());
    let three: [&dyn Metric; 3] = [&logarithm, &affine, &wasserstein];
    let six: [&dyn Metric; 6] = [&euclidean, &logarithm, &affine, &wasserstein, &polar, &cholesky];

    let (a, b) = (
        Spd::try_new(dmatrix![4.0, 1.9; 1.9, 1.0])?,
        Spd::try_new(dmatrix![0.4, -0.3; -0.3, 3.0])?,
    );
    let mut rng = Pcg64::seed_from_u64(3);
    let (c, d) = (random::spd(3, 20.0, &mut rng)?, random::spd(3, 20.0, &mut rng)?);
    let between = |metrics: &[&dyn Metric], a: &Spd, b: &Spd, samples| -> hadamard::plot::Result<Vec<Curve>> {
        metrics
            .iter()
            .map(|metric| Curve::geodesic(*metric, a, b, samples))
            .collect()
    };
    let fine = between(&[&euclidean, &logarithm, &affine, &wasserstein], &a, &b, 121)?;
    let centre = Spd::try_new(dmatrix![1.3, 0.35; 0.35, 0.7])?;
    let cloud: Vec<DMatrix<f64>> = random::riemannian_gaussian(&centre, 0.9, 12, &mut rng)?
        .into_iter()
        .map(Spd::into_matrix)
        .collect();
    let (stretch, shear) = (dmatrix![1.0, 0.0; 0.0, -1.0], dmatrix![0.0, 1.0; 1.0, 0.0]);
    let labels = ["x: diag(x, −x)", "y: off the diagonal"];
    let domains: [&dyn Metric; 4] = [&euclidean, &logarithm, &affine, &wasserstein];
    Ok(vec![
        ("geodesics", geodesics::ellipses(&between(&three, &a, &b, 9)?)?),
        ("ellipsoids", geodesics::ellipses(&between(&three, &c, &d, 9)?)?),
        ("cone", geodesics::cone(&fine)?),
        ("invariants", geodesics::invariants(&fine)?),
        ("balls", balls::balls(&six, &centre, &[0.25, 0.5, 1.0], &[])?),
        ("means", means::means(&six, &SpdBatch::try_from_matrices(&cloud)?)?),
        (
            "exp_domains",
            tangent::exp_domains(&domains, &centre, [&stretch, &shear], labels)?,
        ),
        ("transport", tangent::transport(&three, &a, &b, &stretch, 9)?),
    ])
}

/// Ages of simulated people predicted from their covariances, and two sessions brought together.
fn learning() -> Result<Pictures> {
    let simulation = Simulation {
        signal: Signal::Spread,
        subjects: 80,
        ..Simulation::default()
    };
    let drawn = simulation.draw(1)?;
    let ages = &drawn.ages;
    let truth = DMatrix::from_column_slice(ages.len(), 1, ages);
    let covariances = MeanCovariances::of(&drawn.cohort)?;
    let distances = features::sliced_quantiles(&drawn.cohort, Slices::default())?.squared_distances();
    let tangent = Pipeline::new(TangentSpace, Pipeline::new(StandardScaler, Ridge::default()));
    let kernel = KernelRidge::default();
    // Of the first people only: how error falls with their number.
    let predict = |people: usize| -> hadamard::meeg::Result<[Vec<f64>; 2]> {
        let rows: Vec<usize> = (0..people).collect();
        let (folds, truth) = (Folds::shuffled(people, 8, 1)?, truth.rows(0, people).into_owned());
        let plain = cross_val_predict(&tangent, &covariances.select(&rows), &truth, None, &folds)?;
        let sliced = cross_val_predict(&kernel, &distances.select(&rows), &truth, None, &folds)?;
        Ok([plain, sliced].map(|p| p.as_slice().to_vec()))
    };
    let names = ["affine-invariant", "sliced-Wasserstein"];
    let mut errors = [Vec::new(), Vec::new()];
    let mut predictions = [Vec::new(), Vec::new()];
    for people in [16, 32, 48, 64, 80] {
        predictions = predict(people)?;
        for (curve, predicted) in errors.iter_mut().zip(&predictions) {
            curve.push((people as f64, mean_absolute_error(&ages[..people], predicted)));
        }
    }
    let channels = drawn.cohort.channels();
    let weights = activation_pattern(&features::log_power(&covariances)?, &predictions[1])?;
    let [plain, sliced] = predictions;
    let models = [(names[0], plain), (names[1], sliced)];
    let errors = [(names[0], errors[0].clone()), (names[1], errors[1].clone())];

    let (source, target) = sessions()?;
    let loss = Loss::Spdsw {
        directions: 200,
        seed: 1,
    };
    let moved = adapt::particles(&source, &target, loss, FlowOptions::default())?.cloud;
    let stage = |cloud| vec![("source", cloud), ("target", &target)];
    let stages = [("before", stage(&source)), ("after SPDSW particles", stage(&moved))];
    Ok(vec![
        (
            "predicted_vs_true",
            regression::predicted_vs_true("age (years)", ages, &models)?,
        ),
        (
            "pattern",
            regression::pattern(
                "log power per SD of prediction",
                channels,
                &[("simulated band", weights)],
            )?,
        ),
        (
            "cohort_size",
            regression::learning_curve("mean absolute error (years)", &errors)?,
        ),
        ("domains", clouds::domains(&stages)?),
    ])
}

/// Two clouds of covariances of order 4, the second seen through another mixing.
fn sessions() -> Result<(LogCloud, LogCloud)> {
    let mut rng = Pcg64::seed_from_u64(5);
    let centre = random::spd(4, 3.0, &mut rng)?;
    let first = random::riemannian_gaussian(&centre, 0.4, 40, &mut rng)?;
    let mixing = DMatrix::from_fn(4, 4, |i, j| {
        f64::from(u8::from(i == j)) + 0.5 * (rng.random::<f64>() - 0.5)
    }) * 1.5;
    let second: Vec<DMatrix<f64>> = random::riemannian_gaussian(&centre, 0.6, 40, &mut rng)?
        .iter()
        .map(|point| &mixing * point.matrix() * mixing.transpose())
        .map(|moved| (&moved + moved.transpose()) * 0.5)
        .collect();
    let first: Vec<DMatrix<f64>> = first.into_iter().map(Spd::into_matrix).collect();
    let cloud = |matrices: &[DMatrix<f64>]| LogCloud::try_new(&SpdBatch::try_from_matrices(matrices)?);
    Ok((cloud(&first)?, cloud(&second)?))
}

/// The second half of the rows of a random sparse matrix in ten batches. Without times, which differ from run to run.
fn truncated_svd() -> Result<Pictures> {
    let (m, n, k) = (800, 500, 12);
    let mut rng = Pcg64::seed_from_u64(7);
    let entries: Vec<(usize, usize, f64)> = (0..12 * m)
        .map(|_| {
            let (i, u) = (rng.random_range(0..m), rng.random::<f64>());
            (
                i,
                ((n as f64 * u * u * u) as usize).min(n - 1),
                1.0 + rng.random::<f64>(),
            )
        })
        .collect();
    let matrix = Csr::from_triplets(m, n, entries)?;
    let ends: Vec<usize> = (1..=10).map(|i| m / 2 + i * m / 20).collect();
    let mut reference = StreamedRun {
        label: "from scratch".into(),
        ..StreamedRun::default()
    };
    let mut optima = Vec::new();
    for &end in &ends {
        let part = matrix.row_range(0..end)?;
        let solved = lanczos(&CsrCsc::from(part.clone()), k, &LanczosOptions::default())?.svd;
        optima.push(solved.frobenius_error(&part)?);
        reference.history.push((end as f64, solved.s.clone()));
        reference.singular_values = solved.s;
    }
    let adaptive = Adaptive {
        tolerance: 1e-1,
        max_l: 8,
    };
    let runs = [
        streamed("exact", &matrix, &ends, &optima, k, Exact)?,
        streamed("RPI(8, 3)", &matrix, &ends, &optima, k, Rpi { l: 8, t: 3 })?,
        streamed("adaptive", &matrix, &ends, &optima, k, adaptive)?,
    ];
    Ok(vec![("streamed_svd", streamed_svd(&runs, &reference)?)])
}

fn streamed<M: Augmentation>(
    label: &str,
    matrix: &Csr,
    ends: &[usize],
    optima: &[f64],
    k: usize,
    method: M,
) -> Result<StreamedRun> {
    let mut run = StreamedRun {
        label: label.into(),
        ..StreamedRun::default()
    };
    let mut svd = UpdatingSvd::start(&matrix.row_range(0..matrix.nrows() / 2)?, k, method)?;
    for (&end, optimum) in ends.iter().zip(optima) {
        svd.add_rows(&matrix.row_range(svd.nrows()..end)?)?;
        let error = svd.svd().frobenius_error(&matrix.row_range(0..end)?)?;
        run.excess.push((end as f64, error / optimum - 1.0));
        run.history.push((end as f64, svd.singular_values().to_vec()));
    }
    run.singular_values = svd.singular_values().to_vec();
    Ok(run)
}

/// Himmelblau's four roots from the usual starts, ‖F‖ on the way, and scalings compared over a collection.
fn trust_region() -> Result<Pictures> {
    let problem = problems::named("himmelblau").ok_or("himmelblau is in the collection")?;
    let solver = Solver::default();
    let (mut ways, mut norms) = (Vec::new(), Vec::new());
    for (label, start) in problem.starts() {
        let (mut way, mut norm) = (vec![(start[0], start[1])], Vec::new());
        let mut watch = |step: &Iteration<'_>| {
            if step.start == 0 {
                if norm.is_empty() {
                    norm.push((0.0, step.norms.0));
                }
                way.push((step.next[0], step.next[1]));
                norm.push((step.iteration as f64, step.norms.1));
            }
            ControlFlow::Continue(())
        };
        solver.solve_observed(&problem, problem.bounds(), &start, &mut watch)?;
        ways.push((label.clone(), way));
        norms.push((label, norm));
    }
    let norm = |x: f64, y: f64| {
        let mut f = [0.0; 2];
        problem
            .residual(&[x, y], &mut f)
            .map_or(f64::NAN, |()| f[0].hypot(f[1]))
    };
    let (lower, upper) = (problem.bounds().lower(), problem.bounds().upper());
    let bounds = [(lower[0], upper[0]), (lower[1], upper[1])];

    let collection: Vec<_> = problems::all().into_iter().filter(|p| p.roots_exist()).collect();
    let scalings: [Box<dyn Scaling>; 5] = [
        Box::new(Mix::default()),
        Box::new(KanzowKlug::default()),
        Box::new(HagerMairZhang::default()),
        Box::new(ColemanLi),
        Box::new(Identity),
    ];
    let mut costs = Vec::new();
    for scaling in scalings {
        let name = scaling.name();
        let solver = Solver {
            scaling: scaling.into(),
            ..Solver::default()
        };
        let mut row = Vec::new();
        for problem in &collection {
            for (_, start) in problem.starts() {
                let solved = solver.solve(problem, problem.bounds(), &start).ok();
                let solved = solved.filter(|solution| solution.exit.is_root());
                row.push(solved.map_or(f64::INFINITY, |solution| solution.evaluations as f64));
            }
        }
        costs.push((name, row));
    }
    Ok(vec![
        ("iterates", iterates::in_box(norm, bounds, ["x₁", "x₂"], &ways)?),
        (
            "convergence",
            curves::lines(Axis::linear("iteration"), Axis::log("‖F‖"), &norms)?,
        ),
        (
            "performance_profiles",
            curves::performance_profiles("evaluations of F", &costs)?,
        ),
    ])
}

/// A disordered chain against the free one.
fn oscillation() -> Result<Pictures> {
    let n = 4000;
    let free = models::free_chain(n)?;
    let chain = |disorder| models::anderson(n, disorder, &mut Pcg64::seed_from_u64(1));
    let (weak, strong) = (chain(1.0)?, chain(4.0)?);
    let edges: Vec<f64> = (0..=120).map(|i| -4.2 + 8.4 * f64::from(i) / 120.0).collect();
    let named = [("free chain", &free), ("disorder 1", &weak), ("disorder 4", &strong)];
    let mut densities = Vec::new();
    for (name, matrix) in named {
        densities.push((name, matrix.integrated_density(&edges)?));
    }
    let mut shifts = Vec::new();
    for (name, matrix) in &named[1..] {
        shifts.push((*name, free.spectral_shift(matrix, &edges)?));
    }
    let short = models::anderson(120, 2.0, &mut Pcg64::seed_from_u64(2))?;
    let wronskian = Wronskian::right_left(&models::free_chain(120)?, 0.5, &short, 0.5)?;
    let energy = "energy E (hopping = 1)";
    Ok(vec![
        (
            "density_of_states",
            spectra::density_of_states(energy, &edges, &densities)?,
        ),
        ("spectral_shift", spectra::spectral_shift(energy, &edges, &shifts)?),
        (
            "wronskian_nodes",
            spectra::wronskian_nodes("free chain to disorder 2 at E = 0.5", wronskian.steps())?,
        ),
    ])
}
