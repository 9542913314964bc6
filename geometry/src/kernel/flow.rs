//! Geodesics as the Hamiltonian flow of ½ g*_Σ(p, p), with parallel transport along them.

use nalgebra::{DMatrix, DVector};

use super::ExtendedKernel;
use super::frame::Symbols;
use super::integrator::{EVALUATIONS, Integrator, Outcome, System, Undefined, tolerance};
use crate::eigen::batch::ISA;
use crate::eigen::group::Group;
use crate::eigen::symmetric_eigen;
use crate::error::{Error, Result};
use crate::metric::checked_tangent;
use crate::metrics::whiten_by_cholesky;
use crate::spd::Spd;

/// Change of the condition number that tells an exit from a failure of the integrator.
const EXIT_RATIO: f64 = 1e4;
/// See [`ExtendedKernel::exp_domain`].
const HORIZON: f64 = 1e6;
/// Largest order of the unblocked eigensolver.
const MAX_UNBLOCKED_ORDER: usize = 32;

/// The end of a geodesic arc.
pub(super) struct Arc {
    pub end: Spd,
    pub carried: Option<DMatrix<f64>>,
}

/// Eigendecompositions of one order without allocation.
enum Solver {
    Unblocked(Box<Group<1>>),
    Blocked,
}

/// The right-hand side of the flow with all its working memory. Matrices are n² numbers each.
pub(super) struct Flow<'a> {
    metric: ExtendedKernel<'a>,
    order: usize,
    solver: Solver,
    values: Vec<f64>,
    /// P and Pᵀ of Σ = P diag(values) Pᵀ.
    basis: Vec<f64>,
    transposed: Vec<f64>,
    half: Vec<f64>,
    /// Cotangent vector and carried vector in the eigenbasis, and what they turn into.
    seen: [DMatrix<f64>; 2],
    rates: [DMatrix<f64>; 3],
    symbols: Symbols,
    /// Evaluations left; without any the flow is undefined, so that integrations end.
    pub(super) budget: usize,
}

impl<'a> Flow<'a> {
    /// With a vector to transport or without.
    pub(super) fn new(metric: ExtendedKernel<'a>, order: usize, carries: bool) -> Self {
        let size = order * order;
        let zeros = || DMatrix::zeros(order, order);
        Self {
            metric,
            order,
            solver: if order <= MAX_UNBLOCKED_ORDER {
                Solver::Unblocked(Box::new(Group::new(order, *ISA)))
            } else {
                Solver::Blocked
            },
            values: vec![0.0; order],
            basis: vec![0.0; size],
            transposed: vec![0.0; size],
            half: vec![0.0; size],
            seen: std::array::from_fn(|_| zeros()),
            rates: std::array::from_fn(|_| zeros()),
            symbols: Symbols::new(if carries { order } else { 0 }),
            budget: EVALUATIONS,
        }
    }

    /// Eigenvalues and eigenvectors of Σ into the working memory.
    fn decompose(&mut self, sigma: &[f64]) -> std::result::Result<(), Undefined> {
        let n = self.order;
        if !sigma.iter().all(|v| v.is_finite()) {
            return Err(Undefined);
        }
        let solved = match &mut self.solver {
            Solver::Unblocked(group) => {
                group.load([sigma]);
                let solved = !group.solve(true)[0];
                if solved {
                    for k in 0..n {
                        self.values[k] = group.value(0, k);
                        for (i, x) in group.vector(0, k).enumerate() {
                            self.basis[k * n + i] = x;
                        }
                    }
                }
                solved
            }
            Solver::Blocked => false,
        };
        if !solved {
            let eigen = symmetric_eigen(&DMatrix::from_column_slice(n, n, sigma));
            self.values.copy_from_slice(eigen.values.as_slice());
            self.basis.copy_from_slice(eigen.vectors.as_slice());
        }
        for k in 0..n {
            for i in 0..n {
                self.transposed[i * n + k] = self.basis[k * n + i];
            }
        }
        if self.values.iter().all(|&d| d > 0.0) {
            Ok(())
        } else {
            Err(Undefined)
        }
    }
}

/// out = AB for matrices of order n, column after column.
fn multiply(n: usize, a: &[f64], b: &[f64], out: &mut [f64]) {
    use nalgebra::{DMatrixView, DMatrixViewMut};
    if n > 8 {
        DMatrixViewMut::from_slice(out, n, n).gemm(
            1.0,
            &DMatrixView::from_slice(a, n, n),
            &DMatrixView::from_slice(b, n, n),
            0.0,
        );
        return;
    }
    for (out, b) in out.chunks_exact_mut(n).zip(b.chunks_exact(n)) {
        out.fill(0.0);
        for (a, &b) in a.chunks_exact(n).zip(b) {
            for (o, &a) in out.iter_mut().zip(a) {
                *o += a * b;
            }
        }
    }
}

/// X ← (X + Xᵀ)/2.
fn symmetrise(n: usize, x: &mut [f64]) {
    for j in 0..n {
        for i in 0..j {
            let mean = 0.5 * x[j * n + i] + 0.5 * x[i * n + j];
            x[j * n + i] = mean;
            x[i * n + j] = mean;
        }
    }
}

/// Whether the Cholesky factorisation, left in `factor`, has positive pivots.
fn is_positive_definite(n: usize, matrix: &[f64], factor: &mut [f64]) -> bool {
    factor.copy_from_slice(matrix);
    for j in 0..n {
        let pivot = factor[j * n + j];
        if !(pivot >= f64::MIN_POSITIVE && pivot.is_finite()) {
            return false;
        }
        for k in j + 1..n {
            let factor_kj = factor[j * n + k] / pivot;
            for i in k..n {
                factor[k * n + i] -= factor_kj * factor[j * n + i];
            }
        }
    }
    true
}

