//! Pictures of tangent spaces: where the exponential is defined, and vectors carried along a geodesic.

use std::f64::consts::TAU;

use hadamard_geometry::{Metric, Spd};
use nalgebra::DMatrix;

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};
use crate::geodesics::ellipse;

/// Directions in which the exit from the cone is searched; a multiple of four, so that the axes are among them.
const DIRECTIONS: usize = 360;

/// Boundaries of the domains of exp at one matrix, in the plane of tangent vectors x E₁ + y E₂.
///
/// A metric that is not geodesically complete has geodesics that leave the cone of SPD matrices at a finite time: vectors
/// inside its curve have an exponential, those beyond have none. Complete metrics, whose domain is the whole plane, are
/// listed in the title. `plane` holds E₁ and E₂; `labels` names the two axes.
///
/// # Errors
/// [`Error::Empty`] without metrics; those of [`Metric::exp_domain`].
pub fn exp_domains(metrics: &[&dyn Metric], at: &Spd, plane: [&DMatrix<f64>; 2], labels: [&str; 2]) -> Result<Figure> {
    if metrics.is_empty() {
        return Err(Error::Empty { what: "no metrics" });
    }
    let mut curves = Vec::new();
    let mut everywhere = Vec::new();
    for metric in metrics {
        let boundary = boundary(*metric, at, plane)?;
        if boundary.iter().all(|p| p.0.is_nan()) {
            everywhere.push(metric.name());
        } else {
            curves.push((metric.name(), boundary));
        }
    }
    // A domain may be unbounded in some directions and reach very far in others: the picture ends at six times the
    // farthest of the nearest boundaries, before that when all is seen, or at 1 when there is no boundary.
    let lengths = |curve: &Points| -> Vec<f64> {
        let lengths = curve.iter().map(|p| p.0.hypot(p.1));
        lengths.filter(|length| length.is_finite()).collect()
    };
    let (mut nearest, mut farthest) = (0.0f64, 0.0f64);
    for (_, curve) in &curves {
        let lengths = lengths(curve);
        nearest = nearest.max(lengths.iter().copied().fold(f64::INFINITY, f64::min));
        farthest = lengths.iter().copied().fold(farthest, f64::max);
    }
    let reach = (6.0 * nearest).min(1.1 * farthest);
    let reach = if reach > 0.0 { reach } else { 1.0 };
    let title = if everywhere.is_empty() {
        String::new()
    } else {
        format!("exp is defined everywhere: {}", everywhere.join(", "))
    };
    let axis = |label: &str| Axis::linear(label).range(-reach, reach);
    let mut chart = Chart::new(axis(labels[0]), axis(labels[1])).title(title).equal_aspect();
    for (color, (name, curve)) in curves.into_iter().enumerate() {
        let seen = curve.into_iter().map(|(x, y)| {
            let outside = x.abs() > reach || y.abs() > reach;
            if outside { (f64::NAN, f64::NAN) } else { (x, y) }
        });
        chart = chart.with(Series::line(seen).label(format!("{name}: exp ends")).color(color));
    }
    chart = chart.with(Series::dots([(0.0, 0.0)]).color(6).label("zero vector"));
    Ok(Figure::grid(vec![chart], 1, (720, 480)))
}

/// Where the rays of the plane leave the domain of exp; NaN (a gap) where they never do.
fn boundary(metric: &dyn Metric, at: &Spd, plane: [&DMatrix<f64>; 2]) -> Result<Points> {
    let mut points = Vec::with_capacity(DIRECTIONS + 1);
    for k in 0..=DIRECTIONS {
        let (sin, cos) = (TAU * k as f64 / DIRECTIONS as f64).sin_cos();
        let (_, exit) = metric.exp_domain(at, &(plane[0] * cos + plane[1] * sin))?;
        points.push(if exit.is_finite() {
            (exit * cos, exit * sin)
        } else {
            (f64::NAN, f64::NAN)
        });
    }
    Ok(points)
}

