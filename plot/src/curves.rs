//! Curves on linear or logarithmic axes, and performance profiles.

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// Named curves of (x, y) points joined by lines.
///
/// ```
/// use hadamard_plot::{Axis, curves};
///
/// let sigma: Vec<(f64, f64)> = (1..20).map(|k| (k as f64, 1.0 / (k * k) as f64)).collect();
/// let figure = curves::lines(Axis::linear("k"), Axis::log("singular value"), &[("A", sigma)])?;
/// assert_eq!(figure.charts.len(), 1);
/// # Ok::<(), hadamard_plot::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without curves.
pub fn lines<L: AsRef<str>>(x: Axis, y: Axis, curves: &[(L, Points)]) -> Result<Figure> {
    drawn(Mark::Line, x, y, curves)
}

/// Named step functions: each value holds until the next point (counts, distribution functions).
///
/// # Errors
/// [`Error::Empty`] without curves.
pub fn steps<L: AsRef<str>>(x: Axis, y: Axis, curves: &[(L, Points)]) -> Result<Figure> {
    drawn(Mark::Steps, x, y, curves)
}

fn drawn<L: AsRef<str>>(mark: Mark, x: Axis, y: Axis, curves: &[(L, Points)]) -> Result<Figure> {
    if curves.is_empty() {
        return Err(Error::Empty { what: "no curves" });
    }
    let mut chart = Chart::new(x, y);
    for (label, points) in curves {
        chart = chart.with(Series::new(mark, points.iter().copied()).label(label.as_ref()));
    }
    Ok(Figure::single(chart))
}

/// Dolan-Moré performance profiles: ρ_s(τ), the share of problems that solver s solves within τ times the least cost
/// of any solver.
///
/// `solvers` holds (name, cost on each problem, infinite where it failed); `cost_label` names the cost. Source:
/// E. D. Dolan and J. J. Moré, Benchmarking optimization software with performance profiles, Math. Program. 91 (2002)
/// 201-213.
///
/// # Errors
/// [`Error::Empty`] without solvers or problems; [`Error::Mismatch`] when the solvers have different numbers of
/// problems, or a cost is NaN or not positive.
pub fn performance_profiles<L: AsRef<str>>(cost_label: &str, solvers: &[(L, Vec<f64>)]) -> Result<Figure> {
    let problems = solvers.first().map_or(0, |s| s.1.len());
    if problems == 0 {
        return Err(Error::Empty {
            what: "no solvers or no problems",
        });
    }
    for (name, costs) in solvers {
        if costs.len() != problems {
            return Err(Error::Mismatch {
                what: "problems of a solver",
                expected: problems.to_string(),
                found: format!("{} for {}", costs.len(), name.as_ref()),
            });
        }
        if let Some(cost) = costs.iter().find(|c| c.is_nan() || **c <= 0.0) {
            return Err(Error::Mismatch {
                what: "cost of a solver",
                expected: "a positive number, infinite for a failure".into(),
                found: format!("{cost} for {}", name.as_ref()),
            });
        }
    }
    let best: Vec<f64> = (0..problems)
        .map(|p| solvers.iter().map(|s| s.1[p]).fold(f64::INFINITY, f64::min))
        .collect();
    let ratios: Vec<Vec<f64>> = solvers
        .iter()
        .map(|(_, costs)| {
            let mut ratios: Vec<f64> = costs
                .iter()
                .zip(&best)
                .filter(|(c, _)| c.is_finite())
                .map(|(c, b)| c / b)
                .collect();
            ratios.sort_by(f64::total_cmp);
            ratios
        })
        .collect();
    let right = 1.1 * ratios.iter().flatten().copied().fold(1.0, f64::max);
    let x = Axis::log(format!("{cost_label}, ratio τ to the best solver")).range(1.0, right.max(1.2));
    let mut chart = Chart::new(x, Axis::linear("share of problems solved").range(0.0, 1.02));
    for ((name, _), ratios) in solvers.iter().zip(&ratios) {
        let mut points = vec![(1.0, 0.0)];
        points.extend(
            ratios
                .iter()
                .enumerate()
                .map(|(k, &ratio)| (ratio, (k + 1) as f64 / problems as f64)),
        );
        points.push((right.max(1.2), ratios.len() as f64 / problems as f64));
        chart = chart.with(Series::new(Mark::Steps, points).label(name.as_ref()));
    }
    Ok(Figure::single(chart))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_end_at_the_share_solved() {
        let solvers = [
            ("a", vec![1.0, 2.0, f64::INFINITY, 4.0]),
            ("b", vec![2.0, 1.0, 3.0, f64::INFINITY]),
        ];
        let figure = performance_profiles("evaluations", &solvers).unwrap();
        for series in &figure.charts[0].series {
            assert_eq!(series.points.last().unwrap().1, 0.75);
        }
        // Solver a is best on problems 0 and 3 and takes twice the best cost on problem 1.
        assert_eq!(
            figure.charts[0].series[0].points[1..4],
            [(1.0, 0.25), (1.0, 0.5), (2.0, 0.75)]
        );
    }

    #[test]
    fn bad_costs_are_named() {
        assert!(performance_profiles::<&str>("", &[]).is_err());
        assert!(performance_profiles("", &[("a", vec![1.0]), ("b", vec![])]).is_err());
        assert!(performance_profiles("", &[("a", vec![f64::NAN])]).is_err());
        assert!(performance_profiles("", &[("a", vec![-1.0])]).is_err());
    }
}
