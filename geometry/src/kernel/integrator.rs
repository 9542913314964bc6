//! Adaptive Gragg–Bulirsch–Stoer integration of smooth systems, with detection of a finite exit time.

/// Most extrapolation columns of a step (order 2·[`COLUMNS`]).
const COLUMNS: usize = 10;
/// Columns at which the step length is thought right: fewer make the next step longer, more make it shorter.
const IDEAL_COLUMNS: usize = 7;
/// Fraction of the time reached below which a step counts as vanished: the solution ends there.
pub(crate) const SMALLEST_STEP: f64 = 1e-10;

/// Fraction of the time reached in which an end that the system foresees counts as reached.
const FORESEEN: f64 = 1e-6;

/// Evaluations of the right-hand side in one integration at most: a geodesic of length 700, at which exponentials overflow,
/// takes half as many.
pub(crate) const EVALUATIONS: usize = 100_000;

/// Relative tolerance of a step at condition 1; it grows with the rounding of the right-hand side, ε κ.
const RTOL: f64 = 1e-13;
const LOOSEST_RTOL: f64 = 1e-6;

/// Relative tolerance of a step among matrices of this condition number: a smaller one would be met by steps too short
/// for rounding to show.
pub(crate) fn tolerance(condition: f64) -> f64 {
    (f64::EPSILON * condition).clamp(RTOL, LOOSEST_RTOL)
}

/// The right-hand side is not defined at the state it was asked for.
#[derive(Debug)]
pub(crate) struct Undefined;

/// How an integration ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// The end time was reached.
    Finished,
    /// The solution leaves the domain of the right-hand side at this time.
    Left { t: f64 },
}

/// A first-order system y' = f(y) on vectors made of blocks of different scales.
pub(crate) trait System {
    /// f(y) into `out`.
    fn derivative(&mut self, t: f64, y: &[f64], out: &mut [f64]) -> Result<(), Undefined>;

    /// Length of the blocks; errors are measured relative to each block's own norm.
    fn block(&self) -> usize;

    /// The time in which the solution ends, as far as the last state the derivative was asked for tells; small errors are
    /// no matter before the end is near.
    fn remaining(&self) -> f64 {
        f64::INFINITY
    }

    /// Called after each accepted step: restores invariants of the state or refuses it.
    fn accept(&mut self, _t: f64, _y: &mut [f64]) -> Result<(), Undefined> {
        Ok(())
    }
}

/// An accepted step: its length and the extrapolation columns it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    length: f64,
    columns: usize,
}

/// The working memory of integrations of one system, made once.
pub(crate) struct Integrator {
    block: usize,
    /// The largest norm seen of each block: a component on its way through zero keeps the scale of its block.
    scales: Vec<f64>,
    table: Vec<Vec<f64>>,
    slope: Vec<f64>,
    previous: Vec<f64>,
    current: Vec<f64>,
    start_slope: Vec<f64>,
    /// The steps of the last integration.
    pub(crate) steps: Vec<Step>,
    /// See [`SMALLEST_STEP`].
    pub(crate) smallest_step: f64,
    /// The end of an integration, and that of the solution once it is close ahead.
    end: f64,
    foreseen: Option<f64>,
}

/// Integrates from t = 0 to `end` (> 0), to relative tolerance `rtol` per step. On [`Outcome::Left`] `y` holds the last
/// state reached.
pub(crate) fn integrate(system: &mut impl System, y: &mut [f64], end: f64, rtol: f64) -> Outcome {
    Integrator::new(y.len(), system.block()).integrate(system, y, end, end, rtol)
}

impl Integrator {
    /// For states of `len` numbers in blocks of `block`.
    pub(crate) fn new(len: usize, block: usize) -> Self {
        Self {
            block,
            scales: vec![0.0; len / block],
            table: vec![vec![0.0; len]; COLUMNS],
            slope: vec![0.0; len],
            previous: vec![0.0; len],
            current: vec![0.0; len],
            start_slope: vec![0.0; len],
            steps: Vec::new(),
            smallest_step: SMALLEST_STEP,
            end: f64::INFINITY,
            foreseen: None,
        }
    }

