//! Fréchet means of several metrics side by side.

use hadamard_geometry::mean::MeanOptions;
use hadamard_geometry::{Metric, SpdBatch};

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Series};
use crate::geodesics::outline;

/// The matrices of `batch` as thin grey ellipses and, one chart a metric, their mean as a filled one.
///
/// A matrix is drawn as the ellipse {x : xᵀ Σ⁻¹ x = 1}, one of order 3 as the outline of its ellipsoid; axes are in the
/// square root of the unit of the matrices. Titles hold the determinant of the mean over the geometric mean of the
/// determinants of the data: 1 for log-Euclidean and affine-invariant means, more where means swell. Costs one mean a
/// metric, with the default [`MeanOptions`].
///
/// # Errors
/// [`Error::Empty`] without metrics; [`Error::Mismatch`] when the order is neither 2 nor 3; those of the metrics.
pub fn means(metrics: &[&dyn Metric], batch: &SpdBatch) -> Result<Figure> {
    if metrics.is_empty() {
        return Err(Error::Empty { what: "no metrics" });
    }
    if !(2..=3).contains(&batch.order()) {
        return Err(Error::Mismatch {
            what: "order of the matrices",
            expected: "2 or 3".into(),
            found: batch.order().to_string(),
        });
    }
    let data: Vec<_> = (0..batch.len()).map(|i| batch.get(i)).collect();
    let level = data.iter().map(|point| point.log_det()).sum::<f64>() / data.len() as f64;
    let mut charts = Vec::with_capacity(metrics.len());
    let mut reach: f64 = 0.0;
    for metric in metrics {
        let mean = metric.mean(batch, None, &MeanOptions::default())?.mean;
        let swelling = (mean.log_det() - level).exp();
        let mut chart = Chart::new(Axis::linear("x"), Axis::linear("y"))
            .title(format!("{}: det × {swelling:.3}", metric.name()))
            .equal_aspect();
        for point in &data {
            chart = chart.with(Series::new(Mark::ThinLine, outline(point)).muted().label("data"));
        }
        chart = chart.with(Series::new(Mark::Area, outline(&mean)).color(0).label("mean"));
        let corners = chart.series.iter().flat_map(|series| &series.points);
        reach = corners.fold(reach, |reach, p| reach.max(p.0.abs()).max(p.1.abs()));
        charts.push(chart);
    }
    for chart in &mut charts {
        chart.x.range = Some((-1.05 * reach, 1.05 * reach));
        chart.y.range = chart.x.range;
    }
    let columns = charts.len().min(3);
    Ok(Figure::grid(charts, columns, (380, 370)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hadamard_geometry::metrics::{AffineInvariant, Euclidean};
    use nalgebra::{DMatrix, dmatrix};

    #[test]
    fn euclidean_means_swell_and_affine_invariant_ones_do_not() {
        let batch =
            SpdBatch::try_from_matrices(&[dmatrix![4.0, 0.0; 0.0, 0.25], dmatrix![0.25, 0.0; 0.0, 4.0]]).unwrap();
        let figure = means(&[&Euclidean::default(), &AffineInvariant::default()], &batch).unwrap();
        // The arithmetic mean is 2.125 I, of determinant 4.515625; both determinants are 1.
        assert!(figure.charts[0].title.ends_with("4.516"), "{}", figure.charts[0].title);
        assert!(figure.charts[1].title.ends_with("1.000"), "{}", figure.charts[1].title);
        assert_eq!(figure.charts[0].x.range, figure.charts[1].y.range);
    }

    #[test]
    fn orders_that_cannot_be_drawn_are_refused() {
        let batch = SpdBatch::try_from_matrices(&[DMatrix::identity(4, 4)]).unwrap();
        assert!(matches!(
            means(&[&Euclidean::default()], &batch),
            Err(Error::Mismatch { .. })
        ));
        assert!(matches!(means(&[], &batch), Err(Error::Empty { .. })));
    }
}
