//! Edge lists: `from to [weight]` per line.

use std::path::Path;

use crate::error::Result;
use crate::read::{lines, malformed, number, parse};
use crate::sparse::Csr;

/// Orders that are never too many: 128 MiB of offsets.
const FEW_NODES: usize = 1 << 24;
/// Nodes for each edge beyond which a file of a few bytes could ask for all memory.
const NODES_PER_EDGE: usize = 1024;

/// Reads an edge list: two node numbers from 0 and an optional weight (1 when absent) per line, separated by blanks,
/// tabs or commas; `#` and `%` start a comment. Repeated edges are added.
///
/// The matrix is square, its order one more than the largest node; `symmetric` adds every edge in both directions
/// (loops once). Errs with the line at fault; also at a node so far beyond the number of edges that nearly all rows would
/// be empty (above 2^24 and above 1024 nodes for each edge): numbers that are names belong into a map of keys
/// ([`crate::Keyed`]).
pub fn read_edges(path: impl AsRef<Path>, symmetric: bool) -> Result<Csr> {
    let path = path.as_ref();
    let (mut edges, mut order, mut last) = (Vec::new(), 0usize, 0);
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
        if from.max(to) >= order {
            (order, last) = (from.max(to) + 1, at);
        }
        edges.push((from, to, weight));
        if symmetric && from != to {
            edges.push((to, from, weight));
        }
    }
    let most = edges.len().saturating_mul(NODES_PER_EDGE).max(FEW_NODES);
    if order > most {
        let reason = format!("node {} is too far beyond the {} edges", order - 1, edges.len());
        return Err(malformed(path, Some(last), reason));
    }
    Csr::from_triplets(order, order, edges)
}
