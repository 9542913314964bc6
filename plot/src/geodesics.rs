//! Geodesics of SPD matrices: ellipses, curves in the cone SPD(2), invariants along t.

use std::f64::consts::TAU;

use hadamard_geometry::{Metric, Spd};
use nalgebra::{DMatrix, Matrix2x3};

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// A curve t ↦ Σ(t) of SPD matrices of one order, sampled.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Name in legends.
    pub label: String,
    /// Parameters, increasing.
    pub t: Vec<f64>,
    /// The matrices Σ(t).
    pub points: Vec<Spd>,
}

impl Curve {
    /// The geodesic of `metric` from `a` to `b` at `samples` (two or more) equidistant parameters in [0, 1].
    ///
    /// # Errors
    /// [`Error::Mismatch`] for fewer than two samples; those of the metric.
    pub fn geodesic(metric: &dyn Metric, a: &Spd, b: &Spd, samples: usize) -> Result<Self> {
        if samples < 2 {
            return Err(mismatch("samples of a curve", "2 or more", samples));
        }
        let t: Vec<f64> = (0..samples).map(|k| k as f64 / (samples - 1) as f64).collect();
        let points = t
            .iter()
            .map(|&t| metric.geodesic(a, b, t))
            .collect::<hadamard_geometry::Result<_>>()?;
        Ok(Self {
            label: metric.name(),
            t,
            points,
        })
    }
}

fn mismatch(what: &'static str, expected: &str, found: impl ToString) -> Error {
    Error::Mismatch {
        what,
        expected: expected.into(),
        found: found.to_string(),
    }
}

/// Order shared by all points of all curves.
fn common_order(curves: &[Curve]) -> Result<usize> {
    let mut points = curves.iter().flat_map(|c| &c.points);
    let order = points
        .next()
        .ok_or(Error::Empty {
            what: "no points on any curve",
        })?
        .order();
    match points.find(|p| p.order() != order) {
        Some(other) => Err(mismatch("order of a matrix", &order.to_string(), other.order())),
        None => Ok(order),
    }
}

/// One row of ellipses {x : xᵀ Σ(t)⁻¹ x = 1} a curve, centred at t.
///
/// Matrices of order 3 are shown as the outline of the ellipsoid under an orthographic projection, with its three
/// principal sections. All rows share one scale; lengths are relative.
///
/// # Errors
/// [`Error::Empty`] without points; [`Error::Mismatch`] when the order is neither 2 nor 3 or differs.
pub fn ellipses(curves: &[Curve]) -> Result<Figure> {
    let order = common_order(curves)?;
    if order != 2 && order != 3 {
        return Err(mismatch("order of the matrices", "2 or 3", order));
    }
    let samples = curves.iter().map(|c| c.points.len()).max().unwrap_or(1);
    let widest = curves
        .iter()
        .flat_map(|c| &c.points)
        .map(|p| p.eigenvalues()[order - 1].sqrt())
        .fold(0.0, f64::max);
    let gap = 1.0 / (samples.max(2) - 1) as f64;
    let scale = 0.46 * gap / widest;
    let charts = curves.iter().enumerate().map(|(color, curve)| {
        let range = Axis::linear("t").range(-0.6 * gap, 1.0 + 0.6 * gap);
        let mut chart = Chart::new(range, Axis::hidden("")).title(&curve.label).equal_aspect();
        for (&t, point) in curve.t.iter().zip(&curve.points) {
            let moved = |(x, y): (f64, f64)| (t + scale * x, scale * y);
            chart = chart.with(Series::new(Mark::Area, outline(point).into_iter().map(moved)).color(color));
            if order == 3 {
                for section in principal_sections(point) {
                    let thin = Series::new(Mark::ThinLine, section.into_iter().map(moved)).color(color);
                    chart = chart.with(thin);
                }
            }
        }
        chart
    });
    let charts: Vec<Chart> = charts.collect();
    Ok(Figure::grid(charts, 1, (900, 180)))
}

