//! Clouds of points in the plane.

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Points, Series};

/// Charts side by side, each with named clouds of points on the same axes (before and after an alignment, say).
///
/// `charts` holds (title, clouds), a cloud being (name, points). All charts share one range, so that they compare.
///
/// # Errors
/// [`Error::Empty`] without a point.
pub fn scatter<L: AsRef<str>>(x: &str, y: &str, charts: &[(&str, Vec<(L, Points)>)]) -> Result<Figure> {
    let all = || charts.iter().flat_map(|c| &c.1).flat_map(|cloud| &cloud.1);
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let values = || all().map(pick).filter(|v| v.is_finite());
        let (least, greatest) = (
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        );
        let margin = 0.05 * (greatest - least).max(f64::MIN_POSITIVE.sqrt());
        (least <= greatest).then_some((least - margin, greatest + margin))
    };
    let (Some(xs), Some(ys)) = (range(|p| p.0), range(|p| p.1)) else {
        return Err(Error::Empty {
            what: "no finite point in any cloud",
        });
    };
    let drawn = charts.iter().map(|(title, clouds)| {
        let mut chart = Chart::new(Axis::linear(x).range(xs.0, xs.1), Axis::linear(y).range(ys.0, ys.1)).title(*title);
        for (label, points) in clouds {
            chart = chart.with(Series::dots(points.iter().copied()).label(label.as_ref()));
        }
        chart
    });
    Ok(Figure::grid(drawn.collect(), charts.len(), (520, 400)))
}
