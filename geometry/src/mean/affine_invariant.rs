//! The affine-invariant (Karcher) mean by quasi-Newton and Newton iterations on a Cholesky factor.

use nalgebra::DMatrix;

use super::{MeanOptions, MeanReport, checked_weights, log_euclidean};
use crate::batch::SpdBatch;
use crate::eigen::batch::ISA;
use crate::eigen::group::Isa;
use crate::eigen::relative::Factors;
use crate::eigen::{frames, symmetric_eigen};
use crate::error::Result;
use crate::spd::Spd;

/// Longest step, in affine-invariant length.
const MAX_STEP: f64 = 2.0;
/// How far the quasi-Newton iteration may fall behind halving the gradient in each step.
const LEEWAY: f64 = 8.0;
/// Steps that the quasi-Newton iteration remembers.
const MEMORY: usize = 6;
/// Products with the Hessian in one outer iteration at most.
const MAX_PRODUCTS: usize = 50;

/// Affine-invariant (Karcher) mean: the minimiser of Σ wᵢ d_AI(M, Xᵢ)², unique.
///
/// The state is a factor, M = L Lᵀ. With the factors Xᵢ = Fᵢ Fᵢᵀ and the SVD L⁻¹ Fᵢ = Uᵢ sᵢ Vᵢᵀ, μᵢ = 2 log sᵢ, the
/// negative gradient in the frame L is J = Σ wᵢ Uᵢ diag(μᵢ) Uᵢᵀ. A Newton step solves 𝓗(V) = J by conjugate gradients,
/// 𝓗(V) = Σ wᵢ Uᵢ (cᵢ ∘ Uᵢᵀ V Uᵢ) Uᵢᵀ, cᵢ(a, b) = (δ/2) coth(δ/2) with δ = μᵢₐ − μᵢᵦ, and goes to L exp(V/2). M itself is
/// formed at the end only, so no condition number is squared on the way.
///
/// 𝓗 of many matrices is close to a multiple of the identity, so that gradients alone nearly tell the Newton step:
/// limited-memory BFGS comes first and mostly suffices; Newton's method takes over where they fail to halve ‖J‖ step by step.
///
/// The gradient norm is ‖J‖ (Frobenius), free of units. Because ½ d_AI² is 1-strongly geodesically convex,
/// d_AI(M, mean) ≤ ‖J‖: this is [`MeanReport::certified_error`], up to rounding (about d ε max|μ|).
///
/// Cost: one logarithm for each matrix and outer iteration (6 to 12 are usual); with Newton's method one decomposition for
/// each matrix and outer iteration (3 to 5), and two products of order d for each matrix and product with the Hessian
/// (7 to 10 in all). Memory: N d² for the factors, and for the frames of Newton's method.
///
/// # Errors
/// As [`log_euclidean`](super::log_euclidean()). A mean that has not converged is returned and says so.
pub fn affine_invariant(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    match *ISA {
        Isa::Portable => minimise::<2>(batch, weights, options),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => minimise::<4>(batch, weights, options),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => minimise::<8>(batch, weights, options),
    }
}

/// The mean with W matrices side by side.
fn minimise<const W: usize>(batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
    let pairs = checked_weights(batch, weights)?;
    let start = log_euclidean(batch, weights)?;
    let (indices, weights): (Vec<usize>, Vec<f64>) = pairs.into_iter().unzip();
    let set = Set {
        factors: Factors::<W>::new(batch.select(&indices).factors()),
        weights,
        options: *options,
    };
    let mut state = State {
        factor: start.cholesky().clone(),
        iterations: 0,
        best: None,
    };
    if !quasi_newton(&set, &mut state) {
        newton(&set, &mut state);
    }
    let State { best, iterations, .. } = state;
    let (gradient_norm, factor) = best.expect("the loop sets it in its first round");
    let mut mean = &factor * factor.transpose();
    mean.fill_lower_triangle_with_upper_triangle();
    Ok(MeanReport {
        mean: Spd::try_new(mean)?,
        iterations,
        gradient_norm,
        certified_error: Some(gradient_norm),
        converged: gradient_norm <= options.tolerance,
    })
}

/// What is averaged.
struct Set<const W: usize> {
    factors: Factors<W>,
    weights: Vec<f64>,
    options: MeanOptions,
}

/// Where an iteration stands.
struct State {
    factor: DMatrix<f64>,
    iterations: usize,
    /// The least gradient norm so far and its factor.
    best: Option<(f64, DMatrix<f64>)>,
}

