//! Clouds of points in the plane, and clouds of SPD matrices brought to it.

use hadamard_geometry::eigen;
use hadamard_geometry::sliced::{LogCloud, packed_len};
use nalgebra::{DMatrix, DVector};

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

/// Clouds of SPD matrices before and after an alignment, on the first two principal axes of all their logarithms.
///
/// `stages` holds (title, clouds), a cloud being (name, matrices); the axes are those of the clouds of all stages together
/// and their labels say which share of the variance they hold. Distances in the picture are at most log-Euclidean
/// distances. Costs O(n² d² + n³) for n matrices of order d in all.
///
/// # Errors
/// [`Error::Empty`] with fewer than two matrices; [`Error::Mismatch`] when orders differ.
pub fn domains<L: AsRef<str>>(stages: &[(&str, Vec<(L, &LogCloud)>)]) -> Result<Figure> {
    let all: Vec<&LogCloud> = stages.iter().flat_map(|stage| &stage.1).map(|cloud| cloud.1).collect();
    let order = all.first().map_or(0, |cloud| cloud.order());
    if let Some(other) = all.iter().find(|cloud| cloud.order() != order) {
        return Err(Error::Mismatch {
            what: "order of a cloud",
            expected: order.to_string(),
            found: other.order().to_string(),
        });
    }
    let size = packed_len(order);
    let rows: Vec<&[f64]> = all.iter().flat_map(|cloud| cloud.rows().chunks_exact(size)).collect();
    if rows.len() < 2 {
        return Err(Error::Empty {
            what: "fewer than two matrices in all clouds",
        });
    }
    let mut centred = DMatrix::from_fn(rows.len(), size, |i, k| rows[i][k]);
    let mean = centred.row_mean();
    centred.row_iter_mut().for_each(|mut row| row -= &mean);
    // Through the Gram matrix: there are usually fewer matrices than coordinates.
    let gram = eigen::symmetric_eigen(&(&centred * centred.transpose()));
    let total: f64 = gram.values.iter().filter(|&&v| v > 0.0).sum();
    let last = gram.values.len() - 1;
    let axis = |k: usize| {
        let mut axis: DVector<f64> = centred.transpose() * gram.vectors.column(k);
        // Either sign would do; the largest entry decides, so that it does not hang on the eigensolver.
        if axis[axis.iamax()] < 0.0 {
            axis.neg_mut();
        }
        axis.normalize_mut();
        axis
    };
    let axes = [axis(last), axis(last - 1)];
    let along = |row: &[f64], k: usize| -> f64 {
        let terms = row.iter().zip(mean.iter()).zip(axes[k].iter());
        terms.map(|((x, m), a)| (x - m) * a).sum()
    };
    let project = |cloud: &LogCloud| -> Points {
        let rows = cloud.rows().chunks_exact(size);
        rows.map(|row| (along(row, 0), along(row, 1))).collect()
    };
    let charts: Vec<(&str, Vec<(&str, Points)>)> = stages
        .iter()
        .map(|(title, clouds)| {
            let clouds = clouds.iter().map(|(name, cloud)| (name.as_ref(), project(cloud)));
            (*title, clouds.collect())
        })
        .collect();
    let label = |name: &str, k: usize| {
        let share = if total > 0.0 {
            100.0 * gram.values[k] / total
        } else {
            0.0
        };
        format!("{name} principal axis of log C ({share:.0} % of variance)")
    };
    scatter(&label("1st", last), &label("2nd", last - 1), &charts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hadamard_geometry::SpdBatch;

    fn cloud(diagonals: &[[f64; 2]]) -> LogCloud {
        let matrices: Vec<DMatrix<f64>> = diagonals
            .iter()
            .map(|d| DMatrix::from_diagonal(&DVector::from_column_slice(d)))
            .collect();
        LogCloud::try_new(&SpdBatch::try_from_matrices(&matrices).unwrap()).unwrap()
    }

    #[test]
    fn clouds_in_a_plane_keep_their_distances() {
        let (a, b) = (cloud(&[[1.0, 1.0], [2.0, 1.0]]), cloud(&[[3.0, 4.0], [1.0, 5.0]]));
        let figure = domains(&[("before", vec![("a", &a), ("b", &b)])]).unwrap();
        let points: Points = figure.charts[0].series.iter().flat_map(|s| s.points.clone()).collect();
        let distance = |p: (f64, f64), q: (f64, f64)| (p.0 - q.0).hypot(p.1 - q.1);
        // log-Euclidean distances of commuting matrices: those of the logarithms of the eigenvalues.
        assert!((distance(points[0], points[1]) - 2f64.ln()).abs() < 1e-14);
        assert!((distance(points[1], points[2]) - 1.5f64.ln().hypot(4f64.ln())).abs() < 1e-14);
    }

    #[test]
    fn what_has_no_axes_is_refused() {
        let one = cloud(&[[1.0, 2.0]]);
        assert!(domains(&[("before", vec![("a", &one)])]).is_err());
        assert!(domains::<&str>(&[]).is_err());
        assert!(scatter::<&str>("x", "y", &[("", vec![])]).is_err());
    }
}
