//! Extended kernel metrics in the eigenbasis of the base point.
//!
//! All matrices here are seen from that basis (X' = PᵀXP); Σ is diag(d).

use nalgebra::DMatrix;

use super::Kernel;
use crate::metric::TraceTerm;

/// A base point given by its eigenvalues.
pub(super) struct Frame<'a> {
    pub kernel: &'a dyn Kernel,
    pub trace: TraceTerm,
    /// α + nβ.
    pub weight: f64,
    pub d: &'a [f64],
}

/// Working memory of the connection.
pub(super) struct Symbols {
    /// θ[d_i, d_m; d_j] at (i n + m) n + j.
    differences: Vec<f64>,
    /// G(Γ(X, Y)).
    lowered: DMatrix<f64>,
}

impl Symbols {
    pub(super) fn new(order: usize) -> Self {
        Self {
            differences: vec![0.0; order * order * order],
            lowered: DMatrix::zeros(order, order),
        }
    }
}

impl Frame<'_> {
    /// s(x) = √φ(x, x).
    fn s(&self, x: f64) -> f64 {
        self.kernel.phi(x, x).sqrt()
    }

    /// s[x, y], from s² = φ(x, x) and the chain rule φ(x, x) − φ(y, y) = (x − y)(φ[x, y; x] + φ[x, y; y]).
    fn s_difference(&self, x: f64, y: f64) -> f64 {
        let square = self.kernel.phi_difference(x, y, x) + self.kernel.phi_difference(x, y, y);
        square / (self.s(x) + self.s(y))
    }

    /// u[x, y] for u = 1/s.
    fn u_difference(&self, x: f64, y: f64) -> f64 {
        -(self.s_difference(x, y) / self.s(x)) / self.s(y)
    }

    /// u[x, y, z], from the second difference of u² = θ(x, x).
    fn u_second_difference(&self, x: f64, y: f64, z: f64) -> f64 {
        let k = self.kernel;
        let square = k.theta_second_difference(x, y, z, x)
            + k.theta_mixed_difference(y, z, x, y)
            + k.theta_second_difference(x, y, z, z);
        let (ux, uz) = (self.s(x).recip(), self.s(z).recip());
        (square - self.u_difference(x, y) * self.u_difference(y, z)) / (ux + uz)
    }

    /// τ(X) = Σ_i u(d_i) X_ii.
    fn tau(&self, x: &DMatrix<f64>) -> f64 {
        self.d.iter().enumerate().map(|(i, &d)| x[(i, i)] / self.s(d)).sum()
    }

    /// X_ij · f(φ(d_i, d_j)).
    pub(super) fn scale(&self, x: &DMatrix<f64>, f: impl Fn(f64) -> f64) -> DMatrix<f64> {
        let mut out = DMatrix::zeros(self.d.len(), self.d.len());
        self.scale_into(x, f, &mut out);
        out
    }

    fn scale_into(&self, x: &DMatrix<f64>, f: impl Fn(f64) -> f64, out: &mut DMatrix<f64>) {
        for j in 0..self.d.len() {
            for i in 0..=j {
                let entry = x[(i, j)] * f(self.kernel.phi(self.d[i], self.d[j]));
                out[(i, j)] = entry;
                out[(j, i)] = entry;
            }
        }
    }

    /// G(X) = α (1/φ) ∘ X + β τ(X) u(Σ).
    pub(super) fn flat(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        let alpha = self.trace.alpha();
        let mut p = self.scale(x, |phi| alpha / phi);
        if self.trace.beta() != 0.0 {
            let factor = self.trace.beta() * self.tau(x);
            for (i, &d) in self.d.iter().enumerate() {
                p[(i, i)] += factor / self.s(d);
            }
        }
        p
    }

    /// β/(α(α + nβ)).
    fn cotrace(&self) -> f64 {
        self.trace.beta() / (self.trace.alpha() * self.weight)
    }

    /// tr(s(Σ) p).
    fn sigma(&self, p: &DMatrix<f64>) -> f64 {
        self.d.iter().enumerate().map(|(i, &d)| self.s(d) * p[(i, i)]).sum()
    }

    /// G⁻¹(p) = φ ∘ p/α − β/(α(α + nβ)) tr(s(Σ)p) s(Σ).
    pub(super) fn sharp(&self, p: &DMatrix<f64>) -> DMatrix<f64> {
        let mut x = DMatrix::zeros(self.d.len(), self.d.len());
        self.sharp_into(p, &mut x);
        x
    }

    pub(super) fn sharp_into(&self, p: &DMatrix<f64>, x: &mut DMatrix<f64>) {
        let alpha = self.trace.alpha();
        self.scale_into(p, |phi| phi / alpha, x);
        if self.trace.beta() != 0.0 {
            let factor = self.cotrace() * self.sigma(p);
            for (i, &d) in self.d.iter().enumerate() {
                x[(i, i)] -= factor * self.s(d);
            }
        }
    }

    pub(super) fn inner(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> f64 {
        let mut sum = 0.0;
        for j in 0..self.d.len() {
            for i in 0..=j {
                let both = if i == j { 1.0 } else { 2.0 };
                sum += both * x[(i, j)] * y[(i, j)] / self.kernel.phi(self.d[i], self.d[j]);
            }
        }
        sum *= self.trace.alpha();
        if self.trace.beta() != 0.0 {
            sum += self.trace.beta() * self.tau(x) * self.tau(y);
        }
        sum
    }

    /// ∇_Σ H for H(Σ, p) = ½ g*_Σ(p, p).
    pub(super) fn hamiltonian_gradient(&self, p: &DMatrix<f64>) -> DMatrix<f64> {
        let mut out = DMatrix::zeros(self.d.len(), self.d.len());
        self.hamiltonian_gradient_into(p, &mut out);
        out
    }

    pub(super) fn hamiltonian_gradient_into(&self, p: &DMatrix<f64>, out: &mut DMatrix<f64>) {
        let (n, d) = (self.d.len(), self.d);
        let beta = self.trace.beta();
        let factor = if beta == 0.0 {
            0.0
        } else {
            self.cotrace() * self.sigma(p)
        };
        for m in 0..n {
            for i in 0..=m {
                let mut sum = 0.0;
                for j in 0..n {
                    let product = p[(i, j)] * p[(j, m)];
                    if product != 0.0 {
                        sum += self.kernel.phi_difference(d[i], d[m], d[j]) * product;
                    }
                }
                sum /= self.trace.alpha();
                if factor != 0.0 {
                    sum -= factor * self.s_difference(d[i], d[m]) * p[(i, m)];
                }
                out[(i, m)] = sum;
                out[(m, i)] = sum;
            }
        }
    }

    /// Γ(X, Y) of the Levi-Civita connection, ∇_X Y = DY(X) + Γ(X, Y).
    pub(super) fn christoffel(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> DMatrix<f64> {
        let n = self.d.len();
        let (mut symbols, mut out) = (Symbols::new(n), DMatrix::zeros(n, n));
        self.christoffel_into(x, y, &mut symbols, &mut out);
        out
    }

    pub(super) fn christoffel_into(
        &self,
        x: &DMatrix<f64>,
        y: &DMatrix<f64>,
        symbols: &mut Symbols,
        out: &mut DMatrix<f64>,
    ) {
        self.fill(symbols);
        self.connect(x, y, symbols, out);
    }

    /// The differences θ[d_i, d_m; d_j] of the kernel.
    fn fill(&self, symbols: &mut Symbols) {
        let (n, d) = (self.d.len(), self.d);
        for j in 0..n {
            for m in 0..n {
                for i in 0..=m {
                    let value = self.kernel.theta_difference(d[i], d[m], d[j]);
                    symbols.differences[(i * n + m) * n + j] = value;
                    symbols.differences[(m * n + i) * n + j] = value;
                }
            }
        }
    }

    /// Γ(X, Y) from the differences of the kernel.
    fn connect(&self, x: &DMatrix<f64>, y: &DMatrix<f64>, symbols: &mut Symbols, out: &mut DMatrix<f64>) {
        let (n, d) = (self.d.len(), self.d);
        let half_alpha = 0.5 * self.trace.alpha();
        let Symbols { differences, lowered } = symbols;
        let theta = |i: usize, m: usize, j: usize| differences[(i * n + m) * n + j];
        for j in 0..n {
            for i in 0..=j {
                let mut sum = 0.0;
                for m in 0..n {
                    let symbol = half_alpha * (theta(i, m, j) + theta(m, j, i) - theta(i, j, m));
                    sum += symbol * (x[(i, m)] * y[(m, j)] + y[(i, m)] * x[(m, j)]);
                }
                lowered[(i, j)] = sum;
                lowered[(j, i)] = sum;
            }
        }
        if self.trace.beta() != 0.0 {
            let factor = self.trace.beta() * self.d_u(x, y);
            for (i, &d) in d.iter().enumerate() {
                lowered[(i, i)] += factor / self.s(d);
            }
        }
        self.sharp_into(lowered, out);
    }

    /// tr(Du_Σ[X] Y).
    fn d_u(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> f64 {
        let (n, d) = (self.d.len(), self.d);
        let mut sum = 0.0;
        for j in 0..n {
            for i in 0..n {
                sum += self.u_difference(d[i], d[j]) * x[(i, j)] * y[(i, j)];
            }
        }
        sum
    }

    /// tr(D²u_Σ[X, Y] V).
    fn d2_u(&self, x: &DMatrix<f64>, y: &DMatrix<f64>, v: &DMatrix<f64>) -> f64 {
        let (n, d) = (self.d.len(), self.d);
        let mut sum = 0.0;
        for i in 0..n {
            for k in 0..n {
                for j in 0..n {
                    let product = (x[(i, k)] * y[(k, j)] + y[(i, k)] * x[(k, j)]) * v[(i, j)];
                    if product != 0.0 {
                        sum += self.u_second_difference(d[i], d[k], d[j]) * product;
                    }
                }
            }
        }
        sum
    }

    /// Sectional curvature numerator R(X, Y, Y, X), positive on spheres.
    pub(super) fn curvature(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> f64 {
        let n = self.d.len();
        let mut symbols = Symbols::new(n);
        self.fill(&mut symbols);
        let gamma = [(x, x), (x, y), (y, y)].map(|(x, y)| {
            let mut out = DMatrix::zeros(n, n);
            self.connect(x, y, &mut symbols, &mut out);
            out
        });
        let second = self.second_derivatives(&[[x, x, y, y], [y, y, x, x], [x, y, x, y]]);
        -0.5 * (second[0] + second[1] - 2.0 * second[2]) + self.inner(&gamma[1], &gamma[1])
            - self.inner(&gamma[0], &gamma[2])
    }

    /// D²g(A, B)(V, W) for several quadruples (A, B, V, W). O(n⁴) evaluations of the kernel's second differences.
    fn second_derivatives(&self, cases: &[[&DMatrix<f64>; 4]]) -> Vec<f64> {
        let (n, d, kernel) = (self.d.len(), self.d, self.kernel);
        let mut sums = vec![0.0; cases.len()];
        for i in 0..n {
            for m in 0..n {
                for k in 0..n {
                    for j in 0..n {
                        let right = kernel.theta_second_difference(d[i], d[m], d[k], d[j]);
                        let left = kernel.theta_second_difference(d[j], d[m], d[k], d[i]);
                        let mixed = kernel.theta_mixed_difference(d[i], d[m], d[k], d[j]);
                        for ([a, b, v, w], sum) in cases.iter().zip(&mut sums) {
                            let terms = right * (a[(i, m)] * b[(m, k)] + b[(i, m)] * a[(m, k)]) * v[(k, j)]
                                + left * v[(i, m)] * (a[(m, k)] * b[(k, j)] + b[(m, k)] * a[(k, j)])
                                + mixed * (a[(i, m)] * v[(m, k)] * b[(k, j)] + b[(i, m)] * v[(m, k)] * a[(k, j)]);
                            *sum += w[(i, j)] * terms;
                        }
                    }
                }
            }
        }
        let (alpha, beta) = (self.trace.alpha(), self.trace.beta());
        for ([a, b, v, w], sum) in cases.iter().zip(&mut sums) {
            *sum *= alpha;
            if beta != 0.0 {
                *sum += beta
                    * (self.d2_u(a, b, v) * self.tau(w)
                        + self.d_u(a, v) * self.d_u(b, w)
                        + self.d_u(b, v) * self.d_u(a, w)
                        + self.tau(v) * self.d2_u(a, b, w));
            }
        }
        sums
    }
}
