//! The two-parameter family of kernels that contains most of the named ones.

use super::Kernel;
use crate::matrix_functions::ScalarFunction;

/// φ = 1/(f_a[x, y] f_b[x, y]) with f_a(x) = xᵃ/a, and log x for a = 0.
///
/// (1, 1): Euclidean; (0, 0): log-Euclidean; (1, −1): affine-invariant; (1, 0): Bogoliubov–Kubo–Mori;
/// (a, b): mixed-power-Euclidean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PowerPair {
    pub a: f64,
    pub b: f64,
}

fn function(a: f64) -> (ScalarFunction, f64) {
    if a == 0.0 {
        (ScalarFunction::Log, 1.0)
    } else {
        (ScalarFunction::Pow(a), a)
    }
}

fn d1(a: f64, x: f64, y: f64) -> f64 {
    let (f, scale) = function(a);
    f.divided1(x, y) / scale
}

fn d2(a: f64, x: f64, y: f64, z: f64) -> f64 {
    let (f, scale) = function(a);
    f.divided2(x, y, z) / scale
}

fn d3(a: f64, x: f64, y: f64, z: f64, w: f64) -> f64 {
    let (f, scale) = function(a);
    f.divided3(x, y, z, w) / scale
}

impl Kernel for PowerPair {
    fn phi(&self, x: f64, y: f64) -> f64 {
        d1(self.a, x, y).recip() / d1(self.b, x, y)
    }

    fn degree(&self) -> Option<f64> {
        Some(2.0 - self.a - self.b)
    }

    fn phi_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        let (a1, b1) = (d1(a, x1, y), d1(b, x1, y));
        if x1 == x2 {
            // −∂θ/θ², in the order that neither overflows nor vanishes: θ = a1 b1.
            let theta = d2(a, x1, y, x1) * b1 + a1 * d2(b, x1, y, x1);
            return -(theta / a1 / b1) / a1 / b1;
        }
        let (a2, b2) = (d1(a, x2, y), d1(b, x2, y));
        let theta = d2(a, x1, y, x2) * b1 + a2 * d2(b, x1, y, x2);
        -(theta / a1 / b1) / a2 / b2
    }

    // The Leibniz rule for divided differences of a product.
    fn theta_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        d2(a, x1, y, x2) * d1(b, x1, y) + d1(a, x2, y) * d2(b, x1, y, x2)
    }

    fn theta_second_difference(&self, x1: f64, x2: f64, x3: f64, y: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        d3(a, x1, x2, x3, y) * d1(b, x1, y) + d2(a, x2, x3, y) * d2(b, x1, x2, y) + d1(a, x3, y) * d3(b, x1, x2, x3, y)
    }

    fn theta_mixed_difference(&self, x1: f64, x2: f64, y1: f64, y2: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        d3(a, x1, x2, y1, y2) * d1(b, x1, y1)
            + d2(a, x1, x2, y2) * d2(b, x1, y1, y2)
            + d2(a, x2, y1, y2) * d2(b, x1, x2, y1)
            + d1(a, x2, y2) * d3(b, x1, x2, y1, y2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_differences() {
        let kernel = PowerPair { a: 0.5, b: -0.25 };
        let theta = |x: f64, y: f64| kernel.phi(x, y).recip();
        let (x1, x2, x3, y1, y2): (f64, f64, f64, f64, f64) = (1.0, 1.7, 3.1, 0.6, 2.4);
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-13, "{a} {b}");
        let first = |a: f64, b: f64, y: f64| (theta(a, y) - theta(b, y)) / (a - b);
        near(kernel.theta_difference(x1, x2, y1), first(x1, x2, y1));
        near(
            kernel.theta_second_difference(x1, x2, x3, y1),
            (first(x1, x2, y1) - first(x2, x3, y1)) / (x1 - x3),
        );
        near(
            kernel.theta_mixed_difference(x1, x2, y1, y2),
            (first(x1, x2, y1) - first(x1, x2, y2)) / (y1 - y2),
        );
    }
}