/// The ellipse of a matrix of order 2, the outline of the projected ellipsoid of one of order 3.
pub(crate) fn outline(point: &Spd) -> Points {
    match point.order() {
        2 => ellipse(point.matrix()),
        _ => ellipse(&projected(point.matrix())),
    }
}

const CORNERS: usize = 72;

/// The ellipse {x : xᵀ S⁻¹ x = 1} of a 2 x 2 SPD matrix: L (cos, sin)ᵀ with S = L Lᵀ.
pub(crate) fn ellipse(s: &DMatrix<f64>) -> Points {
    let l11 = s[(0, 0)].sqrt();
    let l21 = s[(1, 0)] / l11;
    let l22 = (s[(1, 1)] - l21 * l21).max(0.0).sqrt();
    (0..=CORNERS)
        .map(|k| {
            let (sin, cos) = (TAU * k as f64 / CORNERS as f64).sin_cos();
            (l11 * cos, l21 * cos + l22 * sin)
        })
        .collect()
}

/// Rows: the horizontal and the vertical direction of the picture, seen from azimuth 35 and elevation 25 degrees.
fn view() -> Matrix2x3<f64> {
    let (sa, ca) = 35f64.to_radians().sin_cos();
    let (se, ce) = 25f64.to_radians().sin_cos();
    Matrix2x3::new(-sa, ca, 0.0, -ca * se, -sa * se, ce)
}

/// The outline of the ellipsoid of Σ under the projection P is the ellipse of P Σ Pᵀ.
fn projected(sigma: &DMatrix<f64>) -> DMatrix<f64> {
    let p = view();
    let s = p * sigma.fixed_view::<3, 3>(0, 0) * p.transpose();
    DMatrix::from_column_slice(2, 2, s.as_slice())
}

/// The three ellipses in which planes through two principal axes cut the ellipsoid, projected.
fn principal_sections(point: &Spd) -> Vec<Points> {
    let eigen = point.eigen();
    let axes: Vec<_> = (0..3)
        .map(|i| view() * eigen.vectors.column(i).fixed_rows::<3>(0) * eigen.values[i].sqrt())
        .collect();
    [(0, 1), (0, 2), (1, 2)]
        .iter()
        .map(|&(i, j)| {
            (0..=CORNERS)
                .map(|k| {
                    let (sin, cos) = (TAU * k as f64 / CORNERS as f64).sin_cos();
                    let q = axes[i] * cos + axes[j] * sin;
                    (q[0], q[1])
                })
                .collect()
        })
        .collect()
}

/// The curves inside the cone SPD(2), drawn with its surface.
///
/// [[a, b], [b, c]] stands at ((a − c)/2, b, (a + c)/2); the cone is z > √(x² + y²), singular matrices form its surface
/// and multiples of the identity its axis.
///
/// # Errors
/// [`Error::Empty`] without points; [`Error::Mismatch`] when the order is not 2.
pub fn cone(curves: &[Curve]) -> Result<Figure> {
    if common_order(curves)? != 2 {
        return Err(mismatch("order of the matrices", "2", curves[0].points[0].order()));
    }
    let place = |m: &DMatrix<f64>| {
        let (a, b, c) = (m[(0, 0)], m[(0, 1)], m[(1, 1)]);
        seen(0.5 * (a - c), b, 0.5 * (a + c))
    };
    let top = 1.1
        * curves
            .iter()
            .flat_map(|c| &c.points)
            .map(|p| 0.5 * p.matrix().trace())
            .fold(0.0, f64::max);
    let mut chart = Chart::new(Axis::hidden(""), Axis::hidden("")).equal_aspect();
    chart.x.label = "(a − c)/2 and b, seen from above the side; up: (a + c)/2".into();
    for height in [0.25, 0.5, 0.75, 1.0] {
        let r = height * top;
        let ring = (0..=CORNERS).map(|k| {
            let (sin, cos) = (TAU * k as f64 / CORNERS as f64).sin_cos();
            seen(r * cos, r * sin, r)
        });
        chart = chart.with(Series::new(Mark::ThinLine, ring).muted());
    }
    for k in 0..24 {
        let (sin, cos) = (TAU * f64::from(k) / 24.0).sin_cos();
        chart = chart.with(Series::new(Mark::ThinLine, [seen(0.0, 0.0, 0.0), seen(top * cos, top * sin, top)]).muted());
    }
    chart = chart.with(
        Series::new(Mark::Dashed, [seen(0.0, 0.0, 0.0), seen(0.0, 0.0, top)])
            .muted()
            .label("multiples of I"),
    );
    for (color, curve) in curves.iter().enumerate() {
        let path = curve.points.iter().map(|p| place(p.matrix()));
        chart = chart.with(Series::line(path).label(&curve.label).color(color));
    }
    let ends = curves
        .iter()
        .flat_map(|c| [c.points.first(), c.points.last()])
        .flatten()
        .map(|p| place(p.matrix()));
    chart = chart.with(Series::dots(ends).color(6).label("ends"));
    Ok(Figure::grid(vec![chart], 1, (720, 420)))
}

