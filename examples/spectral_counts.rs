//! Integrated density of states and spectral shift of a disordered chain against the free one.
//!
//! ```text
//! cargo run --release --example spectral_counts -- --n 100000 --disorder 2
//! ```

mod common;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use common::say;
use hadamard::oscillation::{Interval, Jacobi, Wronskian, models};
use hadamard::plot::{Figure, spectra};
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand_pcg::Pcg64;
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Count the eigenvalues of an Anderson chain (or of a chain of your own) at many energies, compare it with the free
/// chain, and draw the integrated density of states, the spectral shift, and where along the chain the difference of the
/// counts at one energy builds up.
#[derive(Parser)]
#[command(
    after_help = "Example: cargo run --release --example spectral_counts -- --n 1000000 --disorder 4 --points 1000"
)]
struct Options {
    /// Number of sites of the random chain
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// Width of the distribution of the site energies: uniform in [-disorder/2, disorder/2]
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    disorder: f64,
    /// Seed of the site energies
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A chain of your own: .npy (n site energies, or n x 2 with the couplings to the site before in the second column,
    /// the first of them unused) or .csv with such rows; couplings are -1 where there are none
    #[arg(long)]
    coefficients: Option<PathBuf>,
    /// Number of energies
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    points: u32,
    /// Energy at which the count difference is followed along the chain
    #[arg(long, default_value_t = -1.0, allow_hyphen_values = true)]
    energy: f64,
    /// Folder of the pictures
    #[arg(long, default_value = "out/spectral_counts")]
    out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spectral_counts: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let chain = match &options.coefficients {
        Some(path) => read(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => models::anderson(
            options.n as usize,
            options.disorder,
            &mut Pcg64::seed_from_u64(options.seed),
        )?,
    };
    let n = chain.order();
    let free = models::free_chain(n)?;

    let (low, high) = (chain.gershgorin().0.min(-2.0), chain.gershgorin().1.max(2.0));
    let last = f64::from(options.points - 1);
    let energies: Vec<f64> = (0..options.points)
        .map(|i| low + (high - low) * (f64::from(i) / last))
        .collect();
    let bar = common::progress("counting", energies.len());
    let mut shift = Vec::new();
    for part in energies.chunks(64) {
        shift.extend(free.spectral_shift(&chain, part)?);
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();

    let (least, median, greatest) = (chain.eigenvalue(0)?, chain.eigenvalue(n / 2)?, chain.eigenvalue(n - 1)?);
    let certain = chain
        .count_certified(options.energy)
        .map_err(|error| format!("--energy {}: {error}", options.energy))?;
    let difference = chain.relative_count(options.energy, &free, options.energy, Interval::ClosedOpen)?;
    // Cells of equal width: the integral of ξ, up to one cell's width times its total variation.
    let integral: f64 = shift.iter().sum::<i64>() as f64 * (high - low) / last;
    let trace: f64 = chain.diagonal().iter().sum();

    let mut files = Vec::new();
    let mut save = |figure: Figure, name: &str| -> Result<()> {
        files.extend(common::save(&figure, &options.out, name)?);
        Ok(())
    };
    let both = [
        ("chain", chain.integrated_density(&energies)?),
        ("free chain", free.integrated_density(&energies)?),
    ];
    let energy = "energy E (hopping = 1)";
    save(
        spectra::density_of_states(energy, &energies, &both)?,
        "density_of_states",
    )?;
    let shifts = [("free to chain", shift)];
    save(spectra::spectral_shift(energy, &energies, &shifts)?, "spectral_shift")?;

    // A chain that splits has no Wronskian along its whole length.
    let split = chain.first_split().is_some();
    if !split {
        let wronskian = Wronskian::right_left(&free, options.energy, &chain, options.energy)?;
        let label = format!("free chain to chain at E = {}", options.energy);
        save(spectra::wronskian_nodes(&label, wronskian.steps())?, "wronskian_nodes")?;
    }

    if options.json {
        let object = json!({
            "sites": n, "least": least, "median": median, "greatest": greatest, "energy": options.energy,
            "states_below": certain.below, "against_free": difference, "shift_integral": integral, "trace": trace,
            "splits": split, "files": files,
        });
        say!("{object}");
        return Ok(());
    }
    say!("{n} sites, spectrum in [{least:.6}, {greatest:.6}]");
    say!("median energy {median:.15}");
    let below = certain.below;
    say!(
        "E = {}: {below} states below (certified), {difference:+} against the free chain",
        options.energy
    );
    say!("integral of the spectral shift {integral:.3}, trace {trace:.3}");
    if split {
        say!("a coupling is zero: the chain splits, so there is no picture of its Wronskian");
    }
    for file in files {
        say!("wrote {}", file.display());
    }
    Ok(())
}

/// Site energies, and couplings when there is a second column.
fn read(path: &Path) -> Result<Jacobi> {
    let rows: Vec<Vec<f64>> = match path.extension().and_then(|e| e.to_str()) {
        Some("npy") => match ndarray_npy::read_npy::<_, Array2<f64>>(path) {
            Ok(table) => table.rows().into_iter().map(|row| row.to_vec()).collect(),
            Err(_) => ndarray_npy::read_npy::<_, Array1<f64>>(path)?
                .into_iter()
                .map(|d| vec![d])
                .collect(),
        },
        Some("csv") => {
            let text = std::fs::read_to_string(path)?;
            let number = |(line, text): (usize, &str)| -> Result<Vec<f64>> {
                let fields = text.split(',').map(|field| field.trim().parse::<f64>());
                fields
                    .collect::<std::result::Result<_, _>>()
                    .map_err(|e| format!("line {}: {e}", line + 1).into())
            };
            text.lines()
                .enumerate()
                .filter(|(_, l)| !l.trim().is_empty())
                .map(number)
                .collect::<Result<_>>()?
        }
        _ => return Err("expected a .npy or .csv file".into()),
    };
    if let Some(line) = rows.iter().position(|row| row.is_empty() || row.len() > 2) {
        return Err(format!("row {} has {} columns, expected one or two", line + 1, rows[line].len()).into());
    }
    let diagonal: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    let couplings: Vec<f64> = rows
        .iter()
        .skip(1)
        .map(|row| row.get(1).copied().unwrap_or(-1.0))
        .collect();
    Ok(Jacobi::new(diagonal, couplings)?)
}
