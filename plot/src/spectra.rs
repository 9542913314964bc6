//! Pictures of spectra: where along a matrix the difference of two eigenvalue counts arises.

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Series};

/// Nodes beyond which their dots would cover the line.
const MOST_DOTS: usize = 150;

/// The weighted sign changes (nodes) of the Wronskian of two solutions along the rows of their matrices.
///
/// `steps[k]` is the weight of step k: +1 where the second matrix gains an eigenvalue below the energy, -1 where it loses
/// one, 0 elsewhere. The line is the running sum, which ends at the difference of the two counts; the dots are the nodes,
/// left out where there are more than 150.
///
/// # Errors
/// [`Error::Empty`] without steps.
pub fn wronskian_nodes(label: &str, steps: &[i8]) -> Result<Figure> {
    if steps.is_empty() {
        return Err(Error::Empty {
            what: "no steps of a Wronskian",
        });
    }
    let mut sum = 0.0;
    let mut line = vec![(0.0, 0.0)];
    let mut nodes = [Vec::new(), Vec::new()];
    for (k, &step) in steps.iter().enumerate().filter(|&(_, &step)| step != 0) {
        sum += f64::from(step);
        line.push((k as f64, sum));
        nodes[usize::from(step < 0)].push((k as f64, sum));
    }
    line.push((steps.len() as f64, sum));
    let mut chart = Chart::new(Axis::linear("row"), Axis::linear("difference of the counts so far"))
        .with(Series::new(Mark::Steps, line).label(label).color(0));
    let [gained, lost] = nodes;
    if gained.len() + lost.len() > MOST_DOTS {
        return Ok(Figure::single(chart));
    }
    for (color, name, nodes) in [(2, "gained (+1)", gained), (1, "lost (−1)", lost)] {
        if !nodes.is_empty() {
            chart = chart.with(Series::dots(nodes).label(name).color(color));
        }
    }
    Ok(Figure::single(chart))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_ends_at_the_sum_of_the_steps() {
        let steps = [0, 1, 1, 0, -1, 1, 0];
        let figure = wronskian_nodes("w", &steps).unwrap();
        let series = &figure.charts[0].series;
        assert_eq!(*series[0].points.last().unwrap(), (7.0, 2.0));
        assert_eq!(series[1].points, [(1.0, 1.0), (2.0, 2.0), (5.0, 2.0)]);
        assert_eq!(series[2].points, [(4.0, 1.0)]);
        assert!(wronskian_nodes("", &[]).is_err());
    }
}
