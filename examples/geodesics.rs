//! Draws geodesics between two SPD matrices under several Riemannian metrics.
//!
//! ```text
//! cargo run --release --example geodesics -- --a "2,1;1,3" --b "1,-0.5;-0.5,0.4"
//! ```

mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use common::say;
use hadamard::geometry::mean::MeanOptions;
use hadamard::geometry::metrics::{
    AffineInvariant, BuresWasserstein, Cholesky, Euclidean, LogCholesky, LogEuclidean, MixedPowerEuclidean, PowerAffine,
};
use hadamard::geometry::{Metric, Spd, SpdBatch};
use hadamard::plot::geodesics::{self, Curve};
use hadamard::plot::{Figure, balls, tangent};
use nalgebra::{DMatrix, dmatrix};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::json;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum MetricName {
    Euclidean,
    LogEuclidean,
    AffineInvariant,
    BuresWasserstein,
    BogoliubovKuboMori,
    PolarAffine,
    Cholesky,
    LogCholesky,
}

impl MetricName {
    fn metric(self) -> Box<dyn Metric> {
        match self {
            Self::Euclidean => Box::new(Euclidean::default()),
            Self::LogEuclidean => Box::new(LogEuclidean::default()),
            Self::AffineInvariant => Box::new(AffineInvariant::default()),
            Self::BuresWasserstein => Box::new(BuresWasserstein),
            Self::BogoliubovKuboMori => Box::new(MixedPowerEuclidean::bogoliubov_kubo_mori()),
            Self::PolarAffine => Box::new(PowerAffine::polar()),
            Self::Cholesky => Box::new(Cholesky::default()),
            Self::LogCholesky => Box::new(LogCholesky::default()),
        }
    }
}

/// Draw geodesics between two SPD matrices: ellipses along t (orders 2 and 3) and eigenvalues, determinant and trace along
/// t. For order 2 also the curves in the cone SPD(2), distance balls with the means of the two matrices, the domains of
/// the exponential and a tangent vector carried along the geodesics. As SVG and PNG.
#[derive(Parser)]
#[command(after_help = "Example: cargo run --release --example geodesics -- --a \"2,1;1,3\" --b \"1,-0.5;-0.5,0.4\"")]
struct Options {
    /// First matrix: rows separated by ';' and entries by ',', or a .npy file; random when absent
    #[arg(long)]
    a: Option<String>,
    /// Second matrix, likewise
    #[arg(long)]
    b: Option<String>,
    /// Order of the random matrices
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    order: u8,
    /// Seed of the random matrices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Metrics to draw, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["log-euclidean", "affine-invariant", "bures-wasserstein"])]
    metric: Vec<MetricName>,
    /// Number of ellipses along t
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(2..=99))]
    samples: u16,
    /// Folder for the pictures
    #[arg(long, default_value = "out/geodesics")]
    out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("geodesics: {message}");
            ExitCode::from(2)
        }
    }
}

/// Samples of the smooth curves.
const FINE: usize = 121;

fn run(options: &Options) -> Result<(), String> {
    let mut rng = rand_pcg::Pcg64::seed_from_u64(options.seed);
    let a = endpoint("--a", options.a.as_deref(), usize::from(options.order), &mut rng)?;
    let b = endpoint("--b", options.b.as_deref(), a.order(), &mut rng)?;
    if a.order() != b.order() {
        return Err(format!(
            "--a has order {}, --b has order {}: give both, of one order",
            a.order(),
            b.order()
        ));
    }
    let metrics: Vec<Box<dyn Metric>> = options.metric.iter().map(|name| name.metric()).collect();
    let curves = |samples| -> Result<Vec<Curve>, String> {
        let curve = |metric: &dyn Metric| {
            Curve::geodesic(metric, &a, &b, samples).map_err(|e| format!("{}: {e}", metric.name()))
        };
        metrics.iter().map(|metric| curve(metric.as_ref())).collect()
    };
    let samples = usize::from(options.samples);
    let order = a.order();
    let bar = common::progress("pictures", if order == 2 { 6 } else { 2 });
    let mut files = Vec::new();
    let mut add = |name: &str, figure: hadamard::plot::Result<Figure>| -> Result<(), String> {
        files.extend(common::save(&figure.map_err(|e| e.to_string())?, &options.out, name)?);
        bar.inc(1);
        Ok(())
    };
    let fine = curves(FINE)?;
    add("invariants", geodesics::invariants(&fine))?;
    if (2..=3).contains(&order) {
        add("ellipses", geodesics::ellipses(&curves(samples)?))?;
    }
    if order == 2 {
        add("cone", geodesics::cone(&fine))?;
        planar(&options.metric, &metrics, (&a, &b), samples, &mut add)?;
    }
    bar.finish_and_clear();
    report(options, &metrics, (&a, &b), &fine, &files)
}

