//! Simulated cohorts whose truth is known.
//!
//! Person i has q brain sources of powers p and d - q noise sources, seen by d channels through a mixing matrix:
//!
//! ```text
//! M   = expm(μ D),  D Gaussian d x d of unit Frobenius norm        (the same head for all)
//! M_i = M + σ_A E_i                                                (a head of one's own)
//! C_it = M_i blockdiag(diag(p_it), N Nᵀ / m) M_iᵀ                  (window t; N Gaussian (d-q) x m, m = 4 (d-q))
//! log p_it = l_i + s_i e_it,  e_it standard Gaussian               (powers change from window to window)
//! ```
//!
//! Age is in one of two places:
//! * [`Signal::Mean`]: l_i = log u_i with u_i uniform on [0.02, 1]^q, s_i = 0.1, age = 55 + 9 z_i + noise, where z_i is
//!   ⟨a, l_i⟩ for a random unit vector a, standardised by its known mean and deviation.
//! * [`Signal::Spread`]: l_i = 0, s_i = 0.4 exp(z_i), z_i uniform on [-1, 1], age = 55 + 20 z_i + noise. The mean
//!   log-covariance knows nothing of age; only the distribution over windows does.
//!
//! The model with `l_i` alone is that of Sabbagh et al., NeurIPS 2019 (arXiv 1906.02687), with noise of 4(d - q)
//! degrees of freedom in place of d - q, which would be nearly singular.

use hadamard_geometry::SpdBatch;
use nalgebra::DMatrix;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use crate::cohort::{Cohort, Example};
use crate::error::{Error, Result};

/// Where the age is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signal {
    /// In the mean log power of the sources.
    #[default]
    Mean,
    /// In how much the powers vary from window to window.
    Spread,
}

/// A generative model of a cohort; see the [module](self) for its equations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulation {
    /// Where the age is.
    pub signal: Signal,
    /// Number of people.
    pub subjects: usize,
    /// Number d of channels.
    pub channels: usize,
    /// Number q < d of sources that know the age.
    pub sources: usize,
    /// Windows of every person.
    pub windows: usize,
    /// μ, the Riemannian size of the mixing.
    pub mixing_distance: f64,
    /// σ_A, how much heads differ.
    pub mixing_noise: f64,
    /// Standard deviation of the noise on age, in years.
    pub age_noise: f64,
}

impl Default for Simulation {
    /// 120 people, 6 channels, 2 sources, 40 windows, mixing distance 1, heads differing by 0.02, half a year of noise.
    fn default() -> Self {
        Self {
            signal: Signal::Mean,
            subjects: 120,
            channels: 6,
            sources: 2,
            windows: 40,
            mixing_distance: 1.0,
            mixing_noise: 0.02,
            age_noise: 0.5,
        }
    }
}

/// A simulated cohort and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedCohort {
    /// The examples, in one band.
    pub cohort: Cohort,
    /// Age of every person, in years.
    pub ages: Vec<f64>,
    /// M, the mixing all heads have in common.
    pub mixing: DMatrix<f64>,
}

impl Simulation {
    /// Draws a cohort. The same seed gives the same people on every platform, and the first people of a larger cohort
    /// are those of a smaller one. O(N T d³).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for no people or windows, no source, no noise source, a size that is negative or not
    /// finite, a size of the mixing above 100, or noise that lifts an age out of the range of numbers;
    /// [`Error::Geometry`] when the mixing makes a covariance singular to working precision.
    ///
    /// ```
    /// use hadamard_meeg::simulate::Simulation;
    ///
    /// let drawn = Simulation { subjects: 8, ..Simulation::default() }.draw(1)?;
    /// assert_eq!(drawn.cohort.len(), 8);
    /// assert_eq!(drawn.cohort.examples()[0].bands[0].len(), 40);
    /// # Ok::<(), hadamard_meeg::Error>(())
    /// ```
    pub fn draw(&self, seed: u64) -> Result<SimulatedCohort> {
        self.check()?;
        let mut rng = Pcg64::seed_from_u64(seed);
        let direction = gaussian(self.channels, self.channels, &mut rng);
        let mixing = (&direction * (self.mixing_distance / direction.norm())).exp();
        let weights = gaussian(self.sources, 1, &mut rng);
        let weights = &weights / weights.norm();
        let mut examples = Vec::with_capacity(self.subjects);
        let mut ages = Vec::with_capacity(self.subjects);
        for person in 0..self.subjects {
            // A generator of one's own: whoever comes later does not change this person.
            let mut rng = Pcg64::seed_from_u64(rng.next_u64());
            let (log_powers, spread, age) = self.person(weights.as_slice(), &mut rng);
            if !age.is_finite() {
                return Err(Error::InvalidParameter {
                    name: "age_noise",
                    value: self.age_noise,
                    reason: "an age leaves the range of numbers",
                });
            }
            ages.push(age);
            examples.push(Example {
                id: format!("sim-{:03}", person + 1),
                person,
                bands: vec![self.covariances(&mixing, &log_powers, spread, &mut rng)?],
            });
        }
        let channels = (1..=self.channels).map(|channel| format!("ch{channel}")).collect();
        Ok(SimulatedCohort {
            cohort: Cohort::try_new(examples, vec!["simulated".into()], channels)?,
            ages,
            mixing,
        })
    }