    /// As the function [`integrate`], with the length of the first step to try. The times may be of any scale: steps
    /// are measured against the time reached.
    pub(crate) fn integrate(
        &mut self,
        system: &mut impl System,
        y: &mut [f64],
        first: f64,
        end: f64,
        rtol: f64,
    ) -> Outcome {
        self.steps.clear();
        self.end = end;
        self.scales.fill(0.0);
        let first = first.min(end);
        let (mut t, mut step) = (0.0, first);
        while t < end {
            // Also when a step has shrunk to nothing in units so small that its bound is zero.
            if step.is_nan() || step <= self.smallest_step * t.max(first) {
                return Outcome::Left { t };
            }
            let last = t + step >= end * (1.0 - SMALLEST_STEP);
            if last {
                step = end - t;
            }
            for (scale, chunk) in self.scales.iter_mut().zip(y.chunks(self.block)) {
                *scale = scale.max(norm(chunk));
            }
            let columns = self.try_step(system, y, t, step, rtol);
            if let Some(t) = self.foreseen.take() {
                return Outcome::Left { t };
            }
            let Some(columns) = columns else {
                step *= 0.4;
                continue;
            };
            let next = if last { end } else { t + step };
            if system.accept(next, &mut self.table[0]).is_err() {
                step *= 0.25;
                continue;
            }
            y.copy_from_slice(&self.table[0]);
            t = next;
            self.steps.push(Step { length: step, columns });
            step *= match columns.cmp(&IDEAL_COLUMNS) {
                std::cmp::Ordering::Less => 2.0,
                std::cmp::Ordering::Equal => 1.2,
                std::cmp::Ordering::Greater => 0.7,
            };
        }
        Outcome::Finished
    }

    /// The same steps from another start, without control of errors: what comes out depends smoothly on the start, so
    /// that differences of two integrations are free of the noise of step control.
    pub(crate) fn replay(&mut self, system: &mut impl System, y: &mut [f64], steps: &[Step]) -> Result<(), Undefined> {
        let mut t = 0.0;
        for &Step { length, columns } in steps {
            system.derivative(t, y, &mut self.start_slope)?;
            for k in 0..columns {
                self.midpoint(system, y, t, length, k).ok_or(Undefined)?;
                self.extrapolate(k);
            }
            t += length;
            system.accept(t, &mut self.table[0])?;
            y.copy_from_slice(&self.table[0]);
        }
        Ok(())
    }

    /// One step of modified midpoint rules with 2, 4, 6, … sub-steps, extrapolated in h². The number of columns used; the
    /// result is in `table[0]`. `None` when they do not agree to the tolerance.
    fn try_step(&mut self, system: &mut impl System, y: &[f64], t: f64, step: f64, rtol: f64) -> Option<usize> {
        system.derivative(t, y, &mut self.start_slope).ok()?;
        let remaining = system.remaining();
        if remaining < FORESEEN * t && t + remaining < self.end {
            self.foreseen = Some(t + remaining);
            return None;
        }
        let mut last_error = f64::INFINITY;
        for k in 0..COLUMNS {
            self.midpoint(system, y, t, step, k)?;
            let error = self.extrapolate(k);
            if !error.is_finite() && k > 0 {
                return None;
            }
            if k > 0 && error <= rtol {
                return Some(k + 1);
            }
            // Columns that stop converging well above the tolerance will not reach it.
            if k > 3 && error > 0.5 * last_error && error > 100.0 * rtol {
                return None;
            }
            last_error = error;
        }
        None
    }

