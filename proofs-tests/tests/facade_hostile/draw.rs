//! Random hostile numbers and shapes, what is asked of results, and the loop over cases with its time limit.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::time::Duration;

use nalgebra::{DMatrix, DVector};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// `PROPTEST_CASES` when it is not set: a few seconds for the whole file.
const USUAL: u64 = 48;

/// A case that takes longer hangs: all of them are small.
const LIMIT: Duration = Duration::from_secs(60);

/// Draws the input of one case. Half of the cases have well-behaved numbers of one common scale, so that they reach the
/// depth of the algorithms; the other half mixes everything.
pub(crate) struct Draw {
    pub(crate) rng: Pcg64,
    wild: f64,
    scale: f64,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Pcg64::seed_from_u64(seed);
        let wild = [0.0, 0.0, 0.02, 0.3][rng.random_range(0..4)];
        let exponent = [0, 0, 0, -12, -26, -150, -300, 12, 150, 300][rng.random_range(0..10)];
        Self {
            rng,
            wild,
            scale: 10f64.powi(exponent),
        }
    }

    /// True once in `n`.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.rng.random_range(0..n) == 0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    /// A number of the case's scale, or anything.
    pub(crate) fn number(&mut self) -> f64 {
        if self.rng.random::<f64>() < self.wild {
            return self.anything();
        }
        self.scale * self.tame()
    }

    /// A number around 1, sometimes whole, so that ties and zeros occur.
    pub(crate) fn tame(&mut self) -> f64 {
        let x = 4.0 * self.rng.random::<f64>() - 2.0;
        if self.one_in(4) { x.round() } else { x }
    }

    /// A parameter: mostly tame and positive, otherwise anything.
    pub(crate) fn parameter(&mut self) -> f64 {
        if self.one_in(4) {
            self.anything()
        } else {
            self.tame().abs()
        }
    }

    pub(crate) fn anything(&mut self) -> f64 {
        const SPECIAL: [f64; 16] = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            f64::MAX,
            f64::MIN,
            f64::EPSILON,
            1e-160,
            1e160,
            -1e200,
            1.0,
            -1.0,
        ];
        let at = self.below(SPECIAL.len() + 4);
        match SPECIAL.get(at) {
            Some(&x) => x,
            None => 10f64.powf(600.0 * self.rng.random::<f64>() - 300.0) * self.tame().signum(),
        }
    }

    pub(crate) fn numbers(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.number()).collect()
    }

    pub(crate) fn anythings(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.anything()).collect()
    }

    /// Usually `n`, sometimes another length.
    pub(crate) fn about(&mut self, n: usize) -> usize {
        if self.one_in(8) { self.below(n + 3) } else { n }
    }

    pub(crate) fn matrix(&mut self, rows: usize, cols: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, cols, |_, _| self.number())
    }

    /// A a^T + shift, of the case's scale: positive definite unless a wild number comes in.
    pub(crate) fn spd(&mut self, n: usize) -> DMatrix<f64> {
        let a = DMatrix::from_fn(n, n, |_, _| self.tame());
        let shift = [1.0, 1e-3, 1e-10, 0.0][self.below(4)];
        let scale = self.scale;
        let mut m = (&a * a.transpose() + DMatrix::identity(n, n) * shift) * scale;
        if n > 0 && self.rng.random::<f64>() < self.wild {
            let (i, j, x) = (self.below(n), self.below(n), self.anything());
            (m[(i, j)], m[(j, i)]) = (x, x);
        }
        m
    }
}

/// Results that consist of numbers.
pub(crate) trait Numbers {
    fn finite(&self) -> bool;
}

impl Numbers for f64 {
    fn finite(&self) -> bool {
        self.is_finite()
    }
}

impl Numbers for usize {
    fn finite(&self) -> bool {
        true
    }
}

impl Numbers for DMatrix<f64> {
    fn finite(&self) -> bool {
        self.iter().all(|x| x.is_finite())
    }
}

impl Numbers for DVector<f64> {
    fn finite(&self) -> bool {
        self.iter().all(|x| x.is_finite())
    }
}

impl<T: Numbers> Numbers for Vec<T> {
    fn finite(&self) -> bool {
        self.iter().all(Numbers::finite)
    }
}

impl<T: Numbers> Numbers for [T] {
    fn finite(&self) -> bool {
        self.iter().all(Numbers::finite)
    }
}

impl<T: Numbers> Numbers for Option<T> {
    fn finite(&self) -> bool {
        self.as_ref().is_none_or(Numbers::finite)
    }
}

impl<T: Numbers + ?Sized> Numbers for &T {
    fn finite(&self) -> bool {
        (**self).finite()
    }
}

impl<A: Numbers, B: Numbers> Numbers for (A, B) {
    fn finite(&self) -> bool {
        self.0.finite() && self.1.finite()
    }
}

impl Numbers for i64 {
    fn finite(&self) -> bool {
        true
    }
}

/// The result, when there is one; its numbers must be finite, its error a line with words in it.
#[track_caller]
pub(crate) fn finite<T: Numbers, E: Display>(what: &str, result: Result<T, E>) -> Option<T> {
    let found = sound(what, result)?;
    assert!(found.finite(), "{what}: a silent NaN or infinity");
    Some(found)
}

/// The result, when there is one; its error must be a line with words in it.
#[track_caller]
pub(crate) fn sound<T, E: Display>(what: &str, result: Result<T, E>) -> Option<T> {
    match result {
        Ok(found) => Some(found),
        Err(error) => {
            let text = error.to_string();
            assert!(
                !text.trim().is_empty() && !text.contains('\n'),
                "{what}: error {text:?}"
            );
            None
        }
    }
}

/// Runs `cases` cases (scaled by `PROPTEST_CASES`, 256 being once, 48 usual), each on a thread of its own so that a hang is seen;
/// all failures are reported together, one for each message.
pub(crate) fn cases(cases: u64, case: fn(&mut Draw)) {
    let scale = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse::<u64>().ok());
    let cases = (cases * scale.unwrap_or(USUAL)).div_ceil(256);
    let first = std::env::var("HOSTILE_SEED").ok().and_then(|n| n.parse::<u64>().ok());
    let seeds = first.map_or(0..cases, |seed| seed..seed + 1);
    let mut failures: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for seed in seeds {
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let run = AssertUnwindSafe(|| case(&mut Draw::new(seed)));
            let _ = send.send(std::panic::catch_unwind(run).map_err(|payload| {
                let text = payload.downcast_ref::<String>().cloned();
                text.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string()))
                    .unwrap_or_default()
            }));
        });
        let outcome = receive.recv_timeout(LIMIT);
        let failure = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(message)) => message,
            Err(_) => format!("no end after {LIMIT:?}"),
        };
        // Numbers differ from case to case; what is left of the message tells failures apart.
        let kind: String = failure.chars().filter(|c| !c.is_ascii_digit()).take(160).collect();
        failures.entry(kind).or_default().push(seed);
    }
    let told =
        |(kind, seeds): (&String, &Vec<u64>)| format!("{} times, HOSTILE_SEED={}: {kind}", seeds.len(), seeds[0]);
    let list: Vec<String> = failures.iter().map(told).collect();
    assert!(list.is_empty(), "{} kinds of failure:\n{}", list.len(), list.join("\n"));
}

/// For debugging: what a value is, in short.
#[allow(dead_code)]
pub(crate) fn short(value: &impl Debug) -> String {
    format!("{value:?}").chars().take(400).collect()
}
