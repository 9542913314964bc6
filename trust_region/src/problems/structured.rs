//! Problems of any size.

use super::{Kind, Problem};
use crate::{Bounds, Pattern};

/// Which structured problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// 8x_k(x_k² − x_{k−1}) − 2(1 − x_k) + 4(x_k − x²_{k+1}) (Li), root 1.
    Tridiagonal,
    /// The trigonometric-exponential system (Toint), root 1.
    Trigexp,
    /// (3 − 2x_k)x_k − x_{k−1} − 2x_{k+1} + 1 (Moré, Garbow and Hillstrom, number 30).
    BroydenTridiagonal,
    /// x_k(2 + 5x_k²) + 1 − Σ x_j(1 + x_j) over five neighbours before and one after (number 31).
    BroydenBanded,
    /// −Δu = λ eᵘ on a k×k grid, times h², λ = 6.
    Bratu {
        /// k.
        side: usize,
    },
    /// 2x_k − x_{k−1} − x_{k+1} + h²(x_k + t_k + 1)³/2 (number 28).
    DiscreteBoundaryValue,
    /// 2x_k − x_{k−1} − x_{k+1} + 10h² sinh(10x_k), with values 0 and 1 beyond the ends.
    Troesch,
    /// The H-equation of Chandrasekhar, x_i − 1/(1 − (c/2n) Σ_j μ_j x_j/(μ_i + μ_j)), dense.
    Chandrasekhar {
        /// c.
        albedo: f64,
    },
}

pub(super) fn problems(n: usize) -> Vec<Problem> {
    let inf = f64::INFINITY;
    let side = (n as f64).sqrt() as usize;
    let step = 1.0 / (n as f64 + 1.0);
    let grid: Vec<f64> = (1..=n).map(|i| i as f64 * step).map(|t| t * (t - 1.0)).collect();
    let mut problems = vec![
        sparse("tridiag", Shape::Tridiagonal, n, (0.0, 20.0)).start(&vec![12.0; n]),
        sparse("trigexp", Shape::Trigexp, n, (-100.0, 100.0)).start(&vec![0.0; n]),
        sparse("broyden_tri", Shape::BroydenTridiagonal, n, (-1.0, 1.0)).start(&vec![-0.9999; n]),
        sparse("broyden_band", Shape::BroydenBanded, n, (-1.0, 1.0)).start(&vec![-0.9999; n]),
        sparse("discrete_bvp", Shape::DiscreteBoundaryValue, n, (-0.5, 0.5)).start(&grid),
        sparse("troesch", Shape::Troesch, n, (0.0, 1.0)),
        sparse("bratu", Shape::Bratu { side }, side * side, (0.0, inf)).start(&vec![0.1; side * side]),
    ];
    if n <= 2000 {
        for albedo in [0.9, 0.99, 0.9999, 1.0] {
            let name = format!("heq_c{albedo}");
            problems.push(sparse(&name, Shape::Chandrasekhar { albedo }, n, (0.0, inf)));
        }
    }
    problems
}

fn sparse(name: &str, shape: Shape, n: usize, (l, u): (f64, f64)) -> Problem {
    Problem {
        name: format!("{name}_n{n}"),
        bounds: Bounds::new(vec![l; n], vec![u; n]).expect("one box for all"),
        equations: n,
        kind: Kind::Sparse {
            shape,
            pattern: shape.pattern(n),
        },
        standard: None,
        root: true,
    }
}

/// Weight of the nonlinearity of the Bratu problem.
const LAMBDA: f64 = 6.0;

impl Shape {
    /// The rows of column j, in order.
    fn rows(self, j: usize, n: usize) -> Vec<usize> {
        match self {
            Self::Bratu { side } => {
                let (row, column) = (j / side, j % side);
                let mut rows = Vec::with_capacity(5);
                if row > 0 {
                    rows.push(j - side);
                }
                if column > 0 {
                    rows.push(j - 1);
                }
                rows.push(j);
                if column + 1 < side {
                    rows.push(j + 1);
                }
                if row + 1 < side {
                    rows.push(j + side);
                }
                rows
            }
            // Row k has x_{k−5} … x_{k+1}, so column j stands in the rows j − 1 … j + 5.
            Self::BroydenBanded => (j.saturating_sub(1)..(j + 6).min(n)).collect(),
            Self::Chandrasekhar { .. } => (0..n).collect(),
            _ => (j.saturating_sub(1)..(j + 2).min(n)).collect(),
        }
    }

    fn pattern(self, n: usize) -> Pattern {
        let mut starts = vec![0];
        let mut rows = Vec::new();
        for j in 0..n {
            rows.extend(self.rows(j, n));
            starts.push(rows.len());
        }
        Pattern::new(n, starts, rows).expect("rows are listed in order")
    }