/// A tangent vector X at `from` carried along the geodesic to `to` by parallel transport, one row a metric.
///
/// At each of `samples` parameters t stands the ellipse of Σ(t), filled, and dashed the ellipse of Σ(t) + s X(t), with one
/// s for all: what the carried vector would do to the matrix there. Each step transports from `from` anew. Curved metrics
/// turn the vector as they go; flat ones only re-express it.
///
/// # Errors
/// [`Error::Empty`] without metrics; [`Error::Mismatch`] for fewer than two samples or an order other than 2; those of
/// the metrics.
pub fn transport(
    metrics: &[&dyn Metric],
    from: &Spd,
    to: &Spd,
    vector: &DMatrix<f64>,
    samples: usize,
) -> Result<Figure> {
    let refuse = |what, expected: &str, found: usize| {
        Err(Error::Mismatch {
            what,
            expected: expected.into(),
            found: found.to_string(),
        })
    };
    if metrics.is_empty() {
        return Err(Error::Empty { what: "no metrics" });
    }
    if samples < 2 {
        return refuse("samples of a geodesic", "2 or more", samples);
    }
    if from.order() != 2 {
        return refuse("order of the matrices", "2", from.order());
    }
    let mut rows = Vec::with_capacity(metrics.len());
    for metric in metrics {
        let mut row = Vec::with_capacity(samples);
        for k in 0..samples {
            let t = k as f64 / (samples - 1) as f64;
            let point = metric.geodesic(from, to, t)?;
            let carried = metric.transport(from, &point, vector)?;
            row.push((t, point, carried));
        }
        rows.push(row);
    }
    // The longest s that keeps every Σ + s X inside the cone, halved: the least eigenvalue of Σ⁻¹X decides.
    let steepest = rows
        .iter()
        .flatten()
        .map(|(_, point, carried)| -least_relative(point, carried))
        .fold(0.0, f64::max);
    let step = if steepest > 0.0 { 0.5 / steepest } else { 0.5 };
    let drawn = |point: &Spd, carried: &DMatrix<f64>| [point.matrix().clone(), point.matrix() + carried * step];
    let widest = rows
        .iter()
        .flatten()
        .flat_map(|(_, point, carried)| drawn(point, carried))
        .map(|m| m[(0, 0)].max(m[(1, 1)]).sqrt())
        .fold(0.0, f64::max);
    let gap = 1.0 / (samples - 1) as f64;
    let scale = 0.46 * gap / widest;
    let charts = metrics.iter().zip(&rows).enumerate().map(|(color, (metric, row))| {
        let x = Axis::linear("t (filled: Σ(t), dashed: Σ(t) + s X(t))").range(-0.6 * gap, 1.0 + 0.6 * gap);
        let mut chart = Chart::new(x, Axis::hidden("")).title(metric.name()).equal_aspect();
        for (t, point, carried) in row {
            let moved = |(x, y): (f64, f64)| (t + scale * x, scale * y);
            let [here, there] = drawn(point, carried);
            chart = chart
                .with(Series::new(Mark::Area, ellipse(&here).into_iter().map(moved)).color(color))
                .with(Series::new(Mark::Dashed, ellipse(&there).into_iter().map(moved)).color(6));
        }
        chart
    });
    Ok(Figure::grid(charts.collect(), 1, (900, 190)))
}

/// The least eigenvalue of Σ⁻¹X, the roots of det(X − λΣ) for order 2.
fn least_relative(point: &Spd, x: &DMatrix<f64>) -> f64 {
    let s = point.matrix();
    let whole = s[(0, 0)] * s[(1, 1)] - s[(0, 1)] * s[(0, 1)];
    let half_sum = 0.5 * (s[(1, 1)] * x[(0, 0)] - 2.0 * s[(0, 1)] * x[(0, 1)] + s[(0, 0)] * x[(1, 1)]) / whole;
    let product = (x[(0, 0)] * x[(1, 1)] - x[(0, 1)] * x[(0, 1)]) / whole;
    half_sum - (half_sum * half_sum - product).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hadamard_geometry::metrics::{AffineInvariant, BuresWasserstein, Euclidean};
    use nalgebra::dmatrix;

    #[test]
    fn the_euclidean_domain_ends_where_the_line_leaves_the_cone() {
        let at = Spd::try_new(dmatrix![2.0, 0.3; 0.3, 1.0]).unwrap();
        let (e1, e2) = (dmatrix![1.0, 0.0; 0.0, -1.0], dmatrix![0.0, 1.0; 1.0, 0.0]);
        let euclidean = Euclidean::default();
        for (x, y) in boundary(&euclidean, &at, [&e1, &e2]).unwrap() {
            let rim = at.matrix() + &e1 * x + &e2 * y;
            // One eigenvalue is zero: the determinant vanishes relative to the product of the diagonal.
            assert!(rim.determinant().abs() < 1e-13, "{rim}");
        }
    }

    #[test]
    fn complete_metrics_have_no_boundary() {
        let at = Spd::identity(2).unwrap();
        let (e1, e2) = (dmatrix![1.0, 0.0; 0.0, -1.0], dmatrix![0.0, 1.0; 1.0, 0.0]);
        let affine = AffineInvariant::default();
        assert!(boundary(&affine, &at, [&e1, &e2]).unwrap().iter().all(|p| p.0.is_nan()));
        let figure = exp_domains(&[&affine, &BuresWasserstein], &at, [&e1, &e2], ["x", "y"]).unwrap();
        assert!(figure.charts[0].title.contains("ffine"));
    }

    #[test]
    fn the_carried_ellipses_stay_ellipses() {
        let a = Spd::try_new(dmatrix![2.0, 0.9; 0.9, 0.6]).unwrap();
        let b = Spd::try_new(dmatrix![0.5, -0.2; -0.2, 1.5]).unwrap();
        let x = dmatrix![0.0, -1.0; -1.0, 0.5];
        let figure = transport(&[&AffineInvariant::default(), &BuresWasserstein], &a, &b, &x, 5).unwrap();
        let points = figure.charts.iter().flat_map(|c| &c.series).flat_map(|s| &s.points);
        assert!(points.into_iter().all(|p| p.0.is_finite() && p.1.is_finite()));
        assert!(transport(&[&BuresWasserstein], &a, &b, &x, 1).is_err());
        assert!(transport(&[], &a, &b, &x, 3).is_err());
    }
}