impl State {
    /// Takes note of a gradient norm at the factor; whether it is the least so far.
    fn note(&mut self, norm: f64) -> bool {
        let improved = self.best.as_ref().is_none_or(|(least, _)| norm < *least);
        if improved {
            self.best = Some((norm, self.factor.clone()));
        }
        improved
    }

    /// Whether an iteration is over: it has converged, met its limit, or met rounding, where steps that converge fast no
    /// longer improve.
    fn is_over(&self, norm: f64, improved: bool, options: &MeanOptions) -> bool {
        norm <= options.tolerance || self.iterations == options.max_iterations || (!improved && norm < 1e-6)
    }

    /// Goes to L exp(V/2); returns the orthogonal Q by which the new lower triangular factor differs from that: vectors
    /// transported along the geodesic turn to QᵀVQ.
    fn go(&mut self, step: &DMatrix<f64>) -> DMatrix<f64> {
        let exponential = symmetric_eigen(step).map(|v| (0.5 * v).exp());
        let (lower, turn) = lower_factor(&(&self.factor * exponential));
        self.factor = lower;
        self.iterations += 1;
        turn
    }
}

/// A step V made and the change y of −J along it, in the present frame.
struct Pair {
    step: DMatrix<f64>,
    change: DMatrix<f64>,
}

/// Limited-memory BFGS (Nocedal, Math. Comp. 35, 1980) with parallel transport, on gradients alone: logarithms in lanes
/// cost a quarter of a decomposition. The Hessian it starts from is the average of 𝓗 over the eigenbases: 1 on multiples of
/// the identity, c of the root mean square of μ_a − μ_b elsewhere. False when it falls behind halving ‖J‖ in each step.
fn quasi_newton<const W: usize>(set: &Set<W>, state: &mut State) -> bool {
    let mut memory: Vec<Pair> = Vec::new();
    let mut last: Option<(DMatrix<f64>, DMatrix<f64>)> = None;
    let mut allowed = f64::INFINITY;
    loop {
        let (gradient, spread) = frames::logarithm_sum(*ISA, &state.factor, &set.factors, &set.weights);
        let norm = gradient.norm();
        let improved = state.note(norm);
        if norm <= set.options.tolerance || state.iterations == set.options.max_iterations {
            return true;
        }
        // Gradients of these steps may rise before they fall: whether rounding is met, Newton's method tells. Near it slow
        // progress is all there is.
        if norm.is_nan() || (!improved && norm < 1e-6) || (norm > allowed && norm > 1e-9) {
            return false;
        }
        allowed = 0.5 * allowed.min(LEEWAY * norm);
        if let Some((step, old)) = last.take() {
            let change = old - &gradient;
            if step.dot(&change) > 0.0 {
                memory.push(Pair { step, change });
            }
            if memory.len() > MEMORY {
                memory.remove(0);
            }
        }
        let mut step = inverse_hessian(&memory, &gradient, half_coth(spread.sqrt()));
        let length = step.norm();
        if length > MAX_STEP {
            step *= MAX_STEP / length;
        }
        let turn = state.go(&step);
        let transport = |v: &DMatrix<f64>| turn.tr_mul(&(v * &turn));
        for pair in &mut memory {
            pair.step = transport(&pair.step);
            pair.change = transport(&pair.change);
        }
        last = Some((transport(&step), transport(&gradient)));
    }
}

/// The inverse of the Hessian that the pairs imply, applied to J.
fn inverse_hessian(memory: &[Pair], gradient: &DMatrix<f64>, curvature: f64) -> DMatrix<f64> {
    let divide = |v: &DMatrix<f64>| {
        let n = v.nrows();
        let mean = v.trace() / n as f64;
        let mut out = v / curvature;
        for i in 0..n {
            out[(i, i)] += mean - mean / curvature;
        }
        out
    };
    let mut v = gradient.clone();
    let mut shares = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let share = pair.step.dot(&v) / pair.step.dot(&pair.change);
        v -= &pair.change * share;
        shares.push(share);
    }
    let mut step = divide(&v);
    if let Some(pair) = memory.last() {
        step *= pair.step.dot(&pair.change) / pair.change.dot(&divide(&pair.change));
    }
    for (pair, share) in memory.iter().zip(shares.into_iter().rev()) {
        let other = pair.change.dot(&step) / pair.step.dot(&pair.change);
        step += &pair.step * (share - other);
    }
    step
}

