//! Pictures of spectra: densities of states, spectral shifts, and where along a matrix a difference of counts arises.

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// Nodes beyond which their dots would cover the line.
const MOST_DOTS: usize = 150;

/// Integrated densities of states and, beside them, the densities.
///
/// `integrated` holds (name, N), N\[i\] being the share of the eigenvalues below `edges[i]`; the density in a cell is the
/// difference of N over the width of the cell, and integrates to the share of the eigenvalues inside the edges. `energy`
/// is the label of the horizontal axis, with its unit.
///
/// # Errors
/// [`Error::Empty`] with fewer than two edges or without a curve; [`Error::Mismatch`] when edges do not increase or a curve
/// has another length.
pub fn density_of_states<L: AsRef<str>>(energy: &str, edges: &[f64], integrated: &[(L, Vec<f64>)]) -> Result<Figure> {
    if edges.len() < 2 {
        return Err(Error::Empty {
            what: "fewer than two edges",
        });
    }
    increasing("edges", edges)?;
    let lengths = integrated.iter().map(|(name, values)| (name.as_ref(), values.len()));
    same_length("values of a density", edges.len(), lengths)?;
    let mut charts = [
        ("integrated density", "share of states below E"),
        ("density", "states / unit of E / row"),
    ]
    .map(|(title, y)| Chart::new(Axis::linear(energy), Axis::linear(y)).title(title));
    for (color, (name, values)) in integrated.iter().enumerate() {
        let steps = |points: Points| Series::new(Mark::Steps, points).label(name.as_ref()).color(color);
        let curve = edges.iter().copied().zip(values.iter().copied());
        charts[0].series.push(steps(curve.collect()));
        let cells = edges.windows(2).zip(values.windows(2));
        let mut density: Points = cells.map(|(e, n)| (e[0], (n[1] - n[0]) / (e[1] - e[0]))).collect();
        density.extend(density.last().map(|last| (edges[edges.len() - 1], last.1)));
        charts[1].series.push(steps(density));
    }
    Ok(Figure::grid(charts.into(), 2, (560, 380)))
}

/// Spectral shift functions ξ(E) = #{λ₀ ≤ E} − #{λ₁ ≤ E}: how many eigenvalues a perturbation has carried upwards past E.
///
/// `shifts` holds (name, ξ at each of `energies`); `energy` is the label of the horizontal axis, with its unit. The line
/// at zero is grey.
///
/// # Errors
/// [`Error::Empty`] without energies or curves; [`Error::Mismatch`] when energies do not increase or a curve has another
/// length.
pub fn spectral_shift<L: AsRef<str>>(energy: &str, energies: &[f64], shifts: &[(L, Vec<i64>)]) -> Result<Figure> {
    let (Some(&first), Some(&last)) = (energies.first(), energies.last()) else {
        return Err(Error::Empty { what: "no energies" });
    };
    increasing("energies", energies)?;
    let lengths = shifts.iter().map(|(name, values)| (name.as_ref(), values.len()));
    same_length("values of a spectral shift", energies.len(), lengths)?;
    let mut chart = Chart::new(Axis::linear(energy), Axis::linear("spectral shift (states)"))
        .with(Series::new(Mark::ThinLine, [(first, 0.0), (last, 0.0)]).muted());
    for (color, (name, values)) in shifts.iter().enumerate() {
        let points = energies.iter().zip(values).map(|(&x, &shift)| (x, shift as f64));
        chart = chart.with(Series::new(Mark::Steps, points).label(name.as_ref()).color(color));
    }
    Ok(Figure::single(chart))
}

fn increasing(what: &'static str, values: &[f64]) -> Result<()> {
    match values
        .windows(2)
        .find(|pair| pair[0].partial_cmp(&pair[1]) != Some(Ordering::Less))
    {
        Some(pair) => Err(Error::Mismatch {
            what,
            expected: "increasing numbers".into(),
            found: format!("{} before {}", pair[0], pair[1]),
        }),
        None => Ok(()),
    }
}

fn same_length<'a>(
    what: &'static str,
    expected: usize,
    lengths: impl ExactSizeIterator<Item = (&'a str, usize)>,
) -> Result<()> {
    if lengths.len() == 0 {
        return Err(Error::Empty { what: "no curves" });
    }
    for (name, length) in lengths {
        if length != expected {
            return Err(Error::Mismatch {
                what,
                expected: expected.to_string(),
                found: format!("{length} for {name}"),
            });
        }
    }
    Ok(())
}

/// The weighted sign changes (nodes) of the Wronskian of two solutions along the rows of their matrices.
///
/// `steps[k]` is the weight of step k: +1 where the second matrix gains an eigenvalue below the energy, -1 where it loses
/// one, 0 elsewhere. The line is the running sum, which ends at the difference of the two counts; the dots are the nodes,
/// left out where there are more than 150. `label` is the title.
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
    let mut chart = Chart::new(Axis::linear("row"), Axis::linear("difference of the counts so far")).title(label);
    let [gained, lost] = nodes;
    if gained.len() + lost.len() > MOST_DOTS {
        // Steps this dense would run into each other unless they are thin.
        let corners = line.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
        let corners: Points = corners.chain(line.last().copied()).collect();
        return Ok(Figure::single(chart.with(Series::new(Mark::ThinLine, corners))));
    }
    chart = chart.with(Series::new(Mark::Steps, line).color(0));
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
    fn densities_integrate_to_the_share_inside_the_edges() {
        let edges = [0.0, 1.0, 3.0];
        let figure = density_of_states("E", &edges, &[("chain", vec![0.25, 0.5, 1.0])]).unwrap();
        let density = &figure.charts[1].series[0].points;
        assert_eq!(*density, [(0.0, 0.25), (1.0, 0.25), (3.0, 0.25)]);
        assert!(density_of_states("E", &[0.0, 0.0], &[("chain", vec![0.0, 1.0])]).is_err());
        assert!(density_of_states("E", &[0.0, f64::NAN], &[("chain", vec![0.0, 1.0])]).is_err());
        assert!(density_of_states("E", &edges, &[("chain", vec![0.0, 1.0])]).is_err());
        assert!(density_of_states::<&str>("E", &edges, &[]).is_err());
    }

    #[test]
    fn a_shift_has_one_value_an_energy() {
        let figure = spectral_shift("E", &[-1.0, 1.0], &[("a", vec![0, -2])]).unwrap();
        assert_eq!(figure.charts[0].series[1].points, [(-1.0, 0.0), (1.0, -2.0)]);
        assert!(spectral_shift("E", &[-1.0, 1.0], &[("a", vec![0])]).is_err());
        assert!(spectral_shift::<&str>("E", &[], &[]).is_err());
    }

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
