//! Permutation test of two samples of SPD matrices.

use pulp::Arch;
use rayon::prelude::*;

use rand::seq::SliceRandom;

use super::cloud::LogCloud;
use super::directions::DirectionBank;
use super::draws::stream;
use super::one_dimensional::{Exponent, sorted_uniform};
use super::projection::PanelScratch;
use super::spdsw::POWERS;
use crate::error::{Error, Result, in_range};

/// Result of a permutation test.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoSampleTest {
    /// SPDSW_2² of the two samples.
    pub statistic: f64,
    /// (1 + number of permutations with at least this statistic) / (1 + permutations): exact under exchangeability.
    pub p_value: f64,
    /// Statistics of the permutations.
    pub null: Vec<f64>,
}

/// Tests whether two samples come from one distribution on SPD(d), whatever its shape, by SPDSW_2² under `permutations`
/// random relabellings.
///
/// The pooled points are projected and sorted once: a permutation costs a pass over the sorted lists, O(L (n+m)),
/// without a sort. Memory: L (n+m) pairs of a number and an index. Samples must be exchangeable under the null
/// hypothesis: windows that overlap are not.
///
/// # Errors
/// [`Error::DimensionMismatch`] for another order, [`Error::Empty`] for fewer than two points a sample or no
/// permutation, [`Error::InvalidWeights`] for weighted measures, [`Error::OutOfRange`] when a statistic leaves the range
/// of numbers.
pub fn two_sample_test(
    bank: &DirectionBank,
    a: &LogCloud,
    b: &LogCloud,
    permutations: usize,
    seed: u64,
) -> Result<TwoSampleTest> {
    bank.check_order(a.order())?;
    bank.check_order(b.order())?;
    if a.weights().is_some() || b.weights().is_some() {
        return Err(Error::InvalidWeights {
            reason: "a permutation test needs samples of equal masses".into(),
        });
    }
    if a.len() < 2 || b.len() < 2 {
        return Err(Error::Empty {
            what: "sample of a permutation test (at least two points)",
        });
    }
    if permutations == 0 {
        return Err(Error::Empty {
            what: "list of permutations",
        });
    }
    let (n, total) = (a.len(), a.len() + b.len());
    let pooled = LogCloud::from_packed_rows(a.order(), [a.rows(), b.rows()].concat())?;
    let arch = Arch::new();
    let mut sorted = vec![(0.0, 0u32); bank.len() * total];
    sorted
        .par_chunks_mut(super::directions::PANEL * total)
        .enumerate()
        .for_each_init(
            <(PanelScratch, Vec<(f64, u32)>)>::default,
            |(scratch, order), (panel, out)| {
                scratch.project(arch, bank, panel, &pooled);
                scratch.order_lanes(arch);
                for (lane, out) in out.chunks_exact_mut(total).enumerate() {
                    scratch.argsort(lane, order);
                    out.copy_from_slice(order);
                }
            },
        );
    let statistic_of = |in_first: &[bool], u: &mut Vec<f64>, v: &mut Vec<f64>| -> f64 {
        let mut sum = 0.0;
        for direction in sorted.chunks_exact(total) {
            u.clear();
            v.clear();
            for &(value, point) in direction {
                if in_first[point as usize] {
                    u.push(value)
                } else {
                    v.push(value)
                }
            }
            sum += sorted_uniform(u, v, Exponent::Two);
        }
        sum / bank.len() as f64
    };
    let first: Vec<bool> = (0..total).map(|i| i < n).collect();
    let statistic = statistic_of(&first, &mut Vec::new(), &mut Vec::new());
    let null: Vec<f64> = (0..permutations)
        .into_par_iter()
        .map_init(Default::default, |(u, v), index| {
            let mut labels = first.clone();
            labels.shuffle(&mut stream(seed, index as u64));
            statistic_of(&labels, u, v)
        })
        .collect();
    let [statistic] = in_range(POWERS, [statistic])?;
    let null = in_range(POWERS, null)?;
    let as_large = null.iter().filter(|&&s| s >= statistic).count();
    Ok(TwoSampleTest {
        statistic,
        p_value: (1 + as_large) as f64 / (1 + permutations) as f64,
        null,
    })
}
