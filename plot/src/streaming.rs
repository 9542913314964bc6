//! A truncated SVD followed through batches: singular values, error and time per batch, the spectrum at the end.

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// One method's way through the batches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamedRun {
    /// Name in the legend.
    pub label: String,
    /// (rows absorbed, milliseconds of the update).
    pub time: Points,
    /// (rows absorbed, singular values then, descending).
    pub history: Vec<(f64, Vec<f64>)>,
    /// (rows absorbed, excess error, a fraction of the best possible error). Zero and negative values leave a gap.
    pub excess: Points,
    /// Singular values at the end, descending.
    pub singular_values: Vec<f64>,
}

/// Charts of singular values by batch, excess error over the best approximation of the same rank by batch, the singular
/// values at the end, and milliseconds per batch. The reference (a decomposition from scratch) is dashed and grey; it needs
/// no error. A chart that no run has numbers for is left out.
///
/// Of the singular values by batch those number 1, 2, 4, 8, ... are drawn: all together would be a band.
///
/// # Errors
/// [`Error::Empty`] without runs, or when all are empty.
pub fn streamed_svd(runs: &[StreamedRun], reference: &StreamedRun) -> Result<Figure> {
    let value = "singular value (unit of the entries)";
    let charts = [
        chart(
            runs,
            reference,
            ("Singular values 1, 2, 4, 8, ...", Axis::log(value)),
            history,
        ),
        chart(
            runs,
            reference,
            ("Error above the optimum", Axis::log("error / optimum − 1")),
            |r| vec![r.excess.clone()],
        ),
        chart(runs, reference, ("Spectrum at the end", Axis::log(value)), |r| {
            let values = r.singular_values.iter().enumerate();
            vec![values.map(|(i, &s)| ((i + 1) as f64, s)).collect()]
        }),
        chart(runs, reference, ("Time", Axis::log("time per batch (ms)")), |r| {
            vec![r.time.clone()]
        }),
    ];
    let mut charts: Vec<Chart> = charts.into_iter().flatten().collect();
    if let Some(spectrum) = charts.iter_mut().find(|chart| chart.title.starts_with("Spectrum")) {
        spectrum.x.label = "number of the singular value".into();
    }
    if charts.is_empty() {
        return Err(Error::Empty {
            what: "no streamed runs",
        });
    }
    let columns = if charts.len() == 3 { 3 } else { 2 };
    Ok(Figure::grid(charts, columns, (480, 360)))
}

/// Singular values number 1, 2, 4, 8, ... by rows absorbed.
fn history(run: &StreamedRun) -> Vec<Points> {
    let most = run.history.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    std::iter::successors(Some(1), |number| Some(2 * number))
        .take_while(|&number| number <= most)
        .map(|number| {
            let nth = |(rows, values): &(f64, Vec<f64>)| values.get(number - 1).map(|&s| (*rows, s));
            run.history.iter().filter_map(nth).collect()
        })
        .collect()
}

/// One chart of the curves that `pick` finds in each run; `None` when it finds none in any run.
fn chart(
    runs: &[StreamedRun],
    reference: &StreamedRun,
    (title, y): (&str, Axis),
    pick: impl Fn(&StreamedRun) -> Vec<Points>,
) -> Option<Chart> {
    let mut chart = Chart::new(Axis::linear("rows absorbed"), y).title(title);
    for (color, run) in runs.iter().enumerate() {
        for points in pick(run).into_iter().filter(|points| !points.is_empty()) {
            let mark = if points.len() > 1 { Mark::Line } else { Mark::Points };
            chart = chart.with(Series::new(mark, points).label(&run.label).color(color));
        }
    }
    if chart.series.is_empty() {
        return None;
    }
    for points in pick(reference).into_iter().filter(|points| !points.is_empty()) {
        chart = chart.with(Series::new(Mark::Dashed, points).label(&reference.label).muted());
    }
    Some(chart)
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
            history: vec![(10.0, vec![2.5, 1.0]), (20.0, vec![3.0, 2.0])],
            singular_values: vec![3.0, 2.0],
        };
        let fresh = StreamedRun {
            excess: Vec::new(),
            label: "fresh".into(),
            ..run.clone()
        };
        let figure = streamed_svd(&[run], &fresh).unwrap();
        let series: Vec<usize> = figure.charts.iter().map(|c| c.series.len()).collect();
        assert_eq!(series, [4, 1, 2, 2]);
        assert_eq!(figure.charts[0].series[1].points, [(10.0, 1.0), (20.0, 2.0)]);
        assert_eq!(figure.charts[2].series[0].points, [(1.0, 3.0), (2.0, 2.0)]);
        assert!(figure.to_svg().is_ok());
    }

    #[test]
    fn no_runs_are_refused() {
        assert!(streamed_svd(&[], &StreamedRun::default()).is_err());
    }
}
