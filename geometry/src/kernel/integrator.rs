//! Adaptive Gragg–Bulirsch–Stoer integration of smooth systems, with detection of a finite exit time.

/// Most extrapolation columns of a step (order 2·[`COLUMNS`]).
const COLUMNS: usize = 10;
/// Columns at which the step length is thought right: fewer make the next step longer, more make it shorter.
const IDEAL_COLUMNS: usize = 7;
/// Fraction of the interval below which a step counts as vanished: the solution ends there.
const SMALLEST_STEP: f64 = 1e-10;

/// The right-hand side is not defined at the state it was asked for.
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

    /// Called after each accepted step: restores invariants of the state or refuses it.
    fn accept(&mut self, _t: f64, _y: &mut [f64]) -> Result<(), Undefined> {
        Ok(())
    }
}

/// Integrates from t = 0 to `end` (> 0), to relative tolerance `rtol` per step. On [`Outcome::Left`] `y` holds the last state reached.
pub(crate) fn integrate(system: &mut impl System, y: &mut Vec<f64>, end: f64, rtol: f64) -> Outcome {
    let len = y.len();
    let block = system.block();
    // The largest norm seen of each block: a component on its way through zero keeps the scale of its block.
    let mut scales = vec![0.0_f64; len / block];
    let mut table: Vec<Vec<f64>> = (0..COLUMNS).map(|_| vec![0.0; len]).collect();
    let mut scratch = Scratch {
        slope: vec![0.0; len],
        previous: vec![0.0; len],
        current: vec![0.0; len],
        start_slope: vec![0.0; len],
    };
    let (mut t, mut step) = (0.0, end);
    while t < end {
        if step < SMALLEST_STEP * end {
            return Outcome::Left { t };
        }
        let last = t + step >= end * (1.0 - SMALLEST_STEP);
        if last {
            step = end - t;
        }
        for (scale, chunk) in scales.iter_mut().zip(y.chunks(block)) {
            *scale = scale.max(norm(chunk));
        }
        match try_step(system, y, t, step, rtol, &scales, &mut table, &mut scratch) {
            Some(columns) => {
                let mut candidate = table[0].clone();
                let next = if last { end } else { t + step };
                if system.accept(next, &mut candidate).is_err() {
                    step *= 0.25;
                    continue;
                }
                *y = candidate;
                t = next;
                step *= match columns.cmp(&IDEAL_COLUMNS) {
                    std::cmp::Ordering::Less => 2.0,
                    std::cmp::Ordering::Equal => 1.2,
                    std::cmp::Ordering::Greater => 0.7,
                };
            }
            None => step *= 0.4,
        }
    }
    Outcome::Finished
}

struct Scratch {
    slope: Vec<f64>,
    previous: Vec<f64>,
    current: Vec<f64>,
    start_slope: Vec<f64>,
}

/// One step of modified midpoint rules with 2, 4, 6, … sub-steps, extrapolated in h². The number of columns used; the
/// result is in `table[0]`. `None` when they do not agree to the tolerance.
#[allow(clippy::too_many_arguments)]
fn try_step(
    system: &mut impl System,
    y: &[f64],
    t: f64,
    step: f64,
    rtol: f64,
    scales: &[f64],
    table: &mut [Vec<f64>],
    scratch: &mut Scratch,
) -> Option<usize> {
    let block = system.block();
    system.derivative(t, y, &mut scratch.start_slope).ok()?;
    let mut last_error = f64::INFINITY;
    for k in 0..COLUMNS {
        midpoint(system, y, t, step, 2 * (k + 1), &mut table[k], scratch)?;
        // Neville's scheme in place: table[k − j] turns from T_{k−1,j−1} into T_{k,j}; the best value is table[0].
        let mut error = f64::INFINITY;
        for j in 1..=k {
            let (older, newer) = table.split_at_mut(k - j + 1);
            let (older, newer) = (&mut older[k - j], &newer[0]);
            let ratio = (k + 1) as f64 / (k - j + 1) as f64;
            let factor = 1.0 / (ratio * ratio - 1.0);
            let mut worst = 0.0_f64;
            for (index, (old, new)) in older.chunks_mut(block).zip(newer.chunks(block)).enumerate() {
                let mut sum = 0.0;
                for (o, &n) in old.iter_mut().zip(new) {
                    let correction = (n - *o) * factor;
                    *o = n + correction;
                    sum += correction * correction;
                }
                let scale = scales[index].max(norm(old));
                worst = worst.max(if scale > 0.0 { sum.sqrt() / scale } else { 0.0 });
            }
            error = worst;
        }
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

/// Gragg's modified midpoint rule with `count` sub-steps and its smoothing.
fn midpoint(
    system: &mut impl System,
    y: &[f64],
    t: f64,
    step: f64,
    count: usize,
    out: &mut [f64],
    scratch: &mut Scratch,
) -> Option<()> {
    let h = step / count as f64;
    let Scratch {
        slope,
        previous,
        current,
        start_slope,
    } = scratch;
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
    for (((o, &p), &c), &s) in out
        .iter_mut()
        .zip(previous.iter())
        .zip(current.iter())
        .zip(slope.iter())
    {
        *o = 0.5 * (p + c + h * s);
    }
    Some(())
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
        let mut y = vec![1.0];
        let Outcome::Left { t } = integrate(&mut Riccati, &mut y, 2.0, 1e-13) else {
            panic!("passed a pole")
        };
        assert!((t - 1.0).abs() < 1e-6, "{t}");
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
    fn many_steps() {
        let mut y = vec![0.0, 1.0];
        assert_eq!(integrate(&mut Oscillator, &mut y, 30.0, 1e-13), Outcome::Finished);
        assert!((y[0] - 30f64.sin()).abs() < 1e-11 && (y[1] - 30f64.cos()).abs() < 1e-11);
    }
}
