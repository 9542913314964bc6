//! Brackets refined together: 16 shifts in every pass, whatever each bracket needs next.

use std::ops::Range;

use rayon::prelude::*;

use super::Refinement;
use super::float_key::{distance, key, unkey};
use crate::jacobi::Jacobi;
use crate::kernel::{Isa, LANES, LaguerreLanes, LaguerreSums};

/// Laguerre steps after which a bracket goes back to multisection: convergence is cubic, so this many mean a cluster.
const LAGUERRE_LIMIT: u32 = 8;

/// What a bracket does next.
#[derive(Clone, Copy)]
enum Plan {
    /// Cut into equal parts.
    Section,
    /// Laguerre's step from cuts of the bracket, or from the estimate and points around it.
    Laguerre { estimate: Option<(f64, f64)>, steps: u32 },
    /// Walk away from an accurate estimate in growing strides until the count flips.
    Gallop { from: i64, stride: i64, side: Side },
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Unknown,
    Up,
    Down,
}

/// Floats a < b (as keys) with count_below(a) = below.start ≤ k < below.end = count_below(b) for the wanted k.
#[derive(Clone)]
struct Bracket {
    a: i64,
    b: i64,
    below: Range<usize>,
    plan: Plan,
}

/// Eigenvalues `wanted`, ascending. `wanted` lies inside 0..order and may be empty.
pub(super) fn solve(j: &Jacobi, wanted: Range<usize>, refinement: Refinement) -> Vec<f64> {
    let mut values = vec![0.0; wanted.len()];
    let mut open = if wanted.is_empty() { vec![] } else { vec![whole(j)] };
    for round in 0.. {
        open.retain(|bracket| {
            let done = distance(bracket.a, bracket.b) == 1;
            if done {
                let ours = bracket.below.start.max(wanted.start)..bracket.below.end.min(wanted.end);
                values[ours.start - wanted.start..ours.end - wanted.start].fill(unkey(bracket.a));
            }
            !done
        });
        if open.is_empty() {
            break;
        }
        open = advance(j, &open, &wanted, refinement, round);
    }
    values
}

/// The bracket of the whole spectrum: Gershgorin's interval and the error of a count around it. Its ends stand for
/// counts 0 and n and are never evaluated, so the upper one may lie beyond the range of shifts.
fn whole(j: &Jacobi) -> Bracket {
    let (low, high) = j.gershgorin();
    let eta = 2.0 * f64::EPSILON * j.coupling_radius() + f64::from_bits(1);
    let limit = f64::MAX / 2.0;
    let a = key((low - eta).max(-limit)) - 1;
    let b = key((high + eta).min(limit)) + 1;
    Bracket {
        a,
        b,
        below: 0..j.order(),
        plan: Plan::Section,
    }
}

/// One round: every bracket proposes points, all points are evaluated together, every bracket is narrowed or split.
fn advance(j: &Jacobi, open: &[Bracket], wanted: &Range<usize>, refinement: Refinement, round: usize) -> Vec<Bracket> {
    let share = (LANES / open.len()).max(1);
    let proposals: Vec<Vec<i64>> = open.iter().map(|bracket| bracket.points(share, round)).collect();
    let mut counted = Vec::new();
    let mut iterated = Vec::new();
    for (bracket, points) in open.iter().zip(&proposals) {
        let list = if matches!(bracket.plan, Plan::Laguerre { .. }) {
            &mut iterated
        } else {
            &mut counted
        };
        list.extend(points.iter().map(|&p| unkey(p)));
    }
    let counts = j
        .counts_below(&counted)
        .expect("points lie inside Gershgorin's interval");
    let sums = laguerre(j, &iterated);
    let (mut counts, mut sums) = (counts.as_slice(), sums.as_slice());

    let mut next = Vec::with_capacity(open.len());
    for (bracket, points) in open.iter().zip(&proposals) {
        if matches!(bracket.plan, Plan::Laguerre { .. }) {
            let (mine, rest) = sums.split_at(points.len());
            sums = rest;
            next.push(bracket.iterate(j, points, mine));
        } else {
            let (mine, rest) = counts.split_at(points.len());
            counts = rest;
            bracket.split(points, mine, wanted, refinement, &mut next);
        }
    }
    next
}

fn laguerre(j: &Jacobi, shifts: &[f64]) -> Vec<LaguerreSums> {
    let mut sums = vec![LaguerreSums::default(); shifts.len()];
    let isa = Isa::best();
    let pass = |(xs, out): (&[f64], &mut [LaguerreSums])| {
        let lanes = std::array::from_fn(|lane| xs[lane.min(xs.len() - 1)]);
        let all = isa.run(LaguerreLanes {
            diagonal: j.diagonal(),
            couplings: j.couplings(),
            shifts: &lanes,
        });
        out.copy_from_slice(&all[..out.len()]);
    };
    if shifts.len() > LANES && j.order() > 1 << 12 {
        shifts.par_chunks(LANES).zip(sums.par_chunks_mut(LANES)).for_each(pass);
    } else {
        shifts.chunks(LANES).zip(sums.chunks_mut(LANES)).for_each(pass);
    }
    sums
}

