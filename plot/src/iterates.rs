//! Iterates of a solver in a box of two variables.

use crate::contour::Grid;
use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// Cells of the grid on which ‖F‖ is sampled for its level lines, along each axis.
const CELLS: usize = 160;
/// Most level lines.
const LEVELS: f64 = 12.0;

/// Ways of a solver through the box l ≤ x ≤ u of two variables, over level lines of ‖F‖.
///
/// `norm(x, y)` is ‖F‖, NaN where it is not defined; it is asked for inside the box only (some 26 000 times). `bounds` holds
/// (l, u) for each variable, infinite ones allowed; the view ends at finite bounds and otherwise a little beyond the ways.
/// `paths` are (name, points from the start on); `names` label the axes, with units. Level lines lie a constant factor
/// apart, which the legend names, and gather at roots.
///
/// # Errors
/// [`Error::Empty`] without a finite point; [`Error::Mismatch`] when a lower bound is not below its upper bound.
pub fn in_box<L: AsRef<str>>(
    norm: impl Fn(f64, f64) -> f64,
    bounds: [(f64, f64); 2],
    names: [&str; 2],
    paths: &[(L, Points)],
) -> Result<Figure> {
    let [x, y] = [|p: &(f64, f64)| p.0, |p: &(f64, f64)| p.1];
    let (x, y) = (view(bounds[0], paths, x)?, view(bounds[1], paths, y)?);
    let inside = |(low, high): (f64, f64), (from, to): (f64, f64)| (low.max(from), high.min(to));
    let grid = Grid::sample(inside(bounds[0], x), inside(bounds[1], y), CELLS, |a, b| {
        norm(a, b).log10()
    });

    let mut chart = Chart::new(
        Axis::linear(names[0]).range(x.0, x.1),
        Axis::linear(names[1]).range(y.0, y.1),
    );
    if let Some((levels, step)) = levels(&grid.values) {
        let gap = [(f64::NAN, f64::NAN)];
        let lines = levels.iter().flat_map(|&level| grid.lines(level));
        let points: Points = lines.flat_map(|line| line.into_iter().chain(gap)).collect();
        let label = format!("‖F‖, lines × {:.3} apart", 10f64.powf(step));
        chart = chart.with(Series::new(Mark::ThinLine, points).muted().label(label));
    }
    // Where a bound is infinite its line lies outside the view and is not drawn.
    let shown = |value: f64, (from, to): (f64, f64)| value.clamp(from, to);
    let [(l1, u1), (l2, u2)] = [
        (shown(bounds[0].0, x), shown(bounds[0].1, x)),
        (shown(bounds[1].0, y), shown(bounds[1].1, y)),
    ];
    let edges = [
        (bounds[0].0, [(l1, l2), (l1, u2)]),
        (bounds[0].1, [(u1, l2), (u1, u2)]),
        (bounds[1].0, [(l1, l2), (u1, l2)]),
        (bounds[1].1, [(l1, u2), (u1, u2)]),
    ];
    for (_, ends) in edges.into_iter().filter(|(bound, _)| bound.is_finite()) {
        chart = chart.with(Series::line(ends).color(6).label("bounds"));
    }
    for (color, (name, points)) in paths.iter().enumerate() {
        chart = chart
            .with(Series::line(points.iter().copied()).label(name.as_ref()).color(color))
            .with(Series::dots(points.iter().copied()).color(color));
    }
    let ends = paths.iter().filter_map(|(_, points)| points.last().copied());
    chart = chart.with(Series::dots(ends).color(6).label("ends"));
    Ok(Figure::grid(vec![chart], 1, (680, 480)))
}

/// The range shown of one variable: what the bounds and the ways span, with a margin that keeps the bounds off the frame.
fn view<L>((low, high): (f64, f64), paths: &[(L, Points)], pick: impl Fn(&(f64, f64)) -> f64) -> Result<(f64, f64)> {
    if low.is_nan() || high.is_nan() || low >= high {
        return Err(Error::Mismatch {
            what: "bounds of a variable",
            expected: "a lower bound below the upper".into(),
            found: format!("{low} and {high}"),
        });
    }
    let seen = || {
        paths
            .iter()
            .flat_map(|path| &path.1)
            .map(&pick)
            .filter(|v| v.is_finite())
    };
    let least = seen()
        .chain([low])
        .filter(|v| v.is_finite())
        .fold(f64::INFINITY, f64::min);
    let greatest = seen()
        .chain([high])
        .filter(|v| v.is_finite())
        .fold(f64::NEG_INFINITY, f64::max);
    if seen().next().is_none() {
        return Err(Error::Empty {
            what: "no finite point on any way",
        });
    }
    // One point and no finite bound still need a view of some width.
    let spread = if greatest > least {
        greatest - least
    } else {
        least.abs().max(1.0)
    };
    Ok((least - 0.05 * spread, greatest + 0.05 * spread))
}

/// Decimal logarithms of the levels and their distance: at most about [`LEVELS`], at multiples of 1/4, 1/2, 1, 2, ... decades.
fn levels(values: &[f64]) -> Option<(Vec<f64>, f64)> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    // The least of all is as deep as the grid happens to hit a root; one in a hundred values lies below the first level.
    let (&low, &high) = (finite.get(finite.len() / 100)?, finite.last()?);
    let mut step = 0.25;
    while (high - low) / step > LEVELS {
        step *= 2.0;
    }
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    Some(((first..=last).map(|k| k as f64 * step).collect(), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_norm_is_asked_for_inside_the_box_only() {
        let norm = |x: f64, y: f64| {
            assert!(x >= 0.0 && (-1.0..=1.0).contains(&y), "{x} {y}");
            x.hypot(y)
        };
        let paths = [("way", vec![(2.0, 0.5), (1.0, 0.2), (0.0, 0.0)])];
        let figure = in_box(norm, [(0.0, f64::INFINITY), (-1.0, 1.0)], ["x", "y"], &paths).unwrap();
        let bounds = figure.charts[0]
            .series
            .iter()
            .filter(|s| s.label.as_deref() == Some("bounds"));
        assert_eq!(bounds.count(), 3);
        assert!(figure.to_svg().is_ok());
    }

    #[test]
    fn boxes_without_inside_and_ways_without_points_are_refused() {
        let way = [("way", vec![(0.5, 0.5)])];
        let one = |_: f64, _: f64| 1.0;
        assert!(in_box(one, [(0.0, 0.0), (0.0, 1.0)], ["x", "y"], &way).is_err());
        assert!(in_box(one, [(0.0, f64::NAN), (0.0, 1.0)], ["x", "y"], &way).is_err());
        assert!(in_box(one, [(0.0, 1.0); 2], ["x", "y"], &[("way", vec![])]).is_err());
        // A constant has no level lines, and nowhere defined ones neither.
        assert!(in_box(one, [(0.0, 1.0); 2], ["x", "y"], &way).is_ok());
        assert!(in_box(|_, _| f64::NAN, [(0.0, 1.0); 2], ["x", "y"], &way).is_ok());
    }
}