/// The pictures that exist for order 2 only: the traceless vector diag(1, -1) carried from A to B, domains of exp at A, and
/// balls around A with the means of A and B.
fn planar(
    names: &[MetricName],
    metrics: &[Box<dyn Metric>],
    (a, b): (&Spd, &Spd),
    samples: usize,
    add: &mut impl FnMut(&str, hadamard::plot::Result<Figure>) -> Result<(), String>,
) -> Result<(), String> {
    let metrics: Vec<&dyn Metric> = metrics.iter().map(AsRef::as_ref).collect();
    let (stretch, shear) = (dmatrix![1.0, 0.0; 0.0, -1.0], dmatrix![0.0, 1.0; 1.0, 0.0]);
    add("transport", tangent::transport(&metrics, a, b, &stretch, samples))?;
    // Without closed forms, balls and domains take thousands of integrations: minutes.
    let closed: Vec<&dyn Metric> = names
        .iter()
        .zip(&metrics)
        .filter(|(name, _)| **name != MetricName::BogoliubovKuboMori)
        .map(|(_, metric)| *metric)
        .collect();
    if closed.is_empty() {
        return Ok(());
    }
    let both = SpdBatch::try_from_matrices(&[a.matrix().clone(), b.matrix().clone()]).map_err(|e| e.to_string())?;
    let mut means = Vec::new();
    for metric in &closed {
        let mean = metric.mean(&both, None, &MeanOptions::default());
        means.push((format!("{} mean", metric.name()), mean.map_err(|e| e.to_string())?.mean));
    }
    let marked: Vec<_> = means.iter().map(|(name, mean)| (name.as_str(), mean.clone())).collect();
    let labels = ["x: diag(x, −x)", "y: off the diagonal"];
    add(
        "exp_domains",
        tangent::exp_domains(&closed, a, [&stretch, &shear], labels),
    )?;
    add("balls", balls::balls(&closed, a, &[0.25, 0.5, 1.0], &marked))
}

/// Distances, and how far the determinant rises above its end values (swelling).
fn report(
    options: &Options,
    metrics: &[Box<dyn Metric>],
    (a, b): (&Spd, &Spd),
    curves: &[Curve],
    files: &[PathBuf],
) -> Result<(), String> {
    let mut rows = Vec::new();
    for (metric, curve) in metrics.iter().zip(curves) {
        let distance = metric.distance(a, b).map_err(|e| format!("{}: {e}", metric.name()))?;
        let peak = curve.points.iter().map(Spd::log_det).fold(f64::NEG_INFINITY, f64::max);
        rows.push((metric.name(), distance, (peak - a.log_det().max(b.log_det())).exp()));
    }
    if options.json {
        let metrics: Vec<_> = rows
            .iter()
            .map(|(name, distance, swelling)| json!({"name": name, "distance": distance, "swelling": swelling}))
            .collect();
        say!("{}", json!({"order": a.order(), "metrics": metrics, "files": files}));
        return Ok(());
    }
    say!("{:<20} {:>12}  {:>9}", "metric", "distance", "swelling");
    for (name, distance, swelling) in &rows {
        say!("{name:<20} {distance:>12.6}  {swelling:>9.4}");
    }
    say!("swelling: largest determinant along the geodesic over the larger one of its ends");
    for file in files {
        say!("wrote {}", file.display());
    }
    Ok(())
}

/// The matrix that an option names, or a random one: G Gᵀ / (order + 1), G Gaussian of order x (order + 1).
fn endpoint(name: &str, text: Option<&str>, order: usize, rng: &mut rand_pcg::Pcg64) -> Result<Spd, String> {
    let matrix = match text {
        None => {
            let g: DMatrix<f64> = DMatrix::from_fn(order, order + 1, |_, _| StandardNormal.sample(rng));
            &g * g.transpose() / (order + 1) as f64
        }
        Some(text) if text.ends_with(".npy") => read_npy(Path::new(text)).map_err(|e| format!("{name}: {e}"))?,
        Some(text) => parse(text).map_err(|e| format!("{name} \"{text}\": {e}"))?,
    };
    Spd::try_new(matrix)
        .map_err(|e| format!("{name}: {e}: give a symmetric matrix with positive eigenvalues, as \"2,1;1,3\" is"))
}

fn read_npy(path: &Path) -> Result<DMatrix<f64>, String> {
    let array: ndarray::Array2<f64> = ndarray_npy::read_npy(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(DMatrix::from_fn(array.nrows(), array.ncols(), |i, j| array[(i, j)]))
}

fn parse(text: &str) -> Result<DMatrix<f64>, String> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for row in text.split(';') {
        let entries = row.split(',').map(|entry| {
            entry
                .trim()
                .parse()
                .map_err(|_| format!("{:?} is not a number (write \"2,1;1,3\")", entry.trim()))
        });
        rows.push(entries.collect::<Result<_, _>>()?);
    }
    let columns = rows[0].len();
    if let Some(row) = rows.iter().position(|row| row.len() != columns) {
        return Err(format!(
            "row {} has {} entries, row 1 has {columns}",
            row + 1,
            rows[row].len()
        ));
    }
    Ok(DMatrix::from_row_iterator(
        rows.len(),
        columns,
        rows.into_iter().flatten(),
    ))
}