/// Orthographic view of a point of space from elevation 22 degrees.
fn seen(x: f64, y: f64, z: f64) -> (f64, f64) {
    let (sa, ca) = 20f64.to_radians().sin_cos();
    let (se, ce) = 22f64.to_radians().sin_cos();
    (ca * x - sa * y, se * (sa * x + ca * y) + ce * z)
}

/// Eigenvalues, determinant and trace along the curves.
///
/// The determinant shows swelling: it stays between its end values on affine-invariant and log-Euclidean geodesics
/// (it is log-linear there) and exceeds both on Euclidean ones.
///
/// # Errors
/// [`Error::Empty`] without points; [`Error::Mismatch`] when the orders differ.
pub fn invariants(curves: &[Curve]) -> Result<Figure> {
    let order = common_order(curves)?;
    let mut charts = [
        ("eigenvalues", Axis::log("eigenvalue")),
        ("determinant", Axis::log("det Σ(t)")),
        ("trace", Axis::linear("tr Σ(t)")),
    ]
    .map(|(title, y)| Chart::new(Axis::linear("t"), y).title(title));
    for (color, curve) in curves.iter().enumerate() {
        let along = |f: &dyn Fn(&Spd) -> f64| {
            let points: Vec<_> = curve.t.iter().zip(&curve.points).map(|(&t, p)| (t, f(p))).collect();
            Series::line(points).label(&curve.label).color(color)
        };
        for i in 0..order {
            charts[0].series.push(along(&|p| p.eigenvalues()[i]));
        }
        charts[1].series.push(along(&|p| p.log_det().exp()));
        charts[2].series.push(along(&|p| p.matrix().trace()));
    }
    Ok(Figure::grid(charts.into(), 1, (720, 300)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::dmatrix;

    #[test]
    fn outline_lies_on_the_ellipse() {
        let s = dmatrix![2.0, 0.7; 0.7, 0.5];
        let inverse = s.clone().try_inverse().unwrap();
        for (x, y) in ellipse(&s) {
            let v = nalgebra::dvector![x, y];
            assert!(((v.transpose() * &inverse * &v)[0] - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn the_view_is_orthonormal() {
        let product = view() * view().transpose();
        assert!((product - nalgebra::Matrix2::identity()).norm() < 1e-15);
    }

    #[test]
    fn wrong_orders_are_refused() {
        let four = Spd::identity(4).unwrap();
        let curve = Curve {
            label: "c".into(),
            t: vec![0.0],
            points: vec![four],
        };
        assert!(matches!(
            ellipses(std::slice::from_ref(&curve)),
            Err(Error::Mismatch { .. })
        ));
        assert!(matches!(cone(&[curve]), Err(Error::Mismatch { .. })));
        assert!(matches!(ellipses(&[]), Err(Error::Empty { .. })));
    }
}