impl Bracket {
    /// At most `share` keys strictly inside, ascending, at least one.
    fn points(&self, share: usize, round: usize) -> Vec<i64> {
        match self.plan {
            Plan::Section | Plan::Laguerre { estimate: None, .. } => self.cuts(share, round),
            Plan::Laguerre {
                estimate: Some((x, error)),
                ..
            } => {
                let reach = (0..(share - 1) / 2).map(|i| error * 4f64.powi(i as i32));
                let around = reach.flat_map(|r| [x - r, x + r]);
                self.inside(around.chain([x]).map(key))
            }
            Plan::Gallop { from, stride, side } => match side {
                Side::Up => self.inside([self.a.saturating_add(stride)]),
                Side::Down => self.inside([self.b.saturating_sub(stride)]),
                Side::Unknown => {
                    let reach = (0..(share - 1) / 2).map(|i| stride.saturating_mul(1 << (2 * i)));
                    let around = reach.flat_map(|r| [from.saturating_sub(r), from.saturating_add(r)]);
                    self.inside(around.chain([from]))
                }
            },
        }
    }

    /// Equal cuts: of the value while the bracket spans many binades (every other cut, or every other round when there
    /// is one cut only, is then of the float's position, so that tiny eigenvalues are reached), of the position
    /// afterwards.
    fn cuts(&self, share: usize, round: usize) -> Vec<i64> {
        let parts = share as i128 + 1;
        let width = distance(self.a, self.b);
        let by_position = |i: i128| (i128::from(self.a) + width * i / parts) as i64;
        let (x, y) = (unkey(self.a), unkey(self.b));
        let by_value = |i: i128| {
            let t = i as f64 / parts as f64;
            key(x * (1.0 - t) + y * t)
        };
        let few_binades = width < 2 << 52;
        self.inside((1..parts).map(|i| {
            let alternate = if share == 1 { round % 2 == 1 } else { i % 4 == 3 };
            if few_binades || alternate {
                by_position(i)
            } else {
                by_value(i)
            }
        }))
    }

    /// The keys moved inside the bracket, sorted, without repetition.
    fn inside(&self, keys: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut keys: Vec<i64> = keys.into_iter().map(|p| p.clamp(self.a + 1, self.b - 1)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The parts between the points that hold wanted eigenvalues.
    fn split(
        &self,
        points: &[i64],
        counts: &[usize],
        wanted: &Range<usize>,
        refinement: Refinement,
        out: &mut Vec<Bracket>,
    ) {
        let ends = points.iter().copied().chain([self.b]);
        let end_counts = counts.iter().copied().chain([self.below.end]);
        let (mut a, mut below) = (self.a, self.below.start);
        for (b, count) in ends.zip(end_counts) {
            if count > below && below < wanted.end && count > wanted.start {
                let mut part = Bracket {
                    a,
                    b,
                    below: below..count,
                    plan: Plan::Section,
                };
                part.plan = self.after_split(&part, refinement);
                out.push(part);
            }
            (a, below) = (b, count);
        }
    }

    /// The plan of a part that this bracket was narrowed to by counts.
    fn after_split(&self, part: &Bracket, refinement: Refinement) -> Plan {
        match self.plan {
            Plan::Gallop { from, stride, side } => {
                let (moved_up, moved_down) = (part.a != self.a, part.b != self.b);
                let side = match side {
                    _ if moved_up && moved_down => return Plan::Section,
                    Side::Unknown if moved_up => Side::Up,
                    Side::Unknown => Side::Down,
                    Side::Up if moved_down => return Plan::Section,
                    Side::Down if moved_up => return Plan::Section,
                    _ => side,
                };
                Plan::Gallop {
                    from,
                    stride: stride.saturating_mul(4),
                    side,
                }
            }
            // A bracket that has been through Laguerre's iteration comes back to be cut only.
            Plan::Section if self.below.len() == 1 => Plan::Section,
            _ if refinement == Refinement::Laguerre && part.below.len() == 1 => Plan::Laguerre {
                estimate: None,
                steps: 0,
            },
            _ => Plan::Section,
        }
    }

    /// Narrows an isolating bracket by the counts of a Laguerre pass and takes the best step as the new estimate.
    fn iterate(&self, j: &Jacobi, points: &[i64], sums: &[LaguerreSums]) -> Bracket {
        let Plan::Laguerre { steps, .. } = self.plan else {
            unreachable!("called for Laguerre plans only")
        };
        let n = j.order() as f64;
        let mut next = self.clone();
        let mut best: Option<(f64, f64, f64)> = None;
        for (&point, s) in points.iter().zip(sums) {
            let up = s.count <= self.below.start;
            if up {
                next.a = next.a.max(point);
            } else {
                next.b = next.b.min(point);
            }
            let root = ((n - 1.0) * (n * s.second - s.first * s.first)).max(0.0).sqrt();
            let step = n / if up { s.first + root } else { s.first - root };
            // One eigenvalue at distance `step` would make the second sum 1/step²; what is left is the others' part,
            // and the relative error of a step is of its order.
            let error = step.abs() * (s.second * step * step - 1.0).abs();
            let leads_inside = if up { step > 0.0 } else { step < 0.0 };
            if leads_inside && error.is_finite() && best.is_none_or(|(_, old, _)| error < old) {
                best = Some((unkey(point) + step, error, step.abs()));
            }
        }
        next.plan = match best {
            Some((x, error, _)) if x.is_finite() => {
                // A count's own resolution: u R in value.
                let grain = (x.abs().next_up() - x.abs()).max(0.25 * f64::EPSILON * j.coupling_radius());
                if error <= 4.0 * grain {
                    let stride = distance(key(x), key(x + grain)).clamp(1, 1 << 60) as i64;
                    Plan::Gallop {
                        from: key(x),
                        stride,
                        side: Side::Unknown,
                    }
                } else if steps + 1 < LAGUERRE_LIMIT {
                    Plan::Laguerre {
                        estimate: Some((x, error)),
                        steps: steps + 1,
                    }
                } else {
                    Plan::Section
                }
            }
            _ => Plan::Section,
        };
        next
    }
}