/// Newton's method from the best factor known, for sets on which [`quasi_newton`] is slow.
fn newton<const W: usize>(set: &Set<W>, state: &mut State) {
    if let Some((_, factor)) = &state.best {
        state.factor = factor.clone();
    }
    let mut first = true;
    loop {
        let frames = frames::frames(*ISA, &state.factor, &set.factors, &set.weights, half_coth);
        let gradient = frames::gradient(*ISA, &frames, state.factor.nrows());
        let norm = gradient.norm();
        // The first gradient is that of the best factor again.
        let improved = state.note(norm) || first;
        first = false;
        if state.is_over(norm, improved, &set.options) {
            return;
        }
        let mut step = newton_step(|v| frames::hessian(*ISA, &frames, v), &gradient, norm.min(0.1));
        let length = step.norm();
        if length > MAX_STEP {
            step *= MAX_STEP / length;
        }
        state.go(&step);
    }
}

/// (δ/2) coth(δ/2), 1 at 0.
fn half_coth(delta: f64) -> f64 {
    let half = 0.5 * delta.abs();
    if half < 1e-4 {
        1.0 + half * half / 3.0
    } else {
        half / half.tanh()
    }
}

/// Conjugate gradients on 𝓗(V) = J until the residual is `forcing` times ‖J‖.
fn newton_step(hessian: impl Fn(&DMatrix<f64>) -> DMatrix<f64>, gradient: &DMatrix<f64>, forcing: f64) -> DMatrix<f64> {
    let mut step = DMatrix::zeros(gradient.nrows(), gradient.ncols());
    let mut residual = gradient.clone();
    let mut direction = residual.clone();
    let mut square = residual.norm_squared();
    let stop = square * forcing * forcing;
    for _ in 0..MAX_PRODUCTS {
        if square <= stop {
            break;
        }
        let product = hessian(&direction);
        // 𝓗 ≥ identity, so the denominator is at least ‖direction‖².
        let length = square / direction.dot(&product);
        step += &direction * length;
        residual -= product * length;
        let next = residual.norm_squared();
        direction = &residual + direction * (next / square);
        square = next;
    }
    step
}

/// Lower triangular L with positive diagonal and L = GQ, from the QR factorisation of Gᵀ, and the orthogonal Q.
fn lower_factor(g: &DMatrix<f64>) -> (DMatrix<f64>, DMatrix<f64>) {
    let qr = g.transpose().qr();
    let (mut turn, mut lower) = (qr.q(), qr.r().transpose());
    for (mut column, mut turned) in lower.column_iter_mut().zip(turn.column_iter_mut()) {
        let pivot = column.iter().copied().find(|x| *x != 0.0).unwrap_or(1.0);
        if pivot < 0.0 {
            column.neg_mut();
            turned.neg_mut();
        }
    }
    (lower, turn)
}

#[cfg(test)]
pub(super) mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Positive definite matrices of condition about 1e3.
    pub(in crate::mean) fn some_matrices(order: usize, count: usize) -> SpdBatch {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(8);
        let mut data = Vec::new();
        for _ in 0..count {
            let g = DMatrix::from_fn(order, order, |i, _| {
                rng.random_range(-1.0..1.0) * f64::powi(0.7, i as i32)
            });
            let a = &g * g.transpose() + DMatrix::identity(order, order) * 1e-2;
            data.extend_from_slice(a.as_slice());
        }
        SpdBatch::try_from_vec(order, data).unwrap()
    }

    #[test]
    fn all_widths_and_both_iterations_find_the_same_mean() {
        let batch = some_matrices(9, 13);
        let options = MeanOptions::default();
        let mut means: Vec<DMatrix<f64>> = Vec::new();
        for mean in [minimise::<2>, minimise::<4>, minimise::<8>] {
            let report = mean(&batch, None, &options).unwrap();
            assert!(report.converged, "{report:?}");
            means.push(report.mean.into_matrix());
        }
        let set = Set {
            factors: Factors::<8>::new(batch.factors()),
            weights: vec![1.0 / 13.0; 13],
            options,
        };
        let start = log_euclidean(&batch, None).unwrap().cholesky().clone();
        for iteration in [
            |set: &Set<8>, state: &mut State| assert!(quasi_newton(set, state)),
            newton,
        ] {
            let mut state = State {
                factor: start.clone(),
                iterations: 0,
                best: None,
            };
            iteration(&set, &mut state);
            let (norm, factor) = state.best.unwrap();
            assert!(norm <= options.tolerance, "{norm:e}");
            means.push(&factor * factor.transpose());
        }
        for mean in &means {
            // Certified to 1e-12, and rounded by n ε κ.
            assert!((mean - &means[0]).norm() <= 1e-11 * mean.norm());
        }
    }
}