    /// Neville's scheme in place: `table[k − j]` turns from T_{k−1,j−1} into T_{k,j}; the best value is `table[0]`.
    /// Returns its last correction, the largest over the blocks relative to their scales.
    fn extrapolate(&mut self, k: usize) -> f64 {
        let mut error = f64::INFINITY;
        for j in 1..=k {
            let (older, newer) = self.table.split_at_mut(k - j + 1);
            let (older, newer) = (&mut older[k - j], &newer[0]);
            let ratio = (k + 1) as f64 / (k - j + 1) as f64;
            let factor = 1.0 / (ratio * ratio - 1.0);
            let mut worst = 0.0_f64;
            for (index, (old, new)) in older.chunks_mut(self.block).zip(newer.chunks(self.block)).enumerate() {
                let mut sum = 0.0;
                for (o, &n) in old.iter_mut().zip(new) {
                    let correction = (n - *o) * factor;
                    *o = n + correction;
                    sum += correction * correction;
                }
                // Only the last correction is compared with anything.
                if j == k {
                    let scale = self.scales[index].max(norm(old));
                    let relative = if scale > 0.0 { sum.sqrt() / scale } else { 0.0 };
                    worst = if relative.is_nan() {
                        relative
                    } else {
                        worst.max(relative)
                    };
                }
            }
            error = worst;
        }
        error
    }

    /// Gragg's modified midpoint rule with 2(k + 1) sub-steps and its smoothing, into `table[k]`.
    fn midpoint(&mut self, system: &mut impl System, y: &[f64], t: f64, step: f64, k: usize) -> Option<()> {
        let count = 2 * (k + 1);
        let h = step / count as f64;
        let Self {
            slope,
            previous,
            current,
            start_slope,
            ..
        } = self;
        previous.copy_from_slice(y);
        for ((c, &y), &s) in current.iter_mut().zip(y).zip(start_slope.iter()) {
            *c = y + h * s;
        }
        for m in 1..count {
            system.derivative(t + m as f64 * h, current, slope).ok()?;
            for ((p, c), &s) in previous.iter_mut().zip(current.iter_mut()).zip(slope.iter()) {
                let next = *p + 2.0 * h * s;
                *p = *c;
                *c = next;
            }
        }
        system.derivative(t + step, current, slope).ok()?;
        for (((o, &p), &c), &s) in self.table[k]
            .iter_mut()
            .zip(previous.iter())
            .zip(current.iter())
            .zip(slope.iter())
        {
            *o = 0.5 * (p + c + h * s);
        }
        Some(())
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Riccati;
    impl System for Riccati {
        fn derivative(&mut self, _t: f64, y: &[f64], out: &mut [f64]) -> Result<(), Undefined> {
            out[0] = y[0] * y[0];
            if out[0].is_finite() { Ok(()) } else { Err(Undefined) }
        }
        fn block(&self) -> usize {
            1
        }
    }

    #[test]
    fn closed_form_and_pole() {
        // y' = y², y(0) = 1: y = 1/(1 − t).
        let mut y = vec![1.0];
        assert_eq!(integrate(&mut Riccati, &mut y, 0.9, 1e-14), Outcome::Finished);
        assert!((y[0] - 10.0).abs() < 1e-11);
        for (first, end) in [(2.0, 2.0), (0.1, 1e9), (1e3, 1e6)] {
            let mut y = vec![1.0];
            let left = Integrator::new(1, 1).integrate(&mut Riccati, &mut y, first, end, 1e-13);
            let Outcome::Left { t } = left else {
                panic!("passed a pole")
            };
            assert!((t - 1.0).abs() < 1e-6, "{t}");
        }
    }

    struct Oscillator;
    impl System for Oscillator {
        fn derivative(&mut self, _t: f64, y: &[f64], out: &mut [f64]) -> Result<(), Undefined> {
            out[0] = y[1];
            out[1] = -y[0];
            Ok(())
        }
        fn block(&self) -> usize {
            2
        }
    }

    #[test]
    fn many_steps_and_their_replay() {
        let mut integrator = Integrator::new(2, 2);
        let mut y = vec![0.0, 1.0];
        let outcome = integrator.integrate(&mut Oscillator, &mut y, 0.5, 30.0, 1e-13);
        assert_eq!(outcome, Outcome::Finished);
        assert!((y[0] - 30f64.sin()).abs() < 1e-11 && (y[1] - 30f64.cos()).abs() < 1e-11);
        let steps = integrator.steps.clone();
        let mut again = vec![0.0, 1.0];
        integrator.replay(&mut Oscillator, &mut again, &steps).unwrap();
        assert_eq!(y, again);
    }
}
