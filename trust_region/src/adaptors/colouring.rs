//! Groups of columns that share no row, and patterns found by trying.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::blocks::strict_start;
use crate::{Bounds, Error, Pattern, Result, System};

/// Groups of columns such that no two columns of a group have an entry in the same row: one difference of F then gives
/// all columns of a group (Curtis, Powell and Reid, J. Inst. Math. Appl. 13, 1974). Greedy, fullest columns first.
///
/// Cost O(Σ over rows of the squared number of entries).
///
/// ```
/// use hadamard_trust_region::{Pattern, adaptors::colouring};
/// let tridiagonal = Pattern::new(4, vec![0, 2, 5, 8, 10], vec![0, 1, 0, 1, 2, 1, 2, 3, 2, 3])?;
/// assert_eq!(colouring(&tridiagonal).len(), 3);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
pub fn colouring(pattern: &Pattern) -> Vec<Vec<usize>> {
    let n = pattern.columns();
    let mut by_row = vec![Vec::new(); pattern.rows()];
    for j in 0..n {
        pattern.column(j).iter().for_each(|&i| by_row[i].push(j));
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&j| std::cmp::Reverse(pattern.column(j).len()));
    let mut colour = vec![usize::MAX; n];
    // seen[c] = j: colour c is taken by a neighbour of j.
    let mut seen: Vec<usize> = Vec::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for j in order {
        for &i in pattern.column(j) {
            by_row[i]
                .iter()
                .map(|&k| colour[k])
                .filter(|&c| c != usize::MAX)
                .for_each(|c| seen[c] = j);
        }
        let free = (0..groups.len()).find(|&c| seen[c] != j).unwrap_or(groups.len());
        if free == groups.len() {
            groups.push(Vec::new());
            seen.push(usize::MAX);
        }
        colour[j] = free;
        groups[free].push(j);
    }
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups
}

/// Where the Jacobian of a system has entries, found by moving each variable at two random points of the box.
///
/// An entry that vanishes at both is missed, so formulas with branches need a pattern by hand. Takes 2n + 2 evaluations
/// of F.
///
/// # Errors
/// [`Error::NonFinite`] where F is not finite, [`Error::User`], [`Error::DimensionMismatch`].
pub fn detect_pattern(system: &(impl System + ?Sized), bounds: &Bounds, seed: u64) -> Result<Pattern> {
    let (m, n) = (system.equations(), system.variables());
    if bounds.len() != n {
        return Err(Error::DimensionMismatch {
            what: "bounds",
            expected: n,
            found: bounds.len(),
        });
    }
    let mut rng = Pcg64::seed_from_u64(seed);
    let mut rows = vec![Vec::new(); n];
    let (mut base, mut moved) = (vec![0.0; m], vec![0.0; m]);
    for _ in 0..2 {
        let sides = bounds.lower().iter().zip(bounds.upper());
        let mut x: Vec<f64> = sides
            .map(|(&l, &u)| {
                let (l, u) = match (l.is_finite(), u.is_finite()) {
                    (true, true) => (l, u),
                    (true, false) => (l, l + 10.0),
                    (false, true) => (u - 10.0, u),
                    (false, false) => (-1.0, 1.0),
                };
                l + rng.random::<f64>() * (u - l)
            })
            .collect();
        strict_start(bounds, &mut x);
        system.residual(&x, &mut base).map_err(Error::User)?;
        if let Some(index) = base.iter().position(|v| !v.is_finite()) {
            return Err(Error::NonFinite {
                what: "residual",
                index,
            });
        }
        for j in 0..n {
            let kept = x[j];
            let h = 1e-3 * kept.abs().max(1.0);
            x[j] = if kept + h <= bounds.upper()[j] {
                kept + h
            } else {
                (kept - h).max(bounds.lower()[j])
            };
            system.residual(&x, &mut moved).map_err(Error::User)?;
            x[j] = kept;
            rows[j].extend((0..m).filter(|&i| moved[i] != base[i]));
        }
    }
    let mut starts = vec![0];
    let mut indices = Vec::new();
    for mut column in rows {
        column.sort_unstable();
        column.dedup();
        indices.extend(column);
        starts.push(indices.len());
    }
    Pattern::new(m, starts, indices)
}