    /// Mean log powers, spread over windows, and age of one person.
    fn person(&self, weights: &[f64], rng: &mut impl Rng) -> (Vec<f64>, f64, f64) {
        let (log_powers, spread, clean) = match self.signal {
            Signal::Mean => {
                let powers: Vec<f64> = (0..self.sources).map(|_| rng.random_range(LEAST_POWER..1.0)).collect();
                let logs: Vec<f64> = powers.iter().map(|power: &f64| power.ln()).collect();
                let (mean, deviation) = log_uniform_moments(LEAST_POWER);
                // |a| = 1: ⟨a, standardised l⟩ has variance 1.
                let z: f64 = weights.iter().zip(&logs).map(|(a, l)| a * (l - mean) / deviation).sum();
                (logs, 0.1, 55.0 + 9.0 * z)
            }
            Signal::Spread => {
                let z: f64 = rng.random_range(-1.0..1.0);
                (vec![0.0; self.sources], 0.4 * z.exp(), 55.0 + 20.0 * z)
            }
        };
        (log_powers, spread, clean + self.age_noise * normal(rng))
    }

    /// Covariances of the windows of one person.
    fn covariances(
        &self,
        mixing: &DMatrix<f64>,
        log_powers: &[f64],
        spread: f64,
        rng: &mut impl Rng,
    ) -> Result<SpdBatch> {
        let (d, q) = (self.channels, self.sources);
        let freedom = 4 * (d - q);
        let head = mixing + gaussian(d, d, rng) * self.mixing_noise;
        let mut data = Vec::with_capacity(self.windows * d * d);
        for _ in 0..self.windows {
            let mut root = DMatrix::zeros(d, q + freedom);
            for (k, mean) in log_powers.iter().enumerate() {
                root[(k, k)] = (0.5 * (mean + spread * normal(rng))).exp();
            }
            let noise = gaussian(d - q, freedom, rng) / (freedom as f64).sqrt();
            root.view_mut((q, q), (d - q, freedom)).copy_from(&noise);
            let seen = &head * root;
            data.extend_from_slice((&seen * seen.transpose()).as_slice());
        }
        Ok(SpdBatch::try_from_vec(d, data)?)
    }

    fn check(&self) -> Result<()> {
        let at_least = |name, value: usize, least: usize, reason| {
            if value < least {
                return Err(Error::InvalidParameter {
                    name,
                    value: value as f64,
                    reason,
                });
            }
            Ok(())
        };
        at_least("subjects", self.subjects, 1, "a cohort needs a person")?;
        at_least("sources", self.sources, 1, "some source must know the age")?;
        at_least(
            "channels",
            self.channels,
            self.sources + 1,
            "there must be more channels than sources",
        )?;
        at_least("windows", self.windows, 1, "a recording needs a window")?;
        // Exponentials of matrices of norm 1000 overflow, and those of astronomical norms take as long to find out.
        let sizes = [
            ("mixing_distance", self.mixing_distance, 100.0),
            ("mixing_noise", self.mixing_noise, 100.0),
            ("age_noise", self.age_noise, f64::MAX),
        ];
        match sizes
            .into_iter()
            .find(|(_, value, most)| !(0.0..=*most).contains(value))
        {
            None => Ok(()),
            Some((name, value, most)) => Err(Error::InvalidParameter {
                name,
                value,
                reason: if most < f64::MAX {
                    "it must lie between 0 and 100"
                } else {
                    "it must be finite and not negative"
                },
            }),
        }
    }
}

/// Least source power: log u of u uniform on (0, 1) would have no bound below.
const LEAST_POWER: f64 = 0.02;

/// Mean and standard deviation of log u, u uniform on [a, 1].
///
/// ∫ log u du = u log u - u and ∫ log² u du = u log² u - 2 u log u + 2 u.
fn log_uniform_moments(a: f64) -> (f64, f64) {
    let mean = (-1.0 - (a * a.ln() - a)) / (1.0 - a);
    let second = (2.0 - (a * a.ln().powi(2) - 2.0 * a * a.ln() + 2.0 * a)) / (1.0 - a);
    (mean, (second - mean * mean).sqrt())
}

fn normal(rng: &mut impl Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn gaussian(rows: usize, columns: usize, rng: &mut impl Rng) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| normal(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_log_uniform_match_a_midpoint_sum() {
        let (mean, deviation) = log_uniform_moments(0.02);
        let n = 200_000;
        let logs: Vec<f64> = (0..n)
            .map(|k| (0.02 + 0.98 * (k as f64 + 0.5) / n as f64).ln())
            .collect();
        let sum = logs.iter().sum::<f64>() / n as f64;
        let var = logs.iter().map(|l| (l - sum) * (l - sum)).sum::<f64>() / n as f64;
        // Midpoint error h²/24 |f''| (b - a) with h = 0.98/n and |f''| <= 2.5e3 for log, 2.5e4 for log².
        assert!((mean - sum).abs() < 1e-7 && (deviation - var.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn a_larger_cohort_starts_with_the_smaller_one() {
        let small = Simulation {
            subjects: 3,
            ..Simulation::default()
        };
        let large = Simulation {
            subjects: 5,
            ..Simulation::default()
        };
        let (a, b) = (small.draw(7).unwrap(), large.draw(7).unwrap());
        assert_eq!(a.cohort.examples(), &b.cohort.examples()[..3]);
        assert_eq!(a.ages, b.ages[..3]);
        assert_ne!(a.ages, small.draw(8).unwrap().ages);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for bad in [
            Simulation {
                subjects: 0,
                ..Simulation::default()
            },
            Simulation {
                channels: 2,
                ..Simulation::default()
            },
            Simulation {
                windows: 0,
                ..Simulation::default()
            },
            Simulation {
                mixing_noise: f64::NAN,
                ..Simulation::default()
            },
        ] {
            assert!(matches!(bad.draw(0), Err(Error::InvalidParameter { .. })));
        }
    }
}
