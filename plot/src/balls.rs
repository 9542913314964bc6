//! Distance balls of several metrics side by side, in a slice of the cone SPD(2).

use std::f64::consts::TAU;

use hadamard_geometry::{Metric, Spd};
use nalgebra::{DMatrix, dmatrix};

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// Rays on which the boundary of a ball is searched.
const RAYS: usize = 180;
/// Halvings of a ray: the boundary is found to 2⁻²⁴ of the radius of the slice, far below a pixel.
const HALVINGS: usize = 24;

/// Balls {Σ : d(C, Σ) ≤ r} around one centre, one chart a metric, in the slice tr Σ = tr C.
///
/// The slice of SPD(2) is the open disc of the points ((a − c)/2, b) with norm below tr C / 2; its rim (grey) holds the
/// singular matrices. Balls of complete metrics keep away from the rim; those of the others reach it at finite radius,
/// and the part of their boundary beyond the rim is not there. Points of `marked` (means, data) are projected to the
/// slice by scaling them to the trace of C.
///
/// Each ball takes some 4000 distances: seconds for metrics without a closed form, which shoot for each.
///
/// # Errors
/// [`Error::Empty`] without metrics or radii; [`Error::Mismatch`] when a matrix is not of order 2 or a radius is not
/// positive, increasing and finite; those of the metrics.
pub fn balls(metrics: &[&dyn Metric], centre: &Spd, radii: &[f64], marked: &[(&str, Spd)]) -> Result<Figure> {
    for point in std::iter::once(centre).chain(marked.iter().map(|m| &m.1)) {
        if point.order() != 2 {
            return Err(mismatch("order of a matrix", "2", point.order()));
        }
    }
    if metrics.is_empty() || radii.is_empty() {
        return Err(Error::Empty {
            what: "no metrics or no radii",
        });
    }
    let ordered = radii[0] > 0.0 && radii.windows(2).all(|w| w[0] < w[1]);
    if !ordered || radii.last() == Some(&f64::INFINITY) {
        return Err(mismatch(
            "radii",
            "positive, increasing and finite",
            format!("{radii:?}"),
        ));
    }
    let half = 0.5 * centre.matrix().trace();
    let rim = (0..=RAYS).map(|k| {
        let (sin, cos) = (TAU * k as f64 / RAYS as f64).sin_cos();
        (half * cos, half * sin)
    });
    let mut charts = Vec::with_capacity(metrics.len());
    for metric in metrics {
        let frame = (
            Axis::linear("(a − c)/2").range(-1.05 * half, 1.05 * half),
            Axis::linear("b").range(-1.05 * half, 1.05 * half),
        );
        let mut chart = Chart::new(frame.0, frame.1).title(metric.name()).equal_aspect();
        chart = chart.with(Series::new(Mark::ThinLine, rim.clone()).muted().label("singular"));
        for (color, &radius) in radii.iter().enumerate() {
            let edge = boundary(*metric, centre, radius, half)?;
            chart = chart.with(Series::line(edge).label(format!("d = {radius}")).color(color));
        }
        chart = chart.with(Series::dots([place(centre.matrix(), half)]).color(6).label("centre"));
        for (index, (label, point)) in marked.iter().enumerate() {
            chart = chart.with(
                Series::dots([place(point.matrix(), half)])
                    .color(radii.len() + index)
                    .label(*label),
            );
        }
        charts.push(chart);
    }
    let columns = charts.len().min(3);
    Ok(Figure::grid(charts, columns, (380, 370)))
}

fn mismatch(what: &'static str, expected: &str, found: impl ToString) -> Error {
    Error::Mismatch {
        what,
        expected: expected.into(),
        found: found.to_string(),
    }
}

/// ((a − c)/2, b) after scaling to the trace 2·half.
fn place(m: &DMatrix<f64>, half: f64) -> (f64, f64) {
    let scale = 2.0 * half / m.trace();
    (0.5 * scale * (m[(0, 0)] - m[(1, 1)]), scale * m[(0, 1)])
}

/// Where rays from the centre reach distance `radius`; NaN (a gap) where they meet the rim before.
fn boundary(metric: &dyn Metric, centre: &Spd, radius: f64, half: f64) -> Result<Points> {
    let (x0, y0) = place(centre.matrix(), half);
    let mut points = Vec::with_capacity(RAYS + 1);
    for k in 0..=RAYS {
        let (sin, cos) = (TAU * k as f64 / RAYS as f64).sin_cos();
        // The ray leaves the disc |p| < half at s = −p·u + √((p·u)² + half² − |p|²).
        let along = x0 * cos + y0 * sin;
        let reach = -along + (along * along + half * half - x0 * x0 - y0 * y0).max(0.0).sqrt();
        let at = |s: f64| (x0 + s * cos, y0 + s * sin);
        let inside = |s: f64| -> Result<bool> {
            let (x, y) = at(s);
            match Spd::try_new(dmatrix![half + x, y; y, half - x]) {
                Ok(point) => Ok(metric.distance(centre, &point)? <= radius),
                Err(_) => Ok(false),
            }
        };
        let (mut low, mut high) = (0.0, reach);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if inside(middle)? { low = middle } else { high = middle }
        }
        let met_rim = high >= reach * (1.0 - 1e-6);
        points.push(if met_rim { (f64::NAN, f64::NAN) } else { at(low) });
    }
    Ok(points)
}
