//! Divided differences of a smooth function on (0, ∞) of which only values are known.

use std::sync::OnceLock;

/// Arguments farther apart than this (relative to the larger) are served by quotients.
const NEAR: f64 = 0.1;
/// Half-width of the interpolation interval relative to its centre. A function analytic off 0 is approximated to
/// 13⁻ᴺ there.
const HALF_WIDTH: f64 = 0.15;
const NODES: usize = 15;

/// f[a, b].
pub(super) fn divided1(f: impl Fn(f64) -> f64, a: f64, b: f64) -> f64 {
    let (low, high) = (a.min(b), a.max(b));
    if high - low > NEAR * high {
        return (f(high) - f(low)) / (high - low);
    }
    let grid = Grid::new(&f, 0.5 * (low + high));
    let (s, t) = (grid.local(low), grid.local(high));
    // T_{k+1}[s, t] = 2 (s T_k[s, t] + T_k(t)) − T_{k−1}[s, t].
    let (mut before, mut current) = (0.0, 1.0);
    let (mut value_before, mut value) = (1.0, t);
    let mut sum = grid.coefficients[1] * current;
    for &c in &grid.coefficients[2..] {
        (before, current) = (current, 2.0 * (s * current + value) - before);
        (value_before, value) = (value, 2.0 * t * value - value_before);
        sum += c * current;
    }
    sum / grid.half_width
}

/// f[a, b, c]; `first` is f[·, ·].
pub(super) fn divided2(f: impl Fn(f64) -> f64, first: impl Fn(f64, f64) -> f64, a: f64, b: f64, c: f64) -> f64 {
    let mut nodes = [a, b, c];
    nodes.sort_unstable_by(f64::total_cmp);
    let [low, mid, high] = nodes;
    if high - low > NEAR * high {
        return (first(mid, high) - first(low, mid)) / (high - low);
    }
    let grid = Grid::new(&f, 0.5 * (low + high));
    let (s, t, u) = (grid.local(low), grid.local(mid), grid.local(high));
    let (mut before, mut current) = (0.0, 0.0);
    let (mut first_before, mut first) = (0.0, 1.0);
    let (mut value_before, mut value) = (1.0, u);
    let mut sum = 0.0;
    for &c in &grid.coefficients[2..] {
        (before, current) = (current, 2.0 * (s * current + first) - before);
        (first_before, first) = (first, 2.0 * (t * first + value) - first_before);
        (value_before, value) = (value, 2.0 * u * value - value_before);
        sum += c * current;
    }
    sum / (grid.half_width * grid.half_width)
}

/// cos(k (j + ½) π/N): row k holds T_k at the nodes.
fn cosines() -> &'static [[f64; NODES]; NODES] {
    static TABLE: OnceLock<[[f64; NODES]; NODES]> = OnceLock::new();
    TABLE.get_or_init(|| {
        let angle = |j: usize| std::f64::consts::PI * (j as f64 + 0.5) / NODES as f64;
        std::array::from_fn(|k| std::array::from_fn(|j| (k as f64 * angle(j)).cos()))
    })
}

/// Chebyshev coefficients of f on centre·(1 ± [`HALF_WIDTH`]).
struct Grid {
    centre: f64,
    half_width: f64,
    coefficients: [f64; NODES],
}

impl Grid {
    fn new(f: &impl Fn(f64) -> f64, centre: f64) -> Self {
        let half_width = HALF_WIDTH * centre;
        let cosines = cosines();
        let values: [f64; NODES] = std::array::from_fn(|j| f(centre + half_width * cosines[1][j]));
        // Subtracting the middle value first keeps rounding relative to the variation of f.
        let offset = values[NODES / 2];
        let coefficients = std::array::from_fn(|k| {
            let sum: f64 = (0..NODES).map(|j| (values[j] - offset) * cosines[k][j]).sum();
            sum * 2.0 / NODES as f64
        });
        Self {
            centre,
            half_width,
            coefficients,
        }
    }

    fn local(&self, x: f64) -> f64 {
        (x - self.centre) / self.half_width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix_functions::ScalarFunction;

    #[test]
    fn agrees_with_closed_forms_at_any_scale() {
        for f in [ScalarFunction::Log, ScalarFunction::Pow(0.3), ScalarFunction::Pow(-1.5)] {
            for scale in [1e-26, 1.0, 1e6] {
                for (a, b, c) in [
                    (1.0, 1.0, 1.0),
                    (1.0, 1.0 + 1e-9, 1.05),
                    (1.0, 1.09, 1.02),
                    (1.0, 3.0, 1.0),
                ] {
                    let (a, b, c) = (a * scale, b * scale, c * scale);
                    let value = |x: f64| f.value(x);
                    let first = |x: f64, y: f64| f.divided1(x, y);
                    assert!((divided1(value, a, b) / f.divided1(a, b) - 1.0).abs() < 1e-12);
                    assert!((divided2(value, first, a, b, c) / f.divided2(a, b, c) - 1.0).abs() < 1e-10);
                }
            }
        }
    }
}