    pub(super) fn residual(self, x: &[f64], f: &mut [f64]) {
        let n = x.len();
        let h = 1.0 / (n as f64 + 1.0);
        let before = |k: usize, edge: f64| if k > 0 { x[k - 1] } else { edge };
        let after = |k: usize, edge: f64| if k + 1 < n { x[k + 1] } else { edge };
        match self {
            Self::Tridiagonal => {
                for k in 0..n {
                    let v = x[k];
                    let left = if k > 0 {
                        8.0 * v * (v * v - x[k - 1]) - 2.0 * (1.0 - v)
                    } else {
                        0.0
                    };
                    let right = if k + 1 < n {
                        4.0 * (v - x[k + 1] * x[k + 1])
                    } else {
                        0.0
                    };
                    f[k] = left + right;
                }
            }
            Self::Trigexp => {
                for k in 0..n {
                    let v = x[k];
                    let mut sum = 0.0;
                    if k + 1 < n {
                        let w = x[k + 1];
                        sum += 3.0 * v.powi(3) + 2.0 * w - 5.0 + (v - w).sin() * (v + w).sin();
                    }
                    if k > 0 {
                        sum += 4.0 * v - x[k - 1] * (x[k - 1] - v).exp() - 3.0;
                    }
                    f[k] = sum;
                }
            }
            Self::BroydenTridiagonal => {
                for k in 0..n {
                    f[k] = (3.0 - 2.0 * x[k]) * x[k] - before(k, 0.0) - 2.0 * after(k, 0.0) + 1.0;
                }
            }
            Self::BroydenBanded => {
                for k in 0..n {
                    let mut sum = x[k] * (2.0 + 5.0 * x[k] * x[k]) + 1.0;
                    for j in (k.saturating_sub(5)..(k + 2).min(n)).filter(|&j| j != k) {
                        sum -= x[j] * (1.0 + x[j]);
                    }
                    f[k] = sum;
                }
            }
            Self::DiscreteBoundaryValue => {
                for k in 0..n {
                    let t = (k + 1) as f64 * h;
                    f[k] = 2.0 * x[k] - before(k, 0.0) - after(k, 0.0) + 0.5 * h * h * (x[k] + t + 1.0).powi(3);
                }
            }
            Self::Troesch => {
                for k in 0..n {
                    f[k] = 2.0 * x[k] - before(k, 0.0) - after(k, 1.0) + 10.0 * h * h * (10.0 * x[k]).sinh();
                }
            }
            Self::Bratu { side } => {
                let weight = LAMBDA / ((side + 1) as f64).powi(2);
                for k in 0..n {
                    let (row, column) = (k / side, k % side);
                    let mut sum = 4.0 * x[k] - weight * x[k].exp();
                    if row > 0 {
                        sum -= x[k - side];
                    }
                    if column > 0 {
                        sum -= x[k - 1];
                    }
                    if column + 1 < side {
                        sum -= x[k + 1];
                    }
                    if row + 1 < side {
                        sum -= x[k + side];
                    }
                    f[k] = sum;
                }
            }
            Self::Chandrasekhar { albedo } => {
                for i in 0..n {
                    f[i] = x[i] - 1.0 / denominator(x, i, albedo);
                }
            }
        }
    }

    pub(super) fn jacobian(self, x: &[f64], pattern: &Pattern, entries: &mut [f64]) {
        let n = x.len();
        if let Self::Chandrasekhar { albedo } = self {
            let weight = albedo / (2.0 * n as f64);
            // ∂f_i/∂x_j = δ_ij − (c/2n) μ_j/(μ_i + μ_j)/s_i² for the denominator s_i.
            for i in 0..n {
                let slope = weight / denominator(x, i, albedo).powi(2);
                for j in 0..n {
                    entries[j * n + i] = f64::from(u8::from(i == j)) - slope * share(i, j);
                }
            }
            return;
        }
        let h = 1.0 / (n as f64 + 1.0);
        for j in 0..n {
            let span = pattern.column_starts()[j]..pattern.column_starts()[j + 1];
            for (entry, &k) in entries[span.clone()].iter_mut().zip(&pattern.row_indices()[span]) {
                *entry = self.entry(x, k, j, n, h);
            }
        }
    }

    /// ∂f_k/∂x_j within the pattern.
    fn entry(self, x: &[f64], k: usize, j: usize, n: usize, h: f64) -> f64 {
        let v = x[k];
        match self {
            Self::Tridiagonal if j < k => -8.0 * v,
            Self::Tridiagonal if j > k => -8.0 * x[j],
            Self::Tridiagonal => {
                let left = if k > 0 {
                    24.0 * v * v - 8.0 * x[k - 1] + 2.0
                } else {
                    0.0
                };
                left + if k + 1 < n { 4.0 } else { 0.0 }
            }
            Self::Trigexp if j < k => -(x[j] - v).exp() * (1.0 + x[j]),
            Self::Trigexp => {
                // sin(v − w) sin(v + w) = sin²v − sin²w.
                if j > k {
                    return 2.0 - (2.0 * x[j]).sin();
                }
                let right = if k + 1 < n { 9.0 * v * v + (2.0 * v).sin() } else { 0.0 };
                right
                    + if k > 0 {
                        4.0 + x[k - 1] * (x[k - 1] - v).exp()
                    } else {
                        0.0
                    }
            }
            Self::BroydenTridiagonal if j < k => -1.0,
            Self::BroydenTridiagonal if j > k => -2.0,
            Self::BroydenTridiagonal => 3.0 - 4.0 * v,
            Self::BroydenBanded if j == k => 2.0 + 15.0 * v * v,
            Self::BroydenBanded => -1.0 - 2.0 * x[j],
            Self::DiscreteBoundaryValue if j == k => 2.0 + 1.5 * h * h * (v + (k + 1) as f64 * h + 1.0).powi(2),
            Self::Troesch if j == k => 2.0 + 100.0 * h * h * (10.0 * v).cosh(),
            Self::Bratu { side } if j == k => 4.0 - LAMBDA / ((side + 1) as f64).powi(2) * v.exp(),
            _ => -1.0,
        }
    }
}

/// μ_j/(μ_i + μ_j) with μ_i = (i + ½)/n.
fn share(i: usize, j: usize) -> f64 {
    (j as f64 + 0.5) / ((i + j) as f64 + 1.0)
}

fn denominator(x: &[f64], i: usize, albedo: f64) -> f64 {
    let sum: f64 = x.iter().enumerate().map(|(j, x)| share(i, j) * x).sum();
    1.0 - albedo / (2.0 * x.len() as f64) * sum
}
