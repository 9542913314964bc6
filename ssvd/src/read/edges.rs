//! Edge lists: `from to [weight]` per line.

use std::path::Path;

use crate::error::Result;
use crate::read::{lines, malformed, number, parse};
use crate::sparse::Csr;

/// Reads an edge list: two node numbers from 0 and an optional weight (1 when absent) per line, separated by blanks,
/// tabs or commas; `#` and `%` start a comment. Repeated edges are added.
///
/// The matrix is square, its order one more than the largest node; `symmetric` adds every edge in both directions
/// (loops once). Errs with the line at fault.
pub fn read_edges(path: impl AsRef<Path>, symmetric: bool) -> Result<Csr> {
    let path = path.as_ref();
    let (mut edges, mut order) = (Vec::new(), 0usize);
    for line in lines(path)? {
        let (at, line) = line?;
        let mut words = line
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|w| !w.is_empty())
            .peekable();
        if words.peek().is_none_or(|w| w.starts_with(['#', '%'])) {
            continue;
        }
        let from: usize = parse(path, at, "first node", words.next())?;
        let to: usize = parse(path, at, "second node", words.next())?;
        let weight = words.next().map_or(Ok(1.0), |w| number(path, at, "weight", Some(w)))?;
        if let Some(extra) = words.next() {
            return Err(malformed(
                path,
                Some(at),
                format!("unexpected {extra:?} after the weight"),
            ));
        }
        // Node numbers become memory: one offset each.
        if from.max(to) >= u32::MAX as usize {
            return Err(malformed(
                path,
                Some(at),
                format!("node {} is beyond 2^32 - 2", from.max(to)),
            ));
        }
        order = order.max(from.max(to) + 1);
        edges.push((from, to, weight));
        if symmetric && from != to {
            edges.push((to, from, weight));
        }
    }
    Csr::from_triplets(order, order, edges)
}
