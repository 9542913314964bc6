//! A truncated SVD followed through batches: time and error per batch, singular values at the end.

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// One method's way through the batches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamedRun {
    /// Name in the legend.
    pub label: String,
    /// (rows absorbed, milliseconds of the update).
    pub time: Points,
    /// (rows absorbed, excess error, a fraction of the best possible error). Zero and negative values leave a gap.
    pub excess: Points,
    /// Singular values at the end, descending.
    pub singular_values: Vec<f64>,
}

/// Three charts side by side: milliseconds per batch, excess error over the best approximation of the same rank, and
/// the singular values at the end. The reference (a decomposition from scratch) is dashed and grey; it needs no error.
///
/// # Errors
/// [`Error::Empty`] without runs.
pub fn streamed_svd(runs: &[StreamedRun], reference: &StreamedRun) -> Result<Figure> {
    if runs.is_empty() {
        return Err(Error::Empty {
            what: "no streamed runs",
        });
    }
    let of = |x: Axis, y: Axis, title: &str, pick: &dyn Fn(&StreamedRun) -> Points| {
        let mut chart = Chart::new(x, y).title(title);
        for run in runs {
            let points = pick(run);
            let mark = if points.len() > 1 { Mark::Line } else { Mark::Points };
            chart = chart.with(Series::new(mark, points).label(&run.label));
        }
        let points = pick(reference);
        if points.is_empty() {
            return chart;
        }
        chart.with(Series::new(Mark::Dashed, points).label(&reference.label).muted())
    };
    let rows = || Axis::linear("rows absorbed");
    let spectrum = |run: &StreamedRun| -> Points {
        let values = run.singular_values.iter();
        values.enumerate().map(|(i, &s)| ((i + 1) as f64, s)).collect()
    };
    let charts = vec![
        of(rows(), Axis::log("time per batch [ms]"), "Time", &|r| r.time.clone()),
        of(
            rows(),
            Axis::log("error / optimum − 1"),
            "Error above the optimum",
            &|r| r.excess.clone(),
        ),
        of(
            Axis::linear("index"),
            Axis::log("singular value [unit of the entries]"),
            "Spectrum",
            &spectrum,
        ),
    ];
    Ok(Figure::grid(charts, 3, (480, 400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_no_error_curve() {
        let run = StreamedRun {
            label: "exact".into(),
            time: vec![(10.0, 1.0), (20.0, 1.1)],
            excess: vec![(10.0, 1e-6), (20.0, 1e-5)],
            singular_values: vec![3.0, 2.0],
        };
        let fresh = StreamedRun {
            excess: Vec::new(),
            label: "fresh".into(),
            ..run.clone()
        };
        let figure = streamed_svd(&[run], &fresh).unwrap();
        let series: Vec<usize> = figure.charts.iter().map(|c| c.series.len()).collect();
        assert_eq!(series, [2, 1, 2]);
        assert_eq!(figure.charts[2].series[0].points, [(1.0, 3.0), (2.0, 2.0)]);
        assert!(figure.to_svg().is_ok());
    }

    #[test]
    fn no_runs_are_refused() {
        assert!(streamed_svd(&[], &StreamedRun::default()).is_err());
    }
}
