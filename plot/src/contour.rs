//! Level lines of a function sampled on a grid, by marching squares.

use std::collections::HashMap;

use crate::figure::Points;

/// Values at the corners of a grid: `values[j * columns + i]` at (x[i], y[j]).
pub(crate) struct Grid {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) values: Vec<f64>,
}

/// An edge of the grid: its corner of least index, and whether it goes up (true) or right.
type Edge = (usize, bool);

impl Grid {
    /// Samples `f` at `cells` + 1 equidistant positions of each range.
    pub(crate) fn sample(x: (f64, f64), y: (f64, f64), cells: usize, f: impl Fn(f64, f64) -> f64) -> Self {
        let positions = |(low, high): (f64, f64)| -> Vec<f64> {
            (0..=cells)
                .map(|k| low + (high - low) * k as f64 / cells as f64)
                .collect()
        };
        let (x, y) = (positions(x), positions(y));
        let values = y
            .iter()
            .flat_map(|&b| x.iter().map(move |&a| (a, b)))
            .map(|(a, b)| f(a, b))
            .collect();
        Self { x, y, values }
    }

    /// Lines along which the values, interpolated linearly on the edges of the grid, are `level`. Cells with a value that
    /// is not finite have none.
    pub(crate) fn lines(&self, level: f64) -> Vec<Points> {
        let mut joined: HashMap<Edge, Vec<Edge>> = HashMap::new();
        // In the order of the grid: the lines, and so the bytes of a picture, do not depend on the hash.
        let mut order = Vec::new();
        let columns = self.x.len();
        for j in 0..self.y.len() - 1 {
            for i in 0..columns - 1 {
                for (a, b) in self.segments(j * columns + i, columns, level) {
                    for (from, to) in [(a, b), (b, a)] {
                        let ends = joined.entry(from).or_default();
                        if ends.is_empty() {
                            order.push(from);
                        }
                        ends.push(to);
                    }
                }
            }
        }
        // Open lines first, from one of their ends; what is left are loops.
        let mut lines = Vec::new();
        for open in [true, false] {
            for &start in &order {
                if joined[&start].len() == usize::from(open) + usize::from(!open) * 2 {
                    lines.push(self.follow(start, &mut joined, level));
                }
            }
        }
        lines
    }

    /// Takes the line that begins at `start` out of `joined`.
    fn follow(&self, start: Edge, joined: &mut HashMap<Edge, Vec<Edge>>, level: f64) -> Points {
        let mut points = vec![self.crossing(start, level)];
        let mut here = start;
        while let Some(next) = joined.get_mut(&here).and_then(Vec::pop) {
            if let Some(ends) = joined.get_mut(&next)
                && let Some(back) = ends.iter().position(|&edge| edge == here)
            {
                ends.swap_remove(back);
            }
            points.push(self.crossing(next, level));
            here = next;
        }
        points
    }

    /// The pieces of the level line inside one cell, each between two of its edges.
    fn segments(&self, corner: usize, columns: usize, level: f64) -> Vec<(Edge, Edge)> {
        let corners = [corner, corner + 1, corner + columns + 1, corner + columns].map(|k| self.values[k]);
        if corners.iter().any(|value| !value.is_finite()) {
            return Vec::new();
        }
        let edges = [
            (corner, false),
            (corner + 1, true),
            (corner + columns, false),
            (corner, true),
        ];
        let above = corners.map(|value| value >= level);
        let crossed: Vec<Edge> = (0..4)
            .filter(|&k| above[k] != above[(k + 1) % 4])
            .map(|k| edges[k])
            .collect();
        match crossed[..] {
            [a, b] => vec![(a, b)],
            // A saddle: the mean of the corners says which of them belong together.
            [a, b, c, d] => {
                let middle = 0.25 * corners.iter().sum::<f64>() >= level;
                if middle == above[0] {
                    vec![(a, b), (c, d)]
                } else {
                    vec![(d, a), (b, c)]
                }
            }
            _ => Vec::new(),
        }
    }

    /// Where `level` lies on an edge.
    fn crossing(&self, (corner, up): Edge, level: f64) -> (f64, f64) {
        let columns = self.x.len();
        let other = corner + if up { columns } else { 1 };
        let (low, high) = (self.values[corner], self.values[other]);
        let t = (level - low) / (high - low);
        let at = |k: usize| (self.x[k % columns], self.y[k / columns]);
        let ((x0, y0), (x1, y1)) = (at(corner), at(other));
        (x0 + t * (x1 - x0), y0 + t * (y1 - y0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_one_closed_line() {
        let grid = Grid::sample((-2.0, 2.0), (-2.0, 2.0), 40, |x, y| x.hypot(y));
        let lines = grid.lines(1.01);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        for (x, y) in &lines[0] {
            // Linear interpolation over a cell of width 0.1 errs by at most 0.1²/8 times the second derivative, 1.
            assert!((x.hypot(*y) - 1.01).abs() < 2e-3);
        }
    }

    #[test]
    fn lines_that_leave_the_grid_are_open() {
        let grid = Grid::sample((0.0, 1.0), (0.0, 1.0), 10, |x, y| x * y);
        let lines = grid.lines(0.25);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].first() != lines[0].last());
        assert!(grid.lines(7.0).is_empty());
    }

    #[test]
    fn saddles_are_crossed_by_two_lines() {
        let grid = Grid::sample((-1.0, 1.0), (-1.0, 1.0), 1, |x, y| x * y);
        assert_eq!(grid.lines(0.5).len(), 2);
        assert_eq!(grid.lines(-0.5).len(), 2);
    }

    #[test]
    fn values_that_are_missing_leave_holes() {
        let grid = Grid::sample((-2.0, 2.0), (-2.0, 2.0), 40, |x, y| {
            if x < 0.0 { f64::NAN } else { x.hypot(y) }
        });
        let points: Vec<_> = grid.lines(1.0).concat();
        assert!(!points.is_empty() && points.iter().all(|p| p.0 >= 0.0));
    }
}