impl System for Flow<'_> {
    /// Blocks Σ, p and, when carried, V: Σ̇ = G⁻¹(p), ṗ = −∇H, V̇ = −Γ(Σ̇, V).
    fn derivative(&mut self, _t: f64, y: &[f64], out: &mut [f64]) -> std::result::Result<(), Undefined> {
        let (n, size) = (self.order, self.order * self.order);
        self.budget = self.budget.checked_sub(1).ok_or(Undefined)?;
        self.decompose(&y[..size])?;
        for (x, seen) in y[size..].chunks_exact(size).zip(&mut self.seen) {
            multiply(n, x, &self.basis, &mut self.half);
            multiply(n, &self.transposed, &self.half, seen.as_mut_slice());
            symmetrise(n, seen.as_mut_slice());
        }
        let frame = self.metric.frame(&self.values).map_err(|_| Undefined)?;
        let ([p, v], [velocity, force, turn]) = (&self.seen, &mut self.rates);
        frame.sharp_into(p, velocity);
        frame.hamiltonian_gradient_into(p, force);
        if y.len() > 2 * size {
            frame.christoffel_into(velocity, v, &mut self.symbols, turn);
        }
        for (index, (rate, out)) in self.rates.iter().zip(out.chunks_exact_mut(size)).enumerate() {
            multiply(n, &self.basis, rate.as_slice(), &mut self.half);
            multiply(n, &self.half, &self.transposed, out);
            symmetrise(n, out);
            if index > 0 {
                out.iter_mut().for_each(|x| *x = -*x);
            }
        }
        if out.iter().all(|v| v.is_finite()) {
            Ok(())
        } else {
            Err(Undefined)
        }
    }

    fn block(&self) -> usize {
        self.order * self.order
    }

    /// The eigenvalue d that goes to zero, or to infinity, has d^r moving at the rate r d^{r−1} ḋ, which tends to a constant
    /// at the end of the geodesic.
    fn remaining(&self) -> f64 {
        let Some(r) = self.metric.exponent() else {
            return f64::INFINITY;
        };
        let times = self.values.iter().enumerate().map(|(k, d)| {
            let rate = r * self.rates[0][(k, k)];
            if rate < 0.0 { -d / rate } else { f64::INFINITY }
        });
        times.fold(f64::INFINITY, f64::min)
    }

    fn accept(&mut self, _t: f64, y: &mut [f64]) -> std::result::Result<(), Undefined> {
        let n = self.order;
        for block in y.chunks_exact_mut(n * n) {
            symmetrise(n, block);
        }
        if is_positive_definite(n, &y[..n * n], &mut self.half) {
            Ok(())
        } else {
            Err(Undefined)
        }
    }
}

/// The time in which the velocity would double (or halve) an eigenvalue: a first step that usually succeeds. ∞ at rest.
pub(super) fn unit_time(at: &Spd, x: &DMatrix<f64>) -> f64 {
    whiten_by_cholesky(at, x).norm().recip()
}

/// The geodesic from `at` with velocity `x` up to t = 1.
pub(super) fn flow(metric: ExtendedKernel<'_>, at: &Spd, x: &DMatrix<f64>, v: Option<&DMatrix<f64>>) -> Result<Arc> {
    let x = checked_tangent(at, x)?;
    let mut state = at.matrix().as_slice().to_vec();
    state.extend_from_slice(metric.flat(at, &x)?.as_slice());
    if let Some(v) = v {
        state.extend_from_slice(checked_tangent(at, v)?.as_slice());
    }
    if let Some(t) = run(metric, at, &mut state, unit_time(at, &x), 1.0)? {
        return Err(Error::LeftDomain { t });
    }
    let (n, size) = (at.order(), at.order() * at.order());
    let matrix = |index: usize| DMatrix::from_column_slice(n, n, &state[index * size..(index + 1) * size]);
    Ok(Arc {
        end: Spd::try_new(matrix(0))?,
        carried: v.map(|_| matrix(2)),
    })
}

/// Time at which the geodesic ends, ∞ when it does not within the horizon.
pub(super) fn exit_time(metric: ExtendedKernel<'_>, at: &Spd, x: &DMatrix<f64>) -> Result<f64> {
    let unit = unit_time(at, x);
    let mut state = at.matrix().as_slice().to_vec();
    state.extend_from_slice(metric.flat(at, x)?.as_slice());
    Ok(run(metric, at, &mut state, unit, HORIZON * unit)?.unwrap_or(f64::INFINITY))
}

/// Integrates to `end`; the exit time when the geodesic leaves SPD(n) before.
fn run(metric: ExtendedKernel<'_>, at: &Spd, state: &mut [f64], first: f64, end: f64) -> Result<Option<f64>> {
    let (n, size) = (at.order(), at.order() * at.order());
    let mut system = Flow::new(metric, n, state.len() > 2 * size);
    let rtol = tolerance(at.condition_number());
    let Outcome::Left { t } = Integrator::new(state.len(), size).integrate(&mut system, state, first, end, rtol) else {
        return Ok(None);
    };
    let reached: DVector<f64> = symmetric_eigen(&DMatrix::from_column_slice(n, n, &state[..size])).values;
    let (low, high) = (reached[0], reached[n - 1]);
    let start = at.eigenvalues();
    let shrunk = low <= start[0] / EXIT_RATIO;
    let grown = high >= start[n - 1] * EXIT_RATIO;
    if shrunk || grown {
        return Ok(Some(t));
    }
    Err(Error::NoConvergence {
        what: "integration of the geodesic",
        iterations: 0,
        residual: t / end,
        tolerance: rtol,
    })
}
